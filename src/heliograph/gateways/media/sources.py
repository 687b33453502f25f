"""Which files are one outside source: a disk, a ZIP file, a folder, the loose files of one upload.

Each is an issuer of its own (safety guard 3). The name tells people where it came from; the digest tells two disks of one name apart,
and knows the same disk again.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from heliograph.gateways.media.contents import records
from heliograph.gateways.media.walking import CONTENTS, Found, walk
from heliograph.kit.errors import HeliographError

_HEADS = 64
_HEAD_BYTES = 4096
_UNREADABLE = (HeliographError, OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_Place = tuple[Path, str]  # a folder and "", or a ZIP file and a folder in it


@dataclass(slots=True)
class Medium:
    """One source and what was found on it."""

    name: str
    found: list[Found] = field(default_factory=list)
    digest: str = ""

    @property
    def label(self) -> str:
        """`media:CDROM-1f0c93d2ab`."""
        return f"media:{self.name[:40]}-{self.digest}"


def media(paths: list[Path]) -> list[Medium]:
    """The sources below the paths, each with its files in their order."""
    made: dict[_Place, Medium] = {}
    for path in paths:
        asked = path.parent if path.name.upper() == CONTENTS else path
        items = list(walk([path]))
        tables = {_folder(item) for item in items if item.is_contents}
        for item in items:
            place = _place(item, asked if asked.is_dir() else item.path.parent, tables)
            if place not in made:
                made[place] = Medium(_name(place))
            made[place].found.append(item)
    for medium in made.values():
        medium.digest = _digest(medium.found)
    return list(made.values())


def _folder(item: Found) -> _Place:
    return (item.path.parent, "") if item.entry is None else (item.path, str(PurePosixPath(item.inside).parent))


def _place(item: Found, asked: Path, tables: set[_Place]) -> _Place:
    """The nearest folder above that has a DICOMDIR; else what was asked for, or the ZIP file."""
    if item.entry is not None:
        above = ((item.path, str(folder)) for folder in PurePosixPath(item.inside).parents)
        return next((place for place in above if place in tables), (item.path, ""))
    for folder in item.path.parents:
        if (folder, "") in tables:
            return folder, ""
        if folder == asked:
            break
    return asked, ""


def _name(place: _Place) -> str:
    path, inside = place
    name = PurePosixPath(inside).name or (path.resolve().name if path.is_dir() else path.stem)
    return "".join(c if c.isprintable() else "_" for c in name) or "disk"


def _digest(found: list[Found]) -> str:
    """Of the DICOMDIR, which names every object of the disk; without one, of names, sizes and the first bytes of the first files."""
    for item in found:
        if item.is_contents and not item.trouble and (table := _table(item)) is not None:
            return table
    sha = hashlib.sha256()
    for item in found:
        sha.update(f"{item.inside or item.name}\0{item.size_bytes}\0".encode(errors="surrogateescape"))
    for head in _heads(found):
        sha.update(head)
    return sha.hexdigest()[:10]


def _table(item: Found) -> str | None:
    try:
        data, named = records(item)
    except _UNREADABLE:
        return None
    return hashlib.sha256(data).hexdigest()[:10] if named else None


def _heads(found: Iterable[Found]) -> Iterable[bytes]:
    readable = [item for item in found if not item.trouble]
    for item in readable[:_HEADS]:
        try:
            with item.open() as file:
                yield file.read(_HEAD_BYTES)
        except _UNREADABLE:
            continue
