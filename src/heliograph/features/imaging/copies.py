"""Copies of frames that show a smaller picture by their first bytes: made after settling, thrown away freely, never a source of anything.

They lie in a store of their own (DIR/derived, or beside the bucket's prefix), which no backup holds and no verification of the archive
reads: every part carries its own checksum, and one that does not compare is forgotten. A copy belongs to the digest of its object.
"""

import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from heliograph.engine import telemetry
from heliograph.engine.blobs import Blobs, Record, open_blobs
from heliograph.engine.db import Database, Tx
from heliograph.kit.errors import Absent, Broken
from heliograph.kit.settings import Settings
from heliograph.kit.time import now
from heliograph.standards.dicom.progressive import MOST_RESOLUTIONS

_PART = struct.Struct("<QI")
_MOST_KNOWN = 2_000
_GRACE = timedelta(minutes=10)  # who was being sent such bytes has them by then
_BATCH = 500


@dataclass(frozen=True, slots=True)
class FrameLayout:
    """Of one frame in its blob: where it begins, where each resolution ends within it, smallest first, and the CRC-32 of what each adds."""

    start: int
    ends: tuple[int, ...]
    sums: tuple[int, ...]

    @property
    def size(self) -> int:
        return self.ends[-1]


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy of one object; None stands for a frame that has none."""

    id: int
    blob: str
    frames: tuple[FrameLayout | None, ...]

    def frame(self, number: int) -> FrameLayout:
        """Counted from 0; raises Absent when this frame has no copy."""
        found = self.frames[number] if 0 <= number < len(self.frames) else None
        if found is None:
            raise Absent("this frame has no copy", code="no_copy")
        return found


def pack(frames: Iterable[FrameLayout | None]) -> bytes:
    """The layout as it is stored."""
    made = bytearray()
    for frame in frames:
        made.append(len(frame.ends) if frame is not None else 0)
        for end, total in zip(frame.ends, frame.sums, strict=True) if frame is not None else ():
            made += _PART.pack(end, total)
    return bytes(made)


def unpack(stored: bytes) -> tuple[FrameLayout | None, ...]:
    """The inverse of `pack`."""
    frames: list[FrameLayout | None] = []
    at = start = 0
    while at < len(stored):
        count, at = stored[at], at + 1
        if count == 0:
            frames.append(None)
            continue
        parts = [_PART.unpack_from(stored, at + _PART.size * i) for i in range(count)]
        at += _PART.size * count
        made = FrameLayout(start, tuple(part[0] for part in parts), tuple(part[1] for part in parts))
        frames.append(made)
        start += made.size
    return tuple(frames)


def lay_out(start: int, codestream: bytes, ends: tuple[int, ...]) -> FrameLayout:
    """The layout of a codestream that begins at `start` of its blob."""
    assert 0 < len(ends) <= MOST_RESOLUTIONS
    begins = (0, *ends[:-1])
    view = memoryview(codestream)
    return FrameLayout(start, ends, tuple(zlib.crc32(view[a:b]) for a, b in zip(begins, ends, strict=True)))


class Copies:
    """The copies of one process: where they lie, and the layouts that were asked for last."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self._lock = threading.Lock()
        self._store: Blobs | None = None
        self._known: OrderedDict[tuple[int, str], Copy] = OrderedDict()

    @property
    def store(self) -> Blobs:
        """Opened when it is first needed: most processes never read a copy."""
        with self._lock:
            if self._store is None:
                self._store = _open(self.settings)
            return self._store

    def close(self) -> None:
        with self._lock:
            store, self._store = self._store, None
        if store is not None:
            store.close()

    def find(self, instance_id: int, sha256: str) -> Copy:
        """The copy of this very content; raises Absent when there is none."""
        key = (instance_id, sha256)
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known
        if not self.settings.copies_least_bytes:
            raise Absent("there is no copy of this object", code="no_copy")
        with self.database.transaction() as tx:
            row = tx.execute(
                "select id, blob, layout from frame_copy where instance_fk = %s and sha256 = decode(%s, 'hex') and blob is not null",
                (instance_id, sha256),
                binary=True,
            ).fetchone()
        if row is None:
            raise Absent("there is no copy of this object", code="no_copy")
        found = Copy(row[0], row[1], unpack(row[2]))
        with self._lock:
            self._known[key] = found
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return found

    def read(self, copy: Copy, number: int, first: int, last: int) -> bytes:
        """Bytes `first` to `last` of a frame's copy, compared with their checksums; raises Absent, and forgets the copy, when they differ."""
        frame = copy.frame(number)
        begins = (0, *frame.ends[:-1])
        touched = [i for i, (a, b) in enumerate(zip(begins, frame.ends, strict=True)) if a <= last and b > first]
        low, high = begins[touched[0]], frame.ends[touched[-1]]
        try:
            data = memoryview(self.store.read(copy.blob, frame.start + low, high - low))
            for i in touched:
                if zlib.crc32(data[begins[i] - low : frame.ends[i] - low]) != frame.sums[i]:
                    raise Broken("a copy is not what was written", code="copy_damaged")
        except (Broken, Absent) as error:
            telemetry.trouble("copy_unreadable", error, code=error.code, ref=copy.blob)
            self.forget(copy)
            raise Absent("there is no copy of this object", code="no_copy") from error
        return bytes(data[first - low : last + 1 - low])

    def forget(self, copy: Copy) -> None:
        """Throws a copy away: its object is read instead."""
        with self._lock:
            for key in [key for key, one in self._known.items() if one.id == copy.id]:
                del self._known[key]
        with self.database.transaction() as tx:
            tx.execute("delete from frame_copy where id = %s", (copy.id,))

    def clear(self) -> int:
        """Gives the room of copies that are long gone back to the disk; the count."""
        with self.database.transaction() as tx:
            rows = tx.execute(
                "select blob from frame_copy_gone where gone_at < %s limit %s for update skip locked",
                (now() - _GRACE, _BATCH),
            ).fetchall()
            for (blob,) in rows:
                try:
                    self.store.delete(blob)
                except FileNotFoundError:  # somebody threw the whole folder away
                    telemetry.fact("copy_gone_already", ref=blob)
                tx.execute("delete from frame_copy_gone where blob = %s", (blob,))
        return len(rows)

    def recover(self) -> int:
        """At a start: what a killed worker wrote and did not index goes; the count of blobs looked at."""
        if self.settings.blobs == "file" and not (self.settings.data / "derived").exists():
            return 0

        def look(record: Record) -> None:
            with self.database.transaction() as tx:
                tx.execute(
                    "insert into frame_copy_gone (blob, gone_at) select %s, %s where not exists "
                    "(select 1 from frame_copy where blob = %s) on conflict do nothing",
                    (record.written.ref, now(), record.written.ref),
                )

        return self.store.recover(look, lambda: None)


