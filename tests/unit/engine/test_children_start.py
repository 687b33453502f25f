"""The time of a task begins when its child does: a slow machine is no fault of the object."""

import importlib
import math
import os
import time

import pytest

from heliograph.engine.children import Children
from heliograph.kit.errors import Broken, Busy

children = importlib.import_module("heliograph.engine.children")


class Slow:
    """Takes its time to be unpickled, as a process that has a codec to load."""

    def __reduce__(self) -> tuple[object, tuple[float]]:
        return _loaded, (6.0,)


def _loaded(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def test_loading_is_not_counted() -> None:
    made = Children(count=1, is_fenced=False)  # the module of this test is no code of the program
    assert made.do(math.sqrt, Slow(), timeout_s=5) == math.sqrt(6.0)
    with pytest.raises(Broken):
        made.do(time.sleep, 60, timeout_s=0.2)
    made.close()


def test_a_child_that_does_not_start_says_nothing_about_the_object(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Children(count=1)
    monkeypatch.setattr(children, "_START_S", 0.0)
    with pytest.raises(Busy) as told:
        made.do(os.getpid)
    assert told.value.code == "decoder_busy"
    monkeypatch.undo()
    assert made.do(math.sqrt, 9.0) == 3.0
    made.close()
