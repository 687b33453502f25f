"""Deciding whether two descriptions mean one person."""

import re
import unicodedata
from dataclasses import dataclass

from heliograph.engine.db import Tx
from heliograph.standards.dicom import names

_PLACEHOLDERS = frozenset({
    "", "0", "00", "000", "0000", "00000", "000000", "1", "NONE", "NULL", "NA", "N/A", "NO ID", "NOID", "NOT AVAILABLE", "TEST", "UNKNOWN", "UNK", "ANON",
    "ANONYMOUS", "ANONYMIZED", "ANONYMISED", "DUMMY", "TEMP", "XXX",
})  # fmt: skip
_ONLY_MARKS = re.compile(r"^[\W_0xX]*$")


@dataclass(frozen=True, slots=True)
class Person:
    """Demographics as one object states them; `issuer` already holds the source's default when the object names none."""

    patient_id: str
    issuer: str
    name: str
    birth_date: str
    sex: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute that speaks against the same person. Shown to people who may see the patient, never logged."""

    attribute: str
    stored: str
    held: str

    def as_dict(self) -> dict[str, str]:
        return {"attribute": self.attribute, "stored": self.stored, "held": self.held}


def is_placeholder(patient_id: str) -> bool:
    """True for identifiers that devices and people put in when they have none."""
    text = patient_id.strip().upper()
    return text in _PLACEHOLDERS or bool(_ONLY_MARKS.match(text))


def identity_key(person: Person, study_uid: str) -> str:
    if is_placeholder(person.patient_id):
        return f"study:{study_uid}"
    # The first bar ends the issuer, whatever is in it.
    issuer = person.issuer.strip().replace("\\", "\\\\").replace("|", "\\p")
    return f"id:{issuer}|{person.patient_id.strip()}"


def differences(stored: Person, held: Person) -> list[Difference]:
    """What speaks against one person: another name, birth date or sex. Spelling, case, accents and order of names do not."""
    found = []
    if stored.name and held.name and not _same_name(stored.name, held.name):
        found.append(Difference("PatientName", stored.name, held.name))
    if stored.birth_date and held.birth_date and stored.birth_date != held.birth_date:
        found.append(Difference("PatientBirthDate", stored.birth_date, held.birth_date))
    if {stored.sex, held.sex} == {"M", "F"}:
        found.append(Difference("PatientSex", stored.sex, held.sex))
    return found


def attach(tx: Tx, tenant_id: int, person: Person, study_uid: str) -> tuple[int, Person, bool]:
    """The patient row of this person, made when new: (id, the stored description, is new). Race-free by the unique key."""
    key = identity_key(person, study_uid)
    row = tx.execute(
        "insert into patient (tenant_id, identity_key, issuer, patient_id, name, birth_date, sex) values (%s,%s,%s,%s,%s,%s,%s) "
        "on conflict (tenant_id, identity_key) do nothing returning id",
        (tenant_id, key, person.issuer.strip(), person.patient_id.strip(), person.name, person.birth_date, person.sex),
    ).fetchone()
    if row is not None:
        return row[0], person, True
    row = tx.execute(
        "select id, patient_id, issuer, name, birth_date, sex from patient where tenant_id = %s and identity_key = %s",
        (tenant_id, key),
    ).fetchone()
    assert row is not None, "patients are never deleted while objects arrive"
    return row[0], Person(*row[1:]), False


def _same_name(one: str, other: str) -> bool:
    """Compares the component groups that both have; one group in common that agrees is enough (a romanisation may vary)."""
    groups = list(zip(one.split("="), other.split("="), strict=False))
    comparable = [(_words(a), _words(b)) for a, b in groups if _words(a) and _words(b)]
    return not comparable or any(a == b for a, b in comparable)


def _words(group: str) -> frozenset[str]:
    """Vowel signs of South Asian and Thai writing belong to the word; punctuation and blanks do not."""
    return frozenset("".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in names.fold(group)).split())
