"""A reader for the stories of the viewer."""

from typing import Any

import pytest

from tests.e2e.reading import Reader
from tests.peers.heliograph import Server


@pytest.fixture
def reader(page: Any, server: Server) -> Reader:
    return Reader(page, server)
