"""Heavy or risky pure work in recycled child processes: a codec that crashes, hangs or eats memory takes only its child along."""

import asyncio
import functools
import multiprocessing
import resource
import signal
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from heliograph.kit.errors import Broken, Busy
from heliograph.kit.time import monotonic_s

Answer = TypeVar("Answer")
_MEMORY_BYTES = 6 << 30
_TASKS = 200
_CPU_S = 600
_IDLE_S = 15.0  # each holds 70 MB; a new one is there in half a second
_START_S = 120.0
_QUEUE_S = 60.0
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(slots=True)
class _Task:
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    timeout_s: float
    told: "Future[Any]" = field(default_factory=Future)
    asked_s: float = field(default_factory=monotonic_s)


class Children:
    """Up to `count` children. Each has a thread here that hands it one task after the other, and ends with it when nothing comes."""

    def __init__(self, count: int = 2) -> None:
        self._count = count
        self._tasks: deque[_Task] = deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._free = 0  # threads that have nothing to do, or have only to tell their answer
        self._alive: set[_Child] = set()
        self._closed = False

    async def run(self, work: Callable[..., Answer], *arguments: Any, timeout_s: float = 60.0) -> Answer:
        """The answer of a pure function with picklable arguments; raises Broken when its child dies or takes too long, Busy when no
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
        child = _Child()
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
    """One process and the pipe to it; used by one thread, ended by any."""

    def __init__(self) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self._process: BaseProcess = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._left = _TASKS
        self._ended = False

    def is_fit(self) -> bool:
        return self._left > 0 and not self._ended and self._process.is_alive()

    def ask(self, task: _Task) -> Any:
        self._left -= 1
        try:
            self._pipe.send((task.work, task.arguments))
            if not self._pipe.poll(_START_S):  # a machine under load takes long to start a process and to load a codec
                self.end()
                raise Busy("no decoder starts", code="decoder_busy")
            self._pipe.recv()
            if not self._pipe.poll(task.timeout_s):
                self.end()
                raise Broken("the decoder took too long", code="decoder_slow")
            is_good, answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            self.end()
            raise Broken("the decoder died on this object", code="decoder_died") from error
        if not is_good:
            raise answer
        return answer

    def end(self) -> None:
        self._ended = True
        self._process.kill()
        self._process.join(5)


def _serve(pipe: Connection) -> None:
    """The child: until the pipe ends, which it also does when the parent was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            work, arguments = pipe.recv()
        except EOFError:
            return
        _bound_time()
        try:
            pipe.send(None)  # begun: from now on it is the work that takes the time
            answer = True, work(*arguments)
        except Exception as error:  # noqa: BLE001 it is raised where the work was asked for
            answer = False, error
        try:
            pipe.send(answer)
        except OSError:
            return
        except Exception:  # noqa: BLE001 an error that cannot travel
            pipe.send((False, Broken("the decoder's answer cannot be sent", code="decoder_died")))
        del work, arguments, answer


def _bound_time() -> None:
    """Seconds of this task, not of all before it: for a child whose parent is not there to end it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime) + _CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


@functools.cache
def shared() -> Children:
    """The children of this process: its doors and jobs share them, so that their number stays bounded."""
    return Children()
