"""standards.dicom.pixels: stored values of every codec, against pydicom, DCMTK and what was encoded; and what is refused."""

import struct
import subprocess
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import _codecs
from heliograph.standards.dicom.pixels import decode_frame, decode_image, embedded_overlay
from tests import data
from tests.peers.programs import program
from tests.unit.standards.dicom import making as make
from tests.unit.standards.dicom.imaging import (
    DEFLATED_FRAME,
    HTJ2K_RPCL,
    JPEG_2000,
    JPEG_BASELINE,
    JPEG_LOSSLESS,
    JPEG_LS,
    JPEG_XL,
    RLE,
    SAME,
    Array,
    Picture,
    encapsulated,
    opened,
    opened_sample,
    sample,
    spec,
    spec_of,
)

# -- samples -----------------------------------------------------------------------------------------------------


def comparable() -> list[data.Sample]:
    """What pydicom with numpy and Pillow decodes; DCMTK is asked about the others below."""
    foreign = ("JPEG-LS", "JPEG Lossless", "JPEG Extended", "High-Throughput", "Progression", "Selection", "1.2.8.1")
    return [
        row
        for row in data.all_dicom()
        if not row.name.startswith(("dicomdir/TINY", "robust/", "charset/", "sm/wsi_level"))
        and not any(name in row.transfer_syntax for name in foreign)
    ]


# One level: other inverse transforms round differently. None: pydicom's own decoders are not installed or refuse.
LOSSY = {
    "photo/VL5_J2KI.dcm": 1,
    "syntax/pattern/TestPattern_JPEG-Baseline_YBR422.dcm": 1,
    "syntax/pattern/TestPattern_JPEG-Baseline_YBRFull.dcm": 1,
}


@pytest.mark.parametrize("row", comparable(), ids=str)
def test_samples_decode_as_pydicom_decodes_them(row: data.Sample) -> None:
    reference = pydicom.dcmread(row.path, force=True)
    if "Rows" not in reference or not {"PixelData", "FloatPixelData", "DoubleFloatPixelData"} & set(reference.dir()):
        return
    wanted = pydicom.pixels.pixel_array(reference, raw=True)
    found = opened(row.read())
    wanted = wanted[None] if found.table.frames == 1 else wanted
    for number in {0, found.table.frames // 2, found.table.frames - 1}:
        got, photometric = found.decode(number)
        expected = wanted[number]
        if photometric == "RGB" and found.spec.photometric.startswith("YBR"):
            expected = pydicom.pixels.convert_color_space(expected, "YBR_FULL", "RGB") if _kept_ybr(row) else expected
        assert got.shape == expected.shape
        assert np.abs(got.astype(np.float64) - expected).max() <= LOSSY.get(row.name, 0)


def _kept_ybr(row: data.Sample) -> bool:
    """pydicom's raw array of lossy JPEG is still YBR; ours is RGB, because the decoder converts."""
    return "JPEG Baseline" in row.transfer_syntax


@pytest.mark.parametrize(
    "name",
    [
        "LittleEndianImplicitTransferSyntax_1.2.840.10008.1.2.dcm",
        "BigEndianExplicitTransferSyntax_1.2.840.10008.1.2.2.dcm",
        "DeflatedExplicitVRLittleEndianTransferSyntax_1.2.840.10008.1.2.1.99.dcm",
        "RLELosslessTransferSyntax_1.2.840.10008.1.2.5.dcm",
        "JPEGProcess14TransferSyntax_1.2.840.10008.1.2.4.57.dcm",
        "JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70.dcm",
        "JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm",
        "JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90.dcm",
    ],
)
def test_one_slice_is_the_same_in_every_lossless_syntax(name: str) -> None:
    wanted = opened_sample(f"{SAME}/LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm").decode()[0]
    got = opened_sample(f"{SAME}/{name}").decode()[0]
    assert got.dtype == wanted.dtype == np.int16
    assert np.array_equal(got, wanted)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("JPEGLSLossyTransferSyntax_1.2.840.10008.1.2.4.81.dcm", 3),
        ("JPEG2000TransferSyntax_1.2.840.10008.1.2.4.91.dcm", 40),
    ],
)
def test_the_lossy_forms_of_the_slice_are_near(name: str, error: int) -> None:
    wanted = opened_sample(f"{SAME}/LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm").decode()[0]
    got = opened_sample(f"{SAME}/{name}").decode()[0]
    assert np.abs(got.astype(int) - wanted).max() <= error


