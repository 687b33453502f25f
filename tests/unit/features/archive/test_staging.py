"""Objects of one request share a sync and a statement; each still gets its own answer (decision 0009)."""

import errno
import os

import pytest

from heliograph.engine.blobs import segments
from heliograph.features.archive import Intake
from heliograph.kit.errors import HeliographError
from tests.phantoms import Shape, file_bytes
from tests.unit.features.archive.conftest import feed
from tests.unit.features.archive.test_recovery import forget, reopened


def lay(delivery, *raws):
    """Stages the objects one behind the other."""
    for raw in raws:
        sink = delivery.open()
        sink.write(raw)
        sink.stage()


@pytest.fixture
def raw(slice_of, shape):
    return lambda number, **changes: file_bytes(changed(slice_of(shape, number), changes))


def changed(ds, changes):
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


@pytest.fixture
def syncs(monkeypatch):
    """Every fdatasync that is asked of the kernel."""
    made = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: made.append(fd) or real(fd))
    return made


def bytes_of(intake, scratch, uids):
    with scratch.transaction() as tx:
        rows = dict(tx.execute("select sop_uid, blob from instance where sop_uid = any(%s)", (list(uids),)).fetchall())
    return {uid: intake.blobs.read(blob) for uid, blob in rows.items()}


def test_many_objects_one_sync_and_all_are_there(intake: Intake, actor, raw, shape, scratch, syncs):
    sent = [raw(number) for number in range(1, 9)]
    with intake.arrival(actor, "stow", "user:A") as delivery:
        lay(delivery, *sent)
        assert syncs == []
        outcomes = delivery.settle()
        assert len(syncs) == 1
    assert [one.kind for one in outcomes] == ["new"] * 8
    assert bytes_of(intake, scratch, map(shape.sop_uid, range(1, 9))) == dict(
        zip(map(shape.sop_uid, range(1, 9)), sent, strict=True)
    )
    with scratch.transaction() as tx:
        study = tx.execute("select instance_count from study where study_uid = %s", (shape.study_uid,)).fetchone()
        counted = tx.execute("select stored, failed from arrival where id = %s", (delivery.arrival.id,)).fetchone()
    assert (study, counted) == ((8,), (8, 0))


def test_each_object_of_a_row_gets_its_own_answer(intake, actor, put, raw, shape, scratch):
    put(raw(1), source="user:A")
    rows = [
        raw(1),  # is there already
        raw(2),
        b"nothing of a row " * 50,
        raw(2),  # the same once more in this request
        raw(3),
        raw(3, ImageComments="newer"),
        raw(4, PatientName="Somebody^Else"),
        raw(5),
    ]
    with intake.arrival(actor, "stow", "user:A") as delivery:
        lay(delivery, *rows)
        outcomes = delivery.settle()
    kinds = ["identical", "new", "held", "identical", "new", "newer", "held", "new"]
    assert [one.kind for one in outcomes] == kinds
    assert [one.reason for one in outcomes if one.kind == "held"] == ["unparseable", "study_of_other_patient"]
    found = bytes_of(intake, scratch, map(shape.sop_uid, range(1, 6)))
    assert [found.get(shape.sop_uid(number)) for number in range(1, 6)] == [rows[0], rows[1], rows[5], None, rows[7]]
    assert delivery.counts == {"stored": 4, "identical": 2, "held": 2, "failed": 0}


def test_a_uid_in_two_series_of_a_row_belongs_to_the_first(intake, actor, put, raw, shape):
    put(raw(1), source="user:A")
    elsewhere = raw(2, SeriesInstanceUID=f"{shape.study_uid}.77")
    with intake.arrival(actor, "stow", "user:A") as delivery:
        lay(delivery, raw(2), elsewhere)
        first, second = delivery.settle()
    assert (first.kind, second.kind, second.reason) == ("new", "held", "same_uid_other_study")


def test_room_of_what_was_there_already_is_given_back(intake, actor, raw, shape, scratch, tmp_path):
    sent = [raw(number) + bytes(1 << 20) for number in range(1, 7)]
    with intake.arrival(actor, "stow", "user:A") as delivery:
        lay(delivery, *sent)
        assert [one.kind for one in delivery.settle()] == ["new"] * 6
    (segment,) = (tmp_path / "blobs").glob("*/*.open")
    before = segment.stat().st_blocks
    with intake.arrival(actor, "stow", "user:A") as delivery:
        lay(delivery, *sent)
        assert [one.kind for one in delivery.settle()] == ["identical"] * 6
        lay(delivery, raw(7))
        assert [one.kind for one in delivery.settle()] == ["new"]
    # `before` counts the room allocated ahead, of which these five stand no more.
    assert segment.stat().st_blocks <= before - 5 * 2000
    again, _ = reopened(intake, scratch, tmp_path)
    assert again.recover() == 7
    assert set(bytes_of(again, scratch, map(shape.sop_uid, range(1, 8))).values()) == {*sent, raw(7)}
    again.close()


