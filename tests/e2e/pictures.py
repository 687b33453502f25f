"""Objects whose every pixel is known, and the grey level that the standard gives it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset, FileMetaDataset, dcmread, dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian

ROOT_UID = "1.2.826.0.1.3680043.9.7433.8"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
DX_IMAGE = "1.2.840.10008.5.1.4.1.1.1.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
US_MULTIFRAME = "1.2.840.10008.5.1.4.1.1.3.1"

Pixels = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Study:
    """A study of one patient, written object by object below a folder."""

    folder: Path
    number: int
    patient: str
    date: str = "20261120"
    name: str = "Screen^Test"

    @property
    def uid(self) -> str:
        return f"{ROOT_UID}.{self.number}"

    def write(
        self, sop_class: str, modality: str, pixels: Pixels, *, series: int = 1, instance: int = 1, **attributes: Any
    ) -> Path:
        """One image object; attributes by keyword are laid over the usual ones."""
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SpecificCharacterSet = "ISO_IR 192"
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UID(sop_class)
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(f"{self.uid}.{series}.{instance}")
        ds.StudyInstanceUID, ds.SeriesInstanceUID = self.uid, f"{self.uid}.{series}"
        ds.StudyDate, ds.StudyTime, ds.AccessionNumber = self.date, "083000", f"E{self.number}"
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = self.name, self.patient, "19700105", "F"
        ds.Modality, ds.SeriesNumber, ds.InstanceNumber = modality, series, instance
        ds.SeriesDescription = f"{modality} {series}"
        _describe(ds, pixels)
        for keyword, value in attributes.items():
            setattr(ds, keyword, value)
        path = self.folder / f"{self.number}-{series}-{instance}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        dcmwrite(path, ds, enforce_file_format=True)
        return path


def as_only_of(study: Study, sample: Path) -> Path:
    """A real object alone in a study of its own. As it came it shares its identity with other samples of other encodings, and what
    the archive shows of them depends on which was stored first."""
    ds = dcmread(sample)
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study.uid, f"{study.uid}.1"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(f"{study.uid}.1.1")
    ds.PatientID = study.patient
    path = study.folder / f"{study.number}.dcm"
    ds.save_as(path)
    return path


def _describe(ds: Dataset, pixels: Pixels) -> None:
    colour = pixels.ndim >= 3 and pixels.shape[-1] == 3
    frames = pixels.shape[:-1] if colour else pixels.shape
    ds.SamplesPerPixel = 3 if colour else 1
    ds.Rows, ds.Columns = int(frames[-2]), int(frames[-1])
    if len(frames) == 3:
        ds.NumberOfFrames = int(frames[0])
    if colour:
        ds.PlanarConfiguration = 0
    ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    ds.BitsAllocated = pixels.itemsize * 8
    ds.BitsStored = 8 if pixels.itemsize == 1 else (16 if pixels.dtype.kind == "i" else 12)
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = 1 if pixels.dtype.kind == "i" else 0
    data = np.ascontiguousarray(pixels).tobytes()
    ds.add_new(0x7FE00010, "OW" if pixels.itemsize > 1 else "OB", data + b"\0" * (len(data) % 2))


def ct_stack(study: Study, slices: int = 12, *, series: int = 1, size: int = 256, plane: str = "axial") -> list[Path]:
    """Slices 5 mm apart in one frame of reference, in which no two look alike."""
    y, x = np.mgrid[:size, :size]
    body = np.hypot((x - size / 2) / (size * 0.42), (y - size / 2) / (size * 0.46)) < 1
    written = []
    for number in range(slices):
        stored = np.where(body, 1064 + 6 * number + (x * 7 + y * 3) % 90, 24).astype(np.uint16)
        stored[10 : 10 + 3 * number, 10:20] = 2000
        where: dict[str, Any] = (
            {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [-64, -64, 5 * number]}
            if plane == "axial"
            else {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1], "ImagePositionPatient": [5 * number - 30, -64, 94]}
        )
        written.append(
            study.write(
                CT_IMAGE, "CT", stored, series=series, instance=number + 1,
                FrameOfReferenceUID=f"{study.uid}.99", PixelSpacing=[0.5, 0.5], SliceThickness=5,
                RescaleIntercept=-1024, RescaleSlope=1, RescaleType="HU", WindowCenter=[80, 400], WindowWidth=[200, 2000],
                ImageType=["ORIGINAL", "PRIMARY", "AXIAL"], **where,
            )
        )  # fmt: skip
    return written


@dataclass(frozen=True, slots=True)
class Film:
    """A plain film that differs from the first one in exactly one thing."""

    what: str
    attributes: dict[str, Any] = field(default_factory=dict)


def lut_item(values: Pixels, first: int) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(values), first, 16]
    item.LUTExplanation = "SOFT"
    item.add_new(0x00283006, "OW", values.astype("<u2").tobytes())
    return item


WINDOW = {"WindowCenter": 2048, "WindowWidth": 1024}
_INVERTED_S = (65535 / (1 + np.exp((np.arange(4096) - 2048) / 300))).astype(np.uint16)
FILMS = (
    Film("no function", WINDOW),
    Film("LINEAR", {**WINDOW, "VOILUTFunction": "LINEAR"}),
    Film("LINEAR_EXACT", {**WINDOW, "VOILUTFunction": "LINEAR_EXACT"}),
    Film("SIGMOID", {**WINDOW, "VOILUTFunction": "SIGMOID"}),
    Film("VOI LUT", {"VOILUTSequence": [lut_item(_INVERTED_S, 0)]}),
    Film("MONOCHROME1", {**WINDOW, "PhotometricInterpretation": "MONOCHROME1"}),
    Film("narrow", {"WindowCenter": 2000, "WindowWidth": 20}),
)


def ramp() -> Pixels:
    """Every 12-bit value, in an order that shows a shifted row or column."""
    y, x = np.mgrid[:600, :700]
    values: Pixels = ((x * 4096 // 700 + (y % 5) * 3) % 4096).astype(np.uint16)
    return values


def modality_values(path: Path) -> Pixels:
    """Stored values by pydicom, times slope plus intercept."""
    ds = dcmread(path)
    slope, intercept = float(ds.get("RescaleSlope", 1)), float(ds.get("RescaleIntercept", 0))
    values: Pixels = np.asarray(ds.pixel_array) * slope + intercept
    return values


def grey_levels(path: Path) -> Pixels:
    """What PS3.3 C.11.2 makes of the object's first window or table, 0 to 255, before rounding."""
    ds, values = dcmread(path), modality_values(path)
    if "VOILUTSequence" in ds:
        item = ds.VOILUTSequence[0]
        table = np.frombuffer(item[0x00283006].value, "<u2").astype(float)
        levels = table[np.clip(values - item.LUTDescriptor[1], 0, len(table) - 1).astype(int)] / 65535
    else:
        centre, width = _first(ds.WindowCenter), _first(ds.WindowWidth)
        levels = _window(values, centre, width, ds.get("VOILUTFunction", "LINEAR"))
    if ds.PhotometricInterpretation == "MONOCHROME1":
        levels = 1 - levels
    scaled: Pixels = levels * 255
    return scaled


def _first(value: Any) -> float:
    return float(value[0] if isinstance(value, list) or hasattr(value, "append") else value)


def _window(values: Pixels, centre: float, width: float, function: str) -> Pixels:
    if function == "SIGMOID":
        levels: Pixels = 1 / (1 + np.exp(-4 * (values - centre) / width))
    elif function == "LINEAR_EXACT":
        levels = np.clip((values - centre) / width + 0.5, 0, 1)
    else:
        levels = np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)
    return levels