@pytest.mark.parametrize(
    "name",
    [
        "JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm",
        "JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm",
        "JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm",
    ],
)
def test_twelve_bit_jpeg_sequential_and_progressive(name: str) -> None:
    """They were made from another rescaling of the slice: they must agree with it up to a line, and with each other."""
    original = opened_sample(f"{SAME}/LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm").decode()[0]
    got = opened_sample(f"{SAME}/{name}").decode()[0]
    assert got.max() > 255
    inside = original > -1500
    assert np.corrcoef(got[inside], original[inside])[0, 1] > 0.999


# -- DCMTK as an independent decoder -----------------------------------------------------------------------------

BY_DCMTK = [
    ("dcmdjpls", "mr/emri_small_jpeg_ls_lossless.dcm", 0),
    ("dcmdjpls", "syntax/JLSL_16_15_1_1F.dcm", 0),
    ("dcmdjpls", "syntax/JLSL_RGB_ILV1.dcm", 0),
    ("dcmdjpls", "syntax/JLSN_RGB_ILV0.dcm", 0),
    ("dcmdjpls", "syntax/SC_rgb_jls_lossy_line.dcm", 0),
    ("dcmdjpls", "syntax/pattern/TestPattern_JPEG-LS-NearLossless.dcm", 0),
    ("dcmdjpls", f"{SAME}/JPEGLSLossyTransferSyntax_1.2.840.10008.1.2.4.81.dcm", 0),
    ("dcmdjpeg", "cr/CR-ModalitySequenceLUT.dcm", 0),
    ("dcmdjpeg", "mg/ge_ffdm.dcm", 0),
    ("dcmdjpeg", "pt/ge_fdg_suv.dcm", 0),
    ("dcmdjpeg", "syntax/pattern/TestPattern_JPEG-Lossless_RGB.dcm", 0),
    ("dcmdjpeg", "nm/JPGExtended.dcm", 1),
    ("dcmdjpeg", "xa/rubo_coronary_96f.dcm", 1),
    ("dcmdjpeg", f"{SAME}/JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm", 1),
    ("dcmdjpeg", f"{SAME}/JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm", 1),
    ("dcmdjpeg", f"{SAME}/JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm", 1),
    ("dcmdrle", "us/US-PAL-8-10x-echo.dcm", 0),
    ("dcmdrle", "syntax/SC_rgb_rle_16bit_2frame.dcm", 0),
]


@pytest.mark.parametrize(("tool", "name", "error"), BY_DCMTK)
def test_samples_decode_as_dcmtk_decodes_them(tool: str, name: str, error: int, tmp_path: Path) -> None:
    plain = tmp_path / "plain.dcm"
    subprocess.run([program(tool), str(sample(name)), str(plain)], check=True, capture_output=True)
    wanted, got = opened(plain.read_bytes()), opened_sample(name)
    for number in {0, got.table.frames - 1}:
        difference = got.decode(number)[0].astype(int) - wanted.decode(number)[0]
        assert np.abs(difference).max() <= error


# -- laws --------------------------------------------------------------------------------------------------------

shapes = st.tuples(st.integers(1, 24), st.integers(1, 24), st.sampled_from([1, 3])).map(
    lambda shape: shape[:2] if shape[2] == 1 else shape
)
kinds = st.sampled_from(["u1", "u2", "i1", "i2"])


