"""The servers under measurement, behind one small face."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

from bench.corpus import Corpus
from tests.peers import Dicom, dcmtk
from tests.peers.heliograph import Server
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port

CALLER = "BENCH"


class Target(Protocol):
    """Started on a folder; `fresh` empties it first."""

    name: str
    ca: Path | None  # whose certificates the HTTP clients trust, for an https address

    @property
    def dicom(self) -> Dicom: ...
    @property
    def stores(self) -> Dicom: ...
    @property
    def http(self) -> str: ...
    @property
    def headers(self) -> dict[str, str]: ...

    def start(self, *, fresh: bool = False) -> float: ...
    def stop(self) -> None: ...
    def pids(self) -> list[int]: ...
    def wait_settled(self, study_uid: str) -> None: ...


class OrthancTarget:
    """Debian's package with its defaults, which sync every file before the answer."""

    name = "orthanc"
    ca: Path | None = None

    def __init__(self, folder: Path, destination: Dicom) -> None:
        self.folder = folder / "orthanc"
        self._server = Orthanc(self.folder, modalities={destination.aet: destination})

    @property
    def dicom(self) -> Dicom:
        return self._server.dicom

    @property
    def stores(self) -> Dicom:
        return self._server.dicom

    @property
    def http(self) -> str:
        return self._server.http

    @property
    def headers(self) -> dict[str, str]:
        return {}

    def start(self, *, fresh: bool = False) -> float:
        if fresh:
            shutil.rmtree(self.folder, ignore_errors=True)
        return self._server.start().started_in_s

    def stop(self) -> None:
        self._server.stop()

    def pids(self) -> list[int]:
        return self._server.pids()

    def wait_settled(self, study_uid: str) -> None:
        """Orthanc prepares nothing when a study is complete."""


class HeliographTarget:
    """`heliograph serve` with its defaults: embedded database, local blobs."""

    name = "heliograph"
    ca: Path | None = None

    def __init__(self, folder: Path, destination: Dicom, *, options: tuple[str, ...] = ()) -> None:
        self.folder = folder / "heliograph"
        self._destination = destination
        self._options = options
        self._server = self._made()
        self._known = False

    def _made(self) -> Server:
        return Server(self.folder, options=self._options)

    @property
    def server(self) -> Server:
        return self._server

    @property
    def dicom(self) -> Dicom:
        return self._server.dicom

    @property
    def stores(self) -> Dicom:
        return self._server.dicom

    @property
    def http(self) -> str:
        return self._server.http

    @property
    def headers(self) -> dict[str, str]:
        return self._server.headers

    def start(self, *, fresh: bool = False) -> float:
        if fresh:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._server = self._made()
            self._known = False
        self._server.start()
        if not self._known:
            self._server.add_device(CALLER)
            self._server.add_device(self._destination.aet, self._destination.port)
            self._known = bool(self._server.token)
        return self._server.started_in_s

    def stop(self) -> None:
        self._server.close()

    def pids(self) -> list[int]:
        return self._server.pids()

    def wait_settled(self, study_uid: str, *, wait_s: float = 180) -> None:
        """The series documents are written after the quiet time."""
        deadline = time.monotonic() + wait_s
        with self._server.client() as client:
            while time.monotonic() < deadline:
                rows = (
                    client.post("/api/studies/search", json={"text": study_uid, "limit": 10})
                    .raise_for_status()
                    .json()["items"]
                )
                if rows and all(row["state"] == "settled" for row in rows if row["study_uid"] == study_uid):
                    return
                time.sleep(1)
        raise AssertionError(f"the study did not settle within {wait_s:.0f} s")


class Older(Server):
    """Another state of this project: its sources from a folder, with the packages of today."""

    sources: Path

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "heliograph", *super().command[1:]]

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "PYTHONPATH": os.fspath(self.sources / "src")}


class BeforeTarget(HeliographTarget):
    """The commit that is compared with, from a git worktree beside the data."""

    name = "before"

    def __init__(self, folder: Path, destination: Dicom, commit: str) -> None:
        self._sources = folder.parent / "before"
        if not self._sources.exists():
            subprocess.run(["git", "worktree", "add", "--quiet", "--detach", self._sources, commit], check=True)
        super().__init__(folder / "before", destination)

    def _made(self) -> Server:
        made = Older(self.folder)
        made.sources = self._sources
        return made


class Guarded(Server):
    """With the doors that have TLS, beside those of loopback."""

    def _choose_ports(self, aet: str) -> None:
        super()._choose_ports(aet)
        self.tls = Dicom("127.0.0.1", free_port(), aet)
        self.https_port = free_port()

    @property
    def command(self) -> list[str]:
        return [
            *super().command, "--dicom-tls", f"127.0.0.1:{self.tls.port}", "--https", f"127.0.0.1:{self.https_port}",
        ]  # fmt: skip


class TlsTarget(HeliographTarget):
    """Through the doors with TLS, as a device with a certificate; DCMTK's C-GET and C-MOVE know no TLS and stay plain."""

    name = "with tls"

    def __init__(self, folder: Path, destination: Dicom) -> None:
        super().__init__(folder / "tls", destination)

    def _made(self) -> Server:
        self._guarded = Guarded(self.folder)
        return self._guarded

    @property
    def papers(self) -> Path:
        return self.folder.with_name("papers")

    @property
    def stores(self) -> Dicom:
        key, certificate, ca = (self.papers / name for name in (f"{CALLER}.key", f"{CALLER}.pem", "ca.pem"))
        options = ("+tls", os.fspath(key), os.fspath(certificate), "+cf", os.fspath(ca))
        return self._guarded.tls._replace(options=options)

    @property
    def http(self) -> str:
        return f"https://localhost:{self._guarded.https_port}"

    def start(self, *, fresh: bool = False) -> float:
        seconds = super().start(fresh=fresh)
        self.ca = self.papers / "ca.pem"
        if fresh:
            shutil.rmtree(self.papers, ignore_errors=True)
            self.server.cli("device", "certify", "--aet", CALLER, "--out", os.fspath(self.papers))
            # What has no TLS is known by its address: a title alone is not believed once there is a certificate.
            self.server.cli(
                "device", "add", "--aet", CALLER, "--host", "127.0.0.1", "--pin", "--allow", "echo,store,find,move,get"
            )
        return seconds


def load(target: Target, corpus: Corpus) -> None:
    """The read steps' data, once; a target keeps its folder over the rounds."""
    target.start(fresh=True)
    for folder in (corpus.small_folder, corpus.large_folder):
        done = dcmtk.storescu(target.stores, folder, calling=CALLER, timeout=1800)
        if done.code != 0:
            raise AssertionError(f"loading failed: {done.text[-2000:]}")
    target.wait_settled(corpus.study_uid)
    target.stop()
