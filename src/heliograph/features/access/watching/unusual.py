"""Access that somebody should look at, computed from the audit log: rules that a hospital's security officer would name, with plain arithmetic.

A finding is a reason to ask, never a verdict. What is usual is learnt from the four weeks before the days that are looked at.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from statistics import quantiles
from typing import Any, Final, Literal, get_args

from heliograph.engine.db import Tx
from heliograph.features.access.model import Actor
from heliograph.features.access.policy import require
from heliograph.kit.time import now

Rule = Literal[
    "many_patients", "unusual_hours", "mass_retrieve", "mass_export", "own_record", "same_family_name", "restricted_patient", "glass", "many_refused",
]  # fmt: skip
RULES: Final[tuple[Rule, ...]] = get_args(Rule)
LOOKED: Final = ("study.read", "study.opened")
TAKEN: Final = ("instances.given", "study.exported", "send.requested")

USUAL_DAYS = 28
LEAST_PATIENTS = 20
LEAST_STUDIES = 50
LEAST_REFUSED = 20
FACTOR = 3.0
_OWN_DAYS = 5
_PEER_DAYS = 10
_MOST_FINDINGS = 300
_MOST_DAYS = 200_000


@dataclass(frozen=True, slots=True)
class Day:
    """What one person, program or device did on one day of the site's calendar. `hours` are those in which it looked at something."""

    kind: str
    id: str
    name: str
    roles: frozenset[str]
    on: date
    patients: int
    studies_taken: int
    hours: frozenset[int]
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """`count` against `usual` (its own) and `peers` (those of the same role); patients by their identifier, never by name."""

    rule: Rule
    severity: Literal["warning", "look"]
    actor_kind: str
    actor_id: str
    actor_name: str
    first_at: datetime
    last_at: datetime
    count: int
    usual: float | None = None
    peers: float | None = None
    hours: tuple[int, ...] = ()
    patient_id: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def unusual_access(tx: Tx, actor: Actor, timezone: str, *, days: int) -> dict[str, Any]:
    """Findings of the last days, gravest and latest first. A capped list says so."""
    require(actor, "security.read")
    at = now()
    since = at - timedelta(days=days)
    values = {
        "tenant": actor.tenant_id, "zone": timezone or "UTC", "since": since, "usual": since - timedelta(days=USUAL_DAYS), "looked": list(LOOKED),
        "taken": list(TAKEN), "both": [*LOOKED, *TAKEN], "most": _MOST_FINDINGS, "most_days": _MOST_DAYS,
    }  # fmt: skip
    seen = list(_days(tx, values))
    first = since.astimezone(_zone(timezone)).date()
    found = [*by_days(seen, first), *_of_patients(tx, values), *_of_glass(tx, values), *_of_refusals(tx, values)]
    found.sort(key=lambda one: (one.severity != "warning", -one.last_at.timestamp(), one.rule, one.actor_name))
    return {
        "at": at, "days": days, "usual_days": USUAL_DAYS, "items": [asdict(one) for one in found[:_MOST_FINDINGS]],
        "truncated": len(found) > _MOST_FINDINGS or len(seen) >= _MOST_DAYS,
    }  # fmt: skip


def by_days(days: Iterable[Day], first: date) -> Iterator[Finding]:
    """The rules that compare: days from `first` on, with the actor's own days before it and with those of its peers."""
    own: dict[tuple[str, str], list[Day]] = defaultdict(list)
    for day in days:
        own[day.kind, day.id].append(day)
    peers = _Peers(day for one in own.values() for day in one if day.on < first)
    for mine in own.values():
        before = [day for day in mine if day.on < first]
        for day in (day for day in mine if day.on >= first):
            yield from _too_many(day, before, peers)
            yield from _odd_hours(day, before)


class _Peers:
    """What is usual for people of a role, and for devices."""

    def __init__(self, days: Iterable[Day]) -> None:
        self._patients: dict[str, list[int]] = defaultdict(list)
        for day in days:
            for role in day.roles or {day.kind}:
                self._patients[role].append(day.patients)

    def patients(self, day: Day) -> float | None:
        """The highest of the usual of its roles; None when nobody tells."""
        known = [high(self._patients[role], _PEER_DAYS) for role in day.roles or {day.kind}]
        return max((one for one in known if one is not None), default=None)


def high(counts: list[int], least: int) -> float | None:
    """The ninth decile: what is busy and still usual; None for too few days."""
    return quantiles(counts, n=10, method="inclusive")[-1] if len(counts) >= max(least, 2) else None


def _too_many(day: Day, before: list[Day], peers: _Peers) -> Iterator[Finding]:
    usual = high([one.patients for one in before], _OWN_DAYS)
    others = peers.patients(day)
    bar = FACTOR * usual if usual is not None else FACTOR * others if others is not None else None
    if day.kind == "user" and bar is not None and day.patients >= LEAST_PATIENTS and day.patients > bar:
        yield _finding("many_patients", "warning", day, day.patients, usual, others)
    taken = high([one.studies_taken for one in before], _OWN_DAYS)
    if day.studies_taken >= LEAST_STUDIES and day.studies_taken > FACTOR * (taken or 0.0):
        rule: Rule = "mass_export" if day.kind == "user" else "mass_retrieve"
        yield _finding(rule, "warning", day, day.studies_taken, taken, None)


def _odd_hours(day: Day, before: list[Day]) -> Iterator[Finding]:
    """Hours that are more than one away from any hour of the own days before."""
    if day.kind != "user" or len(before) < _OWN_DAYS:
        return
    known = {(hour + step) % 24 for one in before for hour in one.hours for step in (-1, 0, 1)}
    odd = tuple(sorted(day.hours - known))
    if odd:
        yield Finding(
            "unusual_hours", "look", day.kind, day.id, day.name, day.first_at, day.last_at, day.patients, hours=odd,
        )  # fmt: skip


