"""The interoperability traps of encoding, character sets and identity: one test or more per number of the list.

Each object is made by hand, byte by byte, as the device of the story wrote it.
"""

import zlib
from struct import pack

import pytest

from heliograph.standards.dicom import dataset, names, uids
from heliograph.standards.dicom.header import Header, NeedMore, scan
from heliograph.standards.dicom.json import to_json
from heliograph.standards.dicom.parse import differences, parse
from tests.unit.standards.dicom import making as make

REST = make.explicit(0x00100010, "PN", "Doe^Jane") + make.explicit(0x00100020, "LO", "P1")
BEGIN = make.explicit(0x00080016, "UI", make.CT_CLASS) + make.explicit(0x00080018, "UI", "1.2.3.4")
DESCRIPTION = make.explicit(0x00081030, "LO", "Head")
IDENTITY = {"explicit": make.identity(), "implicit": make.identity("implicit"), "big": make.identity("big")}
SYNTAX = {"explicit": make.EXPLICIT, "implicit": make.IMPLICIT, "big": make.BIG}


def deflated(plain: bytes, bits: int = -15) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, bits)
    return packer.compress(plain) + packer.flush()


def good(header: Header) -> Header:
    """The patient behind the trap was reached."""
    assert header.text("PatientName") == "Doe^Jane"
    assert header.text("PatientID") == "P1"
    return header


# -- 1 to 10: encoding -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", IDENTITY)
def test_trap_01_no_preamble_no_prefix_no_file_meta(write: str) -> None:
    header = good(scan(IDENTITY[write]))
    assert header.transfer_syntax == SYNTAX[write]
    assert header.declared_transfer_syntax == ""
    assert header.prefix_bytes == 0
    assert "no file meta information" in header.problems


@pytest.mark.parametrize("start", [b"DICM", b"", bytes(128) + b"DICM"])
def test_trap_01_file_meta_with_or_without_preamble(start: bytes) -> None:
    assert good(scan(start + make.meta(make.EXPLICIT) + make.identity())).prefix_bytes == len(
        start + make.meta(make.EXPLICIT)
    )


def test_trap_01_preamble_and_prefix_without_file_meta() -> None:
    assert good(scan(bytes(128) + b"DICM" + make.identity("implicit"))).transfer_syntax == make.IMPLICIT
    assert good(scan(bytes(128) + make.identity())).prefix_bytes == 128


def test_trap_01_the_letters_dicm_inside_of_a_data_set_without_preamble() -> None:
    text = make.explicit(0x00080005, "CS", "ISO_IR 100") + make.explicit(0x00080008, "CS", "A" * 90)
    filler = 128 - len(text) - 8
    whole = text + make.explicit(0x00080070, "LO", "x" * filler + "DICMxx") + REST
    assert whole[128:132] == b"DICM"
    assert good(scan(whole)).prefix_bytes == 0


def test_trap_02_file_meta_in_implicit_vr() -> None:
    group = make.implicit(0x00020002, make.CT_CLASS, pad=b"\0") + make.implicit(0x00020010, make.EXPLICIT, pad=b"\0")
    header = good(scan(bytes(128) + b"DICM" + group + make.identity()))
    assert header.declared_transfer_syntax == make.EXPLICIT
    assert "file meta information in implicit VR" in header.problems


@pytest.mark.parametrize("length", [0, 1, 20, 10_000, 0xFFFFFFFF])
def test_trap_02_wrong_group_length_of_file_meta(length: int) -> None:
    whole = bytes(128) + b"DICM" + make.meta(make.IMPLICIT, group_length=length) + make.identity("implicit")
    header = good(scan(whole))
    assert header.transfer_syntax == make.IMPLICIT
    assert header.prefix_bytes == len(whole) - len(make.identity("implicit"))
    assert "wrong group length of the file meta information" in header.problems


@pytest.mark.parametrize(
    "written", ["1.2.840.10008.1.2.1\0", "1.2.840.10008.1.2.1\0\0\0", "1.2.840.10008.1.2.1 ", " 1.2.840.10008.1.2.1"]
)
def test_trap_02_padded_transfer_syntax_uid(written: str) -> None:
    group = make.explicit(0x00020010, "UI", written)
    header = good(
        scan(bytes(128) + b"DICM" + make.explicit(0x00020000, "UL", pack("<L", len(group))) + group + make.identity())
    )
    assert header.declared_transfer_syntax == make.EXPLICIT
    assert header.transfer_syntax == make.EXPLICIT


