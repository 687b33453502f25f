"""Values far beyond what the standard allows are stored or held, whatever their alphabet: no index is too narrow for them (guard 12)."""

import random

import pytest
from pydicom import DataElement
from pydicom.datadict import tag_for_keyword

LONG = (
    "PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber", "StudyID", "StudyDescription",
    "ReferringPhysicianName", "Modality", "SeriesDescription", "SeriesDate", "BodyPartExamined", "InstitutionName", "StationName",
    "TimezoneOffsetFromUTC",
)  # fmt: skip


def noise(length: int, first: int = 0x4E00) -> str:
    """Characters of three bytes each, or four, that no index can compress."""
    return "".join(chr(first + random.randrange(20_000)) for _ in range(length))


def _filled(slice_of, shape, keywords, length):
    made = slice_of(shape, 1)
    made.SpecificCharacterSet = "ISO_IR 192"
    for keyword in keywords:
        made[keyword] = DataElement(tag_for_keyword(keyword), "LO", noise(length))
    return made


@pytest.mark.parametrize("length", [200, 1000, 5000])
def test_long_noise_in_every_attribute_of_the_index_is_stored(put, slice_of, shape, length):
    assert put(_filled(slice_of, shape, LONG, length)).kind == "new"


def test_the_longest_of_everything_at_once_is_stored(put, slice_of, shape):
    """Four bytes a character, with an identifier as long as one may be."""
    made = _filled(slice_of, shape, [], 0)
    for keyword in LONG:
        made[keyword] = DataElement(tag_for_keyword(keyword), "LO", noise(1000, 0x20000))
    made[tag_for_keyword("PatientID")] = DataElement(tag_for_keyword("PatientID"), "LO", noise(128, 0x20000))
    assert put(made).kind == "new"


@pytest.mark.parametrize("keyword", ["PatientID", "IssuerOfPatientID"])
@pytest.mark.parametrize("length", [60, 170, 180, 500, 1000, 5000])
def test_a_long_identifier_is_whole_or_the_object_is_held(put, slice_of, shape, scratch, keyword, length):
    made = _filled(slice_of, shape, [keyword], length)
    outcome = put(made)
    if length <= 170:
        assert outcome.kind == "new"
    else:
        assert (outcome.kind, outcome.reason) == ("held", "bad_identifier")
        return
    column = {"PatientID": "patient_id", "IssuerOfPatientID": "issuer"}[keyword]
    with scratch.transaction() as tx:
        row = tx.execute(f"select {column} from study where id = %s", (outcome.study_id,)).fetchone()
    assert row[0] == made[keyword].value
