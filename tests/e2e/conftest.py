"""A reader for the stories of the viewer; and a browser story that falls is told once more, and named in the summary when it did."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.reading import Reader
from tests.peers.heliograph import Server


@pytest.fixture
def reader(page: Any, server: Server) -> Reader:
    return Reader(page, server)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A real browser on a busy machine misses a beat now and then; what falls twice is a defect (`-raR` lists the reruns)."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.flaky(reruns=1))
