"""standards.dicom.frames: byte ranges of frames, however they are stored, and what a lying object cannot make us do."""

from struct import pack

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.kit.errors import Broken, Invalid
from heliograph.standards.dicom.frames import FrameTable, Kind, frame_table
from heliograph.standards.dicom.header import scan
from tests import data
from tests.unit.standards.dicom import making as make
from tests.unit.standards.dicom.imaging import (
    JPEG_2000,
    JPEG_BASELINE,
    MPEG4,
    RLE,
    Opened,
    Picture,
    encapsulated,
    opened,
    opened_sample,
)

SOI, EOI = b"\xff\xd8\xff\xe0", b"\xff\xd9"
A, B, C = SOI + b"first" + EOI, SOI + b"second one" + EOI, SOI + b"third" + EOI


def frames_of(found: Opened) -> list[bytes]:
    return [found.frame(number) for number in range(found.table.available)]


# -- native ------------------------------------------------------------------------------------------------------


def test_native_frames_follow_each_other() -> None:
    picture = Picture(rows=2, columns=3, frames=3)
    value = bytes(range(36))
    found = opened(picture.file(make.explicit(0x7FE00010, "OW", value)))
    assert frames_of(found) == [value[:12], value[12:24], value[24:]]
    assert found.table.kind is Kind.NATIVE
    assert all(found.table.is_plain(number) for number in range(3))


def test_the_pad_byte_is_not_part_of_an_odd_frame() -> None:
    found = opened(Picture(rows=3, columns=3, allocated=8).file(make.explicit(0x7FE00010, "OB", bytes(range(9)))))
    assert frames_of(found) == [bytes(range(9))]
    assert found.table.problems == ()


def test_single_bit_frames_begin_inside_bytes() -> None:
    rng = np.random.default_rng(1)
    planes = rng.integers(0, 2, (5, 3, 5), dtype=np.uint8)
    value = np.packbits(planes.reshape(-1), bitorder="little").tobytes()
    found = opened(Picture(rows=3, columns=5, allocated=1, frames=5).file(make.explicit(0x7FE00010, "OB", value)))
    for number in range(5):
        assert found.table.size(number) == 2
        assert np.array_equal(found.decode(number)[0], planes[number])
    assert not found.table.is_plain(1)


def test_subsampled_native_frames_are_two_thirds_as_long() -> None:
    picture = Picture(rows=2, columns=2, samples=3, allocated=8, photometric="YBR_FULL_422", planar=0, frames=2)
    assert opened(picture.file(make.explicit(0x7FE00010, "OB", bytes(16)))).table.size(1) == 8
    assert opened(picture.file(make.explicit(0x7FE00010, "OB", bytes(24)))).table.size(1) == 12


def test_big_endian_words_of_single_bytes_are_swapped_back() -> None:
    plain = bytes(range(10, 28))
    words = b"".join(plain[i : i + 2][::-1] for i in range(0, 18, 2))
    picture = Picture(rows=3, columns=3, allocated=8, frames=2, mark=">")
    element = make.explicit(0x7FE00010, "OW", words, mark=">")
    found = opened(picture.file(element, make.BIG))
    assert frames_of(found) == [plain[:9], plain[9:]]
    as_bytes = opened(picture.file(make.explicit(0x7FE00010, "OB", plain, mark=">"), make.BIG))
    assert frames_of(as_bytes) == [plain[:9], plain[9:]]


def test_cut_off_native_data_keeps_the_frames_that_are_whole() -> None:
    whole = Picture(rows=2, columns=2, frames=3).file(make.explicit(0x7FE00010, "OW", bytes(24)))
    found = opened(whole[:-9])
    assert found.table.available == 1
    assert found.table.problems == ("pixel data holds 1 of 3 frames",)
    with pytest.raises(Invalid, match="frame 3 is not in the stored pixel data"):
        found.frame(2)
    with pytest.raises(Invalid, match="there is no frame 4 of 3"):
        found.frame(3)


def test_native_pixels_under_a_compressed_syntax_are_still_found() -> None:
    found = opened(Picture().file(make.explicit(0x7FE00010, "OW", bytes(range(8))), JPEG_BASELINE))
    assert found.table.transfer_syntax == make.EXPLICIT
    assert found.frame() == bytes(range(8))


# -- encapsulated ------------------------------------------------------------------------------------------------


def jpegs(*fragments: bytes, frames: int, **options: bytes) -> Opened:
    picture = Picture(allocated=8, frames=frames)
    return opened(picture.file(encapsulated(*fragments, **options), JPEG_BASELINE))


def test_one_fragment_per_frame_without_a_table() -> None:
    assert [piece.rstrip(b"\0") for piece in frames_of(jpegs(A, B, C, frames=3))] == [A, B, C]


def test_all_fragments_make_the_only_frame() -> None:
    found = jpegs(A[:6], A[6:] + B, frames=1)
    assert found.frame().rstrip(b"\0") == A[:6] + A[6:] + B
    assert len(found.table.fragments(0)) == 2


