"""An uncompressed frame laid out as its object's own attributes say.

Who asks for frames has read the metadata, and nothing in the answer could correct it (PS3.18 10.4, PS3.3 C.7.6.3.1.2): so samples that a
codec has turned into RGB go back into the colour space that Photometric Interpretation names, and into planes where Planar
Configuration says planes. YBR_RCT and YBR_ICT name transforms of a codec; without the codec their samples are RGB (PS3.5 8.2.4).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom.image import Cell, ImageSpec
from heliograph.standards.dicom.pixels import decode_cells, stored_values
from heliograph.standards.dicom.transcode import transcode_frame
from heliograph.standards.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN

Cells = NDArray[Any]
_OF_CODECS = frozenset({"YBR_RCT", "YBR_ICT"})
# Rows: Y, Cb, Cr of ITU-R BT.601, as PS3.3 C.7.6.3.1.2 gives them.
_FROM_RGB = np.array([[0.2990, 0.5870, 0.1140], [-0.1687, -0.3313, 0.5000], [0.5000, -0.4187, -0.0813]], np.float32)


def described_frame(spec: ImageSpec, frame: bytes, source: str) -> bytes:
    """Little-endian cells; Invalid when the attributes describe what cannot be made of the frame."""
    if spec.samples != 3 or spec.cell is not Cell.INTEGER or spec.bits_allocated == 1:
        return transcode_frame(spec, frame, source, EXPLICIT_VR_LITTLE_ENDIAN).data
    decoded = decode_cells(spec, frame, source)
    cells = decoded.cells
    if decoded.coded is not None:
        cells = stored_values(spec, decoded).view(f"u{spec.cell_bytes}")
    named = spec.photometric
    if decoded.photometric == "RGB" and named != "RGB" and named not in _OF_CODECS:
        cells = _from_rgb(spec, cells)
    if named.endswith("_422"):
        cells = _narrow_422(spec, cells)
    elif spec.planar:
        cells = np.moveaxis(cells, -1, 0)
    return np.ascontiguousarray(cells, cells.dtype.newbyteorder("<")).tobytes()


def _from_rgb(spec: ImageSpec, rgb: Cells) -> Cells:
    if spec.photometric not in {"YBR_FULL", "YBR_FULL_422"}:
        raise Invalid(
            "these frames are given in the stored transfer syntax alone: transfer-syntax=*", code="not_acceptable"
        )
    ybr = rgb.astype(np.float32) @ _FROM_RGB.T
    ybr[..., 1:] += float(1 << (spec.bits_stored - 1))
    made: Cells = np.clip(np.rint(ybr), 0, (1 << spec.bits_stored) - 1).astype(rgb.dtype)
    return made


def _narrow_422(spec: ImageSpec, cells: Cells) -> Cells:
    """Y1 Y2 Cb Cr for each two pixels of a row; their chroma is the mean of the two."""
    if spec.columns % 2:
        raise Invalid(
            "a row of odd length cannot be YBR_FULL_422 uncompressed; ask with transfer-syntax=*", code="not_acceptable"
        )
    quads = np.empty((spec.rows, spec.columns // 2, 4), cells.dtype)
    quads[..., 0], quads[..., 1] = cells[:, 0::2, 0], cells[:, 1::2, 0]
    chroma = cells[..., 1:].astype(np.uint32)
    quads[..., 2:] = (chroma[:, 0::2] + chroma[:, 1::2] + 1) // 2
    return quads
