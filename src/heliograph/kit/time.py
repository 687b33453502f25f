"""The clock: the only place that asks what time it is."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Seconds that never go back, for measuring and deadlines."""
    return time.monotonic()
