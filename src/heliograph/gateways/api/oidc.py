"""The sign-in of another house, and its proof inside a session: out to the provider and back."""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from heliograph.engine import telemetry
from heliograph.features import access
from heliograph.features.access.identity.lockout import begin_unnamed, forget_unnamed
from heliograph.features.access.identity.oidc import (
    OidcSettings,
    Provider,
    prove_by_oidc,
    sign_in_by_oidc,
    sign_out_by_oidc,
)
from heliograph.features.access.identity.outside import Statement, read_pairs, read_roles
from heliograph.features.access.identity.sessions import Session
from heliograph.features.access.identity.signing_in import note_failed_proof, note_failure
from heliograph.features.access.model import HOUSE
from heliograph.features.access.tenants import tenant_at
from heliograph.gateways.http import AnySessionDep, ServicesDep
from heliograph.gateways.http.auth import COOKIE, authenticator_of, own_origins, rules_of, set_cookie, window_of
from heliograph.kit.errors import Absent, HeliographError, Invalid, NotSignedIn
from heliograph.kit.settings import secret_of
from heliograph.services import Services

router = APIRouter(prefix="/session/oidc", tags=["session"])
_COOKIE = "__Host-heliograph-oidc"
_BACK = "/api/session/oidc/callback"
_FAILED = "/signin#outside=failed"
_PROVED, _UNPROVED = "/proved#ok", "/proved#failed"


@router.get("/start", response_class=RedirectResponse, status_code=303)
def start(request: Request, services: ServicesDep) -> RedirectResponse:
    """Sends the browser to the provider."""
    return _out(request, services, None)


@router.get("/prove", response_class=RedirectResponse, status_code=303)
def prove(request: Request, session: AnySessionDep, services: ServicesDep) -> RedirectResponse:
    """Sends a small window to the provider, which shall ask the person of this session anew who it is: for acts that want a fresh proof,
    and for a locked screen."""
    return _out(request, services, session)


@router.get("/callback", response_class=RedirectResponse, status_code=303)
def callback(request: Request, services: ServicesDep, state: str = "", code: str = "") -> RedirectResponse:
    """The browser comes back from the provider; whatever went wrong, it stands at our own sign-in page."""
    window, rules = window_of(request), rules_of(services.settings)
    attempt = 0
    try:
        provider = _provider(request, services)
        with services.database.transaction() as tx:
            attempt = begin_unnamed(tx, window.address, rules.lockout)
        with services.database.transaction() as tx:
            begun = provider.claim(tx, state[:200], request.cookies.get(_COOKIE, ""))
        said = provider.finish(begun, code)
        if begun["session"]:
            with services.database.transaction() as tx:
                forget_unnamed(
                    tx, attempt
                )  # somebody is signed in already; whether the proof is right is on record as a proof
            return _proved(request, services, provider, begun, said)
        with services.database.transaction() as tx:
            session = sign_in_by_oidc(tx, provider.settings, said, window, rules)
            forget_unnamed(tx, attempt)
    except HeliographError as error:
        telemetry.fact("oidc_failed", code=error.code)
        if error.code == "too_many_sign_ins":
            authenticator_of(request).tell_sign_ins(request)
            return RedirectResponse(_FAILED, 303)
        with services.database.transaction() as tx:
            note_failure(tx, services.vault, "", window, "oidc")
        return RedirectResponse(_FAILED, 303)
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    set_cookie(answer, session)
    return answer


@router.post("/leave", status_code=204)
def leave(
    request: Request, response: Response, services: ServicesDep, logout_token: Annotated[str, Form(max_length=16384)]
) -> None:
    """The provider says, signed, that a person has signed out or was shut out there: its sessions here end (back-channel logout)."""
    provider = _provider(request, services)
    response.headers["Cache-Control"] = "no-store"
    try:
        subject = provider.leaver(logout_token)
    except NotSignedIn as error:
        raise Invalid(error.message, code="oidc_refused") from None
    with services.database.transaction() as tx:
        sign_out_by_oidc(tx, provider.settings, subject)
    authenticator_of(request).forget_all()


@router.get("/end", response_class=RedirectResponse, status_code=303)
def end(request: Request, services: ServicesDep) -> RedirectResponse:
    """Whoever signed out here is sent to the provider to sign out there, so that the next person at this browser is not taken for it."""
    back = own_origins(request)[0] + "/signin"
    return RedirectResponse(_provider(request, services).leave_address(back) or "/signin", 303)


def _out(request: Request, services: Services, proves: Session | None) -> RedirectResponse:
    provider = _provider(request, services)
    try:
        provider.reach()
        window = window_of(request)
        with services.database.transaction() as tx:
            # At the host name of an organisation the browser comes back to it, whatever name the installation has.
            ours = own_origins(request)[0 if tenant_at(tx, window.host) == HOUSE else -1]
            where, bound = provider.begin(tx, window, ours + _BACK, proves=proves)
    except HeliographError as error:
        telemetry.fact("oidc_failed", code=error.code)
        return RedirectResponse(_FAILED if proves is None else _UNPROVED, 303)
    answer = RedirectResponse(where, 303)
    answer.set_cookie(_COOKIE, bound, max_age=300, path="/", secure=True, httponly=True, samesite="lax")
    return answer


def _proved(
    request: Request, services: Services, provider: Provider, begun: dict[str, Any], said: Statement
) -> RedirectResponse:
    """The small window has done its work; the one that waits is told by it."""
    with services.database.transaction() as tx:
        token = request.cookies.get(COOKIE, "")
        session = access.session_of_token(tx, token, window_of(request).address, rules_of(services.settings))
    try:
        with services.database.transaction() as tx:
            prove_by_oidc(tx, provider.settings, begun, said, session)
    except HeliographError as error:
        telemetry.fact("oidc_failed", code=error.code)
        with services.database.transaction() as tx:
            note_failed_proof(tx, session, "oidc")
        where = _UNPROVED
    else:
        authenticator_of(request).forget(request)
        where = _PROVED
    answer = RedirectResponse(where, 303)
    answer.delete_cookie(_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer


def _provider(request: Request, services: Services) -> Provider:
    """One for the process, so that its keys are remembered."""
    settings = services.settings
    if not settings.oidc_issuer:
        raise Absent("no other sign-in is set up here", code="no_oidc")
    if getattr(request.app.state, "oidc", None) is None:
        request.app.state.oidc = Provider(
            OidcSettings(
                settings.oidc_issuer, settings.oidc_client_id, secret_of(settings.oidc_client_secret), settings.oidc_scopes,
                settings.oidc_groups_claim, read_roles(settings.oidc_roles), read_pairs(settings.oidc_sites), settings.oidc_new_people == "add",
            )
        )  # fmt: skip
    return cast("Provider", request.app.state.oidc)
