"""One server with quick settling for all tests of the safety guards, one with small limits for the tests of the JSON door."""

from collections.abc import Iterator

import httpx
import pytest

from tests.conformance.browsing import Browser, person
from tests.peers.heliograph import Server

QUICK = "[archive]\nseries_quiet_s = 1\nstudy_quiet_s = 1\n"


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("guards")
    config = folder / "quick.toml"
    config.write_text(QUICK)
    with Server(folder / "data", options=("--config", str(config))) as running:
        for caller in ("CT1", "CT2", "DCMTK"):
            running.add_device(caller)
        yield running


@pytest.fixture(scope="session")
def api_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("api")
    config = folder / "quick.toml"
    # The sessions of these tests are as old as the run: nobody shall be asked for a fresh proof, or find the screen locked.
    access = "[access]\nstep_up_minutes = 600\nidle_lock_minutes = 600\n"
    config.write_text(QUICK + access + "[web]\nmax_upload_bytes = 5000000\n")
    with Server(folder / "data", options=("--config", str(config))) as running:
        for caller in ("CT1", "DCMTK"):
            running.add_device(caller)
        yield running


@pytest.fixture(scope="session")
def nobody(api_house: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api_house.http, trust_env=False, timeout=120) as client:
        yield client


@pytest.fixture(scope="session")
def viewer(api_house: Server) -> Iterator[Browser]:
    with person(api_house, "only-looks", "viewer") as window:
        yield window


@pytest.fixture(scope="session")
def admin(api_house: Server) -> Iterator[Browser]:
    with Browser(api_house) as window:
        assert window.sign_in_by_link(api_house.sign_in_link().partition("link=")[2]).status_code == 200
        yield window
