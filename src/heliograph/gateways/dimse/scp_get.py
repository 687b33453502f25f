"""C-GET as provider: objects go back over the same association (PS3.4 C.4.3, C.5.3)."""

from collections.abc import Iterable

from heliograph.gateways.dimse import dimse, status
from heliograph.gateways.dimse.association import AcceptedContext, Association, Lost
from heliograph.gateways.dimse.catalogue import Catalogue, Stored
from heliograph.gateways.dimse.dimse import Command, response
from heliograph.gateways.dimse.retrieve import MAX_IDENTIFIER_BYTES, USED_UP, Suboperations, selection
from heliograph.gateways.dimse.scu import store_request
from heliograph.gateways.dimse.sender import Result, choose_context, encoded_for, failure_of
from heliograph.kit.errors import HeliographError


class GetService:
    """Answers every C-GET-RQ of one association."""

    def __init__(self, association: Association, catalogue: Catalogue) -> None:
        self._association = association
        self._catalogue = catalogue
        self._last_id = 0

    def get(self, context_id: int, command: Command) -> None:
        """Send what the request selects, then the final response."""
        association = self._association
        data = association.read_data_set(context_id, MAX_IDENTIFIER_BYTES) if command.has_data_set else b""
        try:
            context = association.contexts[context_id]
            items = self._catalogue.instances(selection(data, context))
        except Lost:
            raise
        except HeliographError as error:
            reply = response(command, status.status_of_query(error), error_comment=error.message)
            association.send_command(context_id, reply)
            return
        operations = Suboperations(association, context_id, command, len(items))
        meter = self._catalogue.meter()
        try:
            for item in items:
                if operations.poll_cancel():
                    break
                if not meter.has_room():
                    operations.fail_rest(items, USED_UP)
                    break
                result = self._send(item, operations)
                operations.add(item, result)
                if not result.is_failure:
                    meter.took(item)
                operations.tell_pending()
        finally:
            meter.close()
            self._catalogue.note_given(operations.given, association.peer.aet)
        operations.finish()

    def _send(self, item: Stored, operations: Suboperations) -> Result:
        context = choose_context(self._receiving(), item)
        if context is None:
            return Result(status.SOP_CLASS_NOT_SUPPORTED, "no presentation context was accepted for this SOP class")
        try:
            encoded = encoded_for(item, context, self._catalogue.read)
        except HeliographError as error:
            return failure_of(error)
        self._last_id = self._last_id % 0xFFFF + 1
        request = store_request(self._last_id, item.sop_class_uid, item.sop_instance_uid)
        self._association.send_stream(context.context_id, request, encoded.chunks, encoded.total)
        reply = self._reply(operations)
        return Result(reply.status or 0)

    def _receiving(self) -> Iterable[AcceptedContext]:
        """Contexts in which the requestor is provider; a requestor that selects no role at all means it so (trap 44)."""
        without_roles = not self._association.peer.user.roles
        return [one for one in self._association.contexts.values() if one.requestor_is_scp or without_roles]

    def _reply(self, operations: Suboperations) -> Command:
        while True:
            received = self._association.receive_command()
            if received is None:
                raise Lost("the other side released the association in the middle of a C-GET", code="released")
            context_id, command = received
            if command.has_data_set:
                self._association.receive_data_set(context_id, len)
            if command.command_field == dimse.C_STORE_RQ | dimse.RESPONSE and command.responds_to == self._last_id:
                return command
            operations.heed(command)
