"""kit.time: the present is aware and in UTC."""

from datetime import UTC, datetime, timedelta

from heliograph.kit import time


def test_now_is_aware_and_in_utc() -> None:
    assert time.now().utcoffset() == timedelta(0)
    assert abs(time.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_monotonic_clock_does_not_go_back() -> None:
    seen = [time.monotonic_s() for _ in range(100)]
    assert seen == sorted(seen)
