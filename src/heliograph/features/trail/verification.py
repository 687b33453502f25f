"""Verification of the whole audit log as a job: due as often as that of the objects, and when somebody asks. What it finds is an alarm."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from heliograph.engine.audit import export
from heliograph.engine.audit.verifier import verify_log
from heliograph.engine.audit.witness import witnessed
from heliograph.engine.db import Database, Tx
from heliograph.engine.jobs import JobRun, enqueue
from heliograph.features.access import Actor, note, require
from heliograph.features.archive.alarms import Condition, raise_alarm
from heliograph.kit.errors import Conflict, Refused
from heliograph.kit.settings import Settings

KIND = "verify_audit"
_TENANT = 1
_EVERY = 1000
_TITLE = "Verify the audit log"


def due(database: Database, settings: Settings) -> None:
    """Queues one when the last began long enough ago."""
    if settings.verify_period_days <= 0:
        return
    with database.transaction() as tx:
        row = tx.execute(
            "select (select 1 from job where kind = %s and (state in ('queued', 'running') or created_at > now() - make_interval(secs => %s)) limit 1), "
            "(select 1 from audit_checkpoint where at < now() - interval '1 day' limit 1)",
            (KIND, settings.verify_period_days * 86400),
        ).fetchone()
        if row == (None, 1):
            enqueue(tx, _TENANT, KIND, _TITLE, {}, "system:schedule", unit="events")


def request(tx: Tx, actor: Actor) -> UUID:
    """Somebody of the organisation that runs the installation asks for one now. Raises Conflict while one is under way."""
    require(actor, "audit.read")
    if actor.tenant_id != _TENANT:
        raise Refused("the log of the whole installation is verified by who runs it", code="not_allowed")
    row = tx.execute("select 1 from job where kind = %s and state in ('queued', 'running') limit 1", (KIND,)).fetchone()
    if row is not None:
        raise Conflict("the log is being verified already", code="verification_under_way")
    job = enqueue(tx, _TENANT, KIND, _TITLE, {}, actor.label, unit="events")
    note(tx, actor, "audit.verified", {"job": str(job)})
    return job


def last(tx: Tx) -> dict[str, Any] | None:
    """How the latest verification went."""
    row = tx.execute(
        "select state, created_at, finished_at, done, summary from job where kind = %s order by created_at desc limit 1",
        (KIND,),
    ).fetchone()
    if row is None:
        return None
    summary = row[4] or {}
    return {
        "state": row[0], "started_at": row[1], "finished_at": row[2], "events": row[3], "findings": list(summary.get("findings", [])),
        "sentence": str(summary.get("sentence", "")),
    }  # fmt: skip


def run(database: Database, settings: Settings, job: JobRun) -> None:
    """Reads the log as it stands at one moment, while it grows; begins anew after a restart."""
    from heliograph.engine.audit.verifier import sentence_of

    files = [
        settings.data / "audit" / "checkpoints",
        *([Path(settings.audit_witness)] if settings.audit_witness else []),
    ]
    # The files first: a checkpoint stands in the database before it stands there.
    witnesses = [(path.name, list(witnessed(path))) for path in files]
    with database.transaction() as tx:
        tx.execute("set transaction isolation level repeatable read, read only")
        row = tx.execute("select coalesce(max(number), 0) from audit_seal").fetchone()
        total = int(row[0]) if row else 0
        report = verify_log(_told(export.lines(tx), job, total), witnesses=witnesses)
    job.done, job.total = report.events, max(total, report.events)
    job.summary = {"findings": report.findings, "sentence": sentence_of(report)}
    if report.findings:
        with database.transaction() as tx:
            raise_alarm(tx, _alarm(job, len(report.findings)))


def _told(lines: Iterable[dict[str, Any]], job: JobRun, total: int) -> Iterator[dict[str, Any]]:
    count = 0
    for line in lines:
        if line["type"] == "event":
            count += 1
            if count % _EVERY == 0:
                job.progress(count, total)
        yield line


def _alarm(job: JobRun, count: int) -> Condition:
    return Condition(
        f"audit_verification:{job.id}", "verification", "critical", f"{count} places of the audit log are not as they were written.",
        "Look at them on the page Audit, keep DIR/audit/checkpoints and the backups, and find out who reaches the database.",
    )  # fmt: skip
