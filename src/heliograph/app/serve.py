"""The supervisor: its process id is the service; SIGTERM and SIGINT end everything within ten seconds."""

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from heliograph.app.build import lock, publish
from heliograph.app.doors import bind
from heliograph.engine import fence, telemetry
from heliograph.engine.db import EmbeddedPostgres
from heliograph.engine.supervise import Child, Supervisor
from heliograph.kit.errors import Conflict
from heliograph.kit.settings import Settings

_METRICS_BYTES = 32 << 20


def serve(settings: Settings, *, demo: bool = False) -> None:
    """Runs in the foreground until it is told to stop."""
    telemetry.set_up("serve")
    for lack in fence.missing():
        print(f"heliograph: this machine does not offer {lack}", file=sys.stderr)
    held = lock(settings)
    if held is None:
        raise Conflict("a server already runs on this data folder", code="already_running")
    postgres = EmbeddedPostgres(settings.data / "database") if settings.database == "embedded" else None
    with (
        held,
        bind(*settings.http_address, "http") as http_door,
        bind(*settings.dicom_address, "dicom") as dicom_door,
        _bound(settings.https_address, "https") as https_door,
        _bound(settings.dicom_tls_address, "dicom-tls") as dicom_tls_door,
        _serving(postgres),
        _metrics_folder(settings) as metrics,
    ):
        url = postgres.url if postgres else settings.database
        state_file = settings.data / "run" / "state.json"
        state_file.unlink(missing_ok=True)
        publish(settings)
        greeting = _prepare(settings, url, demo=demo)
        doors = {"http": (http_door, https_door), "dimse": (dicom_door, dicom_tls_door)}
        children = _children(settings, url, doors, metrics)

        def check() -> None:
            if postgres is not None and postgres.poll() is not None:
                telemetry.fact("database_died", exit=postgres.poll())
                postgres.start()

        Supervisor(children, state_file, check).run(lambda: print(greeting, end="", flush=True))


def _bound(address: tuple[str, int] | None, name: str) -> contextlib.AbstractContextManager[socket.socket | None]:
    """A door that not every installation has."""
    return bind(*address, name) if address is not None else contextlib.nullcontext()


def _children(
    settings: Settings, url: str, doors: Mapping[str, tuple[socket.socket, socket.socket | None]], metrics: Path
) -> list[Child]:
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(metrics), "MALLOC_ARENA_MAX": "2"}
    made = []
    for name, role, index in _roles(settings):
        files = [door.fileno() if door is not None else None for door in doors.get(role, (None, None))]
        payload = _payload(settings, url, index=index, door=files[0], tls_door=files[1])
        made.append(Child(name, _argv(role), payload, environment, [file for file in files if file is not None]))
    return made


@contextlib.contextmanager
def _metrics_folder(settings: Settings) -> Iterator[Path]:
    """Where the processes keep their counters, so that /metrics of one shows those of all; new with each start. In memory: the counters are
    mapped files with holes, and a process that writes into a hole while the disk is full is killed (SIGBUS)."""
    name = f"heliograph-{os.getuid()}-{hashlib.sha256(str(settings.data).encode()).hexdigest()[:16]}"
    places = [Path("/dev/shm") / name, settings.data / "run" / "metrics"]  # noqa: S108 made anew with mode 0700, or not used
    if not places[0].parent.is_dir() or shutil.disk_usage(places[0].parent).free < _METRICS_BYTES:
        del places[0]
    for folder in places:
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(mode=0o700)
        except OSError:
            if folder == places[-1]:
                raise
            continue
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return


@contextlib.contextmanager
def _serving(postgres: EmbeddedPostgres | None) -> Iterator[None]:
    if postgres is not None:
        postgres.start()
    try:
        yield
    finally:
        if postgres is not None:
            postgres.stop(timeout_s=3.0)


def _roles(settings: Settings) -> list[tuple[str, str, int]]:
    dimse = [(f"dimse{index or ''}", "dimse", index) for index in range(settings.receiving_processes)]
    return [("http", "http", 0), *dimse, ("worker", "worker", 0)]


def _argv(role: str) -> list[str]:
    return [sys.executable, "-m", "heliograph.app.roles", role]


def _payload(settings: Settings, url: str, **more: object) -> bytes:
    values = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(settings).items()}
    return json.dumps({"settings": values, "url": url, **more}).encode()


def _prepare(settings: Settings, url: str, *, demo: bool) -> str:
    """The words to greet with. In a process that ends, so that what it imports does not stay in the supervisor's memory."""
    payload = _payload(settings, url, demo=demo) + b"\n"
    done = subprocess.run(_argv("prepare"), input=payload, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise Conflict("the step `prepare` failed; its message stands above", code="step_failed")
    return done.stdout.decode()
