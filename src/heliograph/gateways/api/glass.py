"""Emergency access to withheld patients, and its review."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from heliograph.features import access
from heliograph.features.access.glass import FINDINGS, REASON_CODES, BreakGlass
from heliograph.features.trail import search as audit_search
from heliograph.gateways.api.studies import number_of
from heliograph.gateways.http import ServicesDep, SessionDep
from heliograph.gateways.http.auth import authenticator_of

router = APIRouter(prefix="/glass", tags=["glass"])


class NewGlass(BaseModel):
    patient: str = Field(max_length=18)
    reason_code: str = Field(max_length=32)
    reason: str = Field(max_length=500)


class GlassSearch(BaseModel):
    """`text`: the name of a person or the identifier of a patient, exactly; in a body, so that it never stands in an address."""

    state: Annotated[str, Field(pattern="^(|waiting|reviewed)$")] = ""
    text: str = Field(default="", max_length=64)
    cursor: UUID | None = None
    limit: int = Field(default=100, ge=1, le=500)


class Review(BaseModel):
    finding: str = Field(max_length=32)
    comment: str = Field(default="", max_length=1000)


@router.get("")
def glasses(session: SessionDep, services: ServicesDep, unreviewed: Annotated[bool, Query()] = False) -> dict[str, Any]:
    """Emergency accesses, latest first: all for who reviews, else one's own."""
    with services.database.transaction() as tx:
        items = access.glasses(tx, session.actor, unreviewed=unreviewed)
        if "glass.review" in session.actor.permissions:
            access.note(tx, session.actor, "glass.listed", {}, detail={"results": len(items)})
    return {"items": [_record(one) for one in items], "reason_codes": REASON_CODES, "findings": FINDINGS}


@router.post("/search")
def search(body: GlassSearch, session: SessionDep, services: ServicesDep) -> dict[str, Any]:
    """A page of them, by state and by who or whom."""
    actor = session.actor
    with services.database.transaction() as tx:
        found = access.glasses(
            tx, actor, unreviewed=body.state == "waiting", reviewed=body.state == "reviewed", text=body.text, after=body.cursor,
            limit=body.limit + 1,
        )  # fmt: skip
        keys = [name for name in ("state", "text") if getattr(body, name)]
        access.note(tx, actor, "glass.listed", {}, detail={"keys": keys, "results": len(found)})
    items = [_record(one) for one in found[: body.limit]]
    return {"items": items, "next": str(items[-1]["id"]) if len(found) > body.limit else None}


@router.get("/waiting")
def waiting(session: SessionDep, services: ServicesDep) -> dict[str, Any]:
    """How many wait for a review of this person, and how many of them are overdue."""
    with services.database.transaction() as tx:
        count, overdue = access.unreviewed_count(tx, session.actor)
    return {"count": count, "overdue": overdue}


@router.get("/{glass_id}/seen")
def seen(glass_id: UUID, session: SessionDep, services: ServicesDep) -> dict[str, Any]:
    """What was looked at while it lasted, from the audit log."""
    with services.database.transaction() as tx:
        return audit_search.seen_behind(tx, session.actor, glass_id)


@router.post("", status_code=201)
def break_glass(body: NewGlass, request: Request, session: SessionDep, services: ServicesDep) -> dict[str, Any]:
    """Opens the withheld studies of a patient to oneself for some hours."""
    hours = services.settings.glass_hours
    with services.database.transaction() as tx:
        one = access.break_glass(tx, session.actor, number_of(body.patient), body.reason_code, body.reason, hours=hours)
    authenticator_of(request).forget(request)
    return _record(one)


@router.post("/{glass_id}/end")
def end(glass_id: UUID, request: Request, session: SessionDep, services: ServicesDep) -> dict[str, Any]:
    """Ends an emergency access: one's own, or as a reviewer any."""
    with services.database.transaction() as tx:
        access.end_glass(tx, session.actor, glass_id)
    authenticator_of(request).forget_all()
    return {"id": str(glass_id)}


@router.post("/{glass_id}/review")
def review(glass_id: UUID, body: Review, session: SessionDep, services: ServicesDep) -> dict[str, Any]:
    """What an emergency access was found to be, by somebody else."""
    with services.database.transaction() as tx:
        return _record(access.review_glass(tx, session.actor, glass_id, body.finding, body.comment))


def _record(one: BreakGlass) -> dict[str, Any]:
    return {name: getattr(one, name) for name in BreakGlass.__slots__}
