"""Signing in and out, and who one is."""

import contextlib
from collections.abc import Iterator
from typing import Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from heliograph import __version__
from heliograph.engine.db import Tx
from heliograph.features import access
from heliograph.features.access import HalfWay, Proof, Session, SignInRules
from heliograph.features.access.identity.directories import directory_of
from heliograph.features.access.identity.lockout import begin_unnamed, forget_unnamed
from heliograph.features.access.identity.passkeys import ask_passkey
from heliograph.features.access.identity.second_factor import ways_of
from heliograph.features.access.identity.signing_in import (
    Window,
    count_proof,
    count_second,
    count_sign_in,
    note_failed_proof,
    note_failure,
)
from heliograph.features.access.tenants import person_meant
from heliograph.gateways.http import AnySessionDep, FreshActorDep, OwnSessionDep, ServicesDep, SessionDep
from heliograph.gateways.http.auth import (
    COOKIE,
    authenticator_of,
    check_origin,
    clear_cookie,
    relying_party,
    rules_of,
    set_cookie,
    window_of,
)
from heliograph.kit.errors import HeliographError, NotSignedIn, Refused
from heliograph.services import Services

router = APIRouter(prefix="/session", tags=["session"])
_ours = [Depends(check_origin)]


class SignIn(BaseModel):
    name: str = Field(max_length=64)
    password: str = Field(max_length=1024)


class Link(BaseModel):
    link: str = Field(max_length=200)


class NewPassword(BaseModel):
    new: str = Field(max_length=1024)
    current: str | None = Field(default=None, max_length=1024)


class Proving(BaseModel):
    """What shows who one is: a word (password, PIN, code), or the device's answer to a step."""

    way: Literal["password", "pin", "totp", "recovery", "passkey"]
    value: str = Field(default="", max_length=1024)
    step: str = Field(default="", max_length=200)
    answer: dict[str, Any] | None = None

    def proof(self) -> Proof:
        return Proof(self.way, self.value, self.step, self.answer)


class Second(Proving):
    second: str = Field(max_length=200)


class KeyAnswer(BaseModel):
    step: str = Field(max_length=200)
    answer: dict[str, Any]


@router.get("")
def who(session: AnySessionDep, services: ServicesDep) -> dict[str, Any]:
    """The signed-in person, what it may do, the state of the session, and the CSRF token for writing."""
    return session_body(session, services)


@router.get("/ways")
def ways(request: Request, services: ServicesDep) -> dict[str, Any]:
    """How people sign in here, for the page that asks them; nobody need be signed in."""
    settings = services.settings
    oidc = None
    if settings.oidc_issuer:
        host = settings.oidc_issuer.partition("://")[2].partition("/")[0]
        oidc = {"name": settings.oidc_name or host, "start": "/api/session/oidc/start"}
    return {"passkey": relying_party(request) is not None, "oidc": oidc}


@router.post("", dependencies=_ours)
def sign_in(body: SignIn, request: Request, response: Response, services: ServicesDep) -> Any:
    """By name and password; 202 and a step when there is a second factor."""
    window, rules = window_of(request), rules_of(services.settings)
    with services.database.transaction() as tx:
        let_in = count_sign_in(tx, body.name, window, rules)
    try:
        with services.database.transaction() as tx:
            came = access.sign_in(tx, body.name, body.password, window, rules, let_in=let_in)
    except NotSignedIn as refused:
        came = _by_directory(body, window, refused, services, let_in=let_in)
    return _came(came, request, response, services)


@router.post("/link", dependencies=_ours)
def sign_in_by_link(body: Link, request: Request, response: Response, services: ServicesDep) -> Any:
    """By the code of a one-time link; 202 and a step when there is a second factor."""
    window, rules = window_of(request), rules_of(services.settings)
    with _try_unnamed(services, window, rules, "link") as tx:
        came = access.sign_in_by_link(tx, body.link, window, rules)
    return _came(came, request, response, services)


@router.post("/second", dependencies=_ours)
def second(body: Second, request: Request, response: Response, services: ServicesDep) -> Any:
    """The second factor after the first."""
    window, rules = window_of(request), rules_of(services.settings)
    try:
        with services.database.transaction() as tx:
            let_in = count_second(tx, body.second, window, rules)
    except NotSignedIn:  # no such step: nobody whom it could be counted for
        with services.database.transaction() as tx:
            begin_unnamed(tx, window.address, rules.lockout)
        raise
    try:
        with services.database.transaction() as tx:
            session = access.sign_in_second(tx, services.vault, body.second, body.proof(), window, rules, let_in=let_in)
    except NotSignedIn:
        with services.database.transaction() as tx:
            note_failure(tx, services.vault, "", window, "second")
        raise
    return _came(session, request, response, services)


