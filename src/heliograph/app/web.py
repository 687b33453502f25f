"""The HTTP application, put together from its gateways, and the process that serves it."""

import asyncio
import gc
import signal
import socket
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heliograph import __version__
from heliograph.engine import telemetry
from heliograph.engine.db import SILENT_S
from heliograph.engine.telemetry import REQUESTS
from heliograph.features.access import Actor, is_loopback, system_actor
from heliograph.features.archive import damage
from heliograph.features.imaging import Copies, Documents
from heliograph.gateways import api, dicomweb, fhir, ui
from heliograph.gateways.dicomweb.lane import lane
from heliograph.gateways.dimse.peers import DicomPeers
from heliograph.gateways.http import Authenticator, add_error_handlers
from heliograph.gateways.http.bodies import Bodies
from heliograph.gateways.http.connection import end_silent
from heliograph.gateways.http.reads import Reads
from heliograph.gateways.http.tls import TlsDoor
from heliograph.gateways.http.volume import Volumes
from heliograph.gateways.media import Summary, import_paths
from heliograph.kit.time import monotonic_s
from heliograph.services import Services

_WARM = 4
_STRICT = (b"strict-transport-security", b"max-age=31536000")
_PDF = b"application/pdf"  # whose scripts run in the browser's own reader, which a sandbox keeps from opening
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_NO_PAGE = (b"content-security-policy", b"default-src 'none'; sandbox; frame-ancestors 'none'")
_PATIENCE_S = 4.0


class Front:
    """DICOMweb goes past the routes of the browser: its busiest resource cannot afford to be looked for among them."""

    def __init__(self, app: FastAPI, *, is_strict: bool = False) -> None:
        """`is_strict` tells browsers that come by TLS never to come otherwise (RFC 6797): the plain door is for this machine alone."""
        self.app = app
        self._is_strict = is_strict
        self.dicomweb = dicomweb.application(app)
        self._browser = Bodies(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_dicomweb = scope["path"].startswith("/dicom-web/")
        is_data = is_dicomweb or scope["path"].startswith(("/api", "/fhir/"))
        began, status = monotonic_s(), 0

        async def seen(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            if message["type"] == "http.response.start":
                headers = guarded(message.get("headers", ()), is_data=is_data, is_dicomweb=is_dicomweb)
                if self._is_strict and scope["scheme"] == "https":
                    headers.append(_STRICT)
                message = {**message, "headers": headers}
            await send(message)

        try:
            await (self.dicomweb if is_dicomweb else self._browser)(scope, receive, seen)
        finally:
            REQUESTS.labels(_route(scope, is_dicomweb=is_dicomweb), status).observe(monotonic_s() - began)


def guarded(given: Iterable[tuple[bytes, bytes]], *, is_data: bool, is_dicomweb: bool) -> list[tuple[bytes, bytes]]:
    """What a browser may make of an answer: its type is what it says. Data is no page: a document among it, opened as one, runs nothing, and in no
    origin of ours. DICOMweb's way to the same address without its slash is told without the host, which a stranger may have named."""
    headers = [
        (name, _own_path(value)) if is_dicomweb and name == b"location" else (name, value) for name, value in given
    ]
    known = dict(headers)
    if b"x-content-type-options" not in known:
        headers.append(_NOSNIFF)
    if is_data and b"content-security-policy" not in known and not known.get(b"content-type", b"").startswith(_PDF):
        headers.append(_NO_PAGE)
    return headers


def _own_path(location: bytes) -> bytes:
    parts = urlsplit(location.decode("latin-1"))
    return f"/{parts.path.lstrip('/')}{'?' + parts.query if parts.query else ''}".encode("latin-1")


def _route(scope: Scope, *, is_dicomweb: bool) -> str:
    """The pattern of the address, never the address: UIDs would make a number for each object, and tell who was looked at."""
    if is_dicomweb and "/frames/" in scope["path"]:
        return "/dicom-web frames"
    pattern = getattr(scope.get("route"), "path", "")
    door = "/dicom-web" if is_dicomweb else "/api" if scope["path"].startswith("/api/") else ""
    return (pattern if pattern.startswith(door) else door + pattern) or "other"


def application(services: Services) -> Front:
    """Every HTTP route of the program."""
    app = FastAPI(
        title="Heliograph", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, lifespan=api.lifespan
    )
    app.state.services = services
    app.state.authenticator = Authenticator(services)
    app.state.documents = Documents(services.database, services.blobs)
    app.state.copies = Copies(services.database, services.settings)
    app.state.reads = Reads(services)
    app.state.volumes = Volumes(services, app.state.reads)
    app.state.peers = DicomPeers(services.settings)
    app.state.import_folder = import_folder
    add_error_handlers(app, {"/fhir/": fhir.outcome})
    app.include_router(api.router, prefix="/api")
    app.include_router(fhir.router, prefix="/fhir")
    ui.add_to(app)
    return Front(app, is_strict=is_loopback(services.settings.http_address[0]))


def import_folder(services: Services, actor: Actor, folder: Path) -> Summary:
    """The import of a browser's upload: its own door; each upload, and each ZIP file in it, is its own issuer (safety guard 3)."""
    return import_paths(
        services,
        actor,
        [folder],
        source=lambda medium: f"upload:{actor.name}:{medium.digest}",
        issuer=lambda medium: f"upload:{medium.digest}",
        door="upload",
        progress=lambda *_: None,
    )


def run(services: Services, door: int, tls_door: int | None = None) -> None:
    """Serves until SIGTERM; prints `ready` when it listens. The doors are bound sockets that the supervisor handed down."""
    services.database.wait_at_most(_PATIENCE_S)
    services.intake.wait_at_most(_PATIENCE_S)
    services.silent_at_most(SILENT_S)
    listener = socket.socket(fileno=door)
    secure = socket.socket(fileno=tls_door) if tls_door is not None else None
    for one in filter(None, (listener, secure)):
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    front = application(services)
    config = uvicorn.Config(
        front,
        loop="uvloop",
        http=lane(front.dicomweb.frames),
        ws="websockets-sansio",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=75,
        proxy_headers=False,
        server_header=False,
        backlog=2048,
    )
    server = _Server(config, front, services, secure)
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: setattr(server, "should_exit", True))
    server.run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, front: Front, services: Services, secure: socket.socket | None = None
    ) -> None:
        super().__init__(config)
        self._front = front
        self._services = services
        self._secure = secure
        self._watches: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Is ready when the first request will be as quick as the next."""
        await warm(self._front, self._services)
        await super().startup(sockets)
        watches = [
            end_silent(self.server_state.connections), self._front.dicomweb.cached.watch(), watch_damage(self._services)
        ]  # fmt: skip
        if self._secure is not None:
            door = TlsDoor(self._secure, self._services.settings, self._protocol)
            self.servers.append(await door.open(self.config.backlog))
            watches.append(door.watch())
        self._watches = [asyncio.create_task(watch) for watch in watches]
        print("ready", flush=True)

    def _protocol(self) -> asyncio.Protocol:
        """As the plain door's: they share state, limits and the lane."""
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]  # typed as any protocol there; both of uvicorn take these
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    def install_signal_handlers(self) -> None:
        """Ours stand already."""


