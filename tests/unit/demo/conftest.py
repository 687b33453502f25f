"""A small sample hospital: one exam of every kind, made once for all tests here."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames

from heliograph import demo

TODAY = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SCALE = 0.2
EXAMS = (
    "ct-head-bleed",
    "ct-head-prior",
    "ct-chest",
    "ct-abdomen-2",
    "mr-brain",
    "pet-ct",
    "cr-chest",
    "dx-chest-4",
    "dx-hand-2",
    "mg-screening",
    "us-heart",
    "us-abdomen-2",
    "us-carotid",
    "xa-heart",
    "nm-bone",
    "photo",
    "letter",
)


_DECODERS = {
    "1.2.840.10008.1.2.4.50": imagecodecs.jpeg8_decode,
    "1.2.840.10008.1.2.4.70": imagecodecs.jpeg8_decode,
    "1.2.840.10008.1.2.4.80": imagecodecs.jpegls_decode,
    "1.2.840.10008.1.2.4.90": imagecodecs.jpeg2k_decode,
    "1.2.840.10008.1.2.4.201": imagecodecs.htj2k_decode,
}


def pixels(ds: FileDataset) -> np.ndarray:
    """Stored values, all frames of a multi-frame object."""
    decode = _DECODERS.get(ds.file_meta.TransferSyntaxUID)
    if decode is None:
        return ds.pixel_array
    count = int(ds.get("NumberOfFrames", 1))
    frames = np.array([decode(f) for f in generate_frames(ds.PixelData, number_of_frames=count)])
    return frames if count > 1 else frames[0]


@dataclass(frozen=True)
class Hospital:
    folder: Path
    summary: demo.Summary

    def files(self, exam: str, series: int) -> list[FileDataset]:
        """The objects of a series in the order of their file names."""
        return [pydicom.dcmread(f) for f in sorted((self.folder / exam / f"S{series:03d}").glob("*.dcm"))]


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    folder = tmp_path_factory.mktemp("hospital")
    return Hospital(folder, demo.generate(folder, today=TODAY, scale=SCALE, only=EXAMS, processes=1))
