"""Every route of the JSON door with a body that it takes, and how an error must look."""

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
from fastapi import FastAPI

from heliograph.gateways import api
from tests import phantoms
from tests.peers import Dicom, part10
from tests.peers.association import Association
from tests.peers.heliograph import Server
from tests.phantoms import Shape

ABSENT_UUID = "01234567-89ab-7def-8123-456789abcdef"
WHY = {"reason": "for the test"}
# A body that passes validation for every route that takes one; ids in it name nothing.
BODIES: dict[str, Any] = {
    "POST /api/session/password": {"new": "long enough for this"},
    "POST /api/studies/search": {},
    "POST /api/devices": {"aet": "NEWONE", "host": "10.0.0.1", "port": 104},
    "POST /api/devices/wants-in/{caller_id}/accept": {},
    "PATCH /api/devices/{device_id}": {"description": "other"},
    "POST /api/devices/{device_id}/certificates": {},
    "POST /api/certificates/{fingerprint}/revoke": {},
    "POST /api/nodes": {"name": "n", "aet": "N", "host": "10.0.0.1", "port": 104},
    "PATCH /api/nodes/{node_id}": {"name": "other"},
    "POST /api/nodes/{node_id}/query": {"patient_id": "1"},
    "POST /api/nodes/{node_id}/retrieve": {"study_uid": "1.2.3"},
    "POST /api/sends": {"study_id": "999999", "node_id": ABSENT_UUID},
    "POST /api/rules": {"name": "r", "node_id": ABSENT_UUID},
    "PATCH /api/rules/{rule_id}": {"name": "other"},
    "POST /api/quarantine/{held_id}/release": WHY,
    "POST /api/quarantine/{held_id}/discard": WHY,
    "POST /api/where": {"text": "nobody"},
    "POST /api/users": {"name": "new-person", "roles": ["viewer"]},
    "POST /api/users/import": {"file": "bmFtZQo="},
    "PATCH /api/users/{user_id}": {"display_name": "Other"},
    "POST /api/tokens": {"name": "t", "scopes": ["study.read"]},
    "POST /api/glass": {"patient": "999999", "reason_code": "emergency", "reason": "for the test"},
    "POST /api/glass/search": {},
    "POST /api/glass/{glass_id}/review": {"finding": "justified"},
    "POST /api/policy": {
        "rules": [{"name": "r", "effect": "allow", "actions": ["study.read"], "when": "true"}],
        "comment": "test",
        "expected_version": 999,
    },
    "POST /api/tenants": {"name": "new-tenant"},
    "PATCH /api/tenants/{tenant_id}": {"display_name": "Other"},
    "POST /api/audit/search": {},
    "POST /api/audit/patient": {"patient_id": "nobody-of-this-name"},
    "POST /api/audit/search/sheet": {},
    "POST /api/audit/patient/sheet": {"patient_id": "nobody-of-this-name"},
    "POST /api/audit/proof": {"sop_uid": "2.25.999999"},
    "POST /api/policy/check": {"rules": [{"name": "r", "effect": "allow", "actions": ["study.read"], "when": "true"}]},
    "POST /api/policy/preview": {
        "rules": [{"name": "r", "effect": "allow", "actions": ["study.read"], "when": "true"}]
    },
    "POST /api/policy/studies": {"text": "nobody"},
    "POST /api/policy/explain": {"user_id": ABSENT_UUID, "study_id": "999999"},
    "POST /api/sites": {"name": "main"},
    "POST /api/sites/{site_id}/departments": {"name": "radiology"},
    "PATCH /api/sites/{site_id}": {"timezone": "Europe/Berlin"},
    "PATCH /api/departments/{department_id}": {"name": "radiology"},
    "POST /api/devices/{device_id}/place": {},
    "POST /api/users/{user_id}/place": {"everywhere": False},
    "PUT /api/users/{user_id}/projects": {"projects": []},
    "POST /api/patients/find": {"patient_id": "nobody-of-this-name"},
    "POST /api/studies/{study_id}/marks": {"events": []},
    "POST /api/studies/{study_id}/ties": {"tie": "reader", "subject": ABSENT_UUID},
    "POST /api/studies/{study_id}/ties/remove": {"tie": "reader", "subject": ABSENT_UUID},
    "POST /api/patients/{patient}/restriction": {"restriction": "vip"},
    "POST /api/tokens/{token_id}/rotate": {},
    "PATCH /api/tokens/{token_id}": {"hourly_instances": 1},
    "POST /api/stations": {"name": "theatre"},
    "POST /api/session/prove": {"way": "pin", "value": "000000"},
    "POST /api/session/unlock": {"way": "pin", "value": "000000"},
    "POST /api/account/totp/confirm": {"step": "none", "code": "000000"},
    "POST /api/account/passkeys": {"step": "none", "answer": {}},
    "PATCH /api/account/passkeys/{passkey_id}": {"name": "other"},
    "PUT /api/account/pin": {"pin": "271828"},
    "PUT /api/account/preferences/{name}": {"document": {"a": 1}},
    "POST /api/hanging/protocols": {"layer": "site", "document": {}},
    "PATCH /api/hanging/protocols/{protocol_id}": {"version": 1, "enabled": False},
}
PUBLIC = {
    "POST /api/session", "POST /api/session/link", "GET /api/session/ways", "POST /api/session/second", "POST /api/session/passkey",
    "POST /api/session/passkey/start", "GET /api/session/oidc/start", "GET /api/session/oidc/callback",
    "POST /api/session/oidc/leave", "GET /api/session/oidc/end",
}  # fmt: skip
# What somebody who may only look at studies may use; everything else is refused.
FOR_VIEWERS = {
    "GET /api/session", "DELETE /api/session", "POST /api/session/password", "POST /api/studies/search", "GET /api/studies/{study_id}",
    "GET /api/studies/{study_id}/manifest", "GET /api/studies/{study_id}/marks", "GET /api/studies/{study_id}/held", "GET /api/series/{series_id}/document",
    "GET /api/series/{series_id}/thumbnail", "GET /api/series/{series_id}/copies", "POST /api/where", "GET /api/about", "GET /api/glass", "POST /api/glass/search", "POST /api/glass/{glass_id}/end",
    # Everybody's own.
    "GET /api/hanging/protocols", "GET /api/hanging/layers", "GET /api/hanging/schema", "PATCH /api/hanging/protocols/{protocol_id}",
    "DELETE /api/hanging/protocols/{protocol_id}", "GET /api/account/preferences/{name}", "PUT /api/account/preferences/{name}",
    "GET /api/session/oidc/prove", "POST /api/session/prove", "POST /api/session/prove/passkey", "POST /api/session/fresh", "POST /api/session/lock", "POST /api/session/unlock",
    "POST /api/session/active", "GET /api/account", "POST /api/account/totp", "POST /api/account/totp/confirm", "DELETE /api/account/totp",
    "POST /api/account/recovery", "POST /api/account/passkeys/start", "POST /api/account/passkeys",
    "PATCH /api/account/passkeys/{passkey_id}", "DELETE /api/account/passkeys/{passkey_id}", "PUT /api/account/pin",
    "DELETE /api/account/pin", "DELETE /api/account/sessions/{which}", "DELETE /api/account/sessions",
}  # fmt: skip


