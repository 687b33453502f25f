"""The fragments of encapsulated pixel data and how they make frames (PS3.5 A.4, PS3.3 C.7.6.3.1.8)."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator

from heliograph.kit.errors import Invalid

Read = Callable[[int, int], bytes]

MAX_FRAGMENTS = 8_000_000
MAX_OFFSET_TABLE_BYTES = 64 << 20
ITEM = b"\xfe\xff\x00\xe0"
_DELIMITER = b"\xfe\xff\xdd\xe0"
_STARTS = (
    b"\xff\xd8\xff",  # JPEG, JPEG-LS
    b"\xff\x4f\xff\x51",  # JPEG 2000, HTJ2K
    b"\x00\x00\x00\x0cjP  ",  # JP2 box
    b"\xff\x0a",  # JPEG XL
    b"\x00\x00\x00\x0cJXL ",
)
_RLE_SEGMENTS = range(1, 16)


class Fragments:
    """The walked fragments of an encapsulated pixel data element."""

    def __init__(self) -> None:
        self.offsets: array[int] = array("Q")
        self.lengths: array[int] = array("Q")
        self.problems: list[str] = []
        self.table = b""
        self.base = 0  # what Basic Offset Table entries count from
        self.stop = 0  # where the walk ended
        self.is_cut = False

    @classmethod
    def walk(cls, read: Read, offset: int, end: int) -> Fragments:
        found = cls()
        window = _Window(read, end)
        position, is_first = offset, True
        while True:
            head = window.at(position, 8)
            if head[:4] == _DELIMITER:
                break
            if len(head) < 8 or head[:4] != ITEM:
                found.problems.append("the pixel data ends without its delimiter")
                found.is_cut = position >= end - 7
                break
            length = int.from_bytes(head[4:], "little")
            value = position + 8
            if value + length > end:
                found.problems.append("the last fragment is cut off")
                found.is_cut = True
                break
            if is_first:
                found._take_table(read, value, length)
                is_first = False
            else:
                found.offsets.append(value)
                found.lengths.append(length)
            if len(found.offsets) > MAX_FRAGMENTS:
                raise Invalid("the pixel data has too many fragments", code="too_large")
            position = value + length
            if length % 2 and window.at(position, 4) not in (ITEM, _DELIMITER):
                position += 1
        found.stop = position
        return found

    def _take_table(self, read: Read, offset: int, length: int) -> None:
        self.base = offset + length
        if length > MAX_OFFSET_TABLE_BYTES:
            self.problems.append("the basic offset table is too long and was ignored")
        elif length:
            self.table = read(offset, length)

    def starts(self, read: Read) -> Iterator[bool]:
        """Whether each fragment begins a compressed stream."""
        window = _Window(read, (self.offsets[-1] + self.lengths[-1]) if self.offsets else 0)
        for offset, length in zip(self.offsets, self.lengths, strict=True):
            head = window.at(offset, min(12, length))
            yield head.startswith(_STARTS) or _starts_rle(head)


def _starts_rle(head: bytes) -> bool:
    """An RLE header counts 1 to 15 segments and the first begins right behind it (PS3.5 G.5)."""
    return int.from_bytes(head[:4], "little") in _RLE_SEGMENTS and head[4:8] == b"\x40\0\0\0"


class _Window:
    """Reads small pieces at rising offsets: many at once where they are near, each alone where they are far apart."""

    def __init__(self, read: Read, end: int) -> None:
        self.read, self.end = read, end
        self.begin, self.data, self.last = 0, b"", 0

    def at(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self.end - offset))
        low = offset - self.begin
        if low < 0 or low + length > len(self.data):
            near = offset - self.last < 16_384
            self.begin = offset
            self.data = (
                self.read(offset, min(65_536 if near else max(length, 16), self.end - offset)) if length else b""
            )
            low = 0
        self.last = offset
        return bytes(self.data[low : low + length])


def by_tables(extended: bytes | None, fragments: Fragments, frames: int) -> array[int] | None:
    """Group by the Extended (PS3.3 C.7.6.3.1.8) or the Basic Offset Table (PS3.5 A.4) where it fits what was walked."""
    for name, table, width in (("extended", extended, 8), ("basic", fragments.table, 4)):
        if not table:
            continue
        if len(table) // width != frames:
            fragments.problems.append(f"the {name} offset table has {len(table) // width} entries for {frames} frames")
            continue
        firsts = _match(struct.unpack(f"<{frames}{'Q' if width == 8 else 'I'}", table[: frames * width]), fragments)
        if firsts is not None:
            return firsts
        fragments.problems.append(f"the {name} offset table does not fit the fragments and was ignored")
    return None


def _match(starts: tuple[int, ...], fragments: Fragments) -> array[int] | None:
    firsts = array("Q")
    offsets = fragments.offsets
    for start in starts:
        wanted = fragments.base + start + 8
        index = bisect_left(offsets, wanted)
        if index == len(offsets) and fragments.is_cut and firsts:  # this frame and those behind it did not arrive
            if wanted == fragments.stop + 8:
                firsts.append(index)
            return firsts
        if index == len(offsets) or offsets[index] != wanted or (firsts and index <= firsts[-1]):
            return None
        firsts.append(index)
    if not firsts or firsts[0] != 0:
        return None
    firsts.append(len(offsets))
    return firsts


def by_starts(read: Read, fragments: Fragments, frames: int) -> array[int] | None:
    """Group by the bytes that begin a compressed stream."""
    firsts = array("Q", (index for index, starts in enumerate(fragments.starts(read)) if starts))
    if len(firsts) != frames or firsts[0] != 0:
        fragments.problems.append(f"{len(fragments.offsets)} fragments cannot be divided into {frames} frames")
        return None
    firsts.append(len(fragments.offsets))
    return firsts
