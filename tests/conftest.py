"""Fixtures that start the real thing: a server on loopback, a browser, and the programs of others."""

import os
import re
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import data, reruns
from tests.peers.heliograph import Server
from tests.peers.postgres import Postgres
from tests.peers.programs import Missing, program

OUT = Path(__file__).parent / "out"
CHROMIUM = [
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--force-device-scale-factor=1",
]  # fmt: skip
# Containers often have 64 MiB there, on which pages of pictures die.
if not Path("/dev/shm").is_dir() or shutil.disk_usage("/dev/shm").free < 512 << 20:
    CHROMIUM.append("--disable-dev-shm-usage")
CALLERS = ("DCMTK", "PYNET", "HARNESS")

# A busy machine is no finding: where slowness is one, the test measures the CPU that it took. Everybody's run looks at the same
# examples, so that a change is never refused for what another one did; `make test-all` looks for new ones.
settings.register_profile("exploring", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", settings.get_profile("exploring"), derandomize=True)
settings.load_profile("steady")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(reruns)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    return (yield from _missing_is_a_skip())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    return (yield from _missing_is_a_skip())


def _missing_is_a_skip() -> Generator[None, Any, Any]:
    try:
        return (yield)
    except Missing as error:
        pytest.skip(str(error))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Keeps the outcome for fixtures that save what a failure looked like."""
    report: Any = yield
    setattr(item, f"report_{report.when}", report)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Skips are counted by reason: nobody shall take a half-run suite for a whole one."""
    skipped = terminalreporter.stats.get("skipped", [])
    lacking = [report for report in skipped if data.MISSING in str(report.longrepr)]
    faults = [report for report in skipped if "tests/faults" in report.nodeid]
    if lacking:
        terminalreporter.write_line(
            f"!! {len(lacking)} tests did not run because test data is missing ({data.ROOT})", yellow=True
        )
    if faults:
        terminalreporter.write_line(f"!! {len(faults)} fault tests did not run on this machine", yellow=True)


@pytest.fixture(scope="session", autouse=True)
def database() -> Iterator[Postgres | None]:
    """Debian's PostgreSQL under every server and every unit test when HELIOGRAPH_TEST_DATABASE=external; else the embedded one."""
    if os.environ.get("HELIOGRAPH_TEST_DATABASE") != "external":
        yield None
        return
    try:
        external = Postgres()
    except Missing as error:
        pytest.exit(f"HELIOGRAPH_TEST_DATABASE=external: {error}", returncode=4)
    with external:
        Server.new_database = external.new_database
        yield external
        Server.new_database = None


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the whole session; DCMTK, PYNET and HARNESS are registered devices. Tests must not stop it."""
    # One sign-in serves all tests: nobody shall be asked for a fresh proof, or find the screen locked, because the run is long.
    long = {"HELIOGRAPH_IDLE_LOCK_MINUTES": "600", "HELIOGRAPH_STEP_UP_MINUTES": "600"}
    with Server(tmp_path_factory.mktemp("server") / "data", env=long) as running:
        for caller in CALLERS:
            running.add_device(caller)
        yield running


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Server]:
    """A server of one's own on an empty folder, to stop, kill and restart."""
    with Server(tmp_path / "data") as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    executable = program("chromium-headless-shell")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=CHROMIUM)
        yield running
        running.close()


@pytest.fixture(scope="session")
def signed_in(server: Server, browser: Any) -> Any:
    """Cookies of a person who came by the one-time link."""
    context = browser.new_context()
    page = context.new_page()
    with page.expect_response("**/api/session/link") as answer:
        page.goto(server.sign_in_link())
    assert answer.value.status == 200, answer.value.text()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def page(server: Server, browser: Any, signed_in: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A signed-in window; a failure leaves its picture and its console in tests/out."""
    context = browser.new_context(
        base_url=server.http,
        storage_state=signed_in,
        viewport={"width": 1440, "height": 900},
        locale="en-GB",
        timezone_id="Europe/Berlin",
    )
    window = context.new_page()
    said: list[str] = []
    window.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    window.on("pageerror", lambda error: said.append(f"uncaught: {error}"))
    yield window
    report = getattr(request.node, "report_call", None)
    if report is not None and report.failed:
        OUT.mkdir(exist_ok=True)
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", request.node.name)
        window.screenshot(path=OUT / f"{name}.png")
        (OUT / f"{name}.log").write_text("\n".join(said), encoding="utf-8")
    context.close()
