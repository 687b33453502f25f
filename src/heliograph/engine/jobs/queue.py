"""Putting work into the queue and following it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from heliograph.engine.db import Database, Tx
from heliograph.kit.errors import Absent, Conflict, HeliographError
from heliograph.kit.ids import new_id
from heliograph.kit.time import monotonic_s, now

PROGRESS_EVERY_S = 0.5
TRACKED = "tracked"


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of work: `run` gets a JobRun when it was enqueued, the arguments when it was deferred."""

    kind: str
    run: Callable[..., object]
    tracked: bool = True


class Cancelled(HeliographError):
    code = "cancelled"


class Interrupted(HeliographError):
    """The worker ends; the job goes on from its cursor at the next start."""

    code = "interrupted"


stopping = threading.Event()
"""Set when this process is to end."""


class JobRun:
    """What a running job sees of itself. Every write is a transaction of its own, so that people see it at once."""

    def __init__(self, database: Database, job_id: UUID) -> None:
        self.database = database
        self.id = job_id
        self._last_s = 0.0
        with database.transaction() as tx:
            row = tx.execute(
                "select tenant_id, kind, arguments, cursor, done, total, summary, requested_by from job where id = %s",
                (job_id,),
            ).fetchone()
        if row is None:
            raise Absent("the job is gone", code="no_job")
        self.tenant_id: int = row[0]
        self.kind: str = row[1]
        self.arguments: dict[str, Any] = row[2]
        self.cursor: dict[str, Any] = row[3]
        self.done: int = row[4]
        self.total: int | None = row[5]
        self.summary: dict[str, Any] = row[6]
        self.requested_by: str = row[7]

    def progress(
        self, done: int, total: int | None = None, *, cursor: dict[str, Any] | None = None, force: bool = False
    ) -> None:
        """Stores how far it is, at most twice a second; raises Cancelled when somebody asked for that, Interrupted at the end."""
        self.done = done
        self.total = total if total is not None else self.total
        if cursor is not None:
            self.cursor = cursor
        if not force and not stopping.is_set() and monotonic_s() - self._last_s < PROGRESS_EVERY_S:
            return
        self._last_s = monotonic_s()
        with self.database.transaction() as tx:
            row = tx.execute(
                "update job set done = %s, total = %s, cursor = %s, summary = %s where id = %s returning cancel_requested",
                (self.done, self.total, Jsonb(self.cursor), Jsonb(self.summary), self.id),
            ).fetchone()
        if row == (True,):
            raise Cancelled("somebody cancelled the job")
        if stopping.is_set():
            raise Interrupted("the worker ends")

    def begin(self) -> bool:
        """False when it must not run: cancelled or finished meanwhile. A job that waited for its next attempt ends here when cancelled."""
        at = now()
        with self.database.transaction() as tx:
            row = tx.execute(
                "update job set state = case when cancel_requested then 'cancelled' else 'running' end, error = null, "
                "started_at = coalesce(started_at, %s), finished_at = case when cancel_requested then %s else null end "
                "where id = %s and state in ('queued', 'running') returning state",
                (at, at, self.id),
            ).fetchone()
        return row == ("running",)

    def keep(self) -> None:
        """Stores how far it is before an attempt is given up."""
        with self.database.transaction() as tx:
            tx.execute(
                "update job set done = %s, total = %s, cursor = %s, summary = %s where id = %s",
                (self.done, self.total, Jsonb(self.cursor), Jsonb(self.summary), self.id),
            )

    def end(self, state: str, error: str | None = None) -> None:
        with self.database.transaction() as tx:
            tx.execute(
                "update job set state = %s, error = %s, done = %s, total = %s, summary = %s, cursor = %s, finished_at = %s where id = %s",
                (state, error, self.done, self.total, Jsonb(self.summary), Jsonb(self.cursor), now(), self.id),
            )


def enqueue(
    tx: Tx, tenant_id: int, kind: str, title: str, arguments: dict[str, Any], requested_by: str,
    *, unit: str = "", total: int | None = None, lock: str | None = None,
) -> UUID:  # fmt: skip
    """Writes a watched job and its queue entry in this transaction."""
    job_id = new_id()
    tx.execute(
        "insert into job (id, tenant_id, kind, title, unit, total, arguments, requested_by, created_at) "
        "values (%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        (job_id, tenant_id, kind, title, unit, total, Jsonb(arguments), requested_by, now()),
    )
    _put_job(tx, job_id, lock=lock)
    return job_id


