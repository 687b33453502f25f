"""Debian's own PostgreSQL as the external database: a cluster in a temporary folder on loopback, one database per server of ours."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peers.ports import free_port
from tests.peers.programs import Missing


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise Missing("PostgreSQL's server is not installed: apt-get install postgresql")
    return found[-1].parent


class Postgres:
    """Started by whoever may: PostgreSQL refuses root, so as root it runs as the `postgres` user that Debian made."""

    def __init__(self) -> None:
        self.bin = _binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="heliograph-pg-"))
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None

    def _run(self, *words: str) -> str:
        user = {} if self._user is None else {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=self.folder, **user)  # type: ignore[call-overload]  # a user where one is named
        if done.returncode != 0:
            raise AssertionError(f"{words[0]} ended with {done.returncode}: {done.stdout} {done.stderr}")
        return str(done.stdout)

    def __enter__(self) -> Self:
        secret = self.folder / "secret"
        secret.write_text(self.password, encoding="utf-8")
        if self._user is not None:
            for path in (self.folder, secret):
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
        data = str(self.folder / "data")
        self._run(
            str(self.bin / "initdb"),
            "-D",
            data,
            "-U",
            "harness",
            "-A",
            "scram-sha-256",
            "--pwfile",
            str(secret),
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        )
        self._control(
            "start",
            "-l",
            str(self.folder / "log"),
            "-o",
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=400",
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._control("stop", "-m", "fast")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _control(self, verb: str, *more: str) -> None:
        self._run(str(self.bin / "pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", "180", *more, verb)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://harness:{self.password}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        name = f"h{secrets.token_hex(6)}"
        self._run(str(self.bin / "psql"), self.url(), "-q", "-c", f"CREATE DATABASE {name}")
        return self.url(name)

    def restart(self, *, mode: str = "immediate") -> None:
        self._control("restart", "-m", mode, "-l", str(self.folder / "log"))
