"""The servers under measurement, behind one small face."""

import shutil
import time
from pathlib import Path
from typing import Protocol

from bench.corpus import Corpus
from tests.peers import Dicom, dcmtk
from tests.peers.heliograph import Server
from tests.peers.orthanc import Orthanc

CALLER = "BENCH"


class Target(Protocol):
    """Started on a folder; `fresh` empties it first."""

    name: str

    @property
    def dicom(self) -> Dicom: ...
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

    def __init__(self, folder: Path, destination: Dicom) -> None:
        self.folder = folder / "orthanc"
        self._server = Orthanc(self.folder, modalities={destination.aet: destination})

    @property
    def dicom(self) -> Dicom:
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

    def __init__(self, folder: Path, destination: Dicom, *, options: tuple[str, ...] = ()) -> None:
        self.folder = folder / "heliograph"
        self._destination = destination
        self._options = options
        self._server = Server(self.folder, options=options)
        self._known = False

    @property
    def server(self) -> Server:
        return self._server

    @property
    def dicom(self) -> Dicom:
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
            self._server = Server(self.folder, options=self._options)
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


def load(target: Target, corpus: Corpus) -> None:
    """The read steps' data, once; a target keeps its folder over the rounds."""
    target.start(fresh=True)
    for folder in (corpus.small_folder, corpus.large_folder):
        done = dcmtk.storescu(target.dicom, folder, calling=CALLER, timeout=1800)
        if done.code != 0:
            raise AssertionError(f"loading failed: {done.text[-2000:]}")
    target.wait_settled(corpus.study_uid)
    target.stop()
