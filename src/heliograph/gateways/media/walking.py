"""Finding objects below paths: files in folders and entries of ZIP files, in a stable order, as bounded streams.

What cannot be taken is found too, with the reason, so that nothing is left out in silence (safety guard 12).
"""

import contextlib
import os
import stat
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from heliograph.kit.errors import Invalid

CONTENTS: Final = "DICOMDIR"
_MOST_ENTRIES = 1_000_000
_MOST_ENTRY_BYTES = 16 << 30
_MOST_RATIO = 1000
_ENCRYPTED = 1
_SKIP = {".ds_store", "thumbs.db", "desktop.ini"}
_open = threading.local()


@dataclass(frozen=True, slots=True)
class Found:
    """A file, or the entry of a ZIP file. `inside` is where it lies in the ZIP, for comparing alone; `trouble` says why it cannot be read."""

    path: Path
    entry: int | None
    name: str
    size_bytes: int
    inside: str = ""
    trouble: str = ""

    @property
    def is_contents(self) -> bool:
        """A DICOMDIR: the table of contents of media (PS3.10 8.6)."""
        return self.name.upper() == CONTENTS

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The bytes as a stream; an entry gives no more than it declares (P2)."""
        if self.entry is None:
            with self.path.open("rb") as file:
                yield file
            return
        archive = _archive(self.path)
        with archive.open(archive.infolist()[self.entry]) as file:
            yield file


def walk(paths: list[Path]) -> Iterator[Found]:
    """Every file below the paths and inside their ZIP files, once. A DICOMDIR given alone means the media it lies on."""
    for path in paths:
        if path.name.upper() == CONTENTS and path.is_file():
            path = path.parent  # noqa: PLW2901 what was meant
        if path.is_dir():
            yield from _below(path)
        else:
            yield from _file(path.resolve() if path.is_symlink() else path)


def _below(path: Path) -> Iterator[Found]:
    barred: list[OSError] = []
    for folder, folders, files in os.walk(path, followlinks=False, onerror=barred.append):
        folders.sort()
        for name in folders:
            if (Path(folder) / name).is_symlink():
                yield Found(Path(folder) / name, None, name, 0, trouble="a link to a folder; links are not followed")
        for name in sorted(files):
            yield from _file(Path(folder) / name)
    for error in barred:
        where = Path(str(error.filename))
        yield Found(where, None, where.name, 0, trouble="the folder cannot be read")


def _file(path: Path) -> Iterator[Found]:
    if path.name.lower() in _SKIP:
        return
    trouble = ""
    size = 0
    try:
        facts = path.lstat()
        size = facts.st_size
        if stat.S_ISLNK(facts.st_mode):
            trouble = "a link; links are not followed"
        elif not stat.S_ISREG(facts.st_mode):
            trouble = "neither a file nor a folder"
        elif size == 0:
            trouble = "the file is empty"
    except OSError:
        trouble = "the file cannot be read"
    if trouble:
        yield Found(path, None, path.name, size, trouble=trouble)
    elif path.suffix.lower() == ".zip" or _looks_zipped(path):
        yield from _entries(path, size)
    else:
        yield Found(path, None, path.name, size)


def _looks_zipped(path: Path) -> bool:
    """By its first bytes; a DICOM file may have anything in its preamble."""
    try:
        with path.open("rb") as file:
            first = file.read(132)
            return first[:4] == b"PK\x03\x04" and first[128:] != b"DICM"
    except OSError:
        return False


def _entries(path: Path, size: int) -> Iterator[Found]:
    try:
        infos = _archive(path).infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        yield Found(path, None, path.name, size, trouble="the ZIP file is damaged" if _looks_zipped(path) else "")
        return
    # Entries that share their bytes are how a small file becomes a huge one.
    overlap = sum(info.compress_size for info in infos) > size
    for number, info in enumerate(infos[:_MOST_ENTRIES]):
        name = Path(info.filename).name
        if info.is_dir() or name.lower() in _SKIP:
            continue
        trouble = "the entries of the ZIP file overlap" if overlap else _trouble_of(info)
        yield Found(path, number, name, info.file_size, info.filename, trouble)
    if len(infos) > _MOST_ENTRIES:
        yield Found(
            path, None, path.name, size, trouble=f"only the first {_MOST_ENTRIES} entries of the ZIP file are looked at"
        )


def _trouble_of(info: zipfile.ZipInfo) -> str:
    if info.file_size == 0:
        return "the file is empty"
    if info.flag_bits & _ENCRYPTED:
        return "the entry of the ZIP file is encrypted"
    if info.file_size > _MOST_ENTRY_BYTES or info.file_size > _MOST_RATIO * max(1, info.compress_size):
        return "the entry of the ZIP file would grow beyond every image"
    return ""


def _archive(path: Path) -> zipfile.ZipFile:
    """The ZIP file, kept open while its entries are read one after the other: its directory is read once."""
    facts = path.stat()
    key = (path, facts.st_mtime_ns, facts.st_size)
    if getattr(_open, "key", None) != key:
        forget_archive()
        _open.archive, _open.key = zipfile.ZipFile(path), key
    archive = _open.archive
    if not isinstance(archive, zipfile.ZipFile):
        raise Invalid("the ZIP file cannot be read", code="bad_zip")
    return archive


def forget_archive() -> None:
    """Closes the ZIP file that this thread keeps open."""
    archive = getattr(_open, "archive", None)
    _open.key = _open.archive = None
    if archive is not None:
        archive.close()
