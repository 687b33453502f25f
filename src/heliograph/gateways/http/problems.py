"""From error to HTTP: one table, and RFC 9457 problem documents that never carry foreign data."""

import asyncio
from collections.abc import Callable, Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from heliograph.engine import telemetry
from heliograph.engine.db import IN_THE_WAY, DatabaseError
from heliograph.gateways.http.auth import authenticator_of
from heliograph.gateways.http.reads import reads_of
from heliograph.kit.errors import (
    Absent,
    Broken,
    Busy,
    Conflict,
    Held,
    HeliographError,
    Invalid,
    NotSignedIn,
    Refused,
)

PROBLEM_STATUS: dict[type[HeliographError], int] = {
    Invalid: 400,
    NotSignedIn: 401,
    Refused: 403,
    Absent: 404,
    Held: 409,
    Conflict: 409,
    Busy: 503,
    Broken: 500,
}
_TITLES = {
    400: "The request cannot be used",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "No acceptable form",
    409: "It contradicts what is stored",
    410: "It is no longer kept",
    411: "The length is missing",
    413: "Too large",
    415: "Unsupported media type",
    422: "The request cannot be used",
    429: "Too many requests",
    500: "Something broke here",
    503: "Try again later",
}


Face = Callable[[int, str, str, dict[str, str] | None], Response]
"""How an error looks: (status, code, sentence, headers)."""


def problem(error: HeliographError, face: Face | None = None) -> Response:
    """The problem document of an error, or how else a door shows it."""
    status = next((PROBLEM_STATUS[kind] for kind in type(error).__mro__ if kind in PROBLEM_STATUS), 500)
    status = {
        "length_required": 411,
        "too_large": 413,
        "unsupported_media_type": 415,
        "not_acceptable": 406,
        "cursor_gone": 410,
        "too_many_requests": 429,
        "too_many_sign_ins": 429,
        "too_many_steps": 429,
        "volume_used_up": 429,
    }.get(error.code, status)
    headers = {}
    if isinstance(error, Busy):
        headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="heliograph"'
    return (face or document)(status, error.code, error.message, headers)


def document(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    body = {
        "type": f"urn:heliograph:problem:{code}",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
    }
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def _note_refusal(request: Request) -> None:
    """Who tries what it may not is on record. The answer goes out even when that cannot be written: nothing was given."""
    try:
        known = authenticator_of(request).remembered(request)
        pattern = getattr(request.scope.get("route"), "path", "")
        if known is not None:
            subject = {"route": f"{request.method} {pattern}"}
            reads_of(request).note(known[0], "act.refused", subject, outcome="refused")
    except (HeliographError, DatabaseError) as error:
        telemetry.trouble("refusal_not_noted", error)


def add_error_handlers(app: FastAPI, faces: Mapping[str, Face] | None = None) -> None:
    """Every door of this application answers errors the same way, save those whose standard has a form of its own: path prefix -> face."""

    def face(request: Request) -> Face:
        path = request.scope["path"]
        return next((one for prefix, one in (faces or {}).items() if path.startswith(prefix)), document)

    async def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, HeliographError)
        if error.code == "not_allowed":
            await asyncio.to_thread(_note_refusal, request)
        elif error.code == "too_many_sign_ins":
            authenticator_of(request).tell_sign_ins(request)
        return problem(error, face(request))

    async def unfit(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0] if error.errors() else {"loc": (), "msg": "invalid"}
        where = ".".join(str(part) for part in first["loc"] if part not in {"body", "query", "path"})
        return face(request)(422, "invalid_field", f"{where or 'body'}: {first['msg']}", None)

    async def plain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return face(request)(
            error.status_code, f"http_{error.status_code}", str(error.detail), dict(error.headers or {})
        )

    async def database(request: Request, error: Exception) -> Response:
        if any(kind.__name__ == "DataError" for kind in type(error).__mro__):
            return problem(
                Invalid("a value in the request cannot be looked up or stored", code="unfit_value"), face(request)
            )
        if isinstance(error, IN_THE_WAY):
            return problem(
                Busy("others are changing the same at this moment", code="database_busy", retry_after_s=1.0),
                face(request),
            )
        telemetry.trouble("database_error", error)
        return problem(Broken("the database refused a statement", code="database_error"), face(request))

    async def unknown(request: Request, error: Exception) -> Response:
        telemetry.trouble("request_failed", error)
        return problem(Broken("an unexpected error; the log has its place", code="bug"), face(request))

    app.add_exception_handler(HeliographError, known)
    app.add_exception_handler(RequestValidationError, unfit)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(DatabaseError, database)
    app.add_exception_handler(Exception, unknown)
