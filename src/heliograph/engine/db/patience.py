"""How long a server may say nothing. One that refuses says so at once; one that hangs would hold its callers for ever."""

from dataclasses import dataclass
from typing import TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.rows import TupleRow
from psycopg.waiting import Ready, Wait

from heliograph.kit.time import monotonic_s

_T = TypeVar("_T")
_LOOK_S = 0.1
SILENT_S = 15.0
"""For a door: a thousand times what a statement takes, and a quarter of what senders wait for an answer."""


@dataclass(slots=True)
class Patience:
    """Shared by the connections of one process to one database; None waits for ever."""

    silent_s: float | None = None


class Silent(psycopg.OperationalError):
    """The server said nothing for so long that its connection was given up: what it was asked may be done or not."""


class PatientConnection(psycopg.Connection[TupleRow]):
    """A connection that is closed when the server says nothing for longer than its patience."""

    patience: Patience | None = None

    def wait(self, gen: PQGen[_T], interval: float = _LOOK_S, timeout: float | None = None) -> _T:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        silent_s = self.patience.silent_s if self.patience is not None else None
        if silent_s is None:
            return super().wait(gen, interval)
        try:
            return super().wait(_bounded(gen, silent_s), interval)
        except Silent:
            self.close()
            raise


def _bounded(gen: PQGen[_T], silent_s: float) -> PQGen[_T]:
    """The same steps; each tick without news looks at the clock."""
    deadline = monotonic_s() + silent_s
    try:
        wanted: Wait = next(gen)
        while True:
            ready: Ready | int = yield wanted
            if ready:
                deadline = monotonic_s() + silent_s
            elif monotonic_s() > deadline:
                raise Silent("the database says nothing")
            wanted = gen.send(ready)
    except StopIteration as stop:
        value: _T = stop.value
        return value
