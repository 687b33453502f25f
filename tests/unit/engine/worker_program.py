"""A worker process with work to be cut off, started by test_jobs: `python -m tests.unit.engine.worker_program URL`."""

import sys
import time

from heliograph.engine import telemetry
from heliograph.engine.db import Database
from heliograph.engine.jobs import JobRun, Work
from heliograph.engine.jobs.worker import run_worker
from heliograph.kit.errors import Broken


def count_up(run: JobRun) -> None:
    """Counts from its cursor to the end and keeps every number that it did."""
    done = list(run.cursor.get("done", []))
    for n in range(len(done), run.arguments["to"]):
        time.sleep(run.arguments.get("pause_s", 0.0))
        done.append(n)
        run.progress(
            len(done), run.arguments["to"], cursor={"done": done, "starts": run.cursor.get("starts", 0)}, force=True
        )
    run.summary = {"done": done}


def fail(run: JobRun) -> None:
    if not run.cursor:
        run.progress(3, 5, cursor={"n": 3}, force=True)
        raise Broken("it broke at three", code="broke")
    run.summary = {"went_on_from": run.cursor["n"]}


def explode(run: JobRun) -> None:
    raise ValueError("Doe^Jane is a name that must not be told")


def main() -> None:
    telemetry.set_up("worker")
    database = Database(sys.argv[1], name="test-worker")
    database.open()

    def mark(place: str) -> None:
        with database.transaction() as tx:
            tx.execute(
                "insert into import_file (job_id, path, outcome) values (%s, %s, '') on conflict do nothing",
                (place.partition("|")[0], place),
            )

    def last(place: str, seconds: float) -> None:
        time.sleep(seconds)
        mark(place)

    def fail_once(place: str) -> None:
        with database.transaction() as tx:
            known = tx.execute("select 1 from import_file where path = %s", (place,)).fetchone()
        mark(place)
        if known is None:
            time.sleep(2)  # the test puts a successor into the queue meanwhile
            raise ValueError

    works = [
        Work("test_count", count_up),
        Work("test_fail", fail),
        Work("test_explode", explode),
        Work("test_mark", mark, tracked=False),
        Work("test_last", last, tracked=False),
        Work("test_fail_once", fail_once, tracked=False),
    ]
    run_worker(database, works, [], slots=2)


if __name__ == "__main__":
    main()
