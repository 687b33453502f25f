"""Studies made to be hung: what a scanner would say of many series, with pictures that tell them apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

ROOT_UID = "1.2.826.0.1.3680043.9.7433.31"
MG, CT, MR, PT, US = (
    "1.2.840.10008.5.1.4.1.1.1.2", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.6.1",
)  # fmt: skip
AXIAL, CORONAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1]


@dataclass(frozen=True, slots=True)
class Series:
    """`says`: attributes of all its images; `each`: of each one, in place of slices along the normal."""

    number: int
    sop_class: str
    modality: str
    description: str
    says: dict[str, Any] = field(default_factory=dict)
    slices: int = 6
    orientation: list[int] | None = None
    each: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Study:
    seed: int
    date: str
    description: str
    series: tuple[Series, ...]
    patient: str = "HANG"
    body_part: str = ""
    frame_of_reference: str = ""

    @property
    def uid(self) -> str:
        return f"{ROOT_UID}.{self.seed}"


def write(study: Study, folder: Path) -> list[Path]:
    """The files of a study."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for series in study.series:
        images: Iterable[dict[str, Any]] = series.each or ({} for _ in range(series.slices))
        for at, own in enumerate(images):
            path = folder / f"{study.seed}-{series.number}-{at}.dcm"
            dcmwrite(path, _image(study, series, at, own), enforce_file_format=True)
            made.append(path)
    return made


def _image(study: Study, series: Series, at: int, own: dict[str, Any]) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.SOPClassUID, ds.SOPInstanceUID = series.sop_class, f"{study.uid}.{series.number}.{at + 1}"
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber = study.date, "101500", f"H{study.seed}"
    ds.Modality, ds.StudyDescription, ds.SeriesDescription = series.modality, study.description, series.description
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = (
        f"Hanging^{study.patient}",
        study.patient,
        "19600102",
        "F",
    )
    ds.BodyPartExamined = study.body_part
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.StudyID = study.uid, f"{study.uid}.{series.number}", "1"
    ds.SeriesNumber, ds.InstanceNumber = series.number, at + 1
    if series.orientation is not None:
        _place(ds, study, series, at)
    for keyword, value in {**series.says, **own}.items():
        setattr(ds, keyword, value)
    _paint(ds, series, at, own)
    return ds


def _place(ds: Dataset, study: Study, series: Series, at: int) -> None:
    orientation = series.orientation or AXIAL
    normal = np.cross(orientation[:3], orientation[3:])
    ds.FrameOfReferenceUID = study.frame_of_reference or f"{study.uid}.9"
    ds.ImageOrientationPatient = orientation
    ds.ImagePositionPatient = [float(value) for value in -100 * np.array(orientation[:3]) - 100 * np.array(orientation[3:]) + normal * (at - series.slices / 2) * 20]  # fmt: skip
    ds.PixelSpacing, ds.SliceThickness = [3.125, 3.125], 5


def _paint(ds: Dataset, series: Series, at: int, own: dict[str, Any]) -> None:
    """Breasts at the chest wall, heads in the middle; brighter from image to image."""
    rows, columns = (160, 120) if series.sop_class == MG else (64, 64)
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    if series.sop_class == MG:
        towards = (own.get("PatientOrientation") or ["A"])[0]
        from_wall = (x + 1) / 2 if towards.startswith("A") else (1 - x) / 2
        body = (from_wall / 0.7) ** 2 + (y / 0.8) ** 2 < 1
    else:
        body = (x / 0.7) ** 2 + (y / 0.85) ** 2 < 1
    value = np.where(body, 1024 + 40 + 30 * at, 0 if series.sop_class == CT else 20)
    value[np.abs(x - 0.2 * series.number % 1 + 0.3) + np.abs(y) < 0.15] = 1500
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = rows, columns, 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    if series.sop_class in {CT, PT}:
        ds.RescaleIntercept, ds.RescaleSlope = -1024, 1
    if series.sop_class == CT:
        ds.RescaleType = "HU"
    if series.sop_class == MG:
        ds.ImagerPixelSpacing = ds.get("ImagerPixelSpacing", [0.5, 0.5])
    ds.WindowCenter, ds.WindowWidth = 1064, 1400
    if series.sop_class in {CT, PT}:
        ds.WindowCenter, ds.WindowWidth = 40, 400
    ds.PixelData = value.astype("<u2").tobytes()


def mammogram(seed: int, date: str, **says: Any) -> Study:
    """Four views; the left MLO is stored the other way round, as some detectors do."""
    views = [("R", "CC", ["P", "L"]), ("L", "CC", ["A", "R"]), ("R", "MLO", ["P", "FL"]), ("L", "MLO", ["P", "FR"])]
    series = tuple(
        Series(
            number, MG, "MG", f"{side} {view}",
            {"PresentationIntentType": "FOR PRESENTATION", "ImageLaterality": side, "ViewPosition": view, **says},
            each=({"PatientOrientation": orientation},),
        )
        for number, (side, view, orientation) in enumerate(views, 1)
    )  # fmt: skip
    return Study(seed, date, "Mammography screening", series, "MAMMA", "BREAST")


def chest(seed: int, date: str, frame_of_reference: str = "") -> Study:
    """Soft and lung kernels, axial, coronal, and a scout that nobody reads."""
    return Study(
        seed, date, "CT Thorax",
        (
            Series(1, CT, "CT", "Topogram", {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, 1, CORONAL),
            Series(2, CT, "CT", "Thorax Weichteil", {"ConvolutionKernel": "B30f"}, 8, AXIAL),
            Series(3, CT, "CT", "Thorax Lunge", {"ConvolutionKernel": "Bl57f"}, 8, AXIAL),
            Series(4, CT, "CT", "Thorax cor", {"ConvolutionKernel": "B30f"}, 8, CORONAL),
        ),
        "THORAX", "CHEST", frame_of_reference,
    )  # fmt: skip


def brain(seed: int, date: str) -> Study:
    """Nine series of one head, in the order in which a technologist took them."""
    said = [
        "localizer",
        "DWI b1000",
        "ADC",
        "AX T2 FLAIR",
        "AX T2 TSE",
        "AX T1 SE",
        "AX T1 SE post GD",
        "SWI",
        "SAG T1 MPRAGE",
    ]
    planes = [SAGITTAL, *[AXIAL] * 7, SAGITTAL]
    series = tuple(
        Series(number, MR, "MR", name, {"ScanningSequence": "SE", "DiffusionBValue": 1000.0} if "b1000" in name else {"ScanningSequence": "SE"}, 5, plane)
        for number, (name, plane) in enumerate(zip(said, planes, strict=True), 1)
    )  # fmt: skip
    return Study(seed, date, "MRT Schädel", series, "BRAIN", "CHEST")
