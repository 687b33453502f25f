"""Reading the audit log: a search, and who saw a patient. Reading it is an act of its own, and recorded (PS3.15 A.5.3.2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from heliograph.engine.db import Tx
from heliograph.features.access import Actor, note, require
from heliograph.kit.errors import Absent, Invalid
from heliograph.standards.ihe.audit_kinds import kind_of

SEEN = ("study.read", "study.opened", "instances.given", "instances.sent", "study.exported", "send.requested")
_MOST_STUDIES = 5000
_MOST_VIEWERS = 1000


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Every field narrows; `actor` is a name or an id as the log has it, exactly."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    kinds: tuple[str, ...] = ()
    outcome: str = ""
    study_id: int | None = None
    study_uid: str = ""
    patient_id: str = ""
    issuer: str | None = None

    @property
    def keys(self) -> list[str]:
        """The fields that were asked for, for the record of the reading: never their values."""
        return sorted(name for name in self.__slots__ if getattr(self, name) not in (None, "", ()))


def search(tx: Tx, actor: Actor, query: AuditQuery, *, cursor: str | None, limit: int) -> dict[str, Any]:
    """Rows of this organisation, latest first, a page of them; `next` leads on."""
    require(actor, "audit.read")
    where, values = _conditions(tx, actor, query)
    if cursor is not None:
        at, event_id = _place(cursor)
        where.append("(e.at, e.id) < (%s, %s)")
        values += [at, event_id]
    rows = tx.execute(
        "select e.id, s.number, e.at, e.kind, e.outcome, e.actor, e.subject, e.detail from audit_event e "
        f"left join audit_seal s on s.event_id = e.id where {' and '.join(where)} order by e.at desc, e.id desc limit %s",
        (*values, limit + 1),
    ).fetchall()
    items = [_shown(row) for row in rows[:limit]]
    note(tx, actor, "audit.searched", {}, detail={"keys": query.keys, "results": len(items)})
    last = rows[limit - 1] if len(rows) > limit else None
    return {"items": items, "next": f"{last[2].isoformat()}~{last[0]}" if last is not None else None}


def who_saw(
    tx: Tx, actor: Actor, patient_id: str, issuer: str | None, since: datetime | None, until: datetime | None
) -> dict[str, Any]:
    """Who read, was given or took out studies of a patient: one line for each person, program or device, latest first."""
    require(actor, "audit.read")
    ids, uids = _studies_of(tx, actor, patient_id, issuer)
    if not ids:
        raise Absent("no patient has this identifier", code="no_patient")
    rows = tx.execute(
        "select e.actor->>'kind', e.actor->>'id', max(e.actor->>'name'), min(e.at), max(e.at), count(*), "
        "array_agg(distinct e.kind), array_agg(distinct e.actor->>'address'), count(distinct coalesce(e.subject->>'study', e.subject->>'study_uid')) "
        "from audit_event e where e.tenant_id = %s and e.kind = any(%s) and e.outcome = 'success' "
        "and (e.subject->>'study' = any(%s) or e.subject->>'study_uid' = any(%s)) "
        "and e.at >= coalesce(%s, '-infinity'::timestamptz) and e.at < coalesce(%s, 'infinity'::timestamptz) "
        "group by 1, 2 order by 5 desc limit %s",
        (actor.tenant_id, list(SEEN), ids, uids, since, until, _MOST_VIEWERS + 1),
    ).fetchall()
    names = ("kind", "id", "name", "first_at", "last_at", "count", "kinds", "addresses", "studies")
    items = [dict(zip(names, row, strict=True)) for row in rows[:_MOST_VIEWERS]]
    note(tx, actor, "audit.patient", {}, detail={"studies": len(ids), "results": len(items)})
    return {"studies": len(ids), "items": items, "truncated": len(rows) > _MOST_VIEWERS or len(ids) >= _MOST_STUDIES}


def _conditions(tx: Tx, actor: Actor, query: AuditQuery) -> tuple[list[str], list[Any]]:
    where: list[str] = ["e.tenant_id = %s"]
    values: list[Any] = [actor.tenant_id]
    simple: tuple[tuple[str, Any], ...] = (
        ("e.at >= %s", query.since), ("e.at < %s", query.until), ("e.outcome = %s", query.outcome or None),
        ("e.kind = any(%s)", list(query.kinds) or None),
    )  # fmt: skip
    for condition, value in simple:
        if value is not None:
            where.append(condition)
            values.append(value)
    if query.actor:
        where.append("(e.actor->>'name' = %s or e.actor->>'id' = %s)")
        values += [query.actor, query.actor]
    ids = [str(query.study_id)] if query.study_id is not None else []
    uids = [query.study_uid] if query.study_uid else []
    if query.study_id is not None:
        uids += [
            row[0]
            for row in tx.execute(
                "select study_uid from study where tenant_id = %s and id = %s", (actor.tenant_id, query.study_id)
            )
        ]
    elif query.study_uid:
        ids += [
            str(row[0])
            for row in tx.execute(
                "select id from study where tenant_id = %s and study_uid = %s", (actor.tenant_id, query.study_uid)
            )
        ]
    elif query.patient_id:
        ids, uids = _studies_of(tx, actor, query.patient_id, query.issuer)
    if ids or uids or query.patient_id:
        where.append("(e.subject->>'study' = any(%s) or e.subject->>'study_uid' = any(%s))")
        values += [ids, uids]
    return where, values


def _studies_of(tx: Tx, actor: Actor, patient_id: str, issuer: str | None) -> tuple[list[str], list[str]]:
    rows = tx.execute(
        "select s.id::text, s.study_uid from patient p join study s on s.patient_fk = p.id "
        "where p.tenant_id = %s and p.patient_id = %s and (%s::text is null or p.issuer = %s) order by s.id desc limit %s",
        (actor.tenant_id, patient_id.strip(), issuer, issuer, _MOST_STUDIES),
    ).fetchall()
    return [row[0] for row in rows], [row[1] for row in rows]


def _place(cursor: str) -> tuple[datetime, int]:
    at, _, event_id = cursor.partition("~")
    try:
        return datetime.fromisoformat(at), int(event_id)
    except ValueError:
        raise Invalid("this is no cursor of this list", code="bad_cursor") from None


def _shown(row: tuple[Any, ...]) -> dict[str, Any]:
    event_id, number, at, kind, outcome, actor, subject, detail = row
    event = kind_of(kind, str(actor.get("kind", ""))).event
    return {
        "id": str(event_id), "number": number, "at": at, "kind": kind, "event": event.code.value, "outcome": outcome,
        "actor": {name: str(actor.get(name, "")) for name in ("kind", "id", "name", "address")}, "subject": subject, "detail": detail,
    }  # fmt: skip
