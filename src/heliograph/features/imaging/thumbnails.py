"""One small picture per series, made once per revision and thrown away freely."""

from heliograph.engine import telemetry
from heliograph.engine.blobs import Blobs
from heliograph.engine.children import Children, shared
from heliograph.engine.db import Database
from heliograph.features.access import Actor, visible
from heliograph.kit.errors import Absent, Broken, Busy, HeliographError
from heliograph.standards.dicom import render
from heliograph.standards.dicom.header import inflated, scan

_HEAD_BYTES = 1 << 20
_PATIENCE_S = 30.0
# The pixels killed their decoder or hung it: with nothing kept, every page that shows the series would have that happen again.
_UNDECODABLE = frozenset({"decoder_died", "decoder_slow"})
MEDIA_TYPE = "image/jpeg"


def series_thumbnail(
    database: Database, blobs: Blobs, actor: Actor, series_id: int, *, children: Children | None = None
) -> tuple[bytes, str, int]:
    """(JPEG, etag, study) of the middle instance; no bytes when the series shows no picture. Raises Absent when this actor does not see it."""
    condition, values = visible(actor, "st")
    with database.transaction() as tx:
        row = tx.execute(
            "select se.revision, th.revision, th.body, se.study_fk from series se join study st on st.id = se.study_fk "
            f"left join thumbnail th on th.series_fk = se.id where se.id = %s and {condition}",
            (series_id, *values),
            binary=True,
        ).fetchone()
    if row is None:
        raise Absent("no such series", code="no_series")
    body = row[2] if row[0] == row[1] else make_thumbnail(database, blobs, series_id, children=children)
    return body, f"{series_id}.{row[0]}", row[3]


def make_thumbnail(database: Database, blobs: Blobs, series_id: int, *, children: Children | None = None) -> bytes:
    """Renders and stores; empty bytes stand for a series without a picture, so that it is not tried again."""
    with database.transaction() as tx:
        row = tx.execute(
            "select se.revision, i.blob, i.size_bytes, i.header_bytes from series se join lateral ("
            "select blob, size_bytes, header_bytes from instance where series_fk = se.id order by number nulls last, id "
            "offset (se.instance_count / 2) limit 1) i on true where se.id = %s",
            (series_id,),
        ).fetchone()
    if row is None:
        return b""
    revision, blob, size, header_bytes = row
    body = _render(children or shared(), blobs, blob, size, header_bytes)
    if body is None:
        return b""
    with database.transaction() as tx:
        tx.execute(
            "insert into thumbnail (series_fk, revision, media_type, body) values (%s,%s,%s,%s) on conflict (series_fk) "
            "do update set revision = excluded.revision, media_type = excluded.media_type, body = excluded.body",
            (series_id, revision, MEDIA_TYPE, body),
        )
    return body


def _render(children: Children, blobs: Blobs, blob: str, size: int, header_bytes: int) -> bytes | None:
    """None when the storage does not give the object now, or no child is free: that says nothing about its picture."""
    try:
        data = blobs.read(blob, 0, min(size, header_bytes + _HEAD_BYTES))
        header = scan(data, complete=len(data) == size)
        if header.deflated:
            data = inflated(blobs.read(blob), header)
            header = scan(data)
            frame = render.middle_frame(header, lambda o, n: data[o : o + n], len(data))
        else:
            frame = render.middle_frame(header, lambda o, n: blobs.read(blob, o, n), size)
        return children.do(render.thumbnail, *frame, timeout_s=_PATIENCE_S) if frame is not None else b""
    except (Busy, Broken) as error:
        return b"" if error.code in _UNDECODABLE else None
    except HeliographError:
        return b""
    except Exception as error:  # noqa: BLE001 a codec's complaint about foreign pixels is no reason to fail a page
        telemetry.trouble("thumbnail_failed", error)
        return b""