@pytest.mark.parametrize("declared", [make.EXPLICIT, make.IMPLICIT, make.BIG, make.DEFLATED, make.JPEG])
@pytest.mark.parametrize("real", IDENTITY)
def test_trap_03_declared_transfer_syntax_differs_from_the_bytes(declared: str, real: str) -> None:
    for header in (
        scan(make.file(IDENTITY[real], declared)),
        scan(IDENTITY[real], transfer_syntax=declared),
    ):
        good(header)
        assert header.declared_transfer_syntax == declared
        if declared == SYNTAX[real]:
            assert header.problems == ()
        if declared == make.JPEG and real == "explicit":
            assert header.transfer_syntax == make.JPEG
        else:
            assert header.transfer_syntax == SYNTAX[real]


@pytest.mark.parametrize("code", [b"\x06\x00", b"\x00\x00", b"??", b"  ", b"-A"])
def test_trap_04_vr_bytes_that_are_no_vr(code: bytes) -> None:
    for odd in (
        pack("<HH2sH", 0x0008, 0x1030, code, 4) + b"Head",  # a VR was meant: the length has two bytes
        pack("<HHL", 0x0008, 0x1030, 4) + b"Head",  # written as implicit VR
    ):
        header = good(scan(make.file(BEGIN + odd + REST)))
        assert header.text("StudyDescription") == "Head"
        assert "no valid VR at (0008,1030)" in header.problems


def test_trap_04_a_vr_of_the_future_has_a_long_length() -> None:
    future = pack("<HH2sHL", 0x0008, 0x1030, b"QX", 0, 4) + b"Head"
    assert good(scan(make.file(BEGIN + future + REST))).raw("StudyDescription") == b"Head"


def test_trap_04_an_item_in_implicit_vr_inside_of_an_explicit_object() -> None:
    item = make.item(make.implicit(0x00081150, "1.2", pad=b"\0") + make.implicit(0x00081155, "1.2.9", pad=b"\0"))
    for sequence in (make.explicit(0x00081140, "SQ", item), make.open_sequence(0x00081140, item)):
        header = good(scan(make.file(BEGIN + sequence + REST)))
        assert header.sequence("ReferencedImageSequence")[0].text("ReferencedSOPInstanceUID") == "1.2.9"
        assert to_json(b"", header, bulk=str)["00081140"]["Value"][0]["00081155"]["Value"] == ["1.2.9"]


def test_trap_05_un_undefined_length_is_a_sequence() -> None:
    inner = make.implicit(0x00081155, "1.2.9", pad=b"\0")
    nested = make.implicit(0x00081199, length=make.UNDEFINED) + make.open_item(inner) + make.SEQUENCE_END
    sequence = make.open_sequence(0x00081140, make.open_item(nested), make.item(inner), vr="UN")
    header = good(scan(make.file(BEGIN + sequence + REST)))
    first, second = header.sequence("ReferencedImageSequence")
    assert first.sequence("ReferencedSOPSequence")[0].text("ReferencedSOPInstanceUID") == "1.2.9"
    assert second.text("ReferencedSOPInstanceUID") == "1.2.9"
    assert header.problems == ()
    assert to_json(b"", header, bulk=str)["00081140"]["vr"] == "SQ"


def test_trap_05_un_undefined_length_with_explicit_items_inside() -> None:
    item = make.open_item(make.explicit(0x00081155, "UI", "1.2.9"))
    header = good(scan(make.file(BEGIN + make.open_sequence(0x00081140, item, vr="UN") + REST)))
    assert header.sequence("ReferencedImageSequence")[0].text("ReferencedSOPInstanceUID") == "1.2.9"


@pytest.mark.parametrize("vr", ["LO", "UN", "OB", "OW", "UT", "SQ"])
@pytest.mark.parametrize("is_padded", [True, False])
def test_trap_06_odd_lengths(vr: str, is_padded: bool) -> None:
    value = b"Heads" if vr != "SQ" else make.item(make.explicit(0x00081155, "UI", "12", length=1)[:-1])
    odd = make.explicit(0x00081030, vr, b"", length=len(value)) + value + b"\0" * is_padded
    header = good(scan(make.file(BEGIN + odd + REST)))
    assert (header.raw("StudyDescription") or b"")[:5] == value[:5]
    assert "odd length of (0008,1030)" in header.problems
    assert not header.truncated


