"""standards.dicom.header: what a scan finds, when it waits for more, and how fast it is."""

import mmap
import tempfile
import time
from collections.abc import Callable
from struct import pack

import pytest

from heliograph.standards.dicom.header import Header, NeedMore, Unparseable, inflated, scan
from tests import data
from tests.unit.standards.dicom import making as make

CT = "ct/philips_head_5mm_28/I10.dcm"


def sample(name: str) -> bytes:
    path = data.ROOT / name
    if not path.is_file():
        pytest.skip(data.MISSING)
    return path.read_bytes()


def test_finds_the_usual_attributes_and_stops_at_pixel_data() -> None:
    whole = make.file(make.identity() + make.pixels(1000) + make.explicit(0xFFFCFFFC, "OB", bytes(4)))
    header = scan(whole)
    assert header.text("PatientName") == "Doe^Jane"
    assert header.text("StudyInstanceUID") == "1.2.3"
    assert header.has("PixelData")
    assert not header.has("Rows")
    assert header.pixel_tag == 0x7FE00010
    assert header.pixel_length == 1000
    assert whole[header.header_bytes : header.header_bytes + 4] == b"\xe0\x7f\x10\x00"
    assert header.pixel_offset == header.header_bytes + 12
    assert whole[header.prefix_bytes : header.prefix_bytes + 4] == b"\x08\x00\x16\x00"
    assert header.problems == ()
    assert not header.truncated
    assert 0xFFFCFFFC not in header.elements


def test_offers_raw_bytes_and_file_meta() -> None:
    header = scan(make.file(make.identity()))
    assert header.raw("PatientID") == b"P1"
    assert header.raw("Rows") is None
    assert header.meta("TransferSyntaxUID") == make.EXPLICIT
    assert header.meta("MediaStorageSOPInstanceUID") == "1.2.3.4"
    assert header.meta("SourceApplicationEntityTitle") == ""
    assert int(header.meta("FileMetaInformationGroupLength")) > 0


def test_a_bare_data_set_in_a_named_transfer_syntax() -> None:
    header = scan(make.identity("implicit"), transfer_syntax=make.IMPLICIT)
    assert header.prefix_bytes == 0
    assert header.text("Modality") == "CT"
    assert header.meta("TransferSyntaxUID") == ""


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_reads_every_kind_of_buffer(wrap: Callable[[bytes], bytes | bytearray | memoryview]) -> None:
    whole = make.file(make.identity() + make.pixels())
    assert scan(wrap(whole)).text("PatientID") == "P1"


def test_a_header_outlives_the_mapping_it_was_scanned_from() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(make.file(make.identity() + make.pixels(100_000)))
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            header = scan(mapped)
    assert header.text("PatientName") == "Doe^Jane"
    assert len(header.data) < 1000


def test_values_of_every_kind() -> None:
    body = (
        make.explicit(0x00080008, "CS", "ORIGINAL\\PRIMARY \\AXIAL")
        + make.explicit(0x00180050, "DS", " 1.25 ")
        + make.explicit(0x00189306, "FD", pack("<d", 0.5))
        + make.explicit(0x00200013, "IS", "+12")
        + make.explicit(0x00200032, "DS", "-1.5\\2\\3e1")
        + make.explicit(0x00280009, "AT", pack("<HH", 0x0018, 0x1063))
        + make.explicit(0x00280010, "US", pack("<H", 512))
        + make.explicit(0x00280106, "SS", pack("<h", -5))
    )
    header = scan(make.file(body))
    assert header.texts("ImageType") == ("ORIGINAL", "PRIMARY", "AXIAL")
    assert header.number("SliceThickness") == 1.25
    assert header.number("SingleCollimationWidth") == 0.5
    assert header.integer("InstanceNumber") == 12
    assert header.numbers("ImagePositionPatient") == (-1.5, 2.0, 30.0)
    assert header.text("FrameIncrementPointer") == "00181063"
    assert header.integer("Rows") == 512
    assert header.integer("SmallestImagePixelValue") == -5
    assert header.integer("Columns") is None
    assert header.text("Rows") == "512"


def test_sequences_and_their_own_character_set() -> None:
    inner = make.explicit(0x00080005, "CS", "ISO_IR 192") + make.explicit(0x00081030, "LO", "Schädel".encode())
    plain = make.explicit(0x00081030, "LO", "Schädel".encode("latin_1"))
    body = (
        make.explicit(0x00080005, "CS", "ISO_IR 100")
        + make.explicit(0x00081110, "SQ", make.item(inner))
        + make.open_sequence(0x00081115, make.open_item(plain + make.open_sequence(0x00081199, make.item(inner))))
    )
    header = scan(make.file(body + make.explicit(0x00100020, "LO", "P1")))
    assert header.sequence("ReferencedStudySequence")[0].text("StudyDescription") == "Schädel"
    (series,) = header.sequence("ReferencedSeriesSequence")
    assert series.text("StudyDescription") == "Schädel"
    assert series.sequence("ReferencedSOPSequence")[0].text("StudyDescription") == "Schädel"
    assert header.sequence("RequestAttributesSequence") == ()
    assert header.text("PatientID") == "P1"
    assert header.problems == ()


