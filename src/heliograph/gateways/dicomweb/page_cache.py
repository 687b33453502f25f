"""Bytes of the local store that lie in the page cache, handed to the socket as they lie there.

A range is a view of a mapping of its segment: nothing is copied, allocated or read in this program; the kernel copies once, from
the page cache to the socket. A view keeps its mapping, so no answer can end up with other bytes than those it began with.
"""

import asyncio
import ctypes
import mmap
import os
from collections import OrderedDict
from typing import Final

from heliograph.engine.blobs import Blobs
from heliograph.engine.blobs.segments import SegmentStore

_MOST_OPEN: Final = 200
_MOST_TOUCHED: Final = 256 << 20
_QUIET_S: Final = 10.0
_CACHESTAT: Final = 451  # the same number on every architecture, since Linux 6.5


class _Range(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("count", ctypes.c_uint64))


class _Stat(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("cache", "dirty", "writeback", "evicted", "recently_evicted"))


_syscall = ctypes.PyDLL(None).syscall  # it never waits: giving up the interpreter around it would cost more than it
_syscall.argtypes = (ctypes.c_long, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint)
_syscall.restype = ctypes.c_long


def is_resident(fd: int, offset: int, count: int) -> bool | None:
    """Whether every page of the range is cached now; None where the kernel cannot tell."""
    wanted, found = _Range(offset, count), _Stat()
    if _syscall(_CACHESTAT, fd, ctypes.byref(wanted), ctypes.byref(found), 0) != 0:
        return None
    pages = (offset + count - 1) // mmap.PAGESIZE - offset // mmap.PAGESIZE + 1
    return int(found.cache) >= pages


class _Segment:
    """One segment file: a descriptor, and a mapping of what it held when it was mapped last."""

    __slots__ = ("_fd", "_map", "_size", "_view")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._map: mmap.mmap | None = None
        self._view = memoryview(b"")
        self._size = 0

    def __del__(self) -> None:
        os.close(self._fd)

    def view(self, offset: int, count: int) -> memoryview | None:
        """The range when it is resident. Between this look and the sending it may be evicted: then one read of the disk is waited for."""
        known = is_resident(self._fd, offset, count)
        if not known:
            return self._copied(offset, count) if known is None else None
        if offset + count > self._size and not self._map_again(offset + count):
            return None
        return self._view[offset : offset + count]

    def let_go(self) -> None:
        """Cached pages that were sent count as memory of this process until then."""
        if self._map is not None:
            self._map.madvise(mmap.MADV_DONTNEED)

    def _map_again(self, end: int) -> bool:
        size = os.fstat(self._fd).st_size
        if end > size:
            return False
        self._map = mmap.mmap(self._fd, size, prot=mmap.PROT_READ)
        self._view, self._size = memoryview(self._map), size
        return True

    def _copied(self, offset: int, count: int) -> memoryview | None:
        """For kernels before 6.5: a copy, when the page cache gives all of it without waiting."""
        body = bytearray(count)
        try:
            done = os.preadv(self._fd, [body], offset, os.RWF_NOWAIT)
        except OSError:
            return None
        return memoryview(body) if done == count else None


class CachedRanges:
    """Ranges of the segments that were asked for last; used by the event loop alone."""

    def __init__(self, blobs: Blobs) -> None:
        self._store = blobs if isinstance(blobs, SegmentStore) else None
        self._open: OrderedDict[int, _Segment] = OrderedDict()
        self._touched = 0
        self._is_quiet = True

    def find(self, blob: str, offset: int, count: int) -> memoryview | None:
        """A range of a blob without waiting; None when the store is not local, or the disk must be waited for."""
        if self._store is None or offset < 0 or count <= 0 or offset + count > self._store.size(blob):
            return None
        if blob in self._store.withheld:  # the store itself says why
            return None
        number, start = self._store.place(blob)
        segment = self._open.get(number)
        if segment is None:
            try:
                segment = self._open[number] = _Segment(os.open(self._store.locate(blob)[0], os.O_RDONLY))
            except OSError:  # renamed this moment, or gone: the store itself will say which
                return None
            if len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
        else:
            self._open.move_to_end(number)
        view = segment.view(start + offset, count)
        if view is not None:
            self._is_quiet = False
            self._touched += count
            if self._touched > _MOST_TOUCHED:
                self.let_go()
                self._touched = count
        return view

    def let_go(self) -> None:
        """Gives the mapped pages back to the page cache, which keeps them; who is being sent some finds them there again."""
        for segment in self._open.values():
            segment.let_go()
        self._touched = 0

    async def watch(self) -> None:
        """Lets go when nobody has asked for a while, for ever."""
        while True:
            await asyncio.sleep(_QUIET_S)
            if self._is_quiet and self._touched:
                self.let_go()
            self._is_quiet = True
