"""The receiver behind C-STORE: objects go to the archive's intake, outcomes become statuses (DESIGN, Held)."""

import contextlib

from heliograph.features.access import Actor, Device
from heliograph.features.archive import Delivery, Intake, ObjectSink, Outcome
from heliograph.gateways.dimse import status
from heliograph.gateways.dimse.association import Peer
from heliograph.gateways.dimse.receiver import StoreAnswer, StoreRequest
from heliograph.standards.dicom import part10

_DOOR = "dimse"
_AT_ONCE = contextlib.nullcontext()
_CANNOT_UNDERSTAND = frozenset({"unparseable", "missing_identifier", "bad_identifier", "truncated"})
_STATUS_OF_REASON = dict.fromkeys(_CANNOT_UNDERSTAND, status.CANNOT_UNDERSTAND) | {
    "command_differs": status.DATA_SET_DOES_NOT_MATCH
}


class ArchiveReceiver:
    """One association's delivery; its row is written with the first object, so an echo leaves none."""

    def __init__(
        self,
        intake: Intake,
        actor: Actor,
        peer: Peer,
        *,
        device: Device | None,
        caller_id: int | None,
        issuer: str,
        verified: bool = False,
        turn: contextlib.AbstractContextManager[object] = _AT_ONCE,
    ) -> None:
        """`verified`: the source is known although it is no device (a node that we fetch from); `turn`: when its objects are taken."""
        self._turn = turn
        self._intake, self._actor, self._peer = intake, actor, peer
        self._device, self._caller_id, self._issuer = device, caller_id, issuer
        self._unverified = device is None and not verified
        self._open = contextlib.ExitStack()
        self._delivery: Delivery | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many objects were stored, identical, held, failed."""
        return self._delivery.counts if self._delivery else {}

    def begin(self, request: StoreRequest) -> "ArchiveSink":
        delivery = self._delivery or self._begin_delivery()
        sink = delivery.open()
        sink.begin_data_set(
            part10.file_meta(request.sop_class_uid, request.sop_instance_uid, request.transfer_syntax, request.peer.aet)
        )
        forgiving = self._device is not None and self._device.answer_success_when_held
        return ArchiveSink(sink, delivery, request.sop_instance_uid, self._turn, forgiving=forgiving)

    def close(self) -> None:
        self._open.close()

    def _begin_delivery(self) -> Delivery:
        self._delivery = self._open.enter_context(
            self._intake.arrival(
                self._actor,
                _DOOR,
                self._peer.aet,
                device=self._device,
                caller_id=self._caller_id,
                address=self._peer.address,
                called_aet=self._peer.called_aet,
                issuer=self._issuer,
                unverified=self._unverified,
            )
        )
        return self._delivery


class ArchiveSink:
    """One object on its way into the archive."""

    def __init__(
        self,
        sink: ObjectSink,
        delivery: Delivery,
        sop_instance_uid: str,
        turn: contextlib.AbstractContextManager[object],
        *,
        forgiving: bool,
    ) -> None:
        self._turn = turn
        self._sink, self._delivery, self._expected, self._forgiving = sink, delivery, sop_instance_uid, forgiving
        self.write = sink.write

    def finish(self) -> StoreAnswer:
        with self._turn:
            outcome = self._sink.finish(expected_sop_uid=self._expected)
        return StoreAnswer(status.SUCCESS) if self._forgiving else answer_of(outcome)

    def abandon(self) -> None:
        """The writer begins its next object in the same place."""
        self._delivery.failed()


def answer_of(outcome: Outcome) -> StoreAnswer:
    """A held object is kept, and the sender is told that it is not in its place."""
    if outcome.kind != "held":
        return StoreAnswer(status.SUCCESS)
    code = _STATUS_OF_REASON.get(outcome.reason, status.DUPLICATE_SOP_INSTANCE)
    return StoreAnswer(code, f"held: {outcome.reason}")
