"""From a request to its actor: bearer token for programs, session cookie with CSRF header for browsers.

Answers of the database are remembered for two seconds, so that hundreds of frame requests do not ask it again; a revoked session
therefore ends within two seconds.
"""

import asyncio
import hashlib
import ipaddress
import secrets
from collections import OrderedDict
from typing import Annotated, cast
from urllib.parse import urlsplit

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.responses import Response

from heliograph.features import access
from heliograph.features.access import Actor, Lockout, RelyingParty, Session, SignInRules, Window
from heliograph.features.access.limits import Hits
from heliograph.kit.errors import Busy, NotSignedIn, Refused
from heliograph.kit.pace import Pace
from heliograph.kit.settings import Settings
from heliograph.kit.time import monotonic_s
from heliograph.services import Services

COOKIE = "__Host-heliograph"
CSRF_HEADER = "x-csrf-token"
_REMEMBER_S = 2.0
_MOST_REMEMBERED = 4096
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Authenticator:
    """Knows actors by the digest of their secret."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: OrderedDict[bytes, tuple[float, Actor, Session | None]] = OrderedDict()
        self._pace = Pace(services.settings.requests_per_minute)
        self._hits = Hits(services.database)

    def remembered(self, connection: HTTPConnection) -> tuple[Actor, Session | None] | None:
        """The actor without touching the database, None when it must be asked. Raises NotSignedIn without any credential."""
        found = self._known.get(_key(connection))
        if found is None or found[0] < monotonic_s():
            return None
        return found[1], found[2]

    async def identify(self, connection: HTTPConnection) -> tuple[Actor, Session | None]:
        """Raises NotSignedIn; Refused when the session is locked or wants a second factor first."""
        found = self.remembered(connection)
        if found is None:
            found = await asyncio.to_thread(self._ask, connection)
            self._known[_key(connection)] = (monotonic_s() + _REMEMBER_S, *found)
            while len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
        return found

    def hold_back(self, connection: HTTPConnection, actor: Actor) -> None:
        """Raises Busy (429) for one request to the API more than an actor may make within a minute. Images come as fast as they can."""
        if not connection.scope["path"].startswith(("/api/", "/fhir/")):
            return
        wait_s = self._pace.wait_s(actor.id)
        if wait_s:
            self._hits.tell("requests", actor.name, client_address(connection), tenant_id=actor.tenant_id)
            raise Busy("these are too many requests in a minute", code="too_many_requests", retry_after_s=wait_s)

    def tell_sign_ins(self, connection: HTTPConnection) -> None:
        """A sign-in was refused because too many from its address have failed."""
        self._hits.tell("sign_ins", "", client_address(connection))

    def forget(self, connection: HTTPConnection) -> None:
        self._known.pop(_key(connection), None)

    async def any_session(self, connection: HTTPConnection) -> Session:
        """The session of the cookie in any state, asked of the database. Raises NotSignedIn."""
        _key(connection)
        return await asyncio.to_thread(self._session, connection)

    def forget_all(self) -> None:
        """Somebody's rights or sessions ended: everybody is asked for again."""
        self._known.clear()

    def _ask(self, connection: HTTPConnection) -> tuple[Actor, Session | None]:
        token = _bearer(connection)
        if token is not None:
            with self._services.database.transaction() as tx:
                return access.token_actor(tx, token, client_address(connection)), None
        session = self._session(connection)
        access.require_open(session)
        return session.actor, session

    def _session(self, connection: HTTPConnection) -> Session:
        if _bearer(connection) is not None:
            raise NotSignedIn("this needs a browser session", code="no_session")
        with self._services.database.transaction() as tx:
            return access.session_of_token(
                tx, connection.cookies.get(COOKIE, ""), client_address(connection), rules_of(self._services.settings)
            )


def authenticator_of(connection: HTTPConnection) -> Authenticator:
    return cast("Authenticator", connection.app.state.authenticator)


async def actor_of(connection: HTTPConnection) -> Actor:
    """The actor of a request; a browser's writing request must carry its CSRF token."""
    authenticator = authenticator_of(connection)
    actor, session = await authenticator.identify(connection)
    if session is not None:
        check_csrf(connection, session)
    authenticator.hold_back(connection, actor)
    return actor


async def session_of(connection: HTTPConnection) -> Session:
    """The browser session of a request; programs have none."""
    _, session = await authenticator_of(connection).identify(connection)
    if session is None:
        raise NotSignedIn("this needs a browser session", code="no_session")
    check_csrf(connection, session)
    return session


async def any_session_of(connection: HTTPConnection) -> Session:
    """The session of a request whatever its state: to look at it, to unlock it, to leave it."""
    session = await authenticator_of(connection).any_session(connection)
    check_csrf(connection, session)
    return session


async def own_session_of(connection: HTTPConnection) -> Session:
    """The session of somebody who may change what is its own: open, or setting up the second factor that the site wants."""
    session = await any_session_of(connection)
    if session.state != "enrolling":
        access.require_open(session)
    return session


async def fresh_session_of(connection: HTTPConnection) -> Session:
    """The same, of a person who was made sure of lately."""
    session = await own_session_of(connection)
    access.fresh(session, rules_of(connection.app.state.services.settings))
    return session


