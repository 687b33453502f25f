"""The full tree of an object's elements, tolerant and without copying values, and what differs between two (PS3.5 7)."""

from collections.abc import Iterable, Iterator
from typing import Final

from heliograph.kit.errors import Absent
from heliograph.standards.dicom import tags, values
from heliograph.standards.dicom._layout import UNDEFINED, Buffer, Element, Frame, Item
from heliograph.standards.dicom._walk import Walker
from heliograph.standards.dicom.dataset import DataSet, indexer, walk_into
from heliograph.standards.dicom.header import Header, inflated, scan

__all__ = ["DataSet", "Element", "Item", "bytes_at", "differences", "parse", "value_at"]

# They follow from the transfer syntax or the file, not from what the object says.
_ENCODING_TAGS: Final = frozenset(
    {
        tags.SPECIFIC_CHARACTER_SET,
        0x00080001,  # Length to End
        0x00280004,  # Photometric Interpretation: changed by a colour transform
        0x00280006,  # Planar Configuration
        0xFFFCFFFC,  # Data Set Trailing Padding
    }
)
_MAX_CREATOR_BYTES: Final = 256
_PIXEL_GROUP: Final = 0x7FE0
_WORD_BYTES: Final = {"OW": 2, "OL": 4, "OF": 4, "OD": 8, "OV": 8}


def parse(
    data: Buffer, header: Header | None = None, *, transfer_syntax: str | None = None, trailing: bool = False
) -> DataSet:
    """Every element up to Pixel Data with its items down to 64 levels; VRs are settled by the dictionary.

    trailing: also what follows Pixel Data, which itself is never part of the tree.
    """
    header = header if header is not None else scan(data, transfer_syntax=transfer_syntax)
    whole = header.data
    extents = dict(header.elements)
    problems = list(header.problems)
    if trailing and header.pixel_offset is not None:
        whole = inflated(data, header)
        extents |= _behind_pixels(whole, header, problems)
    walker = indexer(whole, explicit=header.explicit, little=header.little)
    elements: dict[int, Element] = {}
    for tag in sorted(extents):
        vr, offset, length = extents[tag]
        element = elements[tag] = Element(tag, vr, offset, length)
        _walk_if_sequence(walker, element)
    problems += [problem for problem in walker.problems if problem not in problems]
    tree = DataSet(whole, elements, header.little, header.character_sets(), problems=problems)
    _settle_vrs(tree)
    return tree


def _walk_if_sequence(walker: Walker, element: Element) -> None:
    if element.length >= 8 and walker.is_sequence(element, element.offset, element.offset + element.length):
        walk_into(walker, element)


def _behind_pixels(data: bytes, header: Header, problems: list[str]) -> dict[int, tuple[str, int, int]]:
    offset = header.pixel_offset or 0
    pos = offset + (header.pixel_length or 0)
    walker = Walker(data, len(data), explicit=header.explicit, little=header.little)
    if header.pixel_length is None:
        pos = walker.walk(_fragments(walker, offset), offset)
    if pos < len(data):
        walker.top_level(pos)
    problems += [problem for problem in walker.problems if problem not in problems]
    return {tag: extent for tag, extent in walker.found.items() if tag not in header.elements}


def _fragments(walker: Walker, offset: int) -> Frame:
    return walker.frame_of(
        Element(tags.PIXEL_DATA, "OB", offset, 0), UNDEFINED, walker.end, explicit=walker.explicit, order=walker.order
    )


def _settle_vrs(tree: DataSet) -> None:
    """Gives every element the VR of the dictionary where the bytes name none (PS3.5 A.1, CP-246)."""
    root = list(tree.elements.values())
    waiting = [(root, tree.little, _is_signed(root, tree, inherited=False))]
    while waiting:
        elements, little, signed = waiting.pop()
        creators: dict[int, str] | None = None
        for element in elements:
            if element.items is not None:
                if element.vr != "SQ":
                    element.vr = "SQ"
                waiting += [
                    (item.elements, item.little, _is_signed(item.elements, tree, inherited=signed))
                    for item in element.items
                ]
            elif element.vr == "SQ" and element.length:
                element.vr = "UN"  # too deep or no items: only bytes
            elif not element.vr or (element.vr == "UN" and little):
                if creators is None:
                    creators = _creators(elements, tree)
                element.vr = _settled_vr(element, creators, signed=signed)


def _settled_vr(element: Element, creators: dict[int, str], *, signed: bool) -> str:
    vr = tags.vr_of(element.tag, signed=signed)
    if vr == "UN" and tags.is_private(element.tag):
        creator = creators.get(element.tag & 0xFFFF0000 | element.tag >> 8 & 0xFF, "")
        vr = tags.private_vr(creator, element.tag, signed=signed)
    # A VR that the value cannot have, or a sequence without items: the bytes stay what they are.
    if element.length and (vr == "SQ" or element.length % values.size_of(vr)):
        return "UN"
    return vr


def _creators(elements: list[Element], tree: DataSet) -> dict[int, str]:
    """Which private creator reserved which block: (gggg,00bb) by its tag; the first counts (PS3.5 7.8.1)."""
    found: dict[int, str] = {}
    for element in elements:
        if tags.is_private_creator(element.tag) and element.length <= _MAX_CREATOR_BYTES:
            raw = tree.data[element.offset : element.offset + element.length]
            found.setdefault(element.tag, raw.decode("latin_1").strip(" \0"))
    return found


