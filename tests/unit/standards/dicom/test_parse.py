"""standards.dicom.parse: the tree, where a value lies, and what differs between two encodings of one object."""

import io
from struct import pack

import pytest
from pydicom import Dataset, dcmwrite

from heliograph.kit.errors import Absent
from heliograph.standards.dicom import uids
from heliograph.standards.dicom.header import scan
from heliograph.standards.dicom.parse import DataSet, bytes_at, differences, parse, value_at
from tests import data
from tests.unit.standards.dicom import making as make

SAME = "syntax/ct_same_instance"


def same(name: str) -> bytes:
    found = sorted((data.ROOT / SAME).glob(f"{name}_1.2*.dcm"))
    if not found:
        pytest.skip(data.MISSING)
    return found[0].read_bytes()


def tree(body: bytes, transfer_syntax: str = make.EXPLICIT) -> DataSet:
    return parse(body, transfer_syntax=transfer_syntax)


@pytest.mark.parametrize(
    "other",
    [
        "LittleEndianImplicitTransferSyntax",
        "BigEndianExplicitTransferSyntax",
        "DeflatedExplicitVRLittleEndianTransferSyntax",
        "JPEG2000LosslessOnlyTransferSyntax",
        "JPEGLSLosslessTransferSyntax",
        "RLELosslessTransferSyntax",
    ],
)
def test_one_object_in_another_transfer_syntax_differs_in_nothing(other: str) -> None:
    left = parse(same("LittleEndianExplicitTransferSyntax"), trailing=True)
    right = parse(same(other), trailing=True)
    assert len(left) > 200
    assert differences(left, right) == []


def test_a_lossy_copy_differs_in_what_it_says() -> None:
    left, right = parse(same("LittleEndianExplicitTransferSyntax")), parse(same("JPEG2000TransferSyntax"))
    assert {"00080018", "00282110"} <= set(differences(left, right))


def test_differences_name_paths() -> None:
    def body(name: str, uid: str) -> bytes:
        inner = make.explicit(0x00081155, "UI", uid)
        return make.explicit(0x00081140, "SQ", make.item() + make.item(inner)) + make.explicit(0x00100010, "PN", name)

    base = tree(body("Doe^Jane", "1.2"))
    assert differences(base, tree(body("Doe^Jane ", "1.2"))) == []
    assert differences(base, tree(body("Doe^John", "1.2"))) == ["00100010"]
    assert differences(base, tree(body("Doe^Jane", "1.3"))) == ["00081140/1/00081155"]
    assert differences(base, tree(make.explicit(0x00100010, "PN", "Doe^Jane"))) == ["00081140"]
    assert differences(tree(make.explicit(0x00081140, "SQ", make.item())), tree(make.explicit(0x00081140, "SQ"))) == [
        "00081140"
    ]


def test_character_sets_group_lengths_and_lost_vrs_do_not_count() -> None:
    latin = make.explicit(0x00080005, "CS", "ISO_IR 100") + make.explicit(0x00100010, "PN", "Müller".encode("latin_1"))
    unicode = make.explicit(0x00080000, "UL", pack("<L", 99)) + make.explicit(0x00080005, "CS", "ISO_IR 192")
    unicode += make.explicit(0x00100010, "PN", "Müller".encode())
    assert differences(tree(latin), tree(unicode)) == []
    known = make.explicit(0x00090010, "LO", "ACME") + make.explicit(0x00091001, "LO", "text")
    lost = make.explicit(0x00090010, "LO", "ACME") + make.explicit(0x00091001, "UN", "text")
    assert differences(tree(known), tree(lost)) == []
    assert differences(tree(known), tree(make.explicit(0x00090010, "LO", "ACME"))) == ["00091001"]


