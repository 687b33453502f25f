"""An alarm that somebody looks after is raised anew when it grows, and only then (guard 14)."""

from pathlib import Path
from uuid import UUID

from heliograph.engine.blobs import open_blobs
from heliograph.engine.db import Database
from heliograph.engine.jobs import enqueue
from heliograph.features.access import Actor
from heliograph.features.archive import acknowledge_alarm, open_alarms
from heliograph.features.archive.alarms import look
from heliograph.kit.settings import Settings


def test_more_failures_than_were_acknowledged_are_a_new_alarm(scratch: Database, actor: Actor, tmp_path: Path) -> None:
    blobs = open_blobs("file", tmp_path)
    settings = Settings(data=tmp_path, disk_warning_bytes=0, reserve_bytes=0)

    made: list[UUID] = []

    def fail() -> None:
        with scratch.transaction() as tx:
            job_id = enqueue(tx, 1, "test_nothing", "a test", {}, "system:test")
            made.append(job_id)
            tx.execute("update job set state = 'failed', finished_at = now() where id = %s", (job_id,))
            tx.execute("delete from procrastinate_jobs where args->>'job_id' = %s", (str(job_id),))

    def seen() -> tuple[UUID, int, str | None]:
        look(scratch, blobs, settings)
        with scratch.transaction() as tx:
            (alarm,) = (
                one for one in open_alarms(tx, actor) if one["message"].endswith("jobs failed in the last day.")
            )
        return alarm["id"], int(alarm["message"].split()[0]), alarm["acknowledged_by"]

    try:
        fail()
        first, count, _ = seen()
        fail()
        assert seen() == (first, count + 1, None), "nobody looks after it yet: it is the same alarm"
        with scratch.transaction() as tx:
            acknowledge_alarm(tx, actor, first)
        assert seen() == (first, count + 1, actor.name), "nothing is new"
        fail()
        again, more, by = seen()
        assert (again != first, more, by) == (True, count + 2, None)
    finally:  # other tests look at the same database
        with scratch.transaction() as tx:
            tx.execute("delete from job where id = any(%s)", (made,))
        look(scratch, blobs, settings)
        blobs.close()
