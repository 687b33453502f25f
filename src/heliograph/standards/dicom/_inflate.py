"""Bounded inflating of the deflated transfer syntaxes (PS3.5 A.5)."""

import zlib
from typing import Final

from heliograph.standards.dicom._layout import Buffer, Unparseable

_MIB: Final = 1024 * 1024
_STEP: Final = 64 * 1024
_MAX_OUTPUT: Final = 512 * _MIB
_MIN_OUTPUT: Final = _MIB
_MAX_RATIO: Final = 200
_RAW: Final = -15
_WITH_ZLIB_HEADER: Final = 15


def limit_of(compressed_bytes: int) -> int:
    """How much a deflated data set may become: min(512 MiB, max(1 MiB, 200 times what was sent))."""
    return min(_MAX_OUTPUT, max(_MIN_OUTPUT, _MAX_RATIO * compressed_bytes))


class Inflater:
    """Reads a deflated data set piece by piece; a damaged or cut-off end yields what came before it."""

    def __init__(self, data: Buffer, start: int) -> None:
        self._data = data
        self._next = start
        self._limit = limit_of(len(data) - start)
        self._stream = zlib.decompressobj(_with_or_without_header(data, start))
        self._waiting = b""
        self.produced = 0
        self.is_damaged = False

    @property
    def is_finished(self) -> bool:
        return self._stream.eof or self.is_damaged or (not self._waiting and self._next >= len(self._data))

    @property
    def has_end(self) -> bool:
        return self._stream.eof

    def read(self, n_bytes: int) -> bytes:
        """About n_bytes more, less at the end; Unparseable when the whole grows beyond its limit."""
        out: list[bytes] = []
        wanted = n_bytes
        while wanted > 0 and not self.is_finished:
            if not self._waiting:
                self._waiting = bytes(self._data[self._next : self._next + _STEP])
                self._next += len(self._waiting)
            piece = self._piece(min(wanted, _MIB))
            self.produced += len(piece)
            if self.produced > self._limit:
                raise Unparseable("the deflated data set is larger than its limit", code="deflate_limit")
            out.append(piece)
            wanted -= len(piece)
        return b"".join(out)

    def _piece(self, at_most: int) -> bytes:
        try:
            piece = self._stream.decompress(self._waiting, at_most)
        except zlib.error:
            self.is_damaged = True
            return b""
        self._waiting = self._stream.unconsumed_tail
        return piece

    def rest(self) -> int:
        """Inflates to the end without keeping anything; answers the size of the whole."""
        while not self.is_finished:
            self.read(_MIB)
        return self.produced


def _with_or_without_header(data: Buffer, start: int) -> int:
    """Some writers put the two bytes of a zlib stream (RFC 1950) before the raw one (RFC 1951) that PS3.5 asks for."""
    head = bytes(data[start : start + 2])
    if len(head) == 2 and head[0] & 0x0F == 8 and head[0] >> 4 <= 7 and int.from_bytes(head, "big") % 31 == 0:
        probe = zlib.decompressobj(_RAW)
        try:
            probe.decompress(bytes(data[start : start + 512]), 64)
        except zlib.error:
            return _WITH_ZLIB_HEADER
    return _RAW
