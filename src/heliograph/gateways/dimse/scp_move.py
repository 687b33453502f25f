"""C-MOVE as provider: objects go to a registered third party over associations of our own (PS3.4 C.4.2)."""

from collections.abc import Callable, Sequence

from heliograph.engine.telemetry import fact
from heliograph.gateways.dimse import status
from heliograph.gateways.dimse.association import Association, Lost
from heliograph.gateways.dimse.catalogue import Catalogue, Stored
from heliograph.gateways.dimse.dimse import Command, response
from heliograph.gateways.dimse.requestor import Destination, Proposal
from heliograph.gateways.dimse.retrieve import MAX_IDENTIFIER_BYTES, Suboperations, selection
from heliograph.gateways.dimse.scu import Originator, User
from heliograph.gateways.dimse.sender import Batch, Result, choose_context, encoded_for, failure_of, plan
from heliograph.kit.errors import HeliographError

Dial = Callable[[Destination, Sequence[Proposal]], Association]


class MoveService:
    """Answers every C-MOVE-RQ of one association."""

    def __init__(self, association: Association, catalogue: Catalogue, dial: Dial) -> None:
        """`dial` opens an association to a destination."""
        self._association = association
        self._catalogue = catalogue
        self._dial = dial

    def move(self, context_id: int, command: Command) -> None:
        """Send what the request selects to its destination, then the final response."""
        association = self._association
        data = association.read_data_set(context_id, MAX_IDENTIFIER_BYTES) if command.has_data_set else b""
        try:
            syntax = association.contexts[context_id].transfer_syntax
            query = selection(data, syntax, command.affected_sop_class_uid)
            destination = self._catalogue.destination(command.move_destination)
            if destination is None:
                reply = response(command, status.MOVE_DESTINATION_UNKNOWN, error_comment="destination not registered")
                association.send_command(context_id, reply)
                return
            items = self._catalogue.instances(query)
        except Lost:
            raise
        except HeliographError as error:
            reply = response(command, status.status_of_query(error), error_comment=error.message)
            association.send_command(context_id, reply)
            return
        operations = Suboperations(association, context_id, command, len(items))
        originator = Originator(association.peer.aet, command.message_id or 0)
        try:
            for batch in plan(items):
                if operations.cancelled:
                    break
                _Carrier(self._dial, destination, batch, self._catalogue, originator).carry(operations)
        finally:
            self._catalogue.note_given(operations.given, destination.aet)
        operations.finish()


class _Carrier:
    """Carries one batch to the destination; an association that breaks is opened once more for the same object."""

    def __init__(
        self, dial: Dial, destination: Destination, batch: Batch, catalogue: Catalogue, originator: Originator
    ) -> None:
        self._dial, self._destination, self._batch = dial, destination, batch
        self._catalogue, self._originator = catalogue, originator
        self._user: User | None = None

    def carry(self, operations: Suboperations) -> None:
        items = self._batch.items
        try:
            for number, item in enumerate(items):
                if operations.poll_cancel():
                    return
                result = self._try(item)
                if result is None:
                    operations.fail_rest(items[number:])
                    return
                operations.add(item, result)
                operations.tell_pending()
        finally:
            if self._user is not None:
                self._user.release()

    def _try(self, item: Stored) -> Result | None:
        """None when the destination cannot be reached."""
        for _ in range(2):
            try:
                user = self._user or self._open()
            except HeliographError as error:
                fact("dimse.destination_unreachable", aet=self._destination.aet, code=error.code)
                return None
            try:
                return self._send(user, item)
            except Lost as lost:
                fact("dimse.destination_lost", aet=self._destination.aet, code=lost.code)
                user.association.abort()
                self._user = None
        return Result(status.PROCESSING_FAILURE, "the destination broke the association off")

    def _open(self) -> User:
        self._user = User(self._dial(self._destination, self._batch.proposals))
        return self._user

    def _send(self, user: User, item: Stored) -> Result:
        context = choose_context(user.association.contexts.values(), item)
        if context is None:
            return Result(status.SOP_CLASS_NOT_SUPPORTED, "the destination does not accept this SOP class")
        try:
            encoded = encoded_for(item, context, self._catalogue.read)
        except HeliographError as error:
            return failure_of(error)
        reply = user.store(context, item.sop_instance_uid, encoded.chunks, encoded.total, self._originator)
        return Result(reply.status or 0, reply.error_comment)