def test_trap_07_sequence_delimiter_in_place_of_item_delimiter() -> None:
    item = make.item(DESCRIPTION, length=make.UNDEFINED) + make.SEQUENCE_END
    for count in (1, 3):
        whole = make.file(BEGIN + make.open_sequence(0x00081140, *[item] * count) + REST)
        header = good(scan(whole))
        assert [item.text("StudyDescription") for item in header.sequence("ReferencedImageSequence")] == [
            "Head"
        ] * count
        assert header.problems


def test_trap_07_item_delimiter_left_out() -> None:
    item = make.item(DESCRIPTION, length=make.UNDEFINED)
    for count in (1, 3):
        whole = make.file(BEGIN + make.open_sequence(0x00081140, *[item] * count) + REST)
        header = good(scan(whole))
        assert [item.text("StudyDescription") for item in header.sequence("ReferencedImageSequence")] == [
            "Head"
        ] * count


def test_trap_07_sequence_delimiter_left_out() -> None:
    sequence = make.explicit(0x00081140, "SQ", length=make.UNDEFINED) + make.open_item(DESCRIPTION)
    header = good(scan(make.file(BEGIN + sequence + REST)))
    assert header.sequence("ReferencedImageSequence")[0].text("StudyDescription") == "Head"
    assert "a sequence without its delimiter" in header.problems


def test_trap_07_delimiters_with_a_length() -> None:
    end = pack("<HHL", 0xFFFE, 0xE00D, make.UNDEFINED)
    whole_end = pack("<HHL", 0xFFFE, 0xE0DD, make.UNDEFINED)
    sequence = make.explicit(0x00081140, "SQ", length=make.UNDEFINED) + make.item(DESCRIPTION, length=make.UNDEFINED)
    header = good(scan(make.file(BEGIN + sequence + end + whole_end + REST)))
    assert header.sequence("ReferencedImageSequence")[0].text("StudyDescription") == "Head"
    assert "a delimiter with a length" in header.problems


