"""Parts of the audit log as tables for a spreadsheet (RFC 4180). No cell can be taken for a formula; giving one out is an act of its own."""

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from heliograph.engine.db import Tx
from heliograph.features.access import Actor, note
from heliograph.features.trail.search import AuditQuery, page, patient_access

MOST_ROWS = 50_000
_PAGE = 5000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def rows_sheet(tx: Tx, actor: Actor, query: AuditQuery) -> tuple[str, bool]:
    """The rows that a search finds, latest first, and whether there are more than a sheet takes."""
    rows: list[list[Any]] = []
    cursor: str | None = None
    while len(rows) < MOST_ROWS:
        items, cursor = page(tx, actor, query, cursor=cursor, limit=min(_PAGE, MOST_ROWS - len(rows)))
        rows += [_row(item) for item in items]
        if cursor is None:
            break
    note(tx, actor, "audit.exported", {}, detail={"keys": query.keys, "results": len(rows), "form": "csv"})
    heads = (
        "at",
        "number",
        "kind",
        "event",
        "outcome",
        "actor_kind",
        "actor",
        "actor_id",
        "address",
        "patient_id",
        "issuer",
        "subject",
        "detail",
    )
    return sheet(heads, rows), cursor is not None


def patient_sheet(
    tx: Tx, actor: Actor, patient_id: str, issuer: str | None, since: datetime | None, until: datetime | None
) -> tuple[str, bool]:
    """Who saw a patient, one line for each."""
    found = patient_access(tx, actor, patient_id, issuer, since, until)
    names = ("kind", "id", "name", "display_name", "first_at", "last_at", "count", "studies", "kinds", "addresses")
    rows = [[one[name] for name in names] for one in found["items"]]
    note(tx, actor, "audit.exported", {}, detail={"studies": found["studies"], "results": len(rows), "form": "csv"})
    return sheet(names, rows), bool(found["truncated"])


def sheet(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """With a byte order mark, without which spreadsheets take it for a local code page."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows([cell(value) for value in row] for row in rows)
    return "\ufeff" + text.getvalue()


def cell(value: Any) -> str:
    """A value as text that no spreadsheet calculates with: what could begin a formula gets an apostrophe before it (CWE-1236)."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        value = ", ".join(str(one) for one in value if one is not None)
    elif isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""
    text = str(value).replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _row(item: dict[str, Any]) -> list[Any]:
    actor, study = item["actor"], item["study"] or {}
    return [
        item["at"], item["number"], item["kind"], item["event"], item["outcome"], actor["kind"], actor["name"], actor["id"], actor["address"],
        study.get("patient_id"), study.get("issuer"), item["subject"], item["detail"],
    ]  # fmt: skip
