"""What was acknowledged is indexed again when the database lost the last commits (decision 0001)."""

import pytest

from heliograph.engine.blobs import open_blobs
from heliograph.features.archive import Intake
from heliograph.kit.errors import Busy
from heliograph.kit.settings import Settings
from tests.phantoms import file_bytes
from tests.unit.features.archive.conftest import feed


def forget(database, study_uid):
    """Takes the rows away as a power cut takes commits that were not yet in the log."""
    with database.transaction() as tx:
        tx.execute(
            "delete from instance using series se, study st where series_fk = se.id and se.study_fk = st.id and st.study_uid = %s",
            (study_uid,),
        )
        tx.execute("delete from series using study st where study_fk = st.id and st.study_uid = %s", (study_uid,))
        tx.execute("delete from study where study_uid = %s", (study_uid,))


def reopened(intake, scratch, tmp_path):
    """The store as the next process finds it: the writer of the dead one no longer holds its segment."""
    intake.blobs.close()
    blobs = open_blobs("file", tmp_path)
    return Intake(scratch, scratch, blobs, Settings(data=tmp_path)), blobs


def test_lost_rows_come_back_with_source_and_time(put, slice_of, shape, scratch, intake, tmp_path):
    raws = [file_bytes(slice_of(shape, number)) for number in (1, 2, 3)]
    for raw in raws:
        put(raw, source="CT9")
    forget(scratch, shape.study_uid)
    again, blobs = reopened(intake, scratch, tmp_path)
    assert again.recover() == 3
    with scratch.transaction() as tx:
        rows = tx.execute(
            "select i.blob, a.source from instance i join arrival a on a.id = i.arrival_id join series se on se.id = i.series_fk "
            "join study st on st.id = se.study_fk where st.study_uid = %s order by i.number",
            (shape.study_uid,),
        ).fetchall()
    assert [blobs.read(blob) for blob, _ in rows] == raws
    assert {source for _, source in rows} == {"CT9"}
    again.close()


def test_an_arrival_that_was_cut_off_is_counted_and_audited_at_the_next_start(
    intake, actor, slice_of, shape, scratch, tmp_path
):
    arrival = intake.arrival(actor, "dimse", "CT9")
    delivery = arrival.__enter__()  # its process is killed: it is never left
    for number in (1, 2):
        feed(delivery, file_bytes(slice_of(shape, number)))
    for start in range(2):
        again, blobs = reopened(intake, scratch, tmp_path)
        again.recover()
        again.close()
        blobs.close()
        with scratch.transaction() as tx:
            ended, stored = tx.execute(
                "select ended_at is not null, stored from arrival where id = %s", (delivery.arrival.id,)
            ).fetchone()
            audited = tx.execute(
                "select detail->'count', detail->>'source' from audit_event where kind = 'instances.received' "
                "and subject->>'study_uid' = %s",
                (shape.study_uid,),
            ).fetchall()
        assert (ended, stored) == (True, 2), start
        assert audited == [(2, "CT9")], "once"


def test_recovery_twice_changes_nothing(put, slice_of, shape, scratch, intake, tmp_path):
    put(slice_of(shape, 1))
    again, _ = reopened(intake, scratch, tmp_path)
    again.recover()
    assert again.recover() == 0
    with scratch.transaction() as tx:
        assert tx.execute("select instance_count from study where study_uid = %s", (shape.study_uid,)).fetchone() == (
            1,
        )
    again.close()


def test_a_discarded_object_is_not_held_again(put, scratch, actor, intake, tmp_path):
    from heliograph.features.archive import discard

    outcome = put(b"this is no object " * 50)
    with scratch.transaction() as tx:
        discard(tx, actor, outcome.held_id, "rubbish")
    again, _ = reopened(intake, scratch, tmp_path)
    again.recover()
    with scratch.transaction() as tx:
        digest = tx.execute("select sha256 from held where id = %s", (outcome.held_id,)).fetchone()[0]
        assert tx.execute("select count(*) from held where sha256 = %s", (digest,)).fetchone() == (1,)
    again.close()


def test_rows_that_a_crash_of_the_database_alone_lost_come_back(put, slice_of, shape, scratch, intake):
    """The server goes down between the commit and its log; no process of ours restarts (found by review, decision 0001)."""
    put(slice_of(shape, 1))
    put(slice_of(shape, 2))
    with scratch.transaction() as tx:
        tx.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and query like '%pg_current_xact_id%'"
        )
        tx.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and application_name = ''"
        )
    forget(scratch, shape.study_uid)
    intake.make_commits_durable()
    with scratch.transaction() as tx:
        assert tx.execute("select instance_count from study where study_uid = %s", (shape.study_uid,)).fetchone() == (
            2,
        )


def test_bytes_of_an_object_whose_commit_was_not_answered_are_never_written_over(
    intake, actor, slice_of, shape, scratch, monkeypatch
):
    """The connection breaks after the commit was sent: the row stands, the sender is told to try again."""
    from tests.unit.features.archive.conftest import feed

    first, second = (file_bytes(slice_of(shape, number)) for number in (1, 2))
    real = intake._take_once
    calls = []

    def answer_lost(*arguments):
        outcome = real(*arguments)
        calls.append(outcome)
        if len(calls) == 1:
            raise Busy("the database does not answer")
        return outcome

    monkeypatch.setattr(intake, "_take_once", answer_lost)
    with intake.arrival(actor, "dimse", "CT1") as delivery:
        with pytest.raises(Busy):
            feed(delivery, first)
        assert feed(delivery, second).kind == "new"
    with scratch.transaction() as tx:
        blobs = dict(
            tx.execute(
                "select sop_uid, blob from instance where sop_uid in (%s, %s)", (shape.sop_uid(1), shape.sop_uid(2))
            ).fetchall()
        )
    assert intake.blobs.read(blobs[shape.sop_uid(1)]) == first
    assert intake.blobs.read(blobs[shape.sop_uid(2)]) == second
