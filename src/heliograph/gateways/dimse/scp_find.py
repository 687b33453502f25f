"""C-FIND as provider: one pending response per match, cancel heeded between them (PS3.4 C.4.1)."""

from heliograph.gateways.dimse import dimse, status
from heliograph.gateways.dimse.association import Association, Lost, Peer
from heliograph.gateways.dimse.catalogue import Catalogue
from heliograph.gateways.dimse.dimse import Command, response
from heliograph.gateways.dimse.retrieve import MAX_IDENTIFIER_BYTES
from heliograph.gateways.dimse.services import PATIENT_ROOT
from heliograph.kit.errors import HeliographError
from heliograph.standards.dicom import dataset, tags
from heliograph.standards.dicom.dataset import DataSet, Elementary
from heliograph.standards.dicom.query import Query, from_identifier

_LEVEL = tags.tag_of("QueryRetrieveLevel")
_RETRIEVE_AET = tags.tag_of("RetrieveAETitle")
_BATCH = 64
_COMBINED, _FUZZY = 1, 2


class FindService:
    """Answers every C-FIND-RQ of one association."""

    def __init__(self, association: Association, catalogue: Catalogue, own_aet: str) -> None:
        self._association = association
        self._catalogue = catalogue
        self._own_aet = own_aet

    def find(self, context_id: int, command: Command) -> None:
        """Answer every match, then the final response; a cancel ends it with FE00 (trap 46)."""
        association = self._association
        data = association.read_data_set(context_id, MAX_IDENTIFIER_BYTES) if command.has_data_set else b""
        context = association.contexts[context_id]
        try:
            identifier = dataset.decode(data, context.transfer_syntax)
            query = read_query(identifier, context.abstract_syntax, association.peer)
            final = self._answer(context_id, command, identifier, query)
            reply = response(command, final)
        except Lost:
            raise
        except HeliographError as error:
            reply = response(command, status.status_of_query(error), error_comment=error.message)
        association.send_command(context_id, reply)

    def _answer(self, context_id: int, command: Command, identifier: DataSet, query: Query) -> int:
        syntax = self._association.contexts[context_id].transfer_syntax
        # A key that cannot match is passed over, and the requestor is told so with each match (PS3.4 C.4.1.1.4).
        passed_over = self._catalogue.unsupported(query)
        pending_status = status.PENDING_WITHOUT_OPTIONAL_KEYS if passed_over else status.PENDING
        pending = response(command, pending_status, data_set_type=dimse.DATA_SET)
        character_set = "\\".join(identifier.texts("SpecificCharacterSet"))
        waiting: list[bytes] = []
        for match in self._catalogue.find(query):
            elements: dict[int, Elementary] = dict(match)
            elements[_LEVEL] = ("CS", (str(query.level),))
            elements[_RETRIEVE_AET] = ("AE", (self._own_aet,))
            waiting.append(dataset.encode(elements, syntax, character_set=character_set))
            if len(waiting) == _BATCH:
                self._association.send_messages(context_id, pending, waiting)
                waiting = []
                if self._is_cancelled(command):
                    return status.CANCEL
        self._association.send_messages(context_id, pending, waiting)
        return status.CANCEL if self._is_cancelled(command) else status.SUCCESS

    def _is_cancelled(self, command: Command) -> bool:
        received = self._association.poll_command()
        while received is not None:
            cancel = received[1]
            if cancel.command_field == dimse.C_CANCEL_RQ and cancel.responds_to == command.message_id:
                return True
            received = self._association.poll_command()
        return False


def read_query(identifier: DataSet, sop_class_uid: str, peer: Peer) -> Query:
    """The query, with the options that extended negotiation asked for (PS3.4 C.5.1)."""
    asked = next((one.information for one in peer.user.extended if one.sop_class_uid == sop_class_uid), b"")
    return from_identifier(
        identifier.to_elements(),
        patient_root=sop_class_uid in PATIENT_ROOT,
        fuzzy=asked[_FUZZY : _FUZZY + 1] == b"\1",
        combined_datetime=asked[_COMBINED : _COMBINED + 1] == b"\1",
    )
