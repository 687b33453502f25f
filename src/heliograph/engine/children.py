"""Heavy or risky pure work in recycled child processes: a codec that crashes, hangs or eats memory takes only its child along."""

import asyncio
import contextlib
import functools
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from heliograph.engine._pipe import Child, Ended, TooSlow
from heliograph.kit.errors import Broken, Busy
from heliograph.kit.time import monotonic_s

Answer = TypeVar("Answer")
_MEMORY_BYTES = min(6 << 30, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
_TASKS = 200
_IDLE_S = 15.0  # each holds 70 MB; a new one is there in half a second
_START_S = 120.0
_QUEUE_S = 60.0


@dataclass(slots=True)
class _Task:
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    timeout_s: float
    told: "Future[Any]" = field(default_factory=Future)
    asked_s: float = field(default_factory=monotonic_s)


class Children:
    """Up to `count` children. Each has a thread here that hands it one task after the other, and ends with it when nothing comes."""

    def __init__(self, count: int = 2, *, is_fenced: bool = True) -> None:
        """`is_fenced` False lets the work touch files, for work on bytes of ours."""
        self._count = count
        self._is_fenced = is_fenced
        self._tasks: deque[_Task] = deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._free = 0  # threads that have nothing to do, or have only to tell their answer
        self._alive: set[_Child] = set()
        self._closed = False

    async def run(self, work: Callable[..., Answer], *arguments: Any, timeout_s: float = 60.0) -> Answer:
        """The answer (bytes, text, a number or None) of a pure function with picklable arguments; raises Broken when its child dies or takes too long, Busy when no
        child was free for a minute."""
        return await asyncio.wrap_future(self._submit(_Task(work, arguments, timeout_s)))

    def do(self, work: Callable[..., Answer], *arguments: Any, timeout_s: float = 60.0) -> Answer:
        """The same for a thread that may wait."""
        answer: Answer = self._submit(_Task(work, arguments, timeout_s)).result()
        return answer

    def close(self) -> None:
        """Ends all children; who still waits is told that they died."""
        with self._changed:
            self._closed = True
            left, self._tasks = list(self._tasks), deque()
            alive = list(self._alive)
            self._changed.notify_all()
        for task in left:
            if task.told.set_running_or_notify_cancel():
                task.told.set_exception(Broken("the decoders have been closed", code="decoder_died"))
        for child in alive:
            child.end()

    def _submit(self, task: _Task) -> "Future[Any]":
        with self._changed:
            if self._closed:
                raise Broken("the decoders have been closed", code="decoder_died")
            self._tasks.append(task)
            if self._free < len(self._tasks) and self._threads < self._count:
                self._threads += 1
                self._free += 1
                threading.Thread(target=self._work, name="children", daemon=True).start()
            self._changed.notify()
        return task.told

    def _next(self) -> _Task | None:
        """None when nothing came for a while, or after the end; the thread is then counted out."""
        with self._changed:
            ends_s = monotonic_s() + _IDLE_S
            while not self._tasks and not self._closed and (left := ends_s - monotonic_s()) > 0:
                self._changed.wait(left)
            self._free -= 1
            if self._tasks:
                return self._tasks.popleft()
            self._threads -= 1
            return None

    def _work(self) -> None:
        child: _Child | None = None
        while (task := self._next()) is not None:
            answer, error = None, None
            wanted = task.told.set_running_or_notify_cancel()
            try:
                if wanted:
                    child = self._ready(task, child)
                    answer = child.ask(task)
            except BaseException as raised:  # noqa: BLE001 it belongs to whoever asked
                error = raised
            with self._changed:
                self._free += 1
            if wanted and error is not None:
                task.told.set_exception(error)
            elif wanted:
                task.told.set_result(answer)
        self._end(child)

    def _ready(self, task: _Task, child: "_Child | None") -> "_Child":
        """The child, or a new one for one that died, hung, or has worked long enough."""
        if monotonic_s() - task.asked_s > _QUEUE_S:
            raise Busy("all decoders are at work", code="decoder_busy")
        if child is not None and child.is_fit():
            return child
        self._end(child)
        child = _Child(is_fenced=self._is_fenced)
        with self._changed:
            self._alive.add(child)
            closed = self._closed
        if closed:
            self._end(child)
            raise Broken("the decoders have been closed", code="decoder_died")
        return child

    def _end(self, child: "_Child | None") -> None:
        if child is not None:
            with self._changed:
                self._alive.discard(child)
            child.end()


class _Child:
    """One process; used by one thread, ended by any."""

    def __init__(self, *, is_fenced: bool) -> None:
        self._process = Child(_MEMORY_BYTES, is_fenced=is_fenced)
        self._left = _TASKS
        self._ended = False

    def is_fit(self) -> bool:
        return self._left > 0 and not self._ended and self._process.is_alive()

    def ask(self, task: _Task) -> Any:
        self._left -= 1
        try:
            with contextlib.suppress(TooSlow):  # a machine under load takes long to start a process and to load a codec
                self._process.hand_over((task.work, task.arguments, task.timeout_s), _START_S)
                return self._process.answer(task.timeout_s)
        except Ended as error:
            self.end()
            raise Broken("the decoder died on this object", code="decoder_died") from error
        has_begun = self._process.has_begun
        self.end()
        if has_begun:
            raise Broken("the decoder took too long", code="decoder_slow")
        raise Busy("no decoder starts", code="decoder_busy")

    def end(self) -> None:
        self._ended = True
        self._process.end()


@functools.cache
def shared() -> Children:
    """The children of this process: its doors and jobs share them, so that their number stays bounded."""
    return Children()
