"""What a compressed stream says about itself, read before any decoder may allocate.

ITU-T T.81 (JPEG), T.87 (JPEG-LS), T.800 (JPEG 2000), T.814 (HTJ2K), ISO 18181-1 (JPEG XL).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum

from heliograph.kit.errors import Invalid

MAX_SCANS = 100  # a progressive JPEG of thousands of scans costs hours of CPU
_MAX_MARKERS = 5_000
_TAIL = 1_024


class Codec(StrEnum):
    JPEG = "JPEG"
    JPEG_LOSSLESS = "JPEG lossless"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"
    HTJ2K = "HTJ2K"
    JPEG_XL = "JPEG XL"


class Colour(StrEnum):
    """What the three components are when nothing is undone."""

    UNSAID = "unsaid"
    RGB = "RGB"
    YBR = "YBR"  # the decoder must convert
    DECORRELATED = "decorrelated"  # the decoder converts by itself (JPEG 2000 MCT, JPEG XL)


@dataclass(frozen=True, slots=True)
class Coded:
    codec: Codec
    rows: int
    columns: int
    samples: int
    precision: int
    signed: bool = False
    colour: Colour = Colour.UNSAID
    begin: int = 0  # where the codestream begins inside its container


def probe(data: bytes) -> Coded:
    """Read the header of a compressed frame by its content."""
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg(data)
        if data.startswith(b"\xff\x4f\xff\x51"):
            return _jpeg2000(data, 0)
        if data.startswith(b"\x00\x00\x00\x0cjP  "):
            return _jpeg2000(data, _box(data, b"jp2c"))
        if data.startswith(b"\xff\x0a"):
            return _jpegxl(data, 2)
        if data.startswith(b"\x00\x00\x00\x0cJXL "):
            return _jpegxl_container(data)
    except (struct.error, IndexError) as error:
        raise Invalid("the compressed frame ends inside its header", code="undecodable") from error
    raise Invalid("the frame begins with no known image codec", code="undecodable")


_FRAME_MARKERS = {0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA, 0xF7}


def _jpeg(data: bytes) -> Coded:
    at, jfif, adobe = 2, False, None
    for _ in range(_MAX_MARKERS):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker == 0xE0 and data[at + 4 : at + 9] == b"JFIF\0":
            jfif = True
        elif marker == 0xEE and data[at + 4 : at + 9] == b"Adobe" and length >= 14:
            adobe = data[at + 15]
        elif marker in _FRAME_MARKERS:
            return _jpeg_frame(data, at, jfif, adobe)
        elif 0xC5 <= marker <= 0xCF and marker not in (0xC8, 0xCC):
            raise Invalid("hierarchical or arithmetic lossless JPEG cannot be decoded", code="undecodable")
        elif marker == 0xDA:
            break
        at += 2 + max(2, length)
    raise Invalid("the JPEG frame has no frame header", code="undecodable")


def _jpeg_frame(data: bytes, at: int, jfif: bool, adobe: int | None) -> Coded:
    marker = data[at + 1]
    precision, rows, columns, samples = struct.unpack_from(">BHHB", data, at + 4)
    if data.count(b"\xff\xda", at) > MAX_SCANS:
        raise Invalid("the JPEG frame has too many scans", code="too_large")
    if data.rfind(b"\xff\xd9", max(0, len(data) - _TAIL)) < 0:
        raise Invalid("the compressed frame is cut off", code="truncated_frame")
    if marker == 0xF7:
        return Coded(Codec.JPEG_LS, rows, columns, samples, precision)
    names = bytes(data[at + 10 : at + 10 + 3 * samples : 3])
    colour = Colour.UNSAID
    if adobe is not None:
        colour = Colour.YBR if adobe == 1 else Colour.RGB
    elif jfif:
        colour = Colour.YBR
    elif names == b"RGB":
        colour = Colour.RGB
    codec = Codec.JPEG_LOSSLESS if marker == 0xC3 else Codec.JPEG
    return Coded(codec, rows, columns, samples, precision, colour=colour)


def _box(data: bytes, wanted: bytes) -> int:
    """Offset of the content of a top-level JP2 or JPEG XL box."""
    at = 0
    for _ in range(_MAX_MARKERS):
        length, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        if kind == wanted:
            return at + head
        if length < head:
            break
        at += length
    raise Invalid("the image container holds no codestream", code="undecodable")


def _jpeg2000(data: bytes, begin: int) -> Coded:
    """SIZ, COD and QCD are checked as the decoders should: OpenJPH 0.26 divides by a tile width of zero."""
    if data[begin : begin + 4] != b"\xff\x4f\xff\x51":
        raise Invalid("the JPEG 2000 codestream has no size header", code="undecodable")
    length, capabilities, x1, y1, x0, y0, *tile = struct.unpack_from(">HHIIIIIIII", data, begin + 4)
    (samples,) = struct.unpack_from(">H", data, begin + 40)
    parts = data[begin + 42 : begin + 42 + 3 * samples]
    if length != 38 + 3 * samples or not samples or not _tiles_fit((x0, y0, x1, y1), tile):
        raise Invalid("the JPEG 2000 size header is damaged", code="undecodable")
    if len(set(parts[0::3])) != 1 or any(step != 1 for step in parts[1::3] + parts[2::3]):
        raise Invalid("JPEG 2000 components of different size or depth cannot be decoded", code="undecodable")
    if data.rfind(b"\xff\xd9", max(0, len(data) - _TAIL)) < 0:
        raise Invalid("the compressed frame is cut off", code="truncated_frame")
    colour = Colour.DECORRELATED if _coding_style(data, begin + 4 + length) else Colour.UNSAID
    codec = Codec.HTJ2K if capabilities & 0x4000 else Codec.JPEG_2000
    return Coded(codec, y1 - y0, x1 - x0, samples, (parts[0] & 0x7F) + 1, bool(parts[0] & 0x80), colour, begin)


def _tiles_fit(area: tuple[int, int, int, int], tile: list[int]) -> bool:
    """The first tile holds the first pixel, and there are no more tiles than their index can count (T.800 B.3)."""
    x0, y0, x1, y1 = area
    width, height, left, top = tile
    if not (x0 < x1 < 1 << 31 and y0 < y1 < 1 << 31 and left <= x0 < left + width and top <= y0 < top + height):
        return False
    return -(-(x1 - left) // width) * -(-(y1 - top) // height) <= 0xFFFF


def _coding_style(data: bytes, at: int) -> bool:
    """Whether the components are transformed (COD); coding style and quantization must agree on the number of levels."""
    levels = transformed = quantized = None
    for _ in range(_MAX_MARKERS):
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == 0xFF52:
            levels, transformed = _levels(data, at, length), data[at + 8] == 1
        elif marker == 0xFF5C:
            quantized = at, length
        elif marker in (0xFF90, 0xFF93) or marker < 0xFF00:
            break
        at += 2 + max(2, length)
    if levels is None or quantized is None or not _quantization_fits(data, *quantized, levels):
        raise Invalid("the JPEG 2000 codestream has no usable coding style", code="undecodable")
    return bool(transformed)


def _levels(data: bytes, at: int, length: int) -> int | None:
    style, progression, layers, _, levels, width, height = struct.unpack_from(">BBHBBBB", data, at + 4)
    is_sound = progression <= 4 and layers and levels <= 32 and width <= 8 and height <= 8 and width + height <= 8
    return levels if is_sound and length == (13 + levels if style & 1 else 12) else None


def _quantization_fits(data: bytes, at: int, length: int, levels: int) -> bool:
    needed = {0: 4 + 3 * levels, 1: 5, 2: 5 + 6 * levels}.get(data[at + 4] & 0x1F)
    return needed is not None and length >= needed


class _Bits:
    """A JPEG XL bit reader: least significant bit first."""

    def __init__(self, data: bytes) -> None:
        self.number, self.left = int.from_bytes(data[:64], "little"), 8 * min(64, len(data))

    def take(self, count: int) -> int:
        if count > self.left:
            raise IndexError(count)
        value = self.number & ((1 << count) - 1)
        self.number >>= count
        self.left -= count
        return value

    def choose(self, *ways: tuple[int, int]) -> int:
        """U32 of ISO 18181-1: two bits select (constant, extra bits)."""
        constant, extra = ways[self.take(2)]
        return constant + self.take(extra)


_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def _jpegxl_container(data: bytes) -> Coded:
    try:
        begin = _box(data, b"jxlc")
    except Invalid:
        begin = _box(data, b"jxlp") + 4
    if data[begin : begin + 2] != b"\xff\x0a":
        raise Invalid("the JPEG XL codestream is damaged", code="undecodable")
    return _jpegxl(data, begin + 2)


def _jpegxl(data: bytes, begin: int) -> Coded:
    bits = _Bits(data[begin : begin + 64])
    rows, columns = _jpegxl_size(bits)
    if bits.take(1):  # every default: 8 bits, three channels, XYB
        return Coded(Codec.JPEG_XL, rows, columns, 3, 8, colour=Colour.DECORRELATED)
    if bits.take(1):
        _skip_jpegxl_extras(bits)
    if bits.take(1):
        raise Invalid("floating point JPEG XL cannot be decoded", code="undecodable")
    precision = bits.choose((8, 0), (10, 0), (12, 0), (1, 6))
    return Coded(Codec.JPEG_XL, rows, columns, 0, precision, colour=Colour.DECORRELATED)


def _jpegxl_size(bits: _Bits) -> tuple[int, int]:
    wide = ((1, 9), (1, 13), (1, 18), (1, 30))
    small = bits.take(1)
    rows = (bits.take(5) + 1) * 8 if small else bits.choose(*wide)
    ratio = bits.take(3)
    if ratio:
        numerator, denominator = _RATIOS[ratio - 1]
        return rows, rows * numerator // denominator
    return rows, (bits.take(5) + 1) * 8 if small else bits.choose(*wide)


def _skip_jpegxl_extras(bits: _Bits) -> None:
    if bits.take(3):
        raise Invalid("a rotated JPEG XL frame cannot be decoded", code="undecodable")
    if bits.take(1):
        _jpegxl_size(bits)
    if bits.take(1) or bits.take(1):
        raise Invalid("JPEG XL previews and animations cannot be decoded", code="undecodable")
