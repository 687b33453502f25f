"""What stays to be said about an image that was compressed with loss, once its transfer syntax no longer tells (PS3.3 C.7.6.1.1.5)."""

from __future__ import annotations

import struct
from typing import Final

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom._probe import Codec, probe
from heliograph.standards.dicom.frames import FrameTable
from heliograph.standards.dicom.header import Header
from heliograph.standards.dicom.image import ImageSpec

_MARK: Final = 0x00282110
_RATIO: Final = 0x00282112
_METHOD: Final = 0x00282114
_MOST_MARKERS: Final = 5_000
_JPEG_XL_FROM_JPEG: Final = "1.2.840.10008.1.2.4.111"


def loss_marks(header: Header, spec: ImageSpec, table: FrameTable, first: bytes) -> dict[int, tuple[str, bytes]]:
    """The attributes to add when the frames are decoded: nothing for what lost nothing, or says itself that it did."""
    if header.text("LossyImageCompression").strip() == "01":
        return {}
    method = method_of(first, table.transfer_syntax)
    if method is None:
        return {}
    marks = {_MARK: ("CS", b"01")}
    if not header.has("LossyImageCompressionMethod"):
        marks[_METHOD] = ("CS", method.encode())
    compressed = sum(table.size(number) for number in range(table.frames))
    if compressed and not header.has("LossyImageCompressionRatio"):
        ratio = spec.frame_cells * spec.bits_allocated / 8 * table.frames / compressed
        marks[_RATIO] = ("DS", f"{ratio:.2f}".encode())
    return marks


def method_of(frame: bytes, transfer_syntax: str) -> str | None:
    """The method of compression (0028,2114) of a frame that has certainly lost something; None when not, or when nobody can know."""
    try:
        coded = probe(frame)
        if coded.codec is Codec.JPEG:
            return "ISO_10918_1"
        if coded.codec is Codec.JPEG_LS and _near(frame):
            return "ISO_14495_1"
        if coded.codec in (Codec.JPEG_2000, Codec.HTJ2K) and _is_irreversible(frame, coded.begin):
            return "ISO_15444_1" if coded.codec is Codec.JPEG_2000 else "ISO_15444_15"
        if coded.codec is Codec.JPEG_XL and transfer_syntax == _JPEG_XL_FROM_JPEG:
            return "ISO_10918_1"  # a JPEG in another wrapping
    except (Invalid, struct.error, IndexError):
        pass
    return None


def _near(data: bytes) -> bool:
    """Whether the first scan of a JPEG-LS stream allows differences (T.87 C.2.3)."""
    at = 2
    for _ in range(_MOST_MARKERS):
        if data[at] != 0xFF:
            return False
        if data[at + 1] == 0xFF:  # fill byte
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if data[at + 1] == 0xDA:
            return data[at + 5 + 2 * data[at + 4]] > 0
        at += 2 + max(2, length)
    return False


def _is_irreversible(data: bytes, begin: int) -> bool:
    """Whether the wavelet is the 9-7 one, which cannot give back what it took (T.800 A.6.1)."""
    at = begin + 2
    for _ in range(_MOST_MARKERS):
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == 0xFF52:
            return data[at + 13] == 0
        if marker in (0xFF90, 0xFF93) or marker < 0xFF00:
            return False
        at += 2 + max(2, length)
    return False
