"""Objects that are ready at the same moment share one commit (decision 0009)."""

import threading
import time
from datetime import UTC, datetime

import pytest

from heliograph.engine.db import Database, Statement
from heliograph.features.archive import _adding, _repo
from heliograph.features.archive._adding import Adder
from heliograph.kit.errors import Broken, Busy
from tests.phantoms import file_bytes
from tests.unit.features.archive.conftest import feed


@pytest.fixture
def adder(scratch):
    made = Adder(scratch.line(), series_quiet_s=10, study_quiet_s=30)
    yield made
    made.close()


@pytest.fixture
def place(put, slice_of, shape, scratch):
    """(study, series, arrival) of a series with one instance."""
    outcome = put(slice_of(shape, 1))
    with scratch.transaction() as tx:
        arrival = tx.execute("select arrival_id from instance where id = %s", (outcome.instance_id,)).fetchone()[0]
    return outcome.study_id, outcome.series_id, arrival


def row(shape, place, number, **changed):
    study, series, arrival = place
    return {
        "tenant": 1, "study": study, "series": series, "series_uid": shape.series_uid, "sop_uid": f"{shape.series_uid}.9.{number}",
        "sop_class_uid": "1.2", "transfer_syntax_uid": "1.2.840.10008.1.2.1", "number": number, "frame_count": 2, "rows": 8,
        "columns": None, "bits_allocated": 16, "size": 100, "prefix_bytes": 10, "header_bytes": 20, "sha256": "\\x0102", "blob": f"t.{series}.{number}",
        "problems": ["odd"], "arrival": arrival, "at": datetime.now(UTC).isoformat(),
    } | changed  # fmt: skip


def counters(scratch, place):
    with scratch.transaction() as tx:
        study = tx.execute("select instance_count, bytes, revision from study where id = %s", place[:1]).fetchone()
        series = tx.execute("select instance_count, frame_count from series where id = %s", place[1:2]).fetchone()
        count = tx.execute("select count(*) from instance where series_fk = %s", place[1:2]).fetchone()
    return study, series, count[0]


def test_rows_of_one_statement_move_the_counters_once(adder, shape, place, scratch):
    before = counters(scratch, place)
    ids = adder.add_all([row(shape, place, number) for number in range(10)])
    assert len(set(ids)) == 10
    assert None not in ids
    study, series, count = counters(scratch, place)
    assert (study[0], study[1] - before[0][1], study[2] - before[0][2]) == (11, 1000, 1)
    assert (series, count) == ((11, before[1][1] + 20), 11)


def test_a_uid_that_is_taken_adds_nothing_and_counts_nothing(adder, shape, place, scratch):
    first, again = adder.add_all([row(shape, place, 1), row(shape, place, 1, blob="t.other")])
    assert (first is None) != (again is None), "the same UID twice in one statement: one of them"
    assert adder.add(row(shape, place, 1, blob="t.third")) is None
    assert counters(scratch, place)[0][0] == 2


def test_a_series_whose_number_was_given_to_another_gets_nothing(adder, shape, place, scratch):
    """A database that crashed may give the number of a lost series again."""
    assert adder.add(row(shape, place, 1, series_uid="1.2.3")) is None
    assert adder.add(row(shape, place, 2, study=place[0] + 100_000)) is None
    assert counters(scratch, place)[2] == 1


def test_a_row_that_the_database_refuses_is_no_instance_and_the_line_goes_on(adder, shape, place):
    assert adder.add_all([row(shape, place, 1), row(shape, place, 2, rows="x")]) == [None, None]
    assert adder.add(row(shape, place, 1)) is not None


def test_a_broken_line_is_opened_again(adder, shape, place, scratch):
    assert adder.add(row(shape, place, 1)) is not None
    with scratch.transaction() as tx:
        tx.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and query like '%%json_to_recordset%%'"
        )
    adder.add(row(shape, place, 2))
    assert adder.add(row(shape, place, 3)) is not None


