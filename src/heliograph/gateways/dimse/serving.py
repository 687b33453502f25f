"""One association from its request to its end: admit, negotiate, then command after command to the services."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from heliograph.engine.telemetry import ASSOCIATIONS, fact, trouble
from heliograph.gateways.dimse import dimse, negotiation, status
from heliograph.gateways.dimse._wire import Wire
from heliograph.gateways.dimse.association import Association, Limits, Lost, Peer
from heliograph.gateways.dimse.crowd import Call
from heliograph.gateways.dimse.dimse import Command, response
from heliograph.gateways.dimse.pdu import Abort, AssociateReject, Pdu, encode
from heliograph.gateways.dimse.services import Service, service_of
from heliograph.kit.errors import HeliographError, Invalid

Handler = Callable[[int, Command], None]


_SERVICES = {
    dimse.C_ECHO_RQ: Service.ECHO,
    dimse.C_STORE_RQ: Service.STORE,
    dimse.C_FIND_RQ: Service.FIND,
    dimse.C_MOVE_RQ: Service.MOVE,
    dimse.C_GET_RQ: Service.GET,
}


class Visit(Protocol):
    """An admitted caller: what it may do, and who does it."""

    allowed: frozenset[Service]

    def handlers(self, association: Association) -> dict[int, Handler]:
        """Command field -> who answers it."""
        ...

    def close(self, end: str) -> None: ...


class Host(Protocol):
    """Decides who may come in."""

    def admit(self, call: Call) -> Visit | AssociateReject: ...


@dataclass(frozen=True, slots=True)
class Serving:
    """Serves calls in their threads."""

    host: Host
    limits: Limits
    stop: threading.Event

    def serve(self, call: Call) -> None:
        wire = Wire(call.sock, call.leftover, self.stop)
        try:
            rejected = negotiation.check(call.request)
            visit = rejected or self.host.admit(call)
        except Invalid:
            _farewell(wire, Abort(2, 6))
            return
        except HeliographError as error:
            trouble("dimse.admission_failed", error, address=call.address)
            visit = negotiation.TEMPORARY_CONGESTION
        if isinstance(visit, AssociateReject):
            fact("dimse.rejected", address=call.address, aet=call.request.calling_aet, reason=visit.reason)
            _farewell(wire, visit)
            return
        self._established(call, wire, visit)

    def _established(self, call: Call, wire: Wire, visit: Visit) -> None:
        request = call.request
        agreement = negotiation.agree(request, visit.allowed, self.limits.max_pdu_length)
        peer = Peer(request.calling_aet, request.called_aet, call.address, call.port, request.user)
        association = Association(wire, peer, agreement.contexts, self.limits)
        end = "fault"
        ASSOCIATIONS.inc()
        try:
            wire.send([encode(agreement.accept)], self.limits.send_timeout_s)
            self._converse(association, visit.handlers(association))
            end = "released"
        except Lost as lost:
            end = lost.code
        finally:
            ASSOCIATIONS.dec()
            association.abort()
            visit.close(end)

    def _converse(self, association: Association, handlers: dict[int, Handler]) -> None:
        while True:
            received = association.receive_command()
            if received is None:
                return
            context_id, command = received
            handler = handlers.get(command.command_field)
            wanted = _SERVICES.get(command.command_field)
            offered = service_of(association.contexts[context_id].abstract_syntax)
            if handler is not None and wanted is offered:
                handler(context_id, command)
            elif command.command_field != dimse.C_CANCEL_RQ and not command.is_response:
                _refuse(association, context_id, command)
            elif command.has_data_set:
                association.receive_data_set(context_id, len)


def _refuse(association: Association, context_id: int, command: Command) -> None:
    """An operation that this association does not offer (PS3.7 C.5.22); a cancel that came too late is no operation."""
    if command.has_data_set:
        association.receive_data_set(context_id, len)
    association.send_command(context_id, response(command, status.UNRECOGNIZED_OPERATION))


def _farewell(wire: Wire, pdu: Pdu) -> None:
    """Say it and wait a moment for the other side to close, so that the words are not lost to a reset."""
    try:
        wire.send([encode(pdu)], 2.0)
        wire.half_close(2.0)
    except Lost:
        pass
    finally:
        wire.close()
