"""Sending stored objects: which contexts to propose, which to use, raw bytes where the receiver takes them (PS3.4 B)."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from heliograph.engine.children import shared
from heliograph.engine.telemetry import trouble
from heliograph.gateways.dimse import status
from heliograph.gateways.dimse.association import AcceptedContext
from heliograph.gateways.dimse.catalogue import Stored
from heliograph.gateways.dimse.requestor import MAX_CONTEXTS, Proposal
from heliograph.kit.errors import Absent, Broken, HeliographError
from heliograph.standards.dicom import part10, uids

CHUNK_BYTES = 1 << 20
MAX_TRANSCODED_BYTES = 1 << 30
_TRANSCODE_S = 120.0

Read = Callable[[Stored, int, int], bytes]

_PLAIN = (uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one sub-operation."""

    status: int
    comment: str = ""

    @property
    def is_failure(self) -> bool:
        return not status.is_success(self.status) and not status.is_warning(self.status)


@dataclass(frozen=True, slots=True)
class Batch:
    """Objects that one association can carry."""

    proposals: tuple[Proposal, ...]
    items: tuple[Stored, ...]


def plan(items: Sequence[Stored]) -> list[Batch]:
    """The items in their order, in as few associations as 128 contexts allow (trap 43)."""
    batches: list[Batch] = []
    syntaxes: dict[str, dict[str, None]] = {}
    carried: list[Stored] = []
    for item in items:
        if item.transfer_syntax not in syntaxes.get(item.sop_class_uid, ()):
            wider = syntaxes | {
                item.sop_class_uid: {**syntaxes.get(item.sop_class_uid, {}), item.transfer_syntax: None}
            }
            if carried and len(_proposals(wider)) > MAX_CONTEXTS:
                batches.append(Batch(_proposals(syntaxes), tuple(carried)))
                carried = []
                wider = {item.sop_class_uid: {item.transfer_syntax: None}}
            syntaxes = wider
        carried.append(item)
    return [*batches, Batch(_proposals(syntaxes), tuple(carried))] if carried else batches


def _proposals(syntaxes: dict[str, dict[str, None]]) -> tuple[Proposal, ...]:
    """Each class with every transfer syntax it is stored in, one per context, and plain ones to fall back on."""
    proposals = []
    for sop_class, stored in syntaxes.items():
        proposals += [Proposal(sop_class, (syntax,)) for syntax in stored]
        rest = tuple(syntax for syntax in _PLAIN if syntax not in stored)
        proposals += [Proposal(sop_class, rest)] if rest else []
    return tuple(proposals)


def choose_context(contexts: Iterable[AcceptedContext], item: Stored) -> AcceptedContext | None:
    """The context in the object's own transfer syntax, else a plain one, else one that holds pixels without loss."""
    usable = [context for context in contexts if context.abstract_syntax == item.sop_class_uid]
    by_syntax = {context.transfer_syntax: context for context in reversed(usable)}
    for syntax in (item.transfer_syntax, *_PLAIN, uids.EXPLICIT_VR_BIG_ENDIAN, *uids.LOSSLESS_COMPRESSED):
        if syntax in by_syntax:
            return by_syntax[syntax]
    return None


@dataclass(frozen=True, slots=True)
class Encoded:
    """A data set ready for one context."""

    total: int
    chunks: Iterator[bytes]


def encoded_for(item: Stored, context: AcceptedContext, read: Read) -> Encoded:
    """The stored bytes when the context has the object's transfer syntax, else transcoded ones; Broken when they cannot be."""
    total = item.size_bytes - item.prefix_bytes
    if context.transfer_syntax == item.transfer_syntax:
        return Encoded(total, _begun(_ranges(item, read, item.prefix_bytes)))
    if item.size_bytes > MAX_TRANSCODED_BYTES:
        raise Broken("the object is too large to be transcoded", code="too_large_to_transcode")
    from heliograph.standards.dicom.transcode import transcode

    # In a child: a codec that dies on foreign pixels must not take the other associations along.
    whole = shared().do(transcode, b"".join(_ranges(item, read, 0)), context.transfer_syntax, timeout_s=_TRANSCODE_S)
    start, _ = part10.split(whole)
    view = memoryview(whole)[start:]
    return Encoded(len(view), (bytes(view[n : n + CHUNK_BYTES]) for n in range(0, len(view), CHUNK_BYTES)))


def _begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same with the first one read: an object that storage does not give is noticed before a word of it has been sent."""
    first = next(chunks, b"")
    return itertools.chain((first,), chunks)


def _ranges(item: Stored, read: Read, start: int) -> Iterator[bytes]:
    for offset in range(start, item.size_bytes, CHUNK_BYTES):
        yield read(item, offset, min(CHUNK_BYTES, item.size_bytes - offset))


def failure_of(error: HeliographError) -> Result:
    """An object that could not be prepared fails alone; the rest goes on (trap 48)."""
    trouble("dimse.not_sent", error)
    code = status.NO_SUCH_SOP_INSTANCE if isinstance(error, Absent) else status.PROCESSING_FAILURE
    return Result(code, error.message)
