"""Bulk data by attribute path (PS3.18 10.4.1.1.5; traps 58 and 59): any value, the stored pixel data, a video."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from heliograph.gateways.dicomweb.locate import Located
from heliograph.gateways.dicomweb.multipart import Seams
from heliograph.gateways.dicomweb.negotiation import OCTETS, media_type_of
from heliograph.gateways.dicomweb.objects import CHUNK, Piece
from heliograph.gateways.dicomweb.state import DicomWeb
from heliograph.standards.dicom import parse, uids
from heliograph.standards.dicom.frames import Kind

_ENCAPSULATED_DOCUMENT: Final = "00420011"
_DOCUMENTS: Final = {
    "1.2.840.10008.5.1.4.1.1.104.1": "application/pdf",
    "1.2.840.10008.5.1.4.1.1.104.2": "text/xml",
    "1.2.840.10008.5.1.4.1.1.104.3": "model/stl",
    "1.2.840.10008.5.1.4.1.1.104.4": "model/obj",
    "1.2.840.10008.5.1.4.1.1.104.5": "model/mtl",
}
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Bulk:
    """The bytes of one value: spans of the blob, one list for each part, or bytes at hand."""

    media_type: str
    syntax: str
    blob: str
    groups: tuple[tuple[Span, ...], ...] = ()
    at_hand: bytes | None = None

    @property
    def is_many(self) -> bool:
        return len(self.groups) > 1

    @property
    def content_type(self) -> str:
        return f"{self.media_type}; transfer-syntax={self.syntax}" if self.syntax else self.media_type

    @property
    def size(self) -> int:
        if self.at_hand is not None:
            return len(self.at_hand)
        return sum(length for group in self.groups for _, length in group)

    async def pieces(self, web: DicomWeb, first: int, last: int) -> AsyncIterator[Piece]:
        """The bytes from `first` to `last`, both inside."""
        if self.at_hand is not None:
            yield self.at_hand[first : last + 1]
            return
        spans = (span for group in self.groups for span in group)
        position = 0
        for offset, length in spans:
            begin, end = max(first - position, 0), min(last + 1 - position, length)
            while begin < end:
                step = min(CHUNK, end - begin)
                yield await asyncio.to_thread(web.services.blobs.read, self.blob, offset + begin, step)
                begin += step
            position += length

    async def parts(self, web: DicomWeb, seams: Seams) -> AsyncIterator[Piece]:
        """Each frame, or the whole value, as a part."""
        single = Bulk(self.media_type, self.syntax, self.blob, ((),), self.at_hand)
        for number, group in enumerate(self.groups or ((),)):
            one = single if self.at_hand is not None else Bulk(self.media_type, self.syntax, self.blob, (group,))
            yield seams.head(self.content_type, first=number == 0)
            async for piece in one.pieces(web, 0, one.size - 1):
                yield piece
        yield seams.tail


def bulk_of(web: DicomWeb, found: Located, path: str) -> Bulk:
    """The value that a path of the metadata names; raises Absent when there is none."""
    header, _ = web.locator.header(found)
    if header.pixel_tag is not None and path.upper() == f"{header.pixel_tag:08X}":
        return _pixel_data(web, found)
    value = parse.bytes_at(path, header)
    if path.upper() == _ENCAPSULATED_DOCUMENT:
        return Bulk(_DOCUMENTS.get(found.sop_class_uid, OCTETS), "", found.blob, at_hand=value)
    return Bulk(OCTETS, "", found.blob, at_hand=value)


def _pixel_data(web: DicomWeb, found: Located) -> Bulk:
    """Uncompressed pixels as one run of bytes, little endian; compressed ones frame by frame; a video as its stream."""
    pixels = web.locator.pixels(found)
    table = pixels.table
    if table.kind is Kind.NATIVE:
        start, length = pixels.header.pixel_offset or 0, pixels.header.pixel_length or 0
        if pixels.data is not None:
            return Bulk(OCTETS, uids.EXPLICIT_VR_LITTLE_ENDIAN, found.blob, at_hand=pixels.data[start : start + length])
        stored = found.transfer_syntax_uid
        syntax = stored if stored == uids.EXPLICIT_VR_BIG_ENDIAN else uids.EXPLICIT_VR_LITTLE_ENDIAN
        return Bulk(OCTETS, syntax, found.blob, (((start, min(length, found.size_bytes - start)),),))
    kind, syntax = media_type_of(table.transfer_syntax), table.transfer_syntax
    if table.kind is Kind.VIDEO:
        return Bulk(kind, syntax, found.blob, (tuple(zip(table.offsets, table.lengths, strict=True)),))
    return Bulk(kind, syntax, found.blob, tuple(table.fragments(number) for number in range(table.available)))
