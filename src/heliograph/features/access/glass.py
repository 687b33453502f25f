"""Breaking the glass: a reader opens a withheld patient in an emergency, says why, and somebody looks at it afterwards.

Kept per person and patient; ends by itself. Nobody reviews what they broke themselves.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.engine.events import announce
from heliograph.features.access.model import Actor
from heliograph.features.access.policy import note, require, withheld
from heliograph.kit.errors import Absent, Conflict, Invalid, Refused
from heliograph.kit.ids import new_id
from heliograph.kit.time import now

ReasonCode = Literal["emergency", "direct_care", "consultation", "quality", "other"]
Finding = Literal["justified", "unjustified", "unclear"]
REASON_CODES: Final[tuple[ReasonCode, ...]] = get_args(ReasonCode)
FINDINGS: Final[tuple[Finding, ...]] = get_args(Finding)
_REASON_LENGTH = range(5, 501)
_REVIEW_WITHIN = timedelta(days=3)
_ROWS: Final = (
    "select g.id, g.user_id, u.name as user_name, u.display_name, p.id::text, p.patient_id, p.issuer, p.restriction, g.reason_code, g.reason, g.granted_at, g.expires_at, g.ended_at, "
    "g.review_due_at, g.reviewed_by, g.reviewed_at, g.finding, g.comment "
    "from break_glass g join app_user u on u.id = g.user_id join patient p on p.id = g.patient_fk where g.tenant_id = %s"
)


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """One emergency access. `finding` is None until it is reviewed."""

    id: UUID
    user_id: UUID
    user_name: str
    display_name: str
    patient: str
    patient_id: str
    issuer: str
    restriction: str
    reason_code: ReasonCode
    reason: str
    granted_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    review_due_at: datetime
    reviewed_by: str | None
    reviewed_at: datetime | None
    finding: Finding | None
    comment: str


def break_glass(tx: Tx, actor: Actor, patient: int, reason_code: str, reason: str, *, hours: float) -> BreakGlass:
    """Opens the withheld studies of a patient (its row) to the person for some hours. Raises Refused for who is no person or may not,
    Absent for a patient of whom nothing is withheld from it."""
    require(actor, "glass.break")
    if actor.kind != "user":
        raise Refused("only a person can break the glass", code="glass_needs_a_person")
    if reason_code not in REASON_CODES:
        raise Invalid(f"reason_code must be of: {', '.join(REASON_CODES)}", code="bad_reason")
    reason = reason.strip()
    if len(reason) not in _REASON_LENGTH:
        raise Invalid("reason must have 5 to 500 characters", code="bad_reason")
    if patient in actor.scope.emergencies:
        raise Conflict("the glass is already broken for this patient", code="glass_is_broken")
    if withheld_count(tx, actor, patient) == 0:
        raise Absent("nothing of this patient is withheld from you", code="nothing_withheld")
    at, glass_id = now(), new_id()
    tx.execute(
        "insert into break_glass (id, tenant_id, user_id, patient_fk, reason_code, reason, granted_at, expires_at, review_due_at) "
        "values (%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        (
            glass_id,
            actor.tenant_id,
            actor.id,
            patient,
            reason_code,
            reason,
            at,
            at + timedelta(hours=hours),
            at + _REVIEW_WITHIN,
        ),
    )
    note(
        tx,
        actor,
        "glass.broken",
        {"glass": str(glass_id), "patient": patient},
        detail={"reason": reason_code, "hours": hours},
    )
    announce(tx, actor.tenant_id, "GlassBroken", {"glass": str(glass_id)})
    return _one(tx, actor.tenant_id, glass_id)


def withheld_count(tx: Tx, actor: Actor, patient: int) -> int:
    """How many studies of a patient (its row) are there for the actor only behind the glass (safety guard 10)."""
    condition, parameters = withheld(actor, "st")
    row = tx.execute(
        f"select count(*) from study st where st.patient_fk = %s and {condition}", (patient, *parameters)
    ).fetchone()
    return int(row[0]) if row else 0


def withheld_patients(tx: Tx, actor: Actor, patient_id: str) -> list[tuple[int, str, int]]:
    """(row, issuer, count) of patients of exactly this ID with studies behind the glass: what a search for the ID answers besides."""
    condition, parameters = withheld(actor, "st")
    rows = tx.execute(
        "select st.patient_fk, st.issuer, count(*) from study st where st.tenant_id = %s and st.patient_id = %s "
        f"and {condition} group by st.patient_fk, st.issuer order by st.patient_fk limit 20",
        (actor.tenant_id, patient_id.strip(), *parameters),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def end_glass(tx: Tx, actor: Actor, glass_id: UUID) -> None:
    """The person needs it no longer, or a reviewer takes it back."""
    own = "user_id::text = %(actor)s or %(reviewer)s"
    row = tx.execute(
        f"update break_glass set ended_at = %(at)s where id = %(id)s and tenant_id = %(tenant)s and ended_at is null and ({own}) returning 1",
        {
            "at": now(),
            "id": glass_id,
            "tenant": actor.tenant_id,
            "actor": actor.id,
            "reviewer": "glass.review" in actor.permissions,
        },
    ).fetchone()
    if row is None:
        raise Absent("no such emergency access", code="no_glass")
    note(tx, actor, "glass.ended", {"glass": str(glass_id)})
    announce(tx, actor.tenant_id, "GlassEnded", {"glass": str(glass_id)})


def review_glass(tx: Tx, actor: Actor, glass_id: UUID, finding: str, comment: str) -> BreakGlass:
    """What somebody else found it to be."""
    require(actor, "glass.review")
    if finding not in FINDINGS:
        raise Invalid(f"finding must be of: {', '.join(FINDINGS)}", code="bad_finding")
    if finding != "justified" and not comment.strip():
        raise Invalid("comment must say why", code="bad_finding")
    one = _one(tx, actor.tenant_id, glass_id)
    if str(one.user_id) == actor.id:
        raise Refused("nobody reviews an emergency access of their own", code="own_glass")
    row = tx.execute(
        "update break_glass set reviewed_by = %s, reviewed_at = %s, finding = %s, comment = %s where id = %s and reviewed_at is null returning 1",
        (actor.label, now(), finding, comment.strip()[:1000], glass_id),
    ).fetchone()
    if row is None:
        raise Conflict("somebody else has reviewed it meanwhile", code="glass_reviewed")
    note(tx, actor, "glass.reviewed", {"glass": str(glass_id)}, detail={"finding": finding})
    announce(tx, actor.tenant_id, "GlassReviewed", {"glass": str(glass_id)})
    return _one(tx, actor.tenant_id, glass_id)


def glasses(
    tx: Tx, actor: Actor, *, unreviewed: bool = False, reviewed: bool = False, text: str = "", after: UUID | None = None, limit: int = 200
) -> list[BreakGlass]:  # fmt: skip
    """Latest first, older than `after`: all for a reviewer, one's own for everybody else. `text`: a person's name or a patient's
    identifier, exactly."""
    condition: str = _ROWS
    values: list[Any] = [actor.tenant_id]
    if "glass.review" not in actor.permissions:
        condition, values = condition + " and g.user_id::text = %s", [*values, actor.id]
    if unreviewed:
        condition += " and g.reviewed_at is null"
    if reviewed:
        condition += " and g.reviewed_at is not null"
    if text.strip():
        condition += " and (lower(u.name) = lower(%s) or lower(u.display_name) = lower(%s) or p.patient_id = %s)"
        values += [text.strip()] * 3
    if after is not None:
        condition += " and (g.granted_at, g.id) < (select granted_at, id from break_glass where id = %s)"
        values.append(after)
    rows = tx.execute(f"{condition} order by g.granted_at desc, g.id desc limit %s", (*values, limit))
    return [BreakGlass(*row) for row in rows]


def unreviewed_count(tx: Tx, actor: Actor) -> tuple[int, int]:
    """How many emergency accesses wait for a review that this person may give, and how many of them are overdue."""
    require(actor, "glass.review")
    row = tx.execute(
        "select count(*), count(*) filter (where review_due_at < %s) from break_glass where tenant_id = %s and reviewed_at is null and user_id::text <> %s",
        (now(), actor.tenant_id, actor.id),
    ).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def glass(tx: Tx, actor: Actor, glass_id: UUID) -> BreakGlass:
    """One of them; of others' for a reviewer only."""
    one = _one(tx, actor.tenant_id, glass_id)
    if "glass.review" not in actor.permissions and str(one.user_id) != actor.id:
        raise Absent("no such emergency access", code="no_glass")
    return one


def open_glass(tx: Tx, actor: Actor, patient: int) -> dict[str, Any] | None:
    """By which emergency access of its own somebody sees a patient (its row), and until when; None for who needs none."""
    if patient not in actor.scope.emergencies:
        return None
    row = tx.execute(
        "select id::text, expires_at from break_glass where tenant_id = %s and user_id::text = %s and patient_fk = %s and ended_at is null "
        "and expires_at > %s order by expires_at desc limit 1",
        (actor.tenant_id, actor.id, patient, now()),
    ).fetchone()
    return None if row is None else {"id": row[0], "expires_at": row[1]}


def _one(tx: Tx, tenant_id: int, glass_id: UUID) -> BreakGlass:
    row = tx.execute(f"{_ROWS} and g.id = %s", (tenant_id, glass_id)).fetchone()
    if row is None:
        raise Absent("no such emergency access", code="no_glass")
    return BreakGlass(*row)


def as_record(one: BreakGlass) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}