def _finding(
    rule: Rule, severity: Literal["warning", "look"], day: Day, count: int, usual: float | None, peers: float | None
) -> Finding:
    return Finding(rule, severity, day.kind, day.id, day.name, day.first_at, day.last_at, count, usual, peers)


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo(name or "UTC")


_STUDY = "(case when e.subject->>'study' ~ '^[0-9]{1,18}$' then (e.subject->>'study')::bigint end)"


def _days(tx: Tx, values: dict[str, Any]) -> Iterator[Day]:
    rows = tx.execute(
        "select e.actor->>'kind', e.actor->>'id', max(e.actor->>'name'), (e.at at time zone %(zone)s)::date as on_day, "
        "count(distinct st.patient_fk) filter (where e.kind = any(%(looked)s)), "
        f"count(distinct {_STUDY}) filter (where e.kind = any(%(taken)s)), "
        "array_agg(distinct extract(hour from e.at at time zone %(zone)s)::int) filter (where e.kind = any(%(looked)s)), min(e.at), max(e.at) "
        f"from audit_event e left join study st on st.id = {_STUDY} and st.tenant_id = e.tenant_id "
        "where e.tenant_id = %(tenant)s and e.at >= %(usual)s and e.kind = any(%(both)s) and e.outcome = 'success' "
        "and e.actor->>'kind' = any('{user,token,device}') group by 1, 2, 4 order by 4 desc limit %(most_days)s",
        values,
    ).fetchall()
    roles = {
        row[0]: frozenset(row[1])
        for row in tx.execute("select id::text, roles from app_user where tenant_id = %(tenant)s", values)
    }
    for kind, actor_id, name, on, patients, taken, hours, first_at, last_at in rows:
        yield Day(
            kind, actor_id, name, roles.get(actor_id, frozenset()), on, patients, taken, frozenset(hours or ()), first_at, last_at,
        )  # fmt: skip


def _of_patients(tx: Tx, values: dict[str, Any]) -> Iterator[Finding]:
    """Whom somebody looked at: a person's own images, a patient of the own family name, a restricted patient."""
    rows = tx.execute(
        "with looked as (select e.actor->>'id' as who, st.patient_fk as patient, max(e.actor->>'name') as name, min(e.at) as first_at, "
        f"max(e.at) as last_at, count(*) as count from audit_event e join study st on st.id = {_STUDY} and st.tenant_id = e.tenant_id "
        "where e.tenant_id = %(tenant)s and e.at >= %(since)s and e.kind = any(%(both)s) and e.outcome = 'success' and e.actor->>'kind' = 'user' "
        "group by 1, 2), judged as (select l.*, p.patient_id, p.restriction, "
        "exists (select 1 from user_patient o where o.user_id = u.id and o.patient_fk = p.id) as own, "
        "length(split_part(split_part(p.name, '=', 1), '^', 1)) >= 3 and lower(split_part(split_part(p.name, '=', 1), '^', 1)) = "
        "any(regexp_split_to_array(lower(u.display_name), '[^[:alpha:]''-]+')) as family "
        "from looked l join app_user u on u.id::text = l.who and u.tenant_id = %(tenant)s join patient p on p.id = l.patient "
        "where 'patient' <> all(u.roles)) "
        "select * from judged where own or family or restriction <> '' order by last_at desc limit %(most)s",
        values,
    )
    for who, _, name, first_at, last_at, count, patient_id, restriction, own, family in rows:
        rule: Rule = "own_record" if own else "same_family_name" if family else "restricted_patient"
        yield Finding(
            rule, "warning" if own else "look", "user", who, name, first_at, last_at, count, patient_id=patient_id,
            detail={"restriction": restriction} if restriction else {},
        )  # fmt: skip


def _of_glass(tx: Tx, values: dict[str, Any]) -> Iterator[Finding]:
    """Every emergency access; a warning when it was found unjustified, or nobody looked in time."""
    rows = tx.execute(
        "select g.user_id::text, u.name, p.patient_id, g.granted_at, coalesce(g.ended_at, g.expires_at), g.reason_code, g.finding, "
        "g.reviewed_at is null and g.review_due_at < now() from break_glass g join app_user u on u.id = g.user_id join patient p on p.id = g.patient_fk "
        "where g.tenant_id = %(tenant)s and (g.granted_at >= %(since)s or g.reviewed_at is null) order by g.granted_at desc limit %(most)s",
        values,
    )
    for who, name, patient_id, at, until, reason, finding, overdue in rows:
        grave = overdue or finding == "unjustified"
        yield Finding(
            "glass", "warning" if grave else "look", "user", who, name, at, min(until, now()), 1, patient_id=patient_id,
            detail={"reason": reason, "finding": finding or ("overdue" if overdue else "open")},
        )  # fmt: skip


def _of_refusals(tx: Tx, values: dict[str, Any]) -> Iterator[Finding]:
    """Who tries many doors that are closed to it."""
    rows = tx.execute(
        "select e.actor->>'kind', e.actor->>'id', max(e.actor->>'name'), min(e.at), max(e.at), count(*) from audit_event e "
        "where e.tenant_id = %(tenant)s and e.at >= %(since)s and e.kind = any('{act.refused,retrieve.refused}') "
        "and e.actor->>'kind' = any('{user,token,device}') group by 1, 2, (e.at at time zone %(zone)s)::date having count(*) >= %(least)s "
        "order by 5 desc limit %(most)s",
        values | {"least": LEAST_REFUSED},
    )
    for kind, who, name, first_at, last_at, count in rows:
        yield Finding("many_refused", "warning", kind, who, name, first_at, last_at, count)
