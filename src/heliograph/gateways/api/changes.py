"""The change feed."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from heliograph.engine import events
from heliograph.features import access
from heliograph.gateways.http import ActorDep, ServicesDep

router = APIRouter(tags=["changes"])
_MOST = 2**63 - 1


@router.get("/changes")
def changes(
    actor: ActorDep, services: ServicesDep, after: Annotated[int | None, Query(ge=0, le=_MOST)] = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> dict[str, Any]:  # fmt: skip
    """Facts after the cursor in the order of their numbers, those about studies that are there for the actor, without a cursor from the oldest that is kept; `last` is the cursor for the
    next call. 410 `cursor_gone` when facts after the cursor are no longer kept."""
    access.require(actor, "changes.read")
    with services.database.transaction() as tx:
        found = events.changes(tx, actor.tenant_id, after, limit)
        about = {change.number: change.subject.get("study") for change in found}
        seen = access.seen_studies(tx, actor, {study for study in about.values() if isinstance(study, int)})
        here = after if after is not None else events.beginning(tx)
    items = [
        {"number": c.number, "kind": c.kind, "at": c.at, "subject": c.subject}
        for c in found
        if about[c.number] is None or about[c.number] in seen
    ]
    return {"items": items, "last": found[-1].number if found else here}
