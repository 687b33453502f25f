"""What the kernel says about a family of processes: members, memory, CPU time, and their end."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

MARK = "HELIOGRAPH_HARNESS"
_TICKS = os.sysconf("SC_CLK_TCK")


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name; [0] state, [1] parent, [11..14] CPU ticks. Empty when gone."""
    text = _read(pid, "stat").decode(errors="replace")
    return text.rpartition(")")[2].split()


def name_of(pid: int) -> str:
    return _read(pid, "comm").decode(errors="replace").strip()


def arguments_of(pid: int) -> bytes:
    """Its command line, words ended by NUL; empty when gone."""
    return _read(pid, "cmdline")


def parent_of(pid: int) -> int:
    """0 when it is gone."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def is_alive(pid: int) -> bool:
    fields = _stat(pid)
    return bool(fields) and fields[0] not in "ZX"


def family(mark: str, folder: Path | None = None, root: int | None = None) -> list[int]:
    """Every live process that carries the mark in its environment, names the folder in its arguments, or descends from root."""
    wanted = f"{MARK}={mark}".encode()
    place = os.fsencode(str(folder)) if folder else None
    parents, found = {}, set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or entry.name == str(os.getpid()):
            continue
        pid = int(entry.name)
        fields = _stat(pid)
        if not fields or fields[0] in "ZX":
            continue
        parents[pid] = int(fields[1])
        arguments = _read(pid, "cmdline").split(b"\0")
        if wanted in _read(pid, "environ").split(b"\0") or (
            place and name_of(pid) == "postgres" and any(place in a for a in arguments)
        ):
            found.add(pid)
    if root is not None and root in parents:
        found.add(root)
    grew = True
    while grew:
        children = {pid for pid, parent in parents.items() if parent in found} - found
        found |= children
        grew = bool(children)
    return sorted(found)


def pss_bytes(pids: Iterable[int]) -> int:
    """Proportional set size: shared pages are counted once over the family."""
    total = 0
    for pid in pids:
        for line in _read(pid, "smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def cpu_s(pids: Iterable[int]) -> float:
    """User and system time of these processes and of their children that ended."""
    total = 0
    for pid in pids:
        fields = _stat(pid)
        if fields:
            total += sum(int(value) for value in fields[11:15])
    return total / _TICKS


def kill_all(pids: Iterable[int], *, wait_s: float = 60.0) -> None:
    """SIGKILL, and wait until the kernel has let go of all of them."""
    pids = list(pids)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + wait_s
    while any(is_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            raise TimeoutError(f"these processes did not die: {[p for p in pids if is_alive(p)]}")
        time.sleep(0.01)
