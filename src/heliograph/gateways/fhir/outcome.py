"""Errors of this door: OperationOutcome (http://hl7.org/fhir/R4/operationoutcome.html) with the code of our problem documents."""

from typing import Any

from starlette.responses import JSONResponse, Response

FHIR_JSON = "application/fhir+json"
_ISSUES = {
    400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 406: "not-supported", 409: "conflict",
    413: "too-long", 415: "not-supported", 422: "invalid", 429: "throttled", 503: "transient",
}  # fmt: skip


def resource(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """What is shown to one is not kept for the next."""
    return JSONResponse(body, status, {"Cache-Control": "no-store"} | (headers or {}), media_type=FHIR_JSON)


def outcome(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    issue = {
        "severity": "error",
        "code": _ISSUES.get(status, "exception"),
        "details": {"coding": [{"system": "urn:heliograph:problem", "code": code}], "text": detail},
        "diagnostics": detail,
    }
    return resource({"resourceType": "OperationOutcome", "issue": [issue]}, status, headers)
