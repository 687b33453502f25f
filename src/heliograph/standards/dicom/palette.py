"""Lookup tables as stored: modality, VOI and palette colour, plain and segmented (PS3.3 C.7.9, C.11.1, C.11.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliograph.kit.errors import Invalid

MAX_ENTRIES = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class Lut:
    """`values[v - first]` for input v; inputs outside take the first or the last entry."""

    first: int
    values: NDArray[Any]
    bits: int  # of an output value
    explanation: str = ""

    def apply(self, stored: NDArray[Any]) -> NDArray[Any]:
        low, high = self.first, self.first + len(self.values) - 1
        if np.issubdtype(stored.dtype, np.floating):
            stored = np.rint(np.clip(np.nan_to_num(stored), low, high))
        info = np.iinfo(np.int64)
        index = np.clip(stored.astype(np.int64, copy=False), max(low, info.min), high) - low
        return self.values[index]

    @property
    def top(self) -> int:
        """The largest output value that the table's depth allows."""
        return (1 << self.bits) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Three tables of equal shape; `supplemental`: stored values below the first entry stay grey (C.8.16.2)."""

    red: Lut
    green: Lut
    blue: Lut
    supplemental: bool = False

    def apply(self, stored: NDArray[Any]) -> NDArray[np.uint8]:
        """RGB of 8 bits for stored values."""
        planes = [scaled(channel).apply(stored) for channel in (self.red, self.green, self.blue)]
        return np.stack(planes, axis=-1).astype(np.uint8, copy=False)

    def covers(self, stored: NDArray[Any]) -> NDArray[np.bool_]:
        """Which values of a supplemental palette image are coloured."""
        return np.asarray(stored >= self.red.first)


def scaled(lut: Lut) -> Lut:
    """The same table with outputs of 8 bits."""
    if lut.bits == 8:
        return Lut(lut.first, lut.values.astype(np.uint8), 8)
    if lut.bits > 8:
        return Lut(lut.first, (lut.values >> (lut.bits - 8)).clip(0, 255).astype(np.uint8), 8)
    return Lut(lut.first, (lut.values.astype(np.uint32) * 255 // lut.top).clip(0, 255).astype(np.uint8), 8)


def read_lut(descriptor: tuple[int, ...], data: NDArray[Any] | bytes, *, signed: bool, explanation: str = "") -> Lut:
    """A table from its descriptor (entries, first input, bits) and its little-endian data."""
    if len(descriptor) != 3:
        raise Invalid("a lookup table has no usable descriptor", code="bad_lut")
    entries = (descriptor[0] & 0xFFFF) or MAX_ENTRIES
    first, bits = signed_first(descriptor[1], signed=signed), descriptor[2]
    if not 1 <= bits <= 16:
        raise Invalid(f"a lookup table of {bits} bits is not possible", code="bad_lut")
    values = _entries(data, entries, bits)
    if bits > 8 and len(values) and int(values.max()) < 256 and isinstance(data, bytes) and len(data) < 2 * entries:
        bits = 8
    return Lut(first, values, _depth(values, bits), explanation)


def _depth(values: NDArray[Any], bits: int) -> int:
    """Some writers state 8 bits and store 16, or the reverse: the data decides."""
    highest = int(values.max()) if len(values) else 0
    return bits if highest < 1 << bits else highest.bit_length()


def signed_first(value: int, *, signed: bool) -> int:
    """The second descriptor value is signed exactly when the pixels are (C.11.1.1)."""
    value &= 0xFFFF
    return value - 0x10000 if signed and value >= 0x8000 else value


def _entries(data: NDArray[Any] | bytes, entries: int, bits: int) -> NDArray[np.uint16]:
    if not isinstance(data, bytes):
        values = np.asarray(data).astype(np.int64) & 0xFFFF
    elif len(data) >= 2 * entries:
        values = np.frombuffer(data, "<u2", entries)
    elif bits <= 8 or len(data) in (entries, entries + 1):  # one byte per entry
        values = np.frombuffer(data, np.uint8)
    else:
        values = np.frombuffer(data[: len(data) // 2 * 2], "<u2")
    if len(values) < entries:
        raise Invalid("a lookup table has fewer entries than its descriptor states", code="bad_lut")
    return values[:entries].astype(np.uint16)


def read_palette(
    descriptors: tuple[tuple[int, ...], ...], tables: tuple[bytes, ...], *, segmented: bool, signed: bool
) -> tuple[Lut, Lut, Lut]:
    """Red, green and blue from plain or segmented data."""
    luts = []
    for descriptor, table in zip(descriptors, tables, strict=True):
        if segmented:
            if len(descriptor) != 3:
                raise Invalid("a palette has no usable descriptor", code="bad_lut")
            entries = (descriptor[0] & 0xFFFF) or MAX_ENTRIES
            values = expand_segments(table, entries, wide=descriptor[2] > 8)
            first = signed_first(descriptor[1], signed=signed)
            luts.append(Lut(first, values, _depth(values, descriptor[2])))
        else:
            luts.append(read_lut(descriptor, table, signed=signed))
    if max(int(lut.values.max(initial=0)) for lut in luts) < 256:  # 8-bit colours in tables that say 16
        luts = [replace(lut, bits=8) for lut in luts]
    red, green, blue = luts
    return red, green, blue


def expand_segments(table: bytes, entries: int, *, wide: bool) -> NDArray[np.uint16]:
    """Segmented palette data (C.7.9.2): discrete, linear and indirect segments, never more than `entries` values."""
    words = np.frombuffer(table[: len(table) // 2 * 2], "<u2").tolist() if wide else list(table)
    out: list[int] = []
    _Segments(words, entries, out, wide=wide).expand(0, len(words), len(words), is_nested=False)
    if len(out) < entries:
        raise Invalid("a segmented palette yields fewer entries than its descriptor states", code="bad_lut")
    return np.array(out[:entries], np.uint16)


class _Segments:
    def __init__(self, words: list[int], entries: int, out: list[int], *, wide: bool) -> None:
        self.words, self.entries, self.out, self.wide = words, entries, out, wide

    def expand(self, at: int, end: int, segments: int, *, is_nested: bool) -> None:
        words, out = self.words, self.out
        while at + 1 < end and len(out) < self.entries and segments > 0:
            kind, length = words[at], words[at + 1]
            segments -= 1
            if kind == 0:
                out.extend(words[at + 2 : min(end, at + 2 + length)])
                at += 2 + length
            elif kind == 1 and out and at + 2 < end:
                first, rise = out[-1], words[at + 2] - out[-1]
                out.extend([first + (2 * rise * step + length) // (2 * length) for step in range(1, length + 1)])
                at += 3
            elif kind == 2 and not is_nested and at + 2 < end:
                self.expand(self._referred(at), at, length, is_nested=True)
                at += 4 if self.wide else 6
            else:
                raise Invalid("a segmented palette is damaged", code="bad_lut")

    def _referred(self, at: int) -> int:
        """Where earlier segments begin that are copied again: 32 bits, the least significant first, counted in bytes."""
        if self.wide:
            parts = self.words[at + 2 : at + 4]
            offset = (parts[0] | parts[1] << 16) // 2 if len(parts) == 2 else at
        else:
            offset = int.from_bytes(bytes(self.words[at + 2 : at + 6]), "little")
        if offset >= at:
            raise Invalid("a segmented palette refers to what follows", code="bad_lut")
        return offset
