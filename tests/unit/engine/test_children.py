"""Risky work in children: what kills a child kills nothing else."""

import asyncio
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from heliograph.engine import children as module
from heliograph.engine.children import Children
from heliograph.kit.errors import Broken, Busy, Invalid
from heliograph.standards.dicom.image import ImageSpec
from heliograph.standards.dicom.pixels import decode_frame
from heliograph.standards.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN

SPEC = ImageSpec(2, 2, 1, 16, 16, 15, False, "MONOCHROME2")


@pytest.fixture
def children() -> Iterator[Children]:
    made = Children(count=2)
    yield made
    made.close()


@pytest.fixture
def unfenced() -> Iterator[Children]:
    """Children that tell by files what they are doing."""
    made = Children(count=2, is_fenced=False)
    yield made
    made.close()


def run(*steps: Any) -> list[Any]:
    """Awaits one after the other in one loop."""

    async def all_of_them() -> list[Any]:
        return [await step for step in steps]

    return asyncio.run(all_of_them())


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def test_the_answer_comes_from_another_process(children: Children) -> None:
    answer, pid = run(children.run(math.factorial, 20), children.run(os.getpid))
    assert answer == math.factorial(20)
    assert pid != os.getpid()


def test_an_error_of_the_work_is_raised_here(children: Children) -> None:
    with pytest.raises(ValueError, match="math domain"):
        run(children.run(math.sqrt, -1.0))
    assert run(children.run(math.sqrt, 4.0)) == [2.0]


def test_a_child_that_dies_is_broken_and_the_next_one_works(children: Children) -> None:
    async def die_and_go_on() -> float:
        with pytest.raises(Broken) as told:
            await children.run(os._exit, 11)
        assert told.value.code == "decoder_died"
        return await children.run(math.sqrt, 9.0)

    assert asyncio.run(die_and_go_on()) == 3.0


def test_a_child_that_hangs_is_ended(children: Children) -> None:
    async def hang() -> int:
        pid = await children.run(os.getpid)
        with pytest.raises(Broken) as told:
            await children.run(time.sleep, 600, timeout_s=0.5)
        assert told.value.code == "decoder_slow"
        return pid

    until_gone(asyncio.run(hang()))


def until_gone(pid: int) -> None:
    deadline = time.monotonic() + 60
    while is_alive(pid):
        assert time.monotonic() < deadline, "it goes on"
        time.sleep(0.05)


def wait_for(path: str) -> str:
    """In a child: its work goes on until the file is there; then its process id."""
    Path(path + ".begun").touch()
    while not Path(path).exists():
        time.sleep(0.02)
    return str(os.getpid())


def say_and_hang(path: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(str(os.getpid()))
    time.sleep(600)


def test_only_the_child_that_hangs_is_ended(unfenced: Children, tmp_path: Path) -> None:
    """The work of the others goes on to its end, in the same process."""
    go, hanging = tmp_path / "go", tmp_path / "pid"

    async def both() -> str:
        other = asyncio.create_task(unfenced.run(wait_for, str(go), timeout_s=300))
        with pytest.raises(Broken) as told:
            await unfenced.run(say_and_hang, str(hanging), timeout_s=10)
        assert told.value.code == "decoder_slow"
        assert not other.done()
        go.touch()
        return await other

    assert asyncio.run(both()).isdecimal()
    if hanging.exists():  # it had begun to hang within its time
        until_gone(int(hanging.read_text()))


def test_only_the_child_that_dies_is_lost(unfenced: Children, tmp_path: Path) -> None:
    go = tmp_path / "go"

    async def both() -> str:
        other = asyncio.create_task(unfenced.run(wait_for, str(go), timeout_s=300))
        with pytest.raises(Broken):
            await unfenced.run(os._exit, 11)
        assert not other.done()
        go.touch()
        return await other

    assert asyncio.run(both()).isdecimal()


def test_who_waits_too_long_for_a_child_is_told_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, go = Children(count=1, is_fenced=False), tmp_path / "go"

    async def queue() -> None:
        first = asyncio.create_task(made.run(wait_for, str(go), timeout_s=300))
        await asyncio.to_thread(wait_for, str(tmp_path / "go.begun"))
        second = asyncio.create_task(made.run(math.sqrt, 4.0))
        await asyncio.sleep(1)
        monkeypatch.setattr(module, "_QUEUE_S", 0.5)
        go.touch()
        await first
        with pytest.raises(Busy) as told:
            await second
        assert told.value.code == "decoder_busy"

    asyncio.run(queue())
    made.close()


def test_a_thread_may_ask_too_and_gets_the_errors_of_the_work_as_they_are(children: Children) -> None:
    assert children.do(math.factorial, 5) == 120
    with pytest.raises(Invalid) as told:
        children.do(decode_frame, SPEC, b"", EXPLICIT_VR_LITTLE_ENDIAN)
    assert (told.value.code, told.value.message) == (
        "truncated_frame",
        "the frame is shorter than its rows and columns",
    )


def test_children_that_nobody_needs_end(children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IDLE_S", 0.2)
    until_gone(children.do(os.getpid))
    assert children.do(math.sqrt, 25.0) == 5.0, "a new one is there when it is needed"


def test_a_child_is_replaced_after_its_share_of_work(children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TASKS", 2)
    pids = [children.do(os.getpid) for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3], "one after the other needs one child at a time"


def test_memory_is_bounded(children: Children) -> None:
    async def eat() -> float:
        with pytest.raises((MemoryError, Broken)):
            await children.run(bytearray, 12 << 30)
        return await children.run(math.sqrt, 16.0)

    assert asyncio.run(eat()) == 4.0


def test_closing_ends_the_children() -> None:
    made = Children(count=1)
    (pid,) = run(made.run(os.getpid))
    made.close()
    deadline = time.monotonic() + 150
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    made.close()
