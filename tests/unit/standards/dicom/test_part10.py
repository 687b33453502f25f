"""standards.dicom.part10: file meta information that others read, and where a data set begins."""

import io

import pydicom
import pytest

from heliograph.standards.dicom import part10, uids
from heliograph.standards.dicom.header import Unparseable
from tests.unit.standards.dicom import making as make


@pytest.mark.parametrize("source", ["", "CT1", "A TITLE THAT IS TOO LONG"])
def test_file_meta_is_read_by_pydicom(source: str) -> None:
    prefix = part10.file_meta(make.CT_CLASS, "1.2.3.4", uids.EXPLICIT_VR_LITTLE_ENDIAN, source)
    found = pydicom.dcmread(io.BytesIO(prefix + make.identity()))
    assert prefix[:132] == bytes(128) + b"DICM"
    assert found.file_meta.MediaStorageSOPClassUID == make.CT_CLASS
    assert found.file_meta.MediaStorageSOPInstanceUID == "1.2.3.4"
    assert found.file_meta.TransferSyntaxUID == uids.EXPLICIT_VR_LITTLE_ENDIAN
    assert found.file_meta.ImplementationClassUID == part10.IMPLEMENTATION_CLASS_UID
    assert found.file_meta.ImplementationVersionName == "HELIOGRAPH_0_1"
    assert found.file_meta.get("SourceApplicationEntityTitle", "") == source[:16].strip()
    assert found.file_meta.FileMetaInformationGroupLength == len(prefix) - 144
    assert found.PatientID == "P1"
    assert part10.split(prefix + make.identity()) == (len(prefix), uids.EXPLICIT_VR_LITTLE_ENDIAN)


def test_our_implementation_class_uid_is_a_uid() -> None:
    assert uids.is_valid_uid(part10.IMPLEMENTATION_CLASS_UID, strict=True)
    assert int(part10.IMPLEMENTATION_CLASS_UID.removeprefix("2.25.")) < 2**128


def test_split_without_a_declaration() -> None:
    assert part10.split(make.identity()) == (0, make.EXPLICIT)
    assert part10.split(make.identity("implicit")) == (0, make.IMPLICIT)
    assert part10.split(make.identity("big")) == (0, make.BIG)
    with pytest.raises(Unparseable):
        part10.split(b"GET / HTTP/1.1\r\n\r\n" * 10)
