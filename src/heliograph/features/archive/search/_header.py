"""Attributes that the index does not hold, read from the headers of stored instances when somebody asks for them."""

from typing import Any, Final

from heliograph.engine.blobs import Blobs
from heliograph.kit.errors import HeliographError
from heliograph.standards.dicom import tags, uids
from heliograph.standards.dicom.dataset import DataSet
from heliograph.standards.dicom.header import Header, scan
from heliograph.standards.dicom.values import BINARY_VRS

_MOST_BYTES: Final = 64 << 20
_MOST_DEPTH: Final = 8

Elements = dict[int, tuple[str, tuple[Any, ...]]]


class HeaderValues:
    """Reads some attributes of one object after another."""

    def __init__(self, blobs: Blobs, wanted: tuple[int, ...]) -> None:
        self._blobs = blobs
        self._wanted = wanted

    def read(self, ref: str, header_bytes: int, size_bytes: int, transfer_syntax: str) -> Elements:
        """The attributes that are there; an object whose header cannot be read has none."""
        length = size_bytes if transfer_syntax in uids.DEFLATED else header_bytes
        try:
            header = scan(self._blobs.read(ref, 0, min(length, _MOST_BYTES)))
        except HeliographError:
            return {}
        return {tag: _element(header, tag) for tag in self._wanted if header.holds(tag)}


def _element(header: Header, tag: int) -> tuple[str, tuple[Any, ...]]:
    found = header.find(tag)
    vr = found[0] if found is not None and found[0] not in ("", "UN") else tags.vr_of(tag)
    if vr == "SQ":
        return vr, tuple(_item(item, 1) for item in header.sequence_at(tag))
    return vr, () if vr in BINARY_VRS else tuple(header.values_at(tag))


def _item(item: DataSet, depth: int) -> Elements:
    """An item as bound values; what is binary or deeper than anybody asks is left out."""
    found: Elements = {}
    for tag in item.elements if depth <= _MOST_DEPTH else ():
        vr = item.vr_at(tag)
        if vr == "SQ":
            found[tag] = (vr, tuple(_item(inner, depth + 1) for inner in item.sequence_at(tag)))
        elif vr not in BINARY_VRS:
            found[tag] = (vr, tuple(item.values_at(tag)))
    return found
