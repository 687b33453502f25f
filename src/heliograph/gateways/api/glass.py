"""Emergency access to withheld patients, and its review."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from heliograph.features import access
from heliograph.features.access.glass import FINDINGS, REASON_CODES, BreakGlass
from heliograph.gateways.api.studies import number_of
from heliograph.gateways.http import ServicesDep, SessionDep
from heliograph.gateways.http.auth import authenticator_of

router = APIRouter(prefix="/glass", tags=["glass"])


class NewGlass(BaseModel):
    patient: str = Field(max_length=18)
    reason_code: str = Field(max_length=32)
    reason: str = Field(max_length=500)


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
    authenticator_of(request).forget(request)
    return {"id": str(glass_id)}


@router.post("/{glass_id}/review")
def review(glass_id: UUID, body: Review, session: SessionDep, services: ServicesDep) -> dict[str, Any]:
    """What an emergency access was found to be, by somebody else."""
    with services.database.transaction() as tx:
        return _record(access.review_glass(tx, session.actor, glass_id, body.finding, body.comment))


def _record(one: BreakGlass) -> dict[str, Any]:
    return {name: getattr(one, name) for name in BreakGlass.__slots__}
