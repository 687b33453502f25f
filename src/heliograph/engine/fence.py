"""What a process that reads foreign bytes may still ask of the kernel: next to nothing.

Landlock leaves it the code of the program, to read; seccomp leaves it memory, threads and the files that are open. No network, no
other program, no other process, no file of an installation. A kernel that offers less is named by `missing`.
"""

import contextlib
import ctypes
import os
import platform
import resource
import socket
import struct
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import heliograph
from heliograph.engine import _seccomp

_PR_SET_NO_NEW_PRIVS: Final = 38
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446  # the same on every processor
_LANDLOCK_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_READ: Final = 1 << 2 | 1 << 3  # files and folders
_ACCESS_BITS: Final = {1: 13, 2: 14, 3: 15, 4: 15}  # version -> how many kinds of access it knows; later ones 16
_NO_TCP: Final = 1 << 0 | 1 << 1  # bind, connect (version 4)
_SCOPED: Final = 1 << 0 | 1 << 1  # abstract sockets, signals (version 6)
_LIBRARIES: Final = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
_OPEN_FILES: Final = 64
_NO_CORE: Final = 1  # of one byte the kernel writes none, into a pipe neither (0 does not keep it from that)
_libc = ctypes.CDLL(None, use_errno=True)


def leave_no_core() -> None:
    """For this process and all that it starts, the database included: one that dies leaves no image of its memory, which holds patients' words."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    with contextlib.suppress(ValueError, OSError):
        least = _NO_CORE if most == resource.RLIM_INFINITY else min(_NO_CORE, most)
        resource.setrlimit(resource.RLIMIT_CORE, (least, least))


def shut(memory_bytes: int) -> None:
    """For ever, for this process: call it while it has one thread, before it sees the first foreign byte."""
    leave_no_core()
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        resource.setrlimit(kind, (most, most))
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _lock_files()
    _seccomp.install()


def missing() -> tuple[str, ...]:
    """What this kernel does not offer; empty where the fence is whole."""
    lacks = []
    version = _landlock_version()
    if version < 1:
        lacks.append("Landlock, which keeps decoders from all files")
    if not _seccomp.is_offered():
        lacks.append(
            f"a filter of system calls for {platform.machine()}, which keeps decoders from network and programs"
        )
    return tuple(lacks)


def holes() -> str:
    """Run inside of the fence: the names of the things that can be done and must not be."""
    return " ".join(name for name, attempt in _attempts() if _succeeds(attempt))


def _attempts() -> Iterator[tuple[str, Callable[[], object]]]:
    yield "read_a_file", lambda: Path("/etc/passwd").read_bytes()
    yield "list_a_folder", lambda: list(Path("/").iterdir())
    yield "write_a_file", lambda: Path(f"/tmp/fence-{os.getpid()}").write_bytes(b"x")  # noqa: S108 it must not come to be
    yield "open_a_socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    yield "open_a_local_socket", socket.socketpair
    yield "signal_another", lambda: os.kill(os.getppid(), 0)
    yield "start_a_program", lambda: os.execv("/bin/true", ["true"])  # noqa: S606 it must not run
    yield "start_a_process", _fork
    yield "trace", lambda: _called(_libc.ptrace(0, 0, 0, 0))


def _fork() -> None:
    if not os.fork():
        os._exit(0)


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


def _called(answer: int) -> int:
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def _landlock_version() -> int:
    return int(_libc.syscall(_LANDLOCK_CREATE, None, 0, _LANDLOCK_VERSION))


def _lock_files() -> None:
    """No file but the code; no TCP, no abstract socket and no signal out, where the kernel knows these."""
    version = _landlock_version()
    if version < 1:
        return
    handled = (1 << _ACCESS_BITS.get(version, 16)) - 1
    rules = struct.pack("=QQQ", handled, _NO_TCP, _SCOPED)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    made = _called(_libc.syscall(_LANDLOCK_CREATE, rules, len(rules), 0))
    try:
        for place in _code():
            _allow(made, place)
        _called(_libc.syscall(_LANDLOCK_RESTRICT, made, 0))
    finally:
        os.close(made)


def _allow(rules: int, place: Path) -> None:
    try:
        opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        kinds = _READ if place.is_dir() else 1 << 2
        _called(_libc.syscall(_LANDLOCK_ADD, rules, _PATH_BENEATH, struct.pack("=Qi", kinds, opened), 0))
    finally:
        os.close(opened)


def _code() -> Iterable[Path]:
    """Where the interpreter, its packages, and this program lie."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    base = [sysconfig.get_path(name, vars={"base": sys.base_prefix, "platbase": sys.base_prefix}) for name in names]
    own = [sysconfig.get_path(name) for name in names]
    return {Path(place) for place in (*base, *own, *_LIBRARIES, *heliograph.__path__)}
