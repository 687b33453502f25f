"""standards.dicom.dataset: small data sets written and read back, also by pydicom and in every encoding."""

import io
from struct import pack
from typing import Any

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import read_dataset

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import dataset
from heliograph.standards.dicom.header import Unparseable
from tests.unit.standards.dicom import making as make

SYNTAXES = [make.IMPLICIT, make.EXPLICIT, make.BIG]
RESPONSE = dataset.by_keyword(
    {
        "QueryRetrieveLevel": "STUDY",
        "PatientName": "Müller^Jörg",
        "PatientID": "P1",
        "StudyInstanceUID": "1.2.3",
        "ModalitiesInStudy": ["CT", "MR"],
        "NumberOfStudyRelatedInstances": 12,
        "AccessionNumber": None,
        "PatientWeight": 70.5,
        "Rows": 512,
        "FrameIncrementPointer": 0x00181063,
        "ReferencedStudySequence": [{"ReferencedSOPInstanceUID": "1.2.4", "StudyDescription": "Schädel"}, {}],
    }
)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_response_reads_back(syntax: str) -> None:
    raw = dataset.encode(RESPONSE, syntax, character_set="ISO_IR 192")
    found = dataset.decode(raw, syntax)
    assert found.text("PatientName") == "Müller^Jörg"
    assert found.text("SpecificCharacterSet") == "ISO_IR 192"
    assert found.texts("ModalitiesInStudy") == ("CT", "MR")
    assert found.integer("NumberOfStudyRelatedInstances") == 12
    assert found.has("AccessionNumber")
    assert found.text("AccessionNumber") == ""
    assert found.number("PatientWeight") == 70.5
    assert found.integer("Rows") == 512
    assert found.text("FrameIncrementPointer") == "00181063"
    first, second = found.sequence("ReferencedStudySequence")
    assert first.text("StudyDescription") == "Schädel"
    assert len(second) == 0
    assert found.problems == []
    assert dataset.encode(found.to_elements(), syntax) == raw


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_pydicom_reads_what_is_written(syntax: str) -> None:
    raw = dataset.encode(RESPONSE, syntax, character_set="ISO_IR 100")
    other = read_dataset(io.BytesIO(raw), is_implicit_VR=syntax == make.IMPLICIT, is_little_endian=syntax != make.BIG)
    assert str(other.PatientName) == "Müller^Jörg"
    assert other.SpecificCharacterSet == "ISO_IR 100"
    assert list(other.ModalitiesInStudy) == ["CT", "MR"]
    assert other.ReferencedStudySequence[0].StudyDescription == "Schädel"
    assert other.FrameIncrementPointer == 0x00181063
    assert other.PatientWeight == 70.5


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_reads_what_pydicom_writes(syntax: str) -> None:
    made = pydicom.Dataset()
    made.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    made.PatientName = "Yamada^Tarou=山田^太郎"
    made.ScheduledProcedureStepSequence = [pydicom.Dataset()]
    made.ScheduledProcedureStepSequence[0].ScheduledStationAETitle = "CT1"
    made.Rows = 5
    out = io.BytesIO()
    made.save_as(out, implicit_vr=syntax == make.IMPLICIT, little_endian=syntax != make.BIG)
    found = dataset.decode(out.getvalue(), syntax)
    assert found.text("PatientName") == "Yamada^Tarou=山田^太郎"
    assert found.sequence("ScheduledProcedureStepSequence")[0].text("ScheduledStationAETitle") == "CT1"
    assert found.integer("Rows") == 5


def test_the_requesters_character_set_is_used_when_it_holds_the_text() -> None:
    def declared(name: str, wanted: str) -> tuple[str, ...]:
        raw = dataset.encode(dataset.by_keyword({"PatientName": name}), make.EXPLICIT, character_set=wanted)
        found = dataset.decode(raw, make.EXPLICIT)
        assert found.text("PatientName") == name
        return found.texts("SpecificCharacterSet")

    assert declared("Doe", "ISO_IR 192") == ()
    assert declared("Müller", "ISO_IR 100") == ("ISO_IR 100",)
    assert declared("山田", "ISO_IR 100") == ("ISO_IR 192",)
    assert declared("山田", "\\ISO 2022 IR 87") == ("", "ISO 2022 IR 87")
    assert declared("Müller", "") == ("ISO_IR 192",)


