"""Foreign bytes: whatever they are, the readers answer soon with a header or with one of two refusals."""

import contextlib
import json
import random
import time
import tracemalloc
import zlib
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import render, tags, uids
from heliograph.standards.dicom.header import NeedMore, Unparseable, scan
from heliograph.standards.dicom.image import ImageSpec
from heliograph.standards.dicom.json import to_json
from heliograph.standards.dicom.parse import parse
from tests import data
from tests.unit.standards.dicom import making as make

SYNTAXES = [None, make.IMPLICIT, make.EXPLICIT, make.BIG, make.DEFLATED, "1.2.3.4.5"]
GOOD = make.file(
    make.explicit(0x00080005, "CS", "ISO 2022 IR 6\\ISO 2022 IR 87")
    + make.identity()
    + make.open_sequence(0x00400275, make.open_item(make.explicit(0x00400007, "LO", "CT Head")))
    + make.explicit(0x00400555, "SQ", make.item(make.explicit(0x0040A30A, "DS", "1.5")))
    + make.explicit(0x00420011, "OB", bytes(30))
    + make.pixels(50)
)


def read_everything(whole: bytes, transfer_syntax: str | None = None) -> None:
    """All that the program ever does with a header; raises nothing else than the two refusals, and takes no time."""
    begin = time.thread_time()
    _read_everything(whole, transfer_syntax)
    assert time.thread_time() - begin < 2


def _read_everything(whole: bytes, transfer_syntax: str | None) -> None:
    for complete in (True, False):
        try:
            header = scan(whole, transfer_syntax=transfer_syntax, complete=complete)
        except (Unparseable, NeedMore):
            continue
        for tag in [*header.elements][:50]:
            header.texts_at(tag)
            header.sequence_at(tag)
            keyword = tags.keyword_of(tag)
            if keyword:
                header.integer(keyword)
                header.number(keyword)
        if complete:
            json.dumps(to_json(whole, header, bulk=lambda path: path), allow_nan=False)
            parse(whole, header, trailing=True)


@given(st.binary(max_size=2000), st.sampled_from(SYNTAXES))
@settings(max_examples=400)
def test_random_bytes_never_break_a_reader(junk: bytes, syntax: str | None) -> None:
    read_everything(junk, syntax)


@given(st.binary(max_size=600), st.sampled_from([make.IMPLICIT, make.EXPLICIT, make.BIG, make.DEFLATED, make.JPEG]))
@settings(max_examples=300)
def test_random_bytes_behind_a_good_prefix_never_break_a_reader(junk: bytes, syntax: str) -> None:
    read_everything(make.file(junk, syntax))


@given(st.data())
@settings(max_examples=500)
def test_a_damaged_object_never_breaks_a_reader(draw: st.DataObject) -> None:
    damaged = bytearray(GOOD)
    for _ in range(draw.draw(st.integers(1, 8))):
        place = draw.draw(st.integers(132, len(damaged) - 1))
        kind = draw.draw(st.sampled_from(["set", "cut", "insert", "length"]))
        if kind == "set":
            damaged[place] = draw.draw(st.integers(0, 255))
        elif kind == "cut":
            del damaged[place : place + draw.draw(st.integers(1, 20))]
        elif kind == "insert":
            damaged[place:place] = draw.draw(st.binary(max_size=12))
        else:
            damaged[place : place + 4] = b"\xff\xff\xff\xff"
    read_everything(bytes(damaged))


def test_real_objects_damaged_at_random_never_break_a_reader() -> None:
    names = [
        "charset/chrH32.dcm",
        "ct/CT_small.dcm",
        "sr/reportsi.dcm",
        "mr/MR_small_implicit.dcm",
        "mr/emri_small_big_endian.dcm",
    ]
    chance = random.Random(26)
    for name in names:
        if not (data.ROOT / name).is_file():
            pytest.skip(data.MISSING)
        whole = (data.ROOT / name).read_bytes()[:7000]
        for _ in range(40):
            damaged = bytearray(whole)
            for _ in range(chance.randint(1, 12)):
                damaged[chance.randrange(132, len(damaged))] = chance.randrange(256)
            read_everything(bytes(damaged[: chance.randint(200, len(damaged))]))


@pytest.mark.parametrize("levels", [63, 64, 65, 1000, 100_000])
@pytest.mark.parametrize("is_open", [True, False])
def test_deep_nesting_is_indexed_from_the_top_level(levels: int, is_open: bool) -> None:
    if is_open:
        begin = make.explicit(0x0040A730, "SQ", length=make.UNDEFINED) + make.item(length=make.UNDEFINED)
        deep = begin * levels + (make.ITEM_END + make.SEQUENCE_END) * levels
    else:
        parts = []
        size = 0
        for _ in range(levels):
            size += 20
            parts.append(pack("<HH2sHLHHL", 0x0040, 0xA730, b"SQ", 0, size - 12, 0xFFFE, 0xE000, size - 20))
        deep = b"".join(reversed(parts))
    whole = make.file(make.identity() + deep + make.explicit(0x00880140, "UI", "1.2.3") + make.pixels())
    begin_time = time.thread_time()
    header = scan(whole)
    written = to_json(whole, header, bulk=lambda path: path)
    assert time.thread_time() - begin_time < 3
    assert header.text("PatientID") == "P1"
    assert header.text("StorageMediaFileSetUID") == "1.2.3"
    assert header.pixel_length == 8
    depth = 0
    place = written
    while "0040A730" in place and "Value" in place["0040A730"]:
        place = place["0040A730"]["Value"][0]
        depth += 1
    assert depth == min(levels, 64)
    assert ("nested deeper than 64" in header.problems) == (levels > 64)
    json.dumps(written)


