"""What C-MOVE and C-GET have in common: reading the request, counting sub-operations (PS3.4 C.4.2, C.4.3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from heliograph.gateways.dimse import dimse, status
from heliograph.gateways.dimse.association import AcceptedContext, Association
from heliograph.gateways.dimse.catalogue import Stored
from heliograph.gateways.dimse.dimse import Command, response
from heliograph.gateways.dimse.sender import Result
from heliograph.gateways.dimse.services import PATIENT_ROOT
from heliograph.kit.errors import Invalid
from heliograph.kit.time import monotonic_s
from heliograph.standards.dicom import dataset, tags
from heliograph.standards.dicom.matching import Matching, has_wildcard
from heliograph.standards.dicom.query import UNIQUE_KEYS, Level, Query, from_identifier

MAX_IDENTIFIER_BYTES = 8 << 20
_PENDING_EVERY_S = 0.5
USED_UP = "what this device may take in an hour is used up; ask again later"
_MOST_16_BIT = 0xFFFF
_ACCESSION = tags.tag_of("AccessionNumber")
_SELECTING = frozenset((*UNIQUE_KEYS.values(), _ACCESSION))
_FAILED_LIST = tags.tag_of("FailedSOPInstanceUIDList")


def selection(identifier: bytes, context: AcceptedContext) -> Query:
    """The instances that a retrieve asks for. Invalid when the key of its level is empty: that would mean everything (trap 47)."""
    elements = dataset.decode(identifier, context.transfer_syntax).to_elements()
    query = from_identifier(elements, patient_root=context.abstract_syntax in PATIENT_ROOT)
    conditions = tuple(condition for condition in query.conditions if condition.tag in _SELECTING)
    if any(one.matching is not Matching.VALUE or any(map(has_wildcard, one.values)) for one in conditions):
        raise Invalid("a retrieve takes whole identifiers, no wildcards", code="bad_unique_key")
    named = {condition.tag for condition in conditions}
    if query.level.unique_key not in named and not (query.level is Level.STUDY and _ACCESSION in named):
        keyword = tags.keyword_of(query.level.unique_key)
        raise Invalid(f"{keyword} must not be empty at level {query.level}", code="empty_unique_key")
    return replace(query, level=Level.IMAGE, conditions=conditions, return_keys=(), items={}, limit=None, offset=0)


@dataclass(slots=True)
class Suboperations:
    """Counts of one retrieve and the responses that tell them; counts are 16 bit on the wire (trap 49)."""

    association: Association
    context_id: int
    request: Command
    remaining: int
    completed: int = 0
    failed: int = 0
    warning: int = 0
    cancelled: bool = False
    failed_uids: list[str] = field(default_factory=list)
    given: list[Stored] = field(default_factory=list)
    comment: str = ""
    _told_at: float = 0.0

    def add(self, item: Stored, result: Result) -> None:
        self.remaining -= 1
        if result.is_failure:
            self.failed += 1
            self.failed_uids.append(item.sop_instance_uid)
            return
        self.given.append(item)
        if status.is_success(result.status):
            self.completed += 1
        else:
            self.warning += 1

    def fail_rest(self, items: Sequence[Stored], comment: str = "") -> None:
        """The destination cannot be reached any more, or no more may be taken: what was not told of `items` has failed."""
        self.comment = comment
        done = {item.sop_instance_uid for item in self.given} | set(self.failed_uids)
        for item in items:
            if item.sop_instance_uid not in done:
                self.add(item, Result(status.PROCESSING_FAILURE))

    def heed(self, command: Command) -> None:
        """A C-CANCEL-RQ that names this operation; others are passed over (trap 46)."""
        if command.command_field == dimse.C_CANCEL_RQ and command.responds_to == self.request.message_id:
            self.cancelled = True

    def poll_cancel(self) -> bool:
        received = self.association.poll_command()
        if received is not None:
            self.heed(received[1])
        return self.cancelled

    def tell_pending(self) -> None:
        """At most one pending response in half a second: it is a sign of life, not a log."""
        now = monotonic_s()
        if self.remaining and now - self._told_at >= _PENDING_EVERY_S:
            self._told_at = now
            self.association.send_command(self.context_id, self._response(status.PENDING, remaining=self.remaining))

    def finish(self) -> None:
        """The final response; it lists what failed (PS3.4 C.4.2.1.4.2)."""
        code = self._final_status()
        remaining = self.remaining if self.cancelled else None
        reply = self._response(code, remaining=remaining)
        if not self.failed_uids:
            self.association.send_command(self.context_id, reply)
            return
        reply.data_set_type = dimse.DATA_SET
        syntax = self.association.contexts[self.context_id].transfer_syntax
        elements = {_FAILED_LIST: ("UI", tuple(self.failed_uids))}
        self.association.send_message(self.context_id, reply, dataset.encode(elements, syntax))

    def _final_status(self) -> int:
        if self.cancelled:
            return status.CANCEL
        if not self.failed and not self.warning:
            return status.SUCCESS
        if not self.completed and not self.warning:
            return status.OUT_OF_RESOURCES_SUBOPERATIONS
        return status.SUBOPERATIONS_WITH_FAILURES

    def _response(self, code: int, *, remaining: int | None) -> Command:
        return response(
            self.request,
            code,
            remaining=None if remaining is None else min(remaining, _MOST_16_BIT),
            completed=min(self.completed, _MOST_16_BIT),
            failed=min(self.failed, _MOST_16_BIT),
            warning=min(self.warning, _MOST_16_BIT),
            error_comment="" if code == status.PENDING else self.comment,
        )
