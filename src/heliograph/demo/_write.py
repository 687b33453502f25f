"""Puts one study on disk: made in a hidden folder, which gets its name when everything is there."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path

from heliograph.demo._makers import MAKERS
from heliograph.demo._study import Series, Study


def series_of(study: Study) -> list[Series]:
    return MAKERS[study.exam.kind](study)


def partial_folder(folder: Path, study: Study) -> Path:
    return folder / f".{study.exam.key}.partial"


def written_so_far(folder: Path, study: Study) -> int:
    """Files of a study that another process is making; none where it has just been finished."""
    try:
        return sum(1 for _ in partial_folder(folder, study).rglob("*.dcm"))
    except FileNotFoundError:
        return 0


def write_study(
    folder: Path, study: Study, *, pool: Executor | None = None, report: Callable[[int], None] | None = None
) -> None:
    """Make a study unless it is there; with a pool its instances are made in parallel."""
    target = folder / study.exam.key
    if target.is_dir():
        return
    partial = partial_folder(folder, study)
    shutil.rmtree(partial, ignore_errors=True)
    written = 0
    for series in series_of(study):
        place = partial / f"S{series.number:03d}"
        place.mkdir(parents=True)
        writer = series.writer(study.exam.patient.charset)
        for _ in _written(place, writer, series.count, pool):
            written += 1
            if report is not None:
                report(written)
    partial.rename(target)


def _written(place: Path, writer: Callable[[int], bytes], count: int, pool: Executor | None) -> Iterator[int]:
    if pool is None:
        for index in range(count):
            yield _write_file(place, writer, index)
        return
    waiting: list[Future[int]] = []
    for index in _spread(count):
        waiting.append(pool.submit(_write_file, place, writer, index))
        if len(waiting) >= 8:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def _write_file(place: Path, writer: Callable[[int], bytes], index: int) -> int:
    return (place / f"I{index + 1:05d}.dcm").write_bytes(writer(index))


def _spread(count: int) -> Iterator[int]:
    """Every index, from two places at once, so that neighbours do not wait for the plane that both need."""
    half = (count + 1) // 2
    for i in range(half):
        yield i
        if half + i < count:
            yield half + i
