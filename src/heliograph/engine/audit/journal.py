"""The emergency journal: a file whose room was taken beforehand, for records of reads while the database cannot write.

"No durable audit record, no access" must not blind an emergency (safety guard 10): with a full disk the images are still there and can
be read, and the record of it goes here, overwriting bytes in place, which needs no room. The worker brings the records into the log
when the database writes again. A journal that is full or broken refuses the read.
"""

import contextlib
import errno
import fcntl
import json
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from heliograph.engine import telemetry
from heliograph.engine.audit.receipts import instant
from heliograph.engine.db import Database, Tx
from heliograph.kit.errors import Busy
from heliograph.kit.ids import new_id
from heliograph.kit.time import now

_SLOT = 1024
_SLOTS = 8192
_HEAD = struct.Struct(">8sII")  # mark, first slot in use, slot behind the last
_RECORD = struct.Struct(">II")  # length, CRC-32
_MARK = b"HGJRNL1\n"
_PORTION = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """One record in the journal."""

    id: str
    tenant_id: int
    at: str
    kind: str
    outcome: str
    actor: dict[str, Any]
    subject: dict[str, Any]
    detail: dict[str, Any]


class Journal:
    """One file, shared by all processes of an installation under a file lock."""

    def __init__(self, path: Path, *, slots: int = _SLOTS) -> None:
        self._path = path
        self._slots = slots
        self._thread = threading.Lock()  # a file lock is the process's

    def prepare(self) -> None:
        """Takes the room, with bytes written and not only promised. A disk that is full already is no reason not to start."""
        try:
            self._make()
        except OSError as error:
            telemetry.trouble("audit_journal_not_made", error)

    def _make(self) -> None:
        size = _SLOT * (self._slots + 1)
        if self._path.is_file() and self._path.stat().st_size >= size:
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._path.with_name(f".journal.{os.getpid()}")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(descriptor, _HEAD.pack(_MARK, 0, 0).ljust(_SLOT, b"\0"))
                for _ in range(self._slots):
                    if os.write(descriptor, bytes(_SLOT)) != _SLOT:
                        raise OSError(errno.ENOSPC, "no room for the journal")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            with contextlib.suppress(FileExistsError):
                os.link(part, self._path)  # never over one that another process made and wrote into
        finally:
            part.unlink(missing_ok=True)

    def write(
        self, tenant_id: int, kind: str, actor: dict[str, Any], subject: dict[str, Any], outcome: str, detail: dict[str, Any]
    ) -> None:  # fmt: skip
        """Durable when it returns; raises Busy when that cannot be had, and then there is no access."""
        record = Kept(str(new_id()), tenant_id, instant(now()), kind, outcome, actor, subject, detail)
        body = json.dumps({name: getattr(record, name) for name in Kept.__slots__}, separators=(",", ":")).encode()
        if len(body) > _SLOT - _RECORD.size:
            body = _shortened(record)
        try:
            with self._open() as (descriptor, first, end):
                if end >= self._slots:
                    raise _refused("the emergency journal is full")
                whole = _RECORD.pack(len(body), zlib.crc32(body)) + body
                os.pwrite(descriptor, whole, _SLOT * (end + 1))
                os.fdatasync(descriptor)  # before the head that tells of it
                os.pwrite(descriptor, _HEAD.pack(_MARK, first, end + 1), 0)
                os.fdatasync(descriptor)
        except OSError as error:
            raise _refused("the emergency journal cannot be written") from error
        telemetry.fact("audit_journal_written", slot=end)

    def count(self) -> int:
        """How many records wait for the database."""
        try:
            with self._open() as (_, first, end):
                return end - first
        except (OSError, Busy):
            return 0

    def bring_in(self, database: Database) -> int:
        """Writes waiting records into the log; the count. What was written twice by a crash in between is taken once."""
        if not self._path.exists():
            return 0
        count = 0
        while True:
            with self._open() as (descriptor, first, end):
                portion = range(first, min(end, first + _PORTION))
                records = [_read(descriptor, slot) for slot in portion]
            if not portion:
                return count
            with database.transaction() as tx:
                count += _import(tx, [one for one in records if one is not None], len(records))
            with self._open() as (descriptor, first, end):
                done = portion.stop
                os.pwrite(descriptor, _HEAD.pack(_MARK, *((0, 0) if done == end else (done, end))), 0)
                os.fdatasync(descriptor)

    @contextlib.contextmanager
    def _open(self) -> Iterator[tuple[int, int, int]]:
        """(descriptor, first, end) under the lock."""
        with self._thread:
            descriptor = os.open(self._path, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                head = os.pread(descriptor, _HEAD.size, 0)
                mark, first, end = _HEAD.unpack(head)
                if mark != _MARK or not first <= end <= self._slots:
                    raise _refused("the emergency journal cannot be read")
                yield descriptor, first, end
            finally:
                os.close(descriptor)


def _read(descriptor: int, slot: int) -> Kept | None:
    """A record, or None for one that a power cut tore before its head told of it."""
    raw = os.pread(descriptor, _SLOT, _SLOT * (slot + 1))
    length, crc = _RECORD.unpack_from(raw)
    body = raw[_RECORD.size : _RECORD.size + length]
    if length > _SLOT - _RECORD.size or zlib.crc32(body) != crc:
        return None
    return Kept(**json.loads(body))


def _shortened(record: Kept) -> bytes:
    """Who, what and when always fit; a long detail does not."""
    kept = {name: getattr(record, name) for name in Kept.__slots__} | {"detail": {"shortened": True}}
    kept["subject"] = {name: str(value)[:64] for name, value in list(record.subject.items())[:4]}
    kept["actor"] = {name: str(value)[:64] for name, value in list(record.actor.items())[:4]}
    body = json.dumps(kept, separators=(",", ":"), ensure_ascii=False).encode()
    if len(body) > _SLOT - _RECORD.size:
        raise _refused("the record does not fit into the emergency journal")
    return body


def _import(tx: Tx, records: list[Kept], looked_at: int) -> int:
    ids = [record.id for record in records]
    known = set()
    if records:
        known = {
            row[0]
            for row in tx.execute(
                "select detail->>'journal' from audit_event where at >= %s and at <= %s and detail->>'journal' = any(%s)",
                (min(one.at for one in records), max(one.at for one in records), ids),
            )
        }
    new = [record for record in records if record.id not in known]
    for one in new:
        tx.execute(
            "insert into audit_event (tenant_id, at, kind, outcome, actor, subject, detail) values (%s,%s,%s,%s,%s,%s,%s)",
            (
                one.tenant_id, datetime.fromisoformat(one.at), one.kind, one.outcome, Jsonb(one.actor), Jsonb(one.subject),
                Jsonb(one.detail | {"journal": one.id}),
            ),
        )  # fmt: skip
    actor = {"kind": "system", "id": "audit", "name": "audit", "address": ""}
    tx.execute(
        "insert into audit_event (tenant_id, at, kind, outcome, actor, subject, detail) values "
        "((select min(id) from tenant), %s, 'audit.journal_imported', 'success', %s, '{}', %s)",
        (now(), Jsonb(actor), Jsonb({"count": len(new), "unreadable": looked_at - len(records)})),
    )
    return len(new)


def _refused(why: str) -> Busy:
    return Busy(f"{why}, and nothing is shown without a record of it", code="audit_unavailable", retry_after_s=30.0)
