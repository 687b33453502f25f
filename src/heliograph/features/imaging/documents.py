"""Making, keeping and finding series documents."""

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from heliograph.engine import telemetry
from heliograph.engine.blobs import Blobs
from heliograph.engine.db import Database, Tx
from heliograph.features.access import Actor, visible
from heliograph.features.archive.headers import stored_header
from heliograph.features.imaging.document import FORMAT, Entry, SeriesDocument, split_shared
from heliograph.kit.errors import Absent, Broken, Invalid
from heliograph.kit.ids import new_secret
from heliograph.kit.time import monotonic_s, now
from heliograph.standards.dicom import frames, geometry
from heliograph.standards.dicom import json as dicom_json
from heliograph.standards.dicom.header import Header, Unparseable

_MOST_CACHED_BYTES = 96 << 20
# Storage that is damaged is mended by people: such a document is not stored, and forgotten after a while.
_WITHHELD = "object_damaged"
_DAMAGED = frozenset({"blob_missing", "blob_truncated", _WITHHELD})
_FORGET_DAMAGED_S = 30.0


@dataclass(frozen=True, slots=True)
class _Series:
    id: int
    series_uid: str
    study_uid: str
    revision: int
    instance_count: int
    settled: bool


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    sop_uid: str
    sop_class_uid: str
    number: int | None
    frame_count: int
    transfer_syntax_uid: str
    sha256: bytes
    size_bytes: int
    prefix_bytes: int
    header_bytes: int
    blob: str


