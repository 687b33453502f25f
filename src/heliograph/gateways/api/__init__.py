"""`/api`: the JSON door of our own browser client and of programs. Additive only; `docs/reference/openapi.json` is its contract.

One module per feature; `stream` is the WebSocket that carries ids of what changed.
"""

from fastapi import APIRouter

from heliograph.gateways.api import (
    about,
    account,
    audit,
    certificates,
    changes,
    devices,
    glass,
    hanging,
    jobs,
    limits,
    marks,
    oidc,
    people,
    people_import,
    places,
    policy,
    preferences,
    quarantine,
    relations,
    routing,
    security,
    session,
    stream,
    studies,
    tenants,
    uploads,
    where,
)
from heliograph.gateways.api.stream import lifespan
from heliograph.gateways.http import ActorDep
from heliograph.kit.errors import Absent

router = APIRouter()
for _module in (
    session,
    account,
    preferences,
    oidc,
    studies,
    marks,
    hanging,
    devices,
    certificates,
    routing,
    quarantine,
    jobs,
    where,
    changes,
    uploads,
    people,
    people_import,
    glass,
    policy,
    places,
    relations,
    audit,
    security,
    tenants,
    limits,
    about,
    stream,
):
    router.include_router(_module.router)


@router.api_route("", methods=["GET"], include_in_schema=False)
@router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
def nothing(_actor: ActorDep) -> None:
    """Below /api nothing is a page of the client."""
    raise Absent("there is no such resource", code="no_resource")


__all__ = ["lifespan", "router"]