def test_a_deflate_bomb_is_refused_before_it_is_kept() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    whole = make.file(bomb, make.DEFLATED)
    begin = time.thread_time()
    tracemalloc.start()
    with pytest.raises(Unparseable, match="larger than its limit"):
        scan(whole)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20
    assert time.thread_time() - begin < 3


def test_a_deflated_object_of_zeros_ends_soon() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    plain = make.identity() + bytes(900_000)
    begin = time.thread_time()
    header = scan(make.file(packer.compress(plain) + packer.flush(), make.DEFLATED))
    assert header.text("PatientID") == "P1"
    assert time.thread_time() - begin < 1


@pytest.mark.parametrize(
    "unit", [bytes(8), pack("<HH2sH", 0x0008, 0x0005, b"CS", 0), b"\xfe\xff\x00\xe0\x00\x00\x00\x00", b"\xff" * 8]
)
def test_a_long_run_of_nothing_ends_soon(unit: bytes) -> None:
    begin = time.thread_time()
    for syntax, write in ((make.EXPLICIT, "explicit"), (make.IMPLICIT, "implicit"), (make.BIG, "big")):
        with contextlib.suppress(Unparseable):
            assert scan(make.file(make.identity(write) + unit * 500_000, syntax)).text("PatientID") == "P1"
    assert time.thread_time() - begin < 5


def test_too_many_elements_at_the_top_level_are_refused() -> None:
    rows = b"".join(pack("<HHL", 0x0009 + 2 * (number >> 16), number & 0xFFFF, 0) for number in range(0x10, 100_000))
    with pytest.raises(Unparseable, match="elements at the top level"):
        scan(rows, transfer_syntax=make.IMPLICIT)


def test_a_lying_length_of_four_gigabytes_allocates_nothing() -> None:
    body = make.identity() + make.explicit(0x00420011, "OB", b"x", length=0xFFFFFFF0)
    header = scan(make.file(body))
    assert header.truncated
    assert header.raw("EncapsulatedDocument") == b"x\0"
    pixel = make.identity() + make.explicit(0x7FE00010, "OW", b"", length=0xFFFFFFF0)
    assert scan(make.file(pixel)).truncated


def test_a_sequence_of_too_many_elements_stays_bytes() -> None:
    crowd = make.item(pack("<HH2sH", 0x0008, 0x0005, b"CS", 0)) * 300_000
    body = (
        make.explicit(0x00080018, "UI", "1.2.3.4")
        + make.explicit(0x00081140, "SQ", crowd)
        + make.explicit(0x00100020, "LO", "P1")
    )
    few = make.explicit(0x00400275, "SQ", make.item(make.explicit(0x00400007, "LO", "Head")))
    whole = make.file(body + few + make.pixels())
    header = scan(whole)
    assert header.text("PatientID") == "P1"
    out = to_json(whole, header, bulk=lambda path: "bulk/" + path)
    assert "more elements than are indexed in (0008,1140)" in header.problems
    assert out["00081140"] == {"vr": "UN", "BulkDataURI": "bulk/00081140"}
    assert len(out["00400275"]["Value"]) == 1


def test_waiting_for_a_deflated_header_is_no_bomb() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    plain = make.identity() + make.explicit(0x00420011, "OB", bytes(3 << 20)) + make.pixels()
    stream = packer.compress(plain) + packer.flush(zlib.Z_SYNC_FLUSH)
    with pytest.raises(NeedMore):
        scan(make.file(stream, make.DEFLATED), complete=False)
    noise = packer.compress(random.Random(1).randbytes(100_000)) + packer.flush()
    assert scan(make.file(stream + noise, make.DEFLATED), complete=False).pixel_length == 8


def test_padding_of_zeros_behind_the_data_set_is_looked_at_in_pieces() -> None:
    whole = make.file(make.identity() + bytes(50_000_000))
    tracemalloc.start()
    header = scan(whole)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not header.truncated
    assert "padding after the data set" in header.problems
    assert peak < 5 << 20


def test_a_small_file_with_a_huge_image_is_refused_before_it_is_decoded() -> None:
    """30,000 x 30,000 pixels of RLE are 14 MB in the file; its thumbnail took 7.7 GB."""
    side = 30_000
    frame = pack("<16I", 1, 64, *[0] * 14) + bytes([129, 7]) * (side * side // 128 + 1)
    spec = ImageSpec(side, side, 1, 8, 8, 7, signed=False, photometric="MONOCHROME2")
    tracemalloc.start()
    try:
        with pytest.raises(Invalid, match="larger than this system decodes"):
            render.thumbnail(spec, frame, uids.RLE_LOSSLESS)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
