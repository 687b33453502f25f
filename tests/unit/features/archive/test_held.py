"""Deciding about held objects."""

import pytest

from heliograph.features.access import Actor
from heliograph.features.archive import discard, held_objects, held_of_study, release
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
    viewer = Actor("user", "1", "viewer", 1, frozenset({"study.read"}))
    with scratch.transaction() as tx, pytest.raises(Refused):
        discard(tx, viewer, outcome.held_id, "no reason")