def _routes() -> dict[str, str]:
    """`METHOD /path/{id}` -> the path with ids that name nothing."""
    app = FastAPI()
    app.include_router(api.router, prefix="/api")
    found = {}
    for path, verbs in app.openapi()["paths"].items():
        for verb, operation in verbs.items():
            filled = path.replace("{verb}", "resend" if "sends" in path else "cancel").replace("{name}", "chosen")
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    is_uuid = parameter["schema"].get("format") == "uuid"
                    filled = filled.replace("{" + parameter["name"] + "}", ABSENT_UUID if is_uuid else "999999")
            found[f"{verb.upper()} {path}"] = filled
    return found


ROUTES = _routes()


@contextlib.contextmanager
def database(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """The server's own database, to look at what no door shows."""
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield connection


def is_problem(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """An RFC 9457 problem document of this status."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:500]}"
    assert answer.headers["content-type"] == "application/problem+json"
    body = dict(answer.json())
    assert set(body) >= {"type", "title", "status", "code", "detail"}
    assert (body["status"], body["detail"] != "") == (status, True)
    assert code is None or body["code"] == code
    return body


def send(server: Server, shape: Shape, source: str = "CT1", *, called: str = "") -> list[int]:
    files = [part10.split(raw) for raw in phantoms.slices(shape)]
    door = Dicom(server.dicom.host, server.dicom.port, called or server.dicom.aet)
    with Association.connect(door, [(files[0].sop_class, (files[0].transfer_syntax,))], calling=source) as sender:
        return [sender.store(one.sop_class, one.sop_uid, one.transfer_syntax, one.dataset).status for one in files]
