"""C-STORE as provider: fragments go to the sink as they arrive, one status per object (PS3.4 B, PS3.7 9.1.1)."""

from heliograph.engine.telemetry import trouble
from heliograph.gateways.dimse import status
from heliograph.gateways.dimse.association import Association, Lost
from heliograph.gateways.dimse.dimse import Command, response
from heliograph.gateways.dimse.receiver import Receiver, Sink, StoreAnswer, StoreRequest
from heliograph.kit.errors import HeliographError


class StoreService:
    """Answers every C-STORE-RQ of one association."""

    def __init__(self, association: Association, receiver: Receiver) -> None:
        self._association = association
        self._receiver = receiver

    def store(self, context_id: int, command: Command) -> None:
        """Receive one object and answer; a failure of the object does not end the association."""
        context = self._association.contexts[context_id]
        request = StoreRequest(
            self._association.peer,
            command.affected_sop_class_uid,
            command.affected_sop_instance_uid,
            context.transfer_syntax,
        )
        answer = self._receive(context_id, request) if command.has_data_set else _NO_DATA_SET
        reply = response(command, answer.status, error_comment=answer.comment)
        self._association.send_command(context_id, reply)

    def _receive(self, context_id: int, request: StoreRequest) -> StoreAnswer:
        intake = _Intake(self._receiver, request)
        try:
            self._association.receive_data_set(context_id, intake.write)
            return intake.finish()
        finally:
            intake.abandon()


_NO_DATA_SET = StoreAnswer(status.CANNOT_UNDERSTAND, "a C-STORE request without a data set")


class _Intake:
    """Passes bytes on until the sink fails; the rest of the object is then read and dropped."""

    def __init__(self, receiver: Receiver, request: StoreRequest) -> None:
        self._failure: StoreAnswer | None = None
        self._sink: Sink | None = None
        try:
            self._sink = receiver.begin(request)
        except Exception as error:  # noqa: BLE001 a failure of one object is a status
            self._fail(error)

    def write(self, data: memoryview) -> None:
        if self._sink is None or self._failure is not None:
            return
        try:
            self._sink.write(data)
        except Exception as error:  # noqa: BLE001 a failure of one object is a status
            self._fail(error)

    def finish(self) -> StoreAnswer:
        if self._failure is not None or self._sink is None:
            return self._failure or StoreAnswer(status.PROCESSING_FAILURE)
        try:
            answer = self._sink.finish()
        except Exception as error:  # noqa: BLE001 a failure of one object is a status
            return self._fail(error)
        self._sink = None
        return answer

    def abandon(self) -> None:
        """Let go of an object that was not finished."""
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.abandon()

    def _fail(self, error: Exception) -> StoreAnswer:
        if isinstance(error, Lost):
            raise error
        trouble("dimse.not_stored", error)
        if isinstance(error, HeliographError):
            self._failure = StoreAnswer(status.status_of(error), error.message)
        else:
            self._failure = StoreAnswer(status.PROCESSING_FAILURE, "the object could not be kept")
        return self._failure