@router.post("/passkey/start", dependencies=_ours)
def passkey_start(request: Request, services: ServicesDep) -> dict[str, Any]:
    """What the browser asks the device to sign; any passkey of this site will do."""
    party, window = relying_party(request), window_of(request)
    if party is None:
        raise Refused("passkeys need https and a host name", code="no_passkeys_here")
    with services.database.transaction() as tx:
        step, options = ask_passkey(tx, party, window.address)
    return {"step": step, "options": options}


@router.post("/passkey", dependencies=_ours)
def sign_in_by_passkey(body: KeyAnswer, request: Request, response: Response, services: ServicesDep) -> Any:
    """By a passkey alone."""
    window, rules = window_of(request), rules_of(services.settings)
    with _try_unnamed(services, window, rules, "passkey") as tx:
        session = access.sign_in_by_passkey(tx, Proof("passkey", step=body.step, answer=body.answer), window, rules)
    return _came(session, request, response, services)


@router.post("/password")
def change_password(
    body: NewPassword, request: Request, session: OwnSessionDep, services: ServicesDep
) -> dict[str, Any]:
    """Sets or changes one's own password."""
    rules = rules_of(services.settings)
    with services.database.transaction() as tx:
        if body.current is not None and not count_proof(tx, session, rules):
            raise Refused("the current password is wrong", code="wrong_password")
    with services.database.transaction() as tx:
        access.change_password(tx, session, body.new, body.current)
    authenticator_of(request).forget_all()
    return session_body(_renewed(session, services), services)


@router.post("/prove")
def prove(body: Proving, request: Request, session: OwnSessionDep, services: ServicesDep) -> dict[str, Any]:
    """Shows once more who one is, for acts that want it fresh."""
    _prove(body, session, services)
    authenticator_of(request).forget(request)
    return session_body(_renewed(session, services), services)


@router.post("/prove/passkey")
def prove_by_passkey(request: Request, session: AnySessionDep, services: ServicesDep) -> dict[str, Any]:
    """What the browser asks the person's own devices to sign."""
    party = relying_party(request)
    if party is None:
        raise Refused("passkeys need https and a host name", code="no_passkeys_here")
    with services.database.transaction() as tx:
        step, options = ask_passkey(tx, party, session.actor.address, session.actor.id)
    return {"step": step, "options": options}


@router.post("/fresh", status_code=204)
def is_fresh(_actor: FreshActorDep) -> None:
    """Asked before a download that wants a fresh proof, which a plain link could not ask for."""


@router.post("/lock")
def lock(request: Request, session: AnySessionDep, services: ServicesDep) -> dict[str, Any]:
    """Locks the own screen: nothing is answered before the person shows that it is back."""
    with services.database.transaction() as tx:
        access.lock_session(tx, session)
    authenticator_of(request).forget(request)
    return session_body(_renewed(session, services), services)


@router.post("/unlock")
def unlock(body: Proving, request: Request, session: AnySessionDep, services: ServicesDep) -> dict[str, Any]:
    """Opens the own locked screen."""
    _prove(body, session, services)
    authenticator_of(request).forget(request)
    return session_body(_renewed(session, services), services)


@router.post("/active", status_code=204)
def active(session: SessionDep, services: ServicesDep) -> None:
    """The person moved something: the screen stays open for another while."""
    with services.database.transaction() as tx:
        access.note_activity(tx, session)


@router.delete("", status_code=204)
def sign_out(request: Request, response: Response, session: AnySessionDep, services: ServicesDep) -> None:
    """Ends this session."""
    with services.database.transaction() as tx:
        access.sign_out(tx, session)
    authenticator_of(request).forget(request)
    clear_cookie(response)
    response.headers["Clear-Site-Data"] = '"cache"'  # the next person at this browser finds nothing of this one


