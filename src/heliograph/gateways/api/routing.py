"""Remote nodes, sending, forwarding rules."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from heliograph.features import access, routing
from heliograph.gateways.api.devices import echo_answer
from heliograph.gateways.api.paging import page_of
from heliograph.gateways.api.studies import number_of
from heliograph.gateways.http import ActorDep, FreshActorDep, ServicesDep

router = APIRouter(tags=["routing"])
SendState = Literal["open", "queued", "sending", "waiting", "done", "failed", "cancelled"]


class NewNode(BaseModel):
    name: str = Field(min_length=1, max_length=64)
    aet: str = Field(min_length=1, max_length=16)
    host: str = Field(min_length=1, max_length=255)
    port: int = Field(ge=1, le=65535)
    tls: bool = False
    tls_fingerprint: str = Field(default="", max_length=95)


class NodeChange(BaseModel):
    name: str | None = Field(default=None, min_length=1, max_length=64)
    aet: str | None = Field(default=None, min_length=1, max_length=16)
    host: str | None = Field(default=None, min_length=1, max_length=255)
    port: int | None = Field(default=None, ge=1, le=65535)
    tls: bool | None = None
    tls_fingerprint: str | None = Field(default=None, max_length=95)


class NodeQuery(BaseModel):
    patient_name: str | None = Field(default=None, max_length=200)
    patient_id: str | None = Field(default=None, max_length=64)
    accession_number: str | None = Field(default=None, max_length=64)
    study_date: str | None = Field(default=None, max_length=32)
    modality: str | None = Field(default=None, max_length=64)
    study_uid: str | None = Field(default=None, max_length=64)


class Retrieval(BaseModel):
    study_uid: str = Field(min_length=1, max_length=64, pattern=r"^[0-9.]+$")


class NewSend(BaseModel):
    study_id: str
    node_id: UUID
    series_id: str | None = None


class NewRule(BaseModel):
    name: str = Field(min_length=1, max_length=64)
    node_id: UUID
    enabled: bool = True
    modalities: list[Annotated[str, Field(max_length=16)]] = []
    device_ids: list[str] = []


class RuleChange(BaseModel):
    name: str | None = Field(default=None, min_length=1, max_length=64)
    node_id: UUID | None = None
    enabled: bool | None = None
    modalities: list[Annotated[str, Field(max_length=16)]] | None = None
    device_ids: list[str] | None = None


_QUERY_KEYS = {
    "patient_name": "PatientName",
    "patient_id": "PatientID",
    "accession_number": "AccessionNumber",
    "study_date": "StudyDate",
    "modality": "ModalitiesInStudy",
    "study_uid": "StudyInstanceUID",
}


@router.get("/nodes")
def nodes(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Archives and workstations that we query and send to."""
    with services.database.transaction() as tx:
        return {"items": routing.nodes(tx, actor)}


@router.post("/nodes", status_code=201)
def add_node(body: NewNode, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    with services.database.transaction() as tx:
        return routing.add_node(tx, actor, **body.model_dump())


@router.patch("/nodes/{node_id}")
def change_node(node_id: UUID, body: NodeChange, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    with services.database.transaction() as tx:
        return routing.update_node(tx, actor, node_id, body.model_dump(exclude_unset=True))


@router.delete("/nodes/{node_id}", status_code=204)
def remove_node(node_id: UUID, actor: FreshActorDep, services: ServicesDep) -> None:
    with services.database.transaction() as tx:
        routing.remove_node(tx, actor, node_id)


@router.post("/nodes/{node_id}/echo")
def echo_node(node_id: UUID, request: Request, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """C-ECHO to the node."""
    with services.database.transaction() as tx:
        found = routing.node(tx, actor, node_id)
        title = access.title_of(tx, actor.tenant_id, services.settings.aet)
    return echo_answer(request, found, title)


@router.post("/nodes/{node_id}/query")
def query_node(
    node_id: UUID, body: NodeQuery, request: Request, actor: ActorDep, services: ServicesDep
) -> dict[str, Any]:
    """C-FIND at study level; `truncated` says that there is more than shown."""
    access.require(actor, "node.query")
    keys = {_QUERY_KEYS[key]: value for key, value in body.model_dump(exclude_none=True).items() if value}
    with services.database.transaction() as tx:
        found = routing.node(tx, actor, node_id)
        access.note(tx, actor, "node.queried", {"node": str(node_id)}, detail={"keys": sorted(keys)})
        title = access.title_of(tx, actor.tenant_id, services.settings.aet)
    items, truncated = request.app.state.peers.query(found, title, keys, 500)
    return {"items": items, "truncated": truncated}


@router.post("/nodes/{node_id}/retrieve", status_code=202)
def retrieve(node_id: UUID, body: Retrieval, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Fetches a study from the node, as a job."""
    with services.database.transaction() as tx:
        return {"job_id": str(routing.request_retrieve(tx, actor, node_id, body.study_uid))}


@router.get("/sends")
def sends(
    actor: ActorDep, services: ServicesDep, state: SendState | None = None, limit: Annotated[int, Query(ge=1, le=500)] = 200,
    cursor: UUID | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Studies on their way to nodes, latest first; `open` are those that have not ended."""
    with services.database.transaction() as tx:
        found = routing.sends(tx, actor, state=state, limit=limit + 1, before=str(cursor) if cursor else None)
    return page_of(found, limit)


@router.post("/sends", status_code=202)
def send(body: NewSend, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """Sends a study or one of its series to a node."""
    series = number_of(body.series_id) if body.series_id else None
    with services.database.transaction() as tx:
        return {"id": str(routing.request_send(tx, actor, number_of(body.study_id), body.node_id, series_id=series))}


@router.post("/sends/{send_id}/{verb}")
def decide(send_id: UUID, verb: Literal["resend", "cancel"], actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Tries again at once, or gives it up."""
    with services.database.transaction() as tx:
        (routing.resend if verb == "resend" else routing.cancel_send)(tx, actor, send_id)
    return {"id": str(send_id)}


@router.get("/rules")
def rules(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Which settled studies are forwarded where."""
    with services.database.transaction() as tx:
        return {"items": routing.rules(tx, actor)}


@router.post("/rules", status_code=201)
def add_rule(body: NewRule, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    values = body.model_dump() | {"device_ids": [number_of(i) for i in body.device_ids]}
    with services.database.transaction() as tx:
        return routing.add_rule(tx, actor, **values)


@router.patch("/rules/{rule_id}")
def change_rule(rule_id: UUID, body: RuleChange, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    values = body.model_dump(exclude_unset=True)
    if values.get("device_ids") is not None:
        values["device_ids"] = [number_of(i) for i in values["device_ids"]]
    with services.database.transaction() as tx:
        return routing.update_rule(tx, actor, rule_id, values)


@router.delete("/rules/{rule_id}", status_code=204)
def remove_rule(rule_id: UUID, actor: FreshActorDep, services: ServicesDep) -> None:
    with services.database.transaction() as tx:
        routing.remove_rule(tx, actor, rule_id)
