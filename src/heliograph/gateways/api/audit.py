"""The audit log, for who may read it: search, one row with its place, who saw a patient, tables to take along, verification, the proof of an
object. POST, so that identifiers never stand in an address."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import AwareDatetime, BaseModel, Field

from heliograph.engine.audit import Sealer
from heliograph.engine.audit.state import log_state
from heliograph.features import access
from heliograph.features.access.watching.overview import FIRST_TENANT
from heliograph.features.trail import search as audit_search
from heliograph.features.trail import sheets as audit_sheets
from heliograph.features.trail import verification as audit_verify
from heliograph.features.trail.objects import prove_object
from heliograph.features.trail.search import AuditQuery
from heliograph.gateways.http import ActorDep, FreshActorDep, ServicesDep

router = APIRouter(prefix="/audit", tags=["audit"])


class AuditQuestion(BaseModel):
    """Every field narrows. `events` are codes of PS3.15 A.5.3, `kinds` our own finer words."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    actor: str = Field(default="", max_length=200)
    actor_kind: Literal["", "user", "token", "device", "caller", "system"] = ""
    address: str = Field(default="", max_length=64)
    events: list[Annotated[str, Field(max_length=16)]] = Field(default=[], max_length=20)
    kinds: list[Annotated[str, Field(max_length=64)]] = Field(default=[], max_length=60)
    outcome: Literal["", "success", "refused", "failed"] = ""
    study_id: Annotated[int, Field(ge=1, lt=1 << 63)] | None = None
    study_uid: str = Field(default="", max_length=64)
    patient_id: str = Field(default="", max_length=64)
    issuer: str | None = Field(default=None, max_length=64)

    def query(self) -> AuditQuery:
        return AuditQuery(
            self.since, self.until, self.actor, tuple(self.kinds), self.outcome, self.study_id, self.study_uid, self.patient_id,
            self.issuer, tuple(self.events), self.address, self.actor_kind,
        )  # fmt: skip


class AuditSearch(AuditQuestion):
    """A page of what a question finds."""

    cursor: str | None = Field(default=None, max_length=80)
    limit: int = Field(default=100, ge=1, le=500)


class WhoSaw(BaseModel):
    """A patient as the archive knows it; without `issuer` every patient with this identifier."""

    patient_id: str = Field(min_length=1, max_length=64)
    issuer: str | None = Field(default=None, max_length=64)
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class OneObject(BaseModel):
    sop_uid: str = Field(min_length=1, max_length=64)


@router.post("/search")
def search(body: AuditSearch, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """A page of the audit log, latest first."""
    with services.database.transaction() as tx:
        return audit_search.search(tx, actor, body.query(), cursor=body.cursor, limit=body.limit)


@router.get("/events/{event_id}")
def event(event_id: Annotated[int, Path(ge=1, lt=1 << 63)], actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """One row, and its place in the sealed log, proved anew."""
    with services.database.transaction() as tx:
        return audit_search.event(tx, actor, event_id)


@router.post("/patient")
def who_saw(body: WhoSaw, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Who saw a patient's studies, or took them out."""
    with services.database.transaction() as tx:
        return audit_search.who_saw(tx, actor, body.patient_id, body.issuer, body.since, body.until)


@router.post("/search/sheet")
def search_sheet(body: AuditQuestion, actor: FreshActorDep, services: ServicesDep) -> Response:
    """What a search finds as a table (CSV). Wants a fresh proof of who asks."""
    with services.database.transaction() as tx:
        text, truncated = audit_sheets.rows_sheet(tx, actor, body.query())
    return _sheet(text, truncated=truncated, name="audit")


@router.post("/patient/sheet")
def patient_sheet(body: WhoSaw, actor: FreshActorDep, services: ServicesDep) -> Response:
    """Who saw a patient's studies, as a table (CSV). Wants a fresh proof of who asks."""
    with services.database.transaction() as tx:
        text, truncated = audit_sheets.patient_sheet(tx, actor, body.patient_id, body.issuer, body.since, body.until)
    return _sheet(text, truncated=truncated, name="who-saw")


@router.get("/state")
def state(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """How the log stands, and what its last verification found."""
    access.require(actor, "audit.read")
    with services.database.transaction() as tx:
        if actor.tenant_id != FIRST_TENANT:  # the log is one for all organisations
            return {"log": None, "verification": None}
        return {"log": log_state(tx), "verification": audit_verify.last(tx)}


@router.post("/verify", status_code=202)
def verify(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Verifies the whole log, as a job."""
    with services.database.transaction() as tx:
        return {"job_id": str(audit_verify.request(tx, actor))}


@router.post("/proof")
def proof(body: OneObject, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """The signed proof that an object is unchanged since it was first received. Wants a fresh proof of who asks."""
    settings = services.settings
    sealer = Sealer(services.database, settings.data, further_witness=settings.audit_witness)
    return prove_object(services.database, services.blobs, sealer, actor, body.sop_uid)


def _sheet(text: str, *, truncated: bool, name: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store", "X-Truncated": str(truncated).lower(),
    }  # fmt: skip
    return Response(text.encode(), media_type="text/csv; charset=utf-8", headers=headers)