def defer(
    tx: Tx,
    kind: str,
    arguments: dict[str, Any],
    *,
    lock: str | None = None,
    once: str | None = None,
    priority: int = 10,
) -> None:
    """Writes small unwatched work; `once` names a place in the queue that only one waiting entry may have."""
    if once is not None:
        waiting = tx.execute(
            "select 1 from procrastinate_jobs where queueing_lock = %s and status = 'todo'", (once,)
        ).fetchone()
        if waiting:
            return
    _put(tx, kind, arguments, lock=lock, priority=priority, once=once)


_LISTED = (
    "id", "kind", "title", "state", "done", "total", "unit", "error", "summary", "requested_by", "created_at", "started_at", "finished_at",
)  # fmt: skip


def listing(
    tx: Tx, tenant_id: int, *, state: str | None = None, limit: int = 200, before: UUID | None = None
) -> list[dict[str, Any]]:
    """Watched jobs, latest first; `before` is the last id of the page that came earlier."""
    rows = tx.execute(
        f"select {', '.join(_LISTED)} from job where tenant_id = %(t)s and (%(s)s::text is null or state = %(s)s) "
        "and (%(b)s::uuid is null or id < %(b)s) order by id desc limit %(n)s",
        {"t": tenant_id, "s": state, "n": limit, "b": before},
    )
    return [dict(zip(_LISTED, row, strict=True)) | {"id": str(row[0])} for row in rows]


def cancel(tx: Tx, tenant_id: int, job_id: UUID) -> None:
    """A queued job ends at once, a running one at its next progress."""
    row = tx.execute(
        "update job set cancel_requested = true, state = case when state = 'queued' then 'cancelled' else state end, "
        "finished_at = case when state = 'queued' then %s else finished_at end "
        "where id = %s and tenant_id = %s and state in ('queued', 'running') returning 1",
        (now(), job_id, tenant_id),
    ).fetchone()
    if row is None:
        _check_known(tx, tenant_id, job_id)
        raise Conflict("the job is not waiting or running", code="job_ended")


def retry(tx: Tx, tenant_id: int, job_id: UUID) -> None:
    """Runs a failed or cancelled job again from its cursor."""
    row = tx.execute(
        "update job set state = 'queued', cancel_requested = false, error = null, finished_at = null "
        "where id = %s and tenant_id = %s and state in ('failed', 'cancelled') returning 1",
        (job_id, tenant_id),
    ).fetchone()
    if row is None:
        _check_known(tx, tenant_id, job_id)
        raise Conflict("only a failed or cancelled job can be run again", code="job_not_ended")
    _put_job(tx, job_id)


def _check_known(tx: Tx, tenant_id: int, job_id: UUID) -> None:
    if tx.execute("select 1 from job where id = %s and tenant_id = %s", (job_id, tenant_id)).fetchone() is None:
        raise Absent("no such job", code="no_job")


def take_back(tx: Tx) -> int:
    """Queues again what the end of a worker cut off: watched jobs that nobody works on, and aborted small work. The count."""
    lost = tx.execute(
        "select j.id from job j where j.state in ('queued', 'running') and not j.cancel_requested and not exists (select 1 from procrastinate_jobs p "
        "where p.task_name = %s and p.args->>'job_id' = j.id::text and p.status in ('todo', 'doing'))",
        (TRACKED,),
    ).fetchall()
    for (job_id,) in lost:
        _put_job(tx, job_id)
    small = tx.execute(
        "delete from procrastinate_jobs where queue_name = 'quick' and status = 'aborted' returning task_name, args, lock, priority"
    ).fetchall()
    for task, arguments, lock, priority in small:
        _put(tx, task, arguments, lock=lock, priority=priority)
    return len(lost) + len(small)


def _put_job(tx: Tx, job_id: UUID, *, lock: str | None = None) -> None:
    """Entries of one job never run at the same time: one that was cancelled while it waited, and is run again, stands there twice."""
    _put(tx, TRACKED, {"job_id": str(job_id)}, lock=lock or f"job:{job_id}", priority=0)


def _put(
    tx: Tx, task: str, arguments: dict[str, Any], *, lock: str | None, priority: int, once: str | None = None
) -> None:
    tx.execute(
        "select procrastinate_defer_jobs_v1(array[row(%s, %s, %s, %s, %s, %s, null)::procrastinate_job_to_defer_v1])",
        (TRACKED if task == TRACKED else "quick", task, priority, lock, once, Jsonb(arguments)),
    )
