"""Local blobs: append-only segment files, one fdatasync per blob or row of blobs (decision 0001).

A segment is a chain of records, each a 512-byte head, the bytes, and padding to 512. The head is written after the bytes and synced
with them: a record is there whole or not at all, because its digest tells. A segment begins with a random mark that every head
repeats, so that bytes of a peer's object can never pass for a record. The head carries a note from which the index row can be
rebuilt, so a crash that loses the last commits of the database loses nothing: `recover` hands every record of an unsealed segment
to the index again. One process writes a segment at a time (flock); `N.open` is being written, `N.part` was left with all its commits
durable and is taken up again, `N.seg` is full and sealed. Half of a segment's number is random, so that no other segment ever
stands where a lost one did: an index row leads to its own bytes or to none (safety guard 1).
"""

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path

from heliograph.engine.blobs._disk import PAGE, no_space, punch, refused, stands, start_writing, sync_folder
from heliograph.engine.blobs._records import (
    HEAD_BYTES,
    MARK_BYTES,
    NOTE_BYTES,
    aligned,
    mark_of,
    parse,
    record_head,
    reference,
    scan,
    segment_head,
)
from heliograph.engine.blobs.face import Buffer, Record, Written
from heliograph.engine.blobs.withheld import Withholding
from heliograph.kit.errors import Absent, Broken, Busy

__all__ = ["HEAD_BYTES", "NOTE_BYTES", "SUFFIXES", "SegmentStore", "SegmentWriter", "stem_of"]

_RANDOM_BITS = 32
_FOLDER_BITS = _RANDOM_BITS + 12  # 4,096 segments or 1 TiB a folder
SEGMENT_BYTES = 256 << 20
STEP_BYTES = 16 << 20
SUFFIXES = (".seg", ".open", ".part")
_STEM = re.compile(r"[0-9a-f]{16}")
_OPEN_FILES = 256
_EARLY_BYTES = 256 << 10


def stem_of(number: int) -> str:
    """The name of a segment's file without its suffix."""
    return f"{number:016x}"


