"""The outside of a child: starts it with an empty environment, hands tasks over, and reads its answers as a stranger's (N14)."""

import contextlib
import fcntl
import json
import os
import pickle
import selectors
import subprocess
import sys
from typing import Any, Final

from heliograph.engine._decoder import BEGUN, BYTES, ERRORS, LENGTH, MOST_TOLD, PLAIN
from heliograph.kit.errors import Broken, HeliographError
from heliograph.kit.time import monotonic_s

MOST_ANSWER: Final = 2 << 30
_MEGABYTE: Final = 1 << 20
# The path of modules is ours and not the environment's; a folder of the day (the empty entry) is none of it.
_BOOT: Final = (
    "import sys; sys.path[:] = sys.argv[3].split(chr(0x1f)); from heliograph.engine._decoder import main; "
    "main(int(sys.argv[1]), is_fenced=sys.argv[2] == '1')"
)
_ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Ended(Exception):
    """The child died, or said something that none of ours says."""


class TooSlow(Exception):
    """It did not do it in time."""


class Child:
    """One process and its two pipes."""

    def __init__(self, memory_bytes: int, *, is_fenced: bool) -> None:
        path = chr(0x1F).join(place for place in sys.path if place)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", _BOOT, str(memory_bytes), str(int(is_fenced)), path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_ENVIRONMENT, cwd="/", bufsize=0,
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        for end in (self._to, self._from):
            os.set_blocking(end, False)
            with contextlib.suppress(OSError):  # a user's share of pipe memory may be used up
                fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, _MEGABYTE)
        self.has_begun = False

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def hand_over(self, task: tuple[Any, ...], within_s: float) -> None:
        """Returns when the work has begun."""
        self.has_begun = False
        until = monotonic_s() + within_s
        body = pickle.dumps(task, protocol=5)
        for part in (LENGTH.pack(len(body)), body):
            self._write(part, until)
        if self._message(until, 1) != BEGUN:
            raise Ended
        self.has_begun = True

    def answer(self, within_s: float) -> Any:
        """What the work answered, or raises what it raised."""
        told = self._message(monotonic_s() + within_s, MOST_ANSWER)
        if told[:1] == BYTES:
            del told[:1]
            return bytes(told)
        return plain_answer(bytes(told[:1]), bytes(told[1 : MOST_TOLD + 2]))

    def end(self) -> None:
        """Kills it; may be called by any thread while another one waits, which then sees the end of the pipe."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)

    def _write(self, data: bytes, until: float) -> None:
        left = memoryview(data)
        while left:
            self._wait(self._to, selectors.EVENT_WRITE, until)
            try:
                left = left[os.write(self._to, left[:_MEGABYTE]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Ended from error

    def _message(self, until: float, most: int) -> bytearray:
        (size,) = LENGTH.unpack(self._read(LENGTH.size, until))
        if not 0 < size <= most:
            raise Ended
        return self._read(size, until)

    def _read(self, size: int, until: float) -> bytearray:
        """Grows with what really comes, not with what was announced."""
        taken = bytearray()
        while len(taken) < size:
            self._wait(self._from, selectors.EVENT_READ, until)
            try:
                piece = os.read(self._from, min(size - len(taken), _MEGABYTE))
            except BlockingIOError:
                continue
            except OSError as error:
                raise Ended from error
            if not piece:
                raise Ended
            taken += piece
        return taken

    def _wait(self, end: int, event: int, until: float) -> None:
        with selectors.PollSelector() as selector:
            selector.register(end, event)
            if not selector.select(max(0.0, until - monotonic_s())):
                raise TooSlow


def plain_answer(kind: bytes, body: bytes) -> Any:
    """A number, a text or None; an error of a known class is raised. Ended for everything else."""
    try:
        told = json.loads(body) if len(body) <= MOST_TOLD else ()
    except (ValueError, RecursionError):
        raise Ended from None
    if kind == PLAIN and (told is None or isinstance(told, bool | int | float | str)):
        return told
    if kind == b"e" and isinstance(told, list) and len(told) == 3 and all(isinstance(word, str) for word in told):
        raise _error(*told)
    raise Ended


def _error(name: str, code: str, text: str) -> Exception:
    kind = ERRORS.get(name)
    text = "".join(c if c.isprintable() else "?" for c in text[:400])
    if kind is None:
        return Broken("the decoder failed on this object", code="decoder_died")
    if issubclass(kind, HeliographError):
        return kind(text, code=code if code.isascii() and code.isidentifier() and len(code) < 60 else "undecodable")
    return kind(text)
