"""One function per codec between frame bytes and arrays of cells; the only place that names the native decoders.

The decoders run foreign bytes through C code: call them in a child process that may be killed and recycled.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom._probe import Codec, Coded, Colour
from heliograph.standards.dicom._unraised import watched

Cells = NDArray[Any]
_FAILURES = (RuntimeError, ValueError, TypeError, OSError, OverflowError, IndexError, zlib.error)


def _guard(codec: str, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except _FAILURES as error:
        raise Invalid(f"the {codec} frame cannot be decoded", code="undecodable") from error


def decode_coded(data: bytes, coded: Coded, *, is_ybr: bool) -> Cells:
    """Decode a probed frame to (rows, columns[, samples]).

    `is_ybr`: the header says YBR, which counts where the stream says nothing.
    """
    cells = np.asarray(_guard(coded.codec, lambda: _decode(data, coded, is_ybr=is_ybr)))
    wanted = (coded.rows, coded.columns) + ((coded.samples,) if coded.samples > 1 else ())
    if cells.ndim == 3 and cells.shape[2] == 1:
        cells = cells[..., 0]
    if cells.shape[:2] != wanted[:2] or (coded.samples and cells.shape != wanted):
        raise Invalid(f"the {coded.codec} frame decodes to another size than it announces", code="undecodable")
    return np.ascontiguousarray(cells)


def _decode(data: bytes, coded: Coded, *, is_ybr: bool) -> Any:
    match coded.codec:
        case Codec.JPEG:
            return _decode_jpeg(data, coded, is_ybr=is_ybr)
        case Codec.JPEG_LOSSLESS:
            plain = "RGB" if coded.samples == 3 else None
            return imagecodecs.jpeg8_decode(data, colorspace=plain, outcolorspace=plain)
        case Codec.JPEG_LS:
            return imagecodecs.jpegls_decode(data)
        case Codec.HTJ2K:
            return _decode_htj2k(data[coded.begin :], coded)
        case Codec.JPEG_2000:
            return imagecodecs.jpeg2k_decode(data[coded.begin :])
        case Codec.JPEG_XL:
            return imagecodecs.jpegxl_decode(data)


def _decode_htj2k(data: bytes, coded: Coded) -> Any:
    """The decoder yields planes where the components were not decorrelated."""
    planar = coded.samples > 1 and coded.colour is not Colour.DECORRELATED
    cells = watched(lambda: imagecodecs.htj2k_decode(data, planar=planar))
    return np.moveaxis(np.asarray(cells), 0, -1) if planar else cells


def _decode_jpeg(data: bytes, coded: Coded, *, is_ybr: bool) -> Any:
    if coded.samples == 1:
        return imagecodecs.jpeg8_decode(data)
    if coded.samples != 3:
        raise Invalid("a JPEG frame of neither one nor three components cannot be decoded", code="undecodable")
    convert = coded.colour is Colour.YBR or (coded.colour is Colour.UNSAID and is_ybr)
    return imagecodecs.jpeg8_decode(data, colorspace="YCBCR" if convert else "RGB", outcolorspace="RGB")


def decode_rle(data: bytes, rows: int, columns: int, samples: int, cell_bytes: int) -> Cells:
    """PS3.5 Annex G: one PackBits segment per byte of a cell, the most significant first.

    The samples are planes, whatever Planar Configuration says.
    """
    pixels, count = rows * columns, samples * cell_bytes
    if len(data) < 64:
        raise Invalid("the RLE frame ends inside its header", code="truncated_frame")
    found, *offsets = struct.unpack_from("<16I", data)
    if found != count or count > 15:
        raise Invalid(f"the RLE frame has {found} segments where {count} are needed", code="undecodable")
    offsets = [*offsets[:count], len(data)]
    if offsets[0] < 64 or any(low >= high for low, high in pairwise(offsets)):
        raise Invalid("the RLE segment offsets are damaged", code="undecodable")
    planes = np.empty((samples, pixels, cell_bytes), np.uint8)
    for index in range(count):
        sample, byte = divmod(index, cell_bytes)
        segment = data[offsets[index] : offsets[index + 1]]
        planes[sample, :, cell_bytes - 1 - byte] = _unpack_bits(segment, pixels)
    cells = planes.view(f"<u{cell_bytes}").reshape(samples, rows, columns)
    return cells[0] if samples == 1 else np.ascontiguousarray(np.moveaxis(cells, 0, -1))


def _unpack_bits(segment: bytes, pixels: int) -> NDArray[np.uint8]:
    try:
        plain = imagecodecs.packbits_decode(segment, out=pixels)
    except _FAILURES:  # longer than the image (rows padded by the writer), or damaged
        plain = _guard("RLE", lambda: imagecodecs.packbits_decode(segment))
    if len(plain) < pixels:
        raise Invalid("an RLE segment is shorter than the image", code="truncated_frame")
    return np.frombuffer(plain, np.uint8)[:pixels]


def inflate_frame(data: bytes, expected: int) -> bytes:
    """Deflated Image Frame Compression (PS3.5 A.4.13): one raw deflate stream per frame."""
    inflater = zlib.decompressobj(-15)
    plain: bytes = _guard("deflated", lambda: inflater.decompress(data, expected))
    return plain


def encode_rle(cells: Cells) -> bytes:
    """PS3.5 Annex G; every row is packed by itself (G.3.1) and every segment has even length."""
    planes = cells[np.newaxis] if cells.ndim == 2 else np.moveaxis(cells, -1, 0)
    cell_bytes = cells.dtype.itemsize
    if len(planes) * cell_bytes > 15:
        raise Invalid("RLE cannot hold so many bytes per pixel", code="cannot_transcode")
    offsets, segments, at = [], [], 64
    for plane in planes:
        octets = np.ascontiguousarray(plane).astype(plane.dtype.newbyteorder(">"), copy=False).view(np.uint8)
        for byte in range(cell_bytes):
            packed = imagecodecs.packbits_encode(octets[:, byte::cell_bytes].copy(), axis=-1)
            packed += b"\0" * (len(packed) % 2)
            offsets.append(at)
            segments.append(packed)
            at += len(packed)
    return struct.pack("<16I", len(offsets), *offsets, *(0,) * (15 - len(offsets))) + b"".join(segments)


def encode_jpegls(cells: Cells) -> bytes:
    """Lossless JPEG-LS; a destination larger than the input, because noise grows."""
    room = bytearray(cells.nbytes * 2 + 4096)
    return bytes(imagecodecs.jpegls_encode(cells.view(f"u{cells.dtype.itemsize}"), level=0, out=room))


def encode_jpeg2000(cells: Cells, precision: int, *, decorrelate: bool) -> bytes:
    """Reversible JPEG 2000, a bare codestream."""
    options: dict[str, Any] = {"codecformat": "J2K", "reversible": True, "bitspersample": precision, "mct": decorrelate}
    return bytes(imagecodecs.jpeg2k_encode(cells, level=0, **options))


def encode_htj2k(cells: Cells, *, decorrelate: bool) -> bytes:
    """Reversible HTJ2K in resolution order with tile-part lengths, so that a prefix is a smaller image."""
    options: dict[str, Any] = {"rgb": decorrelate} if cells.ndim == 3 else {}
    return bytes(imagecodecs.htj2k_encode(cells, reversible=True, tlm=True, tilepart=1, **options))


def encode_jpeg_lossless(cells: Cells, precision: int) -> bytes:
    """JPEG process 14, first-order prediction (selection value 1).

    The precision is Bits Stored (PS3.5 8.2.1): left to itself the encoder takes what the values need, and readers then
    extend the sign from there.
    """
    precision = max(precision, 2)
    masked = cells.view(f"u{cells.dtype.itemsize}") & ((1 << precision) - 1)
    unsigned = masked.astype(np.uint8 if precision <= 8 else np.uint16)
    plain = "RGB" if cells.ndim == 3 else None
    options: dict[str, Any] = {"colorspace": plain, "outcolorspace": plain, "bitspersample": precision}
    return bytes(imagecodecs.jpeg8_encode(unsigned, lossless=True, predictor=1, **options))


def deflate_frame(data: bytes) -> bytes:
    """PS3.5 A.4.13: a raw deflate stream."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    return deflater.compress(data) + deflater.flush()
