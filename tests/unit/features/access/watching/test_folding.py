"""Folded or not, in whatever order records come and whenever the time zone changes: the days are what the log says."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from heliograph.engine.db import Database, Tx
from heliograph.features.access.watching.days import LOOKS, REFUSALS, Look, days_of, look_at
from heliograph.features.access.watching.folding import (
    KEPT_DAYS,
    LOOKED,
    REFUSED,
    TAKEN,
    _forget_old,
    fold_log,
    fold_once,
    oldest_day,
)
from heliograph.kit.time import now

TENANT, OTHER = 4711, 4712
ZONES = ("UTC", "Asia/Kathmandu", "America/New_York")
USUAL = 28
STUDIES = 6
PATIENTS = 3


@dataclass(frozen=True)
class Event:
    at: datetime
    kind: str
    outcome: str
    actor_kind: str
    actor: str
    name: str
    study: int | None
    tenant: int = TENANT


events = st.builds(
    lambda hours, kind, refused, who, name, study, other: Event(
        now() - timedelta(hours=hours), kind, "refused" if refused or kind in REFUSED else "success", *who, name, study, OTHER if other else TENANT
    ),
    st.floats(0, 24 * 40), st.sampled_from([*LOOKED, *TAKEN, *REFUSED, "signed_in"]), st.sampled_from([False] * 5 + [True]),
    st.sampled_from([("user", "a"), ("user", "b"), ("token", "a"), ("device", "7"), ("system", "x")]),
    st.sampled_from(["one", "two"]), st.none() | st.integers(0, STUDIES - 1), st.sampled_from([False] * 9 + [True]),
)  # fmt: skip
acts = st.lists(
    st.tuples(st.just("come"), st.lists(events, min_size=1, max_size=12))
    | st.tuples(st.just("seal"), st.integers(0, 100))
    | st.tuples(st.just("fold"), st.sampled_from([1, 3, 1000]))
    | st.tuples(st.just("zone"), st.sampled_from(ZONES)),
    min_size=2, max_size=14,
)  # fmt: skip


class House:
    """An organisation in a transaction, with patients and studies, whose records are sealed by and by."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        for tenant in (TENANT, OTHER):
            tx.execute("insert into tenant (id, name) values (%s, %s)", (tenant, f"house {tenant}"))
        self.patients = [self._row("patient (tenant_id, identity_key, issuer, patient_id)", (TENANT, str(n), "", str(n))) for n in range(PATIENTS)]  # fmt: skip
        self.studies = [
            self._row("study (tenant_id, patient_fk, study_uid, received_at, last_received_at)", (TENANT, self.patients[n % PATIENTS], f"1.2.{n}", now(), now()))
            for n in range(STUDIES)
        ]  # fmt: skip
        self.open: list[int] = []
        self.all: list[Event] = []

    def _row(self, into: str, values: tuple[Any, ...]) -> int:
        row = self.tx.execute(
            f"insert into {into} values ({','.join(['%s'] * len(values))}) returning id", values
        ).fetchone()
        assert row is not None
        return int(row[0])

    def come(self, event: Event) -> None:
        subject = {} if event.study is None else {"study": str(self.studies[event.study])}
        actor = {"kind": event.actor_kind, "id": event.actor, "name": event.name, "address": ""}
        self.open.append(self._row(
            "audit_event (tenant_id, at, kind, outcome, actor, subject)", (event.tenant, event.at, event.kind, event.outcome, Jsonb(actor), Jsonb(subject))
        ))  # fmt: skip
        self.all.append(event)

    def seal(self, share: int) -> None:
        """Some of what is open, the latest first: so far from the order in which ids were drawn as it can be. A checkpoint when all are."""
        for event_id in [self.open.pop() for _ in range(len(self.open) * share // 100)]:
            self.tx.execute(
                "insert into audit_seal (number, event_id, sealed_at, leaf, chain) select coalesce(max(number), 0) + 1, %s, %s, '', '' from audit_seal",
                (event_id, now()),
            )
        if not self.open:
            self.tx.execute(
                "insert into audit_checkpoint (number, size, at, settled, body, signature) select (select coalesce(max(number), 0) + 1 from audit_checkpoint), "
                "(select coalesce(max(number), 0) from audit_seal), %s, (select coalesce(max(id), 0) from audit_event where tenant_id = any(%s)), '', ''",
                (now(), [TENANT, OTHER]),
            )

    def fold(self, zone: str, portion: int) -> None:
        while fold_once(self.tx, zone, portion):
            if portion < 1000:
                return


def told(tx: Tx, look: Look) -> tuple[Any, ...]:
    seen = {
        (day.on, day.kind, day.id): (day.name, day.patients, day.studies_taken, day.hours, day.first_at, day.last_at)
        for day in days_of(tx, look, 10_000)
    }
    summed = (
        f"select id, patient, max(name), min(first_at), max(last_at), sum(count)::bigint from ({LOOKS}) x group by 1, 2"
    )
    pairs = {row[:2]: row[2:] for row in tx.execute(summed, look.values)}
    refused = sorted(tuple(row) for row in tx.execute(REFUSALS, look.values))
    return seen, pairs, refused


def counted(house: House, zone: str, first: date, usual: int = USUAL) -> tuple[Any, ...]:
    """The same by hand."""
    days: dict[Any, list[Event]] = defaultdict(list)
    pairs: dict[Any, list[Event]] = defaultdict(list)
    refused: dict[Any, list[Event]] = defaultdict(list)
    for one in house.all:
        on = one.at.astimezone(ZoneInfo(zone)).date()
        if one.tenant != TENANT or one.actor_kind == "system" or on < first - timedelta(days=usual):
            continue
        if one.kind in REFUSED:
            if on >= first:
                refused[on, one.actor_kind, one.actor].append(one)
        elif one.kind in {*LOOKED, *TAKEN} and one.outcome == "success":
            days[on, one.actor_kind, one.actor].append(one)
            if one.actor_kind == "user" and one.study is not None and on >= first:
                pairs[one.actor, house.patients[one.study % PATIENTS]].append(one)
    return (
        {key: _day(some, zone) for key, some in days.items()},
        {key: _span(some) for key, some in pairs.items()},
        sorted((key[1], key[2], *_span(some)) for key, some in refused.items()),
    )


def _day(some: list[Event], zone: str) -> tuple[Any, ...]:
    looked = [one for one in some if one.kind in LOOKED]
    patients = {one.study % PATIENTS for one in looked if one.study is not None}
    taken = {one.study for one in some if one.kind in TAKEN and one.study is not None}
    hours = frozenset(one.at.astimezone(ZoneInfo(zone)).hour for one in looked)
    name, first_at, last_at, _ = _span(some)
    return name, len(patients), len(taken), hours, first_at, last_at


def _span(some: list[Event]) -> tuple[Any, ...]:
    return max(one.name for one in some), min(one.at for one in some), max(one.at for one in some), len(some)


@settings(max_examples=60)
@given(acts)
def _whatever_happens(connection: Tx, acts: list[tuple[str, Any]]) -> None:
    try:
        house, zone = House(connection), ZONES[0]
        for act, what in acts:
            if act == "come":
                for event in what:
                    house.come(event)
            elif act == "seal":
                house.seal(what)
            elif act == "fold":
                house.fold(zone, what)
            else:
                zone = what
            first = now().astimezone(ZoneInfo(zone)).date() - timedelta(days=7)
            assert told(connection, look_at(connection, TENANT, zone, first, USUAL, 300)) == counted(house, zone, first)
    finally:
        connection.rollback()


def test_days_are_what_the_log_says_however_much_is_folded(scratch_url: str) -> None:
    with psycopg.connect(scratch_url) as connection:
        _whatever_happens(connection)


def _event(at: datetime, study: int = 0) -> Event:
    return Event(at, "study.read", "success", "user", "a", "one", study)


def test_old_days_go_and_never_come_back(tx: Tx) -> None:
    house = House(tx)
    for days in (0, 5, KEPT_DAYS + 3):
        house.come(_event(now() - timedelta(days=days)))
    house.seal(100)
    house.fold("UTC", 1000)
    assert tx.execute("select count(*) from watch_seen where tenant_id = %s", (TENANT,)).fetchone() == (2,)
    tx.execute("update watch_seen set on_day = on_day - %s where tenant_id = %s and on_day < now()::date - 3", (KEPT_DAYS, TENANT))  # fmt: skip
    _forget_old(tx, oldest_day("UTC"))
    assert tx.execute("select count(*) from watch_seen where tenant_id = %s", (TENANT,)).fetchone() == (1,)


def test_what_is_folded_is_not_read_from_the_log_again(tx: Tx) -> None:
    """The tail is empty when all is sealed, folded and told by a checkpoint: a changed row of the table shows."""
    house = House(tx)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    house.come(_event(now()))
    house.seal(100)
    house.fold("UTC", 1000)
    tx.execute("update watch_day set first_at = %s where tenant_id = %s", (at, TENANT))
    look = look_at(tx, TENANT, "UTC", now().date(), USUAL, 300)
    assert [day.first_at for day in days_of(tx, look, 10)] == [at]
    elsewhere = look_at(tx, TENANT, "Asia/Kathmandu", now().date() - timedelta(days=2), USUAL, 300)
    assert [day.first_at for day in days_of(tx, elsewhere, 10)] == [house.all[0].at]


def test_the_duty_goes_on_where_it_ended(scratch: Database) -> None:
    """In portions of one, stopped after each; another call when all is done finds nothing to do."""
    calls = iter([False, True] * 1000)
    with scratch.transaction() as tx:
        (sealed,) = tx.execute("select coalesce(max(number), 0) from audit_seal").fetchone() or (0,)
    while fold_log(scratch, "", portion=50, until=lambda: next(calls)):
        pass
    with scratch.transaction() as tx:
        zone, number = tx.execute("select zone, number from watch_fold").fetchone() or ("", 0)
    assert zone == "UTC"
    assert number >= sealed
    assert fold_log(scratch, "UTC") == 0