@st.composite
def images(draw: st.DrawFn, kinds: st.SearchStrategy[str] = kinds) -> Array:
    dtype = np.dtype(draw(kinds))
    shape = draw(shapes)
    if draw(st.booleans()):
        return np.random.default_rng(draw(st.integers(0, 2**32))).integers(
            np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True
        )
    return draw(hnp.arrays(dtype, shape))


def whole(cells: Array) -> Array:
    return cells.view(f"u{cells.dtype.itemsize}")


@given(images(st.sampled_from(["u1", "u2", "u4", "i1", "i2", "i4"])))
def test_rle_round_trip(cells: Array) -> None:
    assert np.array_equal(decode_frame(spec_of(cells), _codecs.encode_rle(whole(cells)), RLE), cells)


@given(images())
def test_jpeg_ls_round_trip(cells: Array) -> None:
    assert np.array_equal(decode_frame(spec_of(cells), _codecs.encode_jpegls(cells), JPEG_LS), cells)


@given(images(), st.booleans())
def test_jpeg_2000_round_trip(cells: Array, decorrelate: bool) -> None:
    coded = _codecs.encode_jpeg2000(cells, cells.dtype.itemsize * 8, decorrelate=decorrelate)
    assert np.array_equal(decode_frame(spec_of(cells), coded, JPEG_2000), cells)


@given(images(), st.booleans())
def test_htj2k_round_trip(cells: Array, decorrelate: bool) -> None:
    coded = _codecs.encode_htj2k(cells, decorrelate=decorrelate)
    got, photometric = decode_image(spec_of(cells, photometric="YBR_FULL"), coded, HTJ2K_RPCL)
    assert np.array_equal(got, cells)
    assert photometric == ("RGB" if decorrelate and cells.ndim == 3 else "YBR_FULL")


@given(images())
def test_jpeg_lossless_round_trip(cells: Array) -> None:
    assert np.array_equal(
        decode_frame(spec_of(cells), _codecs.encode_jpeg_lossless(cells, cells.dtype.itemsize * 8), JPEG_LOSSLESS),
        cells,
    )


@settings(deadline=None)
@given(images(st.sampled_from(["u1", "u2"])))
def test_jpeg_xl_round_trip(cells: Array) -> None:
    coded = imagecodecs.jpegxl_encode(cells, lossless=True)
    assert np.array_equal(decode_frame(spec_of(cells), coded, JPEG_XL), cells)


@given(images(), st.booleans(), st.sampled_from(["<", ">"]))
def test_native_round_trip(cells: Array, planar: bool, mark: str) -> None:
    described = spec_of(cells, planar=planar and cells.ndim == 3)
    order = np.moveaxis(cells, -1, 0) if described.planar else cells
    frame = order.astype(cells.dtype.newbyteorder(mark)).tobytes()
    assert np.array_equal(decode_frame(described, frame, make.BIG if mark == ">" else make.EXPLICIT), cells)


@given(hnp.arrays(np.uint16, (4, 5)), st.integers(1, 16), st.integers(0, 15), st.booleans())
def test_bits_outside_of_bits_stored_are_not_image(cells: Array, stored: int, shift: int, signed: bool) -> None:
    shift = min(shift, 16 - stored)
    described = spec(4, 5, stored=stored, high_bit=stored - 1 + shift, signed=signed)
    got = decode_frame(described, cells.astype("<u2").tobytes(), make.EXPLICIT)
    wanted = (cells.astype(int) >> shift) % (1 << stored)
    if signed:
        wanted = np.where(wanted >= 1 << (stored - 1), wanted - (1 << stored), wanted)
    assert got.dtype == (np.int16 if signed else np.uint16)
    assert np.array_equal(got, wanted)


