"""Whether two objects are the same in other encodings: equal elements and equal decoded pixels."""

from collections.abc import Callable

from heliograph.standards.dicom import frames, image, parse, pixels
from heliograph.standards.dicom.header import Header, inflated, scan

_MOST_FRAMES = 2000


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
    for number in range(tables[0].frames):
        one, other = (
            pixels.decode_frame(spec, table.read_frame(number, _reader(data)), table.transfer_syntax)
            for spec, table, (data, _) in zip(specs, tables, (left, right), strict=True)
        )
        if one.shape != other.shape or not bool((one == other).all()):
            return False
    return True


def _reader(data: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, length: data[offset : offset + length]