class SegmentStore(Withholding):
    """All segments below one folder."""

    relaxed_commits = True

    def __init__(self, folder: Path, *, reserve_bytes: int = 0) -> None:
        self._folder = folder
        self._reserve_bytes = reserve_bytes
        self.on_seal: Callable[[], None] | None = None
        """Makes earlier commits of the index durable, or raises Busy; called before a segment is sealed."""
        self._lock = threading.Lock()
        self._idle: list[_Segment] = []
        self._readers: OrderedDict[int, int] = OrderedDict()
        folder.mkdir(parents=True, exist_ok=True)

    def writer(self) -> "SegmentWriter":
        return SegmentWriter(self)

    def read(self, ref: str, offset: int = 0, length: int | None = None) -> bytes:
        """A range of a blob; raises Absent for an unknown ref, Broken when the file is shorter than the index says or known to be damaged."""
        if ref in self.withheld:
            self.require_whole(ref)
        return self.read_as_is(ref, offset, length)

    def read_as_is(self, ref: str, offset: int = 0, length: int | None = None) -> bytes:
        """The same of a blob that may be damaged, for who compares it."""
        number, start, size = parse(ref)
        wanted = size - offset if length is None else min(length, size - offset)
        if offset < 0 or wanted < 0:
            raise Absent("the range lies outside the object", code="bad_range")
        with self._lock:
            fd = os.dup(self._reader(number))
        try:
            data = os.pread(fd, wanted, start + offset)
            while len(data) < wanted:
                more = os.pread(fd, wanted - len(data), start + offset + len(data))
                if not more:
                    raise Broken("a stored object is shorter than it was", code="blob_truncated")
                data += more
            return data
        finally:
            os.close(fd)

    def locate(self, ref: str) -> tuple[Path, int, int]:
        """File, offset and size of a blob, for servers that send a file's range themselves."""
        number, start, size = parse(ref)
        return self._path(number), start, size

    def place(self, ref: str) -> tuple[int, int]:
        """Number of the segment and offset of the blob in it."""
        number, start, _ = parse(ref)
        return number, start

    def size(self, ref: str) -> int:
        return parse(ref)[2]

    def delete(self, ref: str) -> None:
        """Gives the room back to the file system; the caller has waited out the grace period."""
        number, start, size = parse(ref)
        fd = os.open(self._path(number), os.O_RDWR)
        try:
            punch(fd, start, aligned(size))
        finally:
            os.close(fd)

    def free_bytes(self) -> int:
        usage = os.statvfs(self._folder)
        return usage.f_bavail * usage.f_frsize

    def check_room(self) -> None:
        """Raises Busy before the disk runs full, so that the database keeps room for its log."""
        if self.free_bytes() < self._reserve_bytes:
            raise Busy("the disk is nearly full", code="out_of_space", retry_after_s=60.0)

    def refs(self) -> Iterator[str]:
        """Every whole record, also those no index row names (for `verify` and orphan search)."""
        for path in self._files(*SUFFIXES):
            for record in scan(path, int(path.stem, 16), check=False):
                yield record.written.ref

    def recover(self, handle: Callable[[Record], None], sealed: Callable[[], None]) -> int:
        """Hands every whole record of unsealed, unowned segments to `handle`, then `sealed()`, then seals them; the count.

        Other processes may write meanwhile: what they own is locked, and what was moved before it was locked is left alone.
        """
        count = 0
        for path in self._files(".open"):
            try:
                fd = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(fd)
                continue
            if not stands(path, fd):
                os.close(fd)
                continue
            end = HEAD_BYTES
            for record in scan(path, int(path.stem, 16), check=True):
                handle(record)
                count += 1
                _, start, size = parse(record.written.ref)
                end = start + aligned(size)
            sealed()
            os.ftruncate(fd, end)
            os.fsync(fd)
            self._seal(path, empty=end == HEAD_BYTES)
            os.close(fd)
        return count

    def leave(self) -> None:
        """Lays the idle segments down so that the next start need not read them; every commit so far must be durable."""
        with self._lock:
            idle, self._idle = self._idle, []
        for segment in idle:
            os.ftruncate(segment.fd, segment.tail)
            os.fsync(segment.fd)
            segment.path.rename(segment.path.with_suffix(".part"))
            sync_folder(segment.path.parent)
            segment.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
            readers, self._readers = self._readers, OrderedDict()
        for segment in idle:
            segment.close()
        for fd in readers.values():
            os.close(fd)

    def borrow(self) -> "_Segment":
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._take_up() or self._create()

    def give_back(self, segment: "_Segment") -> None:
        if segment.tail >= SEGMENT_BYTES and self._may_seal():
            os.ftruncate(segment.fd, segment.tail)
            os.fsync(segment.fd)
            self._seal(segment.path, empty=False)
            segment.close()
            return
        with self._lock:
            self._idle.append(segment)

    def _may_seal(self) -> bool:
        """False while the index is away: the segment grows beyond its size, and is sealed when that is back."""
        try:
            if self.on_seal is not None:
                self.on_seal()
        except Busy:
            return False
        return True

    def _take_up(self) -> "_Segment | None":
        """A segment that another process laid down."""
        for path in self._files(".part"):
            opened = path.with_suffix(".open")
            try:
                fd = os.open(path, os.O_RDWR)
            except OSError:
                continue
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.rename(opened)
            except OSError:
                os.close(fd)
                continue
            sync_folder(path.parent)
            segment = _Segment(int(path.stem, 16), opened, fd, mark_of(fd))
            segment.tail = segment.allocated = os.fstat(fd).st_size
            return segment
        return None

    def _create(self) -> "_Segment":
        while True:
            taken = [int(path.stem, 16) for path in self._files(*SUFFIXES)]
            number = ((max(taken, default=0) >> _RANDOM_BITS) + 1 << _RANDOM_BITS) + secrets.randbits(_RANDOM_BITS)
            path = self._path(number, ".open")
            if not path.parent.exists():
                path.parent.mkdir(exist_ok=True)
                sync_folder(self._folder)
            try:
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            except OSError as error:
                raise no_space(error) from error
            fcntl.flock(fd, fcntl.LOCK_EX)
            if not stands(path, fd):  # a recovery took it for one that was left
                os.close(fd)
                continue
            mark = os.urandom(MARK_BYTES)
            os.pwrite(fd, segment_head(mark), 0)
            os.fsync(fd)
            sync_folder(path.parent)
            return _Segment(number, path, fd, mark)

    def _files(self, *suffixes: str) -> list[Path]:
        """Segments in the order of their numbers; what else somebody or some program left in the folder is none of ours."""
        found = self._folder.glob("*/*.*")
        return sorted(path for path in found if path.suffix in suffixes and _STEM.fullmatch(path.stem))

    def _seal(self, path: Path, *, empty: bool) -> None:
        if empty:
            path.unlink()
        else:
            path.rename(path.with_suffix(".seg"))
        sync_folder(path.parent)

    def _path(self, number: int, suffix: str | None = None) -> Path:
        stem = self._folder / f"{number >> _FOLDER_BITS:04x}" / stem_of(number)
        if suffix is not None:
            return stem.with_suffix(suffix)
        return next((path for s in SUFFIXES if (path := stem.with_suffix(s)).exists()), stem.with_suffix(".seg"))

    def _reader(self, number: int) -> int:
        fd = self._readers.get(number)
        if fd is not None:
            self._readers.move_to_end(number)
            return fd
        for _ in range(3):  # a segment may be renamed between look and open
            with contextlib.suppress(FileNotFoundError):
                fd = os.open(self._path(number), os.O_RDONLY)
                break
        else:
            raise Broken("a stored object's file is missing", code="blob_missing")
        self._readers[number] = fd
        if len(self._readers) > _OPEN_FILES:
            os.close(self._readers.popitem(last=False)[1])
        return fd


