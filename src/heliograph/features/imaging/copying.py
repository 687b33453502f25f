"""The job that makes the copies of one series. Idempotent: it does what has no copy yet, and may be cut off after every object."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from heliograph.engine import telemetry
from heliograph.engine.blobs import Blobs, BlobWriter, Written
from heliograph.engine.children import Children, shared
from heliograph.engine.db import Tx
from heliograph.engine.jobs import JobRun, enqueue
from heliograph.features.imaging.copies import Copies, FrameLayout, lay_out, pack
from heliograph.kit.errors import Absent, Broken, Invalid
from heliograph.kit.settings import Settings
from heliograph.kit.time import now
from heliograph.standards.dicom import frames
from heliograph.standards.dicom.header import Header, NeedMore, scan
from heliograph.standards.dicom.image import spec_from_header
from heliograph.standards.dicom.progressive import SOURCES, is_worth, progressive_frame, resolution_ends

KIND: Final = "copy.htj2k"
_PATIENCE_S: Final = 120.0
_HEADER_MARGIN: Final = 4096
_NOTE: Final = b"copy"
_WANTED: Final = (
    "i.series_fk = %(series)s and i.transfer_syntax_uid = any(%(syntaxes)s) and "
    "i.rows::bigint * i.columns * ((i.bits_allocated + 7) / 8) >= %(least)s and "
    "not exists (select 1 from frame_copy c where c.instance_fk = i.id and c.sha256 = i.sha256)"
)


@dataclass(frozen=True, slots=True)
class _Source:
    id: int
    sha256: bytes
    blob: str
    size_bytes: int
    header_bytes: int


def queue_copies(tx: Tx, settings: Settings, series_id: int) -> bool:
    """Asks for the copies of a settled series when one of its objects is worth one."""
    if not settings.copies_least_bytes:
        return False
    row = tx.execute(
        f"select se.tenant_id, (select count(*) from instance i where {_WANTED}) from series se where se.id = %(series)s",
        _parameters(settings, series_id),
    ).fetchone()
    if row is None or row[1] == 0:
        return False
    title = "Copies of a series for quick reading"
    # One at a time in the whole installation: they take a processor, and nobody waits for them.
    enqueue(tx, row[0], KIND, title, {"series": series_id}, "system:copies", unit="images", total=row[1], lock=KIND)
    return True


def _parameters(settings: Settings, series_id: int) -> dict[str, object]:
    return {"series": series_id, "syntaxes": sorted(SOURCES), "least": settings.copies_least_bytes}


def make_copies(copies: Copies, blobs: Blobs, run: JobRun, *, children: Children | None = None) -> None:
    """Copies every object of the series that has no copy; raises Cancelled, Interrupted and Busy between two frames."""
    settings, series_id = copies.settings, int(run.arguments["series"])
    with copies.database.transaction() as tx:
        rows = tx.execute(
            f"select i.id, i.sha256, i.blob, i.size_bytes, i.header_bytes from instance i where {_WANTED} order by i.number nulls last, i.id",
            _parameters(settings, series_id),
        ).fetchall()
    total = max(run.total or 0, len(rows))
    done = total - len(rows)
    maker = _Maker(copies, blobs, children or shared(), series_id, lambda: run.progress(done, total))
    try:
        for row in rows:
            maker.copy(_Source(*row))
            done += 1
            run.progress(done, total)
    finally:
        maker.close()


class _Maker:
    def __init__(
        self, copies: Copies, blobs: Blobs, children: Children, series_id: int, between: Callable[[], None]
    ) -> None:
        self._copies = copies
        self._blobs = blobs
        self._children = children
        self._series_id = series_id
        self._between = between
        self._writer: BlobWriter = copies.store.writer()

    def close(self) -> None:
        self._writer.close()

    def copy(self, source: _Source) -> None:
        """One object: its frames, one after another, then the row that makes them findable. Nothing is kept of one that is cut off."""
        self._writer.begin()
        layout: list[FrameLayout | None] = []
        try:
            at = 0
            for codestream in self._codestreams(source):
                frame = None if codestream is None else lay_out(at, codestream, resolution_ends(codestream))
                layout.append(frame)
                if codestream is not None:
                    self._writer.write(codestream)
                    at += len(codestream)
                self._between()
            written = self._writer.finish(_NOTE) if any(layout) else None
            if written is not None:
                self._writer.sync()
        except BaseException:
            self._writer.close()
            raise
        is_kept = self._index(source, written, layout)
        if written is None:
            self._writer.close()
        elif is_kept:
            self._writer.keep()
        else:
            self._writer.discard()

    def _index(self, source: _Source, written: Written | None, layout: list[FrameLayout | None]) -> bool:
        """False when the object was replaced meanwhile. A row without a blob says that there is nothing to try again."""
        with self._copies.database.transaction() as tx:
            return tx.execute(
                "insert into frame_copy (instance_fk, series_fk, sha256, blob, layout, made_at) "
                "select i.id, i.series_fk, i.sha256, %s, %s, %s from instance i where i.id = %s and i.sha256 = %s for share of i "
                "on conflict (instance_fk) do nothing returning 1",
                (written.ref if written else None, pack(layout) if written else b"", now(), source.id, source.sha256),
            ).fetchone() is not None  # fmt: skip

    def _codestreams(self, source: _Source) -> Iterator[bytes | None]:
        """None for a frame that does not come back equal. An object that cannot be read has none at all."""
        try:
            header = self._header(source)
            if header.pixel_tag is None or header.deflated:
                return
            spec = spec_from_header(header)
            table = frames.frame_table(header, lambda o, n: self._blobs.read(source.blob, o, n), source.size_bytes)
        except (Invalid, Absent, Broken) as error:
            telemetry.fact("no_copy", code=error.code, ref=source.blob)
            return
        if not is_worth(spec, table.transfer_syntax, self._copies.settings.copies_least_bytes):
            return
        for number in range(table.available):
            try:
                frame = table.read_frame(number, lambda o, n: self._blobs.read(source.blob, o, n))
                yield self._children.do(
                    progressive_frame, spec.only(number), frame, table.transfer_syntax, timeout_s=_PATIENCE_S
                )
            except (Invalid, Broken) as error:
                telemetry.fact("no_copy", code=error.code, ref=source.blob, frame=number)
                yield None

    def _header(self, source: _Source) -> Header:
        data = self._blobs.read(source.blob, 0, min(source.size_bytes, source.header_bytes + _HEADER_MARGIN))
        try:
            return scan(data, complete=len(data) == source.size_bytes)
        except NeedMore:
            return scan(self._blobs.read(source.blob))
