"""Building the inner rings, for a child process and for the console."""

import contextlib
import fcntl
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from heliograph import __version__
from heliograph.engine import telemetry
from heliograph.engine.audit.journal import Journal
from heliograph.engine.blobs import open_blobs
from heliograph.engine.db import Database, EmbeddedPostgres, schema
from heliograph.features import access
from heliograph.features.access import system_actor
from heliograph.features.archive import Intake, damage
from heliograph.features.imaging import Copies
from heliograph.kit.errors import Absent, Busy, Conflict, Invalid
from heliograph.kit.settings import Settings
from heliograph.kit.time import monotonic_s
from heliograph.services import Services

_PATIENCE_S = 15.0
_PUBLISHED = ("http", "dicom", "https", "dicom_tls", "aet", "database", "blobs")


def build(settings: Settings, url: str, name: str, *, connections: int = 16) -> Services:
    """Opens database and blob store and joins them."""
    database = Database(url, name=name, max_connections=connections)
    database.open()

    blobs = open_blobs(settings.blobs, settings.data, reserve_bytes=settings.reserve_bytes)
    ingest_database = database
    if blobs.relaxed_commits:
        ingest_database = Database(url, name=f"{name}-ingest", max_connections=64, relaxed=True)
        ingest_database.open()
    journal = Journal(settings.data / "audit" / "journal")
    journal.prepare()
    damage.withhold(database, blobs)
    return Services(settings, database, blobs, Intake(database, ingest_database, blobs, settings), journal)


@contextlib.contextmanager
def installation(settings: Settings, name: str = "console", *, existing: bool = False) -> Iterator[Services]:
    """Services on the data folder, whether the server runs or not; a stopped database is started for this command.

    With `existing` a folder that holds no installation is an error: who looks for something must not be told by a new, empty one.
    """
    if existing and settings.database == "embedded" and not (settings.data / "database").is_dir():
        raise Absent(f"there is no installation in {settings.data}; say where with --data", code="no_installation")
    with _database(settings) as (url, owned):
        if owned:
            prepare(settings, url)
        else:
            _wait_for_schema(url)
        services = build(settings, url, name, connections=8)
        try:
            yield services
        finally:
            services.close()


def _wait_for_schema(url: str) -> None:
    """A server that has just been started makes its schema first."""
    deadline = monotonic_s() + _PATIENCE_S
    while schema.current(url) != schema.HEAD:
        if monotonic_s() > deadline:
            raise Conflict("the running server has another schema; use the same version", code="schema_differs")
        time.sleep(0.1)


@contextlib.contextmanager
def new_database(settings: Settings) -> Iterator[str]:
    """An empty database to restore into: a fresh embedded one, or the external one, which must be empty."""
    if settings.database != "embedded":
        if schema.current(settings.database) is not None:
            raise Conflict("the external database is not empty", code="not_empty")
        yield settings.database
        return
    settings.data.mkdir(parents=True, exist_ok=True)
    held = lock(settings)
    if held is None:
        raise Conflict("a server runs on this data folder", code="already_running")
    postgres = EmbeddedPostgres(settings.data / "database")
    with held:
        postgres.start()
        try:
            yield postgres.url
        finally:
            postgres.stop()


def prepare(settings: Settings, url: str) -> None:
    """Schema, then recovery of what the last run acknowledged but the index may have lost; before any door opens."""
    if schema.upgrade(url):
        telemetry.fact("schema_upgraded", number=schema.HEAD)
    services = build(settings, url, "prepare", connections=4)
    try:
        if sealed := access.seal_stored(services.database, services.vault):
            telemetry.fact("secrets_sealed", count=sealed)
        copies = Copies(services.database, services.settings)
        copies.recover()
        copies.close()
        count = services.intake.recover()
        if count:
            telemetry.fact("recovered", count=count)
        note_activity(services, "application.started")
    finally:
        services.close()


def note_activity(services: Services, kind: str) -> None:
    """The start or the stop of the program on record (PS3.15 A.5.3.1)."""
    services.note_read(system_actor("heliograph"), kind, {}, detail={"version": __version__})


def lock(settings: Settings) -> IO[str] | None:
    """The installation's lock, None when another process holds it."""
    try:
        if not settings.data.exists():
            settings.data.mkdir(parents=True, mode=0o700)
        run = settings.data / "run"
        run.mkdir(exist_ok=True)
        file = (run / "lock").open("w")
    except OSError as error:
        raise Invalid(
            f"the folder {settings.data} cannot be written ({error.strerror}); give --data one that this user can write",
            code="bad_data_folder",
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def publish(settings: Settings) -> None:
    """Writes what the server was started with, for commands on the console."""
    values = {name: str(getattr(settings, name)) for name in _PUBLISHED}
    path = settings.data / "run" / "settings.json"
    path.touch(mode=0o600)
    path.chmod(0o600)  # the URL of a database carries its password
    path.write_text(json.dumps(values))


def running(data: Path) -> dict[str, str]:
    """What a server on this data folder was started with last."""
    try:
        values = json.loads((data / "run" / "settings.json").read_text())
    except (OSError, ValueError):
        return {}
    return {name: values[name] for name in _PUBLISHED if name in values}


@contextlib.contextmanager
def _database(settings: Settings) -> Iterator[tuple[str, bool]]:
    """The URL, and whether this command owns the installation for its time."""
    if settings.database != "embedded":
        held = lock(settings)
        with held or contextlib.nullcontext():
            yield settings.database, held is not None
        return
    postgres = EmbeddedPostgres(settings.data / "database")
    with contextlib.ExitStack() as stack:
        held = _own_or_borrow(settings, postgres, stack)
        if held is None:
            yield postgres.url, False
            return
        stack.enter_context(held)
        postgres.start()
        try:
            yield postgres.url, True
        finally:
            with _using(settings, exclusive=True):  # others may have borrowed the database meanwhile
                postgres.stop()


def _own_or_borrow(settings: Settings, postgres: EmbeddedPostgres, stack: contextlib.ExitStack) -> IO[str] | None:
    """The installation's lock, or None when somebody else's database answers and stays while the stack is open."""
    deadline = monotonic_s() + _PATIENCE_S
    while (held := lock(settings)) is None:
        with contextlib.ExitStack() as borrowing:
            borrowing.enter_context(_using(settings, exclusive=False))
            if postgres.is_answering():
                stack.enter_context(borrowing.pop_all())
                return None
        if monotonic_s() > deadline:
            raise Busy("the server is starting or stopping; try again in some seconds", code="server_starting")
        time.sleep(0.1)
    return held


@contextlib.contextmanager
def _using(settings: Settings, *, exclusive: bool) -> Iterator[None]:
    """Borrowers share this lock; who would stop the database waits for them."""
    with (settings.data / "run" / "using").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield
