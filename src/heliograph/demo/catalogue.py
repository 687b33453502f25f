"""Who is in the sample hospital and what was done to them when: plain data, no pixels.

Every name is made up from words for stars and sky; no entry is a person.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

MERIDIAN = "Meridian Sample Hospital"
POLAR = "Polar Light Clinic"
SOUTH = "Southern Cross Imaging"

HOUR, DAY, YEAR = 60, 24 * 60, 365 * 24 * 60


@dataclass(frozen=True, slots=True)
class Patient:
    key: str
    name: str
    patient_id: str
    issuer: str
    age: int
    sex: str
    charset: str | tuple[str, ...] = "ISO_IR 100"
    height_m: float = 1.72
    weight_kg: float = 74.0


@dataclass(frozen=True, slots=True)
class Exam:
    """One study to be made: `kind` names its maker, `options` go to it."""

    key: str
    kind: str
    patient: Patient
    minutes_ago: int
    description: str
    body_part: str
    institution: str = MERIDIAN
    station: str = ""
    referrer: str = ""
    options: tuple[tuple[str, str], ...] = field(default=())

    def option(self, name: str, default: str = "") -> str:
        return dict(self.options).get(name, default)


def birth_date(patient: Patient, today: date) -> date:
    """A birthday that makes the patient `age` years old today."""
    day = int(hashlib.sha256(patient.key.encode()).hexdigest()[:6], 16) % 364 + 1
    return today.replace(month=1, day=1) - timedelta(days=patient.age * 365 + patient.age // 4 + day)


def started(exam: Exam, now: datetime) -> datetime:
    return (now - timedelta(minutes=exam.minutes_ago)).replace(microsecond=0)


_M, _P, _S = "MERIDIAN", "POLAR", "SOUTHERNX"
_JAPANESE, _KOREAN = ("", "ISO 2022 IR 87"), ("", "ISO 2022 IR 149")
_WHO = {
    p.key: p
    for p in (
        Patient("elsa", "Sternlicht^Elsa", "MSH-0048213", _M, 63, "F", "ISO_IR 100", 1.66, 68),
        Patient("leo", "Firmament^Leo^Marius", "MSH-0051177", _M, 58, "M", "ISO_IR 100", 1.81, 86),
        Patient("zoe", "Étoile^Zoé^^Mme", "MSH-0036620", _M, 46, "F", "ISO_IR 100", 1.69, 61),
        Patient("taro", "Hoshi^Tarou=星^太郎=ほし^たろう", "100482", _P, 67, "M", _JAPANESE, 1.68, 66),
        Patient("sama", "نجم^سماء", "104930", _P, 34, "F", "ISO_IR 127", 1.63, 57),
        Patient("alla", "Звездова^Алла", "MSH-0050034", _M, 71, "F", "ISO_IR 144", 1.61, 72),
        Patient("xing", "Xing^Xiaoming=星^小明", "SX/7731", _S, 52, "M", "GB18030", 1.74, 70),
        Patient("haneul", "Byeol^Haneul=별^하늘", "SX/7802", _S, 29, "F", _KOREAN, 1.65, 54),
        Patient("nikos", "Αστέρης^Νίκος", "100917", _P, 61, "M", "ISO_IR 126", 1.77, 90),
        Patient("inigo", "Estrella^Íñigo", "MSH-0047401", _M, 39, "M", "ISO_IR 100", 1.79, 77),
        Patient("noa", "כוכב^נועה", "102215", _P, 42, "F", "ISO_IR 138", 1.70, 64),
        Patient("lucja", "Gwiazdeczka^Łucja", "101358", _P, 78, "F", "ISO_IR 101", 1.58, 59),
        Patient("isik", "Yıldız^Işık", "SX/6990", _S, 24, "M", "ISO_IR 148", 1.83, 79),
        Patient("anh", "Sao^Nguyệt Ánh", "SX/7415", _S, 55, "F", "ISO_IR 192", 1.55, 50),
        Patient("napa", "ดาว^นภา", "SX/7007", _S, 36, "F", "ISO_IR 192", 1.60, 53),
        Patient("jurgen", "Himmelsläufer^Jürgen", "MSH-0029955", _M, 83, "M", "ISO_IR 100", 1.74, 81),
        Patient("orion", "Nebel^Orion", "100482", _S, 8, "M", "ISO_IR 100", 1.28, 27),
        Patient("luna", "Halbmond^Luna", "MSH-0052008", _M, 31, "F", "ISO_IR 100", 1.72, 66),
        Patient("vega", "Vega Leyra^María José", "MSH-0044119", _M, 49, "F", "ISO_IR 100", 1.64, 70),
        Patient("ravi", "तारा^रवि", "SX/7120", _S, 45, "M", "ISO_IR 192", 1.71, 73),
        Patient("sirius", "Hundestern^Sirius", "UNKNOWN-2291", _M, 50, "O", "ISO_IR 100", 1.75, 75),
        Patient("aurora", "Nordlys^Aurora", "103377", _P, 19, "F", "ISO_IR 100", 1.73, 62),
        Patient("cosmo", "Cometa^Cosmo", "MSH-0040871", _M, 66, "M", "ISO_IR 100", 1.70, 92),
    )
}
_REFERRER = (
    "Komet^Rita^^Dr.",
    "Zenith^Ada^^Prof. Dr.",
    "Parallax^Hugo^^Dr.",
    "Equinox^Maya^^Dr.",
    "Perigee^Sam",
    "Azimuth^Lea^^Dr.",
)
_PLACE = {_M: MERIDIAN, _P: POLAR, _S: SOUTH}


def _exam(
    key: str, kind: str, who: str, ago: int, description: str, body: str, station: str, /, **options: str
) -> Exam:
    patient = _WHO[who]
    pick = int(hashlib.sha256(who.encode()).hexdigest()[:4], 16) % len(_REFERRER)
    return Exam(
        key=key,
        kind=kind,
        patient=patient,
        minutes_ago=ago,
        description=description,
        body_part=body,
        institution=_PLACE[patient.issuer],
        station=station,
        referrer=_REFERRER[pick],
        options=tuple(sorted(options.items())),
    )


def _featured() -> tuple[Exam, ...]:
    """The studies worth opening first."""
    return (
        _exam(
            "ct-head-bleed", "ct_head", "elsa", 38, "CT head without contrast", "HEAD", "CT1", bleed="yes", report="yes"
        ),
        _exam("cr-chest", "chest", "jurgen", 23, "Chest PA and lateral", "CHEST", "CR1", modality="CR"),
        _exam("us-heart", "us_heart", "leo", 52, "Echocardiogram", "HEART", "US2"),
        _exam("ct-chest", "ct_chest", "leo", 95, "CT chest with contrast", "CHEST", "CT2", report="yes"),
        _exam("mr-brain", "mr_brain", "zoe", 140, "MR brain stroke protocol", "BRAIN", "MR1", infarct="yes"),
        _exam("mg-screening", "mammogram", "vega", 75, "Mammogram screening both breasts", "BREAST", "MG1"),
        _exam("pet-ct", "pet_ct", "nikos", 5 * HOUR, "PET/CT FDG whole body", "WHOLEBODY", "PET1", report="yes"),
        _exam(
            "ct-head-prior", "ct_head", "elsa", YEAR + 35 * DAY, "CT head without contrast", "HEAD", "CT1", report=""
        ),
        _exam(
            "dx-chest",
            "chest",
            "cosmo",
            9,
            "Chest PA and lateral",
            "CHEST",
            "DX1",
            modality="DX",
            heart="1.14",
            body="2",
            syntax="j2k",
        ),
        _exam("xa-heart", "angiogram", "cosmo", DAY + 190, "Coronary angiography", "HEART", "XA1"),
        _exam("nm-bone", "bone_scan", "alla", DAY + 310, "Bone scan whole body", "WHOLEBODY", "NM1"),
    )


def _priors() -> tuple[Exam, ...]:
    """What the featured patients had before."""
    small = {"matrix": "1000x1200"}
    return (
        _exam(
            "ct-chest-prior",
            "ct_chest",
            "leo",
            YEAR + 12 * DAY,
            "CT chest with contrast",
            "CHEST",
            "CT2",
            prior="yes",
            thick_only="yes",
            step="10",
            grid="1.2",
        ),
        _exam(
            "mr-brain-prior",
            "mr_brain",
            "zoe",
            2 * YEAR + 60 * DAY,
            "MR brain",
            "BRAIN",
            "MR1",
            sequences="T2 FLAIR",
            spots="9",
            grid="1.0",
        ),
        _exam(
            "mg-prior",
            "mammogram",
            "vega",
            2 * YEAR + 9 * DAY,
            "Mammogram screening",
            "BREAST",
            "MG1",
            mass="",
            divide="2",
        ),
        _exam("cr-chest-prior-1", "chest", "jurgen", YEAR - 40 * DAY, "Chest PA", "CHEST", "CR1", lateral="", **small),
        _exam(
            "cr-chest-prior-2",
            "chest",
            "jurgen",
            3 * YEAR - 100 * DAY,
            "Chest PA and lateral",
            "CHEST",
            "CR1",
            syntax="jll",
            **small,
        ),
        _exam(
            "dx-chest-prior",
            "chest",
            "cosmo",
            YEAR + 200 * DAY,
            "Chest PA",
            "CHEST",
            "DX1",
            modality="DX",
            heart="1.14",
            body="2",
            lateral="",
            syntax="jll",
            **small,
        ),
        _exam("us-heart-stills", "us_stills", "leo", 30 * DAY, "Carotid duplex", "NECK", "US2", views="carotid"),
        _exam("nm-bone-prior", "bone_scan", "alla", 2 * YEAR - 20 * DAY, "Bone scan whole body", "WHOLEBODY", "NM1"),
    )


def _films() -> tuple[Exam, ...]:
    film = {"matrix": "1000x1200", "lateral": "", "modality": "DX", "syntax": "jll"}
    plate = film | {"modality": "CR", "syntax": "jls"}
    return (
        _exam("dx-chest-2", "chest", "sama", 18, "Chest PA", "CHEST", "DX1", **film, body="3", heart="0.94"),
        _exam("cr-chest-3", "chest", "alla", 66, "Chest PA", "CHEST", "CR1", **plate, body="2", heart="1.14"),
        _exam("dx-chest-4", "chest", "xing", 3 * HOUR, "Chest PA", "CHEST", "DX2", **film),
        _exam("cr-chest-5", "chest", "napa", 2 * DAY, "Chest PA", "CHEST", "CR2", **plate, body="3", heart="0.94"),
        _exam("dx-chest-6", "chest", "isik", 6 * DAY, "Chest PA", "CHEST", "DX2", **film, body="3", heart="0.94"),
        _exam("dx-hand-1", "hand", "orion", 31, "Hand right", "HAND", "DX2", side="R"),
        _exam("dx-hand-2", "hand", "haneul", 4 * HOUR, "Hand left", "HAND", "DX2", side="L", syntax="rle"),
        _exam("dx-hand-3", "hand", "lucja", DAY + 40, "Hand right", "HAND", "DX1", side="R", syntax="j2k"),
    )


def _sections() -> tuple[Exam, ...]:
    return (
        _exam("ct-abdomen-1", "ct_abdomen", "taro", 110, "CT abdomen with contrast", "ABDOMEN", "CT2", syntax="htj2k"),
        _exam(
            "ct-abdomen-2",
            "ct_abdomen",
            "cosmo",
            3 * DAY,
            "CT kidneys without contrast",
            "ABDOMEN",
            "CT1",
            contrast="no",
            girth="1.12",
            slices="18",
            first="-320",
            syntax="rle",
        ),
        _exam(
            "ct-abdomen-3",
            "ct_abdomen",
            "anh",
            9 * DAY,
            "CT abdomen",
            "ABDOMEN",
            "CT3",
            slices="16",
            syntax="j2k",
            girth="0.96",
        ),
        _exam(
            "ct-head-2", "ct_head", "lucja", 47, "CT head", "HEAD", "CT1", thick_only="yes", grid="0.9", atrophy="0.75"
        ),
        _exam(
            "ct-head-3",
            "ct_head",
            "inigo",
            DAY + 95,
            "CT head",
            "HEAD",
            "CT3",
            thick_only="yes",
            grid="0.9",
            atrophy="0.1",
        ),
    )


def _more_brains() -> tuple[Exam, ...]:
    return (
        _exam(
            "mr-brain-2",
            "mr_brain",
            "noa",
            200,
            "MR brain",
            "BRAIN",
            "MR1",
            sequences="T1 FLAIR",
            grid="1.0",
            spots="26",
        ),
        _exam(
            "mr-brain-3",
            "mr_brain",
            "aurora",
            4 * DAY,
            "MR brain",
            "BRAIN",
            "MR2",
            sequences="T2",
            grid="1.0",
            spots="0",
        ),
        _exam(
            "mr-brain-4",
            "mr_brain",
            "taro",
            YEAR - 15 * DAY,
            "MR brain",
            "BRAIN",
            "MR1",
            sequences="T2",
            grid="1.0",
            atrophy="0.6",
        ),
    )


def _others() -> tuple[Exam, ...]:
    return (
        _exam("us-abdomen-1", "us_stills", "ravi", 12, "Ultrasound abdomen", "ABDOMEN", "US1"),
        _exam(
            "us-abdomen-2", "us_stills", "luna", 88, "Ultrasound kidney", "ABDOMEN", "US1", views="kidney", syntax="rle"
        ),
        _exam(
            "us-abdomen-3", "us_stills", "sirius", 6 * HOUR, "Ultrasound gall bladder", "ABDOMEN", "US1", views="gall"
        ),
        _exam("us-carotid", "us_stills", "nikos", 2 * DAY + 70, "Carotid duplex", "NECK", "US2", views="carotid"),
        _exam("us-abdomen-4", "us_stills", "anh", 11 * DAY, "Ultrasound abdomen", "ABDOMEN", "US1", syntax="rle"),
        _exam(
            "us-abdomen-5", "us_stills", "xing", YEAR + 3 * DAY, "Ultrasound abdomen", "ABDOMEN", "US1", views="gall"
        ),
        _exam("photo", "photograph", "inigo", 2 * HOUR + 10, "Dermatology photograph", "BACK", "CAM1"),
        _exam("letter", "letter", "jurgen", 8 * DAY, "Discharge letter", "", "RIS"),
    )


def exams(seed: int) -> tuple[Exam, ...]:
    """Every exam of the hospital; those worth showing first stand at the front."""
    found = _featured() + _films() + _others() + _sections() + _more_brains() + _priors()
    if seed == 1:
        return found
    shift = seed % 97
    return tuple(replace(e, minutes_ago=e.minutes_ago + shift) for e in found)
