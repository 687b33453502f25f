"""The figures of a fault run are said at its end: how often, how much was promised, how much was lost."""

from collections.abc import Callable
from typing import Any

import pytest

_SAID = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line for the end of the run."""
    return request.config.stash.setdefault(_SAID, []).append


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for line in terminalreporter.config.stash.get(_SAID, []):
        terminalreporter.write_line(line)
