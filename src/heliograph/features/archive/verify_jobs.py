"""Verification as a job: due once in the set number of days, throttled, resumed from its cursor."""

from heliograph.engine.blobs import Blobs
from heliograph.engine.db import Database
from heliograph.engine.jobs import JobRun, enqueue
from heliograph.features.access import HOUSE
from heliograph.features.archive import verify
from heliograph.features.archive.alarms import Condition, raise_alarm
from heliograph.kit.settings import Settings

KIND = "verify"
_MOST_FAULTS = 1000


def due(database: Database, settings: Settings) -> None:
    """Queues a verification when the last one began long enough ago."""
    if settings.verify_period_days <= 0:
        return
    with database.transaction() as tx:
        row = tx.execute(
            "select 1 from job where kind = %s and (state in ('queued', 'running') or created_at > now() - make_interval(secs => %s))",
            (KIND, settings.verify_period_days * 86400),
        ).fetchone()
        oldest = tx.execute("select min(received_at) < now() - interval '1 day' from instance").fetchone()
        if row is None and oldest == (True,):
            enqueue(
                tx,
                HOUSE,
                KIND,
                "Verify all objects",
                {"bytes_per_s": settings.verify_bytes_per_s},
                "system:schedule",
                unit="objects",
            )


def run(database: Database, blobs: Blobs, job: JobRun) -> None:
    """Reads everything; the faults, those found before a restart too, become an alarm that stays until somebody acknowledges it."""
    total = verify.count(database)
    before = job.done if job.cursor else 0
    faults = list(job.summary.get("faults", [])) if job.cursor else []

    def progress(report: verify.Report, cursor: dict[str, object]) -> None:
        job.summary = {"faults": [*faults, *report.faults][:_MOST_FAULTS]}
        job.progress(before + report.checked, total, cursor=cursor)

    report = verify.verify(
        database, blobs, cursor=job.cursor, bytes_per_s=int(job.arguments.get("bytes_per_s", 0)), progress=progress
    )
    job.done, job.total = before + report.checked, total
    found = [*faults, *report.faults]
    job.summary = {"faults": found[:_MOST_FAULTS]}
    if found:
        with database.transaction() as tx:
            raise_alarm(tx, _alarm(job, len(found)))


def _alarm(job: JobRun, count: int) -> Condition:
    objects = "1 stored object is" if count == 1 else f"{count} stored objects are"
    return Condition(
        f"verification:{job.id}", "verification", "critical", f"{objects} missing or not what was received.",
        "Restore them from the backup (heliograph verify lists them), and have the disk checked.",
    )  # fmt: skip
