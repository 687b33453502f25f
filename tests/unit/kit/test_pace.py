"""How often somebody may do something."""

import threading

import pytest

from heliograph.kit.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_a_minutes_worth_at_once_and_then_evenly() -> None:
    clock = Clock()
    pace = Pace(60, clock)
    assert [pace.wait_s("a") for _ in range(60)] == [0.0] * 60
    assert pace.wait_s("a") == pytest.approx(1.0)
    assert pace.wait_s("b") == 0.0, "another is not held for it"
    clock.at += 0.5
    assert pace.wait_s("a") == pytest.approx(0.5), "to ask too early costs nothing"
    clock.at += 0.5
    assert pace.wait_s("a") == 0.0
    clock.at += 3600
    assert [pace.wait_s("a") for _ in range(61)].count(0.0) == 60, "no more than a minute's worth is saved up"


def test_zero_is_without_a_limit() -> None:
    pace = Pace(0)
    assert not any(pace.wait_s("a") for _ in range(1000))


def test_what_is_remembered_is_bounded() -> None:
    clock = Clock()
    pace = Pace(10, clock)
    for number in range(25_000):
        pace.wait_s(number)
    assert len(pace._left) <= 20_000
    for _ in range(10):
        pace.wait_s("busy")
    clock.at += 59.0
    for number in range(25_000):
        pace.wait_s(("other", number))
    assert len(pace._left) <= 20_000


def test_many_threads_get_no_more_than_there_is() -> None:
    pace, got = Pace(100, Clock()), []

    def ask() -> None:
        got.extend(pace.wait_s("a") == 0.0 for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) == 100
