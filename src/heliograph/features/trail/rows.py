"""Audit rows with what the index knows about the studies that they speak of: identifiers for messages, never stored in the log."""

from collections.abc import Iterable
from typing import Any

from heliograph.engine.db import Tx
from heliograph.features.access.model import HOUSE
from heliograph.standards.ihe.audit_event import Row, Study

COLUMNS = "s.number, e.at, e.kind, e.outcome, e.actor, e.subject, e.detail, e.tenant_id, e.id"
_MOST_UID = 64


def sealed_after(tx: Tx, number: int, limit: int) -> list[Row]:
    """The rows of the sealed log behind a number, oldest first."""
    rows = tx.execute(
        f"select {COLUMNS} from audit_seal s join audit_event e on e.id = s.event_id where s.number > %s order by s.number limit %s",
        (number, limit),
    ).fetchall()
    return with_studies(tx, rows)


def with_studies(tx: Tx, rows: Iterable[tuple[Any, ...]]) -> list[Row]:
    """`rows` as COLUMNS say. A study that is gone leaves None."""
    rows = list(rows)
    ids = {number for row in rows if (number := study_id_of(row[5])) is not None}
    uids = {
        str(row[5]["study_uid"])[:_MOST_UID] for row in rows if row[5].get("study_uid") and study_id_of(row[5]) is None
    }
    studies = _studies(tx, ids, uids)
    called = _organisations(tx, {row[7] for row in rows})
    made = []
    for number, at, kind, outcome, actor, subject, detail, tenant, event_id in rows:
        study = studies.get((tenant, study_id_of(subject))) or studies.get((tenant, subject.get("study_uid")))
        made.append(Row(number, at, kind, outcome, actor, subject, detail, study, called.get(tenant, ""), event_id))
    return made


def study_id_of(subject: dict[str, Any]) -> int | None:
    """The study that a subject names by its id."""
    value = subject.get("study")
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else None


def _organisations(tx: Tx, tenants: set[int]) -> dict[int, str]:
    """How each is called; the first one is not."""
    others = list(tenants - {HOUSE})
    if not others:
        return {}
    return dict(tx.execute("select id, name from tenant where id = any(%s)", (others,)).fetchall())


def _studies(tx: Tx, ids: set[int], uids: set[str]) -> dict[tuple[int, int | str | None], Study]:
    if not ids and not uids:
        return {}
    rows = tx.execute(
        "select id, tenant_id, study_uid, patient_id, issuer from study where id = any(%s) or study_uid = any(%s)",
        (list(ids), list(uids)),
    ).fetchall()
    classes: dict[int, dict[str, int]] = {}
    for study, sop_class, count in tx.execute(
        "select se.study_fk, i.sop_class_uid, count(*) from series se join instance i on i.series_fk = se.id "
        "where se.study_fk = any(%s) group by 1, 2",
        ([row[0] for row in rows],),
    ):
        classes.setdefault(study, {})[sop_class] = count
    found: dict[tuple[int, int | str | None], Study] = {}
    for study, tenant, uid, patient_id, issuer in rows:
        found[tenant, study] = found[tenant, uid] = Study(uid, patient_id, issuer, classes.get(study, {}))
    return found
