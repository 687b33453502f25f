"""Long work in every slot of the worker leaves room for its duties: settling, the change feed, alarms."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from heliograph.engine.db import Database
from heliograph.engine.jobs import defer


def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not look():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def test_duties_go_on_while_long_work_takes_every_slot(new_url: Callable[[], str], tmp_path: Path) -> None:
    slots = (os.cpu_count() or 1) + 6  # more than the threads that asyncio gives on this machine
    url = new_url()
    database = Database(url, name="test-room")
    database.open()
    with database.transaction() as tx:
        for n in range(slots):
            defer(tx, "test_hang", {"n": n})
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.engine.crowded_program", url, str(tmp_path), str(slots)],
        stdout=subprocess.DEVNULL,
    )
    try:
        until(lambda: len(list(tmp_path.glob("begun-*"))) == slots)
        beats = tmp_path / "beats"
        until(beats.exists)
        before = beats.stat().st_size
        until(lambda: beats.stat().st_size > before + 2)
    finally:
        (tmp_path / "enough").touch()
        child.kill()
        child.wait()
        database.close()
