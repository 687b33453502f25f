"""kit.ids: UUIDv7 sorts by time (RFC 9562 5.7), UIDs follow PS3.5 9 and B.2."""

import re
import time
import uuid

import pytest

from heliograph.kit import ids


def test_ids_are_uuids_of_version_7() -> None:
    made = [ids.new_id() for _ in range(1000)]
    assert {one.version for one in made} == {7}
    assert {one.variant for one in made} == {uuid.RFC_4122}
    assert len(set(made)) == len(made)


def test_ids_hold_the_time_of_their_making() -> None:
    before = time.time_ns() // 1_000_000
    made = ids.new_id()
    after = time.time_ns() // 1_000_000
    assert before <= made.int >> 80 <= after


@pytest.mark.parametrize("step_ms", [1, 1000, 86_400_000 * 365 * 100])
def test_a_later_id_sorts_behind_an_earlier_one(step_ms: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As UUID, as bytes and as text, which is how tables, cursors and the API compare them."""
    base = 1_800_000_000_000
    made = []
    for number in range(50):
        monkeypatch.setattr(ids.time, "time_ns", lambda n=number: (base + n * step_ms) * 1_000_000)
        made.append(ids.new_id())
    assert made == sorted(made)
    assert [one.bytes for one in made] == sorted(one.bytes for one in made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)


def test_uids_are_valid_and_differ() -> None:
    made = [ids.new_uid() for _ in range(200)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"2\.25\.[1-9][0-9]*", one) and len(one) <= 64 for one in made)


def test_secrets_are_long_and_safe_in_a_url() -> None:
    made = {ids.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", one) for one in made)
    assert len(ids.new_secret(24)) == 32
