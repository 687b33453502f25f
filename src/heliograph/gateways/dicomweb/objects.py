"""How a stored object leaves: its Part 10 bytes as stored or transcoded, with the transfer syntax that is really sent (trap 56)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final

from heliograph.gateways.dicomweb.locate import Located
from heliograph.gateways.dicomweb.negotiation import DicomForm, not_acceptable
from heliograph.gateways.dicomweb.state import DicomWeb
from heliograph.kit.errors import HeliographError
from heliograph.standards.dicom import part10, transcode

CHUNK: Final = 2 << 20
_PREAMBLE: Final = 128

Piece = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Leaving:
    """One object on its way out. As stored it is a head of ours and the data set in its blob; transcoded it is all in `head`."""

    syntax: str
    head: bytes
    blob: str = ""
    blob_start: int = 0
    blob_bytes: int = 0

    @property
    def size(self) -> int:
        return len(self.head) + self.blob_bytes

    async def pieces(self, web: DicomWeb, first: int = 0, last: int | None = None) -> AsyncIterator[Piece]:
        """The bytes from `first` to `last` (both inside), some megabytes at a time."""
        stop = self.size if last is None else last + 1
        if first < len(self.head):
            yield self.head[first : min(stop, len(self.head))]
        for start, length in _steps(max(0, first - len(self.head)), stop - len(self.head)):
            at = self.blob_start + start
            data = web.at_once(self.blob, at, length)
            if data is None:
                data = memoryview(await asyncio.to_thread(web.services.blobs.read, self.blob, at, length))
            yield data


def _steps(start: int, stop: int) -> Iterator[tuple[int, int]]:
    while start < stop:
        length = min(CHUNK, stop - start)
        yield start, length
        start += length


async def leaving(web: DicomWeb, one: Located, form: DicomForm) -> Leaving:
    """Decides and, where needed, transcodes in a child process.

    An object that cannot be transcoded although its syntax can leaves as it is stored and says so; raises 406 when the client
    accepts neither.
    """
    web.locator.require_whole(one)
    wanted = form.syntax_for(one.transfer_syntax_uid)
    if wanted is None:
        raise not_acceptable("the stored transfer syntax is given by transfer-syntax=*")
    if wanted != one.transfer_syntax_uid:
        whole = await asyncio.to_thread(web.services.blobs.read, one.blob)
        try:
            return Leaving(wanted, await web.children.run(transcode.transcode, whole, wanted))
        except HeliographError:
            pass
    head = await _head(web, one)
    return Leaving(one.transfer_syntax_uid, head, one.blob, one.prefix_bytes, one.size_bytes - one.prefix_bytes)


async def _head(web: DicomWeb, one: Located) -> bytes:
    """Preamble and file meta: made for an object that came without or with a wrong transfer syntax; never a preamble to run (P9)."""
    if one.prefix_bytes <= _PREAMBLE + 4:
        return _made_head(one)
    at_once = web.at_once(one.blob, 0, one.prefix_bytes)
    stored = (
        bytes(at_once)
        if at_once is not None
        else await asyncio.to_thread(web.services.blobs.read, one.blob, 0, one.prefix_bytes)
    )
    tells_truth = one.transfer_syntax_uid.encode("ascii", "replace") in stored
    if stored[_PREAMBLE : _PREAMBLE + 4] != part10.PREFIX or not tells_truth:
        return _made_head(one)
    return part10.harmless(stored)


def _made_head(one: Located) -> bytes:
    return part10.file_meta(one.sop_class_uid, one.sop_uid, one.transfer_syntax_uid)
