"""Frame bytes to stored values, for every transfer syntax (PS3.5 8, Annexes A, G).

Pure functions with picklable arguments: run them in a child process that may be killed and recycled, because the
decoders are C code fed by strangers. Nothing is allocated before the sizes agree with the attributes and the budget.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import _codecs, uids
from heliograph.standards.dicom._probe import Codec, Coded, Colour, probe
from heliograph.standards.dicom.frames import is_video
from heliograph.standards.dicom.image import Cell, ImageSpec

_BIG_CELLS = frozenset({uids.EXPLICIT_VR_BIG_ENDIAN, uids.GE_PRIVATE_IMPLICIT_VR})
_PLAIN = uids.NATIVE | {uids.ENCAPSULATED_UNCOMPRESSED}
FRAME_BUDGET = 1 << 30

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """One frame as decoded: whole cells as unsigned or signed integers, and what their samples now are."""

    cells: Array  # (rows, columns) or (rows, columns, samples)
    photometric: str
    coded: Coded | None = None  # None: native, RLE or deflated, so that cells may hold bits above Bits Stored


def decode_frame(spec: ImageSpec, frame: bytes, transfer_syntax: str, *, budget: int = FRAME_BUDGET) -> Array:
    """Stored values of one frame, (rows, columns) or (rows, columns, samples)."""
    return decode_image(spec, frame, transfer_syntax, budget=budget)[0]


def decode_image(
    spec: ImageSpec, frame: bytes, transfer_syntax: str, *, budget: int = FRAME_BUDGET
) -> tuple[Array, str]:
    """Stored values and the photometric interpretation that they have after decoding."""
    decoded = decode_cells(spec, frame, transfer_syntax, budget=budget)
    return stored_values(spec, decoded), decoded.photometric


def decode_cells(spec: ImageSpec, frame: bytes, transfer_syntax: str, *, budget: int = FRAME_BUDGET) -> Decoded:
    """The pixel cells of one frame with all their bits, as a lossless copy in another transfer syntax needs them."""
    if spec.frame_cells * max(1, spec.cell_bytes) > budget:
        raise Invalid("the frame is larger than this system decodes", code="too_large")
    if is_video(transfer_syntax):
        raise Invalid("video is not decoded to frames", code="video")
    if transfer_syntax in _PLAIN:
        return _native(spec, frame, ">" if transfer_syntax in _BIG_CELLS else "<")
    if transfer_syntax == uids.DEFLATED_IMAGE_FRAME:
        needed = -(-spec.frame_cells * spec.bits_allocated // 8)
        return _native(spec, _codecs.inflate_frame(frame, needed), "<")
    if spec.cell is not Cell.INTEGER:
        raise Invalid("floating point pixel data is never compressed", code="undecodable")
    if transfer_syntax == uids.RLE_LOSSLESS:
        return _rle(spec, frame)
    return _coded(spec, frame)


def _native(spec: ImageSpec, frame: bytes, mark: str) -> Decoded:
    if spec.bits_allocated == 1:
        return Decoded(_unpack_bits(spec, frame), spec.photometric)
    kind = "f" if spec.cell is not Cell.INTEGER else "u"
    stored = np.dtype(f"{mark}{kind}{spec.cell_bytes}")
    needed = spec.frame_cells * stored.itemsize
    if spec.samples == 3 and spec.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422") and len(frame) < needed:
        return Decoded(_widen_422(spec, frame, stored), spec.photometric.removesuffix("_422"))
    if len(frame) < needed:
        raise Invalid("the frame is shorter than its rows and columns", code="truncated_frame")
    flat = np.frombuffer(frame, stored, spec.frame_cells).astype(stored.newbyteorder("="), copy=False)
    if spec.samples == 1:
        return Decoded(flat.reshape(spec.rows, spec.columns), spec.photometric)
    if spec.planar:
        planes = flat.reshape(spec.samples, spec.rows, spec.columns)
        cells = np.ascontiguousarray(np.moveaxis(planes, 0, -1))
    else:
        cells = flat.reshape(spec.rows, spec.columns, spec.samples)
    return Decoded(cells, spec.photometric.removesuffix("_422"))


def _unpack_bits(spec: ImageSpec, frame: bytes) -> Array:
    """Bits allocated 1: eight pixels a byte, the first in the lowest bit (PS3.5 8.1.1)."""
    if len(frame) * 8 < spec.frame_cells:
        raise Invalid("the frame is shorter than its rows and columns", code="truncated_frame")
    octets = np.frombuffer(frame, np.uint8, -(-spec.frame_cells // 8))
    bits = np.unpackbits(octets, count=spec.frame_cells, bitorder="little")
    shape = (spec.rows, spec.columns) if spec.samples == 1 else (spec.rows, spec.columns, spec.samples)
    return bits.reshape(shape)


def _widen_422(spec: ImageSpec, frame: bytes, stored: np.dtype[Any]) -> Array:
    """Y1 Y2 Cb Cr for each two pixels of a row; chroma belongs to the first of them (C.7.6.3.1.2)."""
    if spec.columns % 2 or len(frame) < spec.rows * spec.columns * 2 * stored.itemsize:
        raise Invalid("the frame is shorter than its rows and columns", code="truncated_frame")
    quads = np.frombuffer(frame, stored, spec.rows * spec.columns * 2).reshape(spec.rows, spec.columns // 2, 4)
    cells = np.empty((spec.rows, spec.columns, 3), stored.newbyteorder("="))
    cells[:, 0::2, 0], cells[:, 1::2, 0] = quads[..., 0], quads[..., 1]
    cells[..., 1], cells[..., 2] = np.repeat(quads[..., 2], 2, axis=1), np.repeat(quads[..., 3], 2, axis=1)
    return cells


def _rle(spec: ImageSpec, frame: bytes) -> Decoded:
    if spec.bits_allocated == 1:
        raise Invalid("RLE cannot hold cells of one bit", code="undecodable")
    cells = _codecs.decode_rle(frame, spec.rows, spec.columns, spec.samples, spec.cell_bytes)
    return Decoded(cells, spec.photometric.removesuffix("_422"))


def _coded(spec: ImageSpec, frame: bytes) -> Decoded:
    coded = probe(frame)
    if (coded.rows, coded.columns) != (spec.rows, spec.columns):
        raise Invalid(
            f"the compressed frame is {coded.columns} x {coded.rows}, the attributes say {spec.columns} x {spec.rows}",
            code="size_mismatch",
        )
    if coded.samples not in (0, spec.samples):
        raise Invalid(
            f"the compressed frame has {coded.samples} samples per pixel, the attributes say {spec.samples}",
            code="size_mismatch",
        )
    if coded.precision > max(8, spec.bits_allocated):
        raise Invalid(
            f"the compressed frame has {coded.precision} bits, the attributes allocate {spec.bits_allocated}",
            code="size_mismatch",
        )
    cells = _codecs.decode_coded(frame, coded, is_ybr=spec.photometric.startswith("YBR"))
    if (cells.shape[2] if cells.ndim == 3 else 1) != spec.samples:
        raise Invalid("the compressed frame decodes to another number of samples", code="size_mismatch")
    return Decoded(cells, _photometric_after(spec, coded), coded)


def _photometric_after(spec: ImageSpec, coded: Coded) -> str:
    """What the samples are once the codec has undone its own colour transform (PS3.5 8.2; traps 11 and 12)."""
    if spec.samples != 3:
        return spec.photometric
    if coded.codec is Codec.JPEG or coded.colour is Colour.DECORRELATED:
        return "RGB"
    if spec.photometric in ("YBR_RCT", "YBR_ICT"):
        return "RGB"
    return spec.photometric.removesuffix("_422")


def stored_values(spec: ImageSpec, decoded: Decoded) -> Array:
    """Cells reduced to Bits Stored and given their sign (PS3.5 8.1.1)."""
    cells = decoded.cells
    if spec.cell is not Cell.INTEGER:
        return cells
    if spec.bits_allocated == 1:
        return cells
    if decoded.coded is None:
        return _from_cell_bits(cells, spec.bits_stored, spec.high_bit + 1 - spec.bits_stored, spec.dtype())
    return _from_codec(spec, cells, decoded.coded)


def _from_cell_bits(cells: Array, bits: int, shift: int, target: np.dtype[Any]) -> Array:
    total = target.itemsize * 8
    if bits == total:
        return cells.view(target)
    if target.kind == "u":
        masked: Array = (cells >> shift if shift else cells) & cells.dtype.type((1 << bits) - 1)
        return masked
    up: Array = cells << cells.dtype.type(total - bits - shift)
    extended: Array = up.view(target) >> target.type(total - bits)
    return extended


def _from_codec(spec: ImageSpec, cells: Array, coded: Coded) -> Array:
    """Give decoded values the sign that the attributes state; streams often state the other one (trap of JPEG 2000)."""
    target = spec.dtype()
    knows_sign = coded.codec in (Codec.JPEG_2000, Codec.HTJ2K)
    if target.kind == "i" and not coded.signed:
        bits = min(spec.bits_stored, coded.precision) if knows_sign else spec.bits_stored
        wide = cells.astype(f"u{target.itemsize}")
        return _from_cell_bits(wide, bits, 0, target)
    if target.kind == "u" and coded.signed:
        bits = min(coded.precision, spec.bits_allocated)
        masked: Array = cells.astype(target) & target.type((1 << bits) - 1)
        return masked
    return cells.astype(target, copy=False)


def embedded_overlay(spec: ImageSpec, frame: bytes, transfer_syntax: str, bit_position: int) -> NDArray[np.bool_]:
    """An overlay plane kept in one of the cell bits that are not image (retired, still in archives)."""
    decoded = decode_cells(spec, frame, transfer_syntax)
    if decoded.cells.ndim != 2 or decoded.coded is not None or not 0 <= bit_position < spec.bits_allocated:
        raise Invalid("the cells of this frame hold no overlay", code="no_overlay")
    return np.asarray((decoded.cells >> bit_position) & 1, np.bool_)
