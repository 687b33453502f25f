"""Every kind of object holds the attributes its IOD asks for (PS3.3 annex A), as dicom3tools sees it."""

import shutil
import subprocess
from pathlib import Path

import imagecodecs
import pydicom
import pytest
from pydicom.encaps import generate_frames
from pydicom.uid import HTJ2KLossless

from heliograph.demo._part10 import EXPLICIT
from tests.unit.demo.conftest import Hospital


def _kinds(hospital: Hospital) -> dict[str, Path]:
    """One file for each pair of SOP class and series description."""
    found: dict[str, Path] = {}
    for path in sorted(hospital.folder.rglob("*.dcm")):
        ds = pydicom.dcmread(path, stop_before_pixels=True)
        found.setdefault(f"{ds.SOPClassUID.name} / {ds.SeriesDescription}", path)
    return found


def _readable(path: Path, scratch: Path) -> Path:
    """HTJ2K is younger than the validator: it gets the same object with native pixels."""
    ds = pydicom.dcmread(path)
    if ds.file_meta.TransferSyntaxUID != HTJ2KLossless:
        return path
    pixels = imagecodecs.htj2k_decode(next(generate_frames(ds.PixelData, number_of_frames=1)))
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OW"
    ds["PixelData"].is_undefined_length = False
    ds.file_meta.TransferSyntaxUID = EXPLICIT
    ds.save_as(scratch / path.name)
    return scratch / path.name


def test_no_errors_in_any_kind_of_object(hospital: Hospital, tmp_path: Path) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dicom3tools is not installed")
    kinds = _kinds(hospital)
    assert len({k.split(" / ")[0] for k in kinds}) >= 14
    wrong = {}
    for kind, path in kinds.items():
        run = subprocess.run(["dciodvfy", _readable(path, tmp_path)], capture_output=True, text=True, check=False)
        errors = [line for line in (run.stdout + run.stderr).splitlines() if line.startswith("Error")]
        if errors:
            wrong[kind] = errors
    assert not wrong


def test_a_mix_of_transfer_syntaxes(hospital: Hospital) -> None:
    found = {
        pydicom.dcmread(f, stop_before_pixels=True).file_meta.TransferSyntaxUID for f in hospital.folder.rglob("*.dcm")
    }
    names = {uid.name for uid in found}
    assert {"Explicit VR Little Endian", "RLE Lossless", "JPEG-LS Lossless Image Compression"} <= names
    assert len(found) >= 6
