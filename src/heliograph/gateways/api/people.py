"""Users and tokens."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from heliograph.features import access
from heliograph.features.access import TokenLife
from heliograph.features.access.identity.second_factor import reset_factors
from heliograph.features.access.limits import Volume
from heliograph.gateways.http import ActorDep, FreshActorDep, ServicesDep
from heliograph.gateways.http.auth import authenticator_of
from heliograph.kit.errors import Absent
from heliograph.kit.settings import Settings

router = APIRouter(tags=["people"])
Role = Annotated[str, Field(max_length=32)]


class NewUser(BaseModel):
    name: str = Field(min_length=1, max_length=64)
    display_name: str = Field(default="", max_length=100)
    roles: list[Role] = ["viewer"]


class NewStation(BaseModel):
    name: str = Field(min_length=1, max_length=64)
    display_name: str = Field(default="", max_length=100)


class UserChange(BaseModel):
    display_name: str | None = Field(default=None, max_length=100)
    roles: list[Role] | None = None
    disabled: bool | None = None


class NewToken(BaseModel):
    name: str = Field(min_length=1, max_length=64)
    scopes: list[Role]
    days: float | None = Field(default=None, gt=0, le=3650)
    site_ids: list[int] = Field(default=[], max_length=1000)
    hourly_instances: int | None = Field(default=None, ge=0, le=2**31 - 1)
    hourly_bytes: int | None = Field(default=None, ge=0, le=2**62)


class TokenChange(BaseModel):
    """null: what the settings say; 0: without a limit."""

    hourly_instances: int | None = Field(default=None, ge=0, le=2**31 - 1)
    hourly_bytes: int | None = Field(default=None, ge=0, le=2**62)


class Rotation(BaseModel):
    overlap_hours: float = Field(default=24.0, ge=0, le=720)


def _life(settings: Settings) -> TokenLife:
    return TokenLife(settings.token_days, settings.token_most_days)


@router.get("/users")
def users(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Everybody who may sign in."""
    with services.database.transaction() as tx:
        return {"items": access.users(tx, actor)}


@router.post("/users", status_code=201)
def add(body: NewUser, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """Adds a person; the answer has a one-time link to hand over."""
    with services.database.transaction() as tx:
        user_id = access.add_user(tx, actor, body.name, body.roles, display_name=body.display_name)
        return {"id": str(user_id), "link": access.issue_link(tx, actor, body.name)}


@router.patch("/users/{user_id}")
def change(
    user_id: UUID, body: UserChange, request: Request, actor: FreshActorDep, services: ServicesDep
) -> dict[str, Any]:
    """Changes roles or name, disables or enables."""
    with services.database.transaction() as tx:
        access.set_user(tx, actor, user_id, roles=body.roles, display_name=body.display_name, disabled=body.disabled)
    authenticator_of(request).forget_all()
    return {"id": str(user_id)}


@router.post("/users/{user_id}/link")
def link(user_id: UUID, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """A new one-time sign-in code for a person."""
    with services.database.transaction() as tx:
        found = next((user for user in access.users(tx, actor) if user["id"] == user_id), None)
        if found is None:
            raise Absent("no such user", code="no_user")
        return {"link": access.issue_link(tx, actor, found["name"])}


@router.post("/users/{user_id}/reset")
def reset(user_id: UUID, request: Request, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """For who lost the second factor: takes app, passkeys, recovery codes and PIN away, ends the sessions; a one-time link to hand over."""
    with services.database.transaction() as tx:
        made = access.issue_link(tx, actor, reset_factors(tx, actor, user_id))
    authenticator_of(request).forget_all()
    return {"link": made}


@router.get("/users/{user_id}/sessions")
def sessions(user_id: UUID, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Where a person is signed in."""
    with services.database.transaction() as tx:
        return {"items": access.sessions_of(tx, actor, user_id)}


@router.delete("/users/{user_id}/sessions")
def end_sessions(user_id: UUID, request: Request, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Signs a person out everywhere."""
    with services.database.transaction() as tx:
        count = access.end_sessions(tx, actor, user_id)
    authenticator_of(request).forget_all()
    return {"ended": count}


@router.delete("/users/{user_id}/sessions/{which}", status_code=204)
def end_session(user_id: UUID, which: str, request: Request, actor: ActorDep, services: ServicesDep) -> None:
    """Signs a person out in one browser."""
    with services.database.transaction() as tx:
        access.end_session(tx, actor, user_id, which)
    authenticator_of(request).forget_all()


@router.post("/stations", status_code=201)
def add_station(body: NewStation, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """A screen that only looks (theatre, meeting room) and is never locked; the answer has the one-time link to open there."""
    with services.database.transaction() as tx:
        user_id = access.add_user(tx, actor, body.name, ["viewer"], display_name=body.display_name, kind="station")
        return {"id": str(user_id), "link": access.issue_link(tx, actor, body.name)}


@router.get("/tokens")
def tokens(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Programs that hold a token; the tokens themselves are known to nobody."""
    with services.database.transaction() as tx:
        return {"items": access.tokens(tx, actor)}


@router.post("/tokens", status_code=201)
def issue(body: NewToken, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """Makes a token; it is shown this once."""
    with services.database.transaction() as tx:
        life = _life(services.settings)
        return {
            "token": access.issue_token(
                tx,
                actor,
                body.name,
                body.scopes,
                days=body.days,
                site_ids=body.site_ids,
                life=life,
                most=Volume(body.hourly_instances, body.hourly_bytes),
            )
        }


@router.post("/tokens/{token_id}/rotate", status_code=201)
def rotate(token_id: UUID, body: Rotation, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """A new token in place of one, which goes on for the overlap; it is shown this once."""
    with services.database.transaction() as tx:
        life = _life(services.settings)
        return {"token": access.rotate_token(tx, actor, token_id, overlap_hours=body.overlap_hours, life=life)}


@router.patch("/tokens/{token_id}")
def change_token(token_id: UUID, body: TokenChange, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """What a program may take by DICOMweb within an hour."""
    with services.database.transaction() as tx:
        access.limit_token(tx, actor, token_id, Volume(body.hourly_instances, body.hourly_bytes))
    return {"id": str(token_id)}


@router.delete("/tokens/{token_id}", status_code=204)
def revoke(token_id: UUID, actor: ActorDep, services: ServicesDep) -> None:
    """Ends a token."""
    with services.database.transaction() as tx:
        access.revoke_token(tx, actor, token_id)