@contextlib.contextmanager
def _try_unnamed(services: Services, window: Window, rules: SignInRules, way: str) -> Iterator[Tx]:
    """A try that names nobody: counted for its address beforehand, taken back when it was right, on record when it was not."""
    with services.database.transaction() as tx:
        attempt = begin_unnamed(tx, window.address, rules.lockout)
    try:
        with services.database.transaction() as tx:
            yield tx
            forget_unnamed(tx, attempt)
    except NotSignedIn:
        with services.database.transaction() as tx:
            note_failure(tx, services.vault, "", window, way)
        raise


def _by_directory(
    body: SignIn, window: Window, refused: NotSignedIn, services: Services, *, let_in: bool
) -> Session | HalfWay:
    """Whom we do not know by this password the directory may; it is asked for every name, so that nobody learns which are ours."""
    rules = rules_of(services.settings)
    try:
        directory = directory_of(services.settings)
        if directory is None or not let_in:
            raise refused
        with services.database.transaction() as tx:
            _, name = person_meant(tx, body.name, window.host)
        said = directory.sign_in(name, body.password)
        with services.database.transaction() as tx:
            return access.sign_in_by_directory(tx, directory.house, said, body.name, window, rules)
    except HeliographError as error:
        with services.database.transaction() as tx:
            note_failure(tx, services.vault, body.name, window)
        if error.code == "sign_in_failed":
            raise refused from None
        raise


def _vouched(body: Proving, session: Session, services: Services) -> bool:
    """The password of a person who is kept in the directory is asked of it."""
    directory = directory_of(services.settings) if body.way == "password" else None
    if directory is None:
        return False
    with services.database.transaction() as tx:
        subject = ways_of(tx, session.actor.id)["directory"]
    return bool(subject) and directory.holds(subject, session.actor.name, body.value)


def _prove(body: Proving, session: Session, services: Services) -> None:
    with services.database.transaction() as tx:
        let_in = count_proof(tx, session, rules_of(services.settings))
    is_vouched = let_in and _vouched(body, session, services)
    try:
        with services.database.transaction() as tx:
            access.prove(tx, services.vault, session, body.proof(), let_in=let_in, is_vouched=is_vouched)
    except Refused:
        with services.database.transaction() as tx:
            note_failed_proof(tx, session, body.way)
        raise


def _renewed(session: Session, services: Services) -> Session:
    with services.database.transaction() as tx:
        return access.session_of_token(tx, session.token, session.actor.address, rules_of(services.settings))


def _came(came: Session | HalfWay, request: Request, response: Response, services: Services) -> Any:
    if isinstance(came, HalfWay):
        return JSONResponse({"second": {"step": came.step, "ways": list(came.ways), "passkey": came.passkey}}, 202)
    _end_former(request, services)
    set_cookie(response, came)
    return session_body(came, services)


def _end_former(request: Request, services: Services) -> None:
    """Another person takes over a shared station: who was there before is signed out."""
    token = request.cookies.get(COOKIE, "")
    if not token:
        return
    try:
        with services.database.transaction() as tx:
            former = access.session_of_token(tx, token, "", rules_of(services.settings))
            access.sign_out(tx, former)
    except HeliographError:
        return
    authenticator_of(request).forget(request)


def session_body(session: Session, services: Services) -> dict[str, Any]:
    settings = services.settings
    with services.database.transaction() as tx:
        has = ways_of(tx, session.actor.id)
        name = access.called(tx, session.actor.tenant_id, settings.site_name)
    has["password"] = has["password"] or bool(has["directory"] and settings.ldap_url)
    has["oidc"] = has["oidc"] and bool(settings.oidc_issuer)
    return {
        "user": {
            "id": session.actor.id,
            "name": session.actor.name,
            "display_name": session.display_name,
            "roles": list(session.actor.roles),
            "must_set_password": session.needs_password,
        },
        "csrf": session.csrf,
        "permissions": sorted(one for one in session.actor.permissions if access.allowed(session.actor, one)),  # type: ignore[arg-type]  # each is one
        "site": {"name": name, "version": __version__, "timezone": settings.site_timezone},
        "session": {
            "id": session.id,
            "state": session.state,
            "kind": session.kind,
            "way": session.way,
            "expires_at": session.expires_at,
            "idle_lock_minutes": 0.0 if session.kind == "station" else settings.idle_lock_minutes,
            "step_up_minutes": settings.step_up_minutes,
            "proves_by": [way for way in ("passkey", "pin", "totp", "password", "oidc") if has[_KEY.get(way, way)]],
        },
    }


_KEY = {"passkey": "passkeys"}
