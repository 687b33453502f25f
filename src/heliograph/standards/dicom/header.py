"""The header of an object, scanned once up to Pixel Data; values are decoded when asked for (PS3.5 7, PS3.10 7)."""

from dataclasses import dataclass, field
from typing import Final

from heliograph.standards.dicom import charset, tags, uids, values
from heliograph.standards.dicom._envelope import (
    Encoding,
    Envelope,
    believable,
    declared_encoding,
    open_envelope,
    real_encoding,
)
from heliograph.standards.dicom._inflate import Inflater
from heliograph.standards.dicom._layout import (
    MAX_PROBLEMS,
    UNDEFINED,
    Buffer,
    Element,
    Extent,
    Unparseable,
)
from heliograph.standards.dicom._walk import Walker
from heliograph.standards.dicom.dataset import DataSet, indexer, item_of, walk_into

__all__ = ["Header", "NeedMore", "Unparseable", "inflated", "scan"]

_MAX_NOTED: Final = 2 * MAX_PROBLEMS
_MOST_EARLY = 16 << 20
_FIRST_INFLATE: Final = 256 * 1024
_END_OF_FRAGMENTS: Final = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"


class NeedMore(Exception):
    """The bytes end before the header does; `at_least` is the smallest size that may suffice."""

    def __init__(self, at_least: int) -> None:
        super().__init__(f"at least {at_least} bytes")
        self.at_least = at_least


@dataclass(slots=True, eq=False)
class Header(values.Attributes):
    """Offsets count from the start of the data that was scanned.

    For a deflated object they count in prefix + inflated data set, which `inflated` makes.
    """

    prefix_bytes: int
    transfer_syntax: str
    declared_transfer_syntax: str
    explicit: bool
    little: bool
    deflated: bool
    pixel_tag: int | None
    pixel_vr: str
    pixel_offset: int | None
    pixel_length: int | None
    header_bytes: int
    total_bytes: int
    truncated: bool
    problems: tuple[str, ...]
    data: bytes = field(repr=False)  # at least the first header_bytes bytes
    elements: dict[int, Extent] = field(repr=False)
    _meta: dict[int, Extent] = field(repr=False)
    assumed_character_set: bytes | None = None  # a site knows that this device declares a wrong one
    _sequences: dict[int, tuple[DataSet, ...]] = field(default_factory=dict, repr=False)

    def find(self, tag: int) -> tuple[str, bytes, bool] | None:
        extent = self.elements.get(tag)
        if extent is None:
            return None
        vr, offset, length = extent
        return vr, self.data[offset : offset + length], self.little

    def holds(self, tag: int) -> bool:
        return tag in self.elements or tag == self.pixel_tag

    def character_sets(self) -> charset.CharacterSets:
        if self.assumed_character_set is not None:
            return charset.character_sets(self.assumed_character_set)
        extent = self.elements.get(tags.SPECIFIC_CHARACTER_SET)
        if extent is None:
            return charset.ASCII
        sets = charset.character_sets(self.data[extent[1] : extent[1] + extent[2]])
        for problem in sets.problems:
            self.note(problem)
        return sets

    def note(self, problem: str) -> None:
        """Adds a warning that decoding found."""
        if problem not in self.problems and len(self.problems) < _MAX_NOTED:
            self.problems = (*self.problems, problem)

    def meta(self, keyword: str) -> str:
        """The first value of an attribute of group 0002; "" when absent."""
        extent = self._meta.get(tags.tag_of(keyword))
        if extent is None:
            return ""
        vr, offset, length = extent
        raw = self.data[offset : offset + length]
        if (vr or tags.vr_of(tags.tag_of(keyword))) == "UL":
            return str(int.from_bytes(raw[:4], "little"))
        return raw.decode("latin_1").split("\\")[0].strip(" \0")

    def sequence(self, keyword: str) -> tuple[DataSet, ...]:
        """The items of a sequence; () when it is absent or has none."""
        return self.sequence_at(tags.tag_of(keyword))

    def sequence_at(self, tag: int) -> tuple[DataSet, ...]:
        items = self._sequences.get(tag)
        if items is None:
            items = self._sequences[tag] = self._items_of(tag)
        return items

    def _items_of(self, tag: int) -> tuple[DataSet, ...]:
        extent = self.elements.get(tag)
        if extent is None or extent[0] not in ("", "SQ", "UN"):
            return ()
        vr, offset, length = extent
        element = Element(tag, vr, offset, length)
        walker = indexer(self.data, explicit=self.explicit, little=self.little)
        walk_into(walker, element)
        for problem in walker.problems:
            self.note(problem)
        sets = self.character_sets()
        return tuple([item_of(item, self.data, sets, self.note) for item in element.items or ()])