def test_basic_offset_table_groups_fragments() -> None:
    halves = [A[:6], A[6:10], B, C[:4], C[4:]]
    starts, at = [], 0
    for index, half in enumerate(halves):
        if index in (0, 2, 3):
            starts.append(at)
        at += 8 + len(make.padded(half))
    found = jpegs(*halves, frames=3, table=pack("<3L", *starts))
    assert [len(found.table.fragments(number)) for number in range(3)] == [2, 1, 2]
    assert found.frame(1).startswith(B)
    assert found.table.problems == ()


def test_extended_offset_table_groups_fragments() -> None:
    halves = [A[:6], A[6:10], B]
    extra = {
        0x7FE00001: make.explicit(0x7FE00001, "OV", pack("<2Q", 0, 8 + 6 + 8 + 4)),
        0x7FE00002: make.explicit(0x7FE00002, "OV", pack("<2Q", 10, len(B))),
    }
    picture = Picture(allocated=8, frames=2)
    found = opened(picture.file(encapsulated(*halves), JPEG_BASELINE, extra))
    assert found.frame(0) == A[:10]
    assert found.frame(1).startswith(B)


def test_without_a_table_the_codec_start_divides_fragments() -> None:
    found = jpegs(A[:6], A[6:10], B[:8], B[8:], C, frames=3)
    assert [len(found.table.fragments(number)) for number in range(3)] == [2, 2, 1]


def test_a_table_that_does_not_fit_is_ignored() -> None:
    found = jpegs(A, B, C, frames=3, table=pack("<3L", 0, 7, 9))
    assert [piece.rstrip(b"\0") for piece in frames_of(found)] == [A, B, C]
    assert found.table.problems == ("the basic offset table does not fit the fragments and was ignored",)


def test_fragments_that_cannot_be_divided_yield_no_frame_rather_than_a_wrong_one() -> None:
    found = jpegs(A, b"xxxx", B, b"yyyy", b"zzzz", frames=3)
    assert found.table.available == 0
    with pytest.raises(Invalid, match="not in the stored pixel data"):
        found.frame(0)


def test_fewer_fragments_than_frames() -> None:
    found = jpegs(A, B, frames=4)
    assert found.table.available == 2
    assert found.table.problems == ("pixel data holds 2 of 4 frames",)


def test_delimiter_bytes_inside_a_fragment_are_data() -> None:
    tricky = SOI + b"\xfe\xff\xdd\xe0\0\0\0\0" + b"\xfe\xff\x00\xe0\4\0\0\0abcd" + EOI
    found = jpegs(tricky, B, frames=2)
    assert found.frame(0) == tricky
    assert found.frame(1).startswith(B)


def test_odd_fragments_with_and_without_padding() -> None:
    raw = b"".join(
        pack("<HHL", 0xFFFE, 0xE000, len(piece)) + piece + pad for piece, pad in ((b"", b""), (A, b"\0"), (B, b""))
    )
    assert len(A) % 2
    element = make.explicit(0x7FE00010, "OB", length=make.UNDEFINED) + raw + make.SEQUENCE_END
    found = opened(Picture(allocated=8, frames=2).file(element, JPEG_BASELINE))
    assert frames_of(found) == [A, B]


def test_cut_off_in_a_fragment_keeps_the_frames_before() -> None:
    sizes = [8 + len(make.padded(piece)) for piece in (A, B)]
    table = pack("<3L", 0, sizes[0], sum(sizes))
    whole = Picture(allocated=8, frames=3).file(encapsulated(A, B, C, table=table), JPEG_BASELINE)
    found = opened(whole[: -8 - 4])
    assert found.table.available == 2
    assert found.frame(1).startswith(B)
    assert "the last fragment is cut off" in found.table.problems


def test_rle_fragments_are_divided_by_their_headers() -> None:
    head = pack("<16L", 1, 64, *(0,) * 14)
    found = opened(Picture(frames=2).file(encapsulated(head, b"more", head + b"xx"), RLE))
    assert [len(found.table.fragments(number)) for number in range(2)] == [2, 1]


def test_video_is_one_stream() -> None:
    found = opened(Picture(allocated=8, frames=500).file(encapsulated(b"abcd", b"efgh"), MPEG4))
    assert found.table.kind is Kind.VIDEO
    assert (found.table.frames, found.table.available) == (500, 1)
    assert found.frame(0) == b"abcdefgh"


def test_reading_a_long_object_asks_for_little() -> None:
    """A walk over far fragments must not read the pixels."""
    content = Picture(allocated=8, frames=4).file(encapsulated(*[SOI + bytes(300_000) + EOI] * 4), JPEG_BASELINE)
    asked: list[int] = []

    def read(offset: int, length: int) -> bytes:
        asked.append(length)
        return content[offset : offset + length]

    table = frame_table(scan(content), read, len(content))
    assert table.available == 4
    assert sum(asked) < 140_000


