"""Our own use of other nodes: C-ECHO, C-STORE, C-FIND, C-MOVE, C-GET over an open association (PS3.7 9)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from heliograph.gateways.dimse import dimse, status
from heliograph.gateways.dimse.association import SERVICE_USER, AcceptedContext, Association, Lost, TimedOut
from heliograph.gateways.dimse.dimse import Command
from heliograph.kit.errors import Invalid, Refused
from heliograph.kit.time import monotonic_s
from heliograph.standards.dicom import uids

MAX_IDENTIFIER_BYTES = 16 << 20
_LOOK_EVERY_S = 0.25

AskToStop = Callable[[], float | None]
"""None while a retrieve shall go on; else it is cancelled, and so many seconds are waited for the other node's last answer."""


@dataclass(frozen=True, slots=True)
class Originator:
    """Who asked for a C-MOVE: goes into its C-STORE sub-operations (PS3.7 9.1.1.1.8)."""

    aet: str
    message_id: int


@dataclass(frozen=True, slots=True)
class Progress:
    """One C-MOVE or C-GET response; `identifier` is the encoded list of failed UIDs when there is one."""

    status: int
    remaining: int | None
    completed: int
    failed: int
    warning: int
    identifier: bytes = b""

    @property
    def is_final(self) -> bool:
        return not status.is_pending(self.status)


class Taker(Protocol):
    """Takes objects that a C-GET sends: (context, C-STORE-RQ) -> nothing; it receives the data set and answers."""

    def __call__(self, context_id: int, command: Command) -> None: ...


