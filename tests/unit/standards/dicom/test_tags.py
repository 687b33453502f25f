"""standards.dicom.tags: the dictionary of PS3.6 and the tags outside of it."""

import pytest

from heliograph.standards.dicom import tags


def test_the_dictionary() -> None:
    assert tags.tag_of("PatientID") == 0x00100020
    assert tags.keyword_of(0x00100020) == "PatientID"
    assert tags.vr_of(0x00100020) == "LO"
    assert tags.vm_of(0x00080060) == "1"
    assert tags.name_of(0x00100010) == "Patient's Name"
    assert tags.tag_of("OverlayRows") == 0x60000010
    with pytest.raises(KeyError):
        tags.tag_of("PatientIdd")


@pytest.mark.parametrize(
    ("tag", "vr"),
    [
        (0x60003000, "OW"),
        (0x60120010, "US"),
        (0x00200000, "UL"),
        (0x00090010, "LO"),
        (0x00091001, "UN"),
        (0x00280106, "US"),
        (0x7FE00010, "OW"),
        (0x00283006, "OW"),
        (0xFFFEE000, "UN"),
        (0x12345678, "UN"),
    ],
)
def test_vrs_outside_of_the_plain_table(tag: int, vr: str) -> None:
    assert tags.vr_of(tag) == vr


def test_signed_choices_and_private_attributes() -> None:
    assert tags.vr_of(0x00280106, signed=True) == "SS"
    assert tags.vr_of(0x00283002, signed=True) == "SS"
    assert tags.private_vr("SIEMENS MR HEADER", 0x0019110C) == "IS"
    assert tags.private_vr("GEMS_ACQU_01", 0x00191002) in ("SL", "DS", "IS")
    assert tags.private_vr("nobody", 0x0019100C) == "UN"
    assert tags.is_private(0x00091001)
    assert tags.is_private_creator(0x00090010)
    assert not tags.is_private_creator(0x00091010)


@pytest.mark.parametrize(("text", "tag"), [("PatientID", 0x00100020), ("00100020", 0x00100020), ("(0010,0020)", 0x00100020), ("0010,0020", 0x00100020),
                                           ("7fe00010", 0x7FE00010), ("Nobody", None), ("0010002", None), ("", None), ("+0100020", None), ("٠٠١٠٠٠٢٠", None)])  # fmt: skip
def test_what_a_peer_may_write(text: str, tag: int | None) -> None:
    assert tags.find_tag(text) == tag
