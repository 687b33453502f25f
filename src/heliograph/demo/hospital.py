"""Writes the sample hospital study by study; a finished study is a folder, an unfinished one is hidden."""

import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from heliograph.demo._crew import Crew
from heliograph.demo._fields import one_blas_thread
from heliograph.demo._study import Study
from heliograph.demo._write import series_of, write_study, written_so_far
from heliograph.demo.catalogue import exams
from heliograph.kit.errors import Conflict, Invalid
from heliograph.kit.time import now

Progress = Callable[[int, int], None]

_RECORD = ".hospital.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class StudySummary:
    """One study as it lies on disk."""

    key: str
    folder: Path
    study_uid: str
    patient_id: str
    accession_number: str
    series: int
    instances: int
    bytes: int
    made: bool  # False: it was there before


@dataclass(frozen=True, slots=True)
class Summary:
    folder: Path
    today: datetime
    studies: tuple[StudySummary, ...]

    @property
    def instances(self) -> int:
        return sum(s.instances for s in self.studies)

    @property
    def bytes(self) -> int:
        return sum(s.bytes for s in self.studies)


def generate(
    folder: Path,
    *,
    seed: int = 1,
    progress: Progress | None = None,
    today: datetime | date | None = None,
    scale: float = 1.0,
    only: Collection[str] | None = None,
    processes: int | None = None,
) -> Summary:
    """Write what is missing of the sample hospital below `folder`; calling it again continues and then does nothing.

    `today` is when the newest exam has just ended; a folder keeps the day of its first run. `scale` below one makes
    small matrices and few slices; `only` names the exams wanted. `processes` above one starts that many children
    (default: one a core, at most four); one works with threads in this process.
    """
    found = studies(folder, seed=seed, progress=progress, today=today, scale=scale, only=only, processes=processes)
    made = {s.key: s for s in found}
    order = [e.key for e in exams(seed) if e.key in made]
    return Summary(folder, _recorded(folder, seed, _instant(today), scale), tuple(made[key] for key in order))


def studies(
    folder: Path,
    *,
    seed: int = 1,
    progress: Progress | None = None,
    today: datetime | date | None = None,
    scale: float = 1.0,
    only: Collection[str] | None = None,
    processes: int | None = None,
) -> Iterator[StudySummary]:
    """As `generate`, but hands over each study as soon as its folder is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    at = _recorded(folder, seed, _instant(today), scale)
    wanted = [e for e in exams(seed) if only is None or e.key in only]
    if only is not None and len(wanted) != len(set(only)):
        raise Invalid(f"unknown exams: {', '.join(sorted(set(only) - {e.key for e in wanted}))}")
    works = [Study(exam, seed, at, scale) for exam in wanted]
    counts = {w.exam.key: sum(s.count for s in series_of(w)) for w in works}
    total = sum(counts.values())

    def tell(done: int) -> None:
        if progress is not None:
            progress(done, total)

    there = [w for w in works if (folder / w.exam.key).is_dir()]
    missing = [w for w in works if w not in there]
    done = 0
    for work in there:
        done += counts[work.exam.key]
        tell(done)
        yield _summary(folder, work, made=False)
    size = processes if processes is not None else min(4, os.cpu_count() or 1)
    make = _with_children if size > 1 and len(missing) > 1 else _with_threads
    state = _Tally(done, tell)
    for work in make(folder, missing, size, state.during):
        state.add(counts[work.exam.key])
        yield _summary(folder, work, made=True)


class _Tally:
    """How many instances are done: in finished studies, and in those being made."""

    def __init__(self, done: int, tell: Callable[[int], None]) -> None:
        self._done, self._tell, self._told = done, tell, done

    def add(self, count: int) -> None:
        self._done += count
        self.during(0)

    def during(self, part: int) -> None:
        self._told = max(self._told, self._done + part)
        self._tell(self._told)


def _with_threads(folder: Path, works: Sequence[Study], size: int, tell: Callable[[int], None]) -> Iterator[Study]:
    with one_blas_thread(), ThreadPoolExecutor(max_workers=max(size, 2), thread_name_prefix="demo") as pool:
        for work in works:
            write_study(folder, work, pool=pool, report=tell)
            yield work


def _with_children(folder: Path, works: Sequence[Study], size: int, tell: Callable[[int], None]) -> Iterator[Study]:
    crew = Crew(size, folder, works)
    by_key = {w.exam.key: w for w in works}
    try:
        for key in crew.finished(0.25):
            if key is not None:
                yield by_key.pop(key)
            else:
                tell(sum(written_so_far(folder, w) for w in by_key.values()))
    finally:
        crew.stop()


def _summary(folder: Path, study: Study, *, made: bool) -> StudySummary:
    target = folder / study.exam.key
    sizes = [f.stat().st_size for f in target.rglob("*.dcm")]
    return StudySummary(
        key=study.exam.key,
        folder=target,
        study_uid=study.uid("study"),
        patient_id=study.exam.patient.patient_id,
        accession_number=study.accession,
        series=sum(1 for f in target.iterdir() if f.is_dir()),
        instances=len(sizes),
        bytes=sum(sizes),
        made=made,
    )


def _instant(today: datetime | date | None) -> datetime:
    if today is None:
        return now().astimezone()
    if not isinstance(today, datetime):
        return datetime.combine(today, time(18, 0), UTC)
    return today if today.tzinfo else today.replace(tzinfo=UTC)


def _recorded(folder: Path, seed: int, wanted: datetime, scale: float) -> datetime:
    """The day this folder was begun on; a folder belongs to one seed and scale."""
    path = folder / _RECORD
    asked = {"format": _FORMAT, "seed": seed, "scale": scale}
    if path.is_file():
        record = json.loads(path.read_text())
        if {k: record.get(k) for k in asked} != asked:
            raise Conflict("this folder holds a sample hospital made with another seed, scale or format")
        return datetime.fromisoformat(record["today"])
    wanted = wanted.replace(microsecond=0)
    fresh = folder / f"{_RECORD}.new"
    fresh.write_text(json.dumps(asked | {"today": wanted.isoformat()}))
    fresh.rename(path)
    return wanted
