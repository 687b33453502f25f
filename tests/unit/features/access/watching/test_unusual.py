"""What counts as unusual: arithmetic over days, without a database."""

from datetime import UTC, date, datetime, timedelta

from heliograph.features.access.watching.unusual import Day, Finding, by_days

FIRST = date(2026, 11, 16)


def day(
    before: int, patients: int = 4, *, who: str = "anna", role: str = "radiologist", hours: tuple[int, ...] = (9, 14), taken: int = 0, kind: str = "user"
) -> Day:  # fmt: skip
    on = FIRST - timedelta(days=before)
    at = datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
    return Day(
        kind, who, who, frozenset({role} if kind == "user" else ()), on, patients, taken, frozenset(hours), at, at
    )


def rules(*days: Day) -> list[tuple[str, str]]:
    return [(one.rule, one.actor_id) for one in by_days(days, FIRST)]


def test_far_more_patients_than_ones_own_usual() -> None:
    usual = [day(n, 10) for n in range(1, 8)]
    assert rules(*usual, day(0, 30)) == []
    assert rules(*usual, day(0, 31)) == [("many_patients", "anna")]


def test_few_patients_are_never_many() -> None:
    assert rules(*[day(n, 1) for n in range(1, 8)], day(0, 19)) == []


def test_who_is_new_is_compared_with_peers_of_the_role() -> None:
    peers = [day(n, 10, who=who) for n in range(1, 7) for who in ("bert", "cora")]
    strangers = [day(n, 200, who="dora", role="technologist") for n in range(1, 12)]
    assert rules(*peers, *strangers, day(0, 40)) == [("many_patients", "anna")]
    assert rules(day(0, 40)) == [], "nobody to compare with"
    found = next(iter(by_days([*peers, day(0, 40)], FIRST)))
    assert (found.usual, found.peers, found.count) == (None, 10.0, 40)


def test_hours_far_from_the_usual_ones() -> None:
    usual = [day(n) for n in range(1, 6)]
    assert rules(*usual, day(0, hours=(8, 10, 15))) == [], "an hour earlier or later is no wonder"
    found = [one for one in by_days([*usual, day(0, hours=(3, 9))], FIRST) if isinstance(one, Finding)]
    assert [(one.rule, one.hours) for one in found] == [("unusual_hours", (3,))]
    assert rules(*usual[:4], day(0, hours=(3,))) == [], "four days tell no habit"


def test_midnight_is_next_to_eleven_at_night() -> None:
    assert rules(*[day(n, hours=(23,)) for n in range(1, 6)], day(0, hours=(0,))) == []


def test_a_device_or_a_person_that_takes_out_much() -> None:
    usual = [day(n, 0, kind="device", who="7", taken=40) for n in range(1, 8)]
    assert rules(*usual, day(0, 0, kind="device", who="7", taken=120)) == []
    assert rules(*usual, day(0, 0, kind="device", who="7", taken=121)) == [("mass_retrieve", "7")]
    assert rules(day(0, 0, taken=50)) == [("mass_export", "anna")]
