"""The inside of a child: shuts the fence behind itself, then does one task after the other until its input ends.

Tasks come pickled, for they are ours. Answers leave in a plain form that cannot make the reader do anything: whoever has taken this
process over has won nothing by what it may say.
"""

import json
import os
import pickle
import resource
import signal
import struct
from typing import Any, Final

from heliograph.engine import fence
from heliograph.kit import errors

LENGTH: Final = struct.Struct("<Q")
MOST_TOLD: Final = 64 << 10
BEGUN, BYTES, PLAIN, ERROR = b"B", b"b", b"j", b"e"
ERRORS: Final[dict[str, type[Exception]]] = {
    kind.__name__: kind
    for kind in (
        errors.Invalid, errors.Refused, errors.Held, errors.Absent, errors.Conflict, errors.Busy, errors.Broken,
        ArithmeticError, MemoryError, OverflowError, TypeError, ValueError, ZeroDivisionError,
    )
}  # fmt: skip
_MEGABYTE: Final = 1 << 20


def main(memory_bytes: int, *, is_fenced: bool) -> None:
    """Tasks from standard input, answers to what was standard output; a library that prints speaks to nobody."""
    answers = os.dup(1)
    nobody = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nobody, stream)
    os.close(nobody)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if is_fenced:
        fence.shut(memory_bytes)
    else:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    while (task := _task()) is not None:
        work, arguments, seconds = pickle.loads(task)  # noqa: S301 written by the process that started us
        del task
        _bound_time(seconds)
        _say(answers, BEGUN, b"")
        try:
            told = _told(work(*arguments))
        except Exception as error:  # noqa: BLE001 it is raised where the work was asked for
            told = ERROR, _complaint(error)
        del work, arguments
        _say(answers, *told)
        del told


def _told(answer: Any) -> tuple[bytes, bytes | bytearray | memoryview]:
    if isinstance(answer, bytes | bytearray | memoryview):
        return BYTES, answer
    if answer is None or isinstance(answer, bool | int | float | str):
        return PLAIN, json.dumps(answer).encode()[:MOST_TOLD]
    raise errors.Broken("the decoder's answer cannot be sent", code="decoder_died")


def _complaint(error: Exception) -> bytes:
    name, code, text = type(error).__name__, "", str(error)
    if isinstance(error, errors.HeliographError):
        code, text = error.code, error.message
    return json.dumps([name, code[:60], text[:400]]).encode()


def _task() -> bytearray | None:
    head = _exactly(LENGTH.size)
    return _exactly(LENGTH.unpack(head)[0]) if head else None


def _exactly(size: int) -> bytearray | None:
    """None at the end of the input, which also comes when the parent was killed."""
    taken = bytearray()
    while len(taken) < size:
        piece = os.read(0, min(size - len(taken), _MEGABYTE))
        if not piece:
            return None
        taken += piece
    return taken


def _say(to: int, kind: bytes, body: bytes | bytearray | memoryview) -> None:
    left = memoryview(body).cast("B")
    os.write(to, LENGTH.pack(len(left) + 1) + kind)
    while left:
        left = left[os.write(to, left[:_MEGABYTE]) :]


def _bound_time(seconds: float) -> None:
    """Of this task, not of all before it: for a child whose parent is not there to end it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))
