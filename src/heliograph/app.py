"""The composition root: settings -> engine -> features -> gateways. Read this first.

One installation runs as a supervisor (`serve`) with children: PostgreSQL, DIMSE, HTTP, worker. Each child calls `run_role`, which
builds the same `Services` and opens its own doors. Commands on the console use `installation`, which borrows the running
database or starts it for the time of the command.
"""

import contextlib
import fcntl
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from heliograph.engine import telemetry
from heliograph.engine.blobs import Blobs, open_blobs
from heliograph.engine.db import Database, EmbeddedPostgres, schema
from heliograph.engine.supervise import Child, Supervisor, child_payload
from heliograph.features.archive import Intake
from heliograph.kit.errors import Busy, Conflict
from heliograph.kit.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """What doors and jobs are given."""

    settings: Settings
    database: Database
    blobs: Blobs
    intake: Intake

    def close(self) -> None:
        self.intake.close()
        self.blobs.close()
        self.database.close()


def build(settings: Settings, url: str, name: str, *, connections: int = 16) -> Services:
    """The inner rings of one process."""
    database = Database(url, name=name, max_connections=connections)
    database.open()
    blobs = open_blobs(settings.blobs, settings.data, reserve_bytes=settings.reserve_bytes)
    ingest_database = database
    if blobs.relaxed_commits:
        ingest_database = Database(url, name=f"{name}-ingest", max_connections=64, relaxed=True)
        ingest_database.open()
    intake = Intake(database, ingest_database, blobs, settings)
    blobs.on_seal = intake.make_commits_durable
    return Services(settings, database, blobs, intake)


# -- one installation on the console ----------------------------------------------------------------------------------


@contextlib.contextmanager
def installation(settings: Settings, name: str = "console") -> Iterator[Services]:
    """Services on the data folder, whether the server runs or not; a stopped database is started for this command."""
    with _database(settings) as (url, owned):
        if owned:
            prepare(settings, url)
        elif schema.current(url) != schema.HEAD:
            raise Conflict("the running server has another schema; use the same version", code="schema_differs")
        services = build(settings, url, name, connections=8)
        try:
            yield services
        finally:
            services.close()


@contextlib.contextmanager
def _database(settings: Settings) -> Iterator[tuple[str, bool]]:
    if settings.database != "embedded":
        yield settings.database, True
        return
    postgres = EmbeddedPostgres(settings.data / "database")
    lock = _lock(settings)
    if lock is None:
        if not postgres.is_running():
            raise Busy("the server is starting or stopping; try again in some seconds", code="server_starting")
        yield postgres.url, False
        return
    with lock:
        postgres.start()
        try:
            yield postgres.url, True
        finally:
            postgres.stop()


def prepare(settings: Settings, url: str) -> None:
    """Schema, then recovery of what the last run acknowledged but the index may have lost; before any door opens."""
    if schema.upgrade(url):
        telemetry.fact("schema_upgraded", number=schema.HEAD)
    services = build(settings, url, "prepare", connections=4)
    try:
        count = services.intake.recover()
        if count:
            telemetry.fact("recovered", count=count)
    finally:
        services.close()


def _lock(settings: Settings) -> IO[str] | None:
    """The installation's lock, None when another process holds it."""
    run = settings.data / "run"
    run.mkdir(parents=True, exist_ok=True)
    file = (run / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


# -- serve ------------------------------------------------------------------------------------------------------------


def serve(settings: Settings, *, demo: bool = False) -> None:
    """Runs until SIGTERM or SIGINT; then everything ends within ten seconds."""
    telemetry.set_up("serve")
    settings.data.mkdir(parents=True, exist_ok=True)
    lock = _lock(settings)
    if lock is None:
        raise Conflict("a server already runs on this data folder", code="already_running")
    postgres = EmbeddedPostgres(settings.data / "database") if settings.database == "embedded" else None
    with lock, _serving(postgres):
        url = postgres.url if postgres else settings.database
        state_file = settings.data / "run" / "state.json"
        state_file.unlink(missing_ok=True)
        _run_alone("prepare", settings, url)
        children = [_child(role, settings, url, index) for role, index in _roles(settings)]

        def check() -> None:
            if postgres is not None and postgres.poll() is not None:
                telemetry.fact("database_died", exit=postgres.poll())
                postgres.start()

        Supervisor(children, state_file, check).run(lambda: _greet(settings, url, demo=demo))


@contextlib.contextmanager
def _serving(postgres: EmbeddedPostgres | None) -> Iterator[None]:
    if postgres is not None:
        postgres.start()
    try:
        yield
    finally:
        if postgres is not None:
            postgres.stop(timeout_s=3.0)


def _roles(settings: Settings) -> list[tuple[str, int]]:
    return [("http", 0), *(("dimse", i) for i in range(max(1, settings.dimse_processes))), ("worker", 0)]


def _child(role: str, settings: Settings, url: str, index: int) -> Child:
    return Child(f"{role}{index or ''}", _argv(role), _payload(settings, url, index))


def _argv(role: str) -> list[str]:
    return [sys.executable, "-m", "heliograph.app", role]


def _payload(settings: Settings, url: str, index: int = 0) -> bytes:
    values = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(settings).items()}
    return json.dumps({"settings": values, "url": url, "index": index}).encode()


def _run_alone(role: str, settings: Settings, url: str) -> None:
    """Runs a role in a process that ends, so that what it imports does not stay in the supervisor's memory."""
    import subprocess

    done = subprocess.run(_argv(role), input=_payload(settings, url) + b"\n", stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise Conflict(f"the step `{role}` failed; its message stands above", code="prepare_failed")


def _greet(settings: Settings, url: str, *, demo: bool) -> None:
    """Prints where people go, with a sign-in link on the first start."""
    import subprocess

    argv = [*_argv("greet"), "demo" if demo else ""]
    subprocess.run(argv, input=_payload(settings, url) + b"\n", check=False)


# -- children ---------------------------------------------------------------------------------------------------------


def main() -> None:
    """Entry of a child process: `python -m heliograph.app ROLE`, settings as JSON on standard input."""
    role = sys.argv[1]
    payload: dict[str, Any] = json.loads(child_payload())
    values = payload["settings"]
    values["data"] = Path(values["data"])
    values["config"] = Path(values["config"]) if values["config"] else None
    telemetry.set_up(role)
    run_role(role, Settings(**values), payload["url"], payload["index"])


def run_role(role: str, settings: Settings, url: str, index: int) -> None:
    """Runs one role until it is told to stop."""
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    if role == "prepare":
        from heliograph.kit.errors import HeliographError

        try:
            prepare(settings, url)
        except HeliographError as error:
            raise SystemExit(error.message) from None
        return
    services = build(settings, url, role, connections=24 if role == "http" else 16)
    try:
        if role == "http":
            from heliograph.gateways.ui.server import run as run_http

            run_http(services)
        elif role == "dimse":
            from heliograph.gateways.dimse.server import run as run_dimse

            run_dimse(services, index)
        elif role == "worker":
            from heliograph.worker import run as run_work

            run_work(services)
        elif role == "greet":
            from heliograph.welcome import greet

            greet(services, demo="demo" in sys.argv[2:])
    finally:
        services.close()


if __name__ == "__main__":
    main()
