"""A real `heliograph serve` on random loopback ports, as a person would start it."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import httpx

from heliograph.engine.db import EmbeddedPostgres
from tests.peers import Dicom, processes
from tests.peers.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).with_name("heliograph")
READY_S = float(os.environ.get("HELIOGRAPH_READY_S", "150"))
EMBEDDED = "embedded"


class DidNotStart(AssertionError):
    """The server ended or stayed silent; the message carries the end of its log."""


class Server:
    """One data folder and the program on it; ports stay the same over restarts.

    `database` is the URL of one, EMBEDDED, or None: what this run of the tests is about.
    """

    # Makes an empty database for each server, in a run against an external PostgreSQL (tests/conftest.py); None: embedded.
    new_database: ClassVar[Callable[[], str] | None] = None

    def __init__(
        self,
        data: Path,
        *,
        aet: str = "HELIOGRAPH",
        options: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        log: Path | None = None,
        database: str | None = None,
    ) -> None:
        self.data = data
        if database is None:
            database = EMBEDDED if Server.new_database is None else Server.new_database()
        self.external_database = None if database == EMBEDDED else database
        self.options = options if database == EMBEDDED else (*options, "--database", database)
        self.env = env or {}
        self.mark = uuid.uuid4().hex
        self.log = log or data.with_name(data.name + ".log")
        self._choose_ports(aet)
        self.process: subprocess.Popen[bytes] | None = None
        self.started_in_s = 0.0
        self._token: str | None = None

    def _choose_ports(self, aet: str) -> None:
        self.http_port = free_port()
        self.http = f"http://127.0.0.1:{self.http_port}"
        self.dicom = Dicom("127.0.0.1", free_port(), aet)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def database_url(self) -> str:
        return self.external_database or EmbeddedPostgres(self.data / "database").url

    @property
    def command(self) -> list[str]:
        dicom = f"{self.dicom.host}:{self.dicom.port}"
        own = [
            "--data",
            str(self.data),
            "--http",
            f"127.0.0.1:{self.http_port}",
            "--dicom",
            dicom,
            "--aet",
            self.dicom.aet,
        ]
        return [str(PROGRAM), "serve", *own, *self.options]

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("HELIOGRAPH_")}
        return {**kept, processes.MARK: self.mark, **self.env}

    def start(self, *, wait_s: float = READY_S, until_ready: bool = True) -> Self:
        self.data.parent.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        self._spawn()
        if until_ready:
            try:
                self.wait_ready(wait_s)
            except DidNotStart:
                # A port that was free when it was chosen may be another's by the first start.
                if self.started_in_s or "is taken" not in self.log_tail():
                    raise
                self._choose_ports(self.dicom.aet)
                self._spawn()
                self.wait_ready(wait_s)
            self.started_in_s = time.monotonic() - began
        return self

    def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                cwd=self.log.parent,
                start_new_session=True,
            )

    def start_unless_running(self) -> Self:
        return self if self.process is not None and self.process.poll() is None else self.start()

    def wait_ready(self, wait_s: float = READY_S) -> None:
        deadline = time.monotonic() + wait_s
        with httpx.Client(timeout=30, trust_env=False) as client:
            while True:
                if self.process is None or self.process.poll() is not None:
                    code = self.process.returncode if self.process else None
                    raise DidNotStart(f"heliograph serve ended with {code}; its log ends:\n{self.log_tail()}")
                try:
                    if client.get(f"{self.http}/readyz").status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                if time.monotonic() > deadline:
                    raise DidNotStart(f"not ready after {wait_s:.0f} s; its log ends:\n{self.log_tail()}")
                time.sleep(0.02)

    def log_tail(self, lines: int = 40) -> str:
        return (
            "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else "(no log)"
        )

    def pids(self) -> list[int]:
        """Supervisor, doors, workers and the embedded database."""
        return processes.family(self.mark, self.data, self.process.pid if self.process else None)

    def database_pids(self) -> list[int]:
        return [pid for pid in self.pids() if processes.name_of(pid) == "postgres"]

    def stop(self, wait_s: float = 90.0) -> float:
        """SIGTERM as a service manager sends it; the seconds until the last process is gone."""
        if self.process is None:
            return 0.0
        began = time.monotonic()
        members = self.pids()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(wait_s)
        except subprocess.TimeoutExpired:
            processes.kill_all(self.pids())
            raise AssertionError(
                f"SIGTERM did not end it within {wait_s:.0f} s; its log ends:\n{self.log_tail()}"
            ) from None
        while left := [pid for pid in members if processes.is_alive(pid)]:
            if time.monotonic() - began > wait_s:
                names = [processes.name_of(pid) for pid in left]
                processes.kill_all(left)
                raise AssertionError(f"the supervisor ended but left {names} behind")
            time.sleep(0.02)
        self.process = None
        return time.monotonic() - began

    def kill(self, *, database: bool = False) -> None:
        """SIGKILL to every process of ours at once; the database server dies too when asked."""
        members = self.pids()
        spared = set() if database else {pid for pid in members if processes.name_of(pid) in {"postgres", "unshare"}}
        processes.kill_all([pid for pid in members if pid not in spared])
        if self.process is not None:
            self.process.wait(60)
        late = [pid for pid in self.pids() if pid not in spared and (database or processes.name_of(pid) != "postgres")]
        processes.kill_all(late)
        self.process = None

    def kill_database(self) -> None:
        processes.kill_all(self.database_pids())

    def restart(self, *, wait_s: float = READY_S) -> Self:
        self.stop()
        return self.start(wait_s=wait_s)

    def close(self) -> None:
        """The end of a test: stop in order when possible, and leave nothing behind in any case."""
        try:
            if self.process is not None and self.process.poll() is None:
                self.stop()
        finally:
            processes.kill_all(self.pids())
            self.process = None

    def cli(self, *arguments: str, check: bool = True, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """`heliograph COMMAND --data DIR ...`, whether the server runs or not."""
        command, *rest = arguments
        words = [command]
        while (
            rest
            and not rest[0].startswith("-")
            and command in {"audit", "ca", "device", "node", "secrets", "tenant", "token", "user"}
        ):
            words.append(rest.pop(0))
        done = subprocess.run(
            [str(PROGRAM), *words, "--data", str(self.data), *rest],
            check=False, capture_output=True, text=True, env=self.environment, timeout=timeout,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(
                f"heliograph {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
            )
        return done

    @property
    def token(self) -> str:
        """A bearer token with all scopes, made once."""
        if self._token is None:
            self._token = self.cli("token", "--name", "harness", "--scope", "all").stdout.strip()
        return self._token

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def client(self, **options: Any) -> httpx.Client:
        options = {"timeout": 120, "trust_env": False, **options}
        return httpx.Client(base_url=self.http, headers=self.headers, **options)

    def sign_in_link(self, name: str = "admin") -> str:
        """A one-time link as `heliograph user link` prints it, on the address that this server listens on."""
        words = self.cli("user", "link", "--name", name).stdout.split()
        link = next(word for word in words if word.startswith("http"))
        _scheme, _, rest = link.partition("://")
        return f"{self.http}/{rest.partition('/')[2]}"

    def add_device(self, aet: str, port: int = 104, allow: str = "echo,store,find,move,get") -> None:
        self.cli("device", "add", "--aet", aet, "--host", "127.0.0.1", "--port", str(port), "--allow", allow)

    def verify(self) -> subprocess.CompletedProcess[str]:
        """`heliograph verify`: every blob re-read and compared with its row; ends with 0 when all is well."""
        return self.cli("verify", check=False, timeout=600)
