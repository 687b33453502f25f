"""Whose object is taken next when many arrive at once: one peer after the other, so that a flood of one keeps no other waiting (N8)."""

import threading
from collections import OrderedDict, deque
from types import TracebackType
from typing import Self


class Turns:
    """So many at once; who waits is let in by peers in turn, and within a peer in the order of coming."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, deque[threading.Event]] = OrderedDict()

    def of(self, peer: str) -> "Turn":
        return Turn(self, peer)

    def waiting(self) -> int:
        """How many wait."""
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def enter(self, peer: str) -> None:
        """Returns when it is this one's turn."""
        with self._lock:
            if self._free and not self._waiting:
                self._free -= 1
                return
            called = threading.Event()
            self._waiting.setdefault(peer, deque()).append(called)
        called.wait()

    def leave(self) -> None:
        """Gives the place to the first of the peer that has waited longest for a turn."""
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            peer, queue = self._waiting.popitem(last=False)
            queue.popleft().set()
            if queue:
                self._waiting[peer] = queue  # behind all other peers


class Turn:
    """A place among those at work, as long as the block lasts."""

    __slots__ = ("_peer", "_turns")

    def __init__(self, turns: Turns, peer: str) -> None:
        self._turns, self._peer = turns, peer

    def __enter__(self) -> Self:
        self._turns.enter(self._peer)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turns.leave()
