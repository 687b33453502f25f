"""From a request to its actor: bearer token for programs, session cookie with CSRF header for browsers.

Answers of the database are remembered for two seconds, so that hundreds of frame requests do not ask it again; a revoked session
therefore ends within two seconds.
"""

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.responses import Response

from heliograph.features import access
from heliograph.features.access import Actor, Session
from heliograph.kit.errors import NotSignedIn, Refused
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

    def remembered(self, connection: HTTPConnection) -> tuple[Actor, Session | None] | None:
        """The actor without touching the database, None when it must be asked. Raises NotSignedIn without any credential."""
        found = self._known.get(_key(connection))
        if found is None or found[0] < monotonic_s():
            return None
        return found[1], found[2]

    async def identify(self, connection: HTTPConnection) -> tuple[Actor, Session | None]:
        """Raises NotSignedIn."""
        found = self.remembered(connection)
        if found is None:
            found = await asyncio.to_thread(self._ask, connection)
            self._known[_key(connection)] = (monotonic_s() + _REMEMBER_S, *found)
            while len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
        return found

    def forget(self, connection: HTTPConnection) -> None:
        self._known.pop(_key(connection), None)

    def _ask(self, connection: HTTPConnection) -> tuple[Actor, Session | None]:
        address = client_address(connection)
        token = _bearer(connection)
        with self._services.database.transaction() as tx:
            if token is not None:
                return access.token_actor(tx, token, address), None
            session = access.session_actor(tx, connection.cookies.get(COOKIE, ""), address)
            return session.actor, session


def authenticator_of(connection: HTTPConnection) -> Authenticator:
    return cast("Authenticator", connection.app.state.authenticator)


async def actor_of(connection: HTTPConnection) -> Actor:
    """The actor of a request; a browser's writing request must carry its CSRF token."""
    actor, session = await authenticator_of(connection).identify(connection)
    if session is not None:
        check_csrf(connection, session)
    return actor


async def session_of(connection: HTTPConnection) -> Session:
    """The browser session of a request; programs have none."""
    _, session = await authenticator_of(connection).identify(connection)
    if session is None:
        raise NotSignedIn("this needs a browser session", code="no_session")
    check_csrf(connection, session)
    return session


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
