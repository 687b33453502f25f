"""The log of changes, and the marks that follow from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from heliograph.engine.db import Tx
from heliograph.engine.events import announce
from heliograph.features.access import Actor, note, require, visible
from heliograph.features.reading.marks.measuring import doubt
from heliograph.features.reading.marks.model import Event
from heliograph.kit.errors import Absent, Conflict, Invalid
from heliograph.kit.time import now
from heliograph.standards.dicom.geometry import Attributes

MOST_EVENTS: Final = 500
MOST_MARKS: Final = 5_000
_MOST_VERSION = 1_000_000


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the header of an object lies."""

    blob: str
    header_bytes: int
    size_bytes: int
    digest: str


Look = Callable[[Stored], Attributes]


def append(tx: Tx, actor: Actor, study_id: int, events: Sequence[Event], look: Look) -> int:
    """Takes what is new of `events` into the log of a study; the number of the last one of the study is returned. `look` reads an object's header.

    Raises Absent for a study that the actor may not see, Refused without `study.mark`, Invalid for an image that is not of the study, Conflict
    for a mark that is another study's. Nothing is taken then.
    """
    require(actor, "study.mark")
    _check_study(tx, actor, study_id)
    if len(events) > MOST_EVENTS:
        raise Invalid(f"events: at most {MOST_EVENTS} at once", code="bad_mark")
    tx.execute("select pg_advisory_xact_lock(hashtextextended('marks', %s))", (study_id,))
    told = "select id from mark_event where tenant_id = %s and id = any(%s)"
    known = {row[0] for row in tx.execute(told, (actor.tenant_id, [one.id for one in events]))}
    fresh = list({one.id: one for one in events if one.id not in known}.values())
    if fresh:
        _check_marks(tx, actor, study_id, fresh)
        objects = _objects(tx, actor, study_id, fresh)
        for one in fresh:
            _write(tx, actor, study_id, one, _doubt_of(one, objects, look))
        note(tx, actor, "marks.drawn", {"study": study_id}, detail={"events": len(fresh)})
        announce(tx, actor.tenant_id, "MarksChanged", {"study": study_id})
    row = tx.execute("select coalesce(max(number), 0) from mark_event where study_id = %s", (study_id,)).fetchone()
    return int(row[0]) if row else 0


def marks_of_study(tx: Tx, actor: Actor, study_id: int, *, after: int = 0) -> list[dict[str, Any]]:
    """The marks of a study that have changed since the event `after`, those that were taken away too; from the beginning only those that are there."""
    _check_study(tx, actor, study_id)
    rows = tx.execute(
        "select m.id, m.version, m.event_id, m.body, m.doubt, m.number, m.drawn_by, m.changed_by, m.drawn_at, m.changed_at, "
        "coalesce(nullif(u.display_name, ''), u.name, '') from mark m left join app_user u on u.id = m.drawn_by "
        "where m.tenant_id = %s and m.study_id = %s and m.number > %s and (%s > 0 or m.body is not null) order by m.number",
        (actor.tenant_id, study_id, after, after),
    ).fetchall()
    return [
        {
            "id": str(row[0]), "version": row[1], "event": str(row[2]), "body": row[3], "doubt": row[4], "number": row[5],
            "drawn_by": row[10], "is_own": str(row[6]) == actor.id, "drawn_at": row[8], "changed_at": row[9],
        }
        for row in rows
    ]  # fmt: skip


def _check_study(tx: Tx, actor: Actor, study_id: int) -> None:
    condition, values = visible(actor, "st")
    if tx.execute(f"select 1 from study st where st.id = %s and {condition}", (study_id, *values)).fetchone() is None:
        raise Absent("no such study", code="study_absent")


def _check_marks(tx: Tx, actor: Actor, study_id: int, events: Sequence[Event]) -> None:
    if any(not 1 <= one.version <= _MOST_VERSION for one in events):
        raise Invalid("version: a number from 1", code="bad_mark")
    ids = list({one.mark_id for one in events})
    elsewhere = tx.execute(
        "select 1 from mark where tenant_id = %s and id = any(%s) and study_id <> %s", (actor.tenant_id, ids, study_id)
    ).fetchone()
    if elsewhere is not None:
        raise Conflict("a mark belongs to the study that it was drawn in", code="mark_elsewhere")
    row = tx.execute("select count(*) from mark where study_id = %s and not id = any(%s)", (study_id, ids)).fetchone()
    if (row[0] if row else 0) + len(ids) > MOST_MARKS:
        raise Invalid(f"at most {MOST_MARKS} marks in a study", code="too_many_marks")


def _objects(tx: Tx, actor: Actor, study_id: int, events: Sequence[Event]) -> dict[tuple[str, str], Stored]:
    """The objects that the events speak of, by series and instance."""
    wanted = list({one.body.image.sop_uid for one in events if one.body is not None})
    rows = tx.execute(
        "select se.series_uid, i.sop_uid, i.blob, i.header_bytes, i.size_bytes, i.sha256 from instance i join series se on se.id = i.series_fk "
        "where i.tenant_id = %s and i.sop_uid = any(%s) and se.study_fk = %s",
        (actor.tenant_id, wanted, study_id),
    ).fetchall()
    return {(row[0], row[1]): Stored(row[2], row[3], row[4], bytes(row[5]).hex()) for row in rows}


def _doubt_of(event: Event, objects: dict[tuple[str, str], Stored], look: Look) -> str:
    body = event.body
    if body is None:
        return ""
    stored = objects.get((body.image.series_uid, body.image.sop_uid))
    if stored is None:
        raise Invalid("image: it is not of this study", code="bad_mark")
    if body.image.digest and body.image.digest != stored.digest:
        return "object_replaced"
    return doubt(body, look(stored)) if body.measured else ""


def _write(tx: Tx, actor: Actor, study_id: int, event: Event, doubtful: str) -> None:
    author = UUID(actor.id) if actor.kind == "user" else None
    record = None if event.body is None else Jsonb(event.body.as_record())
    row = tx.execute(
        "insert into mark_event (id, tenant_id, study_id, mark_id, version, body, doubt, author, author_name, at, received_at) "
        "values (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s) returning number",
        (event.id, actor.tenant_id, study_id, event.mark_id, event.version, record, doubtful, author, actor.name, event.at, now()),
    ).fetchone()  # fmt: skip
    assert row is not None
    # The later version holds, of two with one number the one with the higher identifier: whoever hears both, in whatever order, agrees.
    tx.execute(
        "insert into mark (tenant_id, id, study_id, version, event_id, number, body, doubt, drawn_by, changed_by, drawn_at, changed_at) "
        "values (%(tenant)s, %(mark)s, %(study)s, %(version)s, %(event)s, %(number)s, %(body)s, %(doubt)s, %(author)s, %(author)s, %(at)s, %(at)s) "
        "on conflict (tenant_id, id) do update set version = excluded.version, event_id = excluded.event_id, number = excluded.number, "
        "body = excluded.body, doubt = excluded.doubt, changed_by = excluded.changed_by, changed_at = excluded.changed_at "
        "where (mark.version, mark.event_id) < (excluded.version, excluded.event_id)",
        {
            "tenant": actor.tenant_id, "mark": event.mark_id, "study": study_id, "version": event.version, "event": event.id, "number": row[0],
            "body": record, "doubt": doubtful, "author": author, "at": event.at,
        },
    )  # fmt: skip
