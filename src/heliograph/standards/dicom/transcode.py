"""Objects and frames in another transfer syntax, losslessly (PS3.5 Annexes A and G).

Whatever is written can be read back to the same stored values: every recompressed frame is decoded again and compared. So nothing is
lost here, the object stays the same instance, and no door can ask for more. What was lost before it came to us is still said when the
transfer syntax no longer says it.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from heliograph.kit.errors import Broken, Invalid
from heliograph.standards.dicom import _codecs, part10, tags, uids
from heliograph.standards.dicom._envelope import declared_encoding
from heliograph.standards.dicom._fragments import Read
from heliograph.standards.dicom._loss import loss_marks
from heliograph.standards.dicom._recode import Target, fragments, recoded, swapped, undefined_head
from heliograph.standards.dicom.frames import FrameTable, frame_table, is_video
from heliograph.standards.dicom.header import Header, inflated, scan
from heliograph.standards.dicom.image import Cell, ImageSpec, spec_from_header
from heliograph.standards.dicom.parse import parse
from heliograph.standards.dicom.pixels import Decoded, decode_cells, stored_values

__all__ = ["COMPRESSED_TARGETS", "TranscodedFrame", "can_transcode", "transcode", "transcode_file", "transcode_frame"]

Cells = NDArray[Any]
_OFFSET_TABLES: Final = (0x7FE00001, 0x7FE00002, 0x7FE00003)
_LIMIT_32: Final = 0xFFFFFFFF
_J2K = (uids.JPEG_2000_LOSSLESS, uids.JPEG_2000)
_HTJ2K = (uids.HTJ2K_LOSSLESS, uids.HTJ2K_LOSSLESS_RPCL, uids.HTJ2K)
_JLS = (uids.JPEG_LS_LOSSLESS, uids.JPEG_LS_NEAR_LOSSLESS)
_JPEG_LOSSLESS = (uids.JPEG_LOSSLESS_SV1, uids.JPEG_LOSSLESS)
COMPRESSED_TARGETS: Final = frozenset(
    {*_J2K, *_HTJ2K, *_JLS, *_JPEG_LOSSLESS, uids.RLE_LOSSLESS, uids.DEFLATED_IMAGE_FRAME}
)
_NATIVE_TARGETS: Final = uids.NATIVE - {uids.GE_PRIVATE_IMPLICIT_VR, uids.PAPYRUS_IMPLICIT_VR_LITTLE_ENDIAN}
# The same codestream is legal under both names.
_RENAMES: Final = {
    (uids.JPEG_2000_LOSSLESS, uids.JPEG_2000),
    (uids.HTJ2K_LOSSLESS_RPCL, uids.HTJ2K_LOSSLESS),
    (uids.HTJ2K_LOSSLESS_RPCL, uids.HTJ2K),
    (uids.HTJ2K_LOSSLESS, uids.HTJ2K),
    (uids.JPEG_LS_LOSSLESS, uids.JPEG_LS_NEAR_LOSSLESS),
    (uids.JPEG_LOSSLESS_SV1, uids.JPEG_LOSSLESS),
    (uids.JPEG_BASELINE, uids.JPEG_EXTENDED),
    (uids.JPEG_XL_LOSSLESS, uids.JPEG_XL),
    (uids.JPEG_XL_JPEG_RECOMPRESSION, uids.JPEG_XL),
}


@dataclass(frozen=True, slots=True)
class TranscodedFrame:
    data: bytes
    photometric: str  # of the samples in data; the header may still say what they were before


def can_transcode(source: str, to: str) -> bool:
    """Whether it is worth trying: both syntaxes are known here; damaged or unusual frames may still be refused."""
    if source == to or (source, to) in _RENAMES:
        return True
    if is_video(source) or to not in COMPRESSED_TARGETS | _NATIVE_TARGETS:
        return False
    return uids.is_transfer_syntax(source)


# -- one frame ---------------------------------------------------------------------------------------------------


def transcode_frame(spec: ImageSpec, frame: bytes, source: str, to: str) -> TranscodedFrame:
    """One frame as WADO-RS asks for it; uncompressed frames are little-endian with samples by pixel."""
    if source == to or (source, to) in _RENAMES:
        return TranscodedFrame(frame, spec.photometric)
    if to not in COMPRESSED_TARGETS | _NATIVE_TARGETS:
        raise Invalid("frames are not written in this transfer syntax", code="cannot_transcode")
    decoded = decode_cells(spec, frame, source)
    if to in _NATIVE_TARGETS:
        data = _native_bytes(spec, decoded)
        if to == uids.EXPLICIT_VR_BIG_ENDIAN and spec.cell_bytes > 1:
            data = swapped(data, spec.cell_bytes)
        return TranscodedFrame(data, decoded.photometric)
    return _compressed(spec, decoded, to)


def transcoded_frame_bytes(spec: ImageSpec, frame: bytes, source: str, to: str) -> bytes:
    """The bytes alone, for a child process."""
    return transcode_frame(spec, frame, source, to).data


def _whole_cells(spec: ImageSpec, decoded: Decoded) -> Cells:
    """Cells of Bits Allocated; from a codec sign-extended, from native and RLE with every bit that was there."""
    if decoded.coded is None:
        return decoded.cells
    return stored_values(spec, decoded).view(f"u{spec.cell_bytes}")


def _native_bytes(spec: ImageSpec, decoded: Decoded) -> bytes:
    if spec.bits_allocated == 1:
        return np.packbits(decoded.cells.reshape(-1), bitorder="little").tobytes()
    cells = _whole_cells(spec, decoded)
    return cells.astype(cells.dtype.newbyteorder("<"), copy=False).tobytes()


def _compressed(spec: ImageSpec, decoded: Decoded, to: str) -> TranscodedFrame:
    if spec.cell is not Cell.INTEGER:
        raise Invalid("floating point pixel data is never compressed", code="cannot_transcode")
    if to == uids.DEFLATED_IMAGE_FRAME:
        return TranscodedFrame(_codecs.deflate_frame(_native_bytes(spec, decoded)), decoded.photometric)
    if spec.bits_allocated == 1:
        raise Invalid("cells of one bit fit no image codec", code="cannot_transcode")
    if to == uids.RLE_LOSSLESS:
        cells = _whole_cells(spec, decoded)
        return _checked(spec, decoded, to, _codecs.encode_rle(cells), decoded.photometric)
    if any(overlay.data is None for overlay in spec.overlays):
        raise Invalid("the pixel cells hold overlays, which no codec keeps", code="cannot_transcode")
    stored = stored_values(spec, decoded)
    decorrelate = decoded.photometric == "RGB" and spec.samples == 3
    data, is_transformed = _encode(spec, stored, to, decorrelate=decorrelate)
    return _checked(spec, decoded, to, data, "YBR_RCT" if is_transformed else decoded.photometric)


def _encode(spec: ImageSpec, stored: Cells, to: str, *, decorrelate: bool) -> tuple[bytes, bool]:
    work: Callable[[], bytes]
    if to in _J2K and spec.bits_stored <= 24:
        work = lambda: _codecs.encode_jpeg2000(stored, spec.bits_stored, decorrelate=decorrelate)  # noqa: E731
    elif to in _HTJ2K:
        work = lambda: _codecs.encode_htj2k(stored, decorrelate=decorrelate)  # noqa: E731
    elif to in _JLS and spec.bits_allocated <= 16:
        work = lambda: _codecs.encode_jpegls(stored)  # noqa: E731
    elif to in _JPEG_LOSSLESS and spec.bits_allocated <= 16:
        work = lambda: _codecs.encode_jpeg_lossless(stored, spec.bits_stored)  # noqa: E731
    else:
        raise Invalid("the codec has not enough bits for this image", code="cannot_transcode")
    try:
        return work(), decorrelate and to in (*_J2K, *_HTJ2K)
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise Invalid("the frame cannot be encoded", code="cannot_transcode") from error


def _checked(spec: ImageSpec, decoded: Decoded, to: str, data: bytes, photometric: str) -> TranscodedFrame:
    """Decode what was written: a copy that cannot be read back must never be handed out."""
    described = replace(spec, photometric=photometric, planar=False)
    again = stored_values(described, decode_cells(described, data, to))
    if not np.array_equal(again, stored_values(spec, decoded)):
        raise Broken("a recompressed frame does not decode to the same values")
    return TranscodedFrame(data, photometric)


# -- one object --------------------------------------------------------------------------------------------------


def transcode_file(path: Path, to: str) -> bytes:
    """transcode for a file that need not be read whole beforehand."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return transcode(data, to)


