"""standards.dicom.transcode: the same values and attributes in every syntax, read back by others; and what is refused."""

import io
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heliograph.kit.errors import Broken, Invalid
from heliograph.standards.dicom import _codecs, transcode, uids
from heliograph.standards.dicom.header import scan
from heliograph.standards.dicom.pixels import decode_image
from heliograph.standards.dicom.transcode import transcode_frame
from tests import data
from tests.peers.programs import program
from tests.unit.standards.dicom import making as make
from tests.unit.standards.dicom.imaging import (
    JPEG_BASELINE,
    MPEG4,
    RLE,
    Picture,
    encapsulated,
    opened,
    opened_sample,
    sample,
    text,
    us,
)

Array = np.ndarray[Any, Any]
NATIVE = [make.EXPLICIT, make.IMPLICIT, make.BIG, make.DEFLATED]
COMPRESSED = [
    uids.RLE_LOSSLESS,
    uids.JPEG_LS_LOSSLESS,
    uids.JPEG_2000_LOSSLESS,
    uids.HTJ2K_LOSSLESS_RPCL,
    uids.JPEG_LOSSLESS_SV1,
    uids.DEFLATED_IMAGE_FRAME,
]
IMAGES = [
    "ct/CT_small.dcm",
    "mr/MR_small_bigendian.dcm",
    "mr/emri_small_jpeg_ls_lossless.dcm",
    "us/examples_ybr_color.dcm",
    "us/US-PAL-8-10x-echo.dcm",
    "us/US-YBR_FULL_422-EVRLE.dcm",
    "syntax/SC_rgb_small_odd_big_endian.dcm",
    "syntax/SC_rgb_rle_16bit_2frame.dcm",
    "syntax/pattern/TestPattern_JPEG-LS-NearLossless.dcm",
    "syntax/HTJ2K_08_RGB.dcm",
    "syntax/JLSL_16_15_1_1F.dcm",
    "rt/rtdose.dcm",
    "robust/J2K_pixelrep_mismatch.dcm",
    "syntax/image_dfl.dcm",
]
LOSSY = {
    "syntax/pattern/TestPattern_JPEG-Baseline_YBR422.dcm": "ISO_10918_1",
    "syntax/pattern/TestPattern_JPEG-LS-NearLossless.dcm": "ISO_14495_1",
    "syntax/HTJ2K_08_RGB.dcm": "ISO_15444_15",
}
MARKS = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
MARK_TAGS = {"/(0028,2110)", "/(0028,2112)", "/(0028,2114)"}
_CHANGES = {0x00280004, 0x00280006, 0x7FE00001, 0x7FE00002, 0x7FE00003, 0x7FE00010}


