"""The objects that were acknowledged since the database's log was last known to be on disk.

A commit of the intake does not wait for the log, because the object's record can be indexed again (decision 0001). At a start the
recovery does that. When the database server alone crashes, nobody starts: so each process keeps the records of its last second or
so, and a sentinel connection. A flush that succeeds on that connection proves that everything before it is durable; a sentinel that
broke means that the server may have crashed, and the kept records are indexed again before anything is called durable.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator

import psycopg

from heliograph.engine import telemetry
from heliograph.engine.blobs import Record
from heliograph.engine.db import SILENT_S, DatabaseError, Patience, PatientConnection
from heliograph.kit.errors import Busy, HeliographError
from heliograph.kit.time import monotonic_s

_EVERY_S = 0.5
_PAUSE_S = 0.2
_PATIENCE_S = 10.0


class Tail:
    """Kept records of one process, flushed twice a second while there are any."""

    def __init__(self, url: str, index_again: Callable[[Record], None]) -> None:
        self._url = url
        self._index_again = index_again
        self._kept: deque[Record] = deque()
        self._flushing = threading.RLock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._sentinel: PatientConnection | None = None
        self._thread = threading.Thread(target=self._run, name="tail", daemon=True)
        self._started = False
        self._generation = 0

    def keep(self, record: Record, since: int) -> None:
        """To be called after the commit and before the answer, with what `connect` said before the commit."""
        self._kept.append(record)
        if not self._started:
            with self._flushing:
                if not self._started:
                    self._thread.start()
                    self._started = True
        if (
            self._generation != since
        ):  # the server was lost meanwhile, and whoever mended that did not know of this record
            self._index_again(record)
        if not self._wake.is_set():
            self._wake.set()

    def flush(self, within_s: float | None = None) -> None:
        """Returns when every commit before it is durable, after a crash of the server too. Waits as long as that takes, or raises
        Busy when somebody waits who cannot: about `within_s`, or until a server that hangs is given up."""
        deadline = None if within_s is None else monotonic_s() + within_s
        while not self._stop.is_set():
            try:
                with self._turn(deadline):
                    self._flush_once()
                return
            except (DatabaseError, HeliographError) as error:
                if deadline is not None and monotonic_s() > deadline:
                    raise _away() from error
                telemetry.trouble("flush_failed", error)
            self._stop.wait(_PAUSE_S)

    def connect(self) -> int:
        """Opens the sentinel; a crash of the server after this moment is noticed. The count of sentinels so far."""
        generation = self._generation
        if self._sentinel is None:
            with self._turn(monotonic_s() + _PATIENCE_S):
                if self._sentinel is None:
                    self._mend()
                generation = self._generation
        return generation

    def close(self) -> bool:
        """Flushes what is left, when the database is still there to be asked; True when all of it is durable."""
        if self._kept:
            with contextlib.suppress(DatabaseError, HeliographError), self._flushing:
                self._flush_once()
        self._stop.set()
        self._wake.set()
        if self._started:
            self._thread.join(timeout=2)
        if self._sentinel is not None:
            self._sentinel.close()
        return not self._kept

    @contextlib.contextmanager
    def _turn(self, deadline: float | None) -> Iterator[None]:
        if not self._flushing.acquire(timeout=-1 if deadline is None else max(0.0, deadline - monotonic_s())):
            raise _away()
        try:
            yield
        finally:
            self._flushing.release()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._stop.wait(_EVERY_S):
                return
            if self._kept:
                self.flush()

    def _flush_once(self) -> None:
        if self._sentinel is None or self._sentinel.closed:
            self._mend()
        assert self._sentinel is not None
        count = len(self._kept)
        try:
            # A commit with an identifier of its own that waits: it flushes the log up to here.
            with self._sentinel.transaction():
                self._sentinel.execute("set local synchronous_commit = on")
                self._sentinel.execute("select pg_current_xact_id()")
        except DatabaseError:
            self._drop_sentinel()
            raise
        for _ in range(count):
            self._kept.popleft()

    def _mend(self) -> None:
        """The server may have crashed since the last flush: indexes the kept records again, which costs nothing when it had not."""
        try:
            connection = PatientConnection.connect(self._url, autocommit=True, connect_timeout=5)
        except psycopg.OperationalError as error:
            raise _away() from error
        connection.patience = Patience(SILENT_S)
        try:
            self._generation += 1
            kept = list(self._kept)
            for record in kept:
                self._index_again(record)
        except BaseException:
            connection.close()
            raise
        if kept:
            telemetry.fact("indexed_again", count=len(kept), reason="database_lost")
        self._sentinel = connection

    def _drop_sentinel(self) -> None:
        sentinel, self._sentinel = self._sentinel, None
        if sentinel is not None:
            sentinel.close()


def _away() -> Busy:
    return Busy("the database does not answer", code="database_down", retry_after_s=2.0)
