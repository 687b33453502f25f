"""Sites and departments, and which people and devices are where."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from heliograph.features import access
from heliograph.gateways.api.studies import number_of
from heliograph.gateways.http import ActorDep, FreshActorDep, ServicesDep
from heliograph.gateways.http.auth import authenticator_of

router = APIRouter(tags=["policy"])


class NewSite(BaseModel):
    name: str = Field(min_length=1, max_length=64)
    timezone: str = Field(default="", max_length=64)


class NewDepartment(BaseModel):
    name: str = Field(min_length=1, max_length=64)


class SiteChange(BaseModel):
    name: str | None = Field(default=None, min_length=1, max_length=64)
    timezone: str | None = Field(default=None, max_length=64)
    closed: bool | None = None


class DepartmentChange(BaseModel):
    name: str | None = Field(default=None, min_length=1, max_length=64)
    closed: bool | None = None


class Place(BaseModel):
    everywhere: bool | None = None
    site_ids: list[int] | None = Field(default=None, max_length=1000)
    department_ids: list[int] | None = Field(default=None, max_length=1000)
    clearances: list[str] | None = Field(default=None, max_length=10)


class DevicePlace(BaseModel):
    """Where what it brings is kept, and which sites' studies it may ask for: none named, every site."""

    site_id: int | None = None
    department_id: int | None = None
    site_ids: list[int] = Field(default=[], max_length=1000)


@router.get("/sites")
def sites(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Sites of the organisation with their departments, how much is at each, and where devices stand."""
    with services.database.transaction() as tx:
        return {"items": access.sites(tx, actor), "devices": access.placed_devices(tx, actor)}


@router.post("/sites", status_code=201)
def add_site(body: NewSite, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Adds a site."""
    with services.database.transaction() as tx:
        return {"id": access.add_site(tx, actor, body.name, timezone=body.timezone)}


@router.patch("/sites/{site_id}")
def change_site(site_id: int, body: SiteChange, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Renames, closes or opens a site. What came there stays."""
    with services.database.transaction() as tx:
        access.set_site(tx, actor, site_id, name=body.name, timezone=body.timezone, closed=body.closed)
    return {"id": site_id}


@router.post("/sites/{site_id}/departments", status_code=201)
def add_department(site_id: int, body: NewDepartment, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Adds a department to a site."""
    with services.database.transaction() as tx:
        return {"id": access.add_department(tx, actor, site_id, body.name)}


@router.patch("/departments/{department_id}")
def change_department(
    department_id: int, body: DepartmentChange, actor: ActorDep, services: ServicesDep
) -> dict[str, Any]:
    """Renames, closes or opens a department."""
    with services.database.transaction() as tx:
        access.set_department(tx, actor, department_id, name=body.name, closed=body.closed)
    return {"id": department_id}


@router.post("/users/{user_id}/place")
def place(user_id: UUID, body: Place, request: Request, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """Where a person works and which restricted patients are not withheld from it."""
    with services.database.transaction() as tx:
        access.place_user(
            tx, actor, user_id, everywhere=body.everywhere, site_ids=body.site_ids, department_ids=body.department_ids, clearances=body.clearances,
        )  # fmt: skip
    authenticator_of(request).forget_all()
    return {"id": str(user_id)}


@router.post("/devices/{device_id}/place")
def place_device(device_id: str, body: DevicePlace, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """Where a device stands."""
    with services.database.transaction() as tx:
        access.place_device(
            tx,
            actor,
            number_of(device_id),
            site_id=body.site_id,
            department_id=body.department_id,
            site_ids=body.site_ids,
        )
    return {"id": device_id}