def scan(data: Buffer, *, transfer_syntax: str | None = None, complete: bool = True) -> Header:
    """Walks the tags of an object up to Pixel Data.

    transfer_syntax: the data is a bare data set in it (C-STORE); None: a file, or whatever it turns out to be.
    complete=False: more bytes may follow, and NeedMore is raised when the header does not end in these.
    """
    view: Buffer = data.cast("B") if isinstance(data, memoryview) else data
    if transfer_syntax is None:
        if not complete and len(view) < _FIRST_INFLATE and not _has_start(view):
            raise NeedMore(_FIRST_INFLATE)
        envelope = open_envelope(view)
    else:
        envelope = Envelope(declared=transfer_syntax.strip(" \0"))
    if envelope.ran_out and not complete:
        raise NeedMore(envelope.ran_out)
    if envelope.declared in uids.DEFLATED:
        encoding = believable(view, envelope.start)
        if encoding is None:
            return _scan_deflated(view, envelope, complete=complete)
        envelope.problems.append("declared as deflated, and it is not")
    return _scan_plain(view, envelope, complete=complete)


def _has_start(data: Buffer) -> bool:
    """Enough of a file is there to tell what it is."""
    if len(data) < 256:
        return False
    return bytes(data[128:132]) == b"DICM"


def _scan_plain(data: Buffer, envelope: Envelope, *, complete: bool) -> Header:
    declared = declared_encoding(envelope.declared)
    encoding = real_encoding(data, envelope.start, declared)
    walker = _walked(data, envelope, encoding, complete=complete)
    return _header(data, len(data), envelope, encoding, walker, complete=complete)


def _walked(data: Buffer, envelope: Envelope, encoding: Encoding, *, complete: bool) -> Walker:
    walker = Walker(data, len(data), explicit=encoding.explicit, little=encoding.little, complete=complete)
    stop = walker.top_level(envelope.start)
    if not complete and walker.pixel is None:
        raise NeedMore(max(walker.ran_out, stop + 12))
    return walker


def _scan_deflated(data: Buffer, envelope: Envelope, *, complete: bool) -> Header:
    """Refuses a bomb before it keeps anything, then keeps only as much as the header needs."""
    start = envelope.start
    total = 0
    if complete:
        counter = Inflater(data, start)
        total = counter.rest()
        if not counter.has_end:
            envelope.problems.append("the deflated data set is cut off or damaged")
            envelope.ran_out = total + start + 1
    inflater = Inflater(data, start)
    plain = bytes(data[:start])
    wanted = _FIRST_INFLATE
    while True:
        plain += _more(inflater, wanted, data, complete=complete)
        encoding = real_encoding(plain, start, declared_encoding(envelope.declared))
        try:
            walker = _walked(plain, envelope, encoding, complete=complete and inflater.is_finished)
        except NeedMore as more:
            if inflater.is_finished:
                raise NeedMore(len(data) + 1) from None
            wanted = max(more.at_least - len(plain), len(plain))
            if not complete and len(plain) + wanted > _MOST_EARLY:  # a whole object is counted before it is kept
                raise NeedMore(2 * len(data)) from None
            continue
        header = _header(plain, max(start + total, len(plain)), envelope, encoding, walker, complete=complete)
        header.deflated = True
        header.transfer_syntax = envelope.declared
        return header


def _more(inflater: Inflater, wanted: int, data: Buffer, *, complete: bool) -> bytes:
    try:
        return inflater.read(wanted)
    except Unparseable:
        if complete:
            raise
        raise NeedMore(len(data) + 1) from None  # the limit grows with what was sent


