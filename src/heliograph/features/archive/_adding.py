"""Further instances of series that this process knows, the usual case: whoever is ready at the same moment shares one commit.

The blob of each is on stable storage before it comes here, so the study's row is locked for one statement only, never while a disk
syncs. The thread that finds the line free takes everybody's rows along; the others find their answer when it is their turn.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from heliograph.engine.db import DatabaseError, Line, Silent, Statement
from heliograph.features.archive import _repo
from heliograph.kit.errors import Busy, HeliographError

Row = Mapping[str, Any]
_AT_ONCE = 64
_ADD_ONE = Statement(_repo.ADD_INSTANCE)


class _Place:
    """One row in the queue: `instance_id` is None when the row was not added; `silent` when the database said neither yes nor no."""

    __slots__ = ("done", "instance_id", "row", "silent")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.instance_id: int | None = None
        self.done = False
        self.silent = False


class Adder:
    """The rows of all threads of one process on their way into the database."""

    def __init__(self, line: Line, *, series_quiet_s: float, study_quiet_s: float) -> None:
        self._line = line
        self._quiet = (study_quiet_s, series_quiet_s)
        self._queue: deque[_Place] = deque()
        self._turn = threading.Lock()

    def add(self, row: Row) -> int | None:
        """The instance when its row is committed; None when the UID is taken, the series is gone or the database said no.

        After None the row may stand all the same (an answer that was lost): the caller decides in a transaction of its own.
        """
        return self.add_all([row])[0]

    def add_all(self, rows: Sequence[Row]) -> list[int | None]:
        """The same for several rows of one thread. Raises Busy when the database says nothing: it would not in a transaction either."""
        places = [_Place(row) for row in rows]
        self._queue.extend(places)
        if not places[-1].done:
            with self._turn:
                while not places[-1].done:
                    self._commit()
        if any(place.silent for place in places):
            raise _busy()
        return [place.instance_id for place in places]

    def add_beside(self, row: Row, sync: Callable[[], None]) -> int | None:
        """The same for a row whose blob is not synced yet: the database works on it meanwhile, and commits after. Its study is locked
        as long as that takes, so this is for a sender that is alone."""
        if not self._turn.acquire(blocking=False):
            sync()
            return self.add(row)
        try:
            if self._begin(row):
                return self._commit_after(sync)
            sync()
            return None
        finally:
            self._turn.release()

    def _begin(self, row: Row) -> bool:
        try:
            self._line.begin(_ADD_ONE, self._values(row))
        except (DatabaseError, HeliographError):
            return False
        return True

    def _commit_after(self, sync: Callable[[], None]) -> int | None:
        try:
            sync()
        except BaseException:
            self._line.close()  # and with it the row
            raise
        try:
            added = self._line.end()
        except Silent as error:
            raise _busy() from error
        except (DatabaseError, HeliographError):
            return None
        return int(added[0][0]) if added else None

    def close(self) -> None:
        with self._turn:
            self._line.close()

    def _commit(self) -> None:
        batch = [self._queue.popleft() for _ in range(min(_AT_ONCE, len(self._queue)))]
        try:
            for instance_id, blob in self._execute(batch):
                for place in batch:
                    if place.row["blob"] == blob:
                        place.instance_id = instance_id
        except Silent:
            for place in batch:
                place.silent = True
        except (DatabaseError, HeliographError):
            pass  # one row of many, or the database: each thread finds out by itself
        finally:
            for place in batch:
                place.done = True

    def _execute(self, batch: Sequence[_Place]) -> list[tuple[Any, ...]]:
        study_s, series_s = self._quiet
        if len(batch) == 1:  # a third of the work of a list of one
            return [(int(number), blob) for number, blob in self._line.run(_ADD_ONE, self._values(batch[0].row))]
        rows = json.dumps([place.row for place in batch], ensure_ascii=False, separators=(",", ":"))
        return self._line.execute(_repo.ADD_INSTANCES, (rows, study_s, series_s))

    def _values(self, row: Row) -> Row:
        study_s, series_s = self._quiet
        return {**row, "study_quiet": study_s, "series_quiet": series_s}


def _busy() -> Busy:
    return Busy("the database does not answer", code="database_down", retry_after_s=2.0)