def test_a_locked_study_does_not_keep_the_others_waiting(adder, shape, place, scratch):
    with scratch.transaction() as tx:
        tx.execute("select 1 from study where id = %s for update", place[:1])
        assert adder.add(row(shape, place, 1)) is None
    assert adder.add(row(shape, place, 1)) is not None


def test_a_row_beside_its_sync_is_seen_after_it_and_never_without_it(adder, shape, place, scratch):
    seen = []

    def sync():
        seen.append(counters(scratch, place)[2])

    def failing():
        raise Broken("the disk failed to keep an object")

    assert adder.add_beside(row(shape, place, 1), sync) is not None
    assert (seen, counters(scratch, place)[2]) == ([1], 2)
    with pytest.raises(Broken):
        adder.add_beside(row(shape, place, 2), failing)
    assert counters(scratch, place)[2] == 2
    deadline = time.monotonic() + 60
    while (
        adder.add_beside(row(shape, place, 3), sync) is None
    ):  # the backend that was left may hold the study a moment longer
        assert time.monotonic() < deadline
    assert adder.add_beside(row(shape, place, 3, blob="t.other"), sync) is None, "the UID is taken"
    assert adder.add_beside(row(shape, place, 4, rows="x"), sync) is None, "the database refuses it"
    assert (seen[0], counters(scratch, place)[0][0]) == (1, 3)


def test_a_row_beside_its_sync_waits_for_nobody_that_uses_the_line(adder, shape, place):
    """Two that call themselves alone: the second finds the line in use, syncs, and adds its row as many do."""
    order = []

    def second():
        order.append(adder.add_beside(row(shape, place, 2), lambda: order.append("second synced")))

    def sync():
        thread.start()
        while "second synced" not in order:
            time.sleep(0.001)

    thread = threading.Thread(target=second)
    first = adder.add_beside(row(shape, place, 1), sync)
    thread.join()
    assert order[0] == "second synced"
    assert None not in (first, order[1])


def test_a_database_that_says_nothing_is_busy_for_every_row(scratch_url, shape, place, monkeypatch):
    """No row is decided in a transaction of its own then: that would wait as long again."""
    database = Database(scratch_url, name="tests-silent")
    names = "values (%(study)s, %(study_quiet)s, %(series_quiet)s)"
    monkeypatch.setattr(_adding, "_ADD_ONE", Statement(f"select pg_sleep(40)::text, x.* from ({names}) as x"))
    silent = Adder(database.line(), series_quiet_s=10, study_quiet_s=30)
    database.silent_at_most(0.2)
    synced = []
    with pytest.raises(Busy):
        silent.add(row(shape, place, 1))
    with pytest.raises(Busy):
        silent.add_beside(row(shape, place, 1), lambda: synced.append(True))
    assert synced == [True]
    silent.close()
    database.close()


def test_many_threads_add_to_one_study(intake, actor, slice_of, shape, scratch):
    raws = [file_bytes(slice_of(shape, number)) for number in range(1, 41)]
    outcomes = []

    def send(share):
        with intake.arrival(actor, "dimse", "CT1") as delivery:
            outcomes.extend(feed(delivery, raw) for raw in share)

    threads = [threading.Thread(target=send, args=([*raws[lane::8], raws[0]],)) for lane in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kinds = [outcome.kind for outcome in outcomes]
    assert (kinds.count("new"), kinds.count("identical")) == (40, 8)
    place = (outcomes[0].study_id, outcomes[0].series_id)
    study, series, count = counters(scratch, place)
    assert (study[0], series[0], count) == (40, 40, 40)
    with scratch.transaction() as tx:
        stored = dict(tx.execute("select number, blob from instance where series_fk = %s", place[1:]).fetchall())
    assert all(intake.blobs.read(stored[number]) == raws[number - 1] for number in range(1, 41))


def test_the_statement_uses_keys_even_on_empty_tables(scratch):
    """A plan made for an empty table must not stay when it has grown."""
    with scratch.transaction() as tx:
        tx.execute("set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off")
        plan = "\n".join(line for (line,) in tx.execute("explain " + _repo.ADD_INSTANCES, ("[]", 1.0, 1.0)))
    assert "Seq Scan" not in plan
    assert "Hash Join" not in plan
