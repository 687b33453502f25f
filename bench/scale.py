"""`make bench-scale`: what one instance costs at 10^4, 10^5 and 10^6, and how long a search takes then. Resumes where it was stopped."""

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bench import probe
from bench.scaling.drive import Drive
from bench.scaling.people import INSTANCES_PER_STUDY, Examination
from bench.scaling.search import search_times, summary
from bench.scaling.seed import index_bytes, restore_indexes, seed, settle
from heliograph.app import installation
from heliograph.kit import settings as kit_settings
from heliograph.kit.settings import Settings
from heliograph.services import Services
from tests.peers import processes
from tests.peers.heliograph import Server

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "bench" / "results"
MARKS: Final = (10_000, 100_000, 1_000_000)
STRIDE: Final = 10_000
SMALL_STRIDE: Final = 2_500
# For the first guess at the duration only.
_INSTANCES_PER_S, _ROWS_PER_S, _INDEX_ROWS_PER_S, _SEARCH_S = 1000.0, 3500.0, 15_000.0, 100.0


class State:
    """What is done already, on disk after each step; and the log of all runs on this folder."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "state.json"
        self.log = folder / "scale.log"
        self.values: dict[str, Any] = {"instances": 0, "seeded": 0, "marks": {}, "seeded_marks": {}, "strides": []}
        if self.file.exists():
            self.values |= json.loads(self.file.read_text(encoding="utf-8"))

    def save(self) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(self.values, indent=1), encoding="utf-8")
        new.replace(self.file)

    def say(self, text: str) -> None:
        line = f"[{time.strftime('%H:%M:%S')}] {text}"
        print(line, flush=True)
        with self.log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")


class Run:
    """One run on one folder."""

    def __init__(self, options: argparse.Namespace, state: State) -> None:
        self.state = state
        self.values = state.values
        self.to, self.studies, self.asks = options.to, options.studies or options.to, options.asks
        self.settings: Settings = replace(kit_settings.load({"data": options.work / "data"}, {}), reserve_bytes=1 << 30)

    def with_services(self, work: Callable[[Services], Any]) -> Any:
        with installation(self.settings, "bench-scale") as services:
            return work(services)

    def say_plan(self) -> None:
        """What is left to do and about how long it takes."""
        left = max(self.to - self.values["instances"], 0)
        rows = max(self.studies - max(self.values["seeded"], self.to // INSTANCES_PER_STUDY), 0)
        searches = sum(
            1 for mark in MARKS if mark <= self.to and "search" not in self.values["marks"].get(str(mark), {})
        )
        searches += str(self.studies) not in self.values["seeded_marks"]
        seconds = left / self._rate() + rows / _ROWS_PER_S + rows / _INDEX_ROWS_PER_S + searches * _SEARCH_S
        self.state.say(
            f"to do: {left:,} instances, {rows:,} study rows, {searches} times of searching; about {seconds / 60:.0f} minutes. "
            "It may be interrupted at any time; the same command goes on."
        )

    def _rate(self) -> float:
        measured = [stride for stride in self.values["strides"] if stride.get("is_whole")]
        return 1000 / measured[-1]["wall_ms"] if measured else _INSTANCES_PER_S

    # -- phases

    def ingest(self, goal: int) -> None:
        """Up to `goal` instances, stride by stride."""
        with installation(self.settings, "bench-scale") as services:
            drive = Drive(services, self.settings.data)
            while self.values["instances"] < goal:
                first = self.values["instances"]
                last = min(first + (SMALL_STRIDE if goal <= STRIDE else STRIDE), goal)
                self._stride(drive, services, first, last)

    def _stride(self, drive: Drive, services: Services, first: int, last: int) -> None:
        # A stride that was interrupted is finished without being counted: what was there already costs less.
        is_whole = not _is_begun(services, first)
        cost = drive.measure(first // INSTANCES_PER_STUDY, last // INSTANCES_PER_STUDY)
        self.values["instances"] = last
        self.values["strides"].append({**cost.as_dict(), "is_whole": is_whole})
        self.state.save()
        left = (self.to - last) / self._rate()
        self.state.say(
            f"{last:>9,} instances: {cost.cpu_ms:.2f} ms CPU each (ours {cost.own_cpu_ms:.2f}, PostgreSQL {cost.database_cpu_ms:.2f}), "
            f"{1000 / cost.wall_ms:.0f}/s, {cost.wall_per_sync:.2f} syncs of {cost.fdatasync_ms:.2f} ms; {left / 60:.1f} minutes of this left"
        )

    def mark(self, goal: int) -> None:
        """Size and searches at a size, once, and only while the archive has this size."""
        found = self.values["marks"].setdefault(str(goal), {})
        if "search" in found or self.values["instances"] != goal or self.values["seeded"]:
            return
        found["index_bytes"] = self.with_services(index_bytes)
        found["search"] = self.searched(goal // INSTANCES_PER_STUDY)
        self.state.save()

    def seed(self) -> None:
        begun = max(self.values["seeded"], self.values["instances"] // INSTANCES_PER_STUDY)
        began, start = time.monotonic(), begun

        def progress(done: int) -> None:
            self.values["seeded"] = done
            self.state.save()
            rate = (done - start) / (time.monotonic() - began)
            left = (self.studies - done) / rate + self.studies / _INDEX_ROWS_PER_S
            self.state.say(f"{done:>9,} study rows, {rate:.0f}/s; {left / 60:.1f} minutes of this left")

        with installation(self.settings, "bench-scale") as services:
            if begun < self.studies:
                seed(services, begun, self.studies, progress, self.state.say)
            restore_indexes(services, self.state.say)

    def searched(self, studies: int) -> dict[str, Any]:
        say = self.state.say
        say(f"searching {studies:,} studies")
        self.with_services(settle)
        environment = {
            "HELIOGRAPH_RESERVE_BYTES": str(self.settings.reserve_bytes),
            "HELIOGRAPH_VERIFY_PERIOD_DAYS": "0",
            "HELIOGRAPH_REQUESTS_PER_MINUTE": "0",
        }
        data = self.settings.data
        server = Server(data, env=environment, log=data.with_name("server.log"))
        server.mark = _mark(data)
        log = data.with_name("server.log")
        begin = log.stat().st_size if log.exists() else 0
        with server:
            _wait_warm(log, begin)
            found = summary(search_times(server, studies, self.asks, say))
        for group, times in found.items():
            say(f"  {group}: {times['asks']} asks, p50 {times['p50_ms']:.1f} ms, p95 {times['p95_ms']:.1f} ms")
        return found


def _wait_warm(log: Path, begin: int) -> None:
    """Searching begins when the worker has read the indexes into memory, as it does once after each start."""
    deadline = time.monotonic() + 300
    while b"indexes_in_memory" not in log.read_bytes()[begin:]:
        if time.monotonic() > deadline:
            raise TimeoutError("the indexes were not read into memory within 300 s")
        time.sleep(0.5)


def _mark(data: Path) -> str:
    return f"scale {data.resolve()}"


def end_left_over(data: Path) -> None:
    """Ends the server that an earlier run could not stop, because it was killed itself."""
    left = processes.family(_mark(data))
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(map(processes.is_alive, left)):
        time.sleep(0.1)
    processes.kill_all(processes.family(_mark(data)))


def _is_begun(services: Services, first: int) -> bool:
    uids = [Examination(first // INSTANCES_PER_STUDY + place).study_uid for place in range(8)]
    with services.database.transaction() as tx:
        return tx.execute("select 1 from study where study_uid = any(%s)", (uids,)).fetchone() is not None


# -- report ----------------------------------------------------------------------------------------------------


def cost_at(values: dict[str, Any], goal: int) -> dict[str, float] | None:
    """The mean of the whole strides of the last tenth (at 10^4: of the last half)."""
    begin = goal / 2 if goal <= STRIDE else goal * 0.9
    strides = [one for one in values["strides"] if begin < one["instances"] <= goal and one["is_whole"]]
    count = sum(one["window"] for one in strides)
    if not count:
        return None
    names = ("wall_ms", "own_cpu_ms", "database_cpu_ms", "fdatasync_ms", "cpu_ms", "wall_per_sync")
    return {name: sum(one[name] * one["window"] for one in strides) / count for name in names}


def table(values: dict[str, Any]) -> str:
    return "\n".join([*_cost_lines(values), "", *_search_lines(values), "", *_slowest_lines(values)])


def _cost_lines(values: dict[str, Any]) -> list[str]:
    lines = [
        "| instances | CPU of one (ours + PostgreSQL) | against 10,000 | instances/s | wall of one in syncs | bytes of index for one |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    base = cost_at(values, MARKS[0])
    for goal in MARKS:
        cost, size = cost_at(values, goal), sum(values["marks"].get(str(goal), {}).get("index_bytes", {}).values())
        if cost is None:
            continue
        against = f"{100 * (cost['cpu_ms'] / base['cpu_ms'] - 1):+.0f} %" if base else ""
        lines.append(
            f"| {goal:,} | {cost['cpu_ms']:.2f} ms ({cost['own_cpu_ms']:.2f} + {cost['database_cpu_ms']:.2f}) | {against} | "
            f"{1000 / cost['wall_ms']:.0f} | {cost['wall_per_sync']:.2f} of {cost['fdatasync_ms']:.2f} ms | {size / goal:.0f} |"
        )
    return lines


def _searches(values: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    found = [(int(n) // INSTANCES_PER_STUDY, mark["search"]) for n, mark in values["marks"].items() if "search" in mark]
    return found + [(int(n), mark["search"]) for n, mark in values["seeded_marks"].items()]


def _search_lines(values: dict[str, Any]) -> list[str]:
    lines = ["| studies | questions | asked | p50 | p95 | over 50 ms |", "|---:|---|---:|---:|---:|---:|"]
    for studies, search in _searches(values):
        for group, times in search.items():
            share = 100 * times["over_50_ms"] / times["asks"]
            lines.append(
                f"| {studies:,} | {group} | {times['asks']:,} | {times['p50_ms']:.1f} ms | {times['p95_ms']:.1f} ms | {share:.1f} % |"
            )
    return lines


def _slowest_lines(values: dict[str, Any]) -> list[str]:
    searches = _searches(values)
    if not searches:
        return []
    studies, search = searches[-1]
    kinds = [
        (times["p95_ms"], times["p50_ms"], group, name)
        for group, found in search.items()
        for name, times in found["kinds"].items()
    ]
    lines = [f"Every kind of question at {studies:,} studies, the slowest first:", ""]
    lines += ["| questions | kind | p50 | p95 |", "|---|---|---:|---:|"]
    for p95, p50, group, name in sorted(kinds, reverse=True):
        lines.append(f"| {group} | {name} | {p50:.1f} ms | {p95:.1f} ms |")
    return lines


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument(
        "--to", type=int, default=100_000, help="instances to drive through the intake (default 100000)"
    )
    parser.add_argument("--studies", type=int, default=0, help="study rows to seed after it (default: as many as --to)")
    parser.add_argument("--asks", type=int, default=30, help="asks of each kind of question (default 30)")
    parser.add_argument(
        "--work",
        type=Path,
        default=ROOT / "bench" / "out" / "scale",
        help="data folder and state; kept for the next run",
    )
    parser.add_argument("--fresh", action="store_true", help="throw away what an earlier run left")
    parser.add_argument("--publish", action="store_true", help="write table and log to bench/results, to be committed")
    parser.add_argument("--report", action="store_true", help="only print (and publish) what is there")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.fresh:
        end_left_over(options.work / "data")
        shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True, exist_ok=True)
    lock = (options.work / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit("another run works on this folder") from None
    end_left_over(options.work / "data")
    state = State(options.work)
    state.values.setdefault("machine", probe.machine())
    run = Run(options, state)
    if not options.report:
        run.say_plan()
        for goal in [mark for mark in MARKS if mark <= run.to]:
            run.ingest(goal)
            run.mark(goal)
        run.seed()
        if str(run.studies) not in state.values["seeded_marks"]:
            state.values["seeded_marks"][str(run.studies)] = {"search": run.searched(run.studies)}
            state.save()
    text = table(state.values)
    (options.work / "scale.md").write_text(text + "\n", encoding="utf-8")
    print(f"\n{text}", flush=True)
    if options.publish:
        RESULTS.mkdir(exist_ok=True)
        machine = ", ".join(f"{name} {value}" for name, value in state.values["machine"].items())
        (RESULTS / "scale.md").write_text(f"# Scale\n\n{machine}\n\n{text}\n", encoding="utf-8")
        shutil.copyfile(state.log, RESULTS / "scale.log")
        print(f"\nwritten: {RESULTS.relative_to(ROOT)}/scale.md, scale.log")


if __name__ == "__main__":
    main()
