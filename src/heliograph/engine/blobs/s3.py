"""Blobs in a bucket: one object per blob, spooled locally while its length is unknown, put whole, then indexed.

Keys hold the digest and a fresh id, so nothing is ever overwritten: `PREFIX/ab/SHA256-ID`. Credentials and endpoint come from the
usual AWS_* variables. There are no segments to recover from, so the index commits with its log (decision 0001).
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store as Bucket

from heliograph.engine.blobs.face import Buffer, Record, Written
from heliograph.engine.blobs.withheld import Withholding
from heliograph.kit.errors import Absent, Broken, Busy
from heliograph.kit.ids import new_id

_MEMORY_BYTES = 8 << 20


class S3Store(Withholding):
    """All blobs below one prefix of one bucket."""

    relaxed_commits = False

    def __init__(self, where: str, spool: Path, *, reserve_bytes: int = 0, **options: Any) -> None:
        parts = urlsplit(where)
        self._prefix = parts.path.strip("/")
        self._bucket = Bucket(parts.netloc, **options)
        self._spool = spool
        self._reserve_bytes = reserve_bytes
        spool.mkdir(parents=True, exist_ok=True)

    def writer(self) -> "S3Writer":
        return S3Writer(self)

    def read(self, ref: str, offset: int = 0, length: int | None = None) -> bytes:
        """As SegmentStore.read."""
        self.require_whole(ref)
        return self.read_as_is(ref, offset, length)

    def read_as_is(self, ref: str, offset: int = 0, length: int | None = None) -> bytes:
        key, size = _parse(ref)
        wanted = size - offset if length is None else min(length, size - offset)
        if offset < 0 or wanted < 0:
            raise Absent("the range lies outside the object", code="bad_range")
        if wanted == 0:
            return b""
        try:
            data = bytes(obstore.get_range(self._bucket, key, start=offset, length=wanted))
        except (NotFoundError, FileNotFoundError) as error:
            raise Broken("a stored object is missing in the bucket", code="blob_missing") from error
        except BaseError as error:
            raise _no_answer() from error
        if len(data) != wanted:
            raise Broken("a stored object is shorter than it was", code="blob_truncated")
        return data

    def size(self, ref: str) -> int:
        return _parse(ref)[1]

    def delete(self, ref: str) -> None:
        """The caller has waited out the grace period."""
        obstore.delete(self._bucket, _parse(ref)[0])

    def free_bytes(self) -> int:
        """Of the spool: a bucket has no end."""
        usage = os.statvfs(self._spool)
        return usage.f_bavail * usage.f_frsize

    def check_room(self) -> None:
        if self.free_bytes() < self._reserve_bytes:
            raise Busy("the disk is nearly full", code="out_of_space", retry_after_s=60.0)

    def recover(self, handle: Callable[[Record], None], sealed: Callable[[], None]) -> int:  # noqa: ARG002 the face's
        """Nothing to recover: what was put but not indexed was never acknowledged. Spool files of a dead process go."""
        for path in self._spool.glob("put-*"):
            path.unlink(missing_ok=True)
        return 0

    def refs(self) -> Iterator[str]:
        for page in obstore.list(self._bucket, prefix=self._prefix or None):
            for item in page:
                yield f"{item['path']}|{item['size']:x}"

    def close(self) -> None:
        """Nothing stays open."""

    def put(self, file: BinaryIO, size: int, digest: bytes) -> str:
        name = digest.hex()
        key = "/".join(part for part in (self._prefix, name[:2], f"{name}-{new_id().hex}") if part)
        try:
            obstore.put(self._bucket, key, cast("Any", file))
        except BaseError as error:
            raise _no_answer() from error
        return f"{key}|{size:x}"

    def spool(self) -> "tempfile.SpooledTemporaryFile[bytes]":
        self.check_room()
        return tempfile.SpooledTemporaryFile(_MEMORY_BYTES, dir=str(self._spool), prefix="put-")


class S3Writer:
    """Spools one blob, puts it at `finish`; `sync` has nothing left to wait for."""

    def __init__(self, store: S3Store) -> None:
        self._store = store
        self._file: tempfile.SpooledTemporaryFile[bytes] | None = None
        self._sha = hashlib.sha256()
        self._prefix_bytes = 0
        self._size = 0
        self._ref = ""

    def begin(self) -> None:
        self.close()
        self._file = self._store.spool()
        self._sha, self._prefix_bytes, self._size = hashlib.sha256(), 0, 0

    def prefix(self, data: Buffer) -> None:
        self._prefix_bytes = len(data)
        self._put(data)

    def write(self, data: Buffer) -> None:
        self._sha.update(data)
        self._put(data)

    def finish(self, note: bytes) -> Written:  # noqa: ARG002 no recovery, no note
        assert self._file is not None, "begin comes first"
        self._file.seek(0)
        digest = self._sha.digest()
        self._ref = self._store.put(cast("BinaryIO", self._file), self._size, digest)
        return Written(self._ref, digest, self._size, self._prefix_bytes)

    def stage(self) -> None:
        self.close()

    def sync(self) -> None:
        """The put was answered: the bucket keeps it."""

    def keep(self) -> None:
        self.close()

    def discard(self) -> None:
        """Takes back a put that the index turned down; nobody else can name this key."""
        self._store.delete(self._ref)
        self.close()

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _put(self, data: Buffer) -> None:
        assert self._file is not None, "begin comes first"
        try:
            self._file.write(data)
        except OSError as error:
            raise Busy("no space is left for new objects", code="out_of_space", retry_after_s=60.0) from error
        self._size += len(data)


def _parse(ref: str) -> tuple[str, int]:
    key, bar, size = ref.rpartition("|")
    if not bar:
        raise Absent("no such stored object", code="bad_ref")
    return key, int(size, 16)


def _no_answer() -> Busy:
    return Busy("the bucket does not answer", code="bucket_down", retry_after_s=5.0)
