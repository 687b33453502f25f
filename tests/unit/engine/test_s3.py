"""Blobs in a real bucket: whole, by range, never overwritten, and honest when the bucket is away."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import S3Store as Bucket

from heliograph.engine.blobs.face import BlobWriter, Written
from heliograph.engine.blobs.s3 import S3Store
from heliograph.kit.errors import Absent, Broken, Busy
from tests import phantoms
from tests.peers import dcmtk, dicomweb, part10
from tests.peers.heliograph import Server
from tests.phantoms import Shape
from tests.unit.engine.swift_server import SwiftServer


@pytest.fixture(scope="module")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwiftServer]:
    with SwiftServer(tmp_path_factory.mktemp("swift")) as running:
        for bucket in ("blobs", "archive"):
            running.make_bucket(bucket)
        yield running


@pytest.fixture
def store(swift: SwiftServer, tmp_path: Path) -> Iterator[S3Store]:
    made = S3Store(f"s3://blobs/{tmp_path.name}", tmp_path / "spool", **swift.options)
    yield made
    made.close()


def write(writer: BlobWriter, prefix: bytes, *chunks: bytes) -> Written:
    writer.begin()
    if prefix:
        writer.prefix(prefix)
    for chunk in chunks:
        writer.write(chunk)
    written = writer.finish(b"note")
    writer.sync()
    writer.keep()
    return written


@pytest.mark.parametrize("size", [0, 1, 4095, 1 << 20, (8 << 20) - 1, (8 << 20) + 1, 23 << 20])
def test_what_is_written_is_read_whole_and_by_range(store: S3Store, size: int) -> None:
    """Below and above what is kept in memory, and where the client sends several parts."""
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    written = write(store.writer(), b"PREFIX", body[: size // 3], body[size // 3 :])
    assert (written.size_bytes, written.prefix_bytes) == (size + 6, 6)
    assert written.sha256 == hashlib.sha256(body).digest(), "the digest is over the data set alone"
    assert store.read(written.ref) == b"PREFIX" + body
    assert store.size(written.ref) == size + 6
    for offset, length in ((0, 6), (6, 10), (size // 2, 1000), (size + 5, 1), (size + 6, 0), (3, 10**12)):
        assert store.read(written.ref, offset, length) == (b"PREFIX" + body)[offset : offset + length]


def test_the_same_content_twice_is_two_objects_and_nothing_is_overwritten(store: S3Store) -> None:
    first, second = (write(store.writer(), b"", b"the same") for _ in range(2))
    assert first.sha256 == second.sha256
    assert first.ref != second.ref
    assert sorted(store.refs()) == sorted([first.ref, second.ref])
    store.delete(first.ref)
    assert store.read(second.ref) == b"the same"


def test_one_prefix_does_not_see_another(store: S3Store, swift: SwiftServer, tmp_path: Path) -> None:
    other = S3Store("s3://blobs/other-prefix", tmp_path / "other", **swift.options)
    mine, theirs = write(store.writer(), b"", b"mine"), write(other.writer(), b"", b"theirs")
    assert theirs.ref not in set(store.refs())
    assert mine.ref not in set(other.refs())


def test_what_was_turned_down_is_taken_back(store: S3Store) -> None:
    writer = store.writer()
    writer.begin()
    writer.write(b"a second copy")
    ref = writer.finish(b"").ref
    writer.discard()
    assert ref not in set(store.refs())
    assert store.read(write(writer, b"", b"the next").ref) == b"the next"


def test_an_interrupted_object_is_never_put(store: S3Store, tmp_path: Path) -> None:
    writer = store.writer()
    writer.begin()
    writer.write(b"x" * (9 << 20))
    writer.close()
    assert list(store.refs()) == []
    (tmp_path / "spool" / "put-left-by-a-dead-process").write_bytes(b"half")
    assert store.recover(lambda record: None, lambda: None) == 0
    assert list((tmp_path / "spool").iterdir()) == []


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (100, 1), (9, 1)])
def test_ranges_outside_are_not_there(store: S3Store, offset: int, length: int) -> None:
    written = write(store.writer(), b"", b"12345678")
    with pytest.raises(Absent):
        store.read(written.ref, offset, length)


@pytest.mark.parametrize("ref", ["", "nothing", "1.23.4"])
def test_references_that_are_none(store: S3Store, ref: str) -> None:
    with pytest.raises(Absent):
        store.read(ref)


def test_an_object_that_somebody_deleted_or_cut_is_broken_storage(store: S3Store, swift: SwiftServer) -> None:
    gone, cut = write(store.writer(), b"", b"12345678"), write(store.writer(), b"", b"12345678")
    bucket = Bucket("blobs", **swift.options)
    obstore.delete(bucket, gone.ref.rpartition("|")[0])
    obstore.put(bucket, cut.ref.rpartition("|")[0], b"1234")
    for ref, code in ((gone.ref, "blob_missing"), (cut.ref, "blob_truncated")):
        with pytest.raises(Broken) as told:
            store.read(ref)
        assert told.value.code == code


def test_a_bucket_that_is_away_is_busy_and_then_goes_on(store: S3Store, swift: SwiftServer) -> None:
    kept = write(store.writer(), b"", b"before the outage")
    swift.stop_door()
    try:
        with pytest.raises(Busy):
            store.read(kept.ref)
        writer = store.writer()
        writer.begin()
        writer.write(b"during the outage")
        with pytest.raises(Busy):
            writer.finish(b"")
        writer.close()
    finally:
        swift.start_door()
    assert store.read(kept.ref) == b"before the outage"
    assert list(store.refs()) == [kept.ref], "what was not acknowledged is not there"
    assert store.read(write(store.writer(), b"", b"after the outage").ref) == b"after the outage"


def test_a_key_that_is_refused_is_no_success(swift: SwiftServer, tmp_path: Path) -> None:
    wrong: dict[str, Any] = {**swift.options, "secret_access_key": "guessed"}
    refused = S3Store("s3://blobs/x", tmp_path / "spool", **wrong)
    with pytest.raises(Busy):
        write(refused.writer(), b"", b"never")


def test_a_disk_without_room_for_the_spool_is_busy(swift: SwiftServer, tmp_path: Path) -> None:
    full = S3Store("s3://blobs/x", tmp_path / "spool", reserve_bytes=1 << 60, **swift.options)
    with pytest.raises(Busy):
        full.writer().begin()


def test_an_archive_on_a_bucket_keeps_and_gives_back_bit_for_bit(swift: SwiftServer, tmp_path: Path) -> None:
    shape = Shape(6, rows=64, columns=64, seed=1500, patient="S3", name="Bucket^Berta")
    phantoms.write_series(shape, tmp_path / "study")
    expected = sorted(part10.split(raw).digest for raw in phantoms.slices(shape))
    with Server(tmp_path / "data", options=("--blobs", "s3://archive/house"), env=swift.environment) as server:
        server.add_device("DCMTK")
        assert dcmtk.storescu(server.dicom, tmp_path / "study").code == 0
        server.restart()
        got = dicomweb.retrieve(server.client(), f"studies/{shape.study_uid}")
        assert sorted(part10.split(raw).digest for raw in got) == expected
        frame = f"/dicom-web/studies/{shape.study_uid}/series/{shape.series_uid}/instances/{shape.sop_uid(1)}/frames/1"
        assert server.client().get(frame).status_code == 200
        assert "0 faults" in server.verify().stdout
        assert not [path for path in (server.data / "blobs").rglob("*") if path.is_file()], "nothing is kept here"
