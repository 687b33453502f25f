"""Whether two objects are the same in other encodings: equal elements and equal decoded pixels."""

from collections.abc import Callable

from heliograph.standards.dicom import frames, image, parse, pixels
from heliograph.standards.dicom.header import Header, inflated, scan
from heliograph.standards.dicom.image import ImageSpec

_MOST_FRAMES = 2000
_MOST_PIXEL_BYTES = 512 << 20  # decoded, one frame after another: this runs where objects are received


def same_object(one: bytes, other: bytes) -> bool:
    """True when nothing but the encoding differs. Raises kit errors when a frame cannot be decoded."""
    left, right = _opened(one), _opened(other)
    if parse.differences(parse.parse(*left), parse.parse(*right)):
        return False
    if (left[1].pixel_tag is None) != (right[1].pixel_tag is None):
        return False
    return left[1].pixel_tag is None or _same_pixels(left, right)


def _opened(data: bytes) -> tuple[bytes, Header]:
    header = scan(data)
    if header.deflated:
        data = inflated(data, header)
    return data, header


def _same_pixels(left: tuple[bytes, Header], right: tuple[bytes, Header]) -> bool:
    tables = [frames.frame_table(header, _reader(data), len(data)) for data, header in (left, right)]
    if tables[0].frames != tables[1].frames or tables[0].frames > _MOST_FRAMES:
        return False
    specs = [image.spec_from_header(header) for _, header in (left, right)]
    if any(tables[0].frames * spec.frame_cells * spec.cell_bytes > _MOST_PIXEL_BYTES for spec in specs):
        return False
    for number in range(tables[0].frames):
        one, other = (
            pixels.decode_cells(spec, table.read_frame(number, _reader(data)), table.transfer_syntax)
            for spec, table, (data, _) in zip(specs, tables, (left, right), strict=True)
        )
        if not _same_frame(specs, one, other):
            return False
    return True


def _same_frame(specs: list[ImageSpec], one: pixels.Decoded, other: pixels.Decoded) -> bool:
    """Whole cells where both have them: the bits above the image may hold an overlay (retired). A codec keeps the image alone."""
    if one.coded is None and other.coded is None:
        return one.cells.shape == other.cells.shape and bool((one.cells == other.cells).all())
    if any(overlay.data is None for spec in specs for overlay in spec.overlays):
        return False
    left, right = (pixels.stored_values(spec, decoded) for spec, decoded in zip(specs, (one, other), strict=True))
    return left.shape == right.shape and bool((left == right).all())


def _reader(data: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, length: data[offset : offset + length]
