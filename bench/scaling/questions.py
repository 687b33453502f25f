"""What people and workstations ask an archive: kinds of questions, each with terms that change from ask to ask."""

import base64
import json
import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from bench.scaling.people import TODAY, Examination
from heliograph.standards.dicom import names

SORTS: Final = ("received_at", "study_date", "patient_name", "patient_id", "accession_number", "modality", "instances")
_COMMON: Final = ("CT", "DX", "MR", "US")
_RARE: Final = ("SM", "ES", "SC", "IO", "BMD")
_LETTERS: Final = "abcdefghijklmnopqrstuvwyz"
_ASCII_LETTERS: Final = str.maketrans("øØłŁđĐıßÞþð", "oOlLdDisTtd")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of question. `group` is the line of the summary; `must`: every ask has an answer."""

    group: str
    name: str
    ask: Callable[["Asker"], dict[str, Any]]
    must: bool = False


class Asker:
    """Dice, and the population that is asked about."""

    def __init__(self, studies: int, seed: int = 7) -> None:
        self.dice = random.Random(seed)
        self._studies = studies

    def study(self) -> Examination:
        return Examination(self.dice.randrange(self._studies))

    def family(self) -> str:
        """As often as it is met."""
        return names.groups(self.study().name).alphabetic.partition("^")[0]

    def latin_family(self) -> str:
        while not (family := self.family())[0].isascii():
            continue
        return family

    def given(self) -> str:
        return self.study().name.partition("=")[0].split("^")[1]

    def typed(self, text: str) -> str:
        """Any case, with or without its accents."""
        how = self.dice.randrange(4)
        if how == 0:
            return text.lower()
        if how == 1:
            return text.upper()
        if how == 2:
            plain = unicodedata.normalize("NFKD", text.translate(_ASCII_LETTERS))
            return "".join(char for char in plain if not unicodedata.combining(char)).lower()
        return text

    def letter(self) -> str:
        return self.dice.choice(_LETTERS)

    def day(self) -> date:
        return self.study().day

    def period(self, days: int) -> dict[str, str]:
        first = self.day()
        return {"date_from": f"{first:%Y%m%d}", "date_to": f"{first + timedelta(days=days - 1):%Y%m%d}"}

    def sorting(self) -> dict[str, Any]:
        return {"sort": self.dice.choice(SORTS), "descending": self.dice.random() < 0.5}


def today() -> dict[str, str]:
    return {"date_from": f"{TODAY:%Y%m%d}", "date_to": f"{TODAY:%Y%m%d}"}


def deep(asker: Asker, sort: str, *, descending: bool) -> dict[str, Any]:
    """A page somewhere in the middle, as if a person had scrolled there."""
    one, number = asker.study(), asker.dice.randrange(1, 2_000_000_000)
    at = datetime(one.day.year, one.day.month, one.day.day, 11, asker.dice.randrange(60), tzinfo=UTC).isoformat()
    keys: dict[str, list[Any]] = {
        "received_at": [at, number], "study_date": [f"{one.day:%Y%m%d}", "110000", number],
        "patient_name": [names.fold(one.name), number], "patient_id": [one.patient_id, number],
        "accession_number": [one.accession_number, number], "modality": [one.modality, at, number],
        "instances": [asker.dice.choice((1, 2, 3, 40, 300)), number],
    }  # fmt: skip
    body = json.dumps([sort, descending, keys[sort], 1_000_000, False], separators=(",", ":"))
    cursor = base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")
    return {"sort": sort, "descending": descending, "cursor": cursor}


# -- the study list of the browser -----------------------------------------------------------------------------


def _sorted_kinds() -> list[Kind]:
    found = [
        Kind("study list", "newest first", lambda _: {"sort": "received_at", "descending": True}, must=True),
        Kind("study list", "limit 500", lambda _: {"limit": 500}, must=True),
    ]
    for sort in SORTS:
        for descending in (False, True):
            way = "down" if descending else "up"
            found.append(
                Kind(
                    "study list",
                    f"by {sort} {way}",
                    lambda _, sort=sort, descending=descending: {"sort": sort, "descending": descending},  # type: ignore[misc]  # the loop's own values
                    must=True,
                )
            )
            found.append(
                Kind(
                    "study list",
                    f"by {sort} {way}, deep page",
                    lambda asker, sort=sort, descending=descending: deep(asker, sort, descending=descending),  # type: ignore[misc]  # the loop's own values
                )
            )
    return found


def list_kinds() -> list[Kind]:
    """Bodies of POST /api/studies/search."""
    text = "name search"
    return [
        *_sorted_kinds(),
        Kind("study list", "today", lambda _: today(), must=True),
        Kind("study list", "today, any order", lambda asker: today() | asker.sorting(), must=True),
        Kind("study list", "today, one modality", lambda asker: today() | {"modalities": [asker.study().modality]}),
        Kind("study list", "one week", lambda asker: asker.period(7), must=True),
        Kind("study list", "one year, any order", lambda asker: asker.period(365) | asker.sorting(), must=True),
        Kind("study list", "twenty years", lambda asker: asker.period(8000) | asker.sorting(), must=True),
        Kind("study list", "one modality", lambda asker: {"modalities": [asker.study().modality]}, must=True),
        Kind("study list", "common modality, any order", lambda asker: {"modalities": [asker.dice.choice(_COMMON)]} | asker.sorting()),
        Kind("study list", "rare modality, any order", lambda asker: {"modalities": [asker.dice.choice(_RARE)]} | asker.sorting()),
        Kind("study list", "rare modality of one year", lambda asker: {"modalities": [asker.dice.choice(_RARE)]} | asker.period(365)),
        Kind("study list", "two modalities of one month", lambda asker: {"modalities": ["CT", "MR"]} | asker.period(30)),
        Kind("study list", "state, any order", lambda asker: {"state": asker.dice.choice(("receiving", "held", "settled"))} | asker.sorting()),
        Kind("study list", "held, one modality", lambda asker: {"state": "held", "modalities": [asker.study().modality]}),
        Kind("study list", "patient ID", lambda asker: {"patient_id": asker.study().patient_id}, must=True),
        Kind("study list", "patient ID, its beginning", lambda asker: {"patient_id": asker.study().patient_id[:5]}, must=True),
        Kind("study list", "accession number", lambda asker: {"accession_number": asker.study().accession_number}, must=True),
        Kind("study list", "accession number, its beginning", lambda asker: {"accession_number": asker.study().accession_number[:4]}, must=True),
        Kind(text, "box: family", lambda asker: {"text": asker.typed(asker.family())}, must=True),
        Kind(text, "box: family and given", lambda asker: {"text": asker.study().name.replace("^", " ").partition("=")[0]}, must=True),
        Kind(text, "box: one letter", lambda asker: {"text": asker.letter()}),
        Kind(text, "box: two letters", lambda asker: {"text": asker.typed(asker.family())[:2]}, must=True),
        Kind(text, "box: three letters", lambda asker: {"text": asker.typed(asker.family())[:3]}, must=True),
        Kind(text, "box: four letters", lambda asker: {"text": asker.typed(asker.family())[:4]}, must=True),
        Kind(text, "box: any two letters", lambda asker: {"text": asker.letter() + asker.letter()}),
        Kind(text, "box: any three letters", lambda asker: {"text": asker.letter() + asker.letter() + asker.letter()}),
        Kind(text, "box: inside a given name", lambda asker: {"text": asker.given()[1:5]}),
        Kind(text, "box: family and a letter", lambda asker: {"text": f"{asker.family()} {asker.letter()}"}),
        Kind(text, "box: family, any order", lambda asker: {"text": asker.typed(asker.family())} | asker.sorting(), must=True),
        Kind(text, "box: letters, any order", lambda asker: {"text": asker.family()[: asker.dice.randrange(1, 4)]} | asker.sorting(), must=True),
        Kind(text, "box: family, common modality", lambda asker: {"text": asker.family(), "modalities": [asker.dice.choice(_COMMON)]}),
        Kind(text, "box: family, rare modality", lambda asker: {"text": asker.family(), "modalities": [asker.dice.choice(_RARE)]}),
        Kind(text, "box: letter, rare modality", lambda asker: {"text": asker.letter(), "modalities": [asker.dice.choice(_RARE)]}),
        Kind(text, "box: letters, modality, any order", lambda asker: {
            "text": asker.family()[:2], "modalities": [asker.study().modality]} | asker.sorting()),
        Kind(text, "box: letters of today", lambda asker: today() | {"text": asker.family()[: asker.dice.randrange(1, 4)]}),
        Kind(text, "box: letters of one week", lambda asker: asker.period(7) | {"text": asker.family()[: asker.dice.randrange(1, 4)]}),
        Kind(text, "box: family of one year", lambda asker: asker.period(365) | {"text": asker.family()}),
        Kind(text, "box: family, modality, one year", lambda asker: asker.period(365) | {
            "text": asker.family(), "modalities": [asker.study().modality]}),
        Kind(text, "box: family, held", lambda asker: {"text": asker.family(), "state": "held"}),
        Kind(text, "box: words of a description", lambda asker: {"text": asker.study().description}),
        Kind(text, "box: family and description", lambda asker: {"text": f"{asker.family()} {asker.study().description.split(' ')[0]}"}),
        Kind(text, "box: nobody", lambda asker: {"text": "zzqq" + asker.letter()}),
        Kind(text, "box: patient ID", lambda asker: {"text": asker.study().patient_id}, must=True),
        Kind(text, "box: accession number", lambda asker: {"text": asker.study().accession_number}, must=True),
        Kind(text, "box: a number's beginning", lambda asker: {"text": asker.study().patient_id[:5]}, must=True),
        Kind(text, "box: study UID", lambda asker: {"text": asker.study().study_uid}, must=True),
        Kind(text, "name: letters as typed", lambda asker: {"patient_name": asker.typed(asker.family())[: asker.dice.randrange(1, 5)]}),
        Kind(text, "name: family", lambda asker: {"patient_name": asker.typed(asker.family())}, must=True),
        Kind(text, "name: family and given", lambda asker: {"patient_name": asker.study().name}, must=True),
        Kind(text, "name: FAM*", lambda asker: {"patient_name": asker.family()[:3] + "*"}, must=True),
        Kind(text, "name: *mily*", lambda asker: {"patient_name": f"*{asker.family()[1:5]}*"}, must=True),
        Kind(text, "name: FAM*, modality, any order", lambda asker: {
            "patient_name": asker.family()[:3] + "*", "modalities": [asker.study().modality]} | asker.sorting()),
        Kind(text, "name: F*, rare modality", lambda asker: {"patient_name": asker.letter() + "*", "modalities": [asker.dice.choice(_RARE)]}),
    ]  # fmt: skip


# -- C-FIND ----------------------------------------------------------------------------------------------------

_RETURNED: Final = {
    "PATIENT": ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "NumberOfPatientRelatedStudies"),
    "STUDY": ("PatientName", "PatientID", "StudyInstanceUID", "StudyDate", "StudyTime", "AccessionNumber", "ModalitiesInStudy",
              "StudyDescription", "NumberOfStudyRelatedInstances"),
    "SERIES": ("StudyInstanceUID", "SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription", "NumberOfSeriesRelatedInstances"),
    "IMAGE": ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "InstanceNumber"),
}  # fmt: skip


def identifier(level: str, **keys: str) -> dict[str, Any]:
    return {"QueryRetrieveLevel": level, **dict.fromkeys(_RETURNED[level], ""), **keys}


def _study_day(asker: Asker) -> str:
    return f"{asker.day():%Y%m%d}"


def _of_series(one: Examination) -> dict[str, Any]:
    return identifier("IMAGE", StudyInstanceUID=one.study_uid, SeriesInstanceUID=one.series_uid(0))


def find_kinds() -> list[Kind]:
    """Identifiers of C-FIND, by keyword."""
    group, today_text = "C-FIND", f"{TODAY:%Y%m%d}"

    def study(**keys: str) -> dict[str, Any]:
        return identifier("STUDY", **keys)

    def patient(**keys: str) -> dict[str, Any]:
        return identifier("PATIENT", **keys)

    return [
        Kind(group, "STUDY, patient ID", lambda asker: study(PatientID=asker.study().patient_id), must=True),
        Kind(group, "STUDY, accession number", lambda asker: study(AccessionNumber=asker.study().accession_number), must=True),
        Kind(group, "STUDY, study UID", lambda asker: study(StudyInstanceUID=asker.study().study_uid), must=True),
        Kind(group, "STUDY, whole name", lambda asker: study(PatientName=asker.typed(names.groups(asker.study().name).alphabetic)), must=True),
        Kind(group, "STUDY, FAMILY*", lambda asker: study(PatientName=asker.typed(asker.family()) + "*"), must=True),
        Kind(group, "STUDY, FAM*", lambda asker: study(PatientName=asker.family()[:3] + "*"), must=True),
        Kind(group, "STUDY, F*", lambda asker: study(PatientName=asker.letter() + "*")),
        Kind(group, "STUDY, *FAMILY*", lambda asker: study(PatientName=f"*{asker.family()}*"), must=True),
        Kind(group, "STUDY, FAMILY^G*", lambda asker: study(PatientName=f"{asker.family()}^{asker.letter()}*")),
        Kind(group, "STUDY, FAMILY*, modality", lambda asker: study(PatientName=asker.family() + "*", ModalitiesInStudy=asker.study().modality)),
        Kind(group, "STUDY, FAMILY*, rare modality", lambda asker: study(PatientName=asker.family() + "*", ModalitiesInStudy=asker.dice.choice(_RARE))),
        Kind(group, "STUDY, F*, one day", lambda asker: study(PatientName=asker.letter() + "*", StudyDate=_study_day(asker))),
        Kind(group, "STUDY, FAMILY*, one day", lambda asker: study(PatientName=asker.family() + "*", StudyDate=_study_day(asker))),
        Kind(group, "STUDY, today", lambda _: study(StudyDate=today_text), must=True),
        Kind(group, "STUDY, today, modality", lambda asker: study(StudyDate=today_text, ModalitiesInStudy=asker.study().modality)),
        Kind(group, "STUDY, one week, modality", lambda asker: study(
            StudyDate="-".join(asker.period(7).values()), ModalitiesInStudy=asker.study().modality)),
        Kind(group, "STUDY, rare modality", lambda asker: study(ModalitiesInStudy=asker.dice.choice(_RARE))),
        Kind(group, "STUDY, everything since a day", lambda asker: study(StudyDate=_study_day(asker) + "-"), must=True),
        Kind(group, "STUDY, everything", lambda _: study(), must=True),
        Kind(group, "STUDY, birth date and name", lambda asker: study(PatientBirthDate=asker.study().birth_date, PatientName=asker.letter() + "*")),
        Kind(group, "STUDY, referring physician", lambda asker: study(ReferringPhysicianName=asker.study().referring_physician.partition("^")[0] + "*")),
        Kind(group, "STUDY, description", lambda asker: study(StudyDescription=f"*{asker.study().description[:8]}*")),
        Kind(group, "PATIENT, patient ID", lambda asker: patient(PatientID=asker.study().patient_id), must=True),
        Kind(group, "PATIENT, whole name", lambda asker: patient(PatientName=asker.typed(names.groups(asker.study().name).alphabetic)), must=True),
        Kind(group, "PATIENT, FAMILY*", lambda asker: patient(PatientName=asker.family() + "*"), must=True),
        Kind(group, "PATIENT, FAM*", lambda asker: patient(PatientName=asker.family()[:3] + "*"), must=True),
        Kind(group, "PATIENT, F*", lambda asker: patient(PatientName=asker.letter() + "*")),
        Kind(group, "PATIENT, *AMI*", lambda asker: patient(PatientName=f"*{asker.family()[1:4]}*"), must=True),
        Kind(group, "PATIENT, birth date", lambda asker: patient(PatientBirthDate=asker.study().birth_date), must=True),
        Kind(group, "PATIENT, everything", lambda _: patient(), must=True),
        Kind(group, "SERIES of a study", lambda asker: identifier("SERIES", StudyInstanceUID=asker.study().study_uid), must=True),
        Kind(group, "SERIES, today, modality", lambda asker: identifier("SERIES", StudyDate=today_text, Modality=asker.study().modality)),
        Kind(group, "SERIES, rare modality", lambda asker: identifier("SERIES", Modality=asker.dice.choice(_RARE))),
        Kind(group, "SERIES, patient ID", lambda asker: identifier("SERIES", PatientID=asker.study().patient_id), must=True),
        Kind(group, "SERIES, FAMILY*, modality", lambda asker: identifier("SERIES", PatientName=asker.family() + "*", Modality=asker.study().modality)),
        Kind(group, "IMAGE of a series", lambda asker: _of_series(asker.study()), must=True),
        Kind(group, "IMAGE of a study", lambda asker: identifier("IMAGE", StudyInstanceUID=asker.study().study_uid), must=True),
    ]  # fmt: skip


# -- QIDO-RS ---------------------------------------------------------------------------------------------------


def qido_kinds() -> list[Kind]:
    """Parameters of QIDO-RS; "path" is the resource."""
    group = "QIDO-RS"

    def asked(path: str, **keys: str) -> dict[str, Any]:
        return {"path": path, "limit": "100", **keys}

    return [
        Kind(group, "/studies", lambda _: asked("studies"), must=True),
        Kind(group, "/studies, deep page", lambda asker: asked("studies", offset=str(asker.dice.randrange(2000)))),
        Kind(group, "/studies, fuzzy name", lambda asker: asked("studies", PatientName=asker.family(), fuzzymatching="true"), must=True),
        Kind(group, "/studies, name and modality", lambda asker: asked(
            "studies", PatientName=asker.family() + "*", ModalitiesInStudy=asker.study().modality)),
        Kind(group, "/studies, one day", lambda asker: asked("studies", StudyDate=_study_day(asker)), must=True),
        Kind(group, "/series, common modality", lambda asker: asked("series", Modality=asker.dice.choice(_COMMON)), must=True),
        Kind(group, "/series, rare modality", lambda asker: asked("series", Modality=asker.dice.choice(_RARE))),
        Kind(group, "/series, name", lambda asker: asked("series", PatientName=asker.family() + "*"), must=True),
        Kind(group, "/instances", lambda _: asked("instances"), must=True),
        Kind(group, "/instances, rare modality", lambda asker: asked("instances", Modality=asker.dice.choice(_RARE))),
    ]  # fmt: skip
