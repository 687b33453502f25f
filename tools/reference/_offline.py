"""The program put together without a server: no database is opened, nothing is listened to."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from heliograph.engine.audit.journal import Journal
from heliograph.engine.blobs import open_blobs
from heliograph.engine.db import Database
from heliograph.features.archive import Intake
from heliograph.kit.settings import load
from heliograph.services import Services


@contextlib.contextmanager
def services() -> Iterator[Services]:
    """Services whose database pool stays closed and whose folder is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load({"data": folder}, {})
        database = Database("postgresql://localhost/nothing", name="docs")
        blobs = open_blobs("file", Path(folder))
        made = Services(
            settings, database, blobs, Intake(database, database, blobs, settings), Journal(settings.data / "journal")
        )
        try:
            yield made
        finally:
            made.close()
