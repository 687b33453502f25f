"""One often repeated statement, straight to the wire: the way through a cursor costs more than the statement itself."""

import contextlib
import re
import select
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, LiteralString, cast

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result
from psycopg.rows import TupleRow

from heliograph.engine.db.patience import Patience, PatientConnection, Silent

_LINE = (
    "-c lock_timeout=100ms "  # whoever waits on this line waits for all; the caller tries again by itself
    "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"  # a plan made for an empty table must not stay
)
_GOOD = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


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

    def __init__(self, url: str, options: dict[str, Any], patience: Patience) -> None:
        self._url = url
        self._options = options | {"options": f"{options.get('options', '')} {_LINE}".strip(), "prepare_threshold": 0}
        self._patience = patience
        self._connection: PatientConnection | None = None
        self._prepared: set[bytes] = set()
        self._preparing: bytes | None = None
        self._poll = select.poll()

    def run(self, statement: Statement, values: Mapping[str, object]) -> list[tuple[str, ...]]:
        """The rows as text."""
        self.begin(statement, values)
        return self.end()

    def begin(self, statement: Statement, values: Mapping[str, object]) -> None:
        """Sends the statement and does not wait: the server works on it, and nothing of it stands before `end`; `close` takes it back.

        The server commits at the message Sync, which `end` sends (PostgreSQL, extended query protocol).
        """
        texts = cast("Sequence[bytes]", statement.values(values))  # None is NULL, which the library's types forget
        server = self._open().pgconn
        with self._closed_by_failure():
            server.enter_pipeline_mode()
            self._preparing = None if statement.name in self._prepared else statement.name
            if self._preparing is not None:
                server.send_prepare(statement.name, statement.text)
            server.send_query_prepared(statement.name, texts)
            server.flush()

    def end(self) -> list[tuple[str, ...]]:
        """The rows as text, when they are committed."""
        assert self._connection is not None, "begin comes first"
        server = self._connection.pgconn
        with self._closed_by_failure():
            server.pipeline_sync()
            server.flush()
            results = self._results(server)
            server.exit_pipeline_mode()
        if self._preparing is not None:
            _checked(results.pop(0))
            self._prepared.add(self._preparing)
        result = _checked(results[0])
        columns = range(result.nfields)
        return [
            tuple((result.get_value(row, column) or b"").decode() for column in columns)
            for row in range(result.ntuples)
        ]

    def execute(self, query: LiteralString, parameters: Sequence[Any] | Mapping[str, Any]) -> list[TupleRow]:
        return self._open().execute(query, parameters).fetchall()

    @contextlib.contextmanager
    def _closed_by_failure(self) -> Iterator[None]:
        """What the server says next would be the answer to something else."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _results(self, server: pq.abc.PGconn) -> list[pq.abc.PGresult]:
        """What the server says up to its answer to Sync; raises Silent when it says nothing."""
        found: list[pq.abc.PGresult] = []
        while True:
            while server.is_busy():
                self._wait()
                server.consume_input()
            result = server.get_result()
            if result is None:  # between the answers to two messages, or for ever on a connection that broke
                if server.status != pq.ConnStatus.OK:
                    raise psycopg.OperationalError("the connection broke")
                continue
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return found
            found.append(result)

    def _wait(self) -> None:
        silent_s = self._patience.silent_s
        if not self._poll.poll(None if silent_s is None else silent_s * 1000):
            raise Silent("the database says nothing")

    def _open(self) -> PatientConnection:
        connection = self._connection
        if connection is None or connection.closed:
            self._prepared.clear()
            connection = PatientConnection.connect(self._url, autocommit=True, connect_timeout=5, **self._options)
            connection.patience = self._patience
            self._connection = connection
            self._poll = select.poll()
            self._poll.register(connection.pgconn.socket, select.POLLIN)
        return connection


def _checked(result: pq.abc.PGresult) -> pq.abc.PGresult:
    if result.status not in _GOOD:
        raise error_from_result(result)
    return result
