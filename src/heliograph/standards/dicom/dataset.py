"""Small data sets both ways: queries, responses, command sets, items of sequences (PS3.5 7, PS3.7 6.3)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from heliograph.standards.dicom import charset, tags, uids, values
from heliograph.standards.dicom._encode import Elementary, Elements, encode, encode_command
from heliograph.standards.dicom._envelope import declared_encoding
from heliograph.standards.dicom._inflate import Inflater, limit_of
from heliograph.standards.dicom._layout import MAX_DEPTH, MAX_INDEXED, Element, Item, Unparseable
from heliograph.standards.dicom._walk import Walker

__all__ = ["DataSet", "Elementary", "Elements", "by_keyword", "decode", "decode_command", "encode", "encode_command"]

Note = Callable[[str], None]


@dataclass(slots=True, eq=False)
class DataSet(values.Attributes):
    """Elements over the bytes that they stand in; asked by keyword like a header."""

    data: bytes = field(repr=False)
    elements: dict[int, Element] = field(repr=False)
    little: bool
    inherited: charset.CharacterSets = field(repr=False, default=charset.ASCII)
    problems: list[str] = field(default_factory=list)
    sink: Note | None = field(repr=False, default=None)

    def __iter__(self) -> Iterator[int]:
        return iter(self.elements)

    def __len__(self) -> int:
        return len(self.elements)

    def find(self, tag: int) -> tuple[str, bytes, bool] | None:
        element = self.elements.get(tag)
        if element is None:
            return None
        return element.vr, self.data[element.offset : element.offset + element.length], self.little

    def holds(self, tag: int) -> bool:
        return tag in self.elements

    def vr_at(self, tag: int) -> str:
        """The VR as written, or the dictionary's in implicit VR; "" when the tag is absent."""
        element = self.elements.get(tag)
        if element is None:
            return ""
        return element.vr if element.vr not in ("", "UN") else tags.vr_of(tag)

    def character_sets(self) -> charset.CharacterSets:
        own = self.find(tags.SPECIFIC_CHARACTER_SET)
        return charset.character_sets(own[1]) if own is not None else self.inherited

    def note(self, problem: str) -> None:
        if self.sink is not None:
            self.sink(problem)
        elif problem not in self.problems:
            self.problems.append(problem)

    def sequence(self, keyword: str) -> tuple["DataSet", ...]:
        return self.sequence_at(tags.tag_of(keyword))

    def sequence_at(self, tag: int) -> tuple["DataSet", ...]:
        element = self.elements.get(tag)
        if element is None or not element.items:
            return ()
        sets = self.character_sets()
        return tuple([item_of(item, self.data, sets, self.note) for item in element.items])

    def to_elements(self) -> Elements:
        """The same content as encode takes."""
        return {tag: self._elementary(tag) for tag in self.elements}

    def _elementary(self, tag: int) -> Elementary:
        vr = self.vr_at(tag)
        if vr == "SQ":
            return vr, tuple([item.to_elements() for item in self.sequence_at(tag)])
        if vr in values.BINARY_VRS:
            found = self.find(tag)
            return vr, found[1] if found is not None else b""
        return vr, self.values_at(tag)


def item_of(item: Item, data: bytes, sets: charset.CharacterSets, sink: Note | None) -> DataSet:
    """A data set over one item; of an element that is given twice the first counts."""
    elements: dict[int, Element] = {}
    for element in item.elements:
        elements.setdefault(element.tag, element)
    return DataSet(data, elements, item.little, sets, sink=sink)


def indexer(data: bytes, *, explicit: bool, little: bool) -> Walker:
    """A walker that keeps what it finds, as much as memory allows."""
    return Walker(data, len(data), explicit=explicit, little=little, limit=MAX_INDEXED)


def walk_into(walker: Walker, element: Element) -> None:
    """Fills the items of a sequence; one with too many elements stays bytes."""
    walked = walker.walked
    explicit, order = walker.explicit, walker.order
    frame = walker.frame_of(element, element.length, element.offset + element.length, explicit=explicit, order=order)
    try:
        walker.walk(frame, element.offset, MAX_DEPTH)
    except Unparseable:
        element.items = None
        walker.walked = walked
        walker.note("more elements than are indexed in", element.tag)


def decode(data: bytes, transfer_syntax: str) -> DataSet:
    """Reads a small data set such as a C-FIND identifier; Unparseable when it is cut off or no data set."""
    if transfer_syntax in uids.DEFLATED:
        data = Inflater(data, 0).read(limit_of(len(data)) + 1)
    encoding = declared_encoding(transfer_syntax)
    walker = Walker(data, len(data), explicit=encoding.explicit, little=encoding.little)
    walker.top_level(0)
    if walker.ran_out:
        raise Unparseable("the data set is cut off or is not in its transfer syntax", code="cut_off")
    if walker.pixel is not None:
        walker.note("Pixel Data and what follows it is left out")
    found = DataSet(data, {}, encoding.little, problems=walker.problems)
    inner = indexer(data, explicit=encoding.explicit, little=encoding.little)
    for tag, (vr, offset, length) in walker.found.items():
        element = found.elements[tag] = Element(tag, vr, offset, length)
        if length and (vr == "SQ" or (vr in ("", "UN") and tags.vr_of(tag) == "SQ")):
            walk_into(inner, element)
    for problem in inner.problems:
        found.note(problem)
    return found


def decode_command(data: bytes) -> DataSet:
    """A command set: always Implicit VR Little Endian (PS3.7 6.3.1)."""
    return decode(data, uids.IMPLICIT_VR_LITTLE_ENDIAN)


def by_keyword(attributes: dict[str, object]) -> Elements:
    """Elements from keywords, with the VRs of the dictionary; an item of a sequence is a dict of keywords too."""
    elements: dict[int, Elementary] = {}
    for keyword, value in attributes.items():
        tag = tags.tag_of(keyword)
        vr = tags.vr_of(tag)
        if vr == "SQ":
            items = value if isinstance(value, list | tuple) else ()
            elements[tag] = (vr, tuple([by_keyword(item) for item in items]))
        else:
            elements[tag] = (vr, _as_values(value))
    return elements


def _as_values(value: object) -> tuple[values.Value, ...] | bytes:
    if value is None:
        return ()
    if isinstance(value, bytes | str | int | float):
        return value if isinstance(value, bytes) else (value,)
    if isinstance(value, list | tuple):
        return tuple(value)
    raise TypeError(f"no DICOM value: {type(value).__name__}")