def test_trap_07_a_sequence_longer_than_its_length() -> None:
    items = make.item(DESCRIPTION) + make.item(DESCRIPTION)
    sequence = make.explicit(0x00081140, "SQ", b"", length=len(items) // 2) + items
    header = good(scan(make.file(BEGIN + sequence + REST)))
    assert len(header.sequence("ReferencedImageSequence")) == 2
    assert "an item outside of its sequence, after (0008,1140)" in header.problems


def test_trap_07_a_delimiter_at_the_end_of_a_sequence_of_known_length() -> None:
    content = make.open_item(DESCRIPTION) + make.SEQUENCE_END
    inside = make.explicit(0x00081140, "SQ", content)
    outside = make.explicit(0x00081140, "SQ", make.open_item(DESCRIPTION)) + make.SEQUENCE_END
    for sequence in (inside, outside):
        header = good(scan(make.file(BEGIN + sequence + REST)))
        (item,) = header.sequence("ReferencedImageSequence")
        assert item.text("StudyDescription") == "Head"


def test_trap_07_an_item_longer_than_its_sequence() -> None:
    sequence = make.explicit(0x00081140, "SQ", make.item(DESCRIPTION, length=len(DESCRIPTION) + 1000))
    header = good(scan(make.file(BEGIN + sequence + REST)))
    (item,) = header.sequence("ReferencedImageSequence")
    assert item.text("StudyDescription") == "Head"
    assert "an item is longer than its sequence" in header.problems


def test_trap_07_a_sequence_that_never_ends_is_a_cut_off_object() -> None:
    sequence = make.explicit(0x00081140, "SQ", length=make.UNDEFINED) + make.item(DESCRIPTION, length=make.UNDEFINED)
    header = scan(make.file(make.identity() + sequence))
    assert header.truncated
    with pytest.raises(NeedMore):
        scan(make.file(make.identity() + sequence), complete=False)


def test_trap_08_fragments_that_contain_delimiters() -> None:
    nasty = make.SEQUENCE_END + make.ITEM_END + make.item(b"xx")
    fragments = (
        make.explicit(0x7FE00010, "OB", length=make.UNDEFINED) + make.item() + make.item(nasty) + make.item(nasty)
    )
    behind = make.explicit(0xFFFCFFFC, "OB", bytes(6))
    whole = make.file(make.identity() + fragments + make.SEQUENCE_END + behind, make.JPEG)
    assert not scan(whole).truncated
    assert 0xFFFCFFFC in parse(whole, trailing=True).elements
    icon = make.open_sequence(0x00880200, make.open_item(fragments + make.SEQUENCE_END))
    header = good(scan(make.file(BEGIN + REST + icon + make.pixels(), make.JPEG)))
    assert header.pixel_length == 8
    assert header.problems == ()


def test_trap_09_deflated_streams_with_odd_and_invalid_ends() -> None:
    plain = make.identity() + make.pixels(100)
    stream = deflated(plain)
    for body in (stream, stream + b"\0", stream + b"\0\0\0", stream + b"junk" * 100, deflated(plain, 15)):
        header = good(scan(make.file(body, make.DEFLATED)))
        assert header.transfer_syntax == make.DEFLATED
        assert header.deflated
        assert not header.truncated
        assert header.pixel_length == 100


def test_trap_09_a_deflated_stream_that_is_cut_off_or_damaged_keeps_its_beginning() -> None:
    plain = make.identity() + make.explicit(0x00420011, "OB", bytes(range(256)) * 400) + make.pixels(100)
    stream = deflated(plain)
    assert good(scan(make.file(stream[:-20], make.DEFLATED))).truncated
    noisy = bytes([*range(256)] * 20)
    assert good(scan(make.file(deflated(make.identity() + noisy)[:600], make.DEFLATED))).truncated


def test_trap_10_explicit_vr_big_endian_is_read() -> None:
    body = make.identity("big") + make.explicit(0x00280010, "US", pack(">H", 512), mark=">")
    body += make.explicit(0x00283002, "US", pack(">HHH", 256, 0, 16), mark=">")
    sequence = make.explicit(0x00400275, "SQ", length=make.UNDEFINED, mark=">") + make.item(
        make.explicit(0x00400007, "LO", "Head", mark=">"), mark=">"
    )
    end = pack(">HHL", 0xFFFE, 0xE0DD, 0)
    header = good(
        scan(make.file(body + sequence + end + make.explicit(0x7FE00010, "OW", bytes(8), mark=">"), make.BIG))
    )
    assert header.transfer_syntax == make.BIG
    assert header.integer("Rows") == 512
    assert header.numbers("LUTDescriptor") == (256, 0, 16)
    assert header.sequence("RequestAttributesSequence")[0].text("ScheduledProcedureStepDescription") == "Head"
    assert header.pixel_length == 8


# -- 13 to 18: values --------------------------------------------------------------------------------------------


def test_trap_13_lengths_of_encapsulated_pixel_data_do_not_count_as_a_difference() -> None:
    total = make.explicit(0x7FE00003, "UV", pack("<Q", 1000))
    left, right = (
        scan(make.file(make.identity() + total + make.pixels())),
        scan(make.file(make.identity() + make.pixels())),
    )
    assert left.has("EncapsulatedPixelDataValueTotalLength")
    assert differences(parse(b"", left), parse(b"", right)) == []


def test_trap_14_elements_behind_pixel_data_do_not_disturb_the_header() -> None:
    header = good(scan(make.file(make.identity() + make.pixels(64) + make.explicit(0xFFFCFFFC, "OB", bytes(10)))))
    assert header.pixel_length == 64
    assert not header.truncated


@pytest.mark.parametrize("pixel_tag", [0x7FE00008, 0x7FE00009, 0x7FE00010])
def test_trap_14_every_kind_of_pixel_data_ends_the_header(pixel_tag: int) -> None:
    vr = {0x7FE00008: "OF", 0x7FE00009: "OD", 0x7FE00010: "OW"}[pixel_tag]
    header = good(scan(make.file(make.identity() + make.explicit(pixel_tag, vr, bytes(16)))))
    assert header.pixel_tag == pixel_tag
    assert (header.pixel_vr, header.pixel_length) == (vr, 16)


def test_trap_14_the_vrs_of_64_bits_and_of_arrays() -> None:
    body = (
        make.explicit(0x00091001, "OD", bytes(16))
        + make.explicit(0x00091002, "OF", bytes(8))
        + make.explicit(0x00091003, "OL", bytes(8))
        + make.explicit(0x00091004, "OV", bytes(16))
        + make.explicit(0x00091005, "SV", pack("<q", -(2**40)))
        + make.explicit(0x00091006, "UV", pack("<QQ", 2**40, 2**63))
        + make.explicit(0x00091007, "UC", "long text")
        + make.explicit(0x00091008, "UR", "http://example.org/a b")
    )
    header = good(scan(make.file(BEGIN + body + REST)))
    assert header.values_at(0x00091005) == (-(2**40),)
    assert header.values_at(0x00091006) == (2**40, 2**63)
    assert header.texts_at(0x00091008) == ("http://example.org/a b",)
    assert header.problems == ()


def test_trap_14_the_icon_has_pixel_data_of_its_own() -> None:
    icon = make.explicit(0x00880200, "SQ", make.item(make.pixels(10)))
    header = good(scan(make.file(make.identity() + icon + make.pixels(64))))
    assert header.pixel_length == 64


def test_trap_15_values_that_break_their_vr_are_read_and_noted() -> None:
    body = (
        make.explicit(0x00080020, "DA", "2026.01.02")
        + make.explicit(0x00080030, "TM", "later")
        + make.explicit(0x00080050, "SH", b" A1\0\0\0")
        + make.explicit(0x00080060, "CS", "CT\\MR")
        + make.explicit(0x00100010, "PN", "Doe^Jane")
        + make.explicit(0x00100020, "LO", "P1")
        + make.explicit(0x00180015, "CS", "A BODY PART FAR LONGER THAN SIXTEEN")
        + make.explicit(0x00200011, "IS", "1.0")
        + make.explicit(0x00200013, "IS", "one")
        + make.explicit(0x00280030, "DS", "0,5\\0,5")
    )
    header = good(scan(make.file(body)))
    assert header.text("StudyDate") == "2026.01.02"
    assert header.text("StudyTime") == "later"
    assert header.text("AccessionNumber") == "A1"
    assert header.text("Modality") == "CT"
    assert header.text("BodyPartExamined") == "A BODY PART FAR LONGER THAN SIXTEEN"
    assert header.integer("SeriesNumber") == 1
    assert header.integer("InstanceNumber") is None
    assert header.numbers("PixelSpacing") == (0.5, 0.5)
    assert header.problems == ("a value longer than CS may be: (0018,0015)", "not an integer: (0020,0013)")


def test_trap_16_numbers_in_json_are_numbers_when_nothing_is_lost() -> None:
    body = make.explicit(0x00200013, "IS", "7") + make.explicit(0x00280030, "DS", "0.5\\0.33333333333333331483")
    out = to_json(make.file(body), bulk=str)
    assert out["00200013"]["Value"] == [7]
    assert out["00280030"]["Value"] == [0.5, "0.33333333333333331483"]


@pytest.mark.parametrize(("representation", "vr", "value"), [(0, "US", 65531), (1, "SS", -5)])
def test_trap_17_us_or_ss_follows_pixel_representation(representation: int, vr: str, value: int) -> None:
    body = make.identity("implicit") + make.implicit(0x00280103, pack("<H", representation))
    whole = make.file(body + make.implicit(0x00280106, pack("<h", -5)), make.IMPLICIT)
    assert scan(whole).integer("SmallestImagePixelValue") == value
    assert to_json(whole, bulk=str)["00280106"] == {"vr": vr, "Value": [value]}


def test_trap_17_palettes_and_pixels_in_implicit_vr_are_words() -> None:
    body = make.identity("implicit") + make.implicit(0x00281101, pack("<HHH", 256, 0, 16))
    whole = make.file(body + make.implicit(0x00281201, bytes(512)) + make.implicit(0x7FE00010, bytes(8)), make.IMPLICIT)
    out = to_json(whole, bulk=str)
    assert out["00281101"]["Value"] == [256, 0, 16]
    assert out["00281201"]["vr"] == "OW"
    assert out["7FE00010"]["vr"] == "OW"


def test_trap_18_private_attributes_without_creator_with_two_creators_and_as_un() -> None:
    body = (
        make.explicit(0x00090010, "LO", "SIEMENS CT VA1 DUMMY")
        + make.explicit(0x00090011, "LO", "ACME")
        + make.explicit(0x00091001, "UN", "a1")
        + make.explicit(0x00091101, "LO", "b1")
        + make.explicit(0x00191001, "LO", "no creator")
        + make.explicit(0x00290010, "LO", "ACME")
        + make.explicit(0x00291002, "UN", make.item(make.implicit(0x00291003, "deep")))
    )
    header = good(scan(make.file(BEGIN + body[:0] + make.explicit(0x00080070, "LO", "ACME") + body + REST)))
    out = to_json(b"", header, bulk=str)
    assert out["00090010"]["Value"] == ["SIEMENS CT VA1 DUMMY"]
    assert out["00090011"]["Value"] == ["ACME"]
    assert out["00091001"]["vr"] == "UN"
    assert out["00091101"]["Value"] == ["b1"]
    assert out["00191001"]["Value"] == ["no creator"]
    assert out["00291002"]["vr"] == "SQ"
    assert "00291003" in out["00291002"]["Value"][0]


# -- 19 to 22: character sets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("ISO IR 192", "utf_8"),
        ("ISO_2022_IR_6\\ISO 2022 IR 100", "latin_1"),
        ("GB18030\\ISO IR 192", "gb18030"),
        ("", "utf_8"),
        ("iso_ir 100", "latin_1"),
    ],
)
def test_trap_19_misspelt_character_sets(declared: str, codec: str) -> None:
    body = make.explicit(0x00080005, "CS", declared) + make.explicit(0x00100010, "PN", "Dömê^Ñ".encode(codec, "ignore"))
    assert scan(make.file(body)).text("PatientName") == "Dömê^Ñ".encode(codec, "ignore").decode(codec)


