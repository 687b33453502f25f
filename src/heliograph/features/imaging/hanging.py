"""Keeping the hanging facts of series: written when one settles, made from a few headers before that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from heliograph.engine import telemetry
from heliograph.engine.blobs import Blobs
from heliograph.engine.db import Database, Tx
from heliograph.features.imaging.document import SeriesDocument
from heliograph.features.imaging.facts import FORMAT, PROJECTIONS, JsonSet, series_facts
from heliograph.kit.errors import Absent, Broken
from heliograph.kit.time import now
from heliograph.standards.dicom.header import Header, NeedMore, Unparseable, scan

_HEADER_MARGIN = 4096
_MOST_SAMPLED = 64
"""Series of one study whose facts are made while somebody waits: each costs a read of the storage."""
_MOST_HEADERS = 16


def write_facts(database: Database, series_id: int, document: SeriesDocument) -> None:
    """Keeps the facts of a whole series, from its document."""
    if not document.entries:
        return
    shared = json.loads(b"{" + document.shared.replace(b"\x01", b"") + b"}")
    instances = [
        JsonSet(json.loads(b"{" + entry.attributes.replace(b"\x01", b"") + b"}"), shared) for entry in document.entries
    ]
    with database.transaction() as tx:
        _keep(tx, series_id, document.revision, series_facts(instances))


def hanging_facts(tx: Tx, blobs: Blobs, series: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """Facts by series id, of rows as the study list gives them; never fails: what cannot be read is told by its row."""
    numbers = [int(row["id"]) for row in series]
    kept = {
        row[0]: row[2]
        for row in tx.execute(
            "select f.series_fk, f.revision, f.facts from series_facts f join series se on se.id = f.series_fk "
            "where f.series_fk = any(%s) and f.revision = se.revision and f.format = %s",
            (numbers, FORMAT),
        )
    }
    found: dict[int, dict[str, Any]] = {}
    sampled = 0
    for row in series:
        number = int(row["id"])
        facts = kept.get(number)
        if facts is None and sampled < _MOST_SAMPLED:
            sampled += 1
            facts = _sampled(
                tx, blobs, number, is_projection=row["modality"] in PROJECTIONS, settled=row["state"] == "settled"
            )
        found[number] = facts or _of_row(row)
    return found


def facts_of_studies(tx: Tx, study_ids: Sequence[int], *, images: bool = False) -> dict[int, list[dict[str, Any]]]:
    """What is kept of other studies, with their single images when asked; nothing is made for them."""
    found: dict[int, list[dict[str, Any]]] = {}
    without = "" if images else " - 'images'"
    rows = tx.execute(
        f"select se.study_fk, f.facts{without}, se.frame_count, se.instance_count from series_facts f join series se on se.id = f.series_fk "
        "where se.study_fk = any(%s) and f.format = %s order by se.number nulls last, se.id",
        (list(study_ids), FORMAT),
    )
    for study_id, facts, frames, instances in rows:
        found.setdefault(study_id, []).append(facts | {"frame_count": frames, "instance_count": instances})
    return found


def _sampled(tx: Tx, blobs: Blobs, series_id: int, *, is_projection: bool, settled: bool) -> dict[str, Any] | None:
    """From the middle instance, or from the first few of a series whose images are each for themselves."""
    order = "order by i.number nulls last, i.id"
    window = f"{order} limit {_MOST_HEADERS}" if is_projection else f"{order} offset (se.instance_count / 2) limit 1"
    rows = tx.execute(
        f"select i.blob, i.size_bytes, i.header_bytes, se.revision, se.instance_count from series se join lateral ("
        f"select blob, size_bytes, header_bytes, number, id from instance i where i.series_fk = se.id {window}) i on true where se.id = %s {order}",
        (series_id,),
    ).fetchall()
    headers = [header for row in rows if (header := _header(blobs, row[0], row[1], row[2])) is not None]
    if not headers:
        return None
    facts = series_facts(headers, is_sample=len(headers) < rows[0][4])
    if settled:  # an installation that was here before these facts were
        _keep(tx, series_id, rows[0][3], facts)
    return facts


def _header(blobs: Blobs, blob: str, size: int, header_bytes: int) -> Header | None:
    try:
        data = blobs.read(blob, 0, min(size, header_bytes + _HEADER_MARGIN))
        try:
            return scan(data, complete=len(data) == size)
        except NeedMore:
            return scan(blobs.read(blob))
    except (Unparseable, Broken, Absent) as error:
        telemetry.fact("no_hanging_facts", code=error.code, ref=blob)
        return None


def _keep(tx: Tx, series_id: int, revision: int, facts: Mapping[str, Any]) -> None:
    tx.execute(
        "insert into series_facts (series_fk, revision, format, facts, made_at) values (%s,%s,%s,%s,%s) on conflict (series_fk) do update "
        "set revision = excluded.revision, format = excluded.format, facts = excluded.facts, made_at = excluded.made_at "
        "where series_facts.revision <= excluded.revision",
        (series_id, revision, FORMAT, Jsonb(facts), now()),
    )


def _of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the index alone says; `sample` tells that more is to come."""
    return {
        "format": FORMAT, "sample": True, "modality": row["modality"], "kind": "image" if row["frame_count"] else "other", "plane": "",
        "body_part": "", "body_part_stated": row["body_part"], "body_part_basis": "", "laterality": row["laterality"][:1], "contrast": None,
        "phase": "", "derived": False, "reformat": "", "frame_of_reference": "", "thickness_mm": None, "rows": None, "columns": None,
        "dynamic": 1, "tomosynthesis": False,
    }  # fmt: skip
