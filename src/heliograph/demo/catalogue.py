"""Who is in the sample hospital and what was done to them when: plain data, no pixels.

Every name is made up from words for stars and sky; no entry is a person.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

MERIDIAN = "Meridian Sample Hospital"
POLAR = "Polar Light Clinic"
SOUTH = "Southern Cross Imaging"


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


_ELSA = Patient("elsa", "Sternlicht^Elsa", "MSH-0048213", "MERIDIAN", 63, "F", "ISO_IR 100", 1.66, 68)


def exams(seed: int) -> tuple[Exam, ...]:
    """Every exam of the hospital, the ones worth showing first at the front."""
    del seed
    return (
        Exam(
            "ct-head-bleed",
            "ct_head",
            _ELSA,
            38,
            "CT head without contrast",
            "HEAD",
            station="CT1",
            referrer="Komet^Rita^^Dr.",
            options=(("bleed", "yes"),),
        ),
        Exam(
            "ct-head-prior",
            "ct_head",
            _ELSA,
            60 * 24 * 400,
            "CT head without contrast",
            "HEAD",
            station="CT1",
            referrer="Komet^Rita^^Dr.",
        ),
        Exam(
            "ct-chest",
            "ct_chest",
            _ELSA,
            80,
            "CT chest with contrast",
            "CHEST",
            station="CT2",
            referrer="Komet^Rita^^Dr.",
        ),
        Exam(
            "ct-abdomen",
            "ct_abdomen",
            _ELSA,
            80,
            "CT abdomen with contrast",
            "ABDOMEN",
            station="CT2",
            referrer="Komet^Rita^^Dr.",
            options=(("syntax", "j2k"),),
        ),
        Exam(
            "cr-chest",
            "chest",
            _ELSA,
            80,
            "Chest PA and lateral",
            "CHEST",
            station="CR1",
            referrer="Komet^Rita^^Dr.",
            options=(("modality", "CR"),),
        ),
        Exam(
            "dx-chest",
            "chest",
            _ELSA,
            80,
            "Chest PA and lateral",
            "CHEST",
            station="DX1",
            referrer="Komet^Rita^^Dr.",
            options=(("modality", "DX"), ("heart", "1.12"), ("body", "2")),
        ),
        Exam("dx-hand", "hand", _ELSA, 80, "Hand right", "HAND", station="DX2", referrer="Komet^Rita^^Dr."),
        Exam(
            "mr-brain",
            "mr_brain",
            _ELSA,
            80,
            "MR brain",
            "BRAIN",
            station="MR1",
            referrer="Komet^Rita^^Dr.",
            options=(("infarct", "yes"),),
        ),
        Exam(
            "pet-ct",
            "pet_ct",
            _ELSA,
            80,
            "PET/CT FDG whole body",
            "WHOLEBODY",
            station="PET1",
            referrer="Komet^Rita^^Dr.",
        ),
        Exam("us-heart", "us_heart", _ELSA, 80, "Echocardiogram", "HEART", station="US1", referrer="Komet^Rita^^Dr."),
        Exam(
            "us-abdomen",
            "us_stills",
            _ELSA,
            80,
            "Ultrasound abdomen",
            "ABDOMEN",
            station="US1",
            referrer="Komet^Rita^^Dr.",
            options=(("syntax", "rle"),),
        ),
        Exam(
            "us-carotid",
            "us_stills",
            _ELSA,
            80,
            "Carotid duplex",
            "NECK",
            station="US1",
            referrer="Komet^Rita^^Dr.",
            options=(("views", "carotid"),),
        ),
        Exam(
            "mg-screening",
            "mammogram",
            _ELSA,
            80,
            "Mammogram screening",
            "BREAST",
            station="MG1",
            referrer="Komet^Rita^^Dr.",
        ),
    )
