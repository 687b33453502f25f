"""How studies hang: the protocols that hold for the person who asks, and the layers in which they are kept."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from heliograph.features.reading import hanging
from heliograph.gateways.http import ActorDep, ServicesDep

router = APIRouter(tags=["hanging"])


class NewProtocol(BaseModel):
    """`document` as `GET /api/hanging/schema` tells it."""

    layer: Literal["site", "role", "user"]
    role: str = Field(default="", max_length=32)
    enabled: bool = True
    document: dict[str, Any]


class ChangedProtocol(BaseModel):
    version: int = Field(ge=1)
    enabled: bool | None = None
    document: dict[str, Any] | None = None


@router.get("/hanging/protocols")
def protocols_in_force(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """What hangs for this person: of each name the nearest layer's."""
    with services.database.transaction() as tx:
        return {"items": hanging.effective(tx, actor)}


@router.get("/hanging/layers")
def protocols_by_layer(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Every protocol of every layer that the person may know of."""
    with services.database.transaction() as tx:
        return {"items": hanging.protocols(tx, actor)}


@router.get("/hanging/schema")
def protocol_schema(_: ActorDep) -> dict[str, Any]:
    """The shape of a protocol as JSON Schema."""
    return hanging.schema()


@router.post("/hanging/protocols", status_code=201)
def add(body: NewProtocol, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """A further protocol. The own layer is everybody's; the others need `workspace.manage`."""
    with services.database.transaction() as tx:
        return hanging.add_protocol(
            tx, actor, body.document, layer=body.layer, role=body.role, enabled=body.enabled
        )  # fmt: skip


@router.patch("/hanging/protocols/{protocol_id}")
def change(protocol_id: UUID, body: ChangedProtocol, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Saves over the version that was read."""
    with services.database.transaction() as tx:
        return hanging.replace_protocol(
            tx, actor, protocol_id, version=body.version, document=body.document, enabled=body.enabled
        )


@router.delete("/hanging/protocols/{protocol_id}", status_code=204)
def remove(protocol_id: UUID, actor: ActorDep, services: ServicesDep) -> None:
    """What lies below it holds again."""
    with services.database.transaction() as tx:
        hanging.remove_protocol(tx, actor, protocol_id)


@router.get("/hanging/lint")
def lint(
    actor: ActorDep, services: ServicesDep, studies: Annotated[int, Query(ge=1, le=1000)] = 1000
) -> dict[str, Any]:
    """What the protocols would do with the studies that came last."""
    with services.database.transaction() as tx:
        return hanging.lint(tx, actor, studies=studies)
