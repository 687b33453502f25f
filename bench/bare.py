"""Programs that do nothing with what comes and send always the same: what TLS costs by itself, with the clients of `bench.steps`.

`python -m bench.bare PORT [CERTIFICATE KEY]` answers every GET with one frame of 524,288 bytes.
"""

import asyncio
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, cast

import uvloop

from bench.load import download
from tests.peers import Dicom
from tests.peers.ports import free_port
from tests.peers.programs import program

FRAME: Final = bytes(512 * 512 * 2)
STEPS: Final = ("frames1", "frames4")


class Answers(asyncio.Protocol):
    """The shortest server that the clients take for one."""

    _answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % len(FRAME) + FRAME
    )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._answer)
        if b"Connection: close" in data:
            self._transport.close()


async def serve(port: int, papers: list[str]) -> None:
    context = None
    if papers:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*papers)
    server = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", port, ssl=context)
    await server.serve_forever()


class BareTarget:
    """The server above in the place of an archive, for steps that only read by HTTP."""

    dicom = stores = Dicom("127.0.0.1", 0, "NOBODY")
    ca: Path | None = None

    def __init__(self, folder: Path, *, tls: bool) -> None:
        self.name = "bare with tls" if tls else "bare"
        self.folder = folder / self.name.replace(" ", "-")
        self._tls = tls
        self._running: list[subprocess.Popen[bytes]] = []

    @property
    def http(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self._port}"

    @property
    def headers(self) -> dict[str, str]:
        return {}

    def start(self, *, fresh: bool = False) -> float:
        began = time.monotonic()
        if fresh or not self.folder.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
        papers = self._papers() if self._tls else []
        self._port = free_port()
        self._running = [subprocess.Popen([sys.executable, "-m", "bench.bare", str(self._port), *papers])]
        self.ca = Path(papers[0]) if papers else None
        while True:
            try:
                download(self.http, "/", {}, ca=self.ca)
            except OSError:
                if time.monotonic() - began > 60:
                    raise
                time.sleep(0.05)
            else:
                return time.monotonic() - began

    def _papers(self) -> list[str]:
        certificate, key = self.folder / "own.pem", self.folder / "own.key"
        if not key.exists():
            subprocess.run(
                [
                    program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate,
                ],
                check=True, capture_output=True,
            )  # fmt: skip
        return [str(certificate), str(key)]

    def stop(self) -> None:
        for one in self._running:
            one.kill()
            one.wait()
        self._running = []

    def pids(self) -> list[int]:
        return [one.pid for one in self._running]

    def wait_settled(self, study_uid: str) -> None:
        """Nothing is kept, nothing settles."""


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2:]))
