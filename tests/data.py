"""The shared sample files: MANIFEST.csv of HELIOGRAPH_TESTDATA (default ../shared/testdata beside the checkout).

Nothing is copied into the project. ZIPs are unpacked once per session into a temporary folder. A test that lacks its data skips loudly.
"""

import atexit
import csv
import os
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("HELIOGRAPH_TESTDATA", Path(__file__).resolve().parents[2] / "shared" / "testdata"))
MISSING = "test data is missing"
_NOT_DICOM = (".json", ".hl7", ".dump", ".txt", ".md", ".csv")


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of the manifest."""

    name: str
    sha256: str
    size: int
    source: str
    sop_class: str
    modality: str
    transfer_syntax: str
    shape: str
    vendor: str
    exercises: str

    @property
    def path(self) -> Path:
        return ROOT / self.name

    @property
    def files(self) -> list[Path]:
        """The file itself, or what is inside the ZIP."""
        return _unpacked(self.name) if self.name.endswith(".zip") else [self.path]

    @property
    def is_dicom(self) -> bool:
        return not self.name.lower().endswith(_NOT_DICOM)

    @property
    def is_directory_record(self) -> bool:
        """A DICOMDIR: part of media, not an object to store."""
        return self.path.name.upper().startswith("DICOMDIR") or "Directory" in self.sop_class

    def read(self) -> bytes:
        return self.path.read_bytes()

    def __str__(self) -> str:
        return self.name


@cache
def _scratch() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="heliograph-testdata-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _unpacked(name: str) -> list[Path]:
    folder = _scratch() / name.removesuffix(".zip")
    with zipfile.ZipFile(ROOT / name) as archive:
        archive.extractall(folder)
    return sorted(path for path in folder.rglob("*") if path.is_file())


@cache
def manifest() -> tuple[Sample, ...]:
    """Every row; empty when the data is not there."""
    file = ROOT / "MANIFEST.csv"
    if not file.exists():
        return ()
    with file.open(newline="", encoding="utf-8") as rows:
        return tuple(
            Sample(
                name=row["path"],
                sha256=row["sha256"],
                size=int(row["bytes"]),
                source=row["source"],
                sop_class=row["sop_class"],
                modality=row["modality"],
                transfer_syntax=row["transfer_syntax"],
                shape=row["rows_x_cols_x_frames"],
                vendor=row["vendor"],
                exercises=row["exercises"],
            )
            for row in csv.DictReader(rows)
        )


def require() -> tuple[Sample, ...]:
    rows = manifest()
    if not rows:
        pytest.skip(f"{MISSING}: no MANIFEST.csv in {ROOT}; set HELIOGRAPH_TESTDATA")
    return rows


def named(name: str) -> Sample:
    """The row of this very path."""
    for row in require():
        if row.name == name:
            return row
    pytest.skip(f"{MISSING}: {name}")


def sample(**wanted: str) -> Sample:
    """The first row whose columns contain these texts: sample(modality="CT", exercises="MPR")."""
    return samples(**wanted)[0]


def samples(**wanted: str) -> list[Sample]:
    """All rows whose columns contain these texts (case does not matter)."""
    found = [
        row
        for row in require()
        if all(text.lower() in str(getattr(row, column)).lower() for column, text in wanted.items())
    ]
    if not found:
        pytest.skip(f"{MISSING}: nothing in the manifest has {wanted}")
    return found


def folder(name: str) -> list[Path]:
    """The files below a folder or inside a ZIP of the test data, sorted."""
    if name.endswith(".zip"):
        return named(name).files
    found = [row.path for row in require() if row.name.startswith(name.rstrip("/") + "/") and row.is_dicom]
    if not found:
        pytest.skip(f"{MISSING}: {name}")
    return sorted(found)


def all_dicom(*, zips: bool = False, directories: bool = False) -> list[Sample]:
    """Every DICOM row, for parametrize: ids=str. Empty when the data is missing; such a test must call require()."""
    return [
        row
        for row in manifest()
        if row.is_dicom and (zips or not row.name.endswith(".zip")) and (directories or not row.is_directory_record)
    ]
