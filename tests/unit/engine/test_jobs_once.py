"""A job that stands in the queue twice runs once."""

from typing import Any

from heliograph.engine.db import Tx
from heliograph.engine.jobs import cancel, enqueue, retry


def test_entries_of_one_job_exclude_each_other(tx: Tx) -> None:
    """Cancelled while it waited and run again: the first entry is still there, and two of them at once would do everything twice."""
    job_id = enqueue(tx, 1, "test_nothing", "a test", {}, "system:test")
    other = enqueue(tx, 1, "test_nothing", "a test", {}, "system:test")
    cancel(tx, 1, job_id)
    retry(tx, 1, job_id)

    def locks(one: Any) -> list[str | None]:
        rows = tx.execute("select lock from procrastinate_jobs where args->>'job_id' = %s", (str(one),)).fetchall()
        return [row[0] for row in rows]

    first, second = locks(job_id)
    assert first == second is not None, "the queue hands out one of the same lock at a time"
    assert first not in locks(other)
