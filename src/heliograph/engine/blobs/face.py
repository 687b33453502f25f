"""What every blob store offers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Written:
    """A blob that was written; durable only after `BlobWriter.sync`."""

    ref: str
    sha256: bytes
    size_bytes: int
    prefix_bytes: int


@dataclass(frozen=True, slots=True)
class Record:
    """A whole blob found by recovery, with the note its writer left for the index."""

    written: Written
    note: bytes


class BlobWriter(Protocol):
    """Writes one blob after another; belongs to one thread at a time.

    begin -> prefix? -> write* -> finish -> sync, then keep or discard. `finish` may be followed by `discard` when the
    index turns the blob down (an identical copy is there). Several blobs may share a sync: finish -> stage, then the next begin;
    the last one is kept or discarded as before, and that ends the row.
    """

    def begin(self) -> None: ...
    def prefix(self, data: Buffer) -> None: ...
    def write(self, data: Buffer) -> None: ...
    def finish(self, note: bytes) -> Written: ...
    def stage(self) -> None: ...
    def sync(self) -> None: ...
    def keep(self) -> None: ...
    def discard(self) -> None: ...
    def close(self) -> None: ...


class Blobs(Protocol):
    """One store of immutable bytes."""

    relaxed_commits: bool
    """True when a synced record alone can rebuild its index row, so that the commit need not wait for its log."""

    withheld: frozenset[str]
    """Blobs that `read` does not give out (`withheld.Withholding`)."""

    def writer(self) -> BlobWriter: ...
    def require_whole(self, ref: str) -> None: ...
    def read_as_is(self, ref: str, offset: int = 0, length: int | None = None) -> bytes: ...
    def read(self, ref: str, offset: int = 0, length: int | None = None) -> bytes: ...
    def size(self, ref: str) -> int: ...
    def delete(self, ref: str) -> None: ...
    def free_bytes(self) -> int: ...
    def recover(self, handle: Callable[[Record], None], sealed: Callable[[], None]) -> int: ...
    def refs(self) -> Iterator[str]: ...
    def close(self) -> None: ...