def test_one_object_that_was_there_already_leaves_its_place_to_the_next(intake, actor, raw):
    with intake.arrival(actor, "stow", "user:A") as delivery:
        lay(delivery, raw(1))
        (first,) = delivery.settle()
        lay(delivery, raw(1))
        (second,) = delivery.settle()
        third = feed(delivery, raw(2))
    assert (first.kind, second.kind, third.kind) == ("new", "identical", "new")
    refs = sorted(intake.blobs.refs())
    assert len(refs) == 2


def test_a_sync_that_fails_stores_none_of_them(intake, actor, raw, shape, scratch, monkeypatch):
    def broken(fd):
        raise OSError(errno.EIO, "no")

    with intake.arrival(actor, "stow", "user:A") as delivery:
        lay(delivery, raw(1), raw(2))
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", broken)
            outcomes = delivery.settle()
        assert [one.code for one in outcomes] == ["sync_failed", "sync_failed"]
        assert bytes_of(intake, scratch, [shape.sop_uid(1), shape.sop_uid(2)]) == {}
        lay(delivery, raw(1))
        assert [one.kind for one in delivery.settle()] == ["new"]


def test_a_database_that_is_away_is_told_for_each(intake, actor, put, raw, shape, scratch, monkeypatch):
    put(raw(1), source="user:A")
    with intake.arrival(actor, "stow", "user:A") as delivery:
        lay(delivery, raw(2), raw(3))
        with monkeypatch.context() as patch:
            patch.setattr(intake._ingest_database, "_pool", silent_pool())
            patch.setattr(intake._adder._line, "_url", "host=/nonexistent")
            intake._adder._line.close()
            outcomes = delivery.settle()
        assert all(isinstance(one, HeliographError) and one.code.startswith("database") for one in outcomes)
        lay(delivery, raw(2), raw(3))
        assert [one.kind for one in delivery.settle()] == ["new", "new"]
    assert bytes_of(intake, scratch, [shape.sop_uid(2)])[shape.sop_uid(2)] == raw(2)


def silent_pool():
    from psycopg_pool import ConnectionPool

    return ConnectionPool("host=/nonexistent", open=True, min_size=0, max_size=1, timeout=0.2)


def test_whole_objects_of_a_sender_that_goes_away_are_kept(intake, actor, raw, shape, scratch):
    with intake.arrival(actor, "stow", "user:A") as delivery:
        lay(delivery, raw(1), raw(2))
        delivery.open().write(raw(3)[:900])
    found = bytes_of(intake, scratch, map(shape.sop_uid, range(1, 4)))
    assert found == {shape.sop_uid(1): raw(1), shape.sop_uid(2): raw(2)}


def test_a_segment_is_sealed_only_behind_the_rows_of_what_stands_in_it(
    intake, actor, raw, shape, scratch, tmp_path, monkeypatch
):
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 4096)
    sealed = []
    real = intake.blobs.on_seal

    def seen():
        with scratch.transaction() as tx:
            sealed.append(
                tx.execute(
                    "select count(*) from instance where sop_uid like %s", (f"{shape.series_uid}.%",)
                ).fetchone()[0]
            )
        real()

    intake.blobs.on_seal = seen
    with intake.arrival(actor, "stow", "user:A") as delivery:
        lay(delivery, *map(raw, range(1, 9)))
        assert sealed == []
        delivery.settle()
    assert sealed == [8]
    assert [path.suffix for path in (tmp_path / "blobs").glob("*/*.*")] == [".seg"]
    assert len(bytes_of(intake, scratch, map(shape.sop_uid, range(1, 9)))) == 8


def test_lost_rows_of_a_shared_statement_come_back(intake, actor, raw, shape, scratch, tmp_path):
    with intake.arrival(actor, "stow", "user:A") as delivery:
        lay(delivery, *map(raw, range(1, 5)))
        delivery.settle()
    forget(scratch, shape.study_uid)
    again, _ = reopened(intake, scratch, tmp_path)
    assert again.recover() == 4
    assert len(bytes_of(again, scratch, map(shape.sop_uid, range(1, 5)))) == 4
    again.close()


def test_a_row_is_bounded(intake, actor, slice_of):
    shape = Shape(70, rows=2, columns=2, seed=6999, patient="P6999")
    with intake.arrival(actor, "stow", "user:A") as delivery:
        full = []
        for number in range(1, 66):
            lay(delivery, file_bytes(slice_of(shape, number)))
            full.append(delivery.is_full)
        assert full.index(True) == 63
        assert {one.kind for one in delivery.settle()} == {"new"}
        assert not delivery.is_full