def test_command_sets() -> None:
    raw = dataset.encode_command(
        dataset.by_keyword(
            {
                "AffectedSOPClassUID": "1.2.840.10008.1.1",
                "CommandField": 0x0030,
                "MessageID": 7,
                "CommandDataSetType": 0x0101,
            }
        )
    )
    assert raw[:8] == pack("<HHL", 0, 0, 4)
    assert int.from_bytes(raw[8:12], "little") == len(raw) - 12
    found = dataset.decode_command(raw)
    assert found.text("AffectedSOPClassUID") == "1.2.840.10008.1.1"
    assert found.integer("CommandField") == 0x30
    assert dataset.encode_command(found.to_elements()) == raw


def test_what_cannot_be_written_is_refused() -> None:
    for elements in (
        {0x00280010: ("US", (70000,))},
        {0x00280010: ("US", ("x",))},
        {0x00280010: ("US", 5)},
        {0x00081140: ("SQ", ("x",))},
    ):
        with pytest.raises(Invalid):
            dataset.encode(elements, make.EXPLICIT)  # type: ignore[arg-type]  # what is wrong with it is the test
    deep: dict[int, Any] = {}
    for _ in range(70):
        deep = {0x00081140: ("SQ", (deep,))}
    with pytest.raises(Invalid):
        dataset.encode(deep, make.EXPLICIT)


def test_long_values_change_to_un() -> None:
    raw = dataset.encode({0x00081030: ("LO", ("x" * 70000,))}, make.EXPLICIT)
    assert raw[4:6] == b"UN"
    assert dataset.decode(raw, make.EXPLICIT).text("StudyDescription") == "x" * 70000


def test_an_empty_identifier_and_one_that_is_cut_off() -> None:
    assert len(dataset.decode(b"", make.IMPLICIT)) == 0
    raw = dataset.encode(RESPONSE, make.EXPLICIT, character_set="ISO_IR 192")
    with pytest.raises(Unparseable):
        dataset.decode(raw[:-3], make.EXPLICIT)
    with pytest.raises(Unparseable):
        dataset.decode(b"GET / HTTP/1.1\r\n\r\n", make.IMPLICIT)


def test_decimal_strings_fit_sixteen_characters() -> None:
    for value in (1 / 3, -1 / 3, 1e300, -1.2345678901234567e-300, 0.1, 5.0, 123456789012345680.0, -0.0):
        raw = dataset.encode({0x00180050: ("DS", (value,))}, make.EXPLICIT)
        text = raw[8:].decode().strip()
        assert len(text) <= 16
        assert float(text) == pytest.approx(value, rel=1e-8)


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="\\"), max_size=30).map(
    str.strip
)
PLAIN = {
    0x00081030: st.tuples(st.just("LO"), st.lists(TEXT.filter(bool), min_size=1, max_size=4).map(tuple)),
    0x00100020: st.tuples(st.just("LO"), st.tuples(TEXT.filter(bool))),
    0x0020000D: st.tuples(st.just("UI"), st.tuples(st.from_regex(r"[1-9]\.[1-9][0-9.]{0,60}", fullmatch=True))),
    0x00280010: st.tuples(st.just("US"), st.lists(st.integers(0, 65535), min_size=1, max_size=3).map(tuple)),
    0x00186020: st.tuples(st.just("SL"), st.tuples(st.integers(-(2**31), 2**31 - 1))),
    0x00189306: st.tuples(st.just("FD"), st.tuples(st.floats(allow_nan=False))),
    0x00420011: st.tuples(st.just("OB"), st.binary(max_size=40).filter(lambda raw: len(raw) % 2 == 0)),
}
FLAT = st.fixed_dictionaries({}, optional=PLAIN)
NESTED = st.recursive(
    FLAT,
    lambda inner: st.fixed_dictionaries(
        {0x00081140: st.tuples(st.just("SQ"), st.lists(inner, max_size=3).map(tuple))}, optional=PLAIN
    ),
    max_leaves=6,
)


@given(NESTED, st.sampled_from(SYNTAXES))
def test_whatever_is_written_reads_back(elements: dict[int, Any], syntax: str) -> None:
    elements = {0x00080005: ("CS", ("ISO_IR 192",)), **elements}
    assert dataset.decode(dataset.encode(elements, syntax), syntax).to_elements() == elements
