"""Carrying stored objects to another node, for C-MOVE sub-operations and for our own deliveries alike."""

from collections.abc import Callable, Sequence

from heliograph.engine.telemetry import fact
from heliograph.gateways.dimse import status
from heliograph.gateways.dimse.association import Association, Lost, TimedOut
from heliograph.gateways.dimse.catalogue import Stored
from heliograph.gateways.dimse.requestor import Destination, Proposal
from heliograph.gateways.dimse.scu import Originator, User
from heliograph.gateways.dimse.sender import Read, Result, choose_context, encoded_for, failure_of, plan
from heliograph.kit.errors import Busy, HeliographError

Dial = Callable[[Destination, Sequence[Proposal]], Association]
Tell = Callable[[Stored, Result], None]
_TRIES = 2


class Carrier:
    """Opens associations as it needs them; one that breaks is opened once more for the same object."""

    def __init__(
        self, dial: Dial, destination: Destination, read: Read, *, originator: Originator | None = None,
        response_timeout_s: float = 300.0,
    ) -> None:  # fmt: skip
        self._response_timeout_s = response_timeout_s
        self._dial, self._destination, self._read, self._originator = dial, destination, read, originator
        self._user: User | None = None

    def carry(self, items: Sequence[Stored], tell: Tell, is_cancelled: Callable[[], bool]) -> HeliographError | None:
        """Tell the result of each object; an error says why the destination could not be reached, the rest is then untold."""
        for batch in plan(items):
            try:
                for item in batch.items:
                    if is_cancelled():
                        return None
                    try:
                        tell(item, self._deliver(item, batch.proposals))
                    except _UnreachableError as unreachable:
                        return unreachable.reason
            finally:
                self._release()
        return None

    def _deliver(self, item: Stored, proposals: Sequence[Proposal]) -> Result:
        for _ in range(_TRIES):
            user = self._user or self._open(proposals)
            try:
                return self._send(user, item)
            except Lost as lost:
                fact("dimse.destination_lost", aet=self._destination.aet, code=lost.code)
                user.association.abort()
                self._user = None
                if isinstance(lost, TimedOut):  # each of a thousand objects would wait as long, and all behind them
                    silent = Busy("the other node does not answer what it was sent", code="no_answer")
                    raise _UnreachableError(silent) from lost
        return Result(status.PROCESSING_FAILURE, "the destination broke the association off")

    def _open(self, proposals: Sequence[Proposal]) -> User:
        try:
            self._user = User(self._dial(self._destination, proposals), response_timeout_s=self._response_timeout_s)
        except HeliographError as error:
            fact("dimse.destination_unreachable", aet=self._destination.aet, code=error.code)
            raise _UnreachableError(error) from error
        return self._user

    def _send(self, user: User, item: Stored) -> Result:
        context = choose_context(user.association.contexts.values(), item)
        if context is None:
            return Result(status.SOP_CLASS_NOT_SUPPORTED, "the destination does not accept this SOP class")
        try:
            encoded = encoded_for(item, context, self._read)
            reply = user.store(context, item.sop_instance_uid, encoded.chunks, encoded.total, self._originator)
        except Lost:
            raise
        except Busy as error:  # ours: storage, or no decoder free; the object is not to blame
            self._give_up(user)
            raise _UnreachableError(error) from error
        except HeliographError as error:
            self._give_up(user)
            return failure_of(error)
        return Result(reply.status or 0)

    def _give_up(self, user: User) -> None:
        """What was begun of a data set cannot be taken back; the next object gets a new association."""
        if user.is_sending:
            user.association.abort()
            self._user = None

    def _release(self) -> None:
        user, self._user = self._user, None
        if user is not None:
            user.release()


class _UnreachableError(Exception):
    def __init__(self, reason: HeliographError) -> None:
        super().__init__(reason.message)
        self.reason = reason
