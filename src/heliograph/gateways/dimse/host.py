"""Who may come in and what an admitted caller gets: names the actor, then binds the services to the archive."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from heliograph.engine.db import Tx
from heliograph.engine.telemetry import fact, trouble
from heliograph.features.access import (
    HOUSE,
    Actor,
    Device,
    DoorRules,
    identify_caller,
    note,
    note_association,
    tenant_of_title,
)
from heliograph.gateways.dimse import dimse, negotiation, status
from heliograph.gateways.dimse.archive_catalogue import ArchiveCatalogue
from heliograph.gateways.dimse.archive_receiver import ArchiveReceiver
from heliograph.gateways.dimse.association import Association
from heliograph.gateways.dimse.crowd import Call
from heliograph.gateways.dimse.dimse import Command, response
from heliograph.gateways.dimse.pdu import AssociateReject
from heliograph.gateways.dimse.requestor import Destination, Proposal, open_association
from heliograph.gateways.dimse.scp_find import FindService
from heliograph.gateways.dimse.scp_get import GetService
from heliograph.gateways.dimse.scp_move import MoveService
from heliograph.gateways.dimse.scp_store import StoreService
from heliograph.gateways.dimse.services import Service
from heliograph.gateways.dimse.serving import Handler
from heliograph.gateways.dimse.turns import Turns
from heliograph.kit.errors import HeliographError
from heliograph.services import Services
from heliograph.standards.dicom import uids

_AT_ONCE = 16  # objects of a process between their last byte and their answer: enough to share a commit


class ArchiveHost:
    """Admits registered devices, and unregistered callers as the settings say (N9)."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._turns = Turns(_AT_ONCE)

    def admit(self, call: Call) -> "ArchiveVisit | AssociateReject":
        secured = call.secured
        proposals = [uids.name_of(context.abstract_syntax) for context in call.request.contexts]
        called, own = call.request.called_aet, self._services.settings.aet.strip()
        with self._services.database.transaction() as tx:
            tenant_id = tenant_of_title(tx, called, own)
            if tenant_id is None:
                self._note_unmeant(tx, call)
                return negotiation.CALLED_AET_NOT_RECOGNIZED
            admission = identify_caller(
                tx,
                tenant_id,
                call.request.calling_aet,
                call.address,
                rules=DoorRules.of(self._services.settings),
                is_encrypted=secured is not None,
                certificate=secured.fingerprint if secured else "",
            )
            actor, device = admission.actor, admission.device
            allowed = frozenset(service for service in Service if f"dimse.{service}" in actor.permissions)
            caller_id = note_association(
                tx, actor, device, proposals=proposals, opened=True, refused=0 if allowed else 1
            )
            if not allowed:
                subject = {"aet": actor.name, "called_aet": call.request.called_aet}
                detail: dict[str, str] = {"reason": admission.reason or "nothing allowed"}
                if secured is not None and secured.fingerprint:
                    detail["certificate"] = secured.fingerprint
                note(tx, actor, "association.refused", subject, outcome="refused", detail=detail)
        if not allowed:
            return negotiation.CALLING_AET_NOT_RECOGNIZED
        title = own if tenant_id == HOUSE else called.strip()
        return ArchiveVisit(self._services, actor, allowed, device, caller_id, title, self._turns)

    def _note_unmeant(self, tx: Tx, call: Call) -> None:
        """Somebody who means nobody is told of to those who run the installation."""
        nobody = Actor(
            "caller",
            f"{call.request.calling_aet}@{call.address}",
            call.request.calling_aet,
            HOUSE,
            frozenset(),
            call.address,
        )
        subject = {"aet": call.request.calling_aet, "called_aet": call.request.called_aet}
        note(tx, nobody, "association.refused", subject, outcome="refused", detail={"reason": "called title"})


@dataclass(slots=True)
class ArchiveVisit:
    """One admitted association."""

    services: Services
    actor: Actor
    allowed: frozenset[Service]
    device: Device | None
    caller_id: int | None
    title: str
    turns: Turns
    receiver: ArchiveReceiver | None = field(default=None)

    def handlers(self, association: Association) -> dict[int, Handler]:
        self.receiver = ArchiveReceiver(
            self.services.intake,
            self.actor,
            association.peer,
            device=self.device,
            caller_id=self.caller_id,
            issuer=self.device.default_issuer if self.device else self.services.settings.default_issuer,
            turn=self.turns.of(self.actor.address),
        )

        def echo(context_id: int, command: Command) -> None:
            association.send_command(context_id, response(command, status.SUCCESS))

        catalogue = ArchiveCatalogue(self.services, self.actor)
        aet = self.title

        def dial(to: Destination, proposals: Sequence[Proposal]) -> Association:
            return open_association(to, aet, proposals)

        return {
            dimse.C_ECHO_RQ: echo,
            dimse.C_STORE_RQ: StoreService(association, self.receiver).store,
            dimse.C_FIND_RQ: FindService(association, catalogue, aet).find,
            dimse.C_GET_RQ: GetService(association, catalogue).get,
            dimse.C_MOVE_RQ: MoveService(association, catalogue, dial).move,
        }

    def close(self, end: str) -> None:
        """Close the delivery and count what came; a database that is gone must not hide how the association ended."""
        receiver = self.receiver
        counts = receiver.counts if receiver else {}
        stored, refused = counts.get("stored", 0), counts.get("held", 0) + counts.get("failed", 0)
        fact("dimse.ended", aet=self.actor.name, address=self.actor.address, reason=end, count=stored)
        try:
            if receiver is not None:
                receiver.close()
            if stored or refused:
                with self.services.database.transaction() as tx:
                    note_association(tx, self.actor, self.device, proposals=[], stored=stored, refused=refused)
        except HeliographError as error:
            trouble("dimse.close_failed", error)
