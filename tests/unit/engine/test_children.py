"""Risky work in children: what kills a child kills nothing else."""

import asyncio
import math
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from heliograph.engine.children import Children
from heliograph.kit.errors import Broken


@pytest.fixture
def children() -> Iterator[Children]:
    made = Children(count=2)
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

    pid = asyncio.run(hang())
    deadline = time.monotonic() + 30
    while is_alive(pid):
        assert time.monotonic() < deadline, "it goes on hanging"
        time.sleep(0.05)


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
    deadline = time.monotonic() + 30
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    made.close()
