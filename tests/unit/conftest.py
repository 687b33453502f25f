"""A real PostgreSQL for unit tests that need one: embedded in a temporary folder, or the external one of this run."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from heliograph.engine.db import Database, EmbeddedPostgres, Tx, schema
from heliograph.features.access import Actor, system_actor
from tests.peers.postgres import Postgres


@pytest.fixture(scope="session")
def new_url(tmp_path_factory: pytest.TempPathFactory, database: Postgres | None) -> Iterator[Callable[[], str]]:
    """Makes empty databases with the present schema."""
    with ExitStack() as until_the_end:

        def make() -> str:
            if database is not None:
                url = database.new_database()
            else:
                postgres = EmbeddedPostgres(Path(tmp_path_factory.mktemp("pg")))
                postgres.start()
                until_the_end.callback(postgres.stop)
                url = postgres.url
            schema.upgrade(url)
            return url

        yield make


@pytest.fixture(scope="session")
def scratch_url(new_url: Callable[[], str]) -> str:
    """The URL of the database that most unit tests share."""
    return new_url()


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
