"""Load from outside: wrk for many small answers, a bare socket for one huge one. The same client for every server."""

import json
import os
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.peers.programs import program

SCRIPT = Path(__file__).parent / "lua" / "urls.lua"


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw."""

    requests: int
    seconds: float
    bytes: float
    p50_ms: float
    p95_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def wrk(base: str, paths: Sequence[str], headers: Mapping[str, str], *, clients: int, seconds: float) -> Load:
    """Keep-alive connections that ask for the paths in turn; one answer above 399 fails the whole measurement."""
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder) / "paths"
        listing.write_text("".join(path + "\n" for path in paths), encoding="ascii")
        words = [
            program("wrk"),
            "-t1",
            f"-c{clients}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            "60s",
            "-s",
            os.fspath(SCRIPT),
            base,
            "--",
        ]
        done = subprocess.run(
            [*words, os.fspath(listing), *(f"{k}: {v}" for k, v in headers.items())],
            check=True,
            capture_output=True,
            text=True,
        )
    figures = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("JSON "))[5:])
    if figures.pop("bad_status") or figures.pop("broken") or not figures["requests"]:
        raise AssertionError(f"the answers were not all good: {done.stdout}")
    return Load(**figures)


def download(base: str, path: str, headers: Mapping[str, str], *, ca: Path | None = None) -> tuple[float, int]:
    """(seconds, body bytes) of one answer read from a bare socket into nothing; `ca` is trusted when the address is https."""
    where = urlsplit(base)
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {where.netloc}",
        "Connection: close",
        *(f"{k}: {v}" for k, v in headers.items()),
        "",
        "",
    ]
    room = memoryview(bytearray(1 << 20))
    began = time.perf_counter()
    with _wire(where.hostname or "", where.port or 0, ca) as wire:
        wire.sendall("\r\n".join(lines).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            part = wire.recv(65536)
            if not part:
                raise AssertionError("closed before the answer")
            head += part
        status = int(head.split(b" ", 2)[1])
        if status != 200:
            raise AssertionError(f"GET {path} answered {status}")
        size = len(head) - head.index(b"\r\n\r\n") - 4
        while received := wire.recv_into(room):
            size += received
    return time.perf_counter() - began, size


def _wire(host: str, port: int, ca: Path | None) -> socket.socket:
    plain = socket.create_connection((host, port), timeout=300)
    return plain if ca is None else ssl.create_default_context(cafile=ca).wrap_socket(plain, server_hostname=host)
