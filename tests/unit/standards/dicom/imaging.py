"""Makes image objects by hand, and reads frames of them, for the tests of frames, pixels, render and transcode."""

from dataclasses import dataclass
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pytest

from heliograph.standards.dicom import pixels
from heliograph.standards.dicom.frames import FrameTable, frame_table
from heliograph.standards.dicom.header import Header, inflated, scan
from heliograph.standards.dicom.image import ImageSpec, spec_from_header
from tests import data
from tests.unit.standards.dicom import making as make

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
HTJ2K_RPCL = "1.2.840.10008.1.2.4.202"
JPEG_XL = "1.2.840.10008.1.2.4.110"
RLE = "1.2.840.10008.1.2.5"
DEFLATED_FRAME = "1.2.840.10008.1.2.8.1"
MPEG4 = "1.2.840.10008.1.2.4.102"

PIXEL_DATA = 0x7FE00010
Array = np.ndarray[Any, Any]
SAME = "syntax/ct_same_instance"


def spec(
    rows: int,
    columns: int,
    samples: int = 1,
    allocated: int = 16,
    stored: int | None = None,
    *,
    signed: bool = False,
    photometric: str = "MONOCHROME2",
    **more: Any,
) -> ImageSpec:
    stored = stored or allocated
    high = more.pop("high_bit", stored - 1)
    return ImageSpec(rows, columns, samples, allocated, stored, high, signed, photometric, **more)


def spec_of(cells: Array, **more: Any) -> ImageSpec:
    samples = cells.shape[2] if cells.ndim == 3 else 1
    options = {"photometric": "RGB" if samples == 3 else "MONOCHROME2", "signed": cells.dtype.kind == "i"} | more
    return spec(cells.shape[0], cells.shape[1], samples, cells.dtype.itemsize * 8, **options)


def us(tag: int, *values: int, mark: str = "<") -> bytes:
    return make.explicit(tag, "US", pack(f"{mark}{len(values)}H", *values), mark=mark)


def text(tag: int, vr: str, value: str, mark: str = "<") -> bytes:
    return make.explicit(tag, vr, value, mark=mark)


def encapsulated(*fragments: bytes, table: bytes = b"", end: bytes = make.SEQUENCE_END, tag: int = PIXEL_DATA) -> bytes:
    items = b"".join(make.item(make.padded(piece, b"\0")) for piece in (table, *fragments))
    return make.explicit(tag, "OB", length=make.UNDEFINED) + items + end


@dataclass
class Picture:
    """The attributes of the image pixel module; `extra` are whole elements by tag."""

    rows: int = 2
    columns: int = 2
    samples: int = 1
    allocated: int = 16
    stored: int | None = None
    high: int | None = None
    signed: bool = False
    photometric: str = "MONOCHROME2"
    planar: int | None = None
    frames: int | None = None
    mark: str = "<"

    def elements(self) -> dict[int, bytes]:
        stored = self.allocated if self.stored is None else self.stored
        mark = self.mark
        found = {
            0x00280002: us(0x00280002, self.samples, mark=mark),
            0x00280004: text(0x00280004, "CS", self.photometric, mark),
            0x00280010: us(0x00280010, self.rows, mark=mark),
            0x00280011: us(0x00280011, self.columns, mark=mark),
            0x00280100: us(0x00280100, self.allocated, mark=mark),
            0x00280101: us(0x00280101, stored, mark=mark),
            0x00280102: us(0x00280102, stored - 1 if self.high is None else self.high, mark=mark),
            0x00280103: us(0x00280103, int(self.signed), mark=mark),
        }
        if self.planar is not None:
            found[0x00280006] = us(0x00280006, self.planar, mark=mark)
        if self.frames is not None:
            found[0x00280008] = text(0x00280008, "IS", str(self.frames), mark)
        return found

    def file(self, pixel_element: bytes, syntax: str = make.EXPLICIT, extra: dict[int, bytes] | None = None) -> bytes:
        elements = self.elements() | (extra or {})
        body = b"".join(elements[tag] for tag in sorted(elements))
        identity = make.identity("big" if self.mark == ">" else "explicit")
        return make.file(identity + body + pixel_element, syntax)


@dataclass
class Opened:
    header: Header
    table: FrameTable
    spec: ImageSpec
    whole: bytes

    def read(self, offset: int, length: int) -> bytes:
        return self.whole[offset : offset + length]

    def frame(self, number: int = 0) -> bytes:
        return self.table.read_frame(number, self.read)

    def decode(self, number: int = 0) -> tuple[np.ndarray[Any, Any], str]:
        return pixels.decode_image(self.spec, self.frame(number), self.table.transfer_syntax)


def opened(content: bytes) -> Opened:
    header = scan(content)
    whole = inflated(content, header)
    table = frame_table(header, lambda offset, length: whole[offset : offset + length], len(whole))
    return Opened(header, table, spec_from_header(header), whole)


def sample(name: str) -> Path:
    path = data.ROOT / name
    if not path.is_file():
        pytest.skip(f"{data.MISSING}: {name}")
    return path


def opened_sample(name: str) -> Opened:
    return opened(sample(name).read_bytes())
