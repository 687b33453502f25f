"""The change feed."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from heliograph.engine import events
from heliograph.features import access
from heliograph.gateways.http import ActorDep, ServicesDep

router = APIRouter(tags=["changes"])


@router.get("/changes")
def changes(
    actor: ActorDep, services: ServicesDep, after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=5000)] = 500
) -> dict[str, Any]:  # fmt: skip
    """Facts after the cursor in the order of their numbers; `last` is the cursor for the next call."""
    access.require(actor, "changes.read")
    with services.database.transaction() as tx:
        found = events.changes(tx, actor.tenant_id, after, limit)
    items = [{"number": c.number, "kind": c.kind, "at": c.at, "subject": c.subject} for c in found]
    return {"items": items, "last": found[-1].number if found else after}
