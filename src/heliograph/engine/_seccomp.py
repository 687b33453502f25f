"""The system calls that a decoder needs, and a filter that lets through no other (seccomp(2), for x86-64)."""

import ctypes
import errno
import os
import platform
import struct
from pathlib import Path
from typing import Final

_libc = ctypes.CDLL(None, use_errno=True)
_SECCOMP: Final = 317
_SET_FILTER: Final = 1
_ALL_THREADS: Final = 1
_ARCHITECTURE: Final = 0xC000003E
_X32: Final = 0x40000000
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16

# Memory, time, threads, signals to oneself, and what is done with files: which files there are, Landlock says.
_FREE: Final = (
    0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 19, 20, 21, 23, 24, 25, 27, 28, 32, 33, 35, 39, 60, 63, 72, 79, 89, 96, 97, 98,
    99, 100, 102, 104, 107, 108, 110, 131, 143, 145, 158, 160, 186, 201, 202, 204, 217, 218, 219, 221, 228, 229, 230, 231, 262, 267, 269,
    270, 271, 273, 292, 309, 318, 324, 332, 334, 439,
)  # fmt: skip
_OPEN, _OPENAT, _IOCTL, _CLONE, _CLONE3, _OPENAT2, _TGKILL, _PRLIMIT = 2, 257, 16, 56, 435, 437, 234, 302
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_THREAD: Final = 0x00010000
_IS_TERMINAL, _KEEP_ON_EXEC, _CLOSE_ON_EXEC = 0x5401, 0x5450, 0x5451
_Step = tuple[int, int, int, int]  # code, jump when true, jump when false, value


def is_offered() -> bool:
    """Whether this machine has a filter and we know its system calls by their numbers."""
    return platform.machine() == "x86_64" and Path("/proc/sys/kernel/seccomp/actions_avail").exists()


def install() -> None:
    """For ever, for all threads of this process."""
    if platform.machine() != "x86_64":
        return
    program = b"".join(struct.pack("=HBBI", *step) for step in _program())
    kept = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(kept))
    _libc.syscall(_SECCOMP, _SET_FILTER, _ALL_THREADS, head)


def _program() -> list[_Step]:
    refused = _ERRNO | errno.EPERM
    absent = _ERRNO | errno.ENOSYS
    steps: list[_Step] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, _ARCHITECTURE),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
    ]
    for number in _FREE:
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    for number in (_CLONE3, _OPENAT2):  # the C library then takes the older ones
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, absent)]
    steps += _judged(_OPEN, 1, (_ANY_BIT, 0, 1, _WRITING), when_so=refused, otherwise=_ALLOW)
    steps += _judged(_OPENAT, 2, (_ANY_BIT, 0, 1, _WRITING), when_so=refused, otherwise=_ALLOW)
    steps += _judged(_CLONE, 0, (_ANY_BIT, 0, 1, _THREAD), when_so=_ALLOW, otherwise=refused)
    steps += _judged(_TGKILL, 0, (_EQUAL, 0, 1, os.getpid()), when_so=_ALLOW, otherwise=refused)
    steps += _judged(_PRLIMIT, 0, (_EQUAL, 0, 1, 0), when_so=_ALLOW, otherwise=refused)
    for asked in (_IS_TERMINAL, _KEEP_ON_EXEC, _CLOSE_ON_EXEC):
        steps += _judged(_IOCTL, 1, (_EQUAL, 0, 1, asked), when_so=_ALLOW, otherwise=None)
    return [*steps, (_RETURN, 0, 0, refused)]


def _judged(number: int, argument: int, test: _Step, *, when_so: int, otherwise: int | None) -> list[_Step]:
    """One call, judged by the lower half of an argument; None: goes on as if nothing had been asked."""
    last = (_RETURN, 0, 0, otherwise) if otherwise is not None else (_LOAD, 0, 0, _NUMBER_AT)
    body = [(_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument), test, (_RETURN, 0, 0, when_so), last]
    return [(_EQUAL, 0, len(body), number), *body]
