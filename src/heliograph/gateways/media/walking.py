"""Finding objects below paths: files in folders and entries of ZIP files, in a stable order, as bounded streams."""

import contextlib
import os
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_MOST_ENTRIES = 1_000_000
_MOST_ENTRY_BYTES = 16 << 30
_MOST_RATIO = 1000
_SKIP = {".ds_store", "thumbs.db", "desktop.ini"}


@dataclass(frozen=True, slots=True)
class Found:
    """A file, or the entry of a ZIP file; `name` is for people, the index opens it."""

    path: Path
    entry: int | None
    name: str
    size_bytes: int

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The bytes as a stream; an entry that grows far beyond what it declares ends in an error (P2)."""
        if self.entry is None:
            with self.path.open("rb") as file:
                yield file
            return
        with zipfile.ZipFile(self.path) as archive:
            info = archive.infolist()[self.entry]
            with archive.open(info) as file:
                yield file


def walk(paths: list[Path]) -> Iterator[Found]:
    """Every regular file below the paths and inside their ZIP files, once; links are not followed."""
    for path in paths:
        if path.is_dir():
            for folder, folders, files in os.walk(path, followlinks=False):
                folders.sort()
                for name in sorted(files):
                    yield from _file(Path(folder) / name)
        else:
            yield from _file(path)


def _file(path: Path) -> Iterator[Found]:
    try:
        facts = path.lstat()
    except OSError:
        return
    if not stat.S_ISREG(facts.st_mode) or path.name.lower() in _SKIP or facts.st_size == 0:
        return
    if path.suffix.lower() == ".zip" or _looks_zipped(path):
        yield from _entries(path)
    else:
        yield Found(path, None, path.name, facts.st_size)


def _looks_zipped(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError:
        return False


def _entries(path: Path) -> Iterator[Found]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        yield Found(path, None, path.name, path.stat().st_size)
        return
    for number, info in enumerate(infos[:_MOST_ENTRIES]):
        if info.is_dir() or info.file_size == 0 or Path(info.filename).name.lower() in _SKIP:
            continue
        if info.file_size > _MOST_ENTRY_BYTES or info.file_size > _MOST_RATIO * max(1, info.compress_size):
            continue
        yield Found(path, number, Path(info.filename).name, info.file_size)
