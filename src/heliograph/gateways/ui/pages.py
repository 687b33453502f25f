"""Static files with a strict policy, `/healthz`, `/readyz`, `/metrics`."""

import ipaddress
import json
import mimetypes
import os
from pathlib import Path

from fastapi import FastAPI, Request, Response
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse

from heliograph.features import access
from heliograph.gateways.http import actor_of, services_of
from heliograph.kit.errors import Absent

STATIC = Path(__file__).parent / "static"
# Decoders compile WebAssembly; nothing else is evaluated, framed, or loaded from elsewhere.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; frame-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
mimetypes.add_type("application/wasm", ".wasm")
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/woff2", ".woff2")


def add_to(app: FastAPI) -> None:
    """Must come last: what no other door knows is a page of the client."""
    for path, answer in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics), ("/{path:path}", page)):
        app.add_api_route(path, answer, methods=["GET", "HEAD"], include_in_schema=False)


async def healthz() -> Response:
    """The process lives."""
    return PlainTextResponse("ok\n")


def readyz(request: Request) -> Response:
    """200 when every door is open and the database answers."""
    services = services_of(request)
    try:
        state = json.loads((services.settings.data / "run" / "state.json").read_text())
    except (OSError, ValueError):
        state = {"ready": False, "processes": {}}
    try:
        with services.database.transaction() as tx:
            tx.execute("select 1")
        state["processes"]["database"] = True
    except Exception:  # noqa: BLE001 whatever it is, it is not ready
        state["processes"]["database"] = False
    ready = bool(state["ready"]) and state["processes"]["database"]
    return JSONResponse({"ready": ready, "processes": state["processes"]}, 200 if ready else 503)


async def metrics(request: Request) -> Response:
    """Prometheus text; beyond loopback only with a token that may read metrics."""
    peer = request.client.host if request.client else ""
    try:
        near = ipaddress.ip_address(peer).is_loopback and "x-forwarded-for" not in request.headers
    except ValueError:
        near = False
    if not near:
        access.require(await actor_of(request), "metrics.read")
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")


async def page(request: Request, path: str) -> Response:
    """A file of the client; an unknown path with an extension is absent, without one it is a route of the client."""
    target = _file_of(path)
    if target is not None:
        hashed = "assets/" in path
        caching = "public, max-age=31536000, immutable" if hashed else "no-cache"
        headers = _HEADERS | {"Cache-Control": caching}
        compressed = target.with_name(target.name + ".gz")
        if compressed.is_file():
            headers |= {"Vary": "Accept-Encoding"}
            if "gzip" in request.headers.get("accept-encoding", ""):
                kind = mimetypes.guess_type(target.name)[0] or "application/octet-stream"
                return FileResponse(compressed, media_type=kind, headers=headers | {"Content-Encoding": "gzip"})
        return FileResponse(target, headers=headers)
    if "." in Path(path).name:
        raise Absent("no such file", code="no_file")
    index = STATIC / "index.html"
    if not index.is_file():
        raise Absent("the browser client is not built; run `make setup`", code="no_client")
    return FileResponse(index, headers=_HEADERS | {"Cache-Control": "no-cache"})


def _file_of(path: str) -> Path | None:
    """The file of the client that an address means, however strange the address is."""
    try:
        target = (STATIC / path).resolve()
        return target if target.is_relative_to(STATIC.resolve()) and target.is_file() else None
    except (OSError, ValueError):  # too long for a name, or with a NUL in it
        return None