def test_trap_20_a_wrong_declaration_can_be_overruled() -> None:
    body = make.explicit(0x00080005, "CS", "ISO_IR 100") + make.explicit(0x00100010, "PN", "王^小东".encode("gbk"))
    header = scan(make.file(body))
    assert header.text("PatientName") != "王^小东"
    header.assumed_character_set = b"GBK"
    assert header.text("PatientName") == "王^小东"
    assert to_json(b"", header, bulk=str)["00100010"]["Value"] == [{"Alphabetic": "王^小东"}]


def test_trap_21_code_extensions_are_reset_between_component_groups() -> None:
    name = b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J"
    body = make.explicit(0x00080005, "CS", "ISO 2022 IR 13\\ISO 2022 IR 87") + make.explicit(0x00100010, "PN", name)
    header = scan(make.file(body))
    assert header.text("PatientName") == "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"
    assert names.groups(header.text("PatientName")).ideographic == "山田^太郎"
    assert header.problems == ()


def test_trap_22_text_without_a_declared_character_set_is_compared_in_unicode() -> None:
    for codec in ("utf_8", "latin_1"):
        query = dataset.decode(make.explicit(0x00100010, "PN", "MÜLLER*".encode(codec)), make.EXPLICIT)
        assert names.matches(query.text("PatientName"), "Müller^Jan")
        assert query.problems == ["not in the declared character set: (0010,0010)"]


