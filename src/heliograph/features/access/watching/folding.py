"""The audit log folded by days: who looked at what, who took what, who was refused, so that nobody reads the log again to tell.

The log is followed in the order of its seals, which has no gaps and in which a row that commits late, or that the emergency journal
brings in days later, simply comes later: it is added to its day whenever it comes. What has no seal yet is read from the log itself
(`days`), so an answer is the same whether much is folded or nothing. The act that writes a record pays nothing for this.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from heliograph.engine.db import Database, Tx
from heliograph.kit.time import monotonic_s, now

LOOKED: Final = ("study.read", "study.opened")
TAKEN: Final = ("instances.given", "study.exported", "send.requested")
REFUSED: Final = ("act.refused", "retrieve.refused")
KEPT_DAYS: Final = 125  # the longest look back, its usual days before it, and a few
FOLDING_LOCK: Final = 0x48454C57

_PORTION = 5000
_RUN_S = 5.0
_OLD_PORTION = 5000

# One record as it is counted: parameters zone, looked, taken, refused.
RECORD: Final = (
    "select e.tenant_id, (e.at at time zone %(zone)s)::date as on_day, (e.actor->>'kind') collate \"C\" as kind, coalesce(e.actor->>'id', '') collate \"C\" as id, "
    "coalesce(e.actor->>'name', '') as name, case when e.subject->>'study' ~ '^[0-9]{1,18}$' then (e.subject->>'study')::bigint else -1 end as study, "
    "e.kind = any(%(looked)s) as is_looked, e.kind = any(%(taken)s) as is_taken, e.kind = any(%(refused)s) as is_refused, "
    "1 << extract(hour from e.at at time zone %(zone)s)::int as hour, e.at from audit_event e"
)
COUNTED: Final = (
    "e.actor->>'kind' = any('{user,token,device}') and (e.kind = any(%(refused)s) or "
    "(e.outcome = 'success' and (e.kind = any(%(looked)s) or e.kind = any(%(taken)s))))"
)
# Of rows of watch_seen, or of what looks like them, `s`: a row of watch_day.
NUMBERS: Final = (
    "s.tenant_id, s.on_day, s.kind, s.id, max(s.name), count(distinct s.patient) filter (where s.is_looked), "
    "count(distinct s.study) filter (where s.is_taken and s.study >= 0), bit_or(s.hours), min(s.first_at), max(s.last_at)"
)
KINDS: Final[dict[str, Any]] = {"looked": list(LOOKED), "taken": list(TAKEN), "refused": list(REFUSED)}


def fold_log(
    database: Database, timezone: str, *, portion: int = _PORTION, until: Callable[[], bool] = lambda: False
) -> int:
    """Follows the log for some seconds at most, portion by portion; how many records it went through. The next call goes on from there."""
    ends, count = monotonic_s() + _RUN_S, 0
    while monotonic_s() < ends and not until():
        with database.transaction() as tx:
            done = fold_once(tx, timezone or "UTC", portion)
        count += done
        if done < portion:
            with database.transaction() as tx:
                _forget_old(tx, oldest_day(timezone or "UTC"))
            break
    return count


def fold_once(tx: Tx, zone: str, portion: int = _PORTION) -> int:
    """Adds the next sealed records to their days; with another time zone than before it empties the tables and begins anew."""
    tx.execute("select pg_advisory_xact_lock(%s)", (FOLDING_LOCK,))
    number = _begun(tx, zone)
    if number is None:
        return portion
    row = tx.execute("select coalesce(max(number), 0) from audit_seal").fetchone()
    assert row is not None
    last = min(int(row[0]), number + portion)
    if last <= number:
        return 0
    _add(tx, {"zone": zone, "from": number, "to": last, "oldest": oldest_day(zone), **KINDS})
    tx.execute("update watch_fold set number = %s", (last,))
    return last - number


def oldest_day(zone: str) -> date:
    """Days before it are forgotten."""
    return now().astimezone(ZoneInfo(zone)).date() - timedelta(days=KEPT_DAYS)


def _begun(tx: Tx, zone: str) -> int | None:
    """Up to where the log is folded by this zone; None while the days of another are being taken away, portion by portion."""
    row = tx.execute("select zone, number from watch_fold").fetchone()
    assert row is not None
    if row[0] == zone:
        return int(row[1])
    if sum(tx.execute(_DELETE.format(table=table), (None, _OLD_PORTION)).rowcount for table in _TABLES):
        tx.execute("update watch_fold set zone = '', number = 0")
        return None
    number = _before(tx, now() - timedelta(days=KEPT_DAYS + 2))
    tx.execute("update watch_fold set zone = %s, number = %s", (zone, number))
    return number


def _before(tx: Tx, at: datetime) -> int:
    """Up to where the log tells only of what was before this moment."""
    row = tx.execute("select coalesce(max(size), 0) from audit_checkpoint where at < %s", (at,)).fetchone()
    assert row is not None
    return int(row[0])


def _add(tx: Tx, values: dict[str, Any]) -> None:
    """What came in changes the numbers of its actors and days, which are counted again from what is kept of them."""
    changed = tx.execute(
        f"with line as materialized ({RECORD} join audit_seal s on s.event_id = e.id where s.number > %(from)s and s.number <= %(to)s "
        f"and {COUNTED} and (e.at at time zone %(zone)s)::date >= %(oldest)s), "
        "refused as (insert into watch_refused as had (tenant_id, on_day, kind, id, name, count, first_at, last_at) "
        "select tenant_id, on_day, kind, id, max(name), count(*), min(at), max(at) from line where is_refused group by 1, 2, 3, 4 "
        "on conflict (tenant_id, on_day, kind, id) do update set name = greatest(had.name, excluded.name), count = had.count + excluded.count, "
        "first_at = least(had.first_at, excluded.first_at), last_at = greatest(had.last_at, excluded.last_at)), "
        "added as (insert into watch_seen as had (tenant_id, on_day, kind, id, study, patient, name, is_looked, is_taken, hours, count, "
        "first_at, last_at) select l.tenant_id, l.on_day, l.kind, l.id, l.study, max(st.patient_fk), max(l.name), bool_or(l.is_looked), "
        "bool_or(l.is_taken), bit_or(case when l.is_looked then l.hour else 0 end), count(*), min(l.at), max(l.at) from line l "
        "left join study st on st.id = l.study and st.tenant_id = l.tenant_id where not l.is_refused group by 1, 2, 3, 4, 5 "
        "on conflict (tenant_id, on_day, kind, id, study) do update set name = greatest(had.name, excluded.name), "
        "is_looked = had.is_looked or excluded.is_looked, is_taken = had.is_taken or excluded.is_taken, hours = had.hours | excluded.hours, "
        "count = had.count + excluded.count, first_at = least(had.first_at, excluded.first_at), last_at = greatest(had.last_at, excluded.last_at) "
        "returning tenant_id, on_day, kind, id) select distinct tenant_id, on_day, kind, id from added",
        values,
    ).fetchall()
    if not changed:
        return
    tenants, days, kinds, ids = (list(column) for column in zip(*changed, strict=True))
    tx.execute(
        "insert into watch_day as had (tenant_id, on_day, kind, id, name, patients, taken, hours, first_at, last_at) "
        f"select {NUMBERS} from watch_seen s join unnest(%s::smallint[], %s::date[], %s::text[], %s::text[]) as c (tenant_id, on_day, kind, id) "
        "using (tenant_id, on_day, kind, id) group by 1, 2, 3, 4 "
        "on conflict (tenant_id, on_day, kind, id) do update set name = excluded.name, patients = excluded.patients, taken = excluded.taken, "
        "hours = excluded.hours, first_at = excluded.first_at, last_at = excluded.last_at",
        (tenants, days, kinds, ids),
    )


def _forget_old(tx: Tx, oldest: date) -> None:
    for table in _TABLES:
        tx.execute(_DELETE.format(table=table), (oldest, _OLD_PORTION))


# So many rows of each organisation: those before a day, or any.
_TABLES: Final = ("watch_seen", "watch_day", "watch_refused")
_DELETE: Final = (
    "delete from {table} where ctid = any(array(select old.ctid from tenant t cross join lateral (select w.ctid from {table} w "
    "where w.tenant_id = t.id and w.on_day < coalesce(%s::date, 'infinity') limit %s) old))"
)