async def fresh_actor_of(connection: HTTPConnection) -> Actor:
    """For acts that want a fresh proof; programs have none to give and are held to their scopes."""
    actor, session = await authenticator_of(connection).identify(connection)
    if session is None:
        return actor
    check_csrf(connection, session)
    # What is remembered of a session may be older than its last proof.
    renewed = await authenticator_of(connection).any_session(connection)
    access.require_open(renewed)
    access.fresh(renewed, rules_of(connection.app.state.services.settings))
    return renewed.actor


def rules_of(settings: Settings) -> SignInRules:
    """What the site wants of everybody who signs in."""
    return SignInRules(
        hours=settings.session_hours,
        second_factor="required" if settings.second_factor == "required" else "optional",
        idle_lock_minutes=settings.idle_lock_minutes,
        step_up_minutes=settings.step_up_minutes,
        lockout=Lockout(settings.lock_tries, settings.lock_address_tries, settings.lock_minutes),
    )


def window_of(connection: HTTPConnection) -> Window:
    """The browser that asks, and under which name it sees us."""
    host = urlsplit(own_origins(connection)[-1]).hostname or ""
    return Window(client_address(connection), connection.headers.get("user-agent", ""), relying_party(connection), host)


def relying_party(connection: HTTPConnection) -> RelyingParty | None:
    """For whom browsers keep passkeys; None where they keep none: without TLS, or under a bare address (WebAuthn 5.1.3)."""
    origin = own_origins(connection)[0]
    parsed = urlsplit(origin)
    host = parsed.hostname or ""
    settings: Settings = connection.app.state.services.settings
    if (parsed.scheme != "https" and host != "localhost") or _is_address(host):
        return None
    return RelyingParty(host, origin, settings.site_name)


def own_origins(connection: HTTPConnection) -> list[str]:
    """Under which addresses our pages are seen, the one that counts first."""
    settings: Settings = connection.app.state.services.settings
    scheme = connection.url.scheme.replace("ws", "http")
    if settings.trusted_proxy and connection.client and connection.client.host == settings.trusted_proxy:
        scheme = connection.headers.get("x-forwarded-proto", scheme).split(",")[-1].strip()
    asked = f"{scheme}://{_asked_host(connection)}"
    if not settings.public_url:
        return [asked]
    public = urlsplit(settings.public_url)
    return [f"{public.scheme}://{public.netloc}", asked]


def _asked_host(connection: HTTPConnection) -> str:
    """Under which name the browser asked: of it people of different organisations are told apart."""
    host = connection.headers.get("host", "")
    proxy = connection.app.state.services.settings.trusted_proxy
    if proxy and connection.client and connection.client.host == proxy:
        return connection.headers.get("x-forwarded-host", host).split(",")[-1].strip()
    return host


def check_origin(connection: HTTPConnection) -> None:
    """Another site's page must not sign anybody in here: there is no CSRF token yet to tell."""
    origin = connection.headers.get("origin")
    if origin is None:
        return
    if urlsplit(origin).netloc not in {urlsplit(own).netloc for own in own_origins(connection)}:
        raise Refused("this was asked from a page of another site", code="csrf")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def check_csrf(connection: HTTPConnection, session: Session) -> None:
    if connection.scope.get("method", "GET") in _SAFE:
        return
    if not secrets.compare_digest(connection.headers.get(CSRF_HEADER, ""), session.csrf):
        raise Refused("the header X-CSRF-Token is missing or wrong", code="csrf")


def client_address(connection: HTTPConnection) -> str:
    """The peer, or what a trusted proxy says about it."""
    peer = connection.client.host if connection.client else ""
    services: Services = connection.app.state.services
    proxy = services.settings.trusted_proxy
    if proxy and peer == proxy:
        return connection.headers.get("x-forwarded-for", peer).split(",")[-1].strip()[:64]
    return peer


def set_cookie(response: Response, session: Session) -> None:
    response.set_cookie(
        COOKIE, session.token, expires=session.expires_at, path="/", secure=True, httponly=True, samesite="lax"
    )


def clear_cookie(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def _bearer(connection: HTTPConnection) -> str | None:
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token else None


def _key(connection: HTTPConnection) -> bytes:
    """A token that comes as a cookie, or a session that comes as a token, is not what it was when it was remembered."""
    token = _bearer(connection)
    kind, secret = (b"cookie ", connection.cookies.get(COOKIE, "")) if token is None else (b"bearer ", token)
    if not secret:
        raise NotSignedIn("sign in, or send a bearer token", code="not_signed_in")
    return hashlib.sha256(kind + secret.encode()).digest()


ActorDep = Annotated[Actor, Depends(actor_of)]
SessionDep = Annotated[Session, Depends(session_of)]
AnySessionDep = Annotated[Session, Depends(any_session_of)]
OwnSessionDep = Annotated[Session, Depends(own_session_of)]
FreshSessionDep = Annotated[Session, Depends(fresh_session_of)]
FreshActorDep = Annotated[Actor, Depends(fresh_actor_of)]
