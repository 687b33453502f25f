"""The supervisor: its process id is the service; SIGTERM and SIGINT end everything within ten seconds."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from heliograph.app.build import lock, publish
from heliograph.engine import telemetry
from heliograph.engine.db import EmbeddedPostgres
from heliograph.engine.supervise import Child, Supervisor
from heliograph.kit.errors import Conflict
from heliograph.kit.settings import Settings

_BIND_TRIES = 100


def serve(settings: Settings, *, demo: bool = False) -> None:
    """Runs in the foreground until it is told to stop."""
    telemetry.set_up("serve")
    held = lock(settings)
    if held is None:
        raise Conflict("a server already runs on this data folder", code="already_running")
    door = _bind(*settings.dicom_address)
    postgres = EmbeddedPostgres(settings.data / "database") if settings.database == "embedded" else None
    with held, door, _serving(postgres):
        url = postgres.url if postgres else settings.database
        state_file = settings.data / "run" / "state.json"
        state_file.unlink(missing_ok=True)
        publish(settings)
        greeting = _prepare(settings, url, demo=demo)
        environment = {"PROMETHEUS_MULTIPROC_DIR": str(_metrics_folder(settings)), "MALLOC_ARENA_MAX": "2"}
        children = [
            _child(name, role, _payload(settings, url, index=index, door=door.fileno()), environment, door)
            for name, role, index in _roles(settings)
        ]

        def check() -> None:
            if postgres is not None and postgres.poll() is not None:
                telemetry.fact("database_died", exit=postgres.poll())
                postgres.start()

        Supervisor(children, state_file, check).run(lambda: print(greeting, end="", flush=True))


def _child(name: str, role: str, payload: bytes, environment: dict[str, str], door: socket.socket) -> Child:
    return Child(name, _argv(role), payload, environment, (door.fileno(),) if role == "dimse" else ())


def _bind(host: str, port: int) -> socket.socket:
    """The DICOM port, which all receiving processes share and no other program can have; they listen on it when they are ready.

    Waits some seconds for a predecessor that is still closing.
    """
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for _ in range(_BIND_TRIES):
        with contextlib.suppress(OSError):
            door.bind((host, port))
            return door
        time.sleep(0.1)
    door.close()
    raise Conflict(f"port {port} for DICOM is taken; choose another with --dicom HOST:PORT", code="port_taken")


def _metrics_folder(settings: Settings) -> Path:
    """Where the processes keep their counters, so that /metrics of one shows those of all; new with each start."""
    folder = settings.data / "run" / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


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
