"""The audit log, for who may read it: a search, and who saw a patient. POST, so that identifiers never stand in an address."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from heliograph.features.archive import audit_search
from heliograph.features.archive.audit_search import AuditQuery
from heliograph.gateways.http import ActorDep, ServicesDep

router = APIRouter(prefix="/audit", tags=["audit"])


class AuditSearch(BaseModel):
    """Every field narrows."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    actor: str = Field(default="", max_length=200)
    kinds: list[Annotated[str, Field(max_length=64)]] = Field(default=[], max_length=60)
    outcome: Literal["", "success", "refused", "failed"] = ""
    study_id: Annotated[int, Field(ge=1, lt=1 << 63)] | None = None
    study_uid: str = Field(default="", max_length=64)
    patient_id: str = Field(default="", max_length=64)
    issuer: str | None = Field(default=None, max_length=64)
    cursor: str | None = Field(default=None, max_length=80)
    limit: int = Field(default=100, ge=1, le=500)


class WhoSaw(BaseModel):
    """A patient as the archive knows it; without `issuer` every patient with this identifier."""

    patient_id: str = Field(min_length=1, max_length=64)
    issuer: str | None = Field(default=None, max_length=64)
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


@router.post("/search")
def search(body: AuditSearch, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """A page of the audit log, latest first."""
    query = AuditQuery(
        body.since, body.until, body.actor, tuple(body.kinds), body.outcome, body.study_id, body.study_uid, body.patient_id,
        body.issuer,
    )  # fmt: skip
    with services.database.transaction() as tx:
        return audit_search.search(tx, actor, query, cursor=body.cursor, limit=body.limit)


@router.post("/patient")
def who_saw(body: WhoSaw, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Who saw a patient's studies, or took them out."""
    with services.database.transaction() as tx:
        return audit_search.who_saw(tx, actor, body.patient_id, body.issuer, body.since, body.until)
