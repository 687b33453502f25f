"""DCMTK's command-line programs: the senders and askers that most modalities' makers test with."""

import os
import re
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from pydicom import Dataset, dcmread

from tests.peers import Dicom, processes
from tests.peers.ports import free_port
from tests.peers.programs import program


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended, and all that it said."""

    code: int
    text: str
    seconds: float
    files: tuple[Path, ...] = field(default=())

    @property
    def statuses(self) -> tuple[int, ...]:
        """The DIMSE status words in verbose output, in order."""
        return tuple(int(code, 16) for code in re.findall(r"DIMSE Status\s*:\s*0x([0-9a-fA-F]{4})", self.text))


def _run(arguments: Sequence[str | Path], *, timeout: float = 600, cwd: Path | None = None) -> Done:
    began = time.monotonic()
    done = subprocess.run(
        [os.fspath(word) for word in arguments], check=False, capture_output=True, timeout=timeout, cwd=cwd
    )
    text = (done.stdout + done.stderr).decode(errors="replace")
    return Done(done.returncode, text, time.monotonic() - began)


def _keys(keys: Mapping[str, str]) -> list[str]:
    return [word for name, value in keys.items() for word in ("-k", f"{name}={value}" if value else name)]


def echoscu(to: Dicom, *, calling: str = "DCMTK") -> Done:
    return _run([program("echoscu"), "-aet", calling, "-aec", to.aet, to.host, str(to.port)], timeout=120)


def storescu_command(
    to: Dicom, paths: Iterable[Path], *, calling: str = "DCMTK", options: Sequence[str] = ()
) -> list[str]:
    """One association; required presentation contexts only, so that any number of SOP classes fits."""
    own = ["+sd", "+r", "-R", "-aet", calling, "-aec", to.aet]
    return [
        program("storescu"),
        *own,
        *to.options,
        *options,
        to.host,
        str(to.port),
        *(os.fspath(path) for path in paths),
    ]


def storescu(
    to: Dicom, *paths: Path, calling: str = "DCMTK", options: Sequence[str] = (), timeout: float = 600
) -> Done:
    return _run(storescu_command(to, paths, calling=calling, options=options), timeout=timeout)


def storescu_many(to: Dicom, folders: Sequence[Path], *, calling: str = "DCMTK", timeout: float = 600) -> list[Done]:
    """One storescu per folder, all at the same time."""
    began = time.monotonic()
    running = [
        subprocess.Popen(
            storescu_command(to, [folder], calling=calling), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for folder in folders
    ]
    done = []
    for child in running:
        text, _ = child.communicate(timeout=timeout)
        done.append(Done(child.returncode, text.decode(errors="replace"), time.monotonic() - began))
    return done


def dcmsend(to: Dicom, *paths: Path, calling: str = "DCMTK", options: Sequence[str] = (), timeout: float = 600) -> Done:
    own = ["-v", "+sd", "+r", "-nuc", "-aet", calling, "-aec", to.aet]
    return _run([program("dcmsend"), *own, *options, to.host, str(to.port), *paths], timeout=timeout)


def findscu(
    of: Dicom,
    keys: Mapping[str, str],
    *,
    folder: Path,
    root: str = "-S",
    calling: str = "DCMTK",
    options: Sequence[str] = (),
) -> list[Dataset]:
    """Identifiers of the pending answers; `keys` as DCMTK writes them: {"QueryRetrieveLevel": "STUDY", "PatientName": "DOE*"}."""
    folder.mkdir(parents=True, exist_ok=True)
    own = ["-X", "-od", os.fspath(folder), root, "-aet", calling, "-aec", of.aet, *_keys(keys), *options]
    done = _run([program("findscu"), *own, of.host, str(of.port)], timeout=240)
    if done.code != 0:
        raise AssertionError(f"findscu ended with {done.code}: {done.text[-2000:]}")
    return [dcmread(path, force=True) for path in sorted(folder.glob("rsp*.dcm"))]


def getscu(
    of: Dicom,
    keys: Mapping[str, str],
    *,
    folder: Path,
    root: str = "-S",
    calling: str = "DCMTK",
    options: Sequence[str] = ("+B",),
    timeout: float = 600,
) -> Done:
    """C-GET into the folder, bytes written as they came."""
    folder.mkdir(parents=True, exist_ok=True)
    own = ["-v", "-od", os.fspath(folder), root, "-aet", calling, "-aec", of.aet, *options, *_keys(keys)]
    done = _run([program("getscu"), *own, of.host, str(of.port)], timeout=timeout)
    return Done(done.code, done.text, done.seconds, tuple(sorted(folder.iterdir())))


def movescu(
    of: Dicom,
    destination: str,
    keys: Mapping[str, str],
    *,
    root: str = "-S",
    calling: str = "DCMTK",
    options: Sequence[str] = (),
    timeout: float = 600,
) -> Done:
    """C-MOVE to an entity that `of` knows by its title."""
    own = ["-v", root, "-aet", calling, "-aec", of.aet, "-aem", destination, *options, *_keys(keys)]
    return _run([program("movescu"), *own, of.host, str(of.port)], timeout=timeout)


class Storescp:
    """A receiver that writes what it gets, bit for bit; `--ignore` in options throws it away (benchmarks)."""

    def __init__(
        self,
        folder: Path,
        *,
        aet: str = "STORESCP",
        options: Sequence[str] = ("+B", "+xa", "-pm"),
        port: int | None = None,
    ) -> None:
        self.folder = folder
        self.options = options
        self.dicom = Dicom("127.0.0.1", port or free_port(), aet)
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        own = ["--fork", "-aet", self.dicom.aet, "-od", os.fspath(self.folder)]
        self.process = subprocess.Popen(
            [program("storescp"), *own, *self.options, str(self.dicom.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 90
        while echoscu(self.dicom).code != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("storescp does not answer")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            processes.kill_all(processes.family("", None, self.process.pid))
            self.process.wait(60)

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.is_file())
