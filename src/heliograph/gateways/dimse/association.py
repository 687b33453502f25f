"""One association in its data transfer phase: messages in and out, release and abort (PS3.8 7, 9.2)."""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from heliograph.gateways.dimse import dimse
from heliograph.gateways.dimse._wire import Lost, PeerGone, Stopping, TimedOut, Wire
from heliograph.gateways.dimse.pdu import (
    A_ABORT,
    A_RELEASE_RP,
    A_RELEASE_RQ,
    HEADER,
    P_DATA_TF,
    Abort,
    ReleaseReply,
    ReleaseRequest,
    UserInformation,
    encode,
)
from heliograph.kit.errors import Broken, Invalid
from heliograph.kit.time import monotonic_s

__all__ = [
    "SERVICE_USER",
    "Aborted",
    "AcceptedContext",
    "Association",
    "Limits",
    "Lost",
    "Peer",
    "PeerGone",
    "Stopping",
    "TimedOut",
]

SERVICE_USER = 0
SERVICE_PROVIDER = 2
UNRECOGNIZED_PDU = 1
UNEXPECTED_PDU = 2
INVALID_PARAMETER = 6

_PDV = struct.Struct(">IBB")
_DATA_HEADER = struct.Struct(">BxIIBB")
_MAX_SENT_FRAGMENT = 1 << 20
_MAX_SHORT_BODY = 1024
_MOST_TOLERATED_BODY = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may ask of one association."""

    max_pdu_length: int = 131072
    artim_s: float = 30.0
    pdu_timeout_s: float = 30.0
    message_timeout_s: float = 60.0
    idle_timeout_s: float = 600.0
    send_timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class AcceptedContext:
    """A presentation context that both sides agreed on, and the roles of the requestor in it."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str
    requestor_is_scu: bool = True
    requestor_is_scp: bool = False


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, as it says itself."""

    aet: str
    called_aet: str
    address: str
    port: int
    user: UserInformation = field(default_factory=UserInformation)


class Aborted(Lost):
    """The other side sent A-ABORT."""

    code = "aborted"


class Violation(Lost):
    """The other side broke the protocol; we sent A-ABORT."""

    code = "protocol_violation"


class State(Enum):
    """States of PS3.8 9.2.1 that an established association can be in."""

    DATA_TRANSFER = "Sta6"
    AWAITING_RELEASE_REPLY = "Sta7"
    COLLISION_REQUESTOR = "Sta11"
    COLLISION_ACCEPTOR = "Sta10"
    CLOSED = "Sta1"


class Action(Enum):
    """What a PDU does in a state (PS3.8 9.2.2); everything that is not in the table is AA-8."""

    DATA = "DT-2 / AR-6"
    RELEASE_INDICATION = "AR-2, AR-4"
    RELEASE_CONFIRMATION = "AR-3"
    COLLISION = "AR-8, AR-9"
    REPLY_AND_CLOSE = "AR-10, AR-4"
    ABORTED = "AA-3"


_ON_PDU: Mapping[tuple[State, int], Action] = {
    (State.DATA_TRANSFER, P_DATA_TF): Action.DATA,
    (State.DATA_TRANSFER, A_RELEASE_RQ): Action.RELEASE_INDICATION,
    (State.DATA_TRANSFER, A_ABORT): Action.ABORTED,
    (State.AWAITING_RELEASE_REPLY, P_DATA_TF): Action.DATA,
    (State.AWAITING_RELEASE_REPLY, A_RELEASE_RQ): Action.COLLISION,
    (State.AWAITING_RELEASE_REPLY, A_RELEASE_RP): Action.RELEASE_CONFIRMATION,
    (State.AWAITING_RELEASE_REPLY, A_ABORT): Action.ABORTED,
    (State.COLLISION_REQUESTOR, A_RELEASE_RP): Action.RELEASE_CONFIRMATION,
    (State.COLLISION_REQUESTOR, A_ABORT): Action.ABORTED,
    (State.COLLISION_ACCEPTOR, A_RELEASE_RP): Action.REPLY_AND_CLOSE,
    (State.COLLISION_ACCEPTOR, A_ABORT): Action.ABORTED,
}
_KNOWN_PDUS = range(1, 8)


class Association:
    """Used by one thread; every method that waits raises `Lost` when the association is over."""

    def __init__(
        self,
        wire: Wire,
        peer: Peer,
        contexts: Iterable[AcceptedContext],
        limits: Limits,
        *,
        is_requestor: bool = False,
    ) -> None:
        self.peer = peer
        self.contexts = {context.context_id: context for context in contexts}
        self.limits = limits
        self.state = State.DATA_TRANSFER
        self._wire = wire
        self._is_requestor = is_requestor
        self._pdu_left = 0
        self._value_left = 0
        self._context_id = 0
        self._control = 0
        self._deadline = 0.0
        # Some devices count the length wrongly by some bytes (trap 41); values are streamed, so this costs nothing.
        self._max_body = max(limits.max_pdu_length, _MOST_TOLERATED_BODY)
        announced = peer.user.max_length or _MAX_SENT_FRAGMENT  # 0 and an absent item mean no limit
        self._max_fragment = min(max(announced - 6, 2) & ~1, _MAX_SENT_FRAGMENT)

    # ---- receive -------------------------------------------------------------------------------------------------

    def receive_command(self, *, timeout_s: float | None = None) -> tuple[int, dimse.Command] | None:
        """The next command with its presentation context id; None after an orderly release by the other side."""
        received = bytearray()
        timeout_s = self.limits.idle_timeout_s if timeout_s is None else timeout_s
        context_id = 0
        while True:
            if not self._next_value(timeout_s, idle=not received):
                return None
            if not self._control & 1 or (received and self._context_id != context_id):
                raise self._violation("a data set where a command is due", SERVICE_USER)
            context_id = self._context_id
            if context_id not in self.contexts:
                raise self._violation("a presentation context that was not accepted", SERVICE_USER)
            last = bool(self._control & 2)
            for piece in self._pieces():
                received += piece
            if len(received) > dimse.MAX_COMMAND_BYTES:
                raise self._violation("a command set that is too long", SERVICE_USER)
            if last:
                break
            timeout_s = self.limits.message_timeout_s
        try:
            return context_id, dimse.decode(received)
        except Invalid as error:
            raise self._violation(error.message, SERVICE_USER) from error

    def poll_command(self) -> tuple[int, dimse.Command] | None:
        """A command that has begun to arrive (a C-CANCEL-RQ), without waiting for one."""
        return self.receive_command() if self._wire.ready() else None

    def is_ready(self, wait_s: float) -> bool:
        """Whether something has begun to arrive within this time."""
        return self._wire.ready(wait_s)

    def receive_data_set(self, context_id: int, write: Callable[[memoryview], object]) -> int:
        """Hand the fragments of one data set to `write` as they come, each view valid during the call only."""
        total = 0
        while True:
            if not self._next_value(self.limits.message_timeout_s):
                raise self._violation("a release within a message", SERVICE_USER)
            if self._control & 1 or self._context_id != context_id:
                raise self._violation("a command where a data set is due", SERVICE_USER)
            last = self._control & 2
            for piece in self._pieces():
                write(piece)
                total += len(piece)
            if last:
                return total

    def read_data_set(self, context_id: int, max_bytes: int) -> bytes:
        """A whole data set in memory (a query identifier)."""
        kept = bytearray()

        def add(piece: memoryview) -> None:
            if len(kept) + len(piece) > max_bytes:
                raise self._violation("an identifier that is too long", SERVICE_USER)
            kept.extend(piece)

        self.receive_data_set(context_id, add)
        return bytes(kept)

    def _pieces(self) -> Iterator[memoryview]:
        """The bytes of the present value as far as they have come, until it is whole."""
        wire = self._wire
        while self._value_left:
            start = wire.start
            take = min(self._value_left, wire.end - start)
            if not take:
                wire.fill(self._deadline)
                continue
            wire.start = start + take
            self._value_left -= take
            yield wire.view[start : start + take]

    def _next_value(self, timeout_s: float, *, idle: bool = False) -> bool:
        """Read the header of the next presentation data value; False after an orderly release."""
        if not self._pdu_left and not self._next_data_pdu(timeout_s, idle=idle):
            return False
        wire = self._wire
        if self._pdu_left < 6:
            raise self._violation("a presentation data value that is cut short", SERVICE_PROVIDER, INVALID_PARAMETER)
        if wire.end - wire.start < 6:
            wire.need(6, self._deadline)
        length, self._context_id, self._control = _PDV.unpack_from(wire.buffer, wire.start)
        wire.start += 6
        if length < 2 or length + 4 > self._pdu_left:
            raise self._violation("a presentation data value that does not fit", SERVICE_PROVIDER, INVALID_PARAMETER)
        self._value_left = length - 2
        self._pdu_left -= length + 4
        return True

    def _next_data_pdu(self, timeout_s: float, *, idle: bool = False) -> bool:
        """Read PDU headers until a P-DATA-TF begins; False after an orderly release."""
        while True:
            kind, length = self._next_header(timeout_s, idle=idle)
            action = _ON_PDU.get((self.state, kind))
            if action is Action.DATA:
                if length > self._max_body:
                    raise self._violation("a P-DATA-TF that is too long", SERVICE_PROVIDER, INVALID_PARAMETER)
                self._pdu_left = length
                if length:
                    return True
            elif action is Action.RELEASE_INDICATION:
                self._skip(length)
                self._send_pdu(ReleaseReply())
                self._close()
                return False
            else:
                raise self._unexpected(action, kind, length)

    def _next_header(self, timeout_s: float, *, idle: bool = False) -> tuple[int, int]:
        """The type and length of the next PDU; the PDU must then be whole before the deadline."""
        wire = self._wire
        if wire.end == wire.start:
            wire.fill(monotonic_s() + timeout_s, idle=idle)
        self._deadline = monotonic_s() + self.limits.pdu_timeout_s
        if wire.end - wire.start < 6:
            wire.need(6, self._deadline)
        kind, length = HEADER.unpack_from(wire.buffer, wire.start)
        wire.start += 6
        return kind, length

    def _skip(self, length: int) -> bytes:
        """The body of a short PDU; devices pad it, none needs more than a few bytes."""
        if length > _MAX_SHORT_BODY:
            raise self._violation("a PDU that is too long", SERVICE_PROVIDER, INVALID_PARAMETER)
        wire = self._wire
        wire.need(length, self._deadline)
        body = bytes(wire.view[wire.start : wire.start + length])
        wire.start += length
        return body

    # ---- end -----------------------------------------------------------------------------------------------------

    def release(self) -> None:
        """Orderly release asked by us; data that still arrives is dropped, a collision is resolved (PS3.8 7.2.2)."""
        if self.state is not State.DATA_TRANSFER:
            return
        self._send_pdu(ReleaseRequest())
        self.state = State.AWAITING_RELEASE_REPLY
        ends_at = monotonic_s() + self.limits.artim_s
        while self.state is not State.CLOSED:
            kind, length = self._next_header(max(ends_at - monotonic_s(), 0.0))
            action = _ON_PDU.get((self.state, kind))
            if action is Action.DATA and length <= self._max_body:
                self._drop(length)
            elif action is Action.COLLISION:
                self._skip(length)
                if self._is_requestor:
                    self._send_pdu(ReleaseReply())
                    self.state = State.COLLISION_REQUESTOR
                else:
                    self.state = State.COLLISION_ACCEPTOR
            elif action is Action.REPLY_AND_CLOSE:
                self._skip(length)
                self._send_pdu(ReleaseReply())
                self._close()
            elif action is Action.RELEASE_CONFIRMATION:
                self._close()
            else:
                raise self._unexpected(action, kind, length)

    def abort(self, source: int = SERVICE_PROVIDER, reason: int = 0) -> None:
        """Send A-ABORT and close; does nothing on a closed association."""
        if self.state is State.CLOSED:
            return
        try:
            self._wire.send([encode(Abort(source, reason))], 1.0)
        except Lost:
            pass
        finally:
            self._close()

    def _drop(self, length: int) -> None:
        while length:
            wire = self._wire
            if wire.end == wire.start:
                wire.fill(self._deadline)
            taken = min(length, wire.end - wire.start)
            wire.start += taken
            length -= taken

    def _unexpected(self, action: Action | None, kind: int, length: int) -> Lost:
        """A PDU that ends the association: A-ABORT, or one that is not allowed in this state (AA-8)."""
        if action is Action.ABORTED:
            body = self._skip(length).ljust(4, b"\0")
            self._close()
            return Aborted("the other side aborted", source=body[2], reason=body[3])
        known = kind in _KNOWN_PDUS
        return self._violation(
            f"PDU {kind:02X}H in state {self.state.value}",
            SERVICE_PROVIDER,
            UNEXPECTED_PDU if known else UNRECOGNIZED_PDU,
        )

    def _violation(self, what: str, source: int, reason: int = 0) -> Violation:
        self.abort(source, reason)
        return Violation(f"the other side sent {what}")

    def _close(self) -> None:
        self.state = State.CLOSED
        self._wire.close()

    # ---- send ----------------------------------------------------------------------------------------------------

    def send_command(self, context_id: int, command: dimse.Command) -> None:
        """A message without data set."""
        self._wire.send(self._fragments(context_id, dimse.encode(command), 1), self.limits.send_timeout_s)

    def send_message(self, context_id: int, command: dimse.Command, data_set: bytes) -> None:
        """A message whose data set is in memory."""
        parts = self._fragments(context_id, dimse.encode(command), 1) + self._fragments(context_id, data_set, 0)
        self._wire.send(parts, self.limits.send_timeout_s)

    def send_messages(self, context_id: int, command: dimse.Command, data_sets: Iterable[bytes]) -> None:
        """The same command with one data set after another (matches of a query), in few system calls."""
        head = self._fragments(context_id, dimse.encode(command), 1)
        parts: list[bytes | memoryview] = []
        for data_set in data_sets:
            parts += head
            parts += self._fragments(context_id, data_set, 0)
        if parts:
            self._wire.send(parts, self.limits.send_timeout_s)

    def send_stream(self, context_id: int, command: dimse.Command, chunks: Iterable[bytes], total: int) -> None:
        """A message whose data set comes in chunks of `total` bytes altogether."""
        parts = self._fragments(context_id, dimse.encode(command), 1)
        left = total
        for chunk in chunks:
            if not chunk:
                continue
            left -= len(chunk)
            parts += self._fragments(context_id, chunk, 0, last=left <= 0)
            self._wire.send(parts, self.limits.send_timeout_s)
            parts = []
        if left:
            self.abort(SERVICE_USER)
            raise Broken("a data set is not as long as announced", code="data_set_length")
        if parts:
            self._wire.send(parts + self._fragments(context_id, b"", 0), self.limits.send_timeout_s)

    def _fragments(self, context_id: int, data: bytes, command: int, *, last: bool = True) -> list[bytes | memoryview]:
        view, size, parts = memoryview(data), self._max_fragment, list[bytes | memoryview]()
        for start in range(0, len(data) or 1, size):
            piece = view[start : start + size]
            is_last = last and start + size >= len(data)
            header = _DATA_HEADER.pack(P_DATA_TF, len(piece) + 6, len(piece) + 2, context_id, command | is_last << 1)
            parts += (header, piece)
        return parts

    def _send_pdu(self, pdu: ReleaseRequest | ReleaseReply) -> None:
        self._wire.send([encode(pdu)], self.limits.send_timeout_s)