def transcode(data: bytes | mmap.mmap, to: str) -> bytes:
    """A whole Part 10 object in transfer syntax `to`; Invalid where that is not possible without loss."""
    header = scan(data)
    source = header.transfer_syntax
    if source == to == header.declared_transfer_syntax and data[128:132] == b"DICM":
        return bytes(data)
    if header.truncated:
        raise Invalid("the object is cut off", code="truncated_object")
    if not can_transcode(source, to):
        raise Invalid("there is no lossless way to this transfer syntax", code="cannot_transcode")
    if header.pixel_tag is None and to not in _NATIVE_TARGETS:
        raise Invalid("an object without pixel data is not compressed", code="cannot_transcode")
    whole = inflated(data, header) if header.deflated else data
    encoding = declared_encoding(to)
    target = Target(encoding.explicit, encoding.little)
    tree = parse(data, header, trailing=True)
    replaced: dict[int, tuple[str, bytes]] = {}
    pixels: list[bytes] = []
    if header.pixel_tag is not None:
        pixels = _pixel_element(header, whole, to, target, replaced)
    dropped = () if (source, to) in _RENAMES else _OFFSET_TABLES
    written = recoded(tree, target, replaced=replaced, dropped=dropped)
    pixel_tag = header.pixel_tag or 0
    body = [
        *(element for tag, element in written if tag < pixel_tag),
        *pixels,
        *(element for tag, element in written if tag >= pixel_tag),
    ]
    return _file(header, to, body)


