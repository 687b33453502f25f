"""`make bench-scale`: what one instance costs at 10^4, 10^5 and 10^6, and how long a search takes then. Resumes where it was stopped."""

import argparse
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import probe
from bench.scaling.drive import Drive
from bench.scaling.people import INSTANCES_PER_STUDY
from bench.scaling.search import search_times
from bench.scaling.seed import index_bytes, seed, settle
from heliograph.app import installation
from heliograph.kit import settings as kit_settings
from heliograph.kit.settings import Settings
from heliograph.services import Services
from tests.peers.heliograph import Server

ROOT = Path(__file__).resolve().parents[1]
MARKS = (10_000, 100_000, 1_000_000)
WINDOW = 5_000
STRIDE = 10_000


class State:
    """What is done already, on disk after each stride."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "state.json"
        self.values: dict[str, Any] = {"instances": 0, "seeded": 0, "marks": {}, "seeded_marks": {}, "strides": []}
        if self.file.exists():
            self.values |= json.loads(self.file.read_text(encoding="utf-8"))

    def save(self) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(self.values, indent=1), encoding="utf-8")
        new.replace(self.file)


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def ingest_to(settings: Settings, state: State, goal: int) -> None:
    """Up to `goal` instances; the last WINDOW of them are measured as the cost at this size."""
    with installation(settings, "bench-scale") as services:
        drive = Drive(services, settings.data)
        while state.values["instances"] < goal:
            first = state.values["instances"]
            last = min(first + STRIDE, goal - WINDOW if first < goal - WINDOW else goal)
            cost = drive.measure(first // INSTANCES_PER_STUDY, last // INSTANCES_PER_STUDY)
            state.values["instances"] = last
            state.values["strides"].append(cost.as_dict())
            if last == goal:
                state.values["marks"][str(goal)] = {"cost": cost.as_dict()}
            state.save()
            say(
                f"{last:>9,} instances: {cost.cpu_ms:.2f} ms CPU each (ours {cost.own_cpu_ms:.2f}, PostgreSQL {cost.database_cpu_ms:.2f}), "
                f"{1000 / cost.wall_ms:.0f}/s, {cost.wall_per_sync:.2f} syncs of {cost.fdatasync_ms:.2f} ms"
            )


def seed_to(settings: Settings, state: State, goal: int) -> None:
    base = state.values["instances"] // INSTANCES_PER_STUDY
    begun = max(state.values["seeded"], base)
    if begun >= goal:
        return

    def progress(done: int) -> None:
        state.values["seeded"] = done
        state.save()
        if done % 20_000 == 0:
            say(f"{done:>9,} study rows")

    with installation(settings, "bench-scale") as services:
        seed(services, begun, goal, progress)


def with_services(settings: Settings, work: Callable[[Services], Any]) -> Any:
    with installation(settings, "bench-scale") as services:
        return work(services)


def searched(settings: Settings, studies: int) -> dict[str, dict[str, float]]:
    with_services(settings, settle)
    environment = {"HELIOGRAPH_RESERVE_BYTES": str(settings.reserve_bytes), "HELIOGRAPH_VERIFY_PERIOD_DAYS": "0"}
    with Server(settings.data, env=environment, log=settings.data.with_name("server.log")) as server:
        times = search_times(server, studies)
    for what, spread in times.items():
        say(f"  {studies:,} studies, {what}: p50 {spread['p50_ms']:.1f} ms, p95 {spread['p95_ms']:.1f} ms")
    return times


def table(values: dict[str, Any]) -> str:
    lines = [
        "| instances | CPU of one (ours + PostgreSQL) | instances/s | wall of one in syncs | bytes of index for one |",
        "|---:|---:|---:|---:|---:|",
    ]
    for instances, mark in values["marks"].items():
        cost, size = mark["cost"], sum(mark.get("index_bytes", {}).values())
        cpu = f"{cost['cpu_ms']:.2f} ms ({cost['own_cpu_ms']:.2f} + {cost['database_cpu_ms']:.2f})"
        rest = f"{1000 / cost['wall_ms']:.0f} | {cost['wall_per_sync']:.2f} of {cost['fdatasync_ms']:.2f} ms | {size / int(instances):.0f}"
        lines.append(f"| {int(instances):,} | {cpu} | {rest} |")
    lines += ["", "| studies | question | p50 | p95 |", "|---:|---|---:|---:|"]
    found = [(int(n) // INSTANCES_PER_STUDY, mark.get("search", {})) for n, mark in values["marks"].items()]
    found += [(int(n), mark["search"]) for n, mark in values["seeded_marks"].items()]
    for studies, search in found:
        for what, spread in search.items():
            lines.append(f"| {studies:,} | {what} | {spread['p50_ms']:.1f} ms | {spread['p95_ms']:.1f} ms |")
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument(
        "--to", type=int, default=100_000, help="instances to drive through the intake (default 100000)"
    )
    parser.add_argument("--studies", type=int, default=0, help="study rows to seed after it (default: as many as --to)")
    parser.add_argument(
        "--work",
        type=Path,
        default=ROOT / "bench" / "out" / "scale",
        help="data folder and state; kept for the next run",
    )
    parser.add_argument("--fresh", action="store_true", help="throw away what an earlier run left")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.fresh:
        shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True, exist_ok=True)
    state = State(options.work)
    settings = replace(kit_settings.load({"data": options.work / "data"}, {}), reserve_bytes=1 << 30)
    state.values.setdefault("machine", probe.machine())
    for goal in [mark for mark in MARKS if mark <= options.to]:
        ingest_to(settings, state, goal)
        mark = state.values["marks"].get(str(goal))
        if (
            mark is not None
            and "search" not in mark
            and state.values["instances"] == goal
            and not state.values["seeded"]
        ):
            mark["index_bytes"] = with_services(settings, index_bytes)
            mark["search"] = searched(settings, goal // INSTANCES_PER_STUDY)
            state.save()
    studies = options.studies or options.to
    seed_to(settings, state, studies)
    if str(studies) not in state.values["seeded_marks"]:
        state.values["seeded_marks"][str(studies)] = {"search": searched(settings, studies)}
        state.save()
    text = table(state.values)
    (ROOT / "bench" / "out" / "scale.md").write_text(text + "\n", encoding="utf-8")
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    main()
