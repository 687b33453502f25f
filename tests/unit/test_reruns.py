"""The second attempt of a test: who gets one, and on which fixtures (tests/reruns.py)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFTEST = """
import itertools, pytest
_made = itertools.count(1)

@pytest.fixture(scope="session")
def house():
    number = next(_made)
    yield number
    print(f"house {number} closed")

@pytest.fixture(scope="module")
def room(house):
    yield house * 10
    print(f"room {house * 10} closed")
"""
STORY = """
import time
import pytest
from tests.peers.association import Lost

SEEN = []

def test_before(room):
    assert room == 10

@pytest.mark.timeout(4)
def test_falls_once(room):
    SEEN.append(room)
    if len(SEEN) == 1:
        {fault}

def test_after(house, room):
    print("after", house, room, SEEN)
    assert room == house * 10
"""


def run(folder: Path, kind: str, fault: str) -> tuple[int, str]:
    """A story of three tests in a folder of this kind; exit status and what was said."""
    tests = folder / "tests" / kind
    tests.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (tests / "conftest.py").write_text(CONFTEST)
    (tests / "test_story.py").write_text(STORY.format(fault=fault))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.reruns", "-p", "no:cacheprovider", "--import-mode=importlib", "-raR", "-s", str(tests)],
        check=False, capture_output=True, text=True, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("conformance", "assert room == 20"),
        ("conformance", "time.sleep(60)"),
        ("faults", "open('/nowhere/at/all')"),
    ],
)
def test_a_second_attempt_has_fixtures_of_its_own_and_is_named(tmp_path: Path, kind: str, fault: str) -> None:
    status, said = run(tmp_path, kind, fault)
    assert status == 0, said
    assert "3 passed, 1 rerun" in said
    assert f"RERUN tests/{kind}/test_story.py::test_falls_once" in said
    assert "after 2 20 [10, 20]" in said, "who comes later shares the fixtures of the second attempt"
    for closed in ("room 10 closed", "house 1 closed", "room 20 closed", "house 2 closed"):
        assert said.count(closed) == 1, said


def test_a_second_attempt_of_a_browser_story_keeps_its_server(tmp_path: Path) -> None:
    status, said = run(tmp_path, "e2e", "assert room == 20")
    assert status == 0, said
    assert "after 1 10 [10, 10]" in said
    assert said.count("house 1 closed") == 1


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("faults", "assert room == 20"),
        ("faults", "raise Lost('aborted by the peer')"),
        ("faults", "raise AssertionError('lost') from FileNotFoundError('x')"),
        ("unit", "assert room == 20"),
    ],
)
def test_what_is_asked_once_only(tmp_path: Path, kind: str, fault: str) -> None:
    status, said = run(tmp_path, kind, fault)
    assert status == 1, said
    assert "1 failed, 2 passed" in said
    assert "RERUN" not in said