def _file(header: Header, to: str, body: list[bytes]) -> bytes:
    meta = part10.file_meta(
        header.meta("MediaStorageSOPClassUID") or header.text("SOPClassUID"),
        header.meta("MediaStorageSOPInstanceUID") or header.text("SOPInstanceUID"),
        to,
        header.meta("SourceApplicationEntityTitle"),
    )
    if to not in uids.DEFLATED:
        return b"".join([meta, *body])
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = [deflater.compress(part) for part in body]
    packed.append(deflater.flush())
    length = sum(map(len, packed))
    return b"".join([meta, *packed, b"\0" * (length % 2)])


def _pixel_element(
    header: Header,
    whole: bytes | mmap.mmap,
    to: str,
    target: Target,
    replaced: dict[int, tuple[str, bytes]],
) -> list[bytes]:
    """The pixel element in the target's form; puts the attributes that change with it into `replaced`."""
    source = header.transfer_syntax
    tag = header.pixel_tag or tags.PIXEL_DATA
    start = header.pixel_offset or 0
    is_native = header.pixel_length is not None
    if is_native and to in _NATIVE_TARGETS:
        return [_copied_pixels(header, bytes(whole[start : start + (header.pixel_length or 0)]), target)]
    read: Read = lambda offset, length: bytes(whole[offset : offset + length])  # noqa: E731
    table = frame_table(header, read, len(whole))
    if table.available < table.frames and (source, to) not in _RENAMES:
        raise Invalid("frames are missing in the pixel data", code="frame_missing")
    if (source, to) in _RENAMES:
        end = table.offsets[-1] + table.lengths[-1] if table.offsets else start
        return [undefined_head(tag, "OB"), bytes(whole[start:end]), struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)]
    spec = spec_from_header(header)
    photometric = spec.photometric
    pieces = []
    for data, found in _transcoded(spec, table, read, to):
        photometric = found
        pieces.append(data)
    if photometric != spec.photometric:
        replaced[0x00280004] = ("CS", photometric.encode())
    if spec.samples > 1:
        replaced[0x00280006] = ("US", b"\0\0")
    if not is_native and table.available:
        replaced |= loss_marks(header, spec, table, table.read_frame(0, read))
    if to in _NATIVE_TARGETS:
        return [_native_element(spec, tag, pieces, target)]
    return _encapsulated_element(tag, pieces, replaced)