def test_waits_for_every_missing_byte_of_a_header() -> None:
    whole = make.file(
        make.identity()
        + make.open_sequence(0x00400275, make.open_item(make.explicit(0x00400007, "LO", "CT Head")))
        + make.explicit(0x00420011, "OB", bytes(300))
        + make.pixels(5000)
    )
    end = scan(whole).header_bytes + 12
    for size in range(end):
        with pytest.raises(NeedMore) as wait:
            scan(whole[:size], complete=False)
        assert wait.value.at_least > size
    early = scan(whole[:end], complete=False)
    assert early.text("PatientName") == "Doe^Jane"
    assert early.pixel_length == 5000
    assert not early.truncated


def test_waits_when_only_a_bare_data_set_has_begun() -> None:
    whole = make.identity() + make.pixels(100)
    with pytest.raises(NeedMore):
        scan(whole[:40], transfer_syntax=make.EXPLICIT, complete=False)
    assert scan(whole[:-90], transfer_syntax=make.EXPLICIT, complete=False).pixel_length == 100


def test_marks_what_is_cut_off() -> None:
    whole = make.file(make.identity() + make.pixels(1000))
    assert scan(whole[:-1]).truncated
    assert scan(whole[: scan(whole).header_bytes - 5]).truncated
    assert "Pixel Data ends before its length says" in scan(whole[:-1]).problems
    fragments = make.explicit(0x7FE00010, "OB", length=make.UNDEFINED) + make.item() + make.item(bytes(100))
    assert not scan(make.file(make.identity() + fragments + make.SEQUENCE_END, make.JPEG)).truncated
    assert scan(make.file(make.identity() + fragments, make.JPEG)).truncated
    assert scan(make.file(make.identity() + fragments[:-50], make.JPEG)).truncated


def test_a_deflated_object_and_its_inflated_bytes() -> None:
    whole = sample("syntax/ct_same_instance/DeflatedExplicitVRLittleEndianTransferSyntax_1.2.840.10008.1.2.1.99.dcm")
    header = scan(whole)
    plain = inflated(whole, header)
    assert header.deflated
    assert header.total_bytes == len(plain)
    assert header.pixel_offset is not None
    assert header.pixel_length == 512 * 512 * 2
    assert header.pixel_offset + header.pixel_length == len(plain)
    other = scan(sample("syntax/ct_same_instance/LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm"))
    assert header.text("SOPInstanceUID") == other.text("SOPInstanceUID")


@pytest.mark.parametrize(
    "junk", [b"", b"DICM", b"<html>" * 100, bytes(1000), b"\xff" * 1000, bytes(128) + b"DICM" + b"?" * 400]
)
def test_refuses_what_is_no_dicom(junk: bytes) -> None:
    with pytest.raises(Unparseable) as refusal:
        scan(junk)
    assert refusal.value.message


def test_zeros_behind_the_file_meta_information_are_no_object() -> None:
    """They read as the element (0000,0000) of no length."""
    whole = make.file(b"", make.IMPLICIT) + bytes(64)
    with pytest.raises(Unparseable, match="no readable element"):
        scan(whole)


def test_problems_name_tags_and_never_values() -> None:
    body = make.explicit(0x00100010, "PN", b"Secr\xe9t", length=6) + make.explicit(0x00200013, "IS", "Secret")
    header = scan(make.file(body))
    assert header.text("PatientName") == "Secrét"
    assert header.integer("InstanceNumber") is None
    assert header.problems == (
        "not in the declared character set: (0010,0010)",
        "not an integer: (0020,0013)",
    )


def fastest(work: Callable[[], Header], goal_s: float, rounds: int = 5000) -> float:
    """The least CPU time; neighbours on the core and its cache make the others dearer, so it may take some looking."""
    best = 1.0
    for _ in range(rounds):
        begin = time.thread_time()
        work()
        best = min(best, time.thread_time() - begin)
        if best < goal_s:
            break
    return best


@pytest.mark.parametrize("name", ["ct/CT_small.dcm", CT, "ct/ge_liver_3slice/01.dcm"])
def test_scans_a_ct_header_within_300_microseconds(name: str) -> None:
    whole = sample(name)
    scan(whole)
    assert fastest(lambda: scan(whole), 0.0003) < 0.0003
