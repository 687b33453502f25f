"""A reader for the stories of the viewer, and a house for those of trust."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.reading import Reader
from tests.peers.heliograph import Server
from tests.peers.ports import free_port


@pytest.fixture
def reader(page: Any, server: Server) -> Reader:
    return Reader(page, server)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A house with a name, which passkeys need, and a DICOM door with TLS; its address is the last option."""
    options = ("--dicom-tls", f"127.0.0.1:{free_port()}")
    env = {"HELIOGRAPH_STEP_UP_MINUTES": "600"}
    with Server(tmp_path_factory.mktemp("house") / "data", options=options, env=env) as running:
        running.http = running.http.replace("127.0.0.1", "localhost")
        yield running


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Any:
    """Keeps what the screens look like, for eyes."""
    folder = Path(request.config.rootpath) / "tests" / "out" / "identity"
    folder.mkdir(parents=True, exist_ok=True)
    return lambda page, name: page.screenshot(path=folder / f"{name}.png")
