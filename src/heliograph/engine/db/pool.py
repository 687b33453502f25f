"""Connections and transactions.

A `Tx` is a psycopg connection inside an open transaction. It is opened and committed only by gateways and by the job runner.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from heliograph.kit.errors import Busy

Tx = psycopg.Connection[TupleRow]

DatabaseError = psycopg.Error
"""What a statement raises; gateways translate it by `translate`."""


class Database:
    """One process's connections to one PostgreSQL."""

    def __init__(self, url: str, *, max_connections: int = 16, name: str = "heliograph", relaxed: bool = False) -> None:
        """`relaxed` commits without waiting for the write-ahead log: only for work whose blob record is already durable."""
        self.url = url
        options: dict[str, Any] = {"application_name": name, "prepare_threshold": 2}
        if relaxed:
            options["options"] = "-c synchronous_commit=off"
        self._pool = ConnectionPool(
            url, min_size=1, max_size=max_connections, kwargs=options, open=False, timeout=20.0,
            check=ConnectionPool.check_connection if not relaxed else None, name=name,
        )  # fmt: skip

    def open(self) -> None:
        self._pool.open()

    def close(self) -> None:
        self._pool.close(timeout=2)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Tx]:
        """A transaction that commits at the end and rolls back on an exception."""
        try:
            with self._pool.connection() as connection:
                yield connection
        except PoolTimeout as error:
            raise Busy("the database is busy", code="database_busy") from error
        except (DeadlockDetected, SerializationFailure):
            raise
        except psycopg.OperationalError as error:
            raise Busy("the database does not answer", code="database_down", retry_after_s=2.0) from error

    @contextlib.contextmanager
    def autocommit(self) -> Iterator[Tx]:
        """A connection outside the pool where each statement is its own transaction (locks, listening, maintenance)."""
        connection = psycopg.connect(self.url, autocommit=True)
        try:
            yield connection
        finally:
            connection.close()
