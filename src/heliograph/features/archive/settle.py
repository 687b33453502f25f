"""Settling: a series, then its study, is taken as whole after a quiet time; the state is in the table and survives restarts."""

from heliograph.engine.db import Database
from heliograph.engine.events import announce
from heliograph.engine.jobs import defer
from heliograph.kit.time import now

MAKE_DOCUMENT = "make_series_document"
STUDY_SETTLED = "study_settled"
_BATCH = 500


def sweep(database: Database) -> int:
    """Settles what is due and announces it; called every second by the worker. The count of series and studies."""
    at = now()
    with database.transaction() as tx:
        # Studies are locked before series, as ingest does it.
        rows = tx.execute(
            "with due as (select id, study_fk from series where settled_at is null and (settles_at is null or settles_at <= %s) limit %s), "
            "held as (select id from study where id in (select study_fk from due) order by id for update), "
            "locked as (select s.id from series s where s.id in (select id from due) and (select count(*) from held) > 0 "
            "and s.settled_at is null and (s.settles_at is null or s.settles_at <= %s) order by s.id for update skip locked) "
            "update series se set settled_at = %s from locked where se.id = locked.id "
            "returning se.id, se.tenant_id, se.study_fk, se.series_uid, se.revision, se.instance_count",
            (at, _BATCH, at, at),
        ).fetchall()
        for series_id, tenant_id, study_id, series_uid, revision, count in rows:
            subject = {
                "series": series_id,
                "study": study_id,
                "series_uid": series_uid,
                "revision": revision,
                "instances": count,
            }
            announce(tx, tenant_id, "SeriesSettled", subject)
            defer(tx, MAKE_DOCUMENT, {"series_id": series_id}, once=f"document:{series_id}")
    return len(rows) + _settle_studies(database)


def _settle_studies(database: Database) -> int:
    at = now()
    with database.transaction() as tx:
        rows = tx.execute(
            "with due as (select id from study st where settled_at is null and (settles_at is null or settles_at <= %s) and not exists "
            "(select 1 from series se where se.study_fk = st.id and se.settled_at is null) limit %s for update skip locked) "
            "update study set settled_at = %s from due where study.id = due.id "
            "returning study.id, study.tenant_id, study.study_uid, study.instance_count",
            (at, _BATCH, at),
        ).fetchall()
        for study_id, tenant_id, study_uid, count in rows:
            announce(tx, tenant_id, "StudyArrived", {"study": study_id, "study_uid": study_uid, "instances": count})
            defer(tx, STUDY_SETTLED, {"study_id": study_id}, lock=f"study:{study_id}")
    return len(rows)
