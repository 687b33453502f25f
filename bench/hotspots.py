"""`python -m bench.hotspots STEP`: where the server's time goes in one step of the benchmark, by a sampler inside each process."""

import argparse
import json
import shutil
from collections import Counter
from pathlib import Path

from bench.corpus import Corpus
from bench.report import ROOT, say
from bench.steps import STEPS, Scene, Step
from bench.targets import HeliographTarget, load
from tests.peers import dcmtk

SAMPLER = Path(__file__).parent / "profiling"
ROWS = 24
LEAST_S = 0.01
ROLES = {"dimse", "http", "worker"}


def merged(folder: Path) -> dict[str, tuple[Counter[str], Counter[str]]]:
    """Process -> (CPU by function, waiting by function)."""
    found: dict[str, tuple[Counter[str], Counter[str]]] = {}
    for file in folder.glob("*.json"):
        data = json.loads(file.read_text(encoding="utf-8"))
        role = str(data["command"][-1]).rpartition("/")[2]
        cpu, wait = found.setdefault(role, (Counter(), Counter()))
        for thread, inner, ours, used, waited in data["rows"]:
            name = inner if inner == ours or not ours else f"{inner} in {ours}"
            cpu[f"{thread}: {name}"] += used
            wait[f"{thread}: {name}"] += waited
    return found


def table(folder: Path) -> str:
    lines: list[str] = []
    for role, (cpu, wait) in sorted(merged(folder).items(), key=lambda item: -item[1][0].total()):
        if role not in ROLES:
            continue
        lines += [
            f"### {role}: {cpu.total():.1f} s of CPU in the step",
            "",
            "| CPU | waiting | thread: function |",
            "|---:|---:|---|",
        ]
        lines += [
            f"| {used:.2f} s | {wait[name]:.2f} s | `{name}` |"
            for name, used in cpu.most_common(ROWS)
            if used >= LEAST_S
        ]
        lines.append("")
    return "\n".join(lines)


def profile(step: Step, scene: Scene, work: Path) -> str:
    """One run of the step with the sampler in every process; a heading, then a table for each role."""
    out = work / "profile"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    target = HeliographTarget(work / "profiled", scene.receiver.dicom)
    if step.kind == "read":
        load(target, scene.corpus)
    target.start(fresh=step.kind == "ingest")
    target.stop()
    target.server.env |= {"BENCH_PROFILE": str(out), "PYTHONPATH": str(SAMPLER)}
    target.start()
    (out / "go").touch()
    try:
        figure = step.run(target, scene)
    finally:
        target.stop()
    shutil.rmtree(work / "profiled", ignore_errors=True)
    return f"**{step.title}**: {figure.value:,.1f} {step.unit} under the sampler.\n\n{table(out)}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.hotspots", description=__doc__)
    parser.add_argument("step", choices=[step.key for step in STEPS])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--work", type=Path, default=ROOT / "bench" / "out" / "work")
    options = parser.parse_args()
    step = next(step for step in STEPS if step.key == options.step)
    corpus = Corpus(options.work / "corpus")
    corpus.write()
    with dcmtk.Storescp(options.work / "moved", aet="BENCHSCP", options=("+B",)) as receiver:
        text = profile(step, Scene(corpus, receiver, options.seconds), options.work)
    (ROOT / "bench" / "out" / f"profile-{step.key}.md").write_text(text, encoding="utf-8")
    say(text)


if __name__ == "__main__":
    main()