def _open(settings: Settings) -> Blobs:
    if settings.blobs == "file":
        from heliograph.engine.blobs.segments import SegmentStore

        return SegmentStore(settings.data / "derived", reserve_bytes=settings.reserve_bytes)
    return open_blobs(settings.blobs.rstrip("/") + "-derived", settings.data, reserve_bytes=settings.reserve_bytes)


def marks(tx: Tx, series: Iterable[int]) -> dict[int, str]:
    """For each series that has copies, what changes whenever one of them comes or goes."""
    rows = tx.execute(
        "select series_fk, count(*), max(id) from frame_copy where series_fk = any(%s) and blob is not null group by series_fk",
        (list(series),),
    )
    return {series_id: f"{count}.{latest}" for series_id, count, latest in rows}


def mark_rows(tx: Tx, series: Iterable[dict[str, Any]]) -> None:
    """Writes into each row of a series where its copies are asked for: the manifest is always fresh, the document need not be."""
    rows = list(series)
    found = marks(tx, [int(row["id"]) for row in rows])
    for row in rows:
        mark = found.get(int(row["id"]))
        row["copies_url"] = f"/api/series/{row['id']}/copies?mark={mark}" if mark else None


def of_series(tx: Tx, series_id: int) -> dict[str, Any]:
    """The copies of a series for the viewer: of each object its digest, and of each frame where its resolutions end. The caller has asked the policy."""
    rows = tx.execute(
        "select c.id, i.id, encode(c.sha256, 'hex'), c.layout from frame_copy c join instance i on i.id = c.instance_fk "
        "where c.series_fk = %s and c.blob is not null and i.sha256 = c.sha256 order by c.id",
        (series_id,),
        binary=True,
    ).fetchall()
    items = [
        {"id": str(copy_id), "instance_id": str(instance_id), "digest": digest, "frames": [list(one.ends) if one else [] for one in unpack(layout)]}
        for copy_id, instance_id, digest, layout in rows
    ]  # fmt: skip
    return {"mark": f"{len(rows)}.{max((row[0] for row in rows), default=0)}", "items": items}
