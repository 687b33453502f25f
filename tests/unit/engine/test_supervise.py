"""Processes that are kept alive together and end together."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from heliograph.engine.supervise import pause_s
from tests.peers.pace import soonest

Found = TypeVar("Found")

GOOD = """
import os, sys, time
from heliograph.engine.supervise import child_payload
payload = child_payload()
with open(sys.argv[1], "a") as file: file.write(f"{os.getpid()} {payload.decode().strip()}\\n")
print("ready", flush=True)
time.sleep(600)
"""
DEAF = "import signal\nfor sign in (signal.SIGTERM, signal.SIGINT): signal.signal(sign, signal.SIG_IGN)\n" + GOOD
LATE = GOOD.replace("with open", "again = os.path.exists(sys.argv[1])\nwith open").replace(
    "print", "time.sleep(3 * again)\nprint"
)
NEVER = "import sys; sys.exit(3)"
SUPERVISOR = """
import json, sys
from pathlib import Path
from heliograph.engine import telemetry
from heliograph.engine.supervise import Child, Supervisor
from heliograph.kit.errors import HeliographError
telemetry.set_up("serve")
folder = Path(sys.argv[1])
children = [Child(name, [sys.executable, "-c", code, str(folder / name)], f"payload of {name}".encode()) for name, code in json.loads(sys.argv[2]).items()]
checks = folder / "checks"
try:
    Supervisor(children, folder / "state.json", lambda: checks.write_text("checked")).run(lambda: print("all ready", flush=True))
except HeliographError as error:
    print(error.message, flush=True)
    sys.exit(7)
"""


class Family:
    """A supervisor in a process of its own with children of given programs."""

    def __init__(self, folder: Path, **children: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, str(folder), json.dumps(children)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def starts(self, name: str) -> list[tuple[int, str]]:
        """(process id, payload) of every start of a child."""
        with contextlib.suppress(FileNotFoundError):
            found = [line.partition(" ") for line in (self.folder / name).read_text().splitlines()]
            return [(int(pid), payload) for pid, _, payload in found]
        return []

    def state(self) -> dict[str, Any]:
        with contextlib.suppress(FileNotFoundError, ValueError):
            return dict(json.loads((self.folder / "state.json").read_text()))
        return {}

    def wait_ready(self) -> None:
        until(lambda: self.state().get("ready"))


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Callable[..., Family]]:
    made: list[Family] = []

    def start(**children: str) -> Family:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Family(folder, **children))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.wait()
        for name in ("one", "two", "deaf"):
            for pid, _ in one.starts(name):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def until(look: Callable[[], Found], timeout_s: float = 150.0) -> Found:
    deadline = time.monotonic() + timeout_s
    while not (seen := look()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
    return seen


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    return False


def test_children_get_their_payload_and_the_state_is_published(family: Callable[..., Family]) -> None:
    made = family(one=GOOD, two=GOOD)
    made.wait_ready()
    assert made.state() == {"pid": made.process.pid, "processes": {"one": True, "two": True}, "ready": True}
    assert [payload for _, payload in made.starts("one")] == ["payload of one"]
    assert made.process.stdout is not None
    assert made.process.stdout.readline() == "all ready\n"
    until((made.folder / "checks").exists)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_child_that_dies_is_started_again_and_the_others_stay(family: Callable[..., Family], sign: int) -> None:
    made = family(one=LATE, two=GOOD)
    made.wait_ready()
    ((first, _),) = made.starts("one")
    os.kill(first, sign)
    seen = until(lambda: (state := made.state()).get("processes", {}).get("one") is False and state)
    assert seen["ready"] is False, "not ready while a door is closed"
    until(lambda: len(made.starts("one")) == 2)
    made.wait_ready()
    assert made.starts("one")[1][0] != first
    assert len(made.starts("two")) == 1


def test_a_child_that_dies_again_and_again_is_given_longer_and_longer(family: Callable[..., Family]) -> None:
    made = family(one=GOOD)
    made.wait_ready()
    pauses = []
    for n in range(3):
        os.kill(made.starts("one")[-1][0], signal.SIGKILL)
        began = time.monotonic()
        until(lambda n=n: len(made.starts("one")) == n + 2)
        made.wait_ready()
        pauses.append(time.monotonic() - began)
    assert [pause >= least for pause, least in zip(pauses, (0.4, 0.8, 1.6), strict=True)] == [True] * 3
    assert pauses[2] < 60


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_within_ten_seconds(family: Callable[..., Family], sign: int) -> None:
    def ended_s() -> float:
        made = family(one=GOOD, two=GOOD)
        made.wait_ready()
        pids = [pid for name in ("one", "two") for pid, _ in made.starts(name)]
        began = time.monotonic()
        made.process.send_signal(sign)
        assert made.process.wait(120) == 0
        seconds = time.monotonic() - began
        assert not [pid for pid in pids if is_alive(pid)]
        assert not (made.folder / "state.json").exists()
        return seconds

    assert soonest(ended_s, 10, tries=3) < 10


def test_a_child_that_ignores_signals_is_killed_in_time(family: Callable[..., Family]) -> None:
    def ended_s() -> float:
        made = family(one=GOOD, deaf=DEAF)
        made.wait_ready()
        pids = [pid for name in ("one", "deaf") for pid, _ in made.starts(name)]
        began = time.monotonic()
        made.process.terminate()
        made.process.wait(120)
        seconds = time.monotonic() - began
        until(lambda: not [pid for pid in pids if is_alive(pid)])
        return seconds

    assert soonest(ended_s, 10, tries=3) < 10


def test_children_of_a_killed_supervisor_end_by_themselves(family: Callable[..., Family]) -> None:
    """Their standard input ends; otherwise they would hold ports and files against the next server."""
    made = family(one=GOOD, two=GOOD)
    made.wait_ready()
    pids = [pid for name in ("one", "two") for pid, _ in made.starts(name)]
    made.process.kill()
    made.process.wait()
    until(lambda: not [pid for pid in pids if is_alive(pid)])


def test_a_child_that_never_starts_ends_everything_with_a_reason(family: Callable[..., Family]) -> None:
    made = family(one=GOOD, two=NEVER)
    out, _ = made.process.communicate(timeout=400)
    assert made.process.returncode == 7
    assert "the process two does not start" in out
    until(lambda: not [pid for pid, _ in made.starts("one") if is_alive(pid)])


def test_a_child_that_fails_for_days_does_not_end_the_others() -> None:
    assert [pause_s(failures) for failures in (1, 2, 3)] == [0.4, 0.8, 1.6]
    assert pause_s(5000) == pause_s(50) == 10.0


def test_a_state_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "state.json").mkdir()  # as a full disk refuses: an OSError
    family = Family(tmp_path, good=GOOD)
    try:
        assert family.process.stdout is not None
        assert family.process.stdout.readline() == "all ready\n"
        ((pid, _),) = family.starts("good")
        family.process.terminate()
        family.process.wait(120)
        assert not Path(f"/proc/{pid}").exists()
    finally:
        family.process.kill()
        family.process.wait()
