"""`python -m bench.overhead`: what policy, audit and TLS cost: the same steps on an older commit, on this one, and on this one through TLS.

Alternating rounds in one run on one machine, by the steps and clients of `bench.run`; C-GET and C-MOVE run without TLS because DCMTK's
programs for them have none. Beside them what TLS costs by itself: the same clients and programs that do nothing (`bench.bare`).
"""

import argparse
import datetime as dt
import itertools
import json
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench import bare, probe, report
from bench.bare import BareTarget
from bench.corpus import Corpus
from bench.report import ROOT, say
from bench.run import ingest_round, read_round, stop_in_order
from bench.steps import STEPS, Scene, Step
from bench.targets import BeforeTarget, HeliographTarget, Target, TlsTarget, load
from tests.peers import dcmtk

RESULTS: Final = ROOT / "bench" / "results" / "overhead.md"
BAR: Final = 0.8
# Is not about speed.
_LEFT_OUT: Final = ("memory",)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.overhead", description=__doc__)
    parser.add_argument("--against", default="spine", help="tag or commit to compare with (default: spine)")
    parser.add_argument("--only", default="", help="steps, by comma; a prefix is enough")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one load by wrk (default 4)")
    parser.add_argument("--work", type=Path, default=ROOT / "bench" / "out" / "overhead")
    parser.add_argument("--publish", action="store_true", help="write bench/results/overhead.md")
    return parser.parse_args()


def kept(step: Step, before: float, now: float) -> float:
    """The part of the older figure that is kept; above 1 the new one is better."""
    return now / before if step.higher_is_better else before / now


def table(results: report.Results, steps: Sequence[Step]) -> str:
    names = BeforeTarget.name, HeliographTarget.name, TlsTarget.name
    lines = [
        "| what | before | policy and audit | kept | with TLS too | kept | spread before |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for step in steps:
        values = [results.median(step.key, name) for name in names]
        if None in values:
            continue
        before, now, tls = (value or 0.0 for value in values)
        rounds = sorted(figure.value for figure in results.rounds[step.key][names[0]])
        cells = [
            step.title, report.short(before, step.unit), report.short(now, step.unit), f"{100 * kept(step, before, now):.0f} %",
            report.short(tls, step.unit), f"{100 * kept(step, before, tls):.0f} %",
            f"{report.short(rounds[0], step.unit)} to {report.short(rounds[-1], step.unit)}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def by_itself(results: report.Results, steps: Sequence[Step]) -> str:
    """What is left of a program that does nothing when TLS comes to it."""
    lines = [
        "| TLS by itself | bare | with TLS | kept | ours through TLS, of the bare one |",
        "|---|---:|---:|---:|---:|",
    ]
    for step in steps:
        values = [results.median(step.key, name) for name in ("bare", "bare with tls", TlsTarget.name)]
        if None in values:
            continue
        plain, tls, own = (value or 0.0 for value in values)
        cells = [
            step.title, report.short(plain, step.unit), report.short(tls, step.unit), f"{100 * kept(step, plain, tls):.0f} %",
            f"{100 * kept(step, tls, own):.0f} %",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def run(options: argparse.Namespace, steps: Sequence[Step], scene: Scene, results: report.Results) -> None:
    def targets(part: str) -> list[Target]:
        folder, receiver = options.work / part, scene.receiver.dicom
        return [
            BeforeTarget(folder, receiver, options.against), HeliographTarget(folder, receiver), TlsTarget(folder, receiver),
        ]  # fmt: skip

    for kind, one_round in (("ingest", ingest_round), ("read", read_round)):
        of_kind = [step for step in steps if step.kind == kind]
        if not of_kind:
            continue
        there = targets(kind)
        if kind == "read":
            for target in there:
                say(f"  {target.name}: loading")
                load(target, scene.corpus)
        orders = itertools.cycle((there, there[::-1]))
        for number, order in zip(range(options.rounds), orders, strict=False):
            say(f"{kind}, round {number + 1}; fdatasync of 526 kB takes {probe.fdatasync_ms(options.work):.2f} ms")
            one_round(of_kind, order, scene, results)
            if kind == "read":
                nothing = [BareTarget(options.work / kind, tls=tls) for tls in (False, True)]
                one_round([step for step in of_kind if step.key in bare.STEPS], nothing, scene, results)


def main() -> None:
    options = arguments()
    words = [word for word in options.only.split(",") if word]
    steps = [
        step for step in STEPS
        if step.key not in _LEFT_OUT and (not words or any(step.key.startswith(word) for word in words))
    ]  # fmt: skip
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, stop_in_order)
    shutil.rmtree(options.work, ignore_errors=True)
    subprocess.run(["git", "worktree", "prune"], check=True)
    options.work.mkdir(parents=True)
    corpus = Corpus(options.work / "corpus")
    corpus.write()
    about = {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": probe.machine(),
        "against": options.against,
    }
    results = report.Results(about)
    try:
        with dcmtk.Storescp(options.work / "moved", aet="BENCHSCP", options=("+B",)) as receiver:
            run(options, steps, Scene(corpus, receiver, options.seconds), results)
    finally:
        text = f"{table(results, steps)}\n\n{by_itself(results, steps)}"
        machine = ", ".join(f"{name} {value}" for name, value in about["machine"].items())
        head = f"{about['at'][:10]}, {options.rounds} alternating rounds, median; before: {options.against}; {machine}.\n\n"
        out = ROOT / "bench" / "out"
        out.mkdir(parents=True, exist_ok=True)
        (out / "overhead.json").write_text(json.dumps(results.as_json(), indent=1), encoding="utf-8")
        print(text, flush=True)
        if options.publish:
            RESULTS.write_text(head + text + "\n", encoding="utf-8")
        shutil.rmtree(options.work, ignore_errors=True)
        subprocess.run(["git", "worktree", "prune"], check=True)


if __name__ == "__main__":
    main()
