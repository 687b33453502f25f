"""standards.dicom.pixels and its codecs: signs, sizes, and streams that are damaged or meant to do harm."""

import zlib
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import _codecs
from heliograph.standards.dicom._probe import Codec, Colour, probe
from heliograph.standards.dicom.pixels import decode_frame
from tests.unit.standards.dicom import making as make
from tests.unit.standards.dicom.imaging import (
    DEFLATED_FRAME,
    HTJ2K_RPCL,
    JPEG_2000,
    JPEG_BASELINE,
    JPEG_LOSSLESS,
    JPEG_LS,
    MPEG4,
    RLE,
    Array,
    opened_sample,
    spec,
    spec_of,
)


def chart() -> Array:
    image = np.zeros((32, 48, 3), np.uint8)
    for index, colour in enumerate([(230, 20, 20), (20, 200, 40), (30, 40, 220)]):
        image[:, index * 16 : index * 16 + 16] = colour
    return image


# -- signs and sizes ---------------------------------------------------------------------------------------------


def test_a_stream_that_states_another_sign_than_the_header() -> None:
    found = opened_sample("robust/J2K_pixelrep_mismatch.dcm")
    assert (found.spec.signed, probe(found.frame()).signed) == (True, False)
    got = found.decode()[0]
    assert (got.dtype, got[0, 0], got.min()) == (np.int16, -2000, -2000)  # the corner outside of a GE reconstruction


@given(hnp.arrays(np.int16, (6, 7), elements=st.integers(-2048, 2047)))
def test_signs_of_jpeg_2000_both_ways(values: Array) -> None:
    unsigned = (values.astype(np.uint16) & 0x0FFF).astype(np.uint16)
    frame = _codecs.encode_jpeg2000(unsigned, 12, decorrelate=False)
    assert np.array_equal(decode_frame(spec(6, 7, stored=12, signed=True), frame, JPEG_2000), values)
    frame = _codecs.encode_jpeg2000(values, 12, decorrelate=False)
    assert np.array_equal(decode_frame(spec(6, 7, stored=12), frame, JPEG_2000), unsigned)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 31}, "is 48 x 32, the attributes say 48 x 31"),
        ({"columns": 65535, "rows": 4000}, "the attributes say 65535 x 4000"),
        ({"samples": 1, "photometric": "MONOCHROME2"}, "3 samples per pixel, the attributes say 1"),
    ],
)
def test_streams_of_another_size_are_refused_before_decoding(change: dict[str, Any], message: str) -> None:
    described = replace(spec(32, 48, 3, 8, photometric="RGB"), **change)
    for frame, syntax in (
        (_codecs.encode_jpeg2000(chart(), 8, decorrelate=True), JPEG_2000),
        (_codecs.encode_jpegls(chart()), JPEG_LS),
        (bytes(imagecodecs.jpeg8_encode(chart())), JPEG_BASELINE),
    ):
        with pytest.raises(Invalid, match=message):
            decode_frame(described, frame, syntax)


def test_the_budget_is_kept_before_anything_is_allocated() -> None:
    huge = spec(65535, 65535, 3, 16, photometric="RGB")
    with pytest.raises(Invalid, match="larger than this system decodes"):
        decode_frame(huge, b"\xff\xd8\xff", JPEG_BASELINE)
    with pytest.raises(Invalid, match="larger than this system decodes"):
        decode_frame(spec(100, 100), bytes(20_000), make.EXPLICIT, budget=19_999)


def test_more_bits_than_allocated_are_refused() -> None:
    frame = _codecs.encode_jpegls(np.full((4, 4), 4095, np.uint16))
    with pytest.raises(Invalid, match="16 bits, the attributes allocate 8"):
        decode_frame(spec(4, 4, allocated=8), frame, JPEG_LS)


@pytest.mark.parametrize(
    ("encoder", "syntax"),
    [
        (_codecs.encode_jpegls, JPEG_LS),
        (lambda image: _codecs.encode_jpeg_lossless(image, 16), JPEG_LOSSLESS),
        (lambda image: _codecs.encode_jpeg2000(image, 16, decorrelate=False), JPEG_2000),
        (lambda image: _codecs.encode_htj2k(image, decorrelate=False), HTJ2K_RPCL),
        (lambda image: bytes(imagecodecs.jpeg8_encode(image.astype(np.uint8), level=95)), JPEG_BASELINE),
        (_codecs.encode_rle, RLE),
    ],
)
def test_cut_off_frames_are_refused_and_not_shown_half(encoder: Any, syntax: str) -> None:
    cells = np.random.default_rng(3).integers(0, 4000, (64, 64), dtype=np.uint16)
    coded = encoder(cells)
    for keep in (0.3, 0.7, 0.95):
        with pytest.raises(Invalid):
            decode_frame(spec_of(cells), coded[: int(len(coded) * keep)], syntax)


