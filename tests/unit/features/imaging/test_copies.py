"""Copies for quick reading: exact, of the present object only, and nothing half kept (safety guards 1 and 11)."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from heliograph.engine.blobs import Blobs
from heliograph.engine.children import Children
from heliograph.engine.db import Database
from heliograph.engine.jobs import Cancelled, JobRun, cancel, enqueue
from heliograph.features.archive import Outcome
from heliograph.features.imaging import Copies, copies, copying
from heliograph.features.imaging.copies import FrameLayout, pack, unpack
from heliograph.kit.errors import Absent
from heliograph.kit.settings import Settings
from heliograph.standards.dicom.frames import frame_table
from heliograph.standards.dicom.header import scan
from heliograph.standards.dicom.image import spec_from_header
from heliograph.standards.dicom.pixels import decode_frame
from heliograph.standards.dicom.progressive import TRANSFER_SYNTAX
from tests.phantoms import Shape, file_bytes, header
from tests.unit.features.imaging.conftest import Put

LEAST = 100


@pytest.fixture
def kept(scratch: Database, tmp_path: Path) -> Iterator[Copies]:
    made = Copies(scratch, Settings(data=tmp_path, copies_least_bytes=LEAST))
    yield made
    made.close()


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    made = Children(1)
    yield made
    made.close()


def series_of(scratch: Database, shape: Shape) -> int:
    with scratch.transaction() as tx:
        row = tx.execute("select id from series where series_uid = %s", (shape.series_uid,)).fetchone()
    assert row is not None
    return int(row[0])


def instance_of(scratch: Database, shape: Shape, number: int) -> tuple[int, str, str]:
    with scratch.transaction() as tx:
        row = tx.execute(
            "select id, encode(sha256, 'hex'), blob from instance where sop_uid = %s", (shape.sop_uid(number),)
        ).fetchone()
    assert row is not None
    return int(row[0]), str(row[1]), str(row[2])


def run_of(scratch: Database, series_id: int) -> JobRun:
    with scratch.transaction() as tx:
        number = enqueue(tx, 1, copying.KIND, "copies", {"series": series_id}, "system:copies", total=4)
    made = JobRun(scratch, number)
    assert made.begin()
    return made


def test_every_image_gets_an_exact_copy(
    scratch: Database, blobs: Blobs, kept: Copies, children: Children, shape: Shape, stored: Outcome
) -> None:
    series_id = series_of(scratch, shape)
    with scratch.transaction() as tx:
        assert copying.queue_copies(tx, kept.settings, series_id)
        assert not copying.queue_copies(tx, Settings(data=kept.settings.data, copies_least_bytes=0), series_id)
        assert not copying.queue_copies(tx, Settings(data=kept.settings.data), series_id), "small images get none"
    run = run_of(scratch, series_id)
    copying.make_copies(kept, blobs, run, children=children)
    assert (run.done, run.total) == (4, 4)
    with scratch.transaction() as tx:
        assert not copying.queue_copies(tx, kept.settings, series_id), "there is nothing left to do"
        told = copies.of_series(tx, series_id)
        assert copies.marks(tx, [series_id]) == {series_id: told["mark"]}
    assert len(told["items"]) == 4
    for number in (1, 2, 3, 4):
        instance_id, digest, blob = instance_of(scratch, shape, number)
        found = kept.find(instance_id, digest)
        layout = found.frame(0)
        whole = kept.read(found, 0, 0, layout.size - 1)
        data = blobs.read(blob)
        head = scan(data)
        table = frame_table(head, lambda o, n, data=data: data[o : o + n], len(data))
        spec = spec_from_header(head)
        truth = decode_frame(spec, table.read_frame(0, lambda o, n, data=data: data[o : o + n]), table.transfer_syntax)
        assert np.array_equal(decode_frame(spec, whole, TRANSFER_SYNTAX), truth)
        middle = layout.size // 2
        assert kept.read(found, 0, 0, middle - 1) + kept.read(found, 0, middle, layout.size - 1) == whole
        assert next(one for one in told["items"] if one["instance_id"] == str(instance_id)) == {
            "id": str(found.id), "instance_id": str(instance_id), "digest": digest, "frames": [list(layout.ends)],
        }  # fmt: skip
    with pytest.raises(Absent):
        found.frame(1)


def test_a_replaced_object_takes_its_copy_along(
    scratch: Database, blobs: Blobs, kept: Copies, children: Children, shape: Shape, stored: Outcome, put: Put
) -> None:
    copying.make_copies(kept, blobs, run_of(scratch, series_of(scratch, shape)), children=children)
    instance_id, digest, _ = instance_of(scratch, shape, 2)
    before = kept.find(instance_id, digest)
    with scratch.transaction() as tx:
        tx.execute("update instance set sha256 = %s where id = %s", (bytes(32), instance_id))
    with pytest.raises(Absent):
        kept.find(instance_id, bytes(32).hex())
    with scratch.transaction() as tx:
        assert (before.blob,) in tx.execute("select blob from frame_copy_gone").fetchall()
        tx.execute("update frame_copy_gone set gone_at = gone_at - interval '1 hour'")
        told = copies.of_series(tx, series_of(scratch, shape))
    assert str(instance_id) not in {one["instance_id"] for one in told["items"]}
    assert kept.clear() == 1
    with pytest.raises(Absent):
        kept.read(before, 0, 0, before.frame(0).size - 1)


def test_a_cancelled_job_keeps_whole_copies_only_and_goes_on(
    scratch: Database, blobs: Blobs, kept: Copies, children: Children, shape: Shape, stored: Outcome
) -> None:
    series_id = series_of(scratch, shape)
    run = run_of(scratch, series_id)
    with scratch.transaction() as tx:
        cancel(tx, 1, run.id)
    with pytest.raises(Cancelled):
        copying.make_copies(kept, blobs, run, children=children)
    with scratch.transaction() as tx:
        rows = tx.execute("select blob from frame_copy where series_fk = %s", (series_id,)).fetchall()
    assert len(rows) < 4
    copying.make_copies(kept, blobs, run_of(scratch, series_id), children=children)
    with scratch.transaction() as tx:
        assert len(copies.of_series(tx, series_id)["items"]) == 4


def test_damaged_copies_are_forgotten(
    scratch: Database, blobs: Blobs, kept: Copies, children: Children, shape: Shape, stored: Outcome
) -> None:
    copying.make_copies(kept, blobs, run_of(scratch, series_of(scratch, shape)), children=children)
    instance_id, digest, _ = instance_of(scratch, shape, 1)
    found = kept.find(instance_id, digest)
    path, start, size = kept.store.locate(found.blob)  # type: ignore[attr-defined]  # of the local store
    with path.open("r+b") as file:
        file.seek(start + size // 2)
        byte = file.read(1)
        file.seek(start + size // 2)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(Absent):
        kept.read(found, 0, 0, found.frame(0).size - 1)
    with pytest.raises(Absent):
        kept.find(instance_id, digest)


def test_what_is_not_worth_a_copy_is_looked_at_once(
    scratch: Database, blobs: Blobs, kept: Copies, children: Children, shape: Shape, put: Put
) -> None:
    """Pixels that no decoder reads: the object is shown as it is, and nothing is tried again."""
    data = header(shape, 1)
    data.PixelData = b"\0" * 100
    put(file_bytes(data))
    series_id = series_of(scratch, shape)
    copying.make_copies(kept, blobs, run_of(scratch, series_id), children=children)
    with scratch.transaction() as tx:
        assert copies.of_series(tx, series_id)["items"] == []
        assert copies.marks(tx, [series_id]) == {}
        assert not copying.queue_copies(tx, kept.settings, series_id)


def test_layouts_are_stored_as_they_are() -> None:
    frames = (FrameLayout(0, (10, 30), (zlib.crc32(b"a"), 2)), None, FrameLayout(30, (5,), (7,)))
    assert unpack(pack(frames)) == frames
    assert unpack(b"") == ()
