"""What everybody did day by day: as it is folded, and of what is not folded yet, the last minute as a rule, from the audit log itself."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from heliograph.engine.db import Tx
from heliograph.features.access.watching.folding import COUNTED, FOLDING_LOCK, KINDS, NUMBERS, RECORD

_HOURS: Final = 24


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
class Look:
    """The organisation, the days of the calendar that are looked at, from `first`, and up to where the log is folded."""

    first: date
    values: dict[str, Any]


def look_at(tx: Tx, tenant_id: int, zone: str, first: date, usual_days: int, most: int) -> Look:
    """Holds the fold where it is for the rest of the transaction, so that no record is seen twice or not at all."""
    tx.execute("select pg_advisory_xact_lock_shared(%s)", (FOLDING_LOCK,))
    row = tx.execute(
        "select case when f.zone = %(zone)s then f.number else 0 end, coalesce((select c.settled from audit_checkpoint c "
        "where f.zone = %(zone)s and c.size <= f.number order by c.number desc limit 1), 0) from watch_fold f",
        {"zone": zone},
    ).fetchone()
    assert row is not None
    before = first - timedelta(days=usual_days)
    return Look(first, {
        "tenant": tenant_id, "zone": zone, "first": first, "before": before, "most": most, "number": row[0], "settled": row[1],
        "since": midnight(first, zone), "since_before": midnight(before, zone), **KINDS,
    })  # fmt: skip


def midnight(day: date, zone: str) -> datetime:
    """When a day of the calendar begins there."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


# Every id up to `settled` is folded; above it those are which have a seal up to `number`.
_TAIL: Final = (
    f"{RECORD} where e.tenant_id = %(tenant)s and e.id > %(settled)s and e.at >= %(since_before)s and {COUNTED} "
    "and not exists (select 1 from audit_seal s where s.event_id = e.id and s.number <= %(number)s)"
)
_KEY: Final = "tenant_id, on_day, kind, id"
_FOLDED: Final = "w.tenant_id = %(tenant)s and w.on_day >= {day} and %(number)s > 0"


def days_of(tx: Tx, look: Look, most: int) -> Iterator[Day]:
    """From the usual days on, latest first. Who stands in the tail is counted again with it."""
    rows = tx.execute(
        f"with tail as materialized ({_TAIL}), named as (select distinct {_KEY} from tail where not is_refused), "
        f"both_of as (select w.{_KEY.replace(', ', ', w.')}, w.study, w.patient, w.name, w.is_looked, w.is_taken, w.hours, w.first_at, w.last_at "
        f"from watch_seen w join named using ({_KEY}) where {_FOLDED.format(day='%(before)s')} "
        f"union all select t.{_KEY.replace(', ', ', t.')}, t.study, st.patient_fk, t.name, t.is_looked, t.is_taken, "
        "case when t.is_looked then t.hour else 0 end, t.at, t.at from tail t left join study st on st.id = t.study and st.tenant_id = t.tenant_id "
        f"where not t.is_refused) select {NUMBERS} from both_of s group by 1, 2, 3, 4 "
        f"union all select w.* from watch_day w where {_FOLDED.format(day='%(before)s')} "
        f"and not exists (select 1 from named n where n.on_day = w.on_day and n.kind = w.kind and n.id = w.id) order by 2 desc limit %(most_days)s",
        look.values | {"most_days": most},
    ).fetchall()
    roles = {
        row[0]: frozenset(row[1])
        for row in tx.execute("select id::text, roles from app_user where tenant_id = %(tenant)s", look.values)
    }
    for _, on, kind, actor_id, name, patients, taken, hours, first_at, last_at in rows:
        yield Day(
            kind, actor_id, name, roles.get(actor_id, frozenset()), on, patients, taken,
            _hours_of(hours), first_at, last_at,
        )  # fmt: skip


@functools.lru_cache(4096)
def _hours_of(bits: int) -> frozenset[int]:
    return frozenset(hour for hour in range(_HOURS) if bits >> hour & 1)


# Of people, some rows for each patient: id, patient, name, first_at, last_at, count.
LOOKS: Final = (
    "select w.id, w.patient, w.name, w.first_at, w.last_at, w.count from watch_seen w "
    f"where {_FOLDED.format(day='%(first)s')} and w.kind = 'user' and w.patient is not null "
    f"union all select t.id, st.patient_fk, t.name, t.at, t.at, 1 from ({_TAIL}) t join study st on st.id = t.study and st.tenant_id = t.tenant_id "
    "where t.kind = 'user' and not t.is_refused and t.on_day >= %(first)s"
)

# Day by day: kind, id, name, first_at, last_at, count.
REFUSALS: Final = (
    "select x.kind, x.id, max(x.name) as name, min(x.first_at) as first_at, max(x.last_at) as last_at, sum(x.count)::bigint as count from ("
    f"select w.on_day, w.kind, w.id, w.name, w.first_at, w.last_at, w.count from watch_refused w where {_FOLDED.format(day='%(first)s')} "
    f"union all select t.on_day, t.kind, t.id, t.name, t.at, t.at, 1 from ({_TAIL}) t where t.is_refused and t.on_day >= %(first)s) x "
    "group by x.on_day, 1, 2"
)
