"""Figures to JSON lines and to the table of docs/performance.md."""

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.steps import Figure, Step

ROOT = Path(__file__).resolve().parents[1]
BARS = {"store1": "20x", "store8": "4x", "start": "< 5 s"}
BARS |= dict.fromkeys(("metadata-cold", "metadata-warm"), "20x")
BARS |= dict.fromkeys(("frames1", "frames4"), "5x")
BARS |= dict.fromkeys(("cget", "cmove", "wado-study"), "1x")


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


@dataclass
class Results:
    """Step -> target -> one figure per round."""

    about: dict[str, Any]
    rounds: dict[str, dict[str, list[Figure]]] = field(default_factory=dict)
    extras: dict[str, dict[str, float]] = field(default_factory=dict)

    def add(self, step: Step, target: str, figure: Figure) -> None:
        self.rounds.setdefault(step.key, {}).setdefault(target, []).append(figure)

    def median(self, key: str, target: str) -> float | None:
        figures = self.rounds.get(key, {}).get(target)
        return statistics.median(figure.value for figure in figures) if figures else None

    def as_json(self) -> dict[str, Any]:
        return {
            **self.about,
            "steps": {
                key: {
                    target: {
                        "median": self.median(key, target),
                        "rounds": [{"value": one.value, **one.more} for one in figures],
                    }
                    for target, figures in by.items()
                }
                for key, by in self.rounds.items()
            },
            "extras": self.extras,
        }


def short(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    space = "" if unit.startswith("/") else " "
    return f"{value:,.{digits}f}{space}{unit}"


def ratio(step: Step, ours: float | None, theirs: float | None) -> float | None:
    """How many times better Heliograph is; below 1 it is worse."""
    if not ours or not theirs:
        return None
    return ours / theirs if step.higher_is_better else theirs / ours


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def table(results: Results, steps: Sequence[Step], names: Mapping[str, str]) -> str:
    lines = [_row("what", "Orthanc", "Heliograph", "ratio", "bar", "spread of ours"), "|---|---:|---:|---:|---:|---:|"]
    for step in steps:
        if step.key not in results.rounds:
            continue
        theirs, ours = (results.median(step.key, names[who]) for who in ("peer", "own"))
        times = ratio(step, ours, theirs)
        own = [figure.value for figure in results.rounds[step.key].get(names["own"], [])]
        spread = f"{short(min(own), step.unit)} to {short(max(own), step.unit)}" if own else "-"
        times_text = "-" if times is None else f"{times:.1f}x"
        both = (short(theirs, step.unit), short(ours, step.unit))
        lines.append(_row(step.title, *both, times_text, BARS.get(step.key, ""), spread))
    for title, by in results.extras.items():
        unit, bar = ("MB", "< 400 MB") if "memory" in title else ("ms", "")
        both = (short(by.get(names["peer"]), unit), short(by.get(names["own"]), unit))
        lines.append(_row(title, *both, "-", bar, "-"))
    return "\n".join(lines)


def heading(results: Results) -> str:
    """What the table is of."""
    told, machine = results.about, ", ".join(f"{name} {value}" for name, value in results.about["machine"].items())
    rounds = "one round" if told["rounds"] == 1 else f"median of {told['rounds']} alternating rounds"
    sync = f"fdatasync of 526 kB in {told['fdatasync_526kB_ms']:.2f} ms"
    return f"{told['at'][:10]}, {rounds}; Orthanc {told['orthanc']}; {machine}; {sync}."


def write(results: Results, steps: Sequence[Step], names: Mapping[str, str], folder: Path, stamp: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    text = table(results, steps, names)
    (folder / f"{stamp}.json").write_text(json.dumps(results.as_json(), indent=1), encoding="utf-8")
    (folder / f"{stamp}.md").write_text(text + "\n", encoding="utf-8")
    return text


def slowest(results: Results, steps: Sequence[Step], names: Mapping[str, str]) -> Step | None:
    """Of the steps with a ratio to reach, the one that reaches the smallest part of it."""
    parts: dict[str, float] = {}
    for step in steps:
        bar = BARS.get(step.key, "")
        times = ratio(step, results.median(step.key, names["own"]), results.median(step.key, names["peer"]))
        if times is not None and bar.endswith("x"):
            parts[step.key] = times / float(bar.removesuffix("x"))
    return min(steps, key=lambda step: parts.get(step.key, float("inf"))) if parts else None


def publish(page: Path, text: str, mark: str) -> None:
    """Between two marks of docs/performance.md."""
    opening, closing = f"<!-- {mark}:begin -->", f"<!-- {mark}:end -->"
    old = page.read_text(encoding="utf-8")
    head, begin, rest = old.partition(opening)
    _, end, tail = rest.partition(closing)
    if not begin or not end:
        raise SystemExit(f"{page} has no {opening} ... {closing}")
    page.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")
