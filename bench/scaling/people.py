"""An invented population and its examinations: every number gives the same person and study for ever."""

import struct
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from itertools import accumulate
from typing import Final

from bench.scaling.population import GROUPED_FAMILIES, GROUPED_GIVEN, GROUPED_SHARE, KINDS, REGIONS, SYLLABLES

INSTANCES_PER_STUDY = 50
SIDE = 24
# Of twenty studies in a row: four people have one, two have two, one has three and one has nine.
_SHARES: Final = (0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7)
PEOPLE_PER_BLOCK: Final = 8
STUDIES_PER_BLOCK: Final = len(_SHARES)
_ROOT = "1.2.826.0.1.3680043.9.7433.7"
_CT = "1.2.840.10008.5.1.4.1.1.2"
_DAYS: Final = 20 * 365
_TODAY_PERCENT: Final = 2
_DOCTORS: Final = 3000
TODAY: Final = datetime.now(UTC).date()
_MASK: Final = (1 << 64) - 1


def _mix(number: int, salt: int) -> int:
    """One throw of dice for a number (splitmix64)."""
    x = (number * 0x9E3779B97F4A7C15 + salt * 0xD1B54A32D192ED03 + 0x632BE59BD9B4E019) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def _often_first(dice: int, size: int) -> int:
    """A place in a list whose n-th entry is met about 1/n as often as its first (Zipf)."""
    return min(int((size + 1) ** ((dice & 0xFFFFFF) / 0x1000000)) - 1, size - 1)


@cache
def _wheel(weights: tuple[int, ...]) -> tuple[int, ...]:
    """A table to pick by weight with one look."""
    return tuple(place for place, weight in enumerate(weights) for _ in range(weight))


_REGION = _wheel(tuple(weight for weight, _, _ in REGIONS))
_KIND = _wheel(tuple(weight for weight, _, _, _ in KINDS))
_LEVELS = tuple(accumulate((50, 25, 12, 8, 5)))


def person_name(person: int) -> str:
    """As a modality would send it: some in capitals, some with three component groups, one family in five unheard of."""
    dice = _mix(person, 1)
    if dice % 100 < GROUPED_SHARE:
        family = GROUPED_FAMILIES[_often_first(dice >> 8, len(GROUPED_FAMILIES))]
        given = GROUPED_GIVEN[(dice >> 40) % len(GROUPED_GIVEN)]
        return "=".join(f"{one}^{two}" for one, two in zip(family, given, strict=True) if one).rstrip("=^")
    _, families, givens = REGIONS[_REGION[(dice >> 8) % len(_REGION)]]
    given_name = givens[_often_first(dice >> 16, len(givens))]
    other = _mix(person, 2)
    if other % 5 == 0:
        name = "".join(SYLLABLES[(other >> shift) % len(SYLLABLES)] for shift in (8, 16, 24)[: 2 + (other >> 32) % 2])
        family_name = name.capitalize()
    else:
        family_name = families[_often_first(other >> 8, len(families))]
        if other % 17 == 0:
            family_name += f"-{families[(other >> 40) % len(families)]}"
    name = f"{family_name}^{given_name}"
    if other % 7 == 0:
        name += f"^{'ABCDEFGHJKLMNPRSTVWZ'[(other >> 50) % 20]}"
    return name.upper() if dice % 3 == 0 else name


