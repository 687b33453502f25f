"""docs/reference/openapi.json and api.md from the HTTP application."""

import functools
import json
from typing import Any

from pydantic.json_schema import models_json_schema

from heliograph.app.web import application
from tools.reference import _offline
from tools.reference._markdown import code, page, table
from tools.reference.answers import ANSWERS, BYTES, Answer

Schema = dict[str, Any]
DICOMWEB = "/dicom-web"

_INTRO = """The JSON door of the browser client and of programs, below `/api`. The machine-readable form is [openapi.json](openapi.json). It only
grows: fields and routes are added, never removed or renamed.

- **Signing in.** A program sends `Authorization: Bearer TOKEN` (`heliograph token`); the browser holds a cookie and sends the header
  `X-CSRF-Token` from `GET /api/session` with everything that is not a GET. What a permission allows stands in
  [permissions](permissions.md).
- **Errors** are problem documents (RFC 9457) with a stable `code`; [problems](problems.md) lists all.
- **Ids** are opaque text. Instants are ISO 8601 in UTC. DICOM dates, times and names stand as they were sent.
- **Paging**: a page is `{"items": [...], "next": CURSOR}`; hand the cursor back as `cursor`; `next` is null on the last page.
- **Live changes** come over the WebSocket `/api/stream` as `{"kind": ..., "id": ...}`; for programs `GET /api/changes` gives an ordered
  feed of [events](events.md).
- **Answers** are typed in openapi.json; a test holds the server to it. Expect fields that are not there yet: the door grows."""

_PLAIN = """Beside these: `GET /healthz` (the process lives), `GET /readyz` (200 when every door is open and the database answers, else 503) and
`GET /metrics` ([metrics](metrics.md); beyond loopback it needs a token with `metrics.read`). The first two need no sign-in.
DICOMweb is at `/dicom-web`; its resources stand in the [conformance statement](conformance.md#dicomweb)."""

_PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; docs/reference/problems.md lists all."},
        "detail": {"type": "string"},
    },
}
_UNFIT = ("HTTPValidationError", "ValidationError")
_BOUNDS = (("minLength", "minimum", "exclusiveMinimum"), ("maxLength", "maximum", "exclusiveMaximum"))
_REF = "#/components/schemas/{model}"
_METHODS = ("get", "post", "put", "patch", "delete")


@functools.cache
def schema() -> Schema:
    """The OpenAPI document of `/api`."""
    with _offline.services() as services:
        return _typed(_as_it_is(application(services).app.openapi()))


@functools.cache
def dicomweb_schema() -> Schema:
    """The OpenAPI document of `/dicom-web`."""
    with _offline.services() as services:
        made = _as_it_is(application(services).dicomweb.rest.openapi())
    made["servers"] = [{"url": DICOMWEB}]
    return made


def openapi() -> str:
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def dicomweb_openapi() -> str:
    return json.dumps(dicomweb_schema(), indent=1, ensure_ascii=False) + "\n"


def _as_it_is(made: Schema) -> Schema:
    """Errors are problem documents here, not the framework's own; who may call is said once."""
    for operations in made["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {
                "description": "A problem document (RFC 9457).",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
    components = made.setdefault("components", {})
    schemas = {name: one for name, one in components.get("schemas", {}).items() if name not in _UNFIT}
    components["schemas"] = dict(sorted((schemas | {"Problem": _PROBLEM}).items()))
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "__Host-heliograph"},
    }
    made["security"] = [{"token": []}, {"session": []}]
    return made


def _typed(made: Schema) -> Schema:
    """The answers of the routes, from their models. Additive only, so a schema does not forbid what comes later."""
    named, defined = models_json_schema(
        [(one, "serialization") for one in dict.fromkeys(ANSWERS.values())], ref_template=_REF
    )
    for one in defined["$defs"].values():
        one.pop("additionalProperties", None)
        if one["type"] == "object" and one.get("description") == Answer.__doc__:
            one.pop("description")
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path}"
            good = next(operation["responses"][status] for status in operation["responses"] if status[0] in "23")
            if name in ANSWERS:
                good["content"] = {"application/json": {"schema": named[ANSWERS[name], "serialization"]}}
            elif name in BYTES:
                good["content"] = {BYTES[name]: {"schema": {"type": "string", "format": "binary"}}}
            else:
                assert "content" not in good, f"{name} answers something that tools/reference/answers does not know"
    schemas = made["components"]["schemas"]
    assert not set(schemas) & set(defined["$defs"]), "two models of one name"
    made["components"]["schemas"] = dict(sorted((schemas | defined["$defs"]).items()))
    return made


def render() -> str:
    by_tag: dict[str, list[tuple[str, str, Schema]]] = {}
    for path, operations in schema()["paths"].items():
        for method in _METHODS:
            if method in operations:
                operation = operations[method]
                by_tag.setdefault((operation.get("tags") or ["more"])[0], []).append((method.upper(), path, operation))
    parts = [_INTRO, _PLAIN]
    for tag, found in by_tag.items():
        parts.append(f"## {tag.capitalize()}")
        parts += [_operation(method, path, operation) for method, path, operation in found]
    return page("HTTP API", *parts)


def dicomweb() -> list[tuple[str, str, str]]:
    """(method, path, what it does) of every DICOMweb resource."""
    return [
        (method.upper(), DICOMWEB + path, (operation.get("description") or "").partition("\n")[0])
        for path, operations in dicomweb_schema()["paths"].items()
        for method, operation in operations.items()
    ]


def _operation(method: str, path: str, operation: Schema) -> str:
    parts = [f"### {code(f'{method} {path}')}", operation.get("description", "")]
    rows = [
        (
            code(one["name"]),
            f"in the {one['in']}",
            _type(one["schema"]),
            _need(one.get("required", False), one["schema"]),
        )
        for one in operation.get("parameters", [])
    ]
    rows += _body(operation)
    if rows:
        parts.append(table(("Field", "Where", "Type", "Default"), rows))
    return "\n\n".join(part for part in parts if part)


def _body(operation: Schema) -> list[tuple[str, str, str, str]]:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return []
    named = _resolved(content["application/json"]["schema"])
    required = named.get("required", [])
    return [
        (code(name), "in the body", _type(one), _need(name in required, one))
        for name, one in named.get("properties", {}).items()
    ]


def _resolved(one: Schema) -> Schema:
    if "$ref" in one:
        found: Schema = schema()["components"]["schemas"][one["$ref"].rpartition("/")[2]]
        return found
    return one


def _need(required: bool, one: Schema) -> str:
    if required:
        return "required"
    default = one.get("default")
    return "" if default is None else code(json.dumps(default))


def _type(one: Schema) -> str:
    one = _resolved(one)
    if "anyOf" in one:
        return " or ".join(_type(each) for each in one["anyOf"] if each.get("type") != "null")
    if "enum" in one:
        return ", ".join(code(value) for value in one["enum"])
    if "const" in one:
        return code(one["const"])
    kind = str(one.get("type", "anything"))
    if kind == "array":
        return f"list of: {_type(one.get('items', {}))}"
    shown = {"string": "text", "integer": "whole number", "boolean": "yes or no"}.get(kind, kind)
    if one.get("format"):
        shown = f"{shown} ({one['format']})"
    low, high = (next((one[word] for word in words if word in one), None) for words in _BOUNDS)
    unit = " characters" if kind == "string" else ""
    if low is None and high is None:
        return shown
    words = f"at least {low:g}" if high is None else f"at most {high:g}" if low is None else f"{low:g} to {high:g}"
    return f"{shown}, {words}{unit}"