@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_single_bits_round_trip(plane: Array) -> None:
    frame = np.packbits(plane.reshape(-1), bitorder="little").tobytes()
    described = spec(*plane.shape, allocated=1)
    assert np.array_equal(decode_frame(described, frame, make.EXPLICIT), plane)
    assert np.array_equal(decode_frame(described, _codecs.deflate_frame(frame), DEFLATED_FRAME), plane)


@given(st.binary(max_size=200), st.sampled_from([RLE, JPEG_BASELINE, JPEG_LS, JPEG_2000, HTJ2K_RPCL, DEFLATED_FRAME]))
def test_noise_is_refused(noise: bytes, syntax: str) -> None:
    with pytest.raises(Invalid):
        decode_frame(spec(31, 33), noise, syntax)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 5),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, 100),
)
def test_damaged_streams_decode_to_the_right_size_or_are_refused(
    codec: int, damage: list[tuple[int, int]], cut: int
) -> None:
    cells = (np.arange(40 * 30) * 37 % 4096).astype(np.uint16).reshape(30, 40)
    encoders = [
        _codecs.encode_rle,
        _codecs.encode_jpegls,
        lambda image: _codecs.encode_jpeg_lossless(image, 16),
        lambda image: _codecs.encode_jpeg2000(image, 12, decorrelate=False),
        lambda image: _codecs.encode_htj2k(image, decorrelate=False),
        lambda image: imagecodecs.jpeg8_encode(image, level=90, bitspersample=12),
    ]
    syntaxes = [RLE, JPEG_LS, JPEG_LOSSLESS, JPEG_2000, HTJ2K_RPCL, JPEG_BASELINE]
    coded = bytearray(encoders[codec](cells))
    for place, value in damage:
        coded[place % len(coded)] = value
    frame = bytes(coded[: len(coded) - cut])
    try:
        got = decode_frame(spec_of(cells), frame, syntaxes[codec])
    except Invalid:
        return
    assert got.shape == cells.shape


# -- colour ------------------------------------------------------------------------------------------------------


def chart() -> Array:
    image = np.zeros((32, 48, 3), np.uint8)
    for index, colour in enumerate([(230, 20, 20), (20, 200, 40), (30, 40, 220)]):
        image[:, index * 16 : index * 16 + 16] = colour
    return image


