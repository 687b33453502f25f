"""standards.dicom.uids: what the registry of PS3.6 says about SOP classes, transfer syntaxes and the grammar."""

import pytest

from heliograph.standards.dicom import uids


def test_names() -> None:
    assert uids.name_of("1.2.840.10008.5.1.4.1.1.2") == "CT Image Storage"
    assert uids.name_of(uids.HTJ2K_LOSSLESS_RPCL).startswith("High-Throughput JPEG 2000 with RPCL")
    assert uids.name_of("1.2.3") == "1.2.3"


def test_storage_classes_are_all_there_and_nothing_else() -> None:
    every = uids.storage_sop_classes()
    assert len(every) == len(set(every)) > 150
    for uid in ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.88.1",
                "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.77.1.6"):  # fmt: skip
        assert uids.is_storage_class(uid), uids.name_of(uid)
    for uid in (
        uids.VERIFICATION,
        uids.MEDIA_STORAGE_DIRECTORY,
        "1.2.840.10008.1.20.1",
        "1.2.840.10008.5.1.4.1.2.2.1",
        "1.2.3",
    ):
        assert not uids.is_storage_class(uid)


def test_transfer_syntaxes() -> None:
    known = uids.transfer_syntaxes()
    assert {
        uids.IMPLICIT_VR_LITTLE_ENDIAN,
        uids.EXPLICIT_VR_BIG_ENDIAN,
        uids.JPEG_BASELINE,
        uids.HTJ2K,
        uids.JPEG_XL,
    } <= set(known)
    assert not any(uid.startswith("1.2.840.10008.1.2.7") for uid in known)
    assert uids.is_transfer_syntax(uids.GE_PRIVATE_IMPLICIT_VR)
    assert not uids.is_transfer_syntax("1.2.3")


@pytest.mark.parametrize(
    ("uid", "answer"),
    [
        (uids.IMPLICIT_VR_LITTLE_ENDIAN, False),
        (uids.EXPLICIT_VR_BIG_ENDIAN, False),
        (uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, False),
        (uids.ENCAPSULATED_UNCOMPRESSED, True),
        (uids.RLE_LOSSLESS, True),
        (uids.JPEG_2000, True),
        ("1.2.840.10008.1.2.4.94", False),
        ("1.2.3.4", True),
    ],
)
def test_encapsulated(uid: str, answer: bool) -> None:
    assert uids.is_encapsulated(uid) is answer


@pytest.mark.parametrize(
    ("uid", "lenient", "strict"),
    [
        ("1.2.840", True, True),
        ("1.02.3", True, False),
        ("1..2", True, False),
        ("1" * 64, True, True),
        ("1" * 65, False, False),
        ("", False, False),
        ("1.2.a", False, False),
        ("../1.2", False, False),
        ("1.2 ", False, False),
        ("1.2\n", False, False),
        ("１.2", False, False),
    ],
)
def test_grammar(uid: str, lenient: bool, strict: bool) -> None:
    assert uids.is_valid_uid(uid) is lenient
    assert uids.is_valid_uid(uid, strict=True) is strict