# -- hostile -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "picture",
    [
        Picture(rows=65535, columns=65535, frames=2**31 - 1),
        Picture(rows=65535, columns=65535, samples=3, allocated=64, frames=2**31 - 1),
        Picture(rows=1, columns=1, frames=2**40),
    ],
)
def test_gigantic_claims_cost_nothing(picture: Picture) -> None:
    found = opened(picture.file(make.explicit(0x7FE00010, "OW", bytes(10))))
    assert found.table.available <= 5
    with pytest.raises(Invalid):
        found.frame(picture.frames - 1 if picture.frames else 0)


@pytest.mark.parametrize(
    "picture", [Picture(rows=0), Picture(columns=0), Picture(samples=9), Picture(allocated=12), Picture(allocated=7)]
)
def test_impossible_images_are_refused(picture: Picture) -> None:
    with pytest.raises(Invalid):
        opened(picture.file(make.explicit(0x7FE00010, "OW", bytes(10))))


def test_an_object_without_pixels_has_no_frames() -> None:
    with pytest.raises(Invalid, match="no pixel data"):
        opened(make.file(make.identity()))


@given(st.binary(max_size=300), st.integers(1, 5))
def test_any_bytes_as_fragments_end_in_a_table_or_invalid(noise: bytes, frames: int) -> None:
    content = Picture(allocated=8, frames=frames).file(
        make.explicit(0x7FE00010, "OB", length=make.UNDEFINED) + noise, JPEG_2000
    )
    header = scan(content)
    table = frame_table(header, lambda offset, length: content[offset : offset + length], len(content))
    for number in range(table.available):
        assert all(offset + length <= len(content) for offset, length in table.fragments(number))


# -- storing -----------------------------------------------------------------------------------------------------


@given(
    st.lists(st.lists(st.binary(min_size=4, max_size=40), min_size=1, max_size=3), min_size=1, max_size=12),
    st.integers(0, 3),
)
def test_a_table_survives_storing(groups: list[list[bytes]], missing: int) -> None:
    pieces = [SOI + piece if index == 0 else b"x" + piece for group in groups for index, piece in enumerate(group)]
    content = Picture(allocated=8, frames=len(groups) + missing).file(encapsulated(*pieces), JPEG_BASELINE)
    table = opened(content).table
    again = FrameTable.from_bytes(table.to_bytes())
    assert again == table
    assert [again.fragments(n) for n in range(again.available)] == [table.fragments(n) for n in range(table.available)]


@given(st.binary(max_size=400))
def test_foreign_bytes_are_no_table(noise: bytes) -> None:
    with pytest.raises(Broken):
        FrameTable.from_bytes(noise)


def test_a_stored_table_is_small() -> None:
    content = Picture(allocated=8, frames=2000).file(encapsulated(*[A] * 2000), JPEG_BASELINE)
    assert len(opened(content).table.to_bytes()) < 400


def test_damaged_storage_is_our_fault() -> None:
    found = opened(Picture().file(make.explicit(0x7FE00010, "OW", bytes(8))))
    with pytest.raises(Broken):
        found.table.read_frame(0, lambda offset, length: b"")


# -- samples -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "frames", "fragments"),
    [
        ("xa/rubo_coronary_96f.dcm", 96, 1),
        ("sm/sm_image_jpegls_nobot.dcm", 25, 1),
        ("sm/wsi_level_140tiles.dcm", 140, 1),
        ("mr/emri_small_RLE.dcm", 10, 1),
        ("us/acuson_echo_65f.dcm", 65, 1),
        ("sm/seg_image_sm_dots_tiled_full.dcm", 1250, 1),
    ],
)
def test_frames_of_samples(name: str, frames: int, fragments: int) -> None:
    found = opened_sample(name)
    assert (found.table.frames, found.table.available) == (frames, frames)
    assert {len(found.table.fragments(number)) for number in range(frames)} == {fragments}


def test_fragments_without_a_table_in_a_real_object() -> None:
    found = opened_sample("ct/CT0012.fragmented_no_bot_jpeg_baseline.51.dcm")
    assert [len(found.table.fragments(number)) for number in range(2)] == [6, 5]


@pytest.mark.parametrize("row", data.all_dicom(), ids=str)
def test_every_sample_has_a_table_or_a_reason(row: data.Sample) -> None:
    try:
        header = scan(row.read())
    except Invalid:
        return
    if header.pixel_tag is None:
        return
    if row.name in ("robust/nested_priv_SQ.dcm", "robust/meta_missing_tsyntax.dcm"):
        with pytest.raises(Invalid, match="Rows and Columns"):
            opened(row.read())
        return
    found = opened(row.read())
    assert FrameTable.from_bytes(found.table.to_bytes()) == found.table
    if not row.name.startswith("robust/"):
        assert found.table.available == found.table.frames