@dataclass(frozen=True)
class Examination:
    """One study of one person."""

    number: int

    @property
    def person(self) -> int:
        return self.number // len(_SHARES) * PEOPLE_PER_BLOCK + _SHARES[self.number % len(_SHARES)]

    @cached_property
    def name(self) -> str:
        return person_name(self.person)

    @property
    def patient_id(self) -> str:
        dice = _mix(self.person, 3)
        return f"EXT-{dice % 0xFFFFFFFF:08X}" if dice % 11 == 0 else f"P{1_000_000 + self.person}"

    @property
    def birth_date(self) -> str:
        return (date(1928, 1, 1) + timedelta(days=_mix(self.person, 4) % 34_000)).strftime("%Y%m%d")

    @property
    def sex(self) -> str:
        return "MFFMFMMFO"[_mix(self.person, 5) % 9]

    @property
    def accession_number(self) -> str:
        return f"A{10_000_000 + self.number}" if self.number % 4 else f"{self.day:%Y}-{self.number:07d}"

    @property
    def study_uid(self) -> str:
        return f"{_ROOT}.{10_000_000 + self.number}"

    @cached_property
    def _dice(self) -> int:
        return _mix(self.number, 6)

    @property
    def _kind(self) -> tuple[int, tuple[str, ...], str, tuple[str, ...]]:
        return KINDS[_KIND[self._dice % len(_KIND)]]

    @property
    def modality(self) -> str:
        return self._kind[1][0]

    @property
    def body_part(self) -> str:
        return self._kind[2]

    @property
    def description(self) -> str:
        return self._kind[3][_often_first(self._dice >> 20, len(self._kind[3]))]

    @property
    def referring_physician(self) -> str:
        doctor = _often_first(_mix(self.number, 7), _DOCTORS)
        return "" if self._dice % 13 == 0 else f"{person_name(10**12 + doctor)}^Dr."

    @cached_property
    def day(self) -> date:
        """Two in a hundred today, the others over twenty years, more in the later ones."""
        dice = _mix(self.number, 8)
        if dice % 100 < _TODAY_PERCENT:
            return TODAY
        return TODAY - timedelta(days=1 + int(_DAYS * ((dice >> 8 & 0xFFFFFF) / 0x1000000) ** 1.5))

    @property
    def seconds(self) -> int:
        """Of the day; most are made in working hours."""
        dice = _mix(self.number, 9)
        return dice % 86_400 if dice % 5 == 0 else 27_000 + (dice >> 8) % 32_000

    @property
    def series_modalities(self) -> tuple[str, ...]:
        """One modality per series."""
        own, dice = self._kind[1], _mix(self.number, 10) % 100
        extra = next(place for place, level in enumerate(_LEVELS) if dice < level)
        return (*own, *[own[0]] * extra)

    def images_in(self, series: int) -> int:
        """How many images a seeded series counts: one to a few thousand."""
        dice = _mix(self.number * 16 + series, 11)
        most = {"CT": 900, "MR": 400, "PT": 500, "US": 60, "XA": 40, "MG": 4}.get(self.series_modalities[series], 3)
        return 1 + _often_first(dice, most)

    def series_uid(self, series: int) -> str:
        return f"{self.study_uid}.{series}"

    def sop_uid(self, instance: int) -> str:
        return f"{self.series_uid(instance * 2 // INSTANCES_PER_STUDY)}.{instance + 1}"

    def object(self, instance: int) -> tuple[str, str, bytes]:
        """(SOP class, SOP UID, data set in Explicit VR Little Endian) of about 2 KB."""
        series = instance * 2 // INSTANCES_PER_STUDY
        return _CT, self.sop_uid(instance), self.data_set(series, instance)

    def data_set(self, series: int, instance: int) -> bytes:
        """One small image of a series."""
        pixels = struct.pack("<QQ", self.number, instance) * (SIDE * SIDE * 2 // 16)
        return b"".join([
            self.description_of(series, instance), _el(0x0020, 0x0032, "DS", f"-100\\-100\\{instance}"),
            _el(0x0020, 0x0037, "DS", "1\\0\\0\\0\\1\\0"), _el(0x0020, 0x0052, "UI", f"{self.study_uid}.9"),
            _el(0x0028, 0x0002, "US", 1), _el(0x0028, 0x0004, "CS", "MONOCHROME2"),
            _el(0x0028, 0x0010, "US", SIDE), _el(0x0028, 0x0011, "US", SIDE), _el(0x0028, 0x0030, "DS", "0.5\\0.5"),
            _el(0x0028, 0x0100, "US", 16), _el(0x0028, 0x0101, "US", 12), _el(0x0028, 0x0102, "US", 11), _el(0x0028, 0x0103, "US", 0),
            _el(0x0028, 0x1050, "DS", "40"), _el(0x0028, 0x1051, "DS", "400"), _el(0x0028, 0x1052, "DS", "-1024"), _el(0x0028, 0x1053, "DS", "1"),
            struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, len(pixels)), pixels,
        ])  # fmt: skip

    def description_of(self, series: int, instance: int) -> bytes:
        """The attributes of an image that the index keeps, and a few more."""
        day, at = self.day.strftime("%Y%m%d"), time.strftime("%H%M%S", time.gmtime(self.seconds))
        modalities = self.series_modalities
        return b"".join([
            _el(0x0008, 0x0005, "CS", "ISO_IR 192"), _el(0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"), _el(0x0008, 0x0016, "UI", _CT),
            _el(0x0008, 0x0018, "UI", f"{self.series_uid(series)}.{instance + 1}"), _el(0x0008, 0x0020, "DA", day),
            _el(0x0008, 0x0021, "DA", day), _el(0x0008, 0x0023, "DA", day),
            _el(0x0008, 0x0030, "TM", at), _el(0x0008, 0x0031, "TM", at), _el(0x0008, 0x0050, "SH", self.accession_number),
            _el(0x0008, 0x0060, "CS", modalities[min(series, len(modalities) - 1)]), _el(0x0008, 0x0070, "LO", "Heliograph"),
            _el(0x0008, 0x0080, "LO", "Phantom General"),
            _el(0x0008, 0x0090, "PN", self.referring_physician), _el(0x0008, 0x1010, "SH", "CT1"), _el(0x0008, 0x1030, "LO", self.description),
            _el(0x0008, 0x103E, "LO", f"SERIES {series}"), _el(0x0008, 0x1090, "LO", "Phantom 16"),
            _el(0x0010, 0x0010, "PN", self.name), _el(0x0010, 0x0020, "LO", self.patient_id),
            _el(0x0010, 0x0030, "DA", self.birth_date), _el(0x0010, 0x0040, "CS", self.sex),
            _el(0x0018, 0x0015, "CS", self.body_part), _el(0x0018, 0x0050, "DS", "1.0"), _el(0x0018, 0x0060, "DS", "120"),
            _el(0x0018, 0x1030, "LO", "SCALE"), _el(0x0018, 0x5100, "CS", "HFS"),
            _el(0x0020, 0x000D, "UI", self.study_uid), _el(0x0020, 0x000E, "UI", self.series_uid(series)),
            _el(0x0020, 0x0010, "SH", str(self.number)), _el(0x0020, 0x0011, "IS", str(series + 1)), _el(0x0020, 0x0013, "IS", str(instance + 1)),
        ])  # fmt: skip


def _el(group: int, element: int, vr: str, value: str | int) -> bytes:
    data = struct.pack("<H", value) if isinstance(value, int) else value.encode()
    if len(data) % 2:
        data += b"\0" if vr == "UI" else b" "
    return struct.pack("<HH2sH", group, element, vr.encode(), len(data)) + data
