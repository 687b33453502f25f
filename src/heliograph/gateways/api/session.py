"""Signing in and out, and who one is."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from heliograph import __version__
from heliograph.features import access
from heliograph.features.access import Session
from heliograph.features.access.people import note_failure, note_link_failure
from heliograph.gateways.http import ServicesDep, SessionDep, client_address
from heliograph.gateways.http.auth import authenticator_of, clear_cookie, set_cookie
from heliograph.kit.errors import NotSignedIn
from heliograph.services import Services

router = APIRouter(prefix="/session", tags=["session"])


class SignIn(BaseModel):
    name: str = Field(max_length=64)
    password: str = Field(max_length=1024)


class Link(BaseModel):
    link: str = Field(max_length=200)


class NewPassword(BaseModel):
    new: str = Field(max_length=1024)
    current: str | None = Field(default=None, max_length=1024)


@router.get("")
def who(session: SessionDep, services: ServicesDep) -> dict[str, Any]:
    """The signed-in person, what it may do, and the CSRF token for writing."""
    return _body(session, services)


@router.post("")
def sign_in(body: SignIn, request: Request, response: Response, services: ServicesDep) -> dict[str, Any]:
    """By name and password."""
    address = client_address(request)
    try:
        with services.database.transaction() as tx:
            session = access.sign_in(tx, body.name, body.password, address, hours=services.settings.session_hours)
    except NotSignedIn:
        with services.database.transaction() as tx:
            note_failure(tx, body.name, address)
        raise
    set_cookie(response, session)
    return _body(session, services)


@router.post("/link")
def sign_in_by_link(body: Link, request: Request, response: Response, services: ServicesDep) -> dict[str, Any]:
    """By the code of a one-time link."""
    address = client_address(request)
    try:
        with services.database.transaction() as tx:
            session = access.sign_in_by_link(tx, body.link, address, hours=services.settings.session_hours)
    except NotSignedIn:
        with services.database.transaction() as tx:
            note_link_failure(tx, address)
        raise
    set_cookie(response, session)
    return _body(session, services)


@router.post("/password")
def change_password(body: NewPassword, request: Request, session: SessionDep, services: ServicesDep) -> dict[str, Any]:
    """Sets or changes one's own password."""
    with services.database.transaction() as tx:
        access.change_password(tx, session, body.new, body.current)
    authenticator_of(request).forget(request)
    with services.database.transaction() as tx:
        renewed = access.session_actor(tx, session.token, session.actor.address)
    return _body(renewed, services)


@router.delete("", status_code=204)
def sign_out(request: Request, response: Response, session: SessionDep, services: ServicesDep) -> None:
    """Ends this session."""
    with services.database.transaction() as tx:
        access.sign_out(tx, session)
    authenticator_of(request).forget(request)
    clear_cookie(response)
    response.headers["Clear-Site-Data"] = '"cache"'  # the next person at this browser finds nothing of this one


def _body(session: Session, services: Services) -> dict[str, Any]:
    settings = services.settings
    return {
        "user": {
            "id": session.actor.id,
            "name": session.actor.name,
            "display_name": session.display_name,
            "roles": list(session.actor.roles),
            "must_set_password": session.needs_password,
        },
        "csrf": session.csrf,
        "permissions": sorted(session.actor.permissions),
        "site": {"name": settings.site_name, "version": __version__, "timezone": settings.site_timezone},
    }
