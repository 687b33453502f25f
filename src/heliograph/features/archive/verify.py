"""Reading every stored object again and comparing it with its digest: throttled, resumable, by hand or on schedule."""

import hashlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from heliograph.engine.blobs import Blobs
from heliograph.engine.db import Database
from heliograph.features.archive import damage
from heliograph.kit.errors import HeliographError
from heliograph.kit.time import now

_KEYS = {"instance": "bigint", "instance_version": "bigint", "held": "uuid"}
_PAGE = 200
_CHUNK = 4 << 20


@dataclass(slots=True)
class Report:
    """What a verification found; `faults` name rows, never patients."""

    checked: int = 0
    bytes: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)


def verify(
    database: Database, blobs: Blobs, *, cursor: dict[str, Any] | None = None, bytes_per_s: int = 0,
    progress: Callable[[Report, dict[str, Any]], None] | None = None,
) -> Report:  # fmt: skip
    """Goes through instances, versions and held objects by id from `cursor` on. `bytes_per_s` 0 means as fast as it can."""
    report = Report()
    cursor = dict(cursor or {})
    began, throttled = time.monotonic(), 0
    for table in _KEYS:
        while rows := _page(database, table, cursor.get(table)):
            good: list[tuple[Any, str]] = []
            damaged: list[str] = []
            for row_id, blob, prefix_bytes, size_bytes, digest in rows:
                fault = _compare(blobs, blob, prefix_bytes, size_bytes, digest)
                report.checked += 1
                report.bytes += size_bytes
                throttled += size_bytes
                damaged += [blob] if fault == damage.DIFFERS else []
                if fault:
                    report.faults.append(
                        {"table": table, "id": str(row_id), "fault": fault, **_name(database, table, row_id)}
                    )
                else:
                    good.append((row_id, blob))
                cursor[table] = str(row_id)
                if bytes_per_s:
                    time.sleep(max(0.0, throttled / bytes_per_s - (time.monotonic() - began)))
            _mark(database, table, good, damaged)
            if progress is not None:
                progress(report, cursor)
    return report


def verify_study(
    database: Database, blobs: Blobs, study_id: int, *, before: datetime, most_bytes: int, bytes_per_s: int, but: Collection[str] = (),
) -> Report:  # fmt: skip
    """Compares the objects of one study that were last compared before a moment, until so many bytes were read; `but` those instances."""
    report = Report()
    with database.transaction() as tx:
        rows = tx.execute(
            "select i.id, i.blob, i.prefix_bytes, i.size_bytes, i.sha256 from instance i join series se on se.id = i.series_fk "
            "where se.study_fk = %s and (i.verified_at is null or i.verified_at < %s) and not i.id::text = any(%s) order by i.id limit %s",
            (study_id, before, list(but), _PAGE),
        ).fetchall()
    good: list[tuple[Any, str]] = []
    damaged: list[str] = []
    began = time.monotonic()
    for row_id, blob, prefix_bytes, size_bytes, digest in rows:
        fault = _compare(blobs, blob, prefix_bytes, size_bytes, digest)
        report.checked += 1
        report.bytes += size_bytes
        damaged += [blob] if fault == damage.DIFFERS else []
        if fault:
            report.faults.append(
                {"table": "instance", "id": str(row_id), "fault": fault, **_name(database, "instance", row_id)}
            )
        else:
            good.append((row_id, blob))
        if report.bytes >= most_bytes:
            break
        time.sleep(max(0.0, report.bytes / bytes_per_s - (time.monotonic() - began)) if bytes_per_s else 0.0)
    _mark(database, "instance", good, damaged)
    return report


def _mark(database: Database, table: str, good: list[tuple[Any, str]], damaged: list[str]) -> None:
    """Marks what was read; a row that leads to other bytes by now was not. What is damaged is given to nobody from now on."""
    kind = _KEYS[table]
    with database.transaction() as tx:
        tx.execute(
            f"update {table} set verified_at = %s from unnest(%s::{kind}[], %s::text[]) as good(id, blob) "
            f"where {table}.id = good.id and {table}.blob = good.blob",
            (now(), [row_id for row_id, _ in good], [blob for _, blob in good]),
        )
        damage.record(tx, damaged=damaged, whole=[blob for _, blob in good])


def count(database: Database) -> int:
    """How many objects a whole verification reads."""
    with database.transaction() as tx:
        row = tx.execute(
            "select (select count(*) from instance) + (select count(*) from instance_version) + (select count(*) from held)"
        )
        found = row.fetchone()
    return int(found[0]) if found else 0


def _page(database: Database, table: str, after: str | None) -> list[tuple[Any, ...]]:
    kind = _KEYS[table]
    with database.transaction() as tx:
        return tx.execute(
            f"select id, blob, prefix_bytes, size_bytes, sha256 from {table} where (%s::{kind} is null or id > %s::{kind}) order by id limit %s",
            (after, after, _PAGE),
        ).fetchall()


def _name(database: Database, table: str, row_id: Any) -> dict[str, str]:
    """By which UIDs people and senders know the object."""
    with database.transaction() as tx:
        row = tx.execute(
            {
                "instance": "select i.sop_uid, st.study_uid from instance i join series se on se.id = i.series_fk "
                "join study st on st.id = se.study_fk where i.id = %s",
                "instance_version": "select i.sop_uid, st.study_uid from instance_version v join instance i on i.id = v.instance_fk "
                "join series se on se.id = i.series_fk join study st on st.id = se.study_fk where v.id = %s",
                "held": "select sop_uid, study_uid from held where id = %s",
            }[table],
            (row_id,),
        ).fetchone()
    return {"sop_uid": row[0], "study_uid": row[1]} if row else {}


def _compare(blobs: Blobs, blob: str, prefix_bytes: int, size_bytes: int, digest: bytes) -> str:
    """The fault in one word, empty when the bytes are the same."""
    sha = hashlib.sha256()
    position = prefix_bytes
    try:
        while position < size_bytes:
            data = blobs.read_as_is(blob, position, min(_CHUNK, size_bytes - position))
            if not data:
                return "short"
            sha.update(data)
            position += len(data)
    except HeliographError as error:
        return error.code
    return "" if sha.digest() == digest else damage.DIFFERS
