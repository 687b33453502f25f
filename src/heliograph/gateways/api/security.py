"""What whoever looks after security sees: the state of doors, people, certificates and of the log, and access that is unusual."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from heliograph.engine import secrets
from heliograph.features.access.watching.overview import FIRST_TENANT, security_overview
from heliograph.features.access.watching.unusual import unusual_access
from heliograph.gateways.http import ActorDep, ServicesDep
from heliograph.gateways.http.auth import rules_of
from heliograph.gateways.http.reads import ReadsDep

router = APIRouter(prefix="/security", tags=["security"])
Days = Annotated[int, Query(ge=1, le=90)]


@router.get("")
def overview(actor: ActorDep, services: ServicesDep, reads: ReadsDep, days: Days = 7) -> dict[str, Any]:
    """Peers, failed sign-ins, certificates, sessions, and how the audit log stands."""
    settings = services.settings
    with services.database.transaction() as tx:
        found = security_overview(tx, actor, rules_of(settings).lockout, days=days)
    if actor.tenant_id == FIRST_TENANT:
        found["own_certificates"] = [{"name": name, "not_after": at} for name, at in secrets.own_ends(settings)]
        found["doors"] = {
            "https": bool(settings.https), "dicom_tls": bool(settings.dicom_tls), "syslog": bool(settings.audit_syslog),
            "unknown_peers": settings.dimse_unknown_peers, "plaintext": settings.dimse_plaintext, "second_factor": settings.second_factor,
        }  # fmt: skip
    else:
        found |= {"own_certificates": [], "doors": None}
    reads.note(actor, "security.viewed", {})
    return found


@router.get("/unusual")
def unusual(actor: ActorDep, services: ServicesDep, reads: ReadsDep, days: Days = 7) -> dict[str, Any]:
    """Access that somebody should look at, by rules over the audit log."""
    with services.database.transaction() as tx:
        found = unusual_access(tx, actor, services.settings.site_timezone, days=days)
    reads.note(actor, "security.viewed", {"part": "unusual"}, detail={"findings": len(found["items"])})
    return found