def jpeg_with(*, adobe: bool, transform: bool, ids: bytes = b"\1\2\3") -> bytes:
    """A JPEG of the chart (subsampling off) with or without the marker that tells its colour space."""
    options = {"colorspace": "RGB", "outcolorspace": "YCBCR" if transform else "RGB", "subsampling": "444"}
    coded = bytes(imagecodecs.jpeg8_encode(chart(), level=100, **options))
    out, at = bytearray(b"\xff\xd8"), 2
    while coded[at + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", coded, at + 2)
        segment = bytearray(coded[at : at + 2 + length])
        if segment[1] == 0xC0:
            segment[10:19:3] = ids
        if segment[1] not in (0xE0, 0xEE):
            out += segment
        at += 2 + length
    scan = bytearray(coded[at:])
    scan[5:11:2] = ids
    if adobe:
        out[2:2] = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([int(transform)])
    return bytes(out + scan)


@pytest.mark.parametrize(
    ("photometric", "adobe", "transform", "ids"),
    [
        ("YBR_FULL_422", False, True, b"\1\2\3"),
        ("YBR_FULL", False, True, b"\1\2\3"),
        ("RGB", False, False, b"\1\2\3"),  # nothing in the stream: the header is believed
        ("RGB", False, False, b"RGB"),
        ("YBR_FULL_422", False, False, b"RGB"),
        ("RGB", True, True, b"\1\2\3"),  # the header is wrong, the marker is right
        ("YBR_FULL_422", True, False, b"\1\2\3"),
    ],
)
def test_baseline_colour_is_rgb_whoever_tells_the_truth(
    photometric: str, adobe: bool, transform: bool, ids: bytes
) -> None:
    frame = jpeg_with(adobe=adobe, transform=transform, ids=ids)
    got, after = decode_image(spec(32, 48, 3, 8, photometric=photometric), frame, JPEG_BASELINE)
    assert after == "RGB"
    assert np.abs(got.astype(int) - chart()).max() <= 3


def test_planar_configuration_of_rle_is_of_no_account() -> None:
    frame = _codecs.encode_rle(chart())
    for planar in (False, True):
        got = decode_frame(spec(32, 48, 3, 8, photometric="RGB", planar=planar), frame, RLE)
        assert np.array_equal(got, chart())


@pytest.mark.parametrize("photometric", ["YBR_RCT", "YBR_ICT", "RGB"])
@pytest.mark.parametrize("decorrelate", [True, False])
def test_jpeg_2000_colour_is_rgb(photometric: str, decorrelate: bool) -> None:
    frame = _codecs.encode_jpeg2000(chart(), 8, decorrelate=decorrelate)
    got, after = decode_image(spec(32, 48, 3, 8, photometric=photometric), frame, JPEG_2000)
    assert after == "RGB"
    assert np.array_equal(got, chart())


def test_samples_kept_as_ybr_stay_ybr() -> None:
    described = spec(32, 48, 3, 8, photometric="YBR_FULL")
    for frame, syntax in (
        (_codecs.encode_jpeg2000(chart(), 8, decorrelate=False), JPEG_2000),
        (_codecs.encode_htj2k(chart(), decorrelate=False), HTJ2K_RPCL),
        (_codecs.encode_jpegls(chart()), JPEG_LS),
        (_codecs.encode_jpeg_lossless(chart(), 8), JPEG_LOSSLESS),
        (_codecs.encode_rle(chart()), RLE),
    ):
        got, after = decode_image(described, frame, syntax)
        assert after == "YBR_FULL"
        assert np.array_equal(got, chart())


def test_native_422_repeats_chroma() -> None:
    frame = bytes([10, 20, 100, 200, 30, 40, 110, 210])
    got, after = decode_image(spec(1, 4, 3, 8, photometric="YBR_FULL_422"), frame, make.EXPLICIT)
    assert after == "YBR_FULL"
    assert got.tolist() == [[[10, 100, 200], [20, 100, 200], [30, 110, 210], [40, 110, 210]]]


# -- the rest ----------------------------------------------------------------------------------------------------


def test_real_pixel_data() -> None:
    for name, keyword in (("float", "FloatPixelData"), ("double_float", "DoubleFloatPixelData")):
        path = sample(f"pm/parametric_map_{name}.dcm")
        wanted = pydicom.dcmread(path)
        got = opened(path.read_bytes()).decode()[0]
        assert got.tobytes() == wanted[keyword].value
        assert got.dtype.kind == "f"


def test_overlays_in_unused_bits() -> None:
    found = opened_sample("syntax/lut/ovly_p01.dcm")
    positions = [overlay.bit_position for overlay in found.spec.overlays if overlay.data is None]
    assert positions == [15, 14]
    cells = np.frombuffer(found.frame(), "<u2").reshape(512, 512)
    for position in positions:
        plane = embedded_overlay(found.spec, found.frame(), found.table.transfer_syntax, position)
        assert np.array_equal(plane, cells & (1 << position) != 0)
        assert plane.any()
    assert found.decode()[0].max() < 1 << found.spec.bits_stored


def test_deflated_frames_of_a_segmentation_equal_the_native_ones() -> None:
    native, deflated = opened_sample("seg/liver.dcm"), opened_sample("syntax/liver_deflate.dcm")
    for number in range(3):
        assert np.array_equal(native.decode(number)[0], deflated.decode(number)[0])


def test_encapsulated_uncompressed() -> None:
    cells = np.arange(12, dtype="<u2")
    content = Picture(rows=3, columns=4).file(encapsulated(cells.tobytes()), "1.2.840.10008.1.2.1.98")
    assert np.array_equal(opened(content).decode()[0].reshape(-1), cells)