async def watch_damage(services: Services) -> None:
    """What is found to be damaged is given to nobody a second later, for ever."""
    while True:
        await asyncio.sleep(damage.EVERY_S)
        await asyncio.to_thread(damage.withhold, services.database, services.blobs)


async def warm(front: Front, services: Services) -> None:
    """Opens connections and threads, and walks the routes once: the framework makes each when it is first looked for."""
    await asyncio.gather(*(asyncio.to_thread(_read_one, services) for _ in range(_WARM)))
    for app, path in ((front.dicomweb, "/dicom-web/warm"), (front.app, "/api/warm")):
        await _ask(app, path)
    gc.collect()
    gc.freeze()  # what is there now stays: a collection that walks it costs a request tens of milliseconds


def _read_one(services: Services) -> None:
    """Reads the document of the newest series as a request would; a fresh archive has none. A lost object keeps no door closed."""
    try:
        with services.database.transaction() as tx:
            row = tx.execute("select id from series order by id desc limit 1").fetchone()
        if row is not None:
            Documents(services.database, services.blobs).by_id(system_actor("start"), row[0]).metadata("")
    except Exception as error:  # noqa: BLE001 whoever asks for that series is told; the others come in
        telemetry.trouble("warm_up_failed", error)


async def _ask(app: ASGIApp, path: str) -> None:
    """A request that comes from nobody, for something that is not there; its answer is thrown away."""
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": [], "client": None, "server": None, "state": {},
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        return

    await app(scope, receive, send)