class _Segment:
    """An unsealed file that this process owns; `tail` is where the next record begins."""

    __slots__ = ("allocated", "fd", "mark", "number", "path", "tail")

    def __init__(self, number: int, path: Path, fd: int, mark: bytes) -> None:
        self.number, self.path, self.fd, self.mark = number, path, fd, mark
        self.tail = HEAD_BYTES
        self.allocated = 0

    def reserve(self, end: int) -> None:
        """Allocates ahead in steps: a sync of allocated room need not write the file's size."""
        if end <= self.allocated:
            return
        new = (end // STEP_BYTES + 1) * STEP_BYTES
        os.posix_fallocate(self.fd, self.allocated, new - self.allocated)
        self.allocated = new

    def close(self) -> None:
        os.close(self.fd)


class SegmentWriter:
    """Appends blobs to a borrowed segment; see `BlobWriter` for the order of calls."""

    def __init__(self, store: SegmentStore) -> None:
        self._store = store
        self._segment: _Segment | None = None
        self._position = 0
        self._started = 0
        self._prefix = b""
        self._sha = hashlib.sha256()

    def begin(self) -> None:
        """Raises Busy when the disk has no room."""
        self._store.check_room()
        if self._segment is None:
            self._segment = self._store.borrow()
        self._position = self._segment.tail + HEAD_BYTES
        self._started = self._segment.tail & -PAGE
        self._prefix = b""
        self._sha = hashlib.sha256()

    def prefix(self, data: Buffer) -> None:
        self._prefix = bytes(data)
        self._put(data)

    def write(self, data: Buffer) -> None:
        self._sha.update(data)
        self._put(data)

    def finish(self, note: bytes) -> Written:
        """Writes the head; `note` is at most NOTE_BYTES long and free for the index to use."""
        segment = self._owned()
        size = self._position - segment.tail - HEAD_BYTES
        digest = self._sha.digest()
        self._pwrite(record_head(segment.mark, size, self._prefix, digest, note), segment.tail)
        start_writing(segment.fd, segment.tail, self._position + PAGE - 1)
        ref = reference(segment.number, segment.tail + HEAD_BYTES, size)
        return Written(ref, digest, size, len(self._prefix))

    def sync(self) -> None:
        """Waits until the blob is on stable storage. A failed sync is never repeated: the segment is left alone for good."""
        segment = self._owned()
        try:
            os.fdatasync(segment.fd)
        except OSError as error:
            self._segment = None
            segment.close()
            raise Broken("the disk failed to keep an object", code="sync_failed") from error

    def stage(self) -> None:
        """The next blob goes behind this one; the segment is not sealed before `keep` or `discard`, when their rows are committed."""
        segment = self._segment
        if segment is not None:  # its sync may have failed, and it was left alone
            segment.tail += HEAD_BYTES + aligned(self._position - segment.tail - HEAD_BYTES)

    def keep(self) -> None:
        self.stage()
        self.discard()

    def discard(self) -> None:
        """Forgets the blob: the next one takes its place."""
        if self._segment is not None and self._segment.tail >= SEGMENT_BYTES:
            self._release()

    def close(self) -> None:
        self._release()

    def _release(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            self._store.give_back(segment)

    def _owned(self) -> _Segment:
        assert self._segment is not None, "begin comes first"
        return self._segment

    def _put(self, data: Buffer) -> None:
        segment = self._owned()
        try:
            segment.reserve(self._position + len(data) + HEAD_BYTES)
        except OSError as error:
            raise refused(error) from error
        self._pwrite(data, self._position)
        self._position += len(data)
        if self._position - self._started >= _EARLY_BYTES:
            start_writing(segment.fd, self._started, self._position)
            self._started = self._position & -PAGE

    def _pwrite(self, data: Buffer, position: int) -> None:
        view = memoryview(data)
        while len(view) > 0:
            try:
                done = os.pwrite(self._owned().fd, view, position)
            except OSError as error:
                raise refused(error) from error
            view = view[done:]
            position += done
