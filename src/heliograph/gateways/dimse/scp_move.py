"""C-MOVE as provider: objects go to a registered third party over associations of our own (PS3.4 C.4.2)."""

from heliograph.gateways.dimse import status
from heliograph.gateways.dimse.association import Association, Lost
from heliograph.gateways.dimse.carrier import Carrier, Dial
from heliograph.gateways.dimse.catalogue import Catalogue, Stored
from heliograph.gateways.dimse.dimse import Command, response
from heliograph.gateways.dimse.retrieve import MAX_IDENTIFIER_BYTES, USED_UP, Suboperations, selection
from heliograph.gateways.dimse.scu import Originator
from heliograph.gateways.dimse.sender import Result
from heliograph.kit.errors import HeliographError


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
            context = association.contexts[context_id]
            query = selection(data, context)
            destination = self._catalogue.destination(command.move_destination)
            if destination is None:
                self._catalogue.note_refused(command.move_destination)
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
        meter = self._catalogue.meter()
        originator = Originator(association.peer.aet, command.message_id or 0)

        def tell(item: Stored, result: Result) -> None:
            operations.add(item, result)
            if not result.is_failure:
                meter.took(item)
            operations.tell_pending()

        carrier = Carrier(self._dial, destination, self._catalogue.read, originator=originator)
        try:
            if carrier.carry(items, tell, lambda: operations.poll_cancel() or not meter.has_room()) is not None:
                operations.fail_rest(items)
            elif meter.is_used_up and not operations.cancelled:
                operations.fail_rest(items, USED_UP)
        finally:
            meter.close()
            self._catalogue.note_given(operations.given, destination.aet)
        operations.finish()
