"""Deciding about held objects."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from heliograph.engine.db import Database, Tx
from heliograph.features.access import EVERYWHERE, Actor
from heliograph.features.archive import RACES, discard, held_objects, held_of_study, release
from heliograph.kit.errors import Conflict, Invalid, Refused
from tests.phantoms import file_bytes


def held_one(put, slice_of, shape):
    put(slice_of(shape, 1), source="CT1")
    changed = slice_of(shape, 1)
    changed.SeriesDescription = "OTHER"
    return put(changed, source="CT2"), file_bytes(changed)


def test_guard_2_the_study_tells_what_is_held_and_why(put, slice_of, shape, scratch, actor):
    outcome, _ = held_one(put, slice_of, shape)
    with scratch.transaction() as tx:
        items = held_of_study(tx, actor, outcome.study_id)
    assert [item["reason_code"] for item in items] == ["same_uid_other_content"]
    assert items[0]["difference"] == [{"attribute": "source", "stored": "CT1", "held": "CT2"}]


def test_releasing_makes_it_current_and_keeps_the_older_and_who_and_why(put, slice_of, shape, scratch, actor, intake):
    outcome, raw = held_one(put, slice_of, shape)
    with scratch.transaction() as tx:
        assert release(tx, actor, intake, outcome.held_id, "the second scanner is right").kind == "newer"
    with scratch.transaction() as tx:
        blob, version = tx.execute(
            "select blob, version from instance where sop_uid = %s", (shape.sop_uid(1),)
        ).fetchone()
        by, why, state = tx.execute(
            "select decided_by, decided_reason, state from held where id = %s", (outcome.held_id,)
        ).fetchone()
        assert held_of_study(tx, actor, outcome.study_id) == []
        assert tx.execute("select held_count from study where id = %s", (outcome.study_id,)).fetchone() == (0,)
    assert intake.blobs.read(blob) == raw
    assert version == 2
    assert (by, why, state) == ("system:test", "the second scanner is right", "released")


def test_discarding_takes_it_off_the_list_and_keeps_the_bytes(put, slice_of, shape, scratch, actor, intake):
    outcome, raw = held_one(put, slice_of, shape)
    with scratch.transaction() as tx:
        discard(tx, actor, outcome.held_id, "sent by mistake")
        assert outcome.held_id not in {item["id"] for item in held_objects(tx, actor)}
        blob = tx.execute("select blob from held where id = %s", (outcome.held_id,)).fetchone()[0]
    assert intake.blobs.read(blob) == raw


def test_deciding_twice_is_refused(put, slice_of, shape, scratch, actor, intake):
    outcome, _ = held_one(put, slice_of, shape)
    with scratch.transaction() as tx:
        discard(tx, actor, outcome.held_id, "sent by mistake")
    with scratch.transaction() as tx, pytest.raises(Conflict, match="decided already"):
        release(tx, actor, intake, outcome.held_id, "after all")


def test_a_reason_is_needed(put, slice_of, shape, scratch, actor):
    outcome, _ = held_one(put, slice_of, shape)
    with scratch.transaction() as tx, pytest.raises(Invalid, match="reason"):
        discard(tx, actor, outcome.held_id, " ")


def test_what_is_not_dicom_cannot_be_released(put, scratch, actor, intake):
    outcome = put(b"no dicom at all " * 40)
    with scratch.transaction() as tx, pytest.raises(Conflict):
        release(tx, actor, intake, outcome.held_id, "please")


def test_a_viewer_may_not_decide(put, slice_of, shape, scratch):
    outcome, _ = held_one(put, slice_of, shape)
    viewer = Actor("token", "1", "viewer", 1, frozenset({"study.read"}), scope=EVERYWHERE)
    with scratch.transaction() as tx, pytest.raises(Refused):
        discard(tx, viewer, outcome.held_id, "no reason")


def is_waiting(scratch: Database, application: str) -> bool:
    """Whether a statement of this application waits for a lock."""
    with scratch.transaction() as tx:
        row = tx.execute(
            "select count(*) from pg_stat_activity where application_name = %s and wait_event_type = 'Lock'",
            (application,),
        ).fetchone()
    return row != (0,)


def wait_until_it_waits(scratch: Database, application: str, done: "Future[str]") -> None:
    """Until the other transaction waits, or has ended without having to."""
    deadline = time.monotonic() + 60
    while not done.done() and not is_waiting(scratch, application):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def deciding(scratch_url):
    """A pool of its own, so that its waiting can be told from that of others."""
    name = f"deciding-{threading.get_ident()}-{time.monotonic_ns()}"
    database = Database(scratch_url, name=name)
    database.open()
    yield database, name
    database.close()


def test_a_release_and_an_arrival_that_take_locks_crosswise_both_get_done(
    put, slice_of, shape, scratch, actor, intake, deciding
):
    """The arrival of a further object takes the instance, then the study; a release takes the study, then the instance."""
    database, name = deciding
    first = put(slice_of(shape, 2), source="CT1")
    held = put(slice_of(shape, 1), expected=shape.sop_uid(3))
    assert held.reason == "command_differs"
    told: Future[str] = Future()
    told.set_result("not yet asked for")

    def arrive(tx: Tx) -> None:
        nonlocal told
        tx.execute(
            "insert into instance (tenant_id, series_fk, sop_uid, sop_class_uid, transfer_syntax_uid, size_bytes, prefix_bytes, header_bytes, "
            "sha256, blob, arrival_id, received_at) select tenant_id, series_fk, %s, sop_class_uid, transfer_syntax_uid, size_bytes, "
            "prefix_bytes, header_bytes, %s, blob, arrival_id, received_at from instance where id = %s on conflict do nothing",
            (shape.sop_uid(1), b"other", first.instance_id),
        )
        if told.result() == "not yet asked for":
            told = other.submit(
                database.retried,
                lambda tx: release(tx, actor, intake, held.held_id, "the number is right").kind,
                races=RACES,
            )
            wait_until_it_waits(scratch, name, told)
        tx.execute("update study set revision = revision + 1 where id = %s", (first.study_id,))

    with ThreadPoolExecutor(1) as other:
        scratch.retried(arrive)
        assert told.result(60) in {"new", "newer"}
    with scratch.transaction() as tx:
        assert tx.execute("select state from held where id = %s", (held.held_id,)).fetchone() == ("released",)


def test_two_people_who_decide_at_once_are_one_decision(put, slice_of, shape, scratch, actor, intake, deciding):
    """One releases, one discards: neither meets a deadlock, and the second is told that somebody was faster."""
    database, name = deciding
    outcome, _ = held_one(put, slice_of, shape)
    with ThreadPoolExecutor(1) as other:
        with scratch.transaction() as tx:
            release(tx, actor, intake, outcome.held_id, "the second scanner is right")
            told = other.submit(
                database.retried, lambda tx: discard(tx, actor, outcome.held_id, "by mistake"), races=RACES
            )
            wait_until_it_waits(scratch, name, told)
        with pytest.raises(Conflict, match="decided already"):
            told.result(60)
    with scratch.transaction() as tx:
        assert tx.execute("select held_count from study where id = %s", (outcome.study_id,)).fetchone() == (0,)


def test_an_object_whose_study_has_just_come_is_released_into_it(put, slice_of, shape, scratch, actor, intake):
    """It was held when its study was not there, and the study makes it its own."""
    held = put(slice_of(shape, 1), expected=shape.sop_uid(3))
    assert held.study_id is None
    with scratch.transaction() as tx:
        outcome = release(tx, actor, intake, held.held_id, "the number is right")
        assert outcome.kind == "new"
        row = tx.execute("select instance_count, held_count from study where id = %s", (outcome.study_id,)).fetchone()
        assert row == (1, 0)
