"""Every sample file: readable, and what we read is what pydicom reads, keyword by keyword and as DICOM JSON."""

import json
import math
import warnings
from typing import Any

import pydicom
import pytest
from pydicom.errors import InvalidDicomError

from heliograph.standards.dicom.header import Header, Unparseable, scan
from heliograph.standards.dicom.json import to_json
from tests import data

SAMPLES = data.all_dicom(directories=True)
TEXTS = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate",
         "StudyTime", "AccessionNumber", "Modality", "StudyDescription", "SeriesDescription", "Manufacturer", "BodyPartExamined",
         "PhotometricInterpretation", "FrameOfReferenceUID", "ReferringPhysicianName", "PatientName", "InstitutionName"]  # fmt: skip
NUMBERS = [
    "Rows",
    "Columns",
    "BitsAllocated",
    "InstanceNumber",
    "SeriesNumber",
    "NumberOfFrames",
    "SliceThickness",
    "WindowCenter",
    "RescaleSlope",
]

# A text file; and one with a stray byte before its data set, which DCMTK and pydicom refuse too.
UNPARSEABLE = {"dicomdir/TINY_ALPHA/README", "robust/no_meta.dcm"}
# pydicom takes four letters inside of the data set for the prefix of a file and loses what stands before them.
NOT_FOR_PYDICOM = {"robust/no_preamble_dicm_in_data.dcm"}
# (file, tag): what pydicom says and why ours is better or as good.
KNOWN = {
    ("robust/priv_SQ.dcm", "3F031001"),  # a private sequence that pydicom leaves as UN
    ("rt/RI6XDosiGap.dcm", "50003000"),  # pydicom answers the VR "OB or OW"
}
# Private values that stand as UN in Big Endian: nobody knows their byte order, so we keep the bytes.
BIG_ENDIAN = "syntax/ct_same_instance/BigEndian"


def reference(sample: data.Sample) -> pydicom.Dataset:
    try:
        return pydicom.dcmread(sample.path, stop_before_pixels=True)
    except InvalidDicomError:
        pytest.skip("not readable by pydicom")


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_every_sample_file_is_read_or_rightly_refused(sample: data.Sample) -> None:
    if sample.name in UNPARSEABLE:
        with pytest.raises(Unparseable):
            scan(sample.read())
        return
    header = scan(sample.read())
    assert header.elements
    assert header.truncated == ("truncated" in sample.name or "too_short" in sample.name)


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
@pytest.mark.filterwarnings("ignore")
def test_keywords_agree_with_pydicom(sample: data.Sample) -> None:
    if sample.name in UNPARSEABLE | NOT_FOR_PYDICOM:
        pytest.skip("see above")
    other, header = reference(sample), scan(sample.read())
    for keyword in TEXTS:
        assert header.text(keyword) == _first_text(other.get(keyword)), keyword
    for keyword in NUMBERS:
        assert header.number(keyword) == pytest.approx(_first_number(other.get(keyword))), keyword
    _transfer_syntax_agrees(header, other)


def _first_text(value: Any) -> str:
    if isinstance(value, pydicom.multival.MultiValue):
        value = value[0] if value else ""
    return "" if value is None else str(value).strip().rstrip("=")


def _first_number(value: Any) -> float | None:
    if isinstance(value, list | pydicom.multival.MultiValue):
        value = value[0]
    try:
        return None if value is None or value == "" else float(value)
    except ValueError:
        return None


def _transfer_syntax_agrees(header: Header, other: pydicom.Dataset) -> None:
    declared = other.file_meta.get("TransferSyntaxUID")
    if declared:
        assert header.transfer_syntax == declared


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_json_agrees_with_pydicom(sample: data.Sample) -> None:
    if sample.name in UNPARSEABLE | NOT_FOR_PYDICOM:
        pytest.skip("see above")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = reference(sample)
        try:
            theirs = json.loads(other.to_json())
        except (ValueError, NotImplementedError):
            pytest.skip("pydicom cannot write this one as JSON")
    ours = to_json(sample.read(), bulk=str, inline_limit_bytes=1 << 40)
    found = [path for path in _differing(ours, theirs, "") if (sample.name, path) not in KNOWN]
    if sample.name.startswith(BIG_ENDIAN):
        found = [path for path in found if int(path[3], 16) % 2 == 0]
    assert found == []


def _differing(ours: dict[str, Any], theirs: dict[str, Any], path: str) -> list[str]:
    found: list[str] = []
    for key in sorted(ours.keys() | theirs.keys()):
        if key == "00080005" or key.startswith("7FE0") or key.endswith("0000"):
            continue
        one, other = ours.get(key, {}), theirs.get(key, {})
        if one.get("vr") == other.get("vr") == "SQ":
            items, others = one.get("Value", []), other.get("Value", [])
            if len(items) != len(others):
                found.append(path + key)
            for number, (item, another) in enumerate(zip(items, others, strict=False)):
                found += _differing(item, another, f"{path}{key}/{number}/")
        elif _plain(one) != _plain(other):
            found.append(path + key)
    return found


def _plain(element: dict[str, Any]) -> tuple[Any, ...]:
    values = [_plain_value(value) for value in element.get("Value", [])]
    return element.get("vr"), [] if values == [None] else values, element.get("InlineBinary")


def _plain_value(value: Any) -> Any:
    """pydicom keeps padding, writes empty groups and whole decimals as 1.0, and stops at the digits of a double."""
    if isinstance(value, dict):
        return {name: text for name, text in value.items() if text} or None
    if isinstance(value, int | float):
        return str(round(float(value), 6) + 0.0) if math.isfinite(value) else str(value)
    if isinstance(value, str):
        try:
            return str(round(float(value), 6) + 0.0)
        except ValueError:
            return value.strip(" \0") or None
    return value
