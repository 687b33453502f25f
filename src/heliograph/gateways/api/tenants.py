"""Organisations, for who runs the installation."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from heliograph.features import access
from heliograph.features.access import Tenant
from heliograph.gateways.api.studies import number_of
from heliograph.gateways.http import ActorDep, FreshActorDep, ServicesDep
from heliograph.gateways.http.auth import authenticator_of

router = APIRouter(prefix="/tenants", tags=["tenants"])
Title = Annotated[str, Field(min_length=1, max_length=16)]
Host = Annotated[str, Field(min_length=1, max_length=253)]


class NewTenant(BaseModel):
    name: str = Field(min_length=1, max_length=32)
    display_name: str = Field(default="", max_length=100)
    titles: list[Title] = Field(default=[], max_length=100)
    hosts: list[Host] = Field(default=[], max_length=100)


class TenantChange(BaseModel):
    name: str | None = Field(default=None, min_length=1, max_length=32)
    display_name: str | None = Field(default=None, max_length=100)
    titles: list[Title] | None = Field(default=None, max_length=100)
    hosts: list[Host] | None = Field(default=None, max_length=100)


@router.get("")
def tenants(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """The organisations on this installation."""
    with services.database.transaction() as tx:
        return {"items": [_row(one) for one in access.tenants(tx, actor)]}


@router.post("", status_code=201)
def add(body: NewTenant, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """Adds an organisation; the answer has a one-time link for its first administrator to be handed over."""
    with services.database.transaction() as tx:
        made = access.add_tenant(
            tx, actor, body.name, own_aet=services.settings.aet, display_name=body.display_name, titles=body.titles, hosts=body.hosts
        )  # fmt: skip
        first = access.console_actor(tx, made.name, actor.name)
        access.add_user(tx, first, "admin", ["admin"], display_name="Administrator")
        return _row(made) | {"link": access.issue_link(tx, first, "admin")}


@router.patch("/{tenant_id}")
def change(tenant_id: str, body: TenantChange, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """Changes names; titles and hosts that are given stand in place of all before."""
    with services.database.transaction() as tx:
        return _row(access.change_tenant(
            tx, actor, number_of(tenant_id), own_aet=services.settings.aet, name=body.name, display_name=body.display_name,
            titles=body.titles, hosts=body.hosts,
        ))  # fmt: skip


@router.post("/{tenant_id}/close")
def close(tenant_id: str, request: Request, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """Nobody of it comes in any more; what it has stays."""
    with services.database.transaction() as tx:
        made = access.close_tenant(tx, actor, number_of(tenant_id))
    authenticator_of(request).forget_all()
    return _row(made)


@router.post("/{tenant_id}/open")
def reopen(tenant_id: str, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """The end of closing; sessions do not come back."""
    with services.database.transaction() as tx:
        return _row(access.open_tenant(tx, actor, number_of(tenant_id)))


def _row(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": str(tenant.id), "name": tenant.name, "display_name": tenant.display_name, "titles": list(tenant.titles),
        "hosts": list(tenant.hosts), "created_at": tenant.created_at, "closed_at": tenant.closed_at, "is_house": tenant.is_house,
    }  # fmt: skip
