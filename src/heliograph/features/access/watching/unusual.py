"""Access that somebody should look at, computed from the audit log: rules that a hospital's security officer would name, with plain arithmetic.

A finding is a reason to ask, never a verdict. What is usual is learnt from the four weeks before the days that are looked at. Days are whole ones
of the site's calendar; what everybody did on each is folded ahead (`folding`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from statistics import quantiles
from typing import Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

from heliograph.engine.db import Tx
from heliograph.features.access.model import Actor
from heliograph.features.access.policy import require
from heliograph.features.access.watching.days import LOOKS, REFUSALS, Day, Look, days_of, look_at
from heliograph.kit.time import now

Rule = Literal[
    "many_patients", "unusual_hours", "mass_retrieve", "mass_export", "own_record", "same_family_name", "restricted_patient", "glass", "many_refused",
]  # fmt: skip
RULES: Final[tuple[Rule, ...]] = get_args(Rule)

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
    at, zone = now(), timezone or "UTC"
    first = (at - timedelta(days=days)).astimezone(ZoneInfo(zone)).date()
    look = look_at(tx, actor.tenant_id, zone, first, USUAL_DAYS, _MOST_FINDINGS)
    seen = list(days_of(tx, look, _MOST_DAYS))
    found = [*by_days(seen, first), *_of_patients(tx, look), *_of_glass(tx, look), *_of_refusals(tx, look)]
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
        usual = _Usual([day for day in mine if day.on < first])
        for day in (day for day in mine if day.on >= first):
            yield from _too_many(day, usual, peers)
            yield from _odd_hours(day, usual)


class _Usual:
    """What is usual for one actor, from its own days."""

    def __init__(self, before: list[Day]) -> None:
        self.days = len(before)
        self.patients = high([one.patients for one in before], _OWN_DAYS)
        self.taken = high([one.studies_taken for one in before], _OWN_DAYS)
        self.hours = {(hour + step) % 24 for one in before for hour in one.hours for step in (-1, 0, 1)}


class _Peers:
    """What is usual for people of a role, and for devices."""

    def __init__(self, days: Iterable[Day]) -> None:
        counts: dict[str, list[int]] = defaultdict(list)
        for day in days:
            for role in day.roles or {day.kind}:
                counts[role].append(day.patients)
        self._usual = {role: high(some, _PEER_DAYS) for role, some in counts.items()}

    def patients(self, day: Day) -> float | None:
        """The highest of the usual of its roles; None when nobody tells."""
        known = [self._usual.get(role) for role in day.roles or {day.kind}]
        return max((one for one in known if one is not None), default=None)


def high(counts: list[int], least: int) -> float | None:
    """The ninth decile: what is busy and still usual; None for too few days."""
    return quantiles(counts, n=10, method="inclusive")[-1] if len(counts) >= max(least, 2) else None


def _too_many(day: Day, own: _Usual, peers: _Peers) -> Iterator[Finding]:
    others = peers.patients(day)
    bar = FACTOR * own.patients if own.patients is not None else FACTOR * others if others is not None else None
    if day.kind == "user" and bar is not None and day.patients >= LEAST_PATIENTS and day.patients > bar:
        yield _finding("many_patients", "warning", day, day.patients, own.patients, others)
    if day.studies_taken >= LEAST_STUDIES and day.studies_taken > FACTOR * (own.taken or 0.0):
        rule: Rule = "mass_export" if day.kind == "user" else "mass_retrieve"
        yield _finding(rule, "warning", day, day.studies_taken, own.taken, None)


def _odd_hours(day: Day, own: _Usual) -> Iterator[Finding]:
    """Hours that are more than one away from any hour of the own days before."""
    if day.kind != "user" or own.days < _OWN_DAYS:
        return
    odd = tuple(sorted(day.hours - own.hours))
    if odd:
        yield Finding(
            "unusual_hours", "look", day.kind, day.id, day.name, day.first_at, day.last_at, day.patients, hours=odd,
        )  # fmt: skip


def _finding(
    rule: Rule, severity: Literal["warning", "look"], day: Day, count: int, usual: float | None, peers: float | None
) -> Finding:
    return Finding(rule, severity, day.kind, day.id, day.name, day.first_at, day.last_at, count, usual, peers)


def _of_patients(tx: Tx, look: Look) -> Iterator[Finding]:
    """Whom somebody looked at: a person's own images, a patient of the own family name, a restricted patient."""
    family = "lower(split_part(split_part(p.name, '=', 1), '^', 1))"
    rows = tx.execute(
        "with person as materialized (select id, id::text as who, regexp_split_to_array(lower(display_name), '[^[:alpha:]''-]+') as words "
        "from app_user where tenant_id = %(tenant)s and 'patient' <> all(roles)), judged as (select l.*, p.patient_id, p.restriction, "
        f"o.user_id is not null as own, length({family}) >= 3 and {family} = any(u.words) as family from ({LOOKS}) l "
        "join person u on u.who = l.id join patient p on p.id = l.patient left join user_patient o on o.user_id = u.id and o.patient_fk = l.patient) "
        "select id, max(name), min(first_at), max(last_at), sum(count)::bigint, max(patient_id), max(restriction), bool_or(own), bool_or(family) "
        "from judged where own or family or restriction <> '' group by id, patient order by 4 desc limit %(most)s",
        look.values,
    )
    for who, name, first_at, last_at, count, patient_id, restriction, own, is_family in rows:
        rule: Rule = "own_record" if own else "same_family_name" if is_family else "restricted_patient"
        yield Finding(
            rule, "warning" if own else "look", "user", who, name, first_at, last_at, count, patient_id=patient_id,
            detail={"restriction": restriction} if restriction else {},
        )  # fmt: skip


def _of_glass(tx: Tx, look: Look) -> Iterator[Finding]:
    """Every emergency access; a warning when it was found unjustified, or nobody looked in time."""
    rows = tx.execute(
        "select g.user_id::text, u.name, p.patient_id, g.granted_at, coalesce(g.ended_at, g.expires_at), g.reason_code, g.finding, "
        "g.reviewed_at is null and g.review_due_at < now() from break_glass g join app_user u on u.id = g.user_id join patient p on p.id = g.patient_fk "
        "where g.tenant_id = %(tenant)s and (g.granted_at >= %(since)s or g.reviewed_at is null) order by g.granted_at desc limit %(most)s",
        look.values,
    )
    for who, name, patient_id, at, until, reason, finding, overdue in rows:
        grave = overdue or finding == "unjustified"
        yield Finding(
            "glass", "warning" if grave else "look", "user", who, name, at, min(until, now()), 1, patient_id=patient_id,
            detail={"reason": reason, "finding": finding or ("overdue" if overdue else "open")},
        )  # fmt: skip


def _of_refusals(tx: Tx, look: Look) -> Iterator[Finding]:
    """Who tries many doors that are closed to it."""
    rows = tx.execute(
        f"select * from ({REFUSALS}) r where count >= %(least)s order by last_at desc limit %(most)s",
        look.values | {"least": LEAST_REFUSED},
    )
    for kind, who, name, first_at, last_at, count in rows:
        yield Finding("many_refused", "warning", kind, who, name, first_at, last_at, count)
