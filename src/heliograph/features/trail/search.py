"""Reading the audit log: a search, and who saw a patient. Reading it is an act of its own, and recorded (PS3.15 A.5.3.2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from heliograph.engine.audit.place import place_of
from heliograph.engine.audit.seal import COLUMNS
from heliograph.engine.db import Tx
from heliograph.features.access import Actor, note, require
from heliograph.features.trail import rows as trail_rows
from heliograph.features.trail.rows import study_id_of
from heliograph.kit.errors import Absent, Invalid
from heliograph.standards.ihe import audit_kinds
from heliograph.standards.ihe.audit_event import Row
from heliograph.standards.ihe.audit_kinds import Kinds, kind_of, kinds_of_event, kinds_of_type

SEEN = ("study.read", "study.opened", "instances.given", "instances.sent", "study.exported", "send.requested")
_MOST_STUDIES = 5000
_MOST_VIEWERS = 1000
Entity = Literal["patient", "report", "security", "thing"]
_OF_INSTANCES: Final = (
    audit_kinds.BEGIN_TRANSFERRING, audit_kinds.DATA_EXPORT, audit_kinds.DATA_IMPORT, audit_kinds.INSTANCES_ACCESSED, audit_kinds.INSTANCES_TRANSFERRED,
    audit_kinds.STUDY_DELETED,
)  # fmt: skip
# Which events always speak of such a thing; an alert may speak of a study besides.
_ENTITIES: Final[dict[Entity, tuple[audit_kinds.Event, ...]]] = {
    "patient": _OF_INSTANCES,
    "report": (*_OF_INSTANCES, audit_kinds.QUERY),
    "security": (audit_kinds.AUDIT_LOG_USED, audit_kinds.SECURITY_ALERT),
    "thing": (*_OF_INSTANCES, audit_kinds.QUERY, audit_kinds.AUDIT_LOG_USED, audit_kinds.SECURITY_ALERT),
}


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Every field narrows; `actor` is a name or an id as the log has it, exactly. `events` and `types` are codes of PS3.15; of each of
    `entities` one must be there."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    kinds: tuple[str, ...] = ()
    outcome: str = ""
    study_id: int | None = None
    study_uid: str = ""
    patient_id: str = ""
    issuer: str | None = None
    events: tuple[str, ...] = ()
    address: str = ""
    actor_kind: str = ""
    types: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    address_begins: str = ""
    entities: tuple[tuple[Entity, ...], ...] = ()

    @property
    def keys(self) -> list[str]:
        """The fields that were asked for, for the record of the reading: never their values."""
        return sorted(name for name in self.__slots__ if getattr(self, name) not in (None, "", ()))


def search(tx: Tx, actor: Actor, query: AuditQuery, *, cursor: str | None, limit: int) -> dict[str, Any]:
    """Rows of this organisation, latest first, a page of them; `next` leads on."""
    items, following = page(tx, actor, query, cursor=cursor, limit=limit)
    note(tx, actor, "audit.searched", {}, detail={"keys": query.keys, "results": len(items)})
    return {"items": items, "next": following}


def page(
    tx: Tx, actor: Actor, query: AuditQuery, *, cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """The rows and the cursor behind them; whoever calls it records that the log was read."""
    rows, following = _found(tx, actor, query, cursor, limit)
    shown = [_shown((row[8], row[0], *row[1:7])) for row in rows]
    return _with_studies(tx, actor, shown), following


def records(tx: Tx, actor: Actor, query: AuditQuery, *, cursor: str | None, limit: int) -> tuple[list[Row], str | None]:
    """The same as rows for messages; whoever calls it records that the log was read."""
    rows, following = _found(tx, actor, query, cursor, limit)
    return trail_rows.with_studies(tx, rows), following


def record(tx: Tx, actor: Actor, event_id: int) -> Row:
    """One row for a message, and the record that it was looked at. Raises Absent."""
    require(actor, "audit.read")
    rows = tx.execute(f"{_ROWS} where e.tenant_id = %s and e.id = %s", (actor.tenant_id, event_id)).fetchall()
    if not rows:
        raise Absent("no such row of the audit log", code="no_audit_row")
    note(tx, actor, "audit.looked_at", {"event": event_id})
    return trail_rows.with_studies(tx, rows)[0]


_ROWS: Final = f"select {trail_rows.COLUMNS} from audit_event e left join audit_seal s on s.event_id = e.id"


def _found(
    tx: Tx, actor: Actor, query: AuditQuery, cursor: str | None, limit: int
) -> tuple[list[tuple[Any, ...]], str | None]:
    require(actor, "audit.read")
    where, values = _conditions(tx, actor, query)
    if cursor is not None:
        at, event_id = _place(cursor)
        where.append("(e.at, e.id) < (%s, %s)")
        values += [at, event_id]
    rows = tx.execute(
        f"{_ROWS} where {' and '.join(where)} order by e.at desc, e.id desc limit %s", (*values, limit + 1)
    ).fetchall()
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], f"{last[1].isoformat()}~{last[8]}" if last is not None else None


def event(tx: Tx, actor: Actor, event_id: int) -> dict[str, Any]:
    """One row with its place in the sealed log, proved anew. Raises Absent."""
    require(actor, "audit.read")
    row = tx.execute(
        f"select {COLUMNS} from audit_event where tenant_id = %s and id = %s", (actor.tenant_id, event_id)
    ).fetchone()
    if row is None:
        raise Absent("no such row of the audit log", code="no_audit_row")
    place = place_of(tx, row)
    number = place["number"] if place else None
    (item,) = _with_studies(tx, actor, [_shown((row[0], number, *row[2:]))])
    note(tx, actor, "audit.looked_at", {"event": event_id})
    return item | {"place": place}


def who_saw(
    tx: Tx, actor: Actor, patient_id: str, issuer: str | None, since: datetime | None, until: datetime | None
) -> dict[str, Any]:
    """Who read, was given or took out studies of a patient: one line for each person, program or device, latest first."""
    found = patient_access(tx, actor, patient_id, issuer, since, until)
    note(tx, actor, "audit.patient", {}, detail={"studies": found["studies"], "results": len(found["items"])})
    return found


def patient_access(
    tx: Tx, actor: Actor, patient_id: str, issuer: str | None, since: datetime | None, until: datetime | None
) -> dict[str, Any]:
    """The same; whoever calls it records that the log was read."""
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
    called: dict[str, str] = dict(
        tx.execute(
            "select id::text, display_name from app_user where tenant_id = %s and id::text = any(%s)",
            (actor.tenant_id, [one["id"] for one in items]),
        ).fetchall()
    )
    items = [one | {"display_name": called.get(one["id"], "")} for one in items]
    return {"studies": len(ids), "items": items, "truncated": len(rows) > _MOST_VIEWERS or len(ids) >= _MOST_STUDIES}


def seen_behind(tx: Tx, actor: Actor, glass_id: UUID) -> dict[str, Any]:
    """What somebody looked at while the glass was broken: reads of the patient's studies, from the log. For who reviews it."""
    require(actor, "glass.review")
    row = tx.execute(
        "select user_id::text, patient_fk, granted_at, coalesce(ended_at, expires_at) from break_glass where id = %s and tenant_id = %s",
        (glass_id, actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Absent("no such emergency access", code="no_glass")
    user_id, patient, since, until = row
    studies = tx.execute(
        "select id::text, study_uid, study_date, modalities, description from study where patient_fk = %s order by study_date desc, id desc limit %s",
        (patient, _MOST_STUDIES),
    ).fetchall()
    by_name = {name: one for one in studies for name in one[:2]}
    rows = tx.execute(
        "select coalesce(e.subject->>'study', e.subject->>'study_uid'), min(e.at), max(e.at), count(*), array_agg(distinct e.kind) "
        "from audit_event e where e.tenant_id = %s and e.actor->>'id' = %s and e.at between %s and %s and e.kind = any(%s) and e.outcome = 'success' "
        "and (e.subject->>'study' = any(%s) or e.subject->>'study_uid' = any(%s)) group by 1 order by 2",
        (actor.tenant_id, user_id, since, until, list(SEEN), [one[0] for one in studies], [one[1] for one in studies]),
    ).fetchall()
    seen: dict[str, dict[str, Any]] = {}
    for name, first, last, count, kinds in rows:
        study_id, _, date, modalities, description = by_name[name]
        known = seen.get(study_id)
        if known is None:
            seen[study_id] = {
                "study_id": study_id, "study_date": date, "modalities": modalities, "description": description, "first_at": first,
                "last_at": last, "count": count, "kinds": sorted(kinds),
            }  # fmt: skip
        else:  # by its number in one record, by its UID in another
            known |= {
                "first_at": min(first, known["first_at"]), "last_at": max(last, known["last_at"]), "count": known["count"] + count,
                "kinds": sorted({*kinds, *known["kinds"]}),
            }  # fmt: skip
    note(tx, actor, "audit.searched", {"glass": str(glass_id)}, detail={"keys": ["glass"], "results": len(seen)})
    return {"items": list(seen.values()), "studies": len(studies)}


def _conditions(tx: Tx, actor: Actor, query: AuditQuery) -> tuple[list[str], list[Any]]:
    where: list[str] = ["e.tenant_id = %s"]
    values: list[Any] = [actor.tenant_id]
    simple: tuple[tuple[str, Any], ...] = (
        ("e.at >= %s", query.since), ("e.at < %s", query.until), ("e.outcome = %s", query.outcome or None),
        ("e.kind = any(%s)", list(query.kinds) or None), ("e.actor->>'address' = %s", query.address or None),
        ("e.actor->>'kind' = %s", query.actor_kind or None), ("e.outcome = any(%s)", list(query.outcomes) or None),
        ("starts_with(e.actor->>'address', %s)", query.address_begins or None),
    )  # fmt: skip
    for condition, value in simple:
        if value is not None:
            where.append(condition)
            values.append(value)
    if query.events:
        where.append(f"({' or '.join(_of_event(one, values) for one in query.events)})")
    if query.types:
        where.append(f"({' or '.join(_of_kinds(kinds_of_type(one), values) for one in query.types)})")
    where += [f"({' or '.join(_of_entity(one, values) for one in entities)})" for entities in query.entities]
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


def _of_event(code: str, values: list[Any]) -> str:
    """The condition that a row is this event of PS3.15; objects that a person brings are an import."""
    own = _of_kinds(kinds_of_event(code), values)
    is_brought = "(e.kind = 'instances.received' and e.actor->>'kind' = 'user')"
    if code == audit_kinds.DATA_IMPORT.code.value:
        return f"({own} or {is_brought})"
    return f"({own} and not {is_brought})" if code == audit_kinds.INSTANCES_TRANSFERRED.code.value else own


def _of_kinds(found: Kinds, values: list[Any]) -> str:
    values += [found.named, found.families, found.others]
    return "(e.kind = any(%s) or (split_part(e.kind, '.', 1) = any(%s) and e.kind <> all(%s)))"


def _of_entity(entity: Entity, values: list[Any]) -> str:
    """The condition that the message of a row has such an object."""
    events = [_of_event(event.code.value, values) for event in _ENTITIES[entity]]
    if entity in {"patient", "report"}:
        alert = _of_event(audit_kinds.SECURITY_ALERT.code.value, values)
        events.append(f"({alert} and (e.subject ? 'study' or e.subject ? 'study_uid'))")
    return f"({' or '.join(events)})"


def _with_studies(tx: Tx, actor: Actor, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with the study that it speaks of, as far as it is there: its id and whose it is, by identifier."""
    ids = {number for item in items if (number := study_id_of(item["subject"])) is not None}
    uids = {str(item["subject"]["study_uid"])[:64] for item in items if item["subject"].get("study_uid")}
    rows = tx.execute(
        "select id, study_uid, patient_id, issuer from study where tenant_id = %s and (id = any(%s) or study_uid = any(%s))",
        (actor.tenant_id, list(ids), list(uids)),
    ).fetchall()
    found: dict[Any, dict[str, Any]] = {}
    for number, uid, patient_id, issuer in rows:
        found[number] = found[uid] = {"id": str(number), "patient_id": patient_id, "issuer": issuer}
    return [
        item | {"study": found.get(study_id_of(item["subject"])) or found.get(item["subject"].get("study_uid"))}
        for item in items
    ]


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
