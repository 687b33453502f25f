"""A copy of everything that is consistent by construction, on an idle or busy system.

The database is dumped under one snapshot first, the blobs are copied after: every row of the dump finds its bytes, because blobs
are never overwritten. The copy is then read back and compared with the digests of that snapshot. A second backup into the same
folder copies only segments that are new or have grown.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from heliograph.engine.blobs import Blobs, open_blobs
from heliograph.engine.blobs.segments import SUFFIXES
from heliograph.engine.db import schema
from heliograph.engine.db.embedded import binaries
from heliograph.kit.errors import Broken, Conflict, HeliographError, Invalid
from heliograph.kit.settings import Settings
from heliograph.kit.time import now

_DUMP = "database.dump"
_MANIFEST = "backup.json"
_FORMAT = 1
_ROWS = (
    "select sop_uid, blob, prefix_bytes, size_bytes, sha256 from instance "
    "union all select i.sop_uid || '#' || v.version, v.blob, v.prefix_bytes, v.size_bytes, v.sha256 from instance_version v "
    "join instance i on i.id = v.instance_fk "
    "union all select 'held:' || id, blob, prefix_bytes, size_bytes, sha256 from held order by 1"
)
Progress = Callable[[str, int, int], object]


@dataclass(frozen=True, slots=True)
class Made:
    """What a backup or a restore holds. `digest` is SHA-256 over the sorted digests of all objects."""

    objects: int
    bytes: int
    digest: str


def backup(settings: Settings, url: str, folder: Path, progress: Progress) -> Made:
    """Writes or renews a backup; raises Broken when the copy does not compare."""
    if settings.blobs != "file":
        raise Invalid("backup copies local blobs; a bucket has its own replication and versions", code="backup_bucket")
    folder.mkdir(parents=True, exist_ok=True)
    with psycopg.connect(url) as snapshot:
        snapshot.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        snapshot.read_only = True
        row = snapshot.execute("select pg_export_snapshot()").fetchone()
        assert row is not None
        _dump(url, folder / _DUMP, row[0], progress)
        _copy(settings.data / "blobs", folder / "blobs", progress)
        copied = open_blobs("file", folder)
        try:
            made = _compare(snapshot, copied, progress)
        finally:
            copied.close()
    if (settings.data / "heliograph.toml").is_file():
        shutil.copy2(settings.data / "heliograph.toml", folder / "heliograph.toml")
    facts = {
        "format": _FORMAT, "schema": schema.HEAD, "made_at": now().isoformat(), "objects": made.objects, "bytes": made.bytes, "digest": made.digest,
    }  # fmt: skip
    _write_durably(folder / _MANIFEST, json.dumps(facts, indent=1).encode())
    return made


def check_backup(folder: Path) -> dict[str, Any]:
    """The facts of a backup; raises Invalid when there is none that this program can read."""
    try:
        facts: dict[str, Any] = json.loads((folder / _MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise Invalid(
            "there is no whole backup in this folder (backup.json is written last)", code="no_backup"
        ) from error
    if facts.get("format") != _FORMAT or facts["schema"] > schema.HEAD:
        raise Conflict("the backup was made by a newer program", code="backup_newer")
    return facts


def check_empty(settings: Settings) -> None:
    """A restore never goes over something."""
    if any((settings.data / name).exists() for name in ("database", "blobs")):
        raise Conflict("the data folder is not empty; restore into a new one with --data", code="not_empty")


def restore_blobs(folder: Path, settings: Settings, progress: Progress) -> None:
    _copy(folder / "blobs", settings.data / "blobs", progress)
    if (folder / "heliograph.toml").is_file() and not (settings.data / "heliograph.toml").exists():
        shutil.copy2(folder / "heliograph.toml", settings.data / "heliograph.toml")


def restore_database(folder: Path, url: str) -> None:
    """Fills an empty database from the dump."""
    command = [str(binaries() / "pg_restore"), "--no-owner", "--exit-on-error", "--dbname", url, str(folder / _DUMP)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Broken(f"the database could not be restored: {done.stderr.strip()[-300:]}", code="restore_failed")


def contents(url: str, blobs: Blobs, progress: Progress) -> Made:
    """Reads and compares every object of an installation."""
    with psycopg.connect(url) as connection:
        return _compare(connection, blobs, progress)


def _dump(url: str, target: Path, snapshot: str, progress: Progress) -> None:
    progress("database", 0, 1)
    new = target.with_suffix(".new")
    command = [
        str(binaries() / "pg_dump"),
        "--format=custom",
        "--compress=1",
        f"--snapshot={snapshot}",
        "--file",
        str(new),
        url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Broken(f"the database could not be dumped: {done.stderr.strip()[-300:]}", code="backup_failed")
    _sync(new)
    new.replace(target)
    progress("database", 1, 1)


def _copy(source: Path, target: Path, progress: Progress) -> None:
    files = list(_segments(source))
    for number, (path, size) in enumerate(files):
        progress("copy", number, len(files))
        copy = target / path.relative_to(source).with_suffix(".seg")
        if path.suffix == ".seg" and copy.is_file() and copy.stat().st_size == size:
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        new = copy.with_suffix(".new")
        shutil.copyfile(path, new)
        _sync(new)
        new.replace(copy)
    progress("copy", len(files), len(files))


def _segments(source: Path) -> Iterator[tuple[Path, int]]:
    """Unsealed ones too: a segment that is sealed (renamed) while we look is found under its new name."""
    for path in sorted(source.glob("*/*.*")):
        if path.suffix in SUFFIXES:
            found = next((p for s in (path.suffix, *SUFFIXES) if (p := path.with_suffix(s)).exists()), path)
            yield found, found.stat().st_size


def _compare(connection: "psycopg.Connection[Any]", blobs: Blobs, progress: Progress) -> Made:
    row = connection.execute(
        "select (select count(*) from instance) + (select count(*) from instance_version) + (select count(*) from held)"
    ).fetchone()
    total = int(row[0]) if row else 0
    whole, count, size_sum, faults = hashlib.sha256(), 0, 0, 0
    with connection.cursor(name="objects") as rows:
        rows.itersize = 1000
        rows.execute(_ROWS)
        for name, blob, prefix_bytes, size, digest in rows:
            if _digest(blobs, blob, prefix_bytes, size) != digest:
                faults += 1
            whole.update(str(name).encode() + digest)
            count += 1
            size_sum += size
            progress("compare", count, total)
    if faults:
        raise Broken(f"{faults} of {count} objects do not compare with their digests", code="backup_differs")
    return Made(count, size_sum, whole.hexdigest())


def _digest(blobs: Blobs, blob: str, prefix_bytes: int, size: int) -> bytes:
    sha = hashlib.sha256()
    position = prefix_bytes
    try:
        while position < size:
            data = blobs.read(blob, position, min(4 << 20, size - position))
            sha.update(data)
            position += len(data)
    except HeliographError:
        return b""
    return sha.digest()


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_durably(path: Path, data: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(data)
    _sync(new)
    new.replace(path)
    _sync(path.parent)