def _transcoded(spec: ImageSpec, table: FrameTable, read: Read, to: str) -> Iterator[tuple[bytes, str]]:
    to = uids.EXPLICIT_VR_LITTLE_ENDIAN if to in _NATIVE_TARGETS else to
    for number in range(table.frames):
        frame = transcode_frame(spec, table.read_frame(number, read), table.transfer_syntax, to)
        yield frame.data, frame.photometric


def _copied_pixels(header: Header, value: bytes, target: Target) -> bytes:
    """Native pixels stay as they are but for the byte order."""
    allocated = header.integer("BitsAllocated") or 0
    tag = header.pixel_tag or tags.PIXEL_DATA
    vr = header.pixel_vr if header.pixel_vr in ("OB", "OW") else "OW"
    if tag != tags.PIXEL_DATA:
        vr, unit = ("OF", 4) if tag == 0x7FE00008 else ("OD", 8)
    else:
        unit = max(2, allocated // 8) if vr == "OW" else 1
    cells_are_little = header.little and header.transfer_syntax != uids.GE_PRIVATE_IMPLICIT_VR
    if cells_are_little != target.little:
        value = swapped(value, unit)
    return target.element(tag, vr, value)


def _native_element(spec: ImageSpec, tag: int, pieces: list[bytes], target: Target) -> bytes:
    value = b"".join(pieces)
    if spec.bits_allocated == 1:
        value = _joined_bits(pieces, spec.frame_cells)
    if len(value) >= _LIMIT_32 - 1:
        raise Invalid("the uncompressed object is larger than its length field", code="too_large")
    vr = "OB" if spec.bits_allocated <= 8 and target.explicit else "OW"
    if not target.little and spec.cell_bytes > 1:
        value = swapped(value, spec.cell_bytes)
    return target.element(tag, vr, value)


def _joined_bits(pieces: list[bytes], frame_cells: int) -> bytes:
    """Frames of 1-bit cells follow each other without padding to whole bytes (PS3.5 8.1.1)."""
    if frame_cells % 8 == 0:
        return b"".join(pieces)
    planes = [np.unpackbits(np.frombuffer(piece, np.uint8), count=frame_cells, bitorder="little") for piece in pieces]
    return np.packbits(np.concatenate(planes), bitorder="little").tobytes()


def _encapsulated_element(tag: int, pieces: list[bytes], replaced: dict[int, tuple[str, bytes]]) -> list[bytes]:
    """One fragment per frame; a Basic Offset Table, or the Extended one where 32 bits do not reach (A.4)."""
    offsets, at = [], 0
    for piece in pieces:
        offsets.append(at)
        at += 8 + len(piece) + len(piece) % 2
    table = b""
    if at <= _LIMIT_32 and len(pieces) > 1:
        table = struct.pack(f"<{len(offsets)}I", *offsets)
    elif len(pieces) > 1:
        replaced[0x7FE00001] = ("OV", struct.pack(f"<{len(offsets)}Q", *offsets))
        replaced[0x7FE00002] = ("OV", struct.pack(f"<{len(pieces)}Q", *map(len, pieces)))
    return [undefined_head(tag, "OB"), *fragments(pieces, table=table)]
