"""Writes the sample hospital study by study; a finished study is a folder, an unfinished one is hidden."""

import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from heliograph.demo._fields import one_blas_thread
from heliograph.demo._makers import MAKERS
from heliograph.demo._study import Series, Study
from heliograph.demo.catalogue import Exam, exams
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
) -> Summary:
    """Write what is missing of the sample hospital below `folder`; calling it again continues and then does nothing.

    `today` is when the newest exam has just ended; a folder keeps the day of its first run. `scale` below one makes
    small matrices and few slices; `only` names the exams wanted.
    """
    made = tuple(studies(folder, seed=seed, progress=progress, today=today, scale=scale, only=only))
    return Summary(folder, _recorded(folder, seed, _instant(today), scale), made)


def studies(
    folder: Path,
    *,
    seed: int = 1,
    progress: Progress | None = None,
    today: datetime | date | None = None,
    scale: float = 1.0,
    only: Collection[str] | None = None,
) -> Iterator[StudySummary]:
    """As `generate`, but hands over each study as soon as its folder is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    at = _recorded(folder, seed, _instant(today), scale)
    wanted = [e for e in exams(seed) if only is None or e.key in only]
    if only is not None and len(wanted) != len(set(only)):
        raise Invalid(f"unknown exams: {', '.join(sorted(set(only) - {e.key for e in wanted}))}")
    works = [_Work(exam, Study(exam, seed, at, scale)) for exam in wanted]
    total = sum(w.count for w in works)
    done = 0
    workers = min(4, os.cpu_count() or 1)
    with one_blas_thread(), ThreadPoolExecutor(max_workers=workers, thread_name_prefix="demo") as pool:
        for work in works:
            start = done

            def report(written: int, start: int = start) -> None:
                if progress is not None:
                    progress(start + written, total)

            yield work.ensure(folder, pool, report)
            done += work.count


class _Work:
    def __init__(self, exam: Exam, study: Study) -> None:
        self.exam, self.study = exam, study
        self.count = sum(s.count for s in self._series())

    def _series(self) -> list[Series]:
        return MAKERS[self.exam.kind](self.study)

    def ensure(self, folder: Path, pool: ThreadPoolExecutor, report: Callable[[int], None]) -> StudySummary:
        target = folder / self.exam.key
        there = target.is_dir()
        if not there:
            partial = folder / f".{self.exam.key}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            self._write(partial, pool, report)
            partial.rename(target)
        report(self.count)
        sizes = [f.stat().st_size for f in target.rglob("*.dcm")]
        study = self.study
        return StudySummary(
            key=self.exam.key,
            folder=target,
            study_uid=study.uid("study"),
            patient_id=self.exam.patient.patient_id,
            accession_number=study.accession,
            series=sum(1 for f in target.iterdir() if f.is_dir()),
            instances=len(sizes),
            bytes=sum(sizes),
            made=not there,
        )

    def _write(self, folder: Path, pool: ThreadPoolExecutor, report: Callable[[int], None]) -> None:
        written = 0
        for series in self._series():
            place = folder / f"S{series.number:03d}"
            place.mkdir(parents=True)
            writer = series.writer(self.exam.patient.charset)
            waiting: list[Future[None]] = []
            for index in _spread(series.count):
                waiting.append(pool.submit(_write_file, place / f"I{index + 1:05d}.dcm", writer, index))
                if len(waiting) >= 8:
                    waiting.pop(0).result()
                    written += 1
                    report(written)
            for future in waiting:
                future.result()
                written += 1
                report(written)


def _spread(count: int) -> Iterator[int]:
    """Every index, from two places at once, so that neighbours do not wait for the plane that both need."""
    half = (count + 1) // 2
    for i in range(half):
        yield i
        if half + i < count:
            yield half + i


def _write_file(path: Path, writer: Callable[[int], bytes], index: int) -> None:
    path.write_bytes(writer(index))


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
