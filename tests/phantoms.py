"""Synthetic objects for load and faults: valid CT slices whose pixels do not compress to nothing, made fast and always the same."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT_UID = "1.2.826.0.1.3680043.9.7433.9"


@dataclass(frozen=True, slots=True)
class Shape:
    """Which series to make; equal shapes give equal bytes."""

    slices: int
    rows: int = 512
    columns: int = 512
    seed: int = 1
    patient: str = "PHANTOM-1"
    name: str = "Load^Phantom"
    study: int = 1
    series: int = 1

    @property
    def study_uid(self) -> str:
        return f"{ROOT_UID}.{self.seed}.{self.study}"

    @property
    def series_uid(self) -> str:
        return f"{self.study_uid}.{self.series}"

    def sop_uid(self, number: int) -> str:
        return f"{self.series_uid}.{number}"


def _body(shape: Shape) -> np.ndarray:
    """An ellipse of water in air with a few bones, in stored values (HU + 1024)."""
    y, x = np.mgrid[-1 : 1 : shape.rows * 1j, -1 : 1 : shape.columns * 1j]
    image = np.where((x / 0.8) ** 2 + (y / 0.6) ** 2 < 1, 1064.0, 24.0)
    for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):
        image[(x - 0.7 * np.cos(angle)) ** 2 + (y - 0.5 * np.sin(angle)) ** 2 < 0.002] = 2000.0
    return image


def header(shape: Shape, number: int) -> Dataset:
    """About as many attributes as a scanner writes for one slice."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.InstanceCreationDate = ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20260301"
    ds.InstanceCreationTime = ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "101500.25"
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = shape.sop_uid(number)
    ds.AccessionNumber = f"ACC{shape.study:06d}"
    ds.Modality = "CT"
    ds.Manufacturer = "Heliograph"
    ds.InstitutionName = "Phantom General"
    ds.ReferringPhysicianName = "Referring^Doctor"
    ds.StationName = "CT1"
    ds.StudyDescription = "CT load"
    ds.SeriesDescription = f"AXIAL {shape.series}"
    ds.ManufacturerModelName = "Phantom 512"
    ds.PatientName = shape.name
    ds.PatientID = shape.patient
    ds.PatientBirthDate = "19600102"
    ds.PatientSex = "O"
    ds.PatientAge = "066Y"
    ds.BodyPartExamined = "CHEST"
    ds.SliceThickness = "1.0"
    ds.KVP = "120"
    ds.DataCollectionDiameter = "500"
    ds.SoftwareVersions = "1.0"
    ds.ProtocolName = "LOAD"
    ds.ReconstructionDiameter = "350"
    ds.GantryDetectorTilt = "0"
    ds.TableHeight = "150"
    ds.RotationDirection = "CW"
    ds.ExposureTime = "500"
    ds.XRayTubeCurrent = "200"
    ds.Exposure = "100"
    ds.FilterType = "BODY"
    ds.ConvolutionKernel = "B30f"
    ds.PatientPosition = "HFS"
    ds.StudyInstanceUID = shape.study_uid
    ds.SeriesInstanceUID = shape.series_uid
    ds.StudyID = str(shape.study)
    ds.SeriesNumber = str(shape.series)
    ds.AcquisitionNumber = "1"
    ds.InstanceNumber = str(number)
    ds.ImagePositionPatient = ["-175", "-175", f"{number:.1f}"]
    ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    ds.FrameOfReferenceUID = f"{shape.study_uid}.0"
    ds.PositionReferenceIndicator = ""
    ds.SliceLocation = f"{number:.1f}"
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = shape.rows, shape.columns
    ds.PixelSpacing = [f"{350 / shape.rows:.6f}", f"{350 / shape.columns:.6f}"]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.WindowCenter, ds.WindowWidth = "40", "400"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    return ds


def file_bytes(ds: Dataset) -> bytes:
    """Part 10, Explicit VR Little Endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta = meta
    out = io.BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


def slices(shape: Shape) -> list[bytes]:
    """The whole series as Part 10 files; noise of a real scanner keeps lossless coders honest."""
    dice, body, files = np.random.default_rng(shape.seed), _body(shape), []
    for number in range(1, shape.slices + 1):
        ds = header(shape, number)
        noisy = body + dice.normal(0, 20, body.shape)
        ds.PixelData = np.clip(noisy, 0, 4095).astype("<u2").tobytes()
        ds["PixelData"].VR = "OW"
        files.append(file_bytes(ds))
    return files


def write_series(shape: Shape, folder: Path) -> list[Path]:
    """The series as files, reused when they are there already."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:05d}.dcm" for number in range(1, shape.slices + 1)]
    if not all(path.exists() for path in paths):
        for path, data in zip(paths, slices(shape), strict=True):
            path.write_bytes(data)
    return paths