def values(content: bytes) -> list[Array]:
    found = opened(content)
    assert found.table.problems == ()
    return [found.decode(number)[0] for number in sorted({0, found.table.frames // 2, found.table.frames - 1})]


def attributes(dataset: pydicom.Dataset, path: str = "") -> dict[str, str]:
    """Every attribute as pydicom understands it; private ones are left out, because implicit VR forgets what they are."""
    out: dict[str, str] = {}
    for element in dataset:
        if element.tag.is_private or element.tag.element == 0 or (not path and int(element.tag) in _CHANGES):
            continue
        name = f"{path}/{element.tag}"
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                out |= attributes(item, f"{name}[{number}]")
        else:
            out[name] = str(element.value)
    return out


@pytest.mark.parametrize("to", NATIVE + COMPRESSED)
@pytest.mark.parametrize("name", IMAGES)
def test_values_and_attributes_stay(name: str, to: str) -> None:
    content = sample(name).read_bytes()
    if name == "rt/rtdose.dcm" and to in (uids.JPEG_LS_LOSSLESS, uids.JPEG_2000_LOSSLESS, uids.JPEG_LOSSLESS_SV1):
        with pytest.raises(Invalid, match="not enough bits"):
            transcode.transcode(content, to)
        return
    made = transcode.transcode(content, to)
    for before, after in zip(values(content), values(made), strict=True):
        assert np.array_equal(before, after)
    written = pydicom.dcmread(io.BytesIO(made))
    assert written.file_meta.TransferSyntaxUID == to
    wanted, got = attributes(pydicom.dcmread(io.BytesIO(content))), attributes(written)
    if name in LOSSY:  # what it may say more has a test of its own
        got = {path: value for path, value in got.items() if path in wanted or path not in MARK_TAGS}
    if to == make.BIG:  # pydicom leaves OW of tables in the order of the file
        differing = {name for name in wanted if wanted[name] != got.get(name)}
        assert all("(0028,12" in name or "(6000,3000)" in name for name in differing)
    else:
        assert got == wanted


@pytest.mark.parametrize("to", [make.EXPLICIT, make.IMPLICIT])
@pytest.mark.parametrize(
    "row",
    [row for row in data.all_dicom() if not row.name.startswith(("dicomdir/", "robust/", "sm/wsi_level", "photo/VL5"))],
    ids=str,
)
def test_every_sample_can_be_sent_to_a_peer_that_knows_only_plain_syntaxes(row: data.Sample, to: str) -> None:
    content = row.read()
    before = scan(content)
    made = scan(transcode.transcode(content, to))
    assert made.transfer_syntax == to
    assert made.problems == () or content == transcode.transcode(content, to)
    assert made.text("SOPInstanceUID") == before.text("SOPInstanceUID")
    if made.pixel_tag is not None:
        assert made.pixel_length is not None
        assert not made.has("ExtendedOffsetTable")


@pytest.mark.parametrize(("photometric", "after"), [("YBR_FULL_422", "RGB"), ("YBR_FULL", "RGB")])
def test_photometric_interpretation_follows_the_pixels(photometric: str, after: str) -> None:
    name = (
        "TestPattern_JPEG-Baseline_YBR422.dcm"
        if photometric.endswith("422")
        else "TestPattern_JPEG-Baseline_YBRFull.dcm"
    )
    content = sample(f"syntax/pattern/{name}").read_bytes()
    assert scan(content).text("PhotometricInterpretation") == photometric
    plain = scan(transcode.transcode(content, make.EXPLICIT))
    assert plain.text("PhotometricInterpretation") == after
    assert plain.integer("PlanarConfiguration") == 0
    again = scan(transcode.transcode(content, uids.HTJ2K_LOSSLESS_RPCL))
    assert again.text("PhotometricInterpretation") == "YBR_RCT"


def without_marks(content: bytes, said: str | None = None) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(content))
    for keyword in MARKS:
        if keyword in dataset:
            delattr(dataset, keyword)
    if said is not None:
        dataset.LossyImageCompression = said
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


@pytest.mark.parametrize("to", [make.EXPLICIT, make.IMPLICIT, make.BIG, uids.RLE_LOSSLESS])
@pytest.mark.parametrize("name", LOSSY)
@pytest.mark.parametrize("said", [None, "00"])
def test_what_was_lost_is_still_said_when_the_syntax_no_longer_says_it(name: str, to: str, said: str | None) -> None:
    """PS3.3 C.7.6.1.1.5: decompressing gives nothing back. The object is the same instance all the same."""
    content = without_marks(sample(name).read_bytes(), said)
    made = pydicom.dcmread(io.BytesIO(transcode.transcode(content, to)))
    assert made.LossyImageCompression == "01"
    assert made.LossyImageCompressionMethod == LOSSY[name]
    assert 1 < float(made.LossyImageCompressionRatio) < 100
    assert made.SOPInstanceUID == pydicom.dcmread(io.BytesIO(content)).SOPInstanceUID


@pytest.mark.parametrize("name", [name for name in LOSSY if "TestPattern" in name])
def test_what_an_object_says_about_its_loss_is_kept(name: str) -> None:
    content = sample(name).read_bytes()
    before = pydicom.dcmread(io.BytesIO(content))
    after = pydicom.dcmread(io.BytesIO(transcode.transcode(content, make.EXPLICIT)))
    assert [str(before.get(keyword)) for keyword in MARKS] == [str(after.get(keyword)) for keyword in MARKS]


@pytest.mark.parametrize(
    "name",
    ["ct/CT_small.dcm", "syntax/JLSL_16_15_1_1F.dcm", "syntax/SC_rgb_rle_16bit_2frame.dcm"],
)
def test_what_lost_nothing_is_not_said_to_have(name: str) -> None:
    content = without_marks(sample(name).read_bytes())
    for to in (make.EXPLICIT, uids.JPEG_2000):
        made = pydicom.dcmread(io.BytesIO(transcode.transcode(content, to)))
        assert not any(keyword in made for keyword in MARKS)
        assert all(
            np.array_equal(a, b) for a, b in zip(values(content), values(transcode.transcode(content, to)), strict=True)
        )


@pytest.mark.parametrize("to", [uids.JPEG_BASELINE, uids.JPEG_EXTENDED, uids.JPEG_XL])
def test_no_way_leads_to_a_syntax_that_loses(to: str) -> None:
    content = sample("ct/CT_small.dcm").read_bytes()
    assert not transcode.can_transcode(make.EXPLICIT, to)
    with pytest.raises(Invalid, match="no lossless way"):
        transcode.transcode(content, to)


def test_offset_tables_and_total_length_go_when_the_syntax_changes() -> None:
    frames = [_codecs.encode_rle(np.full((2, 2), value, np.uint16)) for value in (1, 2)]
    extra = {
        0x7FE00001: make.explicit(0x7FE00001, "OV", struct.pack("<2Q", 0, len(frames[0]) + 8)),
        0x7FE00002: make.explicit(0x7FE00002, "OV", struct.pack("<2Q", *map(len, frames))),
        0x7FE00003: make.explicit(0x7FE00003, "UV", struct.pack("<Q", sum(map(len, frames)))),
    }
    content = Picture(frames=2).file(encapsulated(*frames), RLE, extra)
    for to in (make.EXPLICIT, uids.JPEG_LS_LOSSLESS):
        made = scan(transcode.transcode(content, to))
        assert not any(made.holds(tag) for tag in (0x7FE00001, 0x7FE00002, 0x7FE00003))


def test_what_follows_the_pixels_is_kept() -> None:
    behind = make.explicit(0xFFFCFFFC, "OB", b"\0\0\0\0")
    content = Picture().file(make.explicit(0x7FE00010, "OW", bytes(range(8))) + behind)
    made = transcode.transcode(content, make.IMPLICIT)
    assert made.endswith(make.implicit(0xFFFCFFFC, b"\0\0\0\0"))


def test_unknown_and_private_elements_keep_their_bytes() -> None:
    nested = make.open_sequence(0x00091002, make.open_item(make.implicit(0x00100020, "DEEP")), vr="UN")
    extra = {
        0x00090010: text(0x00090010, "LO", "VENDOR"),
        0x00091001: make.explicit(0x00091001, "UN", b"\1\2\3\4\5\6"),
        0x00091002: nested,
        0x00091003: make.explicit(0x00091003, "US", b"\1\2"),
    }
    content = Picture().file(make.explicit(0x7FE00010, "OW", bytes(8)), extra=extra)
    for to in (make.IMPLICIT, uids.RLE_LOSSLESS):
        made = scan(transcode.transcode(content, to))
        assert made.find(0x00091001)[1] == b"\1\2\3\4\5\6"  # type: ignore[index]  # it is there, or the test fails
        assert b"DEEP" in made.data
    big = scan(transcode.transcode(content, make.BIG))
    assert big.find(0x00091001)[1] == b"\1\2\3\4\5\6"  # type: ignore[index]  # it is there, or the test fails
    assert big.find(0x00091003)[1] == b"\2\1"  # type: ignore[index]  # it is there, or the test fails


def test_odd_lengths_are_padded() -> None:
    extra = {0x00100030: make.explicit(0x00100030, "DA", "1970010", length=7)[:-1]}
    content = Picture().file(make.explicit(0x7FE00010, "OW", bytes(8)), extra=extra)
    made = scan(transcode.transcode(content, make.IMPLICIT))
    assert made.find(0x00100030)[1] == b"1970010 "  # type: ignore[index]  # it is there, or the test fails
    assert made.problems == ()


def test_an_object_in_its_own_syntax_is_not_touched() -> None:
    content = sample("ct/CT_small.dcm").read_bytes()
    assert transcode.transcode(content, make.EXPLICIT) == content


def test_a_file_without_meta_information_gets_it() -> None:
    content = Picture().file(make.explicit(0x7FE00010, "OW", bytes(8)))
    bare = content[scan(content).prefix_bytes :]
    made = transcode.transcode(bare, make.EXPLICIT)
    assert made[128:132] == b"DICM"
    assert scan(made).text("SOPInstanceUID") == "1.2.3.4"


def test_a_legal_other_name_keeps_the_codestream() -> None:
    content = sample("mr/emri_small_jpeg_ls_lossless.dcm").read_bytes()
    made = opened(transcode.transcode(content, uids.JPEG_LS_NEAR_LOSSLESS))
    before = opened(content)
    assert [made.frame(number) for number in range(10)] == [before.frame(number) for number in range(10)]


def test_from_a_file() -> None:
    path = sample("ct/CT_small.dcm")
    assert transcode.transcode_file(path, make.IMPLICIT) == transcode.transcode(path.read_bytes(), make.IMPLICIT)


@pytest.mark.parametrize("to", [uids.JPEG_LS_LOSSLESS, uids.JPEG_LOSSLESS_SV1, uids.RLE_LOSSLESS])
@pytest.mark.parametrize("name", ["ct/CT_small.dcm", "syntax/pattern/TestPattern_RGB.dcm", "mr/emri_small.dcm"])
def test_dcmtk_reads_what_is_compressed(name: str, to: str, tmp_path: Path) -> None:
    packed, plain = tmp_path / "packed.dcm", tmp_path / "plain.dcm"
    packed.write_bytes(transcode.transcode(sample(name).read_bytes(), to))
    tools = {uids.JPEG_LS_LOSSLESS: "dcmdjpls", uids.JPEG_LOSSLESS_SV1: "dcmdjpeg", uids.RLE_LOSSLESS: "dcmdrle"}
    subprocess.run([program(tools[to]), str(packed), str(plain)], check=True, capture_output=True)
    for before, after in zip(values(sample(name).read_bytes()), values(plain.read_bytes()), strict=True):
        assert np.array_equal(before, after)


@pytest.mark.parametrize("to", NATIVE)
def test_dcmtk_reads_every_plain_syntax(to: str, tmp_path: Path) -> None:
    made, back = tmp_path / "made.dcm", tmp_path / "back.dcm"
    content = sample("ct/philips_head_5mm_28/I10.dcm").read_bytes()
    made.write_bytes(transcode.transcode(content, to))
    subprocess.run([program("dcmconv"), "+te", str(made), str(back)], check=True, capture_output=True)
    assert np.array_equal(values(content)[0], values(back.read_bytes())[0])


# -- laws --------------------------------------------------------------------------------------------------------


@st.composite
def pictures(draw: st.DrawFn) -> tuple[Picture, bytes]:
    samples, allocated = draw(st.sampled_from([(1, 8), (1, 16), (3, 8), (3, 16)]))
    rows, columns, frames = draw(st.integers(1, 6)), draw(st.integers(1, 6)), draw(st.integers(1, 3))
    stored = draw(st.integers(1, allocated))
    picture = Picture(
        rows=rows,
        columns=columns,
        samples=samples,
        allocated=allocated,
        stored=stored,
        signed=draw(st.booleans()) and samples == 1,
        photometric="RGB" if samples == 3 else "MONOCHROME2",
        planar=draw(st.integers(0, 1)) if samples == 3 else None,
        frames=frames,
    )
    cells = draw(hnp.arrays(f"<u{allocated // 8}", rows * columns * samples * frames))
    return picture, cells.tobytes()


@settings(deadline=None)
@given(pictures(), st.sampled_from(NATIVE + COMPRESSED), st.sampled_from(NATIVE + COMPRESSED))
def test_over_two_syntaxes_and_back(made: tuple[Picture, bytes], first: str, second: str) -> None:
    picture, cells = made
    content = picture.file(make.explicit(0x7FE00010, "OW" if picture.allocated == 16 else "OB", cells))
    wanted = values(content)
    there = transcode.transcode(transcode.transcode(content, first), second)
    back = transcode.transcode(there, make.EXPLICIT)
    for step in (there, back):
        for before, after in zip(wanted, values(step), strict=True):
            assert np.array_equal(before, after)
    assert scan(back).text("PhotometricInterpretation") == picture.photometric


@given(hnp.arrays(np.uint16, (3, 4)), st.integers(1, 16))
def test_plain_and_rle_keep_even_the_bits_that_are_not_image(cells: Array, stored: int) -> None:
    content = Picture(rows=3, columns=4, stored=stored).file(make.explicit(0x7FE00010, "OW", cells.tobytes()))
    packed = transcode.transcode(content, RLE)
    assert opened(transcode.transcode(packed, make.EXPLICIT)).frame() == cells.tobytes()


@given(hnp.arrays(np.bool_, (3, 3, 5)))
def test_single_bits(planes: Array) -> None:
    value = np.packbits(planes.reshape(-1), bitorder="little").tobytes()
    content = Picture(rows=3, columns=5, allocated=1, frames=3).file(make.explicit(0x7FE00010, "OB", value))
    packed = transcode.transcode(content, uids.DEFLATED_IMAGE_FRAME)
    assert [opened(packed).decode(number)[0].tolist() for number in range(3)] == planes.astype(int).tolist()
    back = opened(transcode.transcode(packed, make.EXPLICIT))
    assert back.whole[back.table.start :][: len(value)] == value


# -- frames ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", [make.EXPLICIT, *COMPRESSED])
def test_frames_for_the_web(to: str) -> None:
    found = opened_sample("us/examples_ybr_color.dcm")
    made = transcode_frame(found.spec, found.frame(3), found.table.transfer_syntax, to)
    wanted, _ = found.decode(3)
    assert made.photometric == ("YBR_RCT" if to in (uids.JPEG_2000_LOSSLESS, uids.HTJ2K_LOSSLESS_RPCL) else "RGB")
    if to == make.EXPLICIT:
        assert made.data == wanted.tobytes()
    else:
        assert np.array_equal(decode_image(found.spec, made.data, to)[0], wanted)


def test_a_frame_in_its_own_syntax_is_passed_on() -> None:
    found = opened_sample("xa/rubo_coronary_96f.dcm")
    frame = found.frame(5)
    assert transcode_frame(found.spec, frame, JPEG_BASELINE, JPEG_BASELINE).data is frame


def test_big_endian_frames_come_little_endian() -> None:
    big, little = opened_sample("mr/MR_small_bigendian.dcm"), opened_sample("mr/MR_small.dcm")
    made = transcode_frame(big.spec, big.frame(), make.BIG, make.EXPLICIT)
    assert made.data == little.frame()


def test_planar_frames_come_by_pixel() -> None:
    cells = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    picture = Picture(samples=3, allocated=8, photometric="RGB", planar=1)
    found = opened(picture.file(make.explicit(0x7FE00010, "OB", cells.tobytes())))
    made = transcode_frame(found.spec, found.frame(), make.IMPLICIT, make.EXPLICIT)
    assert made.data == np.moveaxis(cells, 0, -1).tobytes()


# -- refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "to", "message"),
    [
        (Picture(allocated=8, frames=9).file(encapsulated(b"abcd"), MPEG4), make.EXPLICIT, "no lossless way"),
        (Picture(allocated=8).file(encapsulated(b"abcd"), JPEG_BASELINE), make.EXPLICIT, "no known image codec"),
        (Picture(allocated=8, frames=3).file(encapsulated(b"ab"), JPEG_BASELINE), make.EXPLICIT, "frames are missing"),
        (Picture().file(make.explicit(0x7FE00010, "OW", bytes(8)))[:-3], make.IMPLICIT, "cut off"),
        (Picture().file(make.explicit(0x7FE00010, "OW", bytes(8))), JPEG_BASELINE, "no lossless way"),
        (Picture().file(make.explicit(0x7FE00010, "OW", bytes(8))), "1.2.3", "no lossless way"),
        (make.file(make.identity()), uids.RLE_LOSSLESS, "without pixel data"),
        (Picture(allocated=1).file(make.explicit(0x7FE00010, "OB", b"\5")), uids.JPEG_LS_LOSSLESS, "one bit"),
        (Picture(allocated=32).file(make.explicit(0x7FE00010, "OW", bytes(16))), uids.JPEG_2000_LOSSLESS, "bits"),
        (b"not DICOM at all", make.EXPLICIT, "DICOM"),
    ],
)
def test_what_cannot_be_done_is_refused(content: bytes, to: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        transcode.transcode(content, to)


def test_overlays_in_the_cells_are_not_lost_by_compression() -> None:
    content = sample("syntax/lut/ovly_p01.dcm").read_bytes()
    with pytest.raises(Invalid, match="overlays"):
        transcode.transcode(content, uids.HTJ2K_LOSSLESS_RPCL)
    packed = transcode.transcode(content, uids.RLE_LOSSLESS)
    assert opened(transcode.transcode(packed, make.EXPLICIT)).frame() == opened(content).frame()


def test_a_copy_that_does_not_read_back_is_never_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real = _codecs.encode_jpegls
    monkeypatch.setattr(_codecs, "encode_jpegls", lambda cells: real(cells ^ 1))
    content = Picture().file(make.explicit(0x7FE00010, "OW", bytes(8)))
    with pytest.raises(Broken, match="same values"):
        transcode.transcode(content, uids.JPEG_LS_LOSSLESS)


def test_who_may_be_asked() -> None:
    assert transcode.can_transcode(JPEG_BASELINE, make.IMPLICIT)
    assert transcode.can_transcode(MPEG4, MPEG4)
    assert not transcode.can_transcode(MPEG4, make.EXPLICIT)
    assert not transcode.can_transcode(make.EXPLICIT, JPEG_BASELINE)
    assert transcode.can_transcode(JPEG_BASELINE, "1.2.840.10008.1.2.4.51")


def test_many_frames_get_an_offset_table() -> None:
    picture = Picture(frames=3)
    made = transcode.transcode(picture.file(make.explicit(0x7FE00010, "OW", bytes(24))), uids.RLE_LOSSLESS)
    header = scan(made)
    assert header.pixel_offset is not None
    assert struct.unpack_from("<L", made, header.pixel_offset + 4)[0] == 12
    assert us(0x00280100, 16) in made


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_objects_are_transcoded_or_refused(draw: st.DataObject) -> None:
    content = bytearray(Picture(rows=4, columns=4, frames=2).file(make.explicit(0x7FE00010, "OW", bytes(64))))
    for _ in range(draw.draw(st.integers(1, 4))):
        content[draw.draw(st.integers(132, len(content) - 1))] = draw.draw(st.integers(0, 255))
    try:
        made = transcode.transcode(bytes(content), draw.draw(st.sampled_from([make.IMPLICIT, uids.RLE_LOSSLESS])))
    except Invalid:
        return
    assert scan(made).transfer_syntax
