"""Devices and who wants in."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from heliograph.features import access
from heliograph.features.access import Device
from heliograph.gateways.api.paging import page_of
from heliograph.gateways.api.studies import number_of
from heliograph.gateways.http import ActorDep, FreshActorDep, ServicesDep
from heliograph.kit.errors import Absent, HeliographError, Invalid

router = APIRouter(prefix="/devices", tags=["devices"])
Right = Literal["echo", "store", "find", "move", "get"]


class NewDevice(BaseModel):
    aet: str = Field(min_length=1, max_length=16)
    host: str = Field(default="", max_length=255)
    port: int | None = Field(default=None, ge=1, le=65535)
    description: str = Field(default="", max_length=200)
    allow: list[Right] = ["echo", "store"]
    pinned: bool = False
    default_issuer: str = Field(default="", max_length=64)
    answer_success_when_held: bool = False
    tls: bool = False
    hourly_instances: int | None = Field(default=None, ge=0, le=2**31 - 1)
    hourly_bytes: int | None = Field(default=None, ge=0, le=2**62)


class DeviceChange(BaseModel):
    aet: str | None = Field(default=None, min_length=1, max_length=16)
    host: str | None = Field(default=None, max_length=255)
    port: int | None = Field(default=None, ge=1, le=65535)
    description: str | None = Field(default=None, max_length=200)
    allow: list[Right] | None = None
    pinned: bool | None = None
    default_issuer: str | None = Field(default=None, max_length=64)
    answer_success_when_held: bool | None = None
    tls: bool | None = None
    hourly_instances: int | None = Field(default=None, ge=0, le=2**31 - 1)
    hourly_bytes: int | None = Field(default=None, ge=0, le=2**62)


class Acceptance(BaseModel):
    allow: list[Right] = ["echo", "store"]
    port: int | None = Field(default=None, ge=1, le=65535)


@router.get("")
def devices(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Registered devices."""
    with services.database.transaction() as tx:
        until = access.certified_until(tx, actor)
        return {"items": [_row(device, until.get(device.id)) for device in access.devices(tx, actor)]}


@router.post("", status_code=201)
def add(body: NewDevice, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """Registers a device."""
    values = body.model_dump()
    aet, host, port, allow = (values.pop(key) for key in ("aet", "host", "port", "allow"))
    return _row(services.database.retried(lambda tx: access.add_device(tx, actor, aet, host, port, allow, **values)))


@router.get("/wants-in")
def wants_in(
    actor: ActorDep, services: ServicesDep, limit: Annotated[int, Query(ge=1, le=500)] = 500, cursor: Annotated[str | None, Query(max_length=20)] = None
) -> dict[str, Any]:  # fmt: skip
    """Callers that nobody registered, latest first."""
    after = number_of(cursor) if cursor else None
    with services.database.transaction() as tx:
        found = access.callers(tx, actor, limit=limit + 1, after=after)
    return page_of([caller | {"id": str(caller["id"])} for caller in found], limit)


@router.post("/wants-in/{caller_id}/accept", status_code=201)
def accept(caller_id: str, body: Acceptance, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """Makes a caller a device, pinned to its address."""
    number = number_of(caller_id)
    return _row(
        services.database.retried(lambda tx: access.accept_caller(tx, actor, number, list(body.allow), body.port))
    )


@router.delete("/wants-in/{caller_id}", status_code=204)
def dismiss(caller_id: str, actor: ActorDep, services: ServicesDep) -> None:
    """Takes a caller off the list; it comes back when it calls again."""
    with services.database.transaction() as tx:
        access.dismiss_caller(tx, actor, number_of(caller_id))


@router.patch("/{device_id}")
def change(device_id: str, body: DeviceChange, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """Changes the fields that are given."""
    with services.database.transaction() as tx:
        device = access.update_device(tx, actor, number_of(device_id), body.model_dump(exclude_unset=True))
        return _row(device, access.certified_until(tx, actor).get(device.id))


@router.delete("/{device_id}", status_code=204)
def remove(device_id: str, actor: FreshActorDep, services: ServicesDep) -> None:
    """Forgets a device; what it sent stays."""
    with services.database.transaction() as tx:
        access.remove_device(tx, actor, number_of(device_id))


@router.post("/{device_id}/echo")
def echo_device(device_id: str, request: Request, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """C-ECHO to the device (PS3.4 A)."""
    access.require(actor, "device.read")
    with services.database.transaction() as tx:
        found = next((d for d in access.devices(tx, actor) if d.id == number_of(device_id)), None)
        title = access.title_of(tx, actor.tenant_id, services.settings.aet)
    if found is None:
        raise Absent("no such device", code="no_device")
    if not found.host or found.port is None:
        raise Invalid("host and port of the device must be known to call it", code="no_address")
    return echo_answer(request, found.as_dict(), title)


def echo_answer(request: Request, node: dict[str, Any], title: str) -> dict[str, Any]:
    """The answer of an echo button: a failure is an answer too."""
    try:
        return {"ok": True, "ms": round(request.app.state.peers.echo(node, title)), "error": None}
    except HeliographError as error:
        return {"ok": False, "ms": None, "error": error.message}


def _row(device: Device, certified_until: datetime | None = None) -> dict[str, Any]:
    """`verified`: it is known by more than its title, a certificate or the address that it is held to."""
    verified = device.pinned or certified_until is not None
    return device.as_dict() | {
        "id": str(device.id), "verified": verified, "certified_until": certified_until, "problems": [],
    }  # fmt: skip
