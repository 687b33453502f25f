"""An invented population and its examinations: every number gives the same person and study for ever."""

import random
import struct
from dataclasses import dataclass
from datetime import date, timedelta

STUDIES_PER_PERSON = 3
INSTANCES_PER_STUDY = 50
SIDE = 24
_ROOT = "1.2.826.0.1.3680043.9.7433.7"
_CT = "1.2.840.10008.5.1.4.1.1.2"
_SYLLABLES = [
    "ba",
    "ber",
    "cho",
    "da",
    "dén",
    "el",
    "fi",
    "gar",
    "ha",
    "hu",
    "is",
    "ja",
    "kow",
    "la",
    "lo",
    "ma",
    "mü",
    "na",
    "nor",
    "o",
    "pe",
    "qui",
    "ra",
    "ro",
    "sa",
    "ski",
    "son",
    "ta",
    "tor",
    "u",
    "va",
    "vić",
    "wa",
    "xi",
    "ya",
    "zé",
]
_GIVEN = [
    "Anna",
    "Björn",
    "Chen",
    "Diana",
    "Emil",
    "Fatima",
    "George",
    "Hanna",
    "Ivan",
    "José",
    "Karin",
    "Liam",
    "Maria",
    "Noor",
    "Olga",
    "Pedro",
    "Quentin",
    "Rosa",
    "Søren",
    "Tomás",
]
_BODY = ("CT HEAD", "CT CHEST", "MR BRAIN", "MR KNEE", "XR CHEST", "US ABDOMEN", "MG SCREENING", "PET CT")
_MODALITY = ("CT", "CT", "MR", "MR", "CR", "US", "MG", "PT")


@dataclass(frozen=True, slots=True)
class Examination:
    """One study of one person."""

    number: int

    @property
    def _dice(self) -> random.Random:
        return random.Random(self.number // STUDIES_PER_PERSON)

    @property
    def name(self) -> str:
        dice = self._dice
        family = "".join(dice.choice(_SYLLABLES) for _ in range(dice.randrange(2, 4))).capitalize()
        return f"{family}^{dice.choice(_GIVEN)}"

    @property
    def patient_id(self) -> str:
        return f"P{1_000_000 + self.number // STUDIES_PER_PERSON}"

    @property
    def accession_number(self) -> str:
        return f"A{10_000_000 + self.number}"

    @property
    def study_uid(self) -> str:
        return f"{_ROOT}.{10_000_000 + self.number}"

    @property
    def kind(self) -> int:
        return self.number % len(_BODY)

    @property
    def modality(self) -> str:
        return _MODALITY[self.kind]

    @property
    def day(self) -> date:
        return date(2026, 1, 1) - timedelta(days=self.number * 7919 % 3650)

    def series_uid(self, series: int) -> str:
        return f"{self.study_uid}.{series}"

    def sop_uid(self, instance: int) -> str:
        return f"{self.series_uid(instance * 2 // INSTANCES_PER_STUDY)}.{instance + 1}"

    def object(self, instance: int) -> tuple[str, str, bytes]:
        """(SOP class, SOP UID, data set in Explicit VR Little Endian) of about 2 KB."""
        series = instance * 2 // INSTANCES_PER_STUDY
        sop_uid = self.sop_uid(instance)
        day = self.day.strftime("%Y%m%d")
        pixels = struct.pack("<QQ", self.number, instance) * (SIDE * SIDE * 2 // 16)
        dice = self._dice
        out = b"".join([
            _el(0x0008, 0x0005, "CS", "ISO_IR 192"), _el(0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"), _el(0x0008, 0x0016, "UI", _CT),
            _el(0x0008, 0x0018, "UI", sop_uid), _el(0x0008, 0x0020, "DA", day), _el(0x0008, 0x0021, "DA", day), _el(0x0008, 0x0023, "DA", day),
            _el(0x0008, 0x0030, "TM", "101500"), _el(0x0008, 0x0031, "TM", "101530"), _el(0x0008, 0x0050, "SH", self.accession_number),
            _el(0x0008, 0x0060, "CS", self.modality), _el(0x0008, 0x0070, "LO", "Heliograph"), _el(0x0008, 0x0080, "LO", "Phantom General"),
            _el(0x0008, 0x0090, "PN", "Referring^Doctor"), _el(0x0008, 0x1010, "SH", "CT1"), _el(0x0008, 0x1030, "LO", _BODY[self.kind]),
            _el(0x0008, 0x103E, "LO", f"SERIES {series}"), _el(0x0008, 0x1090, "LO", "Phantom 16"),
            _el(0x0010, 0x0010, "PN", self.name), _el(0x0010, 0x0020, "LO", self.patient_id),
            _el(0x0010, 0x0030, "DA", f"{1930 + dice.randrange(80)}0704"), _el(0x0010, 0x0040, "CS", dice.choice("MF")),
            _el(0x0018, 0x0015, "CS", "HEAD"), _el(0x0018, 0x0050, "DS", "1.0"), _el(0x0018, 0x0060, "DS", "120"),
            _el(0x0018, 0x1030, "LO", "SCALE"), _el(0x0018, 0x5100, "CS", "HFS"),
            _el(0x0020, 0x000D, "UI", self.study_uid), _el(0x0020, 0x000E, "UI", self.series_uid(series)),
            _el(0x0020, 0x0010, "SH", str(self.number)), _el(0x0020, 0x0011, "IS", str(series + 1)), _el(0x0020, 0x0013, "IS", str(instance + 1)),
            _el(0x0020, 0x0032, "DS", f"-100\\-100\\{instance}"), _el(0x0020, 0x0037, "DS", "1\\0\\0\\0\\1\\0"),
            _el(0x0020, 0x0052, "UI", f"{self.study_uid}.9"), _el(0x0028, 0x0002, "US", 1), _el(0x0028, 0x0004, "CS", "MONOCHROME2"),
            _el(0x0028, 0x0010, "US", SIDE), _el(0x0028, 0x0011, "US", SIDE), _el(0x0028, 0x0030, "DS", "0.5\\0.5"),
            _el(0x0028, 0x0100, "US", 16), _el(0x0028, 0x0101, "US", 12), _el(0x0028, 0x0102, "US", 11), _el(0x0028, 0x0103, "US", 0),
            _el(0x0028, 0x1050, "DS", "40"), _el(0x0028, 0x1051, "DS", "400"), _el(0x0028, 0x1052, "DS", "-1024"), _el(0x0028, 0x1053, "DS", "1"),
            struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, len(pixels)), pixels,
        ])  # fmt: skip
        return _CT, sop_uid, out


def _el(group: int, element: int, vr: str, value: str | int) -> bytes:
    data = struct.pack("<H", value) if isinstance(value, int) else value.encode()
    if len(data) % 2:
        data += b"\0" if vr == "UI" else b" "
    return struct.pack("<HH2sH", group, element, vr.encode(), len(data)) + data
