"""Long work: in the transaction that asked for it, cancelled, run again from its cursor, and taken up after its worker was killed."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from uuid import UUID

import pytest

from heliograph.engine.db import Database, Tx
from heliograph.engine.jobs import JobRun, Work, cancel, defer, enqueue, listing, retry
from heliograph.engine.jobs.queue import Cancelled
from heliograph.engine.jobs.worker import run_tracked
from heliograph.kit.errors import Absent, Broken, Busy, Conflict
from heliograph.kit.ids import new_id
from tests.peers.pace import soonest

Found = TypeVar("Found")


@pytest.fixture(scope="module")
def own(new_url: Callable[[], str]) -> Iterator[Database]:
    """A database of our own: a worker takes whatever it finds."""
    database = Database(new_url(), name="test-jobs")
    database.open()
    yield database
    database.close()


@contextlib.contextmanager
def worker(database: Database) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process; it is killed at the end if it still lives."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.engine.worker_program", database.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        yield child
    finally:
        child.kill()
        child.wait()


def until(look: Callable[[], Found], timeout_s: float = 150.0) -> Found:
    deadline = time.monotonic() + timeout_s
    while not (seen := look()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)
    return seen


def put(database: Database, kind: str, **arguments: Any) -> UUID:
    with database.transaction() as tx:
        return enqueue(tx, 1, kind, "a test", arguments, "system:test", unit="things")


def job(database: Database, job_id: UUID) -> dict[str, Any]:
    with database.transaction() as tx:
        return next(one for one in listing(tx, 1, limit=500) if one["id"] == str(job_id))


def ended(database: Database, job_id: UUID) -> dict[str, Any]:
    return until(lambda: (one := job(database, job_id))["state"] in {"done", "failed", "cancelled"} and one)


def queue_rows(tx: Tx, job_id: UUID) -> int:
    row = tx.execute("select count(*) from procrastinate_jobs where args->>'job_id' = %s", (str(job_id),)).fetchone()
    assert row is not None
    return int(row[0])


# -- asking ----------------------------------------------------------------------------------------------------


def test_a_job_asked_for_in_a_transaction_that_fails_was_never_asked_for(own: Database) -> None:
    asked: list[UUID] = []

    def ask_and_fail(tx: Tx) -> None:
        asked.append(enqueue(tx, 1, "test_count", "a test", {"to": 1}, "system:test"))
        defer(tx, "test_mark", {"place": "never"})
        assert queue_rows(tx, asked[0]) == 1
        raise ValueError

    with pytest.raises(ValueError), own.transaction() as tx:
        ask_and_fail(tx)
    with own.transaction() as tx:
        assert str(asked[0]) not in {one["id"] for one in listing(tx, 1)}
        assert queue_rows(tx, asked[0]) == 0
        assert tx.execute("select count(*) from procrastinate_jobs where args->>'place' = 'never'").fetchone() == (0,)


def test_a_place_in_the_queue_is_held_by_one(own: Database) -> None:
    with own.transaction() as tx:
        for _ in range(3):
            defer(tx, "test_nothing", {"n": 1}, once="the-place")
        assert tx.execute("select count(*) from procrastinate_jobs where queueing_lock = 'the-place'").fetchone() == (
            1,
        )
        tx.execute("delete from procrastinate_jobs where queueing_lock = 'the-place'")


def test_jobs_are_listed_latest_first_in_pages_and_by_tenant(own: Database) -> None:
    made = [put(own, "test_nothing") for _ in range(5)]
    with own.transaction() as tx:
        first = listing(tx, 1, state="queued", limit=3)
        rest = listing(tx, 1, state="queued", limit=3, before=UUID(first[-1]["id"]))
        assert [one["id"] for one in (*first, *rest)][:5] == [str(one) for one in reversed(made)]
        assert listing(tx, 2) == []
        for one in made:
            cancel(tx, 1, one)


# -- cancelling and running again, without a worker ------------------------------------------------------------


def run(database: Database, job_id: UUID, work: Callable[[JobRun], object], **options: Any) -> None:
    run_tracked(database, {"test_nothing": Work("test_nothing", work)}, job_id, **options)


def test_a_queued_job_that_is_cancelled_never_runs(own: Database) -> None:
    job_id = put(own, "test_nothing")
    with own.transaction() as tx:
        cancel(tx, 1, job_id)
    ran: list[bool] = []
    run(own, job_id, lambda _run: ran.append(True))
    assert ran == []
    assert job(own, job_id)["state"] == "cancelled"
    assert job(own, job_id)["finished_at"] is not None


def test_a_running_job_that_is_cancelled_ends_at_its_next_progress(own: Database) -> None:
    job_id = put(own, "test_nothing")

    def work(seen: JobRun) -> None:
        seen.progress(1, 9, force=True)
        with own.transaction() as tx:
            cancel(tx, 1, job_id)
        with pytest.raises(Cancelled):
            seen.progress(2, 9, force=True)
        seen.progress(3, 9, force=True)

    run(own, job_id, work)
    assert (job(own, job_id)["state"], job(own, job_id)["done"]) == ("cancelled", 3)


def test_a_job_that_waits_is_tried_again_until_it_was_tried_often_enough(own: Database) -> None:
    job_id = put(own, "test_nothing")

    def busy(seen: JobRun) -> None:
        seen.progress(4, 9, cursor={"n": 4})
        raise Busy("the node is busy")

    with pytest.raises(Busy):
        run(own, job_id, busy)
    assert (job(own, job_id)["state"], job(own, job_id)["done"]) == ("running", 4), "it goes on later"
    run(own, job_id, busy, is_last=True)
    seen = job(own, job_id)
    assert (seen["state"], seen["error"], seen["done"]) == ("failed", "the node is busy", 4)
    with own.transaction() as tx:
        retry(tx, 1, job_id)
    cursors: list[Any] = []
    run(own, job_id, lambda seen: cursors.append(seen.cursor))
    assert cursors == [{"n": 4}]
    assert job(own, job_id)["state"] == "done"


def test_a_job_that_is_cancelled_while_it_waits_ends_at_its_next_attempt(own: Database) -> None:
    job_id = put(own, "test_nothing")

    def busy(_seen: JobRun) -> None:
        raise Busy("the node is busy")

    with pytest.raises(Busy):
        run(own, job_id, busy)
    with own.transaction() as tx:
        cancel(tx, 1, job_id)
    ran: list[bool] = []
    run(own, job_id, lambda _seen: ran.append(True))
    assert ran == []
    assert (job(own, job_id)["state"], job(own, job_id)["finished_at"] is not None) == ("cancelled", True)


def test_the_reason_of_a_failure_is_told_and_an_unexpected_one_tells_no_values(own: Database) -> None:
    expected, unexpected = put(own, "test_nothing"), put(own, "test_nothing")

    def broken(_seen: JobRun) -> None:
        raise Broken("the disk is gone")

    def bug(_seen: JobRun) -> None:
        raise ValueError("Doe^Jane")

    run(own, expected, broken)
    assert (job(own, expected)["state"], job(own, expected)["error"]) == ("failed", "the disk is gone")
    with pytest.raises(ValueError):
        run(own, unexpected, bug)
    assert job(own, unexpected)["state"] == "failed"
    assert "Doe" not in job(own, unexpected)["error"]


def test_what_has_ended_cannot_be_cancelled_and_what_runs_cannot_be_repeated(own: Database) -> None:
    job_id = put(own, "test_nothing")
    with own.transaction() as tx, pytest.raises(Conflict):
        retry(tx, 1, job_id)
    run(own, job_id, lambda _seen: None)
    with own.transaction() as tx, pytest.raises(Conflict):
        cancel(tx, 1, job_id)
    for act in (cancel, retry):
        with own.transaction() as tx, pytest.raises(Absent):
            act(tx, 1, new_id())
        with own.transaction() as tx, pytest.raises(Absent):
            act(tx, 2, job_id)
    with pytest.raises(Absent):
        JobRun(own, new_id())


def test_progress_is_written_at_most_twice_a_second(own: Database) -> None:
    job_id = put(own, "test_nothing")
    written: list[int] = []

    def work(seen: JobRun) -> None:
        for n in range(200):
            seen.progress(n, 200)
            written.append(job(own, job_id)["done"])

    began = time.monotonic()
    run(own, job_id, work)
    assert len(set(written)) <= 2 + (time.monotonic() - began) * 2.5
    assert job(own, job_id)["done"] == 199


# -- with a worker ---------------------------------------------------------------------------------------------


def test_a_worker_does_what_is_queued_before_and_after_it_started(own: Database) -> None:
    before = put(own, "test_count", to=3)
    with worker(own):
        assert ended(own, before)["summary"] == {"done": [0, 1, 2]}
        after = put(own, "test_count", to=2)
        seen = ended(own, after)
        assert (seen["state"], seen["done"], seen["total"]) == ("done", 2, 2)
        assert seen["started_at"] <= seen["finished_at"]
        place = put(own, "test_count", to=0)
        with own.transaction() as tx:
            defer(tx, "test_mark", {"place": f"{place}|quick"})

        def marked() -> bool:
            with own.transaction() as tx:
                return (
                    tx.execute("select 1 from import_file where path = %s", (f"{place}|quick",)).fetchone() is not None
                )

        assert until(marked)


def test_a_job_whose_worker_was_killed_goes_on_from_its_cursor(own: Database) -> None:
    with worker(own) as first:
        job_id = put(own, "test_count", to=160, pause_s=0.05)
        until(lambda: job(own, job_id)["done"] >= 5)
        first.kill()
        first.wait()
    assert job(own, job_id)["state"] == "running"
    done = job(own, job_id)["done"]
    assert 5 <= done < 160
    with worker(own):
        seen = ended(own, job_id)
    assert seen["state"] == "done"
    assert seen["summary"] == {"done": list(range(160))}, "every number once: nothing twice, nothing left out"


def test_a_worker_that_is_told_to_stop_stops_within_seconds_and_the_next_one_goes_on(own: Database) -> None:
    def stopped_s() -> float:
        with worker(own) as first:
            until(lambda: job(own, job_id)["done"] >= 3)
            began = time.monotonic()
            first.terminate()
            first.wait(120)
            return time.monotonic() - began

    job_id = put(own, "test_count", to=2000, pause_s=0.05)
    assert soonest(stopped_s, 10, tries=3) < 10
    with worker(own):
        until(lambda: job(own, job_id)["done"] >= 20)
        with own.transaction() as tx:
            cancel(tx, 1, job_id)
        assert ended(own, job_id)["state"] == "cancelled"


def test_small_work_that_was_cut_off_while_its_successor_waits_keeps_no_worker_from_starting(own: Database) -> None:
    """Its place in the queue is taken by then, so it cannot simply be put back into it."""
    job_id = put(own, "test_count", to=0)

    def put_last(place: str, seconds: float) -> None:
        with own.transaction() as tx:
            defer(tx, "test_last", {"place": f"{job_id}|{place}", "seconds": seconds}, once="the-same-place")

    def status(place: str) -> str | None:
        with own.transaction() as tx:
            row = tx.execute(
                "select status::text from procrastinate_jobs where args->>'place' = %s", (f"{job_id}|{place}",)
            ).fetchone()
        return row[0] if row else None

    with worker(own) as first:
        put_last("first", 3)
        until(lambda: status("first") == "doing")
        put_last("second", 0)
        first.kill()
        first.wait()
    with worker(own) as second:
        until(lambda: (status("first"), status("second")) == (None, None))
        assert second.poll() is None


def test_small_work_that_fails_while_its_successor_waits_is_tried_again_and_stops_nothing(own: Database) -> None:
    job_id = put(own, "test_count", to=0)

    def put_here(kind: str, place: str) -> None:
        with own.transaction() as tx:
            defer(tx, kind, {"place": f"{job_id}|{place}"}, once="a-place", lock="a-node")

    def left(places: list[str]) -> bool:
        with own.transaction() as tx:
            row = tx.execute(
                "select count(*) from procrastinate_jobs where args->>'place' = any(%s)",
                ([f"{job_id}|{place}" for place in places],),
            ).fetchone()
        return row != (0,)

    with worker(own):
        put_here("test_fail_once", "failing")
        until(lambda: job_seen(own, f"{job_id}|failing"))
        put_here("test_mark", "successor")
        until(lambda: not left(["failing", "successor"]))


def job_seen(database: Database, place: str) -> bool:
    with database.transaction() as tx:
        return tx.execute("select 1 from import_file where path = %s", (place,)).fetchone() is not None


def test_a_failed_job_is_run_again_from_where_it_was(own: Database) -> None:
    with worker(own):
        job_id = put(own, "test_fail")
        seen = ended(own, job_id)
        assert (seen["state"], seen["error"], seen["done"]) == ("failed", "it broke at three", 3)
        with own.transaction() as tx:
            retry(tx, 1, job_id)
        seen = until(lambda: (one := job(own, job_id))["state"] == "done" and one)
        assert (seen["summary"], seen["error"]) == ({"went_on_from": 3}, None)


def test_an_unexpected_error_is_logged_without_its_text(own: Database) -> None:
    with worker(own) as child:
        job_id = put(own, "test_explode")
        assert ended(own, job_id)["state"] == "failed"
        time.sleep(1.5)
        child.terminate()
        _, log = child.communicate(timeout=120)
    assert b"ValueError" in log
    assert b"Doe" not in log
