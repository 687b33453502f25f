"""Notices errors that a native decoder cannot raise and only reports to Python as unraisable."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_state = threading.local()
_others: list[Callable[[Any], Any]] = []


def _hook(report: UnraisableHookArgs) -> None:
    if getattr(_state, "watching", False):
        _state.noticed = True
    elif _others:
        _others[-1](report)


def watched(work: Callable[[], Any]) -> Any:
    """The result of work, or RuntimeError when it failed without raising: its result is then only half filled.

    The hook stays in place and passes on what other threads report.
    """
    if sys.unraisablehook is not _hook:
        _others[:] = [sys.unraisablehook]
        sys.unraisablehook = _hook
    _state.watching, _state.noticed = True, False
    try:
        result = work()
    finally:
        _state.watching = False
    if _state.noticed:
        raise RuntimeError("the decoder stopped in the middle")
    return result
