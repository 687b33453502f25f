"""`/api`: the JSON door of our own browser client and of programs. Additive only; `docs/reference/openapi.json` is its contract.

One module per feature; `stream` is the WebSocket that carries ids of what changed.
"""

from fastapi import APIRouter

from heliograph.gateways.api import (
    about,
    changes,
    devices,
    jobs,
    people,
    quarantine,
    routing,
    session,
    stream,
    studies,
    uploads,
    where,
)
from heliograph.gateways.api.stream import lifespan

router = APIRouter()
for _module in (session, studies, devices, routing, quarantine, jobs, where, changes, uploads, people, about, stream):
    router.include_router(_module.router)

__all__ = ["lifespan", "router"]