def test_a_progressive_jpeg_of_endless_scans_is_refused() -> None:
    frame = bytes(imagecodecs.jpeg8_encode(chart()))
    at = frame.index(b"\xff\xda")
    bomb = frame[:at] + frame[at:-2] * 200 + b"\xff\xd9"
    with pytest.raises(Invalid, match="too many scans"):
        decode_frame(spec(32, 48, 3, 8, photometric="YBR_FULL_422"), bomb, JPEG_BASELINE)


def test_a_deflated_frame_never_grows_beyond_its_size() -> None:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = deflater.compress(bytes(64 << 20)) + deflater.flush()
    got = decode_frame(spec(8, 8), bomb, DEFLATED_FRAME)
    assert got.shape == (8, 8)


def test_video_is_not_decoded() -> None:
    with pytest.raises(Invalid, match="video"):
        decode_frame(spec(8, 8), b"", MPEG4)


def test_frames_smaller_than_announced_are_refused_and_the_others_are_served() -> None:
    found = opened_sample("sm/wsi_level_140tiles.dcm")
    refused = []
    for number in range(found.table.frames):
        try:
            found.decode(number)
        except Invalid as error:
            refused.append(str(error))
    assert 0 < len(refused) < found.table.frames
    assert any("is 55 x 240, the attributes say 240 x 240" in error for error in refused)


@pytest.mark.parametrize(
    ("frame", "codec", "colour"),
    [
        (bytes(imagecodecs.jpeg8_encode(chart())), Codec.JPEG, Colour.YBR),
        (_codecs.encode_jpeg_lossless(chart(), 8), Codec.JPEG_LOSSLESS, Colour.RGB),
        (_codecs.encode_jpegls(chart()), Codec.JPEG_LS, Colour.UNSAID),
        (_codecs.encode_jpeg2000(chart(), 8, decorrelate=True), Codec.JPEG_2000, Colour.DECORRELATED),
        (_codecs.encode_htj2k(chart(), decorrelate=True), Codec.HTJ2K, Colour.DECORRELATED),
        (bytes(imagecodecs.jpeg2k_encode(chart(), codecformat="JP2", level=0)), Codec.JPEG_2000, Colour.DECORRELATED),
        (bytes(imagecodecs.jpegxl_encode(chart(), usecontainer=False)), Codec.JPEG_XL, Colour.DECORRELATED),
        (bytes(imagecodecs.jpegxl_encode(chart(), usecontainer=True)), Codec.JPEG_XL, Colour.DECORRELATED),
    ],
)
def test_probe_reads_the_header_alone(frame: bytes, codec: Codec, colour: Colour) -> None:
    found = probe(frame)
    assert (found.codec, found.colour) == (codec, colour)
    assert (found.rows, found.columns, found.precision) == (32, 48, 8)


@given(st.integers(1, 3000), st.integers(1, 3000))
@settings(max_examples=60, deadline=None)
def test_probe_reads_the_size_of_jpeg_xl(rows: int, columns: int) -> None:
    frame = bytes(imagecodecs.jpegxl_encode(np.zeros((rows, columns), np.uint8), lossless=True, effort=1))
    found = probe(frame)
    assert (found.rows, found.columns) == (rows, columns)


@pytest.mark.parametrize(
    ("place", "value", "what"),
    [
        (24, b"\0\0\0\0", "a tile of no width"),
        (28, b"\0\0\0\0", "a tile of no height"),
        (24, b"\0\0\0\1\0\0\0\1", "more tiles than can be counted"),
        (32, b"\x81\0\0\0", "tiles that begin behind the image"),
        (40, b"\0\0", "no components"),
    ],
)
def test_size_headers_that_break_decoders_are_refused(place: int, value: bytes, what: str) -> None:
    coded = bytearray(_codecs.encode_htj2k(np.zeros((600, 600), np.uint16), decorrelate=False))
    coded[place : place + len(value)] = value
    with pytest.raises(Invalid, match="size header is damaged"):
        decode_frame(spec(600, 600), bytes(coded), HTJ2K_RPCL)


def test_a_quantization_that_is_too_short_for_its_levels_is_refused() -> None:
    coded = bytearray(_codecs.encode_htj2k(np.zeros((64, 64), np.uint16), decorrelate=False))
    at = coded.index(b"\xff\x5c")
    coded[at + 3] = 5
    with pytest.raises(Invalid, match="no usable coding style"):
        decode_frame(spec(64, 64), bytes(coded), HTJ2K_RPCL)


def test_an_error_that_the_htj2k_decoder_only_mutters_is_an_error() -> None:
    """imagecodecs reports some of OpenJPH's failures as unraisable and returns a half-filled image."""
    rng = np.random.default_rng(5)
    cells = rng.integers(0, 4096, (30, 40), dtype=np.uint16)
    coded = _codecs.encode_htj2k(cells, decorrelate=False)
    refused = 0
    for _ in range(60):
        damaged = bytearray(coded)
        damaged[rng.integers(140, len(coded) - 2)] ^= 0xFF
        try:
            decode_frame(spec_of(cells), bytes(damaged), HTJ2K_RPCL)
        except Invalid:
            refused += 1
    assert refused > 5