# -- 24 to 28: identity ------------------------------------------------------------------------------------------


def test_trap_24_and_25_a_resend_in_another_transfer_syntax_is_identical_and_other_content_is_not() -> None:
    first = parse(IDENTITY["explicit"], transfer_syntax=make.EXPLICIT)
    assert differences(first, parse(IDENTITY["implicit"], transfer_syntax=make.IMPLICIT)) == []
    assert differences(first, parse(IDENTITY["big"], transfer_syntax=make.BIG)) == []
    other = make.identity().replace(b"Doe^Jane", b"Doe^John")
    assert differences(first, parse(other, transfer_syntax=make.EXPLICIT)) == ["00100010"]


@pytest.mark.parametrize(
    ("written", "read", "is_valid"),
    [
        ("1.2.3 ", "1.2.3", True),
        ("1.2.3\0\0", "1.2.3", True),
        ("1.02.3", "1.02.3", True),
        ("1." + "2" * 70, "1." + "2" * 70, False),
        ("1.2.x-3", "1.2.x-3", False),
        ("../../etc", "../../etc", False),
        ("", "", False),
    ],
)
def test_trap_27_uids_are_read_as_they_are_and_judged_apart(written: str, read: str, is_valid: bool) -> None:
    header = scan(make.file(make.explicit(0x00080018, "UI", written) + REST))
    assert header.text("SOPInstanceUID") == read
    assert uids.is_valid_uid(header.text("SOPInstanceUID")) is is_valid


def test_trap_28_an_object_with_hardly_anything_is_still_read() -> None:
    header = scan(make.file(make.explicit(0x00080016, "UI", "1.2.3.999") + make.explicit(0x00080018, "UI", "1.2.3.4")))
    assert header.text("SOPClassUID") == "1.2.3.999"
    assert not uids.is_storage_class("1.2.3.999")
    assert header.text("StudyDate") == ""
    assert header.integer("InstanceNumber") is None
    assert header.pixel_tag is None
    assert not header.truncated
