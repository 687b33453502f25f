"""Where a data set begins and how it is encoded: prefix, file meta group, declared and real encoding (PS3.10 7)."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from heliograph.standards.dicom import tags, uids
from heliograph.standards.dicom._layout import (
    BIG,
    LITTLE,
    LONG,
    SHORT,
    UNDEFINED,
    Buffer,
    Endianness,
    Extent,
    Unparseable,
)

_META_GROUP: Final = 0x0002
_PREFIX: Final = b"DICM"
_PROBED: Final = 4
_TRANSFER_SYNTAX: Final = 0x00020010
_GROUP_LENGTH: Final = 0x00020000
_FIRST_META: Final = 132


class Encoding(NamedTuple):
    explicit: bool
    little: bool

    @property
    def order(self) -> Endianness:
        return LITTLE if self.little else BIG


_ENCODINGS: Final = (Encoding(True, True), Encoding(False, True), Encoding(True, False))


@dataclass(slots=True)
class Envelope:
    """What stands before the data set."""

    start: int = 0
    declared: str = ""
    meta: dict[int, Extent] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    ran_out: int = 0  # the file meta group is cut off


def declared_encoding(transfer_syntax: str) -> Encoding:
    if transfer_syntax in uids.IMPLICIT:
        return Encoding(explicit=False, little=True)
    return Encoding(explicit=True, little=transfer_syntax != uids.EXPLICIT_VR_BIG_ENDIAN)


def open_envelope(data: Buffer) -> Envelope:
    """Finds the file meta group and the data set behind it, with or without preamble and prefix."""
    size = len(data)
    if bytes(data[128:132]) == _PREFIX:
        # The four letters may also stand by chance inside of a data set that has no preamble.
        if _is_meta(data, _FIRST_META) or believable(data, _FIRST_META) or not believable(data, 0):
            return _read_meta(data, _FIRST_META, Envelope())
    elif bytes(data[:4]) == _PREFIX:
        return _read_meta(data, 4, Envelope(problems=["no preamble"]))
    if _is_meta(data, 0):
        return _read_meta(data, 0, Envelope(problems=["no preamble and no prefix"]))
    for start in (0, 128, _FIRST_META):
        if start < size and believable(data, start):
            return Envelope(start, problems=["no file meta information"])
    raise Unparseable("neither a DICOM file nor a DICOM data set", code="not_dicom")


def _is_meta(data: Buffer, pos: int) -> bool:
    if pos + 8 > len(data):
        return False
    group, number, code, _ = LITTLE.explicit(data, pos)
    if group != _META_GROUP or number > 0x0102:
        return False
    return code in SHORT or code in LONG or pos + 8 + int(LITTLE.implicit(data, pos)[2]) <= len(data)


def _read_meta(data: Buffer, pos: int, envelope: Envelope) -> Envelope:
    size = len(data)
    announced = 0
    while pos + 8 <= size:
        group, number, code, length = LITTLE.explicit(data, pos)
        if group != _META_GROUP or (pos == announced and code not in SHORT and code not in LONG):
            break
        start = pos + 8
        vr = SHORT.get(code)
        if vr is None and code in LONG:
            if pos + 12 > size:
                envelope.ran_out = pos + 12
                break
            vr = LONG[code]
            start, length = pos + 12, LITTLE.long(data, pos + 8)[0]
        elif vr is None:
            vr, length = "", LITTLE.implicit(data, pos)[2]
            _once(envelope, "file meta information in implicit VR")
        if start + length > size:
            envelope.ran_out = start + length
            break
        tag = group << 16 | number
        envelope.meta[tag] = (vr, start, length)
        pos = start + length
        if tag == _GROUP_LENGTH and length == 4:
            announced = pos + LITTLE.long(data, start)[0]
    else:
        envelope.ran_out = envelope.ran_out or pos + 8
    envelope.start = pos
    _judge_meta(data, envelope, announced)
    return envelope


def _judge_meta(data: Buffer, envelope: Envelope, announced: int) -> None:
    if not envelope.meta:
        _once(envelope, "no file meta information")
    elif not announced:
        _once(envelope, "no group length in the file meta information")
    elif announced != envelope.start and not envelope.ran_out:
        _once(envelope, "wrong group length of the file meta information")
    extent = envelope.meta.get(_TRANSFER_SYNTAX)
    if extent is None:
        if envelope.meta:
            _once(envelope, "no Transfer Syntax UID in the file meta information")
        return
    value = bytes(data[extent[1] : extent[1] + extent[2]])
    envelope.declared = value.decode("latin_1").strip(" \0")
    if value.endswith(b"\0") and len(envelope.declared) % 2 == 0:
        _once(envelope, "Transfer Syntax UID with a needless NUL")


def _once(envelope: Envelope, problem: str) -> None:
    if problem not in envelope.problems:
        envelope.problems.append(problem)


def believable(data: Buffer, pos: int) -> Encoding | None:
    """The encoding in which the first elements at pos make sense: known tags that rise, with lengths that fit."""
    return next((encoding for encoding in _ENCODINGS if _fits(data, pos, encoding)), None)


def _fits(data: Buffer, pos: int, encoding: Encoding) -> bool:
    size = len(data)
    last = -1
    for number in range(_PROBED):
        if pos + 8 > size:
            return number > 0 and pos <= size
        step = _step(data, pos, encoding)
        if step is None:
            return False
        tag, pos = step
        if tag <= last or tag >> 16 < 0x0004 or (tags.attribute(tag) is None and not tags.is_private(tag)):
            return False
        last = tag
        if pos > size:
            # A first value that does not fit proves nothing.
            return number > 0
    return True


def _step(data: Buffer, pos: int, encoding: Encoding) -> tuple[int, int] | None:
    order = encoding.order
    group, number, length = order.implicit(data, pos)
    tag = group << 16 | number
    if encoding.explicit:
        _, _, code, length = order.explicit(data, pos)
        if code in LONG:
            if pos + 12 > len(data):
                return None
            length = order.long(data, pos + 8)[0]
            pos += 4
        elif code not in SHORT:
            return None
    # What follows an undefined length cannot be probed by arithmetic: it counts as the end.
    return tag, (len(data) + 1 if length == UNDEFINED else pos + 8 + length)


def agrees(data: Buffer, pos: int, encoding: Encoding) -> bool:
    """Whether the first element does not speak against the declared encoding."""
    if pos + 8 > len(data):
        return True
    group, _, code, _ = encoding.order.explicit(data, pos)
    has_vr = code in SHORT or code in LONG
    swapped = (group & 0xFF) << 8 | group >> 8
    if group > swapped:
        return False
    if encoding.explicit:
        return has_vr
    return not has_vr or not _fits(data, pos, Encoding(explicit=True, little=encoding.little))


def real_encoding(data: Buffer, pos: int, declared: Encoding) -> Encoding:
    """The encoding that the bytes show; the declared one when they show nothing."""
    if agrees(data, pos, declared):
        return declared
    return believable(data, pos) or _without_vr(data, pos) or declared


def _without_vr(data: Buffer, pos: int) -> Encoding | None:
    """Implicit VR, when the first element has no VR and a length that fits."""
    if pos + 8 > len(data):
        return None
    _, _, code, _ = LITTLE.explicit(data, pos)
    length = LITTLE.implicit(data, pos)[2]
    if code in SHORT or code in LONG or not (length == UNDEFINED or pos + 8 + length <= len(data)):
        return None
    return Encoding(explicit=False, little=True)
