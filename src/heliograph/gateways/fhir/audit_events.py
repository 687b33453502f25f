"""The audit log as FHIR R4 AuditEvent: Retrieve ATNA Audit Event (ITI-81). By POST too, so that identifiers need not stand in an address."""

import socket
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Path, Request, Response

from heliograph import __version__
from heliograph.features import access
from heliograph.features.trail import search as trail
from heliograph.gateways.fhir.asking import asked, parameters
from heliograph.gateways.fhir.outcome import FHIR_JSON, resource
from heliograph.gateways.http import ActorDep, ServicesDep
from heliograph.gateways.http.auth import own_origins
from heliograph.kit.errors import Invalid
from heliograph.services import Services
from heliograph.standards.ihe.audit_event import Row, Us
from heliograph.standards.ihe.audit_fhir import audit_event

_ACCEPTABLE = {"", "*/*", "application/*", "application/json", FHIR_JSON}
_FORM = "application/x-www-form-urlencoded"
_MOST_PARAMETERS = 40
_OF_A_PAGE = "_page"

Pairs = list[tuple[str, str]]


async def _pairs(request: Request) -> Pairs:
    """What is asked for, in the address and in a form."""
    found = request.scope["query_string"]
    if request.method == "POST":
        if request.headers.get("content-type", _FORM).partition(";")[0].strip().lower() != _FORM:
            raise Invalid(f"a search is posted as {_FORM}", code="unsupported_media_type")
        found = b"&".join(filter(None, (found, await request.body())))
    try:
        return parse_qsl(found.decode(), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise Invalid(f"a search has at most {_MOST_PARAMETERS} parameters", code="bad_parameter") from None


def _json_only(request: Request) -> None:
    given = {one.partition(";")[0].strip().lower() for one in request.headers.get("accept", "").split(",")}
    if not given & _ACCEPTABLE:
        raise Invalid(f"this door speaks {FHIR_JSON}", code="not_acceptable")


router = APIRouter(tags=["fhir"], dependencies=[Depends(_json_only)], include_in_schema=False)


@router.get("/AuditEvent")
def search(
    actor: ActorDep, services: ServicesDep, request: Request, pairs: Annotated[Pairs, Depends(_pairs)]
) -> Response:
    """A page of the log, latest first."""
    return _search(actor, services, request, pairs)


@router.post("/AuditEvent/_search")
def search_by_form(
    actor: ActorDep, services: ServicesDep, request: Request, pairs: Annotated[Pairs, Depends(_pairs)]
) -> Response:
    """The same."""
    return _search(actor, services, request, pairs)


@router.get("/AuditEvent/{event_id}")
def read(event_id: Annotated[int, Path(ge=1, lt=1 << 63)], actor: ActorDep, services: ServicesDep) -> Response:
    """One row."""
    with services.database.transaction() as tx:
        row = trail.record(tx, actor, event_id)
    return resource(audit_event(row, _us(services)))


@router.get("/metadata")
def metadata(_actor: ActorDep, request: Request) -> Response:
    """What this door can do (CapabilityStatement)."""
    searched = [{"name": name, "type": kind} for name, kind in parameters().items()]
    offered: dict[str, Any] = {
        "type": "AuditEvent",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": searched,
    }
    return resource({
        "resourceType": "CapabilityStatement", "status": "active", "date": "2026-11-23", "kind": "instance", "fhirVersion": "4.0.1",
        "format": [FHIR_JSON], "software": {"name": "Heliograph", "version": __version__},
        "implementation": {"description": "Heliograph: the audit log (ITI-81)", "url": _base(request)},
        "rest": [{
            "mode": "server",
            "security": {"description": "Authorization: Bearer TOKEN, of a token with audit.read; or the browser's session."},
            "resource": [offered],
        }],
    })  # fmt: skip


def _search(actor: access.Actor, services: Services, request: Request, pairs: Pairs) -> Response:
    access.require(actor, "audit.read")
    us = _us(services)
    wanted = asked(pairs, us, services.settings.site_timezone)
    with services.database.transaction() as tx:
        rows, following = trail.records(tx, actor, wanted.query, cursor=wanted.cursor, limit=wanted.count)
        detail = {"door": "fhir", "keys": wanted.query.keys, "results": len(rows)}
        access.note(tx, actor, "audit.searched", {}, detail=detail)
    return resource(_bundle(_base(request), rows, us, pairs, following))


def _bundle(base: str, rows: list[Row], us: Us, pairs: Pairs, following: str | None) -> dict[str, Any]:
    here = [(name, value) for name, value in pairs if name != _OF_A_PAGE]
    links = [{"relation": "self", "url": f"{base}/AuditEvent?{urlencode(pairs)}"}]
    if following is not None:
        links.append({"relation": "next", "url": f"{base}/AuditEvent?{urlencode([*here, (_OF_A_PAGE, following)])}"})
    made: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": links}
    if rows:
        made["entry"] = [
            {
                "fullUrl": f"{base}/AuditEvent/{row.id}",
                "resource": audit_event(row, us),
                "search": {"mode": "match"},
            }
            for row in rows
        ]
    return made


def _base(request: Request) -> str:
    return f"{own_origins(request)[0]}/fhir"


def _us(services: Services) -> Us:
    return Us(services.settings.aet, services.settings.site_name, socket.gethostname())
