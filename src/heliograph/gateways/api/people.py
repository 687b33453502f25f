"""Users and tokens."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from heliograph.features import access
from heliograph.gateways.http import ActorDep, ServicesDep
from heliograph.kit.errors import Absent

router = APIRouter(tags=["people"])
Role = Annotated[str, Field(max_length=32)]


class NewUser(BaseModel):
    name: str = Field(min_length=1, max_length=64)
    display_name: str = Field(default="", max_length=100)
    roles: list[Role] = ["viewer"]


class UserChange(BaseModel):
    display_name: str | None = Field(default=None, max_length=100)
    roles: list[Role] | None = None
    disabled: bool | None = None


class NewToken(BaseModel):
    name: str = Field(min_length=1, max_length=64)
    scopes: list[Role]
    days: float | None = Field(default=None, gt=0, le=3650)


@router.get("/users")
def users(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Everybody who may sign in."""
    with services.database.transaction() as tx:
        return {"items": access.users(tx, actor)}


@router.post("/users", status_code=201)
def add(body: NewUser, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Adds a person; the answer has a one-time link to hand over."""
    with services.database.transaction() as tx:
        user_id = access.add_user(tx, actor, body.name, body.roles, display_name=body.display_name)
        return {"id": str(user_id), "link": access.issue_link(tx, actor, body.name)}


@router.patch("/users/{user_id}")
def change(user_id: UUID, body: UserChange, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Changes roles or name, disables or enables."""
    with services.database.transaction() as tx:
        access.set_user(tx, actor, user_id, roles=body.roles, display_name=body.display_name, disabled=body.disabled)
    return {"id": str(user_id)}


@router.post("/users/{user_id}/link")
def link(user_id: UUID, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """A new one-time sign-in code for a person."""
    with services.database.transaction() as tx:
        found = next((user for user in access.users(tx, actor) if user["id"] == user_id), None)
        if found is None:
            raise Absent("no such user", code="no_user")
        return {"link": access.issue_link(tx, actor, found["name"])}


@router.get("/tokens")
def tokens(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Programs that hold a token; the tokens themselves are known to nobody."""
    with services.database.transaction() as tx:
        return {"items": access.tokens(tx, actor)}


@router.post("/tokens", status_code=201)
def issue(body: NewToken, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Makes a token; it is shown this once."""
    with services.database.transaction() as tx:
        return {"token": access.issue_token(tx, actor, body.name, body.scopes, days=body.days)}


@router.delete("/tokens/{token_id}", status_code=204)
def revoke(token_id: UUID, actor: ActorDep, services: ServicesDep) -> None:
    """Ends a token."""
    with services.database.transaction() as tx:
        access.revoke_token(tx, actor, token_id)