class Documents:
    """The documents of one process: a cache by (series, revision) over the table over making them."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._lock = threading.Lock()
        self._cached: OrderedDict[tuple[int, int, bool], tuple[SeriesDocument, int, float]] = OrderedDict()
        self._bytes = 0

    def find(self, actor: Actor, study_uid: str | None, series_uid: str) -> SeriesDocument:
        """The document of a series at its present revision; raises Absent when the actor may not see it."""
        condition, values = visible(actor, "st")
        with self._database.transaction() as tx:
            row = tx.execute(
                "select se.id, se.series_uid, st.study_uid, se.revision, se.instance_count, se.settled_at is not null "
                "from series se join study st on st.id = se.study_fk where se.series_uid = %s "
                f"and (%s::text is null or st.study_uid = %s) and {condition}",
                (series_uid, study_uid, study_uid, *values),
            ).fetchone()
            return self._of_row(tx, row)

    def by_id(self, actor: Actor, series_id: int) -> SeriesDocument:
        condition, values = visible(actor, "st")
        with self._database.transaction() as tx:
            row = tx.execute(
                "select se.id, se.series_uid, st.study_uid, se.revision, se.instance_count, se.settled_at is not null "
                f"from series se join study st on st.id = se.study_fk where se.id = %s and {condition}",
                (series_id, *values),
            ).fetchone()
            return self._of_row(tx, row)

    def write(self, series_id: int) -> SeriesDocument | None:
        """Makes and stores the document of a settled series; the job after settling. None when it cannot be kept."""
        with self._database.transaction() as tx:
            row = tx.execute(
                "select se.id, se.series_uid, st.study_uid, se.revision, se.instance_count, se.settled_at is not null "
                "from series se join study st on st.id = se.study_fk where se.id = %s",
                (series_id,),
            ).fetchone()
            if row is None:
                return None
            series = _Series(*row)
            rows = _rows(tx, series.id)
        document = self._make(series, rows)
        if _is_damaged(document):
            return None
        with self._database.transaction() as tx:
            tx.execute(
                "insert into series_document (series_fk, revision, format, body, made_at) values (%s,%s,%s,%s,%s) "
                "on conflict (series_fk) do update set revision = excluded.revision, format = excluded.format, "
                "body = excluded.body, made_at = excluded.made_at where series_document.revision <= excluded.revision",
                (series.id, series.revision, FORMAT, document.to_bytes(), now()),
            )
        return document

    def _of_row(self, tx: Tx, row: tuple[Any, ...] | None) -> SeriesDocument:
        return self._with_damage(self._as_kept(tx, row))

    def _with_damage(self, document: SeriesDocument) -> SeriesDocument:
        """With what has become known since it was made: which objects are damaged and not given out."""
        withheld = self._blobs.withheld
        hit = sum(entry.blob in withheld for entry in document.entries) if withheld else 0
        if not hit:
            return document
        entries = tuple(
            replace(entry, problem=_WITHHELD) if entry.blob in withheld else entry for entry in document.entries
        )
        return replace(document, entries=entries, withheld=hit)

    def _as_kept(self, tx: Tx, row: tuple[Any, ...] | None) -> SeriesDocument:
        if row is None:
            raise Absent("no such series", code="no_series")
        series = _Series(*row)
        key = (series.id, series.revision, series.settled)
        with self._lock:
            found = self._cached.get(key)
            if found is not None and monotonic_s() < found[2]:
                self._cached.move_to_end(key)
                return found[0]
        stored = tx.execute(
            "select body from series_document where series_fk = %s and revision = %s and format = %s",
            (series.id, series.revision, FORMAT),
            binary=True,
        ).fetchone()
        document = SeriesDocument.from_bytes(stored[0]) if stored else self._make(series, _rows(tx, series.id))
        document = replace(document, series_id=series.id)
        self._keep(key, document)
        return document

    def _keep(self, key: tuple[int, int, bool], document: SeriesDocument) -> None:
        size = len(document.shared) + sum(
            len(entry.attributes) + len(entry.frame_table) + 400 for entry in document.entries
        )
        until = monotonic_s() + _FORGET_DAMAGED_S if _is_damaged(document) else math.inf
        with self._lock:
            former = self._cached.pop(key, None)
            self._cached[key] = (document, size, until)
            self._bytes += size - (former[1] if former else 0)
            while self._bytes > _MOST_CACHED_BYTES and len(self._cached) > 1:
                self._bytes -= self._cached.popitem(last=False)[1][1]

    def _make(self, series: _Series, rows: list[_Row]) -> SeriesDocument:
        headers = [(row, *self._header(row)) for row in rows]
        order = geometry.display_order([header for _, header, _, _ in headers])
        headers = [headers[i] for i in order]
        mark = new_secret()
        base = mark + f"/studies/{series.study_uid}/series/{series.series_uid}/instances/"
        attributes = [
            _json(series, row, header, data, f"{base}{row.sop_uid}/bulkdata/") for row, header, data, _ in headers
        ]
        shared, own = split_shared(attributes, mark)
        entries = [
            Entry(
                row.id, row.sop_uid, row.sop_class_uid, row.number, row.frame_count, row.transfer_syntax_uid, row.sha256.hex(),
                row.size_bytes, row.blob, text, *self._frame_table(row, header, problem),
            )
            for (row, header, _, problem), text in zip(headers, own, strict=True)
        ]  # fmt: skip
        return SeriesDocument(
            series.study_uid, series.series_uid, series.revision, series.settled, shared, tuple(entries)
        )

    def _header(self, row: _Row) -> tuple[Header | None, bytes, str]:
        """Header, data and problem. Reads no more than the header, or all when it turns out to be longer than the index says."""
        try:
            return *stored_header(self._blobs, row.blob, row.header_bytes, row.size_bytes), ""
        except Unparseable:
            return None, b"", "unparseable"
        except Broken as error:  # one lost object must not hide its series
            telemetry.trouble("object_unreadable", error, code=error.code, ref=row.blob)
            return None, b"", error.code

    def _frame_table(self, row: _Row, header: Header | None, problem: str) -> tuple[bytes, str]:
        """The table, or none and why: a picture that cannot be framed is still an object with attributes."""
        if header is None:
            return b"", problem
        if header.pixel_tag is None or header.deflated:
            return b"", ""
        try:
            table = frames.frame_table(header, lambda o, n: self._blobs.read(row.blob, o, n), row.size_bytes)
        except (Invalid, Absent, Broken) as error:
            telemetry.fact("no_frame_table", code=error.code, ref=row.blob)
            return b"", error.code
        except Exception as error:  # noqa: BLE001 one instance must not take the document of its series along
            telemetry.trouble("frame_table_failed", error, ref=row.blob)
            return b"", "frame_table_failed"
        return table.to_bytes(), ""


def _is_damaged(document: SeriesDocument) -> bool:
    return any(entry.problem in _DAMAGED for entry in document.entries)


def _json(series: _Series, row: _Row, header: Header | None, data: bytes, bulk_base: str) -> dict[str, Any]:
    """What the object says; what the index says when it cannot be read."""
    if header is not None:
        return dicom_json.to_json(data, header, bulk=lambda path: bulk_base + path)
    known = {
        "00080016": row.sop_class_uid, "00080018": row.sop_uid, "0020000D": series.study_uid, "0020000E": series.series_uid,
    }  # fmt: skip
    return {tag: {"vr": "UI", "Value": [uid]} for tag, uid in known.items()}


def _rows(tx: Tx, series_id: int) -> list[_Row]:
    rows = tx.execute(
        "select id, sop_uid, sop_class_uid, number, frame_count, transfer_syntax_uid, sha256, size_bytes, prefix_bytes, "
        "header_bytes, blob from instance where series_fk = %s order by number nulls last, id",
        (series_id,),
    )
    return [_Row(*row) for row in rows]