def inflated(data: Buffer, header: Header) -> bytes:
    """Prefix and inflated data set of a deflated object: what the offsets of its header count in."""
    if not header.deflated:
        return bytes(data)
    inflater = Inflater(data, header.prefix_bytes)
    parts = [bytes(data[: header.prefix_bytes])]
    while not inflater.is_finished:
        parts.append(inflater.read(_FIRST_INFLATE))
    return b"".join(parts)


def _header(
    data: Buffer, size: int, envelope: Envelope, encoding: Encoding, walker: Walker, *, complete: bool
) -> Header:
    if walker.pixel is None and not _is_usable(walker, envelope):
        raise Unparseable("no readable element in the data set", code="no_elements")
    problems = envelope.problems + walker.problems
    tag = vr = offset = length = None
    truncated = complete and bool(walker.ran_out or envelope.ran_out)
    header_bytes = len(data)
    if walker.pixel is not None:
        tag, vr, offset, length = walker.pixel
        header_bytes = _head_of_pixel(offset, vr, explicit=encoding.explicit)
        if length == UNDEFINED:
            length = None
        if complete and _lacks_pixels(data, size, walker, offset, length):
            truncated = True
            problems.append("Pixel Data ends before its length says")
    real = _real_transfer_syntax(envelope, encoding, problems, is_fragmented=offset is not None and length is None)
    return Header(
        prefix_bytes=envelope.start,
        transfer_syntax=real,
        declared_transfer_syntax=envelope.declared,
        explicit=encoding.explicit,
        little=encoding.little,
        deflated=False,
        pixel_tag=tag,
        pixel_vr=vr or "",
        pixel_offset=offset,
        pixel_length=length,
        header_bytes=header_bytes,
        total_bytes=size,
        truncated=truncated,
        problems=tuple(dict.fromkeys(problems)),
        data=data if isinstance(data, bytes) else bytes(data[:header_bytes]),
        elements=walker.found,
        _meta=envelope.meta,
    )


def _is_usable(walker: Walker, envelope: Envelope) -> bool:
    # Group lengths, and groups 0000 and 0002, which zeros and torn heads look like, say nothing of an object.
    found = [tag for tag in walker.found if tag & 0xFFFF and tag >> 16 > 0x0002]
    if any(tags.attribute(tag) for tag in found):
        return True
    # Private elements alone speak for themselves only behind file meta information and when they end well.
    return bool(found and envelope.meta and not walker.ran_out)


def _head_of_pixel(offset: int, vr: str, *, explicit: bool) -> int:
    return offset - (12 if explicit and vr in ("OB", "OW", "OF", "OD", "OL", "OV", "UN") else 8)


def _lacks_pixels(data: Buffer, size: int, walker: Walker, offset: int, length: int | None) -> bool:
    if length is not None:
        return offset + length > size
    if size != len(data) or bytes(data[size - 8 : size]) == _END_OF_FRAGMENTS:
        return False
    holder = Element(tags.PIXEL_DATA, "OB", offset, 0)
    ran_out = walker.ran_out
    walker.walk(walker.frame_of(holder, UNDEFINED, size, explicit=True, order=walker.order), offset)
    return walker.ran_out > ran_out


def _real_transfer_syntax(envelope: Envelope, encoding: Encoding, problems: list[str], *, is_fragmented: bool) -> str:
    declared = envelope.declared
    if declared in uids.DEFLATED:  # these bytes are inflated, or never were deflated
        declared = uids.EXPLICIT_VR_LITTLE_ENDIAN
    if declared and encoding == declared_encoding(declared):
        if is_fragmented and declared in uids.NATIVE:
            problems.append("Pixel Data in fragments under an uncompressed transfer syntax")
        return declared
    if declared:
        problems.append("not encoded in the declared transfer syntax")
        if is_fragmented and uids.is_encapsulated(declared):
            return declared
    if not encoding.explicit:
        return uids.IMPLICIT_VR_LITTLE_ENDIAN
    return uids.EXPLICIT_VR_LITTLE_ENDIAN if encoding.little else uids.EXPLICIT_VR_BIG_ENDIAN
