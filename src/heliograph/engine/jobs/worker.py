"""The worker process's loop: Procrastinate fetches, our functions run in threads, small periodic duties run beside."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import procrastinate
from procrastinate import PsycopgConnector, RetryStrategy

from heliograph.engine import telemetry
from heliograph.engine.db import Database
from heliograph.engine.jobs.queue import TRACKED, Cancelled, Interrupted, JobRun, Work, stopping, take_back
from heliograph.kit.errors import Busy, HeliographError

_STALLED_S = 60
_MOST_ATTEMPTS = 6
_SPARE_THREADS = 4


@dataclass(frozen=True, slots=True)
class Periodic:
    """A duty called again and again in a thread; a failure is logged and the next call comes all the same."""

    name: str
    every_s: float
    run: Callable[[], object]


def run_worker(database: Database, works: Iterable[Work], periodic: Iterable[Periodic], *, slots: int) -> None:
    """Runs until SIGTERM or SIGINT; running jobs get a few seconds and resume from their cursor next time."""
    asyncio.run(_main(database, list(works), list(periodic), slots))


async def _main(database: Database, works: list[Work], periodic: list[Periodic], slots: int) -> None:
    connector = PsycopgConnector(conninfo=database.url, min_size=1, max_size=3)
    app = procrastinate.App(connector=connector)
    kinds = {work.kind: work for work in works}
    _register(app, database, kinds)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Long work in all slots of both queues must leave threads for the duties: asyncio's own number follows the processors alone.
    loop.set_default_executor(ThreadPoolExecutor(2 * slots + len(periodic) + _SPARE_THREADS, "work"))
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    async with app.open_async():
        await asyncio.to_thread(_give_up_places, database)
        await _take_back(app)
        await asyncio.to_thread(_requeue, database)
        tasks = [asyncio.create_task(_every(p, stop)) for p in periodic]
        tasks.append(asyncio.create_task(_rescue(app, database, stop)))
        workers = [
            asyncio.create_task(app.run_worker_async(
                queues=[queue], concurrency=n, install_signal_handlers=False, listen_notify=True,
                fetch_job_polling_interval=5.0, delete_jobs="successful", shutdown_graceful_timeout=3,
            ))
            for queue, n in (("quick", slots), (TRACKED, slots))
        ]  # fmt: skip
        print("ready", flush=True)
        await asyncio.wait([asyncio.create_task(stop.wait()), *workers], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        stopping.set()
        for task in [*workers, *tasks]:
            task.cancel()
        await asyncio.wait([*workers, *tasks], timeout=4)
    sys.stdout.flush()


def _register(app: procrastinate.App, database: Database, kinds: dict[str, Work]) -> None:
    again = RetryStrategy(max_attempts=8, exponential_wait=2)

    waits = RetryStrategy(max_attempts=_MOST_ATTEMPTS, exponential_wait=2, retry_exceptions={Busy})

    @app.task(name=TRACKED, queue=TRACKED, retry=waits, pass_context=True)
    async def tracked(context: procrastinate.JobContext, job_id: str) -> None:
        is_last = context.job.attempts >= _MOST_ATTEMPTS
        await asyncio.to_thread(run_tracked, database, kinds, UUID(job_id), is_last=is_last)

    for work in kinds.values():
        if not work.tracked:
            _register_quick(app, database, work, again)


def _register_quick(app: procrastinate.App, database: Database, work: Work, again: RetryStrategy) -> None:
    @app.task(name=work.kind, queue="quick", retry=again, pass_context=True)
    async def quick(context: procrastinate.JobContext, /, **arguments: Any) -> None:
        if context.job.queueing_lock is not None:
            await asyncio.to_thread(_give_up_places, database)
        await asyncio.to_thread(work.run, **arguments)


def run_tracked(database: Database, kinds: dict[str, Work], job_id: UUID, *, is_last: bool = False) -> None:
    """Does a watched job in this thread, for the worker, and for the console while no worker runs. Busy means later, not failed."""
    run = JobRun(database, job_id)
    if not run.begin():
        return
    try:
        kinds[run.kind].run(run)
    except Cancelled:
        run.end("cancelled")
    except Interrupted:
        telemetry.fact("job_interrupted", job=job_id, kind=run.kind)
    except Busy as error:
        if is_last:
            run.end("failed", error.message)
            return
        run.keep()
        telemetry.fact("job_waits", job=job_id, kind=run.kind, code=error.code)
        raise
    except HeliographError as error:
        run.end("failed", error.message)
    except Exception as error:
        telemetry.trouble("job_failed", error, job=job_id, kind=run.kind)
        run.end("failed", "an unexpected error; the log has its place")
        raise
    else:
        run.end("done")


def _requeue(database: Database) -> None:
    with database.transaction() as tx:
        count = take_back(tx)
    if count:
        telemetry.fact("jobs_taken_back", count=count)


def _give_up_places(database: Database) -> None:
    """Work that has begun leaves its place in the queue to its successor. With the place it could not be put back when one waits:
    it would stand as running for ever, its lock would stop all work behind it, and no worker could start."""
    with database.transaction() as tx:
        tx.execute(
            "update procrastinate_jobs set queueing_lock = null where status = 'doing' and queueing_lock is not null"
        )


async def _every(periodic: Periodic, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await asyncio.to_thread(periodic.run)
        except Exception as error:  # noqa: BLE001 the duty must go on
            telemetry.trouble("duty_failed", error, name=periodic.name)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), periodic.every_s)


async def _take_back(app: procrastinate.App, silent_s: int = 0) -> None:
    """One worker process per installation is the rule today, so what stands as running at its start was cut off."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=silent_s):
        await app.job_manager.retry_job(job)


async def _rescue(app: procrastinate.App, database: Database, stop: asyncio.Event) -> None:
    """Stalled jobs run again (Procrastinate leaves that to its user)."""
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _STALLED_S)
        if stop.is_set():
            return
        try:
            await asyncio.to_thread(_give_up_places, database)
            await _take_back(app, _STALLED_S)
        except Exception as error:  # noqa: BLE001 a database that is away for a moment must not end this for good
            telemetry.trouble("duty_failed", error, name="rescue")
