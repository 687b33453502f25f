"""The log of marks: each change once, the same state in whatever order changes arrive, nothing believed that does not follow from the points."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.engine.db import Database
from heliograph.features.access import Actor
from heliograph.features.reading.marks import Event, Mark, append, marks_of_study
from heliograph.features.reading.marks.model import Measured
from heliograph.kit.errors import Absent, Conflict, Invalid, Refused
from tests.phantoms import Shape
from tests.unit.features.reading.conftest import Case

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
MM = 350 / 16  # of the phantom


def event(case: Case, mark: UUID, version: int = 1, *, body: bool = True, label: str = "", **parts: Any) -> Event:
    drawn = Mark("length", case.image(), ((1.0, 1.0), (4.0, 5.0)), label=label)
    made = Mark(**{name: getattr(drawn, name) for name in Mark.__slots__} | parts)
    return Event(uuid4(), mark, version, AT, made if body else None)


def take(scratch: Database, actor: Actor, case: Case, events: list[Event]) -> int:
    with scratch.transaction() as tx:
        return append(tx, actor, case.study, events, case.look)


def state(scratch: Database, actor: Actor, case: Case) -> dict[str, Any]:
    with scratch.transaction() as tx:
        return {one["id"]: one for one in marks_of_study(tx, actor, case.study)}


def test_a_change_that_is_sent_twice_counts_once(scratch: Database, actor: Actor, case: Case) -> None:
    one = event(case, uuid4())
    first = take(scratch, actor, case, [one, one])
    assert take(scratch, actor, case, [one]) == first
    assert len(state(scratch, actor, case)) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), changes=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.booleans()), min_size=1, max_size=14))  # fmt: skip
def test_the_order_of_arrival_does_not_matter(
    scratch: Database, actor: Actor, case: Case, seed: int, changes: list[tuple[int, int, bool]]
) -> None:
    """The same changes, in two orders and in portions, with repeats, to two sets of marks of one study: the same state."""
    rolls = random.Random(seed)
    ends = []
    suffixes = [uuid4().hex[1:] for _ in changes]
    for order in range(2):
        marks = [uuid4() for _ in range(4)]
        # Equal but for the first digit: of two changes with one number the same one wins in both sets.
        made = [
            Event(UUID(f"{order}{suffix}"), marks[mark], version, AT, event(case, marks[mark], label=f"{n}").body if there else None)
            for n, ((mark, version, there), suffix) in enumerate(zip(changes, suffixes, strict=True))
        ]  # fmt: skip
        sent = made + rolls.choices(made, k=3)
        rolls.shuffle(sent)
        cut = rolls.randrange(len(sent))
        for part in (sent[:cut], sent[cut:], made):
            take(scratch, actor, case, part)
        seen = state(scratch, actor, case)
        ends.append([(found["version"], found["body"]["label"]) if (found := seen.get(str(mark))) else None for mark in marks])  # fmt: skip
    assert ends[0] == ends[1]


def test_one_that_was_taken_away_is_told_to_who_knew_it(scratch: Database, actor: Actor, case: Case) -> None:
    mark = uuid4()
    before = take(scratch, actor, case, [event(case, mark)])
    take(scratch, actor, case, [event(case, mark, 2, body=False)])
    assert state(scratch, actor, case) == {}
    with scratch.transaction() as tx:
        (gone,) = marks_of_study(tx, actor, case.study, after=before)
    assert gone["id"] == str(mark)
    assert gone["body"] is None


@pytest.mark.parametrize(
    ("measured", "doubt"),
    [
        (Measured("length", 5 * MM, "mm"), ""),
        (Measured("length", 0.5 * MM, "mm"), "value_differs"),  # centimetres written as millimetres
        (Measured("length", 5 * MM, "cm"), "unit_differs"),
        (Measured("length", 5.0, "px"), "unit_differs"),
        (Measured("area", 1.0, "mm2"), "not_of_this_kind"),
    ],
)
def test_a_length_must_follow_from_its_points(
    scratch: Database, actor: Actor, case: Case, measured: Measured, doubt: str
) -> None:
    mark = uuid4()
    take(scratch, actor, case, [event(case, mark, measured=(measured,))])
    assert state(scratch, actor, case)[str(mark)]["doubt"] == doubt


def test_one_that_was_drawn_on_an_object_that_is_replaced_is_doubtful(
    scratch: Database, actor: Actor, case: Case
) -> None:
    mark, image = uuid4(), case.image()
    older = type(image)(image.series_uid, image.sop_uid, 1, "00" * 32)
    take(scratch, actor, case, [event(case, mark, image=older)])
    assert state(scratch, actor, case)[str(mark)]["doubt"] == "object_replaced"


def test_what_cannot_be_is_refused_as_a_whole(scratch: Database, actor: Actor, case: Case) -> None:
    stranger = Shape(1, seed=1)
    elsewhere = type(case.image())(stranger.series_uid, stranger.sop_uid(1))
    good = event(case, uuid4())
    with pytest.raises(Invalid, match="not of this study"):
        take(scratch, actor, case, [good, event(case, uuid4(), image=elsewhere)])
    assert state(scratch, actor, case) == {}
    with pytest.raises(Absent), scratch.transaction() as tx:
        append(tx, actor, 999_999_999, [good], case.look)
    nobody = Actor("user", str(uuid4()), "n", actor.tenant_id, frozenset({"study.read"}), scope=actor.scope)
    with pytest.raises(Refused):
        take(scratch, nobody, case, [good])


def test_a_mark_stays_with_its_study(
    scratch: Database, actor: Actor, case: Case, make_case: Callable[[], Case]
) -> None:
    mark, other_case = uuid4(), make_case()
    take(scratch, actor, case, [event(case, mark)])
    with pytest.raises(Conflict):
        take(scratch, actor, other_case, [event(other_case, mark, 2)])
