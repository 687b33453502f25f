"""A real PostgreSQL for unit tests that need one: embedded, in a temporary folder, one for the whole session."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from heliograph.engine.db import Database, EmbeddedPostgres, Tx, schema
from heliograph.features.access import Actor, system_actor


@pytest.fixture(scope="session")
def scratch_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty database with the present schema."""
    postgres = EmbeddedPostgres(Path(tmp_path_factory.mktemp("pg")))
    postgres.start()
    try:
        schema.upgrade(postgres.url)
        yield postgres.url
    finally:
        postgres.stop()


@pytest.fixture(scope="session")
def scratch(scratch_url: str) -> Iterator[Database]:
    """The same database through our pool; what a test commits there, later tests see."""
    database = Database(scratch_url, name="tests", max_connections=8)
    database.open()
    yield database
    database.close()


@pytest.fixture
def tx(scratch_url: str) -> Iterator[Tx]:
    """A transaction that is rolled back at the end of the test."""
    with psycopg.connect(scratch_url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def actor() -> Actor:
    return system_actor("test")
