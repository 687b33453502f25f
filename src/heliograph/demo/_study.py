"""One study in the making: its identity, seeded chance, and the modules that every object of it carries (PS3.3 C.7)."""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from heliograph.demo._part10 import EXPLICIT, Instance, encode_elements, part10
from heliograph.demo.catalogue import Exam, birth_date, started

_NAMESPACE = uuid.UUID("6f1d2c52-7d0b-5c58-9f2b-3f1de0a5c9aa")


@dataclass(frozen=True, slots=True)
class Series:
    """A series that makes its instances one by one, in any order and from any thread."""

    number: int
    count: int
    shared: Dataset
    instance: Callable[[int], Instance]
    syntax: str = EXPLICIT

    def writer(self, charset: str | Sequence[str]) -> Callable[[int], bytes]:
        """A function from the index of an instance to its file."""
        shared = encode_elements(self.shared, charset)
        return lambda index: part10(shared, self.instance(index), self.syntax, charset)


@dataclass(frozen=True, slots=True)
class Study:
    """What a maker needs: the exam, the chance that belongs to it, the size wanted."""

    exam: Exam
    seed: int
    now: datetime
    scale: float = 1.0

    # ---- identity ----
    def uid(self, *names: object) -> str:
        """The same UID for the same seed, day, scale and names (PS3.5 B.2)."""
        text = "/".join(str(n) for n in (self.seed, self.now.isoformat(), self.scale, self.exam.key, *names))
        return f"2.25.{uuid.uuid5(_NAMESPACE, text).int}"

    def rng(self, *names: object, patient: bool = False) -> np.random.Generator:
        """Seeded chance; with `patient`, the same for every exam of that patient."""
        owner = self.exam.patient.key if patient else self.exam.key
        text = "/".join(str(n) for n in (self.seed, owner, *names))
        return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))

    @property
    def started(self) -> datetime:
        return started(self.exam, self.now)

    @property
    def accession(self) -> str:
        digest = hashlib.sha256(f"{self.seed}/{self.exam.key}".encode()).digest()
        return f"{self.started:%y}{int.from_bytes(digest[:4], 'big') % 10_000_000:07d}"

    def pixels(self, full: int) -> int:
        """A matrix size at this scale."""
        return max(32, round(full * self.scale / 2) * 2)

    def slices(self, full: int) -> int:
        """A number of slices or frames at this scale."""
        return full if self.scale >= 1 else max(3, round(full * self.scale))

    # ---- modules ----
    def series(
        self,
        number: int,
        modality: str,
        description: str,
        *,
        model: str,
        after_s: float = 0.0,
        frame_of_reference: str | None = None,
    ) -> Dataset:
        """Patient, General Study, Patient Study, General Series, Equipment and, where asked, Frame of Reference."""
        ds = Dataset()
        self._patient(ds)
        at = self.started + timedelta(seconds=after_s)
        ds.Modality = modality
        ds.SeriesInstanceUID = self.uid("series", number)
        ds.SeriesNumber = number
        ds.SeriesDescription = description
        ds.SeriesDate, ds.SeriesTime = f"{at:%Y%m%d}", f"{at:%H%M%S}"
        ds.OperatorsName = "Nimbus^Ivo"
        if self.exam.body_part:
            ds.BodyPartExamined = self.exam.body_part
        ds.Manufacturer = "Heliograph Phantom Works"
        ds.ManufacturerModelName = model
        ds.DeviceSerialNumber = f"{abs(hash_of(self.exam.station)) % 90000 + 10000}"
        ds.SoftwareVersions = "1.0"
        ds.InstitutionName = self.exam.institution
        ds.InstitutionalDepartmentName = "Radiology"
        ds.InstitutionAddress = "1 Sample Street"
        ds.StationName = self.exam.station
        ds.ContentDate, ds.ContentTime = ds.SeriesDate, ds.SeriesTime
        ds.AcquisitionDate, ds.AcquisitionTime = ds.SeriesDate, ds.SeriesTime
        ds.InstanceCreationDate, ds.InstanceCreationTime = ds.SeriesDate, ds.SeriesTime
        if frame_of_reference:
            ds.FrameOfReferenceUID = self.uid("frame of reference", frame_of_reference)
            ds.PositionReferenceIndicator = ""
        return ds

    def _patient(self, ds: Dataset) -> None:
        who, at = self.exam.patient, self.started
        ds.SpecificCharacterSet = who.charset if isinstance(who.charset, str) else list(who.charset)
        ds.PatientName = who.name
        ds.PatientID = who.patient_id
        ds.IssuerOfPatientID = who.issuer
        born = birth_date(who, self.now.date())
        ds.PatientBirthDate = f"{born:%Y%m%d}"
        ds.PatientSex = who.sex
        years = (at.date() - born).days // 365
        ds.PatientAge = f"{years:03d}Y"
        ds.PatientSize = f"{who.height_m:.2f}"
        ds.PatientWeight = f"{who.weight_kg:.1f}"
        ds.PatientComments = "Computed phantom of the sample hospital, not a person"
        ds.StudyInstanceUID = self.uid("study")
        ds.StudyDate, ds.StudyTime = f"{at:%Y%m%d}", f"{at:%H%M%S}"
        offset = at.utcoffset()
        if offset is not None:
            minutes = int(offset.total_seconds() // 60)
            ds.TimezoneOffsetFromUTC = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
        ds.ReferringPhysicianName = self.exam.referrer
        ds.StudyID = f"{int(self.accession[-5:])}"
        ds.AccessionNumber = self.accession
        ds.StudyDescription = self.exam.description

    def instance(self, sop_class: str, series: int, number: int, *, after_s: float | None = None) -> Dataset:
        """SOP Common and the number of the instance; with `after_s`, its own time."""
        ds = Dataset()
        ds.SOPClassUID = sop_class
        ds.SOPInstanceUID = self.uid("instance", series, number)
        ds.InstanceNumber = number
        if after_s is not None:
            at = self.started + timedelta(seconds=after_s)
            ds.AcquisitionTime = ds.ContentTime = f"{at:%H%M%S}.{at.microsecond // 1000:03d}"
            ds.AcquisitionDate = ds.ContentDate = f"{at:%Y%m%d}"
        return ds


def hash_of(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def code(value: str, scheme: str, meaning: str) -> Dataset:
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, scheme, meaning
    return ds


def items(*datasets: Dataset) -> Items:
    return Items(list(datasets))


def grey(ds: Dataset, shape: tuple[int, int], *, allocated: int, stored: int, signed: bool = False) -> None:
    """Image Pixel module of a grey image (PS3.3 C.7.6.3)."""
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = allocated, stored, stored - 1
    ds.PixelRepresentation = int(signed)


def colour(ds: Dataset, shape: tuple[int, int], photometric: str) -> None:
    """Image Pixel module of an 8-bit colour image, colour by pixel."""
    ds.SamplesPerPixel = 3
    ds.PhotometricInterpretation = photometric
    ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0


def plane(
    ds: Dataset, position: Iterable[float], *, location: float | None = None, orientation: Sequence[float] | None = None
) -> None:
    """Image Plane position, and orientation where it is not shared by the series (PS3.3 C.7.6.2)."""
    ds.ImagePositionPatient = [decimal(v) for v in position]
    if orientation is not None:
        ds.ImageOrientationPatient = [decimal(v) for v in orientation]
    if location is not None:
        ds.SliceLocation = decimal(location)


def decimal(value: float) -> str:
    """A decimal string of at most 16 characters without needless zeros (VR DS)."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
