"""Long work and alarms."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from heliograph.engine import jobs
from heliograph.features import access, archive, routing
from heliograph.gateways.api.paging import page_of
from heliograph.gateways.http import ActorDep, ServicesDep

router = APIRouter(tags=["jobs"])
State = Literal["queued", "running", "done", "failed", "cancelled"]


@router.get("/jobs")
def job_list(
    actor: ActorDep, services: ServicesDep, state: State | None = None, limit: Annotated[int, Query(ge=1, le=500)] = 200,
    cursor: UUID | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Long work, latest first."""
    access.require(actor, "job.read")
    with services.database.transaction() as tx:
        page = page_of(jobs.listing(tx, actor.tenant_id, state=state, limit=limit + 1, before=cursor), limit)
        names = routing.retrieve_nodes(tx, actor, [item["id"] for item in page["items"] if item["kind"] == "retrieve"])
    for item in page["items"]:
        item["values"] = {"node": names[item["id"]]} if item["id"] in names else {}
        item["can_cancel"] = item["state"] in {"queued", "running"} and access.allowed(actor, "job.manage")
        item["can_retry"] = item["state"] in {"failed", "cancelled"} and access.allowed(actor, "job.manage")
    return page


@router.post("/jobs/{job_id}/{verb}")
def decide(job_id: UUID, verb: Literal["cancel", "retry"], actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Cancels, or runs again from where it stopped."""
    access.require(actor, "job.manage")
    with services.database.transaction() as tx:
        (jobs.cancel if verb == "cancel" else jobs.retry)(tx, actor.tenant_id, job_id)
        access.note(tx, actor, f"job.{verb}", {"job": str(job_id)})
    return {"id": str(job_id)}


@router.get("/alarms")
def alarms(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """What is wrong now and what to do about it."""
    with services.database.transaction() as tx:
        return {"items": archive.open_alarms(tx, actor)}


@router.post("/alarms/{alarm_id}/acknowledge")
def acknowledge(alarm_id: UUID, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Somebody looks after it."""
    with services.database.transaction() as tx:
        archive.acknowledge_alarm(tx, actor, alarm_id)
    return {"id": str(alarm_id)}
