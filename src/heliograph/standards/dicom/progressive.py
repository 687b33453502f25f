"""A frame as lossless HTJ2K whose first bytes are a smaller picture (PS3.5 A.4.11, ISO/IEC 15444-15, RPCL).

One tile, one tile-part for each resolution: whoever has the bytes up to the end of one has the whole picture at that size. The frame is
decoded again and compared before it is given out, so a reader sees the values that the modality sent or no copy at all.
"""

from __future__ import annotations

import struct
from typing import Final

from heliograph.kit.errors import Broken
from heliograph.standards.dicom import uids
from heliograph.standards.dicom.image import Cell, ImageSpec
from heliograph.standards.dicom.transcode import transcode_frame

TRANSFER_SYNTAX: Final = uids.HTJ2K_LOSSLESS_RPCL
SOURCES: Final = (uids.NATIVE - uids.DEFLATED) | {
    uids.ENCAPSULATED_UNCOMPRESSED, uids.DEFLATED_IMAGE_FRAME, uids.RLE_LOSSLESS, uids.JPEG_LOSSLESS, uids.JPEG_LOSSLESS_SV1,
    uids.JPEG_LS_LOSSLESS, uids.JPEG_2000_LOSSLESS, uids.HTJ2K_LOSSLESS, uids.HTJ2K_LOSSLESS_RPCL, uids.JPEG_XL_LOSSLESS,
}  # fmt: skip
"""Transfer syntaxes that lose nothing: a copy of anything else would be larger than it and no better."""
_GREY: Final = frozenset({"MONOCHROME1", "MONOCHROME2"})
_COLOUR: Final = frozenset({"RGB", "YBR_RCT"})
_SOC, _SIZ, _SOT, _SOD, _EOC = 0xFF4F, 0xFF51, 0xFF90, 0xFF93, 0xFFD9
_MOST_MARKERS: Final = 64
MOST_RESOLUTIONS: Final = 33


def is_worth(spec: ImageSpec, transfer_syntax: str, least_bytes: int) -> bool:
    """Whether frames like this gain by a copy: nothing was lost in them, the browser can show the copy, and they are large enough."""
    if (
        transfer_syntax not in SOURCES
        or spec.cell is not Cell.INTEGER
        or any(one.data is None for one in spec.overlays)
    ):
        return False
    is_grey = spec.samples == 1 and spec.photometric in _GREY and 8 <= spec.bits_stored <= spec.bits_allocated <= 16
    is_colour = spec.samples == 3 and spec.photometric in _COLOUR and spec.bits_stored == spec.bits_allocated == 8
    return (is_grey or is_colour) and spec.rows * spec.columns * spec.cell_bytes >= least_bytes


def progressive_frame(spec: ImageSpec, frame: bytes, source: str) -> bytes:
    """The codestream of one frame; raises Invalid or Broken where it would not show the very same values. For a child process."""
    if source == TRANSFER_SYNTAX:  # as it came it may be laid out otherwise
        frame = transcode_frame(spec, frame, source, uids.EXPLICIT_VR_LITTLE_ENDIAN).data
        source = uids.EXPLICIT_VR_LITTLE_ENDIAN
    made = transcode_frame(spec, frame, source, TRANSFER_SYNTAX).data
    resolution_ends(made)
    return made


def resolution_ends(codestream: bytes) -> tuple[int, ...]:
    """How many bytes hold each resolution, smallest first; the last is all of them. Raises Broken for any other layout."""
    try:
        return _ends(codestream)
    except (struct.error, IndexError) as error:
        raise Broken("a codestream ends within its headers") from error


def _ends(data: bytes) -> tuple[int, ...]:
    at = _first_tile_part(data)
    ends: list[int] = []
    while struct.unpack_from(">H", data, at)[0] == _SOT:
        _, length, tile, size, part, _ = struct.unpack_from(">HHHIBB", data, at)
        if length != 10 or tile != 0 or part != len(ends) or size < 14 or len(ends) >= MOST_RESOLUTIONS:
            raise Broken("the tile-parts of a codestream are no resolutions")
        at += size
        ends.append(at)
    if not ends or struct.unpack_from(">H", data, at)[0] != _EOC or len(data) != at + 2:
        raise Broken("a codestream does not end with its last tile-part")
    ends[-1] = len(data)
    return tuple(ends)


def _first_tile_part(data: bytes) -> int:
    if struct.unpack_from(">HH", data)[0:2] != (_SOC, _SIZ):
        raise Broken("a codestream does not begin as one")
    at = 2
    for _ in range(_MOST_MARKERS):
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == _SOT:
            return at
        at += 2 + length
    raise Broken("the main header of a codestream does not end")
