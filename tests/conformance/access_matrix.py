"""Every route of the running application, everybody who may ask, and what must never be in an answer.

The routes come from the application itself: one that this table cannot fill or does not know as public makes the test fail.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple, Protocol

import httpx
import psycopg

from heliograph.app.web import Front
from heliograph.kit.ids import new_id
from heliograph.kit.time import now
from tests.conformance import api_routes
from tests.conformance.api_routes import BODIES

ABSENT_UUID = "01234567-89ab-7def-8123-456789abcdef"
# Answers without a sign-in: what the browser is made of, how the service feels, and the ways in.
PUBLIC = {
    "GET /healthz",
    "HEAD /healthz",
    "GET /readyz",
    "HEAD /readyz",
    "GET /{path:path}",
    "HEAD /{path:path}",
} | api_routes.PUBLIC
# Known beyond loopback by a token only; the matrix asks from loopback. Its answer holds no study (tested with the canary below).
NEARBY = {"GET /metrics", "HEAD /metrics"}
# Ends the session of who asks: the next question would come from nobody.
ENDS_OWN = {"DELETE /api/session", "POST /api/session/lock", "DELETE /api/account/sessions"}
# Who watches over privacy marks patients and reads whose studies were seen; that is no leak.
RIGHTFUL = {
    ("the privacy officer", name)
    for name in (
        "POST /api/patients/{patient}/restriction", "POST /api/patients/find", "POST /api/audit/search", "POST /api/audit/search/sheet", "GET /api/audit/events/{event_id}",
        "POST /api/audit/patient/sheet", "GET /api/security/unusual",
    )
}  # fmt: skip
# Another organisation that has objects of the same UIDs and a patient of the same identifier: they are its own, and say nothing.
TWIN = "another organisation with the same UIDs"
OF_TWINS = {"study_uid", "series_uid", "sop_uid"}
# Parameters that name something of a patient: what is there for others answers like what is not there at all. Nodes, rules, devices,
# people and sites are the organisation's own.
OF_PATIENTS = {
    "study_id",
    "series_id",
    "study_uid",
    "series_uid",
    "sop_uid",
    "held_id",
    "send_id",
    "patient",
    "glass_id",
}
_PARAMETER = re.compile(r"\{(\w+)(?::path)?\}")


class Route(NamedTuple):
    method: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


class Client(Protocol):
    def request(self, method: str, url: str, **options: Any) -> httpx.Response: ...


@dataclass(frozen=True, slots=True)
class Canary:
    """One study that its own site alone may see: what names it in a path, and every word by which it would be known in an answer."""

    ids: Mapping[str, str]
    names: tuple[str, ...]
    identifiers: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return self.names + self.identifiers


@dataclass(slots=True)
class Findings:
    """What went wrong, and what the owner was shown."""

    leaks: list[str] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)


def routes(front: Front) -> tuple[list[Route], list[str]]:
    """(routes, paths of WebSockets) of the application. Raises for a kind of route that it does not know."""
    found: list[Route] = []
    sockets: list[str] = []
    for prefix, routed in (("", front.app.routes), ("/dicom-web", front.dicomweb.rest.routes)):
        for route in _flat(routed):
            path, methods = route
            if methods is None:
                sockets.append(prefix + path)
            else:
                found += [Route(method, prefix + path) for method in sorted(methods)]
    return found, sockets


def _flat(routed: Any) -> Iterator[tuple[str, set[str] | None]]:
    for route in routed:
        if hasattr(route, "effective_route_contexts"):
            for one in route.effective_route_contexts():
                if type(one.original_route).__name__ == "APIWebSocketRoute":
                    yield "/api" + one.original_route.path, None
                else:
                    yield one.path, set(one.methods)
        elif type(route).__name__ == "APIRoute":
            yield route.path, set(route.methods)
        else:
            raise AssertionError(
                f"the matrix does not know what a {type(route).__name__} at {getattr(route, 'path', '?')} is"
            )


def filled(route: Route, ids: Mapping[str, str]) -> str:
    """The path with the identifiers; KeyError when the table has none for a parameter."""
    return _PARAMETER.sub(lambda match: ids[match[1]], route.path)


def absent(ids: Mapping[str, str]) -> dict[str, str]:
    """Identifiers of the same form that name nothing."""

    def other(name: str, value: str) -> str:
        if name in {"verb", "path", "frame"}:
            return value
        if "-" in value:
            return ABSENT_UUID
        return "999999" if value.isdigit() else "2.25.999999"

    return {name: other(name, value) for name, value in ids.items()}


def walk(
    all_routes: list[Route],
    canary: Canary,
    actors: Mapping[str, tuple[Client, int]],
    bodies: Callable[[Route, Mapping[str, str]], Any],
) -> Findings:
    """Asks every route as everybody. `actors`: name -> (client, the status that every closed route must answer, 0 for one who may ask)."""
    findings = Findings()
    nothing = absent(canary.ids)
    for route in all_routes:
        if route.name in PUBLIC or route.method == "HEAD":
            continue
        for name, (client, closed) in actors.items():
            if name == "owner" or (name, route.name) in RIGHTFUL or (not closed and route.name in ENDS_OWN):
                continue
            answer = _ask(client, route, canary.ids, bodies)
            _judge(findings, route, name, answer, canary, closed)
            if not closed and _names_another_patient(route, name):
                there, gone = _outcome(answer), _outcome(_ask(client, route, nothing, bodies))
                if there != gone:
                    findings.leaks.append(f"{route.name} as {name}: what is there answers {there}, what is not {gone}")
    return findings


def _names_another_patient(route: Route, name: str) -> bool:
    named = set(_PARAMETER.findall(route.path))
    return bool(OF_PATIENTS & named) and not (name == TWIN and OF_TWINS & named)


def show(
    all_routes: list[Route], canary: Canary, client: Client, bodies: Callable[[Route, Mapping[str, str]], Any]
) -> set[str]:
    """Routes that show the canary to its owner by reading: what the matrix would notice if another were shown it."""
    shown = set()
    for route in all_routes:
        if route.method == "GET" or route.path.endswith(("/search", "/where")):
            answer = _ask(client, route, canary.ids, bodies)
            if answer.is_success and _words_in(answer, canary.words):
                shown.add(route.name)
    return shown


def _ask(
    client: Client, route: Route, ids: Mapping[str, str], bodies: Callable[[Route, Mapping[str, str]], Any]
) -> httpx.Response:
    body = bodies(route, ids)
    return client.request(route.method, filled(route, ids), **({"json": body} if body is not None else {}))


def _judge(findings: Findings, route: Route, name: str, answer: httpx.Response, canary: Canary, closed: int) -> None:
    told = _words_in(answer, canary.names if name == TWIN else canary.words)
    if told:
        findings.leaks.append(f"{route.name} as {name}: {answer.status_code} with {told}")
    if closed and route.name not in NEARBY and answer.status_code != closed:
        findings.leaks.append(f"{route.name} as {name}: {answer.status_code} instead of {closed}")
    if answer.status_code >= 500 and answer.status_code != 503:
        findings.leaks.append(f"{route.name} as {name}: {answer.status_code}")


def _words_in(answer: httpx.Response, words: tuple[str, ...]) -> list[str]:
    text = answer.content + repr(list(answer.headers.multi_items())).encode()
    return [word for word in words if word.encode() in text]


def _outcome(answer: httpx.Response) -> tuple[int, str]:
    code = answer.json().get("code", "") if answer.headers.get("content-type") == "application/problem+json" else ""
    return answer.status_code, code


def body_for(route: Route, ids: Mapping[str, str]) -> Any:
    """The body that a route takes, speaking of the canary where it can."""
    body = BODIES.get(route.name)
    if body is None:
        return None
    about = {
        "study_id": ids["study_id"], "study_uid": ids["study_uid"], "patient_id": "CANARY-4711", "user_id": ids["user_id"], "patient": ids["patient"],
        "node_id": ids["node_id"], "text": "Canarina",
    }  # fmt: skip
    made = {
        key: about.get(key, value) if key != "text" or "where" in route.path else value for key, value in body.items()
    }
    return {"patient_id": "CANARY-4711"} if route.path.endswith("/studies/search") else made


# -- spent credentials, made where no door makes them --------------------------------


def token(
    connection: psycopg.Connection[Any], *, tenant: int = 1, scopes: tuple[str, ...] = ("all",), sites: tuple[int, ...] = (),
    expired: bool = False, revoked: bool = False,
) -> str:  # fmt: skip
    """A token as the database holds one."""
    made = "hg_" + secrets.token_urlsafe(32)
    at = now()
    connection.execute(
        "insert into api_token (id, tenant_id, name, token_hash, scopes, created_at, expires_at, revoked_at, site_ids) values (%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        (
            new_id(), tenant, "matrix", hashlib.sha256(made.encode()).digest(), list(scopes), at, at - timedelta(1) if expired else None,
            at if revoked else None, list(sites),
        ),
    )  # fmt: skip
    return made
