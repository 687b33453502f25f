"""What must hold when things happen at the same moment, late, or after a crash."""

import threading
import time
from contextlib import closing

import pytest

from heliograph.features.archive import held_of_study, verify
from tests.phantoms import Shape, file_bytes
from tests.unit.features.archive.conftest import feed
from tests.unit.features.archive.test_recovery import forget, reopened


def studies(database, study_uid):
    with database.transaction() as tx:
        return tx.execute(
            "select instance_count, series_count, held_count from study where study_uid = %s", (study_uid,)
        ).fetchall()


def other(shape, seed):
    return Shape(slices=3, rows=8, columns=8, seed=seed, patient=shape.patient)


def test_guard_2_a_study_whose_first_object_was_held_says_so_when_it_comes(put, slice_of, shape, scratch, actor):
    raw = file_bytes(slice_of(shape, 1))
    assert put(raw[:-20]).reason == "truncated"
    outcome = put(slice_of(shape, 2))
    with scratch.transaction() as tx:
        assert [item["reason_code"] for item in held_of_study(tx, actor, outcome.study_id)] == ["truncated"]
    assert studies(scratch, shape.study_uid) == [(1, 1, 1)]


def test_the_same_object_in_two_studies_at_once_makes_no_empty_study(put, slice_of, shape, scratch, actor, intake):
    elsewhere = slice_of(shape, 1)
    elsewhere.StudyInstanceUID, elsewhere.SeriesInstanceUID = (
        "2.25.771" + shape.study_uid[5:15],
        "2.25.772" + shape.study_uid[5:15],
    )
    put(slice_of(shape, 2))
    outcomes = []
    with scratch.transaction() as first:
        _insert_like(first, shape, slice_of, put)
        thread = threading.Thread(target=lambda: outcomes.append(put(elsewhere)))
        thread.start()
        time.sleep(1.0)  # it has looked for the object, found none, and waits for the first one's commit
        assert not outcomes
    thread.join(150)
    assert [outcome.reason for outcome in outcomes] == ["same_uid_other_study"]
    assert studies(scratch, elsewhere.StudyInstanceUID) == []


def _insert_like(tx, shape, slice_of, put):
    """The row of slice 1 as another process is just adding it."""
    tx.execute(
        "insert into instance (tenant_id, series_fk, sop_uid, sop_class_uid, transfer_syntax_uid, size_bytes, prefix_bytes, header_bytes, "
        "sha256, blob, arrival_id, received_at) select tenant_id, series_fk, %s, sop_class_uid, transfer_syntax_uid, size_bytes, prefix_bytes, "
        "header_bytes, %s, blob, arrival_id, received_at from instance where sop_uid = %s",
        (shape.sop_uid(1), b"0" * 32, shape.sop_uid(2)),
    )


def test_what_was_replaced_while_a_verification_ran_is_not_marked_as_verified(put, slice_of, shape, scratch, intake):
    put(slice_of(shape, 1))
    changed = slice_of(shape, 1)
    changed.SeriesDescription = "NEWER"
    with scratch.transaction() as tx:
        last = tx.execute("select id - 1 from instance where sop_uid = %s", (shape.sop_uid(1),)).fetchone()[0]
    reading, replaced = threading.Event(), threading.Event()

    class Slow:
        """The same blobs on a disk that gives its first bytes when the object has been replaced."""

        def read_as_is(self, *place):
            found = intake.blobs.read_as_is(*place)
            reading.set()
            replaced.wait(150)
            return found

    thread = threading.Thread(target=lambda: verify.verify(scratch, Slow(), cursor={"instance": str(last)}))
    thread.start()
    assert reading.wait(150)
    assert put(changed).kind == "newer"
    replaced.set()
    thread.join(150)
    assert not thread.is_alive()
    with scratch.transaction() as tx:
        row = tx.execute("select verified_at from instance where sop_uid = %s", (shape.sop_uid(1),)).fetchone()
    assert row == (None,)


@pytest.mark.parametrize("newer_first", [False, True])
def test_recovery_in_whatever_order_leaves_the_newer_content_current(
    intake, actor, slice_of, shape, scratch, tmp_path, newer_first
):
    older, newer = slice_of(shape, 1), slice_of(shape, 1)
    newer.SeriesDescription = "NEWER"
    with intake.arrival(actor, "dimse", "CT1") as one, intake.arrival(actor, "dimse", "CT1") as two:
        first, second = (two, one) if newer_first else (one, two)
        first.open(), second.open()  # each has its segment; recovery reads them by number
        assert feed(one, file_bytes(older)).kind == "new"
        assert feed(two, file_bytes(newer)).kind == "newer"
    with scratch.transaction() as tx:
        tx.execute(
            "delete from instance_version v using instance i where v.instance_fk = i.id and i.sop_uid = %s",
            (shape.sop_uid(1),),
        )
    forget(scratch, shape.study_uid)
    again, blobs = reopened(intake, scratch, tmp_path)
    with closing(blobs):
        assert again.recover() == 2
        with scratch.transaction() as tx:
            blob, versions = tx.execute(
                "select blob, version from instance where sop_uid = %s", (shape.sop_uid(1),)
            ).fetchone()
        assert blobs.read(blob) == file_bytes(newer)
        assert versions == 2


def test_guard_3_an_identifier_with_a_backslash_is_whole_or_the_object_is_held(put, slice_of, shape, scratch):
    for number, name in ((1, ""), (2, "")):
        made = slice_of(other(shape, 880_000 + shape.seed * 10 + number), 1)
        made.PatientID = [f"K{shape.seed}", str(number)]
        made.PatientName = name
        made.PatientBirthDate = ""
        made.PatientSex = ""
        put(made)
    with scratch.transaction() as tx:
        count = tx.execute("select count(*) from patient where patient_id like %s", (f"K{shape.seed}%",)).fetchone()[0]
    assert count in {0, 2}


def test_the_same_bytes_with_another_transfer_syntax_are_not_the_same_object(put, slice_of, shape, scratch):
    made = slice_of(shape, 1)
    raw = file_bytes(made)
    wrong = raw.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0", 1)
    assert wrong != raw
    assert put(wrong).kind == "new"
    assert put(raw).kind == "newer"


def test_a_change_in_the_bits_above_the_image_is_another_content(put, slice_of, shape):
    """Overlays stood in the unused high bits of the cells; many archives still have them (PS3.3 C.9.2, retired)."""
    plain, drawn = slice_of(shape, 1), slice_of(shape, 1)
    for made in (plain, drawn):
        made.BitsStored, made.HighBit, made.PixelRepresentation = 12, 11, 0
    drawn.PixelData = plain.PixelData[:1] + bytes([plain.PixelData[1] | 0x80]) + plain.PixelData[2:]
    assert put(plain).kind == "new"
    assert put(drawn).kind == "newer"
