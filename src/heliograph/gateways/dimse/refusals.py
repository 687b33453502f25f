"""Handshakes that failed, on record: a few at once for each address, so that a flood of them fills neither table nor log."""

import queue
import threading
from types import TracebackType
from typing import Self

from heliograph.engine.db import Database
from heliograph.engine.telemetry import fact, trouble
from heliograph.features.access import HOUSE, Actor, note
from heliograph.kit.errors import HeliographError
from heliograph.kit.time import monotonic_s

_MOST_WAITING = 256
_QUIET_S = 60.0
_MOST_KNOWN = 4096


class Refusals:
    """Writes in a thread of its own: a door never waits for the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: queue.Queue[tuple[str, str] | None] = queue.Queue(_MOST_WAITING)
        self._told: dict[tuple[str, str], float] = {}
        self._thread = threading.Thread(target=self._write, name="refusals", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._waiting.put(None, timeout=1.0)
        except queue.Full:
            return
        self._thread.join(2.0)

    def tell(self, address: str, reason: str) -> None:
        """The same of one address is told once a minute."""
        at = monotonic_s()
        if at - self._told.get((address, reason), -_QUIET_S) < _QUIET_S:
            return
        if len(self._told) >= _MOST_KNOWN:
            self._told.clear()
        self._told[address, reason] = at
        fact("dimse.tls_refused", address=address, reason=reason)
        try:
            self._waiting.put_nowait((address, reason))
        except queue.Full:
            self._told.pop((address, reason))

    def _write(self) -> None:
        while (one := self._waiting.get()) is not None:
            address, reason = one
            actor = Actor("caller", f"@{address}", "", HOUSE, frozenset(), address)
            try:
                with self._database.transaction() as tx:
                    note(
                        tx,
                        actor,
                        "association.refused",
                        {"door": "dicom_tls"},
                        outcome="refused",
                        detail={"reason": reason},
                    )
            except HeliographError as error:
                trouble("dimse.refusal_not_noted", error, address=address)