def _is_signed(elements: Iterable[Element], tree: DataSet, *, inherited: bool) -> bool:
    for element in elements:
        if element.tag == tags.PIXEL_REPRESENTATION:
            return bytes(tree.data[element.offset : element.offset + 2]) in (b"\1\0", b"\0\1")
        if element.tag > tags.PIXEL_REPRESENTATION:
            break
    return inherited


# -- one value ---------------------------------------------------------------------------------------------------


def value_at(data: Buffer, path: str, header: Header | None = None) -> tuple[int, int]:
    """Offset and length of the value at a path such as 00289999 or 00540016/0/00189074; Absent when there is none.

    A value of undefined length counts without its delimiter. See Header for what offsets count in.
    """
    header = header if header is not None else scan(data)
    if "/" not in path and _tag_of_step(path) == header.pixel_tag and header.pixel_offset is not None:
        return header.pixel_offset, _pixel_bytes(data, header)
    element = _element_at(path, header)
    return element.offset, element.length


def bytes_at(path: str, header: Header) -> bytes:
    """The value at a path apart from Pixel Data, in little endian: bulk data has one order (PS3.18 8.7.3.3)."""
    element = _element_at(path, header)
    raw = bytes(header.data[element.offset : element.offset + element.length])
    size = _WORD_BYTES.get(element.vr, 1)
    return raw if header.little or size == 1 else values.swapped(raw, size)


def _element_at(path: str, header: Header) -> Element:
    steps = path.split("/")
    extent = header.elements.get(_tag_of_step(steps[0]))
    if extent is None:
        raise Absent("no such attribute")
    element = Element(_tag_of_step(steps[0]), *extent)
    _walk_if_sequence(indexer(header.data, explicit=header.explicit, little=header.little), element)
    for number, name in zip(steps[1::2], steps[2::2], strict=True) if len(steps) % 2 else ():
        element = _nested(element, number, _tag_of_step(name))
    if len(steps) % 2 == 0:
        raise Absent("a path ends with an attribute")
    return element


def _tag_of_step(step: str) -> int:
    if len(step) != 8 or not set(step) <= set("0123456789abcdefABCDEF"):
        raise Absent("no such attribute")
    return int(step, 16)


def _nested(element: Element, number: str, tag: int) -> Element:
    items = element.items or []
    if not number.isascii() or not number.isdigit() or len(number) > 9 or int(number) >= len(items):
        raise Absent("no such item")
    for inner in items[int(number)].elements:
        if inner.tag == tag:
            return inner
    raise Absent("no such attribute")


def _pixel_bytes(data: Buffer, header: Header) -> int:
    offset = header.pixel_offset or 0
    if header.pixel_length is not None:
        return min(header.pixel_length, header.total_bytes - offset)
    whole: Buffer = inflated(data, header) if header.deflated else data
    walker = Walker(whole, len(whole), explicit=True, little=header.little)
    frame = _fragments(walker, offset)
    walker.walk(frame, offset)
    return frame.holder.length if frame.holder is not None else 0


# -- two data sets -----------------------------------------------------------------------------------------------


def differences(left: DataSet, right: DataSet) -> list[str]:
    """Paths of the elements whose meaning differs, as in 00081115/0/0020000E.

    Byte order, VR encoding, character set, padding, group lengths and what follows from the transfer syntax do not
    count; Pixel Data is not looked at.
    """
    return list(_differences(left, right, ""))


def _differences(left: DataSet, right: DataSet, path: str) -> Iterator[str]:
    for tag in sorted(left.elements.keys() | right.elements.keys()):
        if tag in _ENCODING_TAGS or not tag & 0xFFFF or tag >> 16 == _PIXEL_GROUP:
            continue
        here = f"{path}{tag:08X}"
        one, other = left.elements.get(tag), right.elements.get(tag)
        if one is None or other is None:
            yield here
        elif one.items or other.items:
            yield from _differing_items(left.sequence_at(tag), right.sequence_at(tag), here)
        elif _meaning(left, one, other.vr) != _meaning(right, other, one.vr):
            yield here


def _differing_items(left: tuple[DataSet, ...], right: tuple[DataSet, ...], path: str) -> Iterator[str]:
    if len(left) != len(right):
        yield path
        return
    for number, (one, other) in enumerate(zip(left, right, strict=True)):
        yield from _differences(one, other, f"{path}/{number}/")


def _meaning(holder: DataSet, element: Element, other_vr: str) -> object:
    """What an element says, comparable between encodings; one VR may have been lost to UN on the way."""
    vr = other_vr if element.vr == "UN" else element.vr
    raw = holder.data[element.offset : element.offset + element.length]
    little = holder.little or element.vr == "UN"
    if vr in values.TEXT_VRS:
        return holder.texts_of(element.tag, vr, raw)
    if vr in values.NUMBER_VRS:
        return values.numbers(raw, vr, little=little)
    if vr == "AT":
        return values.attribute_tags(raw, little=little)
    size = _WORD_BYTES.get(vr, 1)
    return values.swapped(raw, size).rstrip(b"\0") if size > 1 and not little else raw.rstrip(b"\0")
