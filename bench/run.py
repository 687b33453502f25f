"""`make bench`: Orthanc and Heliograph in alternating rounds on the same machine and data; the median counts."""

import argparse
import datetime as dt
import importlib.metadata
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from bench import hotspots, probe, report
from bench.corpus import Corpus
from bench.first_image import first_image_ms
from bench.idle import idle_mb
from bench.report import ROOT, say
from bench.steps import STEPS, Scene, Step
from bench.targets import HeliographTarget, OrthancTarget, Target, load
from tests.peers import dcmtk

NAMES = {"peer": OrthancTarget.name, "own": HeliographTarget.name}
EXTRAS = ("first-image", "idle")


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument(
        "--only", default="", help="steps to run, by comma; a prefix is enough: store1,frames,idle,first-image"
    )
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds; the median counts (default 3)")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one load by wrk (default 5)")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--peer-only", action="store_true", help="measure Orthanc alone")
    who.add_argument("--own-only", action="store_true", help="measure Heliograph alone")
    parser.add_argument(
        "--work",
        type=Path,
        default=ROOT / "bench" / "out" / "work",
        help="folder for data and servers, one file system for both",
    )
    parser.add_argument("--keep", action="store_true", help="leave the servers' folders")
    parser.add_argument(
        "--publish",
        action="store_true",
        help="write the table into docs/performance.md, and a profile of the slowest step",
    )
    return parser.parse_args(words)


def chosen(only: str) -> tuple[list[Step], list[str]]:
    words = [word for word in only.split(",") if word]
    steps = [step for step in STEPS if not words or any(step.key.startswith(word) for word in words)]
    extras = [name for name in EXTRAS if not words or any(name.startswith(word) for word in words)]
    if words and not steps and not extras:
        raise SystemExit(f"no such step; there are {', '.join([*(step.key for step in STEPS), *EXTRAS])}")
    return steps, extras


def measure(step: Step, target: Target, scene: Scene, results: report.Results) -> None:
    figure = step.run(target, scene)
    results.add(step, target.name, figure)
    more = ", ".join(f"{name} {value:.2f}" for name, value in figure.more.items())
    say(f"  {target.name:<11} {step.key:<15} {figure.value:10.2f} {step.unit:<12} {more}")


def ingest_round(steps: Sequence[Step], targets: Sequence[Target], scene: Scene, results: report.Results) -> None:
    for step in steps:
        for target in targets:
            target.start(fresh=True)
            try:
                measure(step, target, scene, results)
            finally:
                target.stop()


def read_round(steps: Sequence[Step], targets: Sequence[Target], scene: Scene, results: report.Results) -> None:
    for target in targets:
        target.start()
        try:
            for step in steps:
                measure(step, target, scene, results)
        finally:
            target.stop()


def about(scene: Scene, options: argparse.Namespace) -> dict[str, object]:
    version = subprocess.run(
        ["dpkg-query", "-W", "-f=${Version}", "orthanc"], check=False, capture_output=True, text=True
    ).stdout
    return {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": probe.machine(),
        "heliograph": importlib.metadata.version("heliograph"),
        "orthanc": version,
        "rounds": options.rounds,
        "fdatasync_526kB_ms": probe.fdatasync_ms(options.work),
        "slices": scene.corpus.slices,
    }


def targets_for(options: argparse.Namespace, scene: Scene, part: str) -> list[Target]:
    peers: list[Target] = [] if options.own_only else [OrthancTarget(options.work / part, scene.receiver.dicom)]
    own: list[Target] = [] if options.peer_only else [HeliographTarget(options.work / part, scene.receiver.dicom)]
    return [*peers, *own]


def run_rounds(options: argparse.Namespace, steps: Sequence[Step], scene: Scene, results: report.Results) -> None:
    ingest = [step for step in steps if step.kind == "ingest"]
    read = [step for step in steps if step.kind == "read"]
    stores = targets_for(options, scene, "ingest")
    for number in range(options.rounds if ingest else 0):
        say(f"ingest, round {number + 1}; fdatasync of 526 kB takes {probe.fdatasync_ms(options.work):.2f} ms")
        ingest_round(ingest, stores if number % 2 == 0 else stores[::-1], scene, results)
    readers = targets_for(options, scene, "read")
    if read:
        for target in readers:
            say(f"  {target.name}: loading {scene.corpus.slices} slices and {scene.corpus.studies} small studies")
            load(target, scene.corpus)
    for number in range(options.rounds if read else 0):
        say(f"read, round {number + 1}")
        read_round(read, readers if number % 2 == 0 else readers[::-1], scene, results)


def run_extras(options: argparse.Namespace, extras: Sequence[str], scene: Scene, results: report.Results) -> None:
    if "first-image" in extras and not options.peer_only:
        own = HeliographTarget(options.work / "first-image", scene.receiver.dicom)
        for name, value in first_image_ms(own, scene, rounds=options.rounds).items():
            results.extras[name] = {own.name: value}
            say(f"  {name}: {value:.0f} ms")
    if "idle" in extras and not options.peer_only:
        own = HeliographTarget(options.work / "idle", scene.receiver.dicom, options=("--demo",))
        value = idle_mb(own)
        results.extras["idle memory, 60 s after ready with the sample hospital"] = {own.name: value}
        say(f"  idle: {value:.0f} MB")


def stop_in_order(*_: object) -> None:
    """SIGTERM and SIGINT end a measurement as an exception does: servers are stopped and what was measured is written."""
    raise SystemExit(143)


def measured(options: argparse.Namespace, steps: Sequence[Step], extras: Sequence[str], scene: Scene) -> None:
    results = report.Results(about(scene, options))
    try:
        run_rounds(options, steps, scene, results)
        run_extras(options, extras, scene, results)
    finally:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        text = report.write(results, steps, NAMES, ROOT / "bench" / "out", stamp)
        print(f"\n{text}\n\nbench/out/{stamp}.json", flush=True)
    if options.publish:
        page = ROOT / "docs" / "performance.md"
        shutil.copy(ROOT / "bench" / "out" / f"{stamp}.json", ROOT / "bench" / "results" / "side-by-side.json")
        report.publish(page, f"{report.heading(results)}\n\n{text}", "bench")
        if slowest := report.slowest(results, steps, NAMES):
            report.publish(page, hotspots.profile(slowest, scene, options.work), "profile")


def main() -> None:
    options = arguments()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, stop_in_order)
    steps, extras = chosen(options.only)
    corpus = Corpus(options.work / "corpus")
    corpus.write()
    try:
        with dcmtk.Storescp(options.work / "moved", aet="BENCHSCP", options=("+B",)) as receiver:
            scene = Scene(corpus, receiver, options.seconds)
            measured(options, steps, extras, scene)
    finally:
        if not options.keep:
            for part in ("ingest", "read", "first-image", "idle", "moved"):
                shutil.rmtree(options.work / part, ignore_errors=True)


if __name__ == "__main__":
    main()