class User:
    """Numbers the messages of one association and matches the responses."""

    def __init__(self, association: Association, *, response_timeout_s: float = 300.0) -> None:
        self.association = association
        self._timeout_s = response_timeout_s
        self.is_sending = False  # a data set has been begun and not ended
        self._last_id = 0

    def next_id(self) -> int:
        self._last_id = self._last_id % 0xFFFF + 1
        return self._last_id

    def context_for(self, abstract_syntax: str, transfer_syntax: str | None = None) -> AcceptedContext | None:
        """An accepted context in which we may be the user."""
        for context in self.association.contexts.values():
            if context.abstract_syntax == abstract_syntax and transfer_syntax in {None, context.transfer_syntax}:
                return context
        return None

    def echo(self) -> int:
        """The status of a C-ECHO (PS3.7 9.1.5)."""
        context = self._context(uids.VERIFICATION)
        request = Command(dimse.C_ECHO_RQ, message_id=self.next_id(), affected_sop_class_uid=uids.VERIFICATION)
        self.association.send_command(context.context_id, request)
        return self._reply(request.message_id).status or 0

    def store(
        self,
        context: AcceptedContext,
        sop_instance_uid: str,
        chunks: Iterable[bytes],
        total: int,
        originator: Originator | None = None,
    ) -> Command:
        """Send one data set that is already in the context's transfer syntax; the C-STORE-RSP."""
        request = store_request(self.next_id(), context.abstract_syntax, sop_instance_uid, originator)
        self.is_sending = True
        self.association.send_stream(context.context_id, request, chunks, total)
        self.is_sending = False
        return self._reply(request.message_id)

    def find(
        self, model: str, identifier: Callable[[str], bytes], *, limit: int | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """(transfer syntax, identifier) of each match; asks to cancel after `limit` matches (PS3.4 C.4.1)."""
        context = self._context(model)
        request = self._query(dimse.C_FIND_RQ, model)
        self.association.send_message(context.context_id, request, identifier(context.transfer_syntax))
        count = 0
        while True:
            reply, data = self._reply_with_data(request.message_id)
            if not status.is_pending(reply.status or 0):
                if reply.status not in {status.SUCCESS, status.CANCEL}:
                    raise _failure("find", reply)
                return
            count += 1
            if limit is not None and count > limit:
                continue
            yield context.transfer_syntax, data
            if limit is not None and count == limit:
                self.cancel(context.context_id, request.message_id)

    def move(
        self, model: str, identifier: Callable[[str], bytes], destination_aet: str, stop: AskToStop = lambda: None
    ) -> Iterator[Progress]:
        """Responses until the final one (PS3.4 C.4.2); none of them is final when a cancelled one does not end in time."""
        context = self._context(model)
        request = self._query(dimse.C_MOVE_RQ, model)
        request.move_destination = destination_aet
        self.association.send_message(context.context_id, request, identifier(context.transfer_syntax))
        return self._progress(context.context_id, request.message_id, None, stop)

    def get(
        self, model: str, identifier: Callable[[str], bytes], take: Taker, stop: AskToStop = lambda: None
    ) -> Iterator[Progress]:
        """As `move`; objects that come between go to `take` (PS3.4 C.4.3)."""
        context = self._context(model)
        request = self._query(dimse.C_GET_RQ, model)
        self.association.send_message(context.context_id, request, identifier(context.transfer_syntax))
        return self._progress(context.context_id, request.message_id, take, stop)

    def cancel(self, context_id: int, message_id: int | None) -> None:
        self.association.send_command(context_id, Command(dimse.C_CANCEL_RQ, responds_to=message_id))

    def release(self) -> None:
        """Orderly end; an other side that is already gone does not matter."""
        try:
            self.association.release()
        except Lost:
            self.association.abort()

    def _context(self, abstract_syntax: str) -> AcceptedContext:
        context = self.context_for(abstract_syntax)
        if context is None:
            raise Refused(f"the other node does not offer {uids.name_of(abstract_syntax)}", code="not_accepted")
        return context

    def _query(self, command_field: int, model: str) -> Command:
        return Command(
            command_field,
            message_id=self.next_id(),
            affected_sop_class_uid=model,
            priority=dimse.MEDIUM,
            data_set_type=dimse.DATA_SET,
        )

    def _reply(self, message_id: int | None) -> Command:
        return self._reply_with_data(message_id)[0]

    def _reply_with_data(self, message_id: int | None) -> tuple[Command, bytes]:
        while True:
            received = self.association.receive_command(timeout_s=self._timeout_s)
            if received is None:
                raise Lost("the other node released the association in the middle of an operation", code="released")
            context_id, command = received
            data = b""
            if command.has_data_set:
                data = self.association.read_data_set(context_id, MAX_IDENTIFIER_BYTES)
            if command.is_response and command.responds_to == message_id:
                return command, data

    def _progress(
        self, context_id: int, message_id: int | None, take: Taker | None, stop: AskToStop
    ) -> Iterator[Progress]:
        wait = _Wait(self, context_id, message_id, stop)
        while wait.is_answered(self._timeout_s):
            received = self.association.receive_command(timeout_s=self._timeout_s)
            if received is None:
                raise Lost("the other node released the association in the middle of an operation", code="released")
            context_id, command = received
            if command.command_field == dimse.C_STORE_RQ and take is not None:
                take(context_id, command)
                continue
            data = self.association.read_data_set(context_id, MAX_IDENTIFIER_BYTES) if command.has_data_set else b""
            if not command.is_response or command.responds_to != message_id:
                continue
            progress = Progress(
                command.status or 0,
                command.remaining,
                command.completed or 0,
                command.failed or 0,
                command.warning or 0,
                data,
            )
            yield progress
            if progress.is_final:
                return


class _Wait:
    """Waits for what comes next in a retrieve; sends C-CANCEL-RQ once when it shall stop (PS3.7 9.3.2.3)."""

    def __init__(self, user: User, context_id: int, message_id: int | None, stop: AskToStop) -> None:
        self._user, self._context_id, self._message_id, self._stop = user, context_id, message_id, stop
        self._ends_at: float | None = None

    def is_answered(self, timeout_s: float) -> bool:
        """False when a cancelled operation goes on for too long: the association is then aborted."""
        association = self._user.association
        silent_until = monotonic_s() + timeout_s
        while True:
            if self._ends_at is None and (patience_s := self._stop()) is not None:
                self._user.cancel(self._context_id, self._message_id)
                self._ends_at = monotonic_s() + patience_s
            if self._ends_at is not None and monotonic_s() > self._ends_at:
                association.abort(SERVICE_USER)
                return False
            if association.is_ready(_LOOK_EVERY_S):
                return True
            if monotonic_s() > silent_until:
                association.abort(SERVICE_USER)
                raise TimedOut("the other side sent nothing in time")


def store_request(
    message_id: int, sop_class_uid: str, sop_instance_uid: str, originator: Originator | None = None
) -> Command:
    return Command(
        dimse.C_STORE_RQ,
        message_id=message_id,
        affected_sop_class_uid=sop_class_uid,
        affected_sop_instance_uid=sop_instance_uid,
        priority=dimse.MEDIUM,
        data_set_type=dimse.DATA_SET,
        move_originator_aet=originator.aet if originator else "",
        move_originator_message_id=originator.message_id if originator else None,
    )


def _failure(what: str, reply: Command) -> Refused | Invalid:
    text = f"the other node answered the {what} with {status.told(reply.status or 0)}"
    if reply.status == status.NOT_AUTHORIZED:
        return Refused(text, code="remote_refused")
    return Invalid(text, code="remote_failed")
