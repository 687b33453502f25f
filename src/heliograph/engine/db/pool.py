"""Connections and transactions.

A `Tx` is a psycopg connection inside an open transaction. It is opened and committed only by gateways and by the job runner.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import psycopg
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from heliograph.engine.db.line import Line
from heliograph.engine.db.patience import Patience, PatientConnection
from heliograph.kit.errors import Busy

Tx = psycopg.Connection[TupleRow]

DatabaseError = psycopg.Error
"""What a statement raises; gateways translate it by `translate`."""

Answer = TypeVar("Answer")
IN_THE_WAY = (DeadlockDetected, SerializationFailure)
"""Two transactions stood in each other's way, and this one was given up: tried again, it finds the other's work done."""
_TRIES = 5


class Database:
    """One process's connections to one PostgreSQL."""

    def __init__(self, url: str, *, max_connections: int = 16, name: str = "heliograph", relaxed: bool = False) -> None:
        """`relaxed` commits without waiting for the write-ahead log: only for work whose blob record is already durable."""
        self.url = url
        options: dict[str, Any] = {"application_name": name, "prepare_threshold": 2}
        if relaxed:
            options["options"] = "-c synchronous_commit=off"
        self._options = options
        self._patience = Patience()
        self._pool = ConnectionPool(
            url, connection_class=PatientConnection, min_size=1, max_size=max_connections, kwargs=options, open=False, timeout=20.0,
            configure=self._configure,
            check=ConnectionPool.check_connection if not relaxed else None, name=name,
        )  # fmt: skip

    def open(self) -> None:
        self._pool.open()

    def wait_at_most(self, seconds: float) -> None:
        """How long a transaction waits for a connection before Busy; a door with an impatient client lowers it."""
        self._pool.timeout = seconds

    def silent_at_most(self, seconds: float) -> None:
        """How long the server may say nothing to a statement before its connection is closed and the caller told Busy. For a door,
        whose peers wait: a statement of maintenance may work for longer than that."""
        self._patience.silent_s = seconds

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
        except IN_THE_WAY:
            raise
        except psycopg.OperationalError as error:
            raise Busy("the database does not answer", code="database_down", retry_after_s=2.0) from error

    def retried(self, work: Callable[[Tx], Answer], *, races: tuple[type[Exception], ...] = ()) -> Answer:
        """What `work` does in a short transaction, from its beginning again when another transaction stood in its way; Busy when that
        goes on. `races` are further errors that a new try may not meet. `work` must do nothing that a rollback does not undo."""
        for attempt in range(1, _TRIES + 1):
            try:
                with self.transaction() as tx:
                    return work(tx)
            except IN_THE_WAY as error:
                if attempt == _TRIES:
                    raise Busy("others are changing the same at this moment", code="database_busy") from error
            except races:
                if attempt == _TRIES:
                    raise
        raise AssertionError("unreachable")

    def line(self) -> Line:
        """A connection of its own for one often repeated statement."""
        return Line(self.url, self._options, self._patience)

    def _configure(self, connection: PatientConnection) -> None:
        connection.patience = self._patience

    @contextlib.contextmanager
    def autocommit(self) -> Iterator[Tx]:
        """A connection outside the pool where each statement is its own transaction (locks, listening, maintenance)."""
        connection = psycopg.connect(self.url, autocommit=True)
        try:
            yield connection
        finally:
            connection.close()
