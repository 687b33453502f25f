"""Debian's Orthanc with DICOMweb on random loopback ports: its default, durable storage, in a folder that we name."""

import json
import subprocess
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.peers import Dicom, processes
from tests.peers.ports import free_port
from tests.peers.programs import program

DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


class Orthanc:
    """Configuration as shipped (files synced before the answer, SQLite index), open to every caller of this machine."""

    def __init__(
        self,
        folder: Path,
        *,
        aet: str = "ORTHANC",
        modalities: dict[str, Dicom] | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self.http_port = free_port()
        self.http = f"http://127.0.0.1:{self.http_port}"
        self.dicom = Dicom("127.0.0.1", free_port(), aet)
        self.modalities = modalities or {}
        self.more = more or {}
        self.log = folder.with_name(folder.name + ".log")
        self.process: subprocess.Popen[bytes] | None = None
        self.started_in_s = 0.0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def configuration(self) -> dict[str, Any]:
        return {
            "Name": "peer",
            "HttpPort": self.http_port,
            "DicomPort": self.dicom.port,
            "DicomAet": self.dicom.aet,
            "DicomCheckCalledAet": False,
            "StorageDirectory": str(self.folder),
            "IndexDirectory": str(self.folder),
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomScuTimeout": 60,
            "DicomScpTimeout": 60,
            "DicomAlwaysAllowEcho": True,
            "DicomAlwaysAllowStore": True,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True,
            "UnknownSopClassAccepted": True,
            "DicomModalities": {name: [where.aet, where.host, where.port] for name, where in self.modalities.items()},
            "Plugins": [str(DICOMWEB)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "Host": f"127.0.0.1:{self.http_port}"},
            **self.more,
        }

    def start(self, *, wait_s: float = 150.0) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder.with_name(self.folder.name + ".json")
        file.write_text(json.dumps(self.configuration, indent=1), encoding="utf-8")
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [program("Orthanc"), str(file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={processes.MARK: self.mark},
                start_new_session=True,
            )
        with httpx.Client(timeout=30, trust_env=False) as client:
            while True:
                if self.process.poll() is not None:
                    raise AssertionError(
                        f"Orthanc ended with {self.process.returncode}:\n{self.log.read_text(errors='replace')[-3000:]}"
                    )
                try:
                    if client.get(f"{self.http}/system").status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                if time.monotonic() - began > wait_s:
                    raise AssertionError(f"Orthanc was not ready after {wait_s:.0f} s")
                time.sleep(0.02)
        self.started_in_s = time.monotonic() - began
        return self

    def stop(self, wait_s: float = 30.0) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(wait_s)
        except subprocess.TimeoutExpired:
            processes.kill_all(self.pids())
            self.process.wait(60)
        self.process = None

    def kill(self) -> None:
        processes.kill_all(self.pids())
        if self.process is not None:
            self.process.wait(60)
        self.process = None

    def restart(self) -> Self:
        self.stop()
        return self.start()

    def pids(self) -> list[int]:
        return processes.family(self.mark, None, self.process.pid if self.process else None)

    def client(self, **options: Any) -> httpx.Client:
        options = {"timeout": 120, "trust_env": False, **options}
        return httpx.Client(base_url=self.http, **options)

    @property
    def headers(self) -> dict[str, str]:
        return {}

    def statistics(self) -> dict[str, Any]:
        with self.client() as client:
            answer: dict[str, Any] = client.get("/statistics").json()
        return answer
