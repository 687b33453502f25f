"""The DICOMDIR of media: what it names and the media does not have is lost, and somebody must be told (PS3.10 8.6, PS3.3 F)."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from heliograph.gateways.media.walking import Found
from heliograph.standards.dicom.header import scan

_MOST_BYTES = 64 << 20


def missing_files(contents: Found, found: Iterable[Found]) -> list[str]:
    """File IDs that a DICOMDIR refers to and that are not there. Letter case and the version number of ISO 9660 make no difference."""
    there = {_plain(place) for item in found if (place := _place(contents, item)) is not None}
    return [name for name in records(contents)[1] if _plain(name) not in there]


def records(contents: Found) -> tuple[bytes, list[str]]:
    """The bytes of a DICOMDIR, and the File IDs that it refers to."""
    with contents.open() as file:
        data = file.read(_MOST_BYTES)
    header = scan(data)
    found = []
    for record in header.sequence("DirectoryRecordSequence"):
        parts = [part for part in record.texts("ReferencedFileID") if part]
        if parts and ".." not in parts:
            found.append("/".join(parts))
    return data, found


def _place(contents: Found, item: Found) -> str | None:
    """Where a file lies, seen from the DICOMDIR; None when it lies elsewhere."""
    if contents.entry is None:
        if item.entry is not None or not item.path.is_relative_to(contents.path.parent):
            return None
        return item.path.relative_to(contents.path.parent).as_posix()
    if item.path != contents.path or item.entry is None:
        return None
    folder = PurePosixPath(contents.inside).parent
    place = PurePosixPath(item.inside)
    return str(place.relative_to(folder)) if place.is_relative_to(folder) else None


def _plain(name: str) -> str:
    return name.upper().partition(";")[0].rstrip(".")
