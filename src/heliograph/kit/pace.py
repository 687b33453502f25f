"""How often somebody may do something: so many in a minute for each key, all of them at once if need be."""

import threading
from collections.abc import Callable, Hashable

from heliograph.kit.time import monotonic_s

_MOST_KEYS = 20_000


class Pace:
    """A bucket for each key: it holds a minute's worth, refills evenly, and one that is full again is forgotten."""

    def __init__(self, per_minute: float, clock: Callable[[], float] = monotonic_s) -> None:
        """0 is without a limit."""
        self._most, self._per_s, self._clock = float(per_minute), per_minute / 60.0, clock
        self._lock = threading.Lock()
        self._left: dict[Hashable, tuple[float, float]] = {}

    def wait_s(self, key: Hashable) -> float:
        """0 when it may go on now, which is counted; else how long until it may."""
        if not self._most:
            return 0.0
        at = self._clock()
        with self._lock:
            left, since = self._left.get(key, (self._most, at))
            left = min(self._most, left + (at - since) * self._per_s)
            if left < 1.0:
                self._left[key] = (left, at)
                return (1.0 - left) / self._per_s
            if len(self._left) >= _MOST_KEYS and key not in self._left:
                self._forget_full(at)
            self._left[key] = (left - 1.0, at)
        return 0.0

    def _forget_full(self, at: float) -> None:
        """Who was away long enough to be where it began; when all are busy, everybody begins anew."""
        kept = {key: had for key, had in self._left.items() if had[0] + (at - had[1]) * self._per_s < self._most}
        self._left = kept if len(kept) < _MOST_KEYS else {}