def test_vrs_are_settled_by_the_dictionary_the_creator_and_pixel_representation() -> None:
    body = make.implicit(0x00280103, b"\1\0") + make.implicit(0x00280106, pack("<h", -7))
    found = tree(
        make.implicit(0x00190010, "SIEMENS MR HEADER") + make.implicit(0x0019100C, "1000") + body, make.IMPLICIT
    )
    assert found.elements[0x00280106].vr == "SS"
    assert found.values_at(0x00280106) == (-7,)
    assert found.elements[0x0019100C].vr == "IS"
    assert found.texts_at(0x0019100C) == ("1000",)
    inner = make.item(make.implicit(0x00280103, b"\0\0") + make.implicit(0x00283002, pack("<HHH", 256, 65535, 16)))
    nested = tree(make.implicit(0x00283000, inner), make.IMPLICIT)
    assert nested.sequence("ModalityLUTSequence")[0].numbers("LUTDescriptor") == (256, 65535, 16)


def test_elements_behind_pixel_data_belong_to_the_whole_tree() -> None:
    behind = make.explicit(0xFFFAFFFA, "SQ", make.item(make.explicit(0x04000005, "US", b"\1\0")))
    native = make.file(make.identity() + make.pixels() + behind)
    fragments = (
        make.explicit(0x7FE00010, "OB", length=make.UNDEFINED) + make.item() + make.item(b"\xfe\xff\xdd\xe0" * 2)
    )
    coded = make.file(make.identity() + fragments + make.SEQUENCE_END + behind, make.JPEG)
    for whole in (native, coded):
        assert 0xFFFAFFFA not in parse(whole).elements
        (item,) = parse(whole, trailing=True).sequence("DigitalSignaturesSequence")
        assert item.integer("MACIDNumber") == 1


def test_bulk_data_is_little_endian_whatever_the_object() -> None:
    table = pack("<4H", 1, 2, 300, 40000)
    for order, syntax in (("<", uids.EXPLICIT_VR_LITTLE_ENDIAN), (">", uids.EXPLICIT_VR_BIG_ENDIAN)):
        ds = Dataset()
        item = Dataset()
        item.add_new(0x00283006, "OW", pack(f"{order}4H", 1, 2, 300, 40000))
        ds.PatientID, ds.VOILUTSequence = "P1", [item]
        held = io.BytesIO()
        dcmwrite(held, ds, implicit_vr=False, little_endian=order == "<")
        header = scan(held.getvalue(), transfer_syntax=syntax)
        assert bytes_at("00283010/0/00283006", header) == table
        assert bytes_at("00100020", header) == b"P1"


def test_where_values_lie() -> None:
    inner = make.explicit(0x00420011, "OB", b"inner!")
    whole = make.file(
        make.identity()
        + make.open_sequence(0x00081140, make.open_item(), make.open_item(inner))
        + make.explicit(0x00420011, "OB", b"outer!")
        + make.pixels(64)
    )
    header = scan(whole)
    for path, value in (
        ("00420011", b"outer!"),
        ("00081140/1/00420011", b"inner!"),
        ("7FE00010", bytes(64)),
        ("00100020", b"P1"),
    ):
        offset, length = value_at(whole, path, header)
        assert whole[offset : offset + length] == value
    for path in ("00420012", "00081140/2/00420011", "00081140/0/00420011", "00081140/x/00420011", "00081140/-1/00420011", "00081140/1",
                 "", "/", "0008114", "00081140/1/00420011/0/00420011", "00081140/1/00420011/", "../etc"):  # fmt: skip
        with pytest.raises(Absent):
            value_at(whole, path, header)


def test_where_fragmented_pixel_data_lies() -> None:
    fragments = make.item() + make.item(b"abcd")
    whole = make.file(
        make.identity() + make.explicit(0x7FE00010, "OB", length=make.UNDEFINED) + fragments + make.SEQUENCE_END,
        make.JPEG,
    )
    offset, length = value_at(whole, "7FE00010")
    assert whole[offset : offset + length] == fragments


def test_the_same_tag_twice_counts_once_and_the_first_time() -> None:
    whole = make.file(make.identity() + make.explicit(0x00100020, "LO", "P2") + make.pixels())
    header = scan(whole)
    assert header.text("PatientID") == "P1"
    assert "given twice: (0010,0020)" in header.problems
    assert parse(whole).text("PatientID") == "P1"
