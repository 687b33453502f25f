"""One segment from its first byte: where its records stand, and which of them are whole (decision 0001)."""

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from heliograph.engine.blobs.face import Record, Written
from heliograph.kit.errors import Absent, Broken

_HEAD = struct.Struct("<16sQI32sIH")  # the segment's mark, size, prefix, sha256, crc of prefix, note length
_SEGMENT = b"HGSEG001"
MARK_BYTES = 16
HEAD_BYTES = 512
NOTE_BYTES = HEAD_BYTES - _HEAD.size


def aligned(n: int) -> int:
    return (n + HEAD_BYTES - 1) // HEAD_BYTES * HEAD_BYTES


def reference(number: int, start: int, size: int) -> str:
    """The opaque text that the index keeps."""
    return f"{number:x}.{start:x}.{size:x}"


def parse(ref: str) -> tuple[int, int, int]:
    try:
        number, start, size = (int(part, 16) for part in ref.split("."))
    except ValueError:
        raise Absent("no such stored object", code="bad_ref") from None
    return number, start, size


def segment_head(mark: bytes) -> bytes:
    return (_SEGMENT + mark).ljust(HEAD_BYTES, b"\0")


def record_head(mark: bytes, size: int, prefix: bytes, digest: bytes, note: bytes) -> bytes:
    head = _HEAD.pack(mark, size, len(prefix), digest, zlib.crc32(prefix), len(note)) + note
    if len(head) > HEAD_BYTES:
        raise Broken("the note of a blob is too long", code="blob_note")
    return head.ljust(HEAD_BYTES, b"\0")


def mark_of(fd: int) -> bytes:
    return os.pread(fd, MARK_BYTES, len(_SEGMENT))


def scan(path: Path, number: int, *, check: bool) -> Iterator[Record]:
    """The whole records of a segment in order. `check` compares digests: a damaged record is stepped over when another one
    stands behind it (rot), and ends the chain when none does (torn)."""
    with path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        first = file.read(HEAD_BYTES)
        mark = first[len(_SEGMENT) : len(_SEGMENT) + MARK_BYTES]
        if len(first) < HEAD_BYTES or not first.startswith(_SEGMENT):
            return
        tail = HEAD_BYTES
        while (head := _head_at(file.fileno(), tail, end, mark)) is not None:
            size, prefix_bytes, digest, crc, note = head
            start = tail + HEAD_BYTES
            if not check or _whole(file.fileno(), start, size, prefix_bytes, digest, crc):
                yield Record(Written(reference(number, start, size), digest, size, prefix_bytes), note)
            tail = start + aligned(size)


def _head_at(fd: int, tail: int, end: int, mark: bytes) -> tuple[int, int, bytes, int, bytes] | None:
    """Size, prefix size, digest, checksum of the prefix and note of the record at `tail`; None when no record stands there."""
    head = os.pread(fd, HEAD_BYTES, tail)
    if len(head) < HEAD_BYTES:
        return None
    found, size, prefix_bytes, digest, crc, note_length = _HEAD.unpack_from(head)
    if found != mark or tail + HEAD_BYTES + size > end or prefix_bytes > size or note_length > NOTE_BYTES:
        return None
    return size, prefix_bytes, digest, crc, head[_HEAD.size : _HEAD.size + note_length]


def _whole(fd: int, start: int, size: int, prefix_bytes: int, digest: bytes, crc: int) -> bool:
    if zlib.crc32(os.pread(fd, prefix_bytes, start)) != crc:
        return False
    sha = hashlib.sha256()
    position, end = start + prefix_bytes, start + size
    while position < end:
        data = os.pread(fd, min(1 << 20, end - position), position)
        if not data:
            return False
        sha.update(data)
        position += len(data)
    return sha.digest() == digest
