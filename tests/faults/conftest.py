"""The figures of a fault run are said at its end: how often, how much was promised, how much was lost."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

_FIGURE = "figure"


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Takes a line for the end of the run; it travels with the test's report, for tests run in processes of their own."""
    return partial(record_property, _FIGURE)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for line in _figures(terminalreporter.stats):
        terminalreporter.write_line(line)


def _figures(stats: dict[str, list[Any]]) -> Iterator[str]:
    for report in (*stats.get("passed", []), *stats.get("failed", [])):
        if getattr(report, "when", "") == "call":
            yield from (str(value) for name, value in report.user_properties if name == _FIGURE)
