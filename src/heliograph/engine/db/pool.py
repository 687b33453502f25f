"""Connections and transactions.

A `Tx` is a psycopg connection inside an open transaction. It is opened and committed only by gateways and by the job runner.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, LiteralString, TypeVar, cast

import psycopg
from psycopg import pq
from psycopg.errors import DeadlockDetected, SerializationFailure, error_from_result
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

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
        self._pool = ConnectionPool(
            url, min_size=1, max_size=max_connections, kwargs=options, open=False, timeout=20.0,
            check=ConnectionPool.check_connection if not relaxed else None, name=name,
        )  # fmt: skip

    def open(self) -> None:
        self._pool.open()

    def wait_at_most(self, seconds: float) -> None:
        """How long a transaction waits for a connection before Busy; a door with an impatient client lowers it."""
        self._pool.timeout = seconds

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

    def line(self) -> "Line":
        """A connection of its own for one often repeated statement."""
        return Line(self.url, self._options)

    @contextlib.contextmanager
    def autocommit(self) -> Iterator[Tx]:
        """A connection outside the pool where each statement is its own transaction (locks, listening, maintenance)."""
        connection = psycopg.connect(self.url, autocommit=True)
        try:
            yield connection
        finally:
            connection.close()


_LINE = (
    "-c lock_timeout=100ms "  # whoever waits on this line waits for all; the caller tries again by itself
    "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"  # a plan made for an empty table must not stay
)


class Statement:
    """A statement with named values, in the shape that travels: numbered, the values as text whose types the server works out."""

    def __init__(self, query: str) -> None:
        names: dict[str, int] = {}
        text = re.sub(r"%\((\w+)\)s", lambda found: f"${names.setdefault(found[1], len(names) + 1)}", query)
        self.text = text.encode()
        self.name = b"s%x" % abs(hash(self.text))
        self._names = tuple(names)

    def values(self, values: Mapping[str, object]) -> list[bytes | None]:
        return [_as_text(values[name]) for name in self._names]


def _as_text(value: object) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, list):
        escaped = (re.sub(r'(["\\])', r"\\\1", str(item)) for item in value)
        return ("{" + ",".join(f'"{item}"' for item in escaped) + "}").encode()
    text = str(value)
    if "\0" in text:  # it would end the value there
        raise psycopg.DataError("text with a NUL cannot be kept")
    return text.encode()


class Line:
    """One connection where each statement is a transaction; opened when it is needed, and again after it broke. One thread at a time."""

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self._url = url
        self._options = options | {"options": f"{options.get('options', '')} {_LINE}".strip(), "prepare_threshold": 0}
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._prepared: set[bytes] = set()

    def execute(self, query: LiteralString, parameters: Sequence[Any] | Mapping[str, Any]) -> list[TupleRow]:
        return self._open().execute(query, parameters).fetchall()

    def run(self, statement: Statement, values: Mapping[str, object]) -> list[tuple[str, ...]]:
        """The rows as text. Straight to the wire: for a statement that runs for every object, the way through a cursor costs more
        than the statement."""
        server = self._open().pgconn
        if statement.name not in self._prepared:
            _checked(server.prepare(statement.name, statement.text))
            self._prepared.add(statement.name)
        values_as_text = cast(
            "Sequence[bytes]", statement.values(values)
        )  # None is NULL, which the library's types forget
        result = _checked(server.exec_prepared(statement.name, values_as_text))
        columns = range(result.nfields)
        return [
            tuple((result.get_value(row, column) or b"").decode() for column in columns)
            for row in range(result.ntuples)
        ]

    def _open(self) -> psycopg.Connection[TupleRow]:
        connection = self._connection
        if connection is None or connection.closed:
            self._prepared.clear()
            connection = self._connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=5, **self._options
            )
        return connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


_GOOD = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


def _checked(result: pq.abc.PGresult) -> pq.abc.PGresult:
    if result.status not in _GOOD:
        raise error_from_result(result)
    return result
