"""The audit of reading, where a page asks for the same thing again and again: one row a minute tells as much as fifty."""

import threading
from typing import Annotated, Any, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from heliograph.engine.audit import Outcome
from heliograph.features.access import Actor
from heliograph.kit.time import monotonic_s
from heliograph.services import Services

EVERY_S = 60.0
_MOST = 20_000


class Reads:
    """Remembers for a minute who was noted with what."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._noted: dict[tuple[Any, ...], float] = {}

    def note(
        self, actor: Actor, kind: str, subject: dict[str, Any], *, detail: dict[str, Any] | None = None,
        outcome: Outcome = "success",
    ) -> None:  # fmt: skip
        """Writes the row before the answer goes out; when neither database nor journal can take it, the read is refused."""
        key = (kind, actor.kind, actor.id, *sorted(subject.items()))
        at = monotonic_s()
        with self._lock:
            if at - self._noted.get(key, -EVERY_S) < EVERY_S:
                return
            if len(self._noted) >= _MOST:
                self._noted.clear()
        self._services.note_read(actor, kind, subject, outcome=outcome, detail={"door": "api"} | (detail or {}))
        self._noted[key] = at


def reads_of(connection: HTTPConnection) -> Reads:
    return cast("Reads", connection.app.state.reads)


ReadsDep = Annotated[Reads, Depends(reads_of)]
