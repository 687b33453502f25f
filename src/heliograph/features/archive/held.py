"""Objects set aside: listed with their reason, released into the archive or discarded by a person. Bytes stay either way.

Locks are taken in the order of the intake: what the object goes into first, the study's row, then the held object, which the intake
takes when it makes a study (`_repo.adopt_held`). Arrivals themselves take instance and study in either order and begin again when
they stand in each other's way; so does a decision: `Database.retried` with `RACES`.
"""

from typing import Any
from uuid import UUID

from psycopg.errors import ForeignKeyViolation, UniqueViolation

from heliograph.engine.blobs import Written
from heliograph.engine.db import Tx
from heliograph.engine.events import announce
from heliograph.features.access import Actor, note, require, sees_held
from heliograph.features.archive import _repo
from heliograph.features.archive.intake import Intake
from heliograph.features.archive.model import REASONS, Incoming, LostRace, Outcome
from heliograph.kit.errors import Absent, Conflict, Invalid
from heliograph.kit.time import now
from heliograph.standards.dicom.header import Unparseable

RELEASABLE = frozenset(REASONS) - {
    "unparseable",
    "missing_identifier",
    "bad_identifier",
    "same_uid_other_study",
    "series_in_other_study",
}
RACES = (LostRace, UniqueViolation, ForeignKeyViolation)
"""What a decision meets when objects arrive at the same moment: a new try sees their rows."""

_COLUMNS = (
    "id", "received_at", "door", "source", "reason_code", "reason", "sop_class_uid", "study_uid", "series_uid", "sop_uid", "study_fk",
    "size_bytes", "difference", "state", "decided_by", "decided_at", "decided_reason",
)  # fmt: skip


def held_objects(
    tx: Tx,
    actor: Actor,
    *,
    state: str = "held",
    study_id: int | None = None,
    limit: int = 200,
    before: UUID | None = None,
) -> list[dict[str, Any]]:
    """Held objects, latest first; `before` is the last id of the page that came earlier."""
    require(actor, "quarantine.read")
    seen, values = sees_held(actor, "held")
    rows = tx.execute(
        f"select {', '.join(_COLUMNS)} from held where tenant_id = %s and state = %s "
        f"and (%s::bigint is null or study_fk = %s) and (%s::uuid is null or id < %s) and {seen} order by id desc limit %s",
        (actor.tenant_id, state, study_id, study_id, before, before, *values, limit),
    )
    found = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    for item in found:
        item["can_release"] = item["state"] == "held" and item["reason_code"] in RELEASABLE
    return found


def held_of_study(tx: Tx, actor: Actor, study_id: int) -> list[dict[str, Any]]:
    """What a reader of the study must know (safety guard 2); needs only the right to read the study."""
    require(actor, "study.read")
    rows = tx.execute(
        "select id, received_at, reason_code, reason, source, difference from held "
        "where tenant_id = %s and study_fk = %s and state = 'held' order by id limit 200",
        (actor.tenant_id, study_id),
    )
    keys = ("id", "received_at", "reason_code", "reason", "source", "difference")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def held_blob(tx: Tx, actor: Actor, held_id: UUID) -> tuple[str, int]:
    """Where the object lies as it was received, and its size. Who gives the bytes out records it (`Services.note_read`)."""
    require(actor, "quarantine.read")
    _check_seen(tx, actor, held_id)
    row = tx.execute("select blob, size_bytes from held where id = %s", (held_id,)).fetchone()
    assert row is not None, "held objects are never deleted"
    return row[0], row[1]


def release(tx: Tx, actor: Actor, intake: Intake, held_id: UUID, reason: str) -> Outcome:
    """Takes the object into the archive although it was doubted; the person's reason stays with it.

    Raises Conflict when it cannot be released (its identifiers are missing or lead elsewhere) or was decided already.
    """
    require(actor, "quarantine.manage")
    _check_reason(reason)
    _check_seen(tx, actor, held_id)
    row = tx.execute(
        "select arrival_id, reason_code, blob, size_bytes, prefix_bytes, sha256, state from held where id = %s and tenant_id = %s",
        (held_id, actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Absent("no such held object", code="no_held")
    if row[6] != "held":
        raise Conflict("somebody has decided already", code="held_decided")
    if row[1] not in RELEASABLE:
        raise Conflict("it cannot be released: " + REASONS[row[1]], code="not_releasable")
    arrival = _repo.arrival_row(tx, row[0])
    assert arrival is not None, "arrivals are never deleted"
    written = Written(row[2], row[5], row[3], row[4])
    try:
        header = intake.read_header(written, intake.blobs.read(written.ref, 0, 256 << 10), None)
    except Unparseable as error:
        raise Conflict(error.message, code="not_releasable") from error
    outcome = intake.accept(tx, actor, Incoming(written, header, arrival, now()))
    if outcome.kind == "held":
        raise Conflict("it cannot be released: " + REASONS[outcome.reason], code="not_releasable")
    _decide(tx, actor, held_id, "released", reason)
    return outcome


def discard(tx: Tx, actor: Actor, held_id: UUID, reason: str) -> None:
    """Takes the object off the list; its bytes are kept for the grace period."""
    require(actor, "quarantine.manage")
    _check_reason(reason)
    _check_seen(tx, actor, held_id)
    _decide(tx, actor, held_id, "discarded", reason)


def _check_seen(tx: Tx, actor: Actor, held_id: UUID) -> None:
    seen, values = sees_held(actor, "held")
    row = tx.execute(
        f"select 1 from held where id = %s and tenant_id = %s and {seen}", (held_id, actor.tenant_id, *values)
    )
    if row.fetchone() is None:
        raise Absent("no such held object", code="no_held")


def _check_reason(reason: str) -> None:
    if len(reason.strip()) < 3:
        raise Invalid("reason must say why, in three letters or more", code="reason_missing")


def _decide(tx: Tx, actor: Actor, held_id: UUID, state: str, reason: str) -> None:
    """The study's row first, then the object's; LostRace when the object was given to its study in between."""
    where = (held_id, actor.tenant_id)
    seen = tx.execute("select study_fk from held where id = %s and tenant_id = %s", where).fetchone()
    if seen is None:
        raise Absent("no such held object", code="no_held")
    study_id = seen[0]
    if study_id is not None:
        tx.execute("select 1 from study where id = %s for update", (study_id,))
    row = tx.execute("select study_fk, state from held where id = %s and tenant_id = %s for update", where).fetchone()
    if row is None or row[1] != "held":
        raise Conflict("somebody has decided already", code="held_decided")
    if row[0] != study_id:
        raise LostRace("its study is just arriving; try again")
    tx.execute(
        "update held set state = %s, decided_by = %s, decided_at = %s, decided_reason = %s where id = %s",
        (state, actor.label, now(), reason.strip()[:500], held_id),
    )
    if study_id is not None:
        tx.execute("update study set held_count = held_count - 1, revision = revision + 1 where id = %s", (study_id,))
    note(tx, actor, f"held.{state}", {"held": str(held_id), "study": study_id}, detail={"reason": reason.strip()[:500]})
    announce(tx, actor.tenant_id, "HeldDecided", {"held": str(held_id), "state": state, "study": study_id})
