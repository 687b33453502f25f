"""How elements lie in bytes (PS3.5 7.1), and the fast walk over the ordinary ones."""

import mmap
from dataclasses import dataclass, field
from struct import Struct
from typing import Final

from heliograph.kit.errors import Invalid

Buffer = bytes | bytearray | memoryview | mmap.mmap
Extent = tuple[str, int, int]  # VR ("" in implicit VR), offset of the value, length of the value

UNDEFINED: Final = 0xFFFFFFFF
MAX_DEPTH: Final = 64
MAX_TOP_LEVEL: Final = 65_536
MAX_ELEMENTS: Final = 5_000_000  # walked over in one object
MAX_INDEXED: Final = 500_000  # kept as a tree: a bound on memory
MAX_OPEN: Final = 1_000_000
MAX_PROBLEMS: Final = 40
FIRST_PIXEL_TAG: Final = 0x7FE00008
DELIMITERS: Final = 0xFFFE

_SHORT_NAMES: Final = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US"
_LONG_NAMES: Final = "OB OD OF OL OV OW SQ SV UC UN UR UT UV"
SHORT: Final = {name.encode(): name for name in _SHORT_NAMES.split()}
LONG: Final = {name.encode(): name for name in _LONG_NAMES.split()}
FRAGMENTED: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW"})


class Unparseable(Invalid):
    """These bytes are not a DICOM data set that can be walked; the message says why."""

    code = "unparseable"


class Endianness:
    """The four readers of one byte order."""

    __slots__ = ("explicit", "implicit", "little", "long")

    def __init__(self, *, little: bool) -> None:
        mark = "<" if little else ">"
        self.little = little
        self.explicit = Struct(mark + "HH2sH").unpack_from
        self.implicit = Struct(mark + "HHL").unpack_from
        self.long = Struct(mark + "L").unpack_from


LITTLE: Final = Endianness(little=True)
BIG: Final = Endianness(little=False)


@dataclass(slots=True)
class Item:
    """One item of a sequence: its elements in the order of the bytes."""

    offset: int
    length: int
    little: bool
    elements: list["Element"] = field(default_factory=list)


@dataclass(slots=True)
class Element:
    """One attribute: where its value stands; items when it is a sequence that was walked into."""

    tag: int
    vr: str
    offset: int
    length: int
    items: list[Item] | None = None


class Frame:
    """An open container on the walker's own stack."""

    __slots__ = ("end", "explicit", "holder", "is_open", "kind", "order")

    def __init__(
        self, kind: int, end: int, *, is_open: bool, explicit: bool, order: Endianness, holder: Item | Element | None
    ) -> None:
        self.kind = kind
        self.end = end
        self.is_open = is_open  # undefined length: a delimiter ends it
        self.explicit = explicit
        self.order = order
        self.holder = holder


SEQUENCE: Final = 0
ITEM: Final = 1
FRAGMENTS: Final = 2


def ordinary_explicit(
    data: Buffer, pos: int, end: int, order: Endianness, found: dict[int, Extent], *, last: int
) -> tuple[int, int]:
    """Walks explicit VR elements as long as nothing is remarkable; answers the position of the first that is,
    and the highest tag so far."""
    head, long, short_vrs, long_vrs = order.explicit, order.long, SHORT, LONG
    for _ in range(MAX_TOP_LEVEL):
        if pos + 12 > end:
            break
        group, number, code, length = head(data, pos)
        tag = group << 16 | number
        start = pos + 8
        vr = short_vrs.get(code)
        if vr is None:
            vr = long_vrs.get(code)
            if vr is None:
                break
            length = long(data, start)[0]
            start = pos + 12
        stop = start + length
        if tag <= last or length & 1 or stop > end or tag >= FIRST_PIXEL_TAG:
            break
        found[tag] = (vr, start, length)
        last = tag
        pos = stop
    return pos, last


def ordinary_implicit(
    data: Buffer, pos: int, end: int, order: Endianness, found: dict[int, Extent], *, last: int
) -> tuple[int, int]:
    """The same for implicit VR."""
    head = order.implicit
    for _ in range(MAX_TOP_LEVEL):
        if pos + 8 > end:
            break
        group, number, length = head(data, pos)
        tag = group << 16 | number
        start = pos + 8
        stop = start + length
        if tag <= last or length & 1 or stop > end or tag >= FIRST_PIXEL_TAG:
            break
        found[tag] = ("", start, length)
        last = tag
        pos = stop
    return pos, last


def skip_ordinary(data: Buffer, pos: int, end: int, order: Endianness, *, explicit: bool) -> int:
    """The position of the delimiter that ends a well-formed sequence of undefined length; -1 when anything is odd.

    Containers need no stack while every delimiter is right: an odd depth is a sequence, an even one an item.
    """
    head, plain, long, short_vrs, long_vrs = order.explicit, order.implicit, order.long, SHORT, LONG
    depth = 1
    while pos + 8 <= end:
        group, number, length = plain(data, pos)
        if group == DELIMITERS:
            if number == 0xE000 and depth & 1:
                if length == UNDEFINED:
                    depth += 1
                    if not explicit and (pos + 16 > end or _has_vr(data, pos + 8, order)):
                        return -1
                else:
                    pos += length
            elif length or number != (0xE0DD if depth & 1 else 0xE00D):
                return -1
            else:
                depth -= 1
                if not depth:
                    return pos
            pos += 8
            continue
        if depth & 1:
            return -1
        pos += 8
        if explicit:
            _, _, code, length = head(data, pos - 8)
            if code not in short_vrs:
                if code not in long_vrs or pos + 4 > end:
                    return -1
                length = long(data, pos)[0]
                pos += 4
                if length == UNDEFINED and code == b"UN":
                    return -1
        if length == UNDEFINED:
            depth += 1
        else:
            pos += length
    return -1


def _has_vr(data: Buffer, pos: int, order: Endianness) -> bool:
    code = order.explicit(data, pos)[2]
    return code in SHORT or code in LONG
