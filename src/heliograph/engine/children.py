"""Heavy or risky pure work in recycled child processes: a codec that crashes or eats memory takes only its child along."""

import asyncio
import contextlib
import multiprocessing
import resource
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from heliograph.kit.errors import Broken

Answer = TypeVar("Answer")
_MEMORY_BYTES = 6 << 30
_TASKS = 200
_CPU_S = 600


class Children:
    """A pool that starts with its first task and replaces a child that died."""

    def __init__(self, count: int = 2) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, work: Callable[..., Answer], *arguments: Any, timeout_s: float = 60.0) -> Answer:
        """The answer of a pure function with picklable arguments; raises Broken when the child dies or takes too long."""
        pool = self._open()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._submit(pool, work, arguments)), timeout_s)
        except BrokenProcessPool as error:
            self._drop(pool)
            raise Broken("the decoder died on this object", code="decoder_died") from error
        except TimeoutError as error:
            self._drop(pool)
            raise Broken("the decoder took too long", code="decoder_slow") from error

    def close(self) -> None:
        if self._pool is not None:
            self._drop(self._pool)

    def _submit(
        self, pool: ProcessPoolExecutor, work: Callable[..., Answer], arguments: tuple[Any, ...]
    ) -> "Future[Answer]":
        return pool.submit(work, *arguments)

    def _open(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self._count, mp_context=context, initializer=_bound, max_tasks_per_child=_TASKS
            )
        return self._pool

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        if self._pool is pool:
            self._pool = None
        for child in list((pool._processes or {}).values()):  # noqa: SLF001 there is no public way to end a child that hangs
            with contextlib.suppress(OSError):
                child.kill()
        pool.shutdown(wait=False, cancel_futures=True)


def _bound() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
