"""Keeping the processes of one installation alive and ending them together.

Each child says `ready` on its standard output; its standard input is a pipe from here, so that a child whose supervisor was
killed reads the end and stops by itself.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from heliograph.engine import telemetry
from heliograph.kit.errors import Broken

_STOP_S = 6.0
_CALM_S = 30.0
_MOST_PAUSE_S = 10.0


@dataclass(slots=True)
class Child:
    """One process: `argv` to start it, `payload` for its standard input, `environment` added to ours, `files` it inherits."""

    name: str
    argv: Sequence[str]
    payload: bytes
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    ready: threading.Event = field(default_factory=threading.Event)
    started_s: float = 0.0
    restart_at_s: float = 0.0
    failures: int = 0

    def start(self) -> None:
        self.ready.clear()
        self.started_s = time.monotonic()
        environment = {**os.environ, **self.environment}
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, pass_fds=self.files
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(self.payload + b"\n")
        self.process.stdin.flush()
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == b"ready" and process is self.process:
                self.ready.set()


def pause_s(failures: int) -> float:
    """Seconds before a child that died this often in a row is started again; it may go on for days."""
    return min(_MOST_PAUSE_S, 0.2 * 2.0 ** min(failures, 16))


class Supervisor:
    """Starts children, restarts what dies, publishes the state in a file, stops all within ten seconds."""

    def __init__(self, children: list[Child], state_file: Path, check: Callable[[], None]) -> None:
        """`check` is called every half second (it keeps the database server alive)."""
        self._children = children
        self._state_file = state_file
        self._check = check
        self._stop = threading.Event()
        self._was_ready = False
        self._is_told = False

    def run(self, on_ready: Callable[[], None]) -> None:
        """Returns after SIGTERM or SIGINT, when every child has ended."""
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda *_: self._stop.set())
        try:
            for child in self._children:
                child.start()
            while not self._stop.wait(0.05 if not self._was_ready else 0.5):
                self._check()
                self._look_after()
                self._publish(on_ready)
        finally:
            self._end()

    def _look_after(self) -> None:
        at = time.monotonic()
        for child in self._children:
            if child.process is None:
                if at >= child.restart_at_s:
                    self._start_again(child)
                continue
            status = child.process.poll()
            if status is None:
                if at - child.started_s > _CALM_S:
                    child.failures = 0
                continue
            telemetry.fact("process_died", process=child.name, exit=status)
            child.process = None
            child.ready.clear()
            child.failures += 1
            if not self._was_ready and child.failures > 2:
                raise Broken(
                    f"the process {child.name} does not start; its message stands above", code="process_failed"
                )
            child.restart_at_s = at + pause_s(child.failures)

    def _start_again(self, child: Child) -> None:
        """A machine that has no memory for it now must not take the other children along."""
        try:
            child.start()
        except OSError as error:
            telemetry.trouble("process_not_started", error, process=child.name)
            child.failures += 1
            child.restart_at_s = time.monotonic() + pause_s(child.failures)

    def _publish(self, on_ready: Callable[[], None]) -> None:
        state = {child.name: child.ready.is_set() for child in self._children}
        text = json.dumps({"pid": os.getpid(), "processes": state, "ready": all(state.values())})
        try:
            if not self._state_file.exists() or self._state_file.read_text() != text:
                new = self._state_file.with_suffix(".new")
                new.write_text(text)
                new.replace(self._state_file)
        except OSError as error:  # a full disk is no reason to end: what receives says so by itself
            if not self._is_told:
                telemetry.trouble("state_not_written", error)
            self._is_told = True
        if all(state.values()) and not self._was_ready:
            self._was_ready = True
            on_ready()

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            self._state_file.unlink()
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + _STOP_S
        for process in running:
            try:
                process.wait(max(0.05, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()


def child_payload() -> bytes:
    """In a child: the payload line; then ends this process when the supervisor goes away."""
    payload = sys.stdin.buffer.readline()

    def watch() -> None:
        # os.read: a buffered read would hold a lock that the interpreter wants at its end.
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_STOP_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    return payload
