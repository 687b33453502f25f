"""A parsed data set written again in another byte order or with other VRs, value bytes untouched (PS3.5 7, Annex A)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Final

import numpy as np

from heliograph.standards.dicom import tags, values
from heliograph.standards.dicom._layout import LONG, MAX_DEPTH, Element
from heliograph.standards.dicom.dataset import DataSet

_UNITS: Final = {
    **dict.fromkeys(("AT", "OW", "SS", "US"), 2),
    **dict.fromkeys(("FL", "OF", "OL", "SL", "UL"), 4),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), 8),
}
_LONG_VRS: Final = frozenset(LONG.values())
_NUL_PADDED: Final = frozenset({"UI", "SQ", *values.BINARY_VRS, *_UNITS})
_SHORT_LIMIT: Final = 0xFFFE
_UNDEFINED: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Target:
    """How the data set is to be written."""

    explicit: bool
    little: bool

    def head(self, tag: int, vr: str, length: int) -> bytes:
        mark = "<" if self.little else ">"
        group, number = tag >> 16, tag & 0xFFFF
        if not self.explicit:
            return Struct(mark + "HHL").pack(group, number, length)
        if vr in _LONG_VRS or length > _SHORT_LIMIT:  # a value that its VR cannot count goes as UN (6.2.2)
            return Struct(mark + "HH2sHL").pack(group, number, (vr if vr in _LONG_VRS else "UN").encode(), 0, length)
        return Struct(mark + "HH2sH").pack(group, number, vr.encode(), length)

    def delimiter(self, number: int, length: int) -> bytes:
        return Struct("<HHL" if self.little else ">HHL").pack(0xFFFE, number, length)

    def element(self, tag: int, vr: str, value: bytes) -> bytes:
        """An element whose value is already in this byte order; odd values are padded."""
        if len(value) % 2:
            value += b"\0" if vr in _NUL_PADDED else b" "
        return self.head(tag, vr, len(value)) + value


def swapped(value: bytes, unit: int) -> bytes:
    """The bytes of every unit in reverse order; a rest shorter than a unit stays as it is."""
    whole = len(value) - len(value) % unit
    return np.frombuffer(value, f"<u{unit}", whole // unit).byteswap().tobytes() + value[whole:]


def recoded(
    tree: DataSet, target: Target, *, replaced: Mapping[int, tuple[str, bytes]], dropped: Iterable[int] = ()
) -> list[tuple[int, bytes]]:
    """(tag, element bytes) in ascending order; `replaced` gives VR and little-endian value of new or changed elements."""
    leave_out = set(dropped) | set(replaced)
    written = [
        (tag, _element(tree.data, element, target, little=tree.little, depth=0))
        for tag, element in tree.elements.items()
        if tag not in leave_out and tag & 0xFFFF  # group lengths are retired and would be wrong
    ]
    for tag, (vr, value) in replaced.items():
        unit = _UNITS.get(vr, 1)
        written.append((tag, target.element(tag, vr, value if target.little else swapped(value, unit))))
    return sorted(written, key=lambda pair: pair[0])


def _element(data: bytes, element: Element, target: Target, *, little: bool, depth: int) -> bytes:
    if element.items is not None and depth < MAX_DEPTH:
        parts = []
        for item in element.items:
            body = b"".join(
                _element(data, inner, target, little=item.little, depth=depth + 1)
                for inner in item.elements
                if inner.tag & 0xFFFF
            )
            parts.append(target.delimiter(0xE000, len(body)) + body)
        value = b"".join(parts)
        return target.head(element.tag, "SQ", len(value)) + value
    value = bytes(data[element.offset : element.offset + element.length])
    vr = element.vr or tags.vr_of(element.tag)
    if vr == "SQ":  # deeper than what is walked, or damaged: its bytes are all that is known
        vr = "SQ" if not value else "UN"
    if little != target.little and vr != "UN":
        value = swapped(value, _UNITS.get(vr, 1))
    return target.element(element.tag, vr, value)


def fragments(pieces: Iterable[bytes], *, table: bytes) -> list[bytes]:
    """The items of an encapsulated value, without the head of the element: offset table, frames, delimiter (A.4)."""
    parts = [_item(table)]
    parts += [_item(piece + b"\0" * (len(piece) % 2)) for piece in pieces]
    parts.append(Struct("<HHL").pack(0xFFFE, 0xE0DD, 0))
    return parts


def _item(value: bytes) -> bytes:
    return Struct("<HHL").pack(0xFFFE, 0xE000, len(value)) + value


def undefined_head(tag: int, vr: str) -> bytes:
    return Struct("<HH2sHL").pack(tag >> 16, tag & 0xFFFF, vr.encode(), 0, _UNDEFINED)
