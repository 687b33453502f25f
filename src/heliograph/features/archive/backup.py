"""A copy of everything that is consistent by construction, on an idle or busy system.

The database is dumped under one snapshot first, the blobs are copied after: every row of the dump finds its bytes, because blobs
are never overwritten. The copy is then read back and compared with the digests of that snapshot. A second backup into the same
folder copies only segments that are new or have grown; until it is whole, the folder holds the former one.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from heliograph.engine.audit.keys import want_change
from heliograph.engine.blobs import Blobs, open_blobs
from heliograph.engine.blobs.segments import SUFFIXES, stem_of
from heliograph.engine.db import schema
from heliograph.engine.db.embedded import binaries
from heliograph.engine.secrets.vault import FILE as VAULT_FILE
from heliograph.engine.secrets.vault import merged
from heliograph.kit.errors import Broken, Conflict, HeliographError, Invalid
from heliograph.kit.settings import Settings
from heliograph.kit.time import now

_DUMP = "database.dump"
_MANIFEST = "backup.json"
_UNFINISHED = "restoring"
_KEYS = "keys"
_FORMAT = 1
_TRIES = 5
_UNKNOWN_BEFORE_17 = (
    b"SET transaction_timeout = 0;\n"  # our pg_restore says it to every server; an older one would refuse it
)
_ROWS = (
    "select sop_uid, blob, prefix_bytes, size_bytes, sha256 from instance "
    "union all select i.sop_uid || '#' || v.version, v.blob, v.prefix_bytes, v.size_bytes, v.sha256 from instance_version v "
    "join instance i on i.id = v.instance_fk "
    "union all select 'held:' || id, blob, prefix_bytes, size_bytes, sha256 from held order by 1"
)
Progress = Callable[[str, int, int], object]


@dataclass(frozen=True, slots=True)
class Made:
    """What a backup or a restore holds. `digest` is SHA-256 over the sorted digests of all objects; `damaged` are the blobs that do not compare."""

    objects: int
    bytes: int
    digest: str
    damaged: tuple[str, ...] = ()


def backup(settings: Settings, url: str, folder: Path, progress: Progress) -> Made:
    """Writes or renews a backup. One damaged object in the archive does not stop it: the others are copied, and it is told."""
    if settings.blobs != "file":
        raise Invalid("backup copies local blobs; a bucket has its own replication and versions", code="backup_bucket")
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o700)  # it will hold patient data
    with _alone(folder), psycopg.connect(url) as snapshot:
        snapshot.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        snapshot.read_only = True
        row = snapshot.execute("select pg_export_snapshot()").fetchone()
        assert row is not None
        dump = folder / f"database-{secrets.token_hex(6)}.dump"
        _keep_sealing_keys(settings.data, folder)
        try:
            _dump(url, dump, row[0], progress)
            _copy(settings.data / "blobs", folder / "blobs", progress)
            made = _compare_copy(snapshot, folder, progress)
            if made.damaged and _discard_rotten(settings, folder, made.damaged):
                _copy(settings.data / "blobs", folder / "blobs", progress)
                made = _compare_copy(snapshot, folder, progress)
        except BaseException:
            dump.unlink(missing_ok=True)
            raise
        _finish(settings, folder, dump, made)
    return made


def _compare_copy(snapshot: "psycopg.Connection[Any]", folder: Path, progress: Progress) -> Made:
    copied = open_blobs("file", folder)
    try:
        return _compare(snapshot, copied, progress)
    finally:
        copied.close()


def _discard_rotten(settings: Settings, folder: Path, damaged: tuple[str, ...]) -> bool:
    """Takes away copies of segments that were good once, when the archive still has the object as it was; true when there are any."""
    rotten = set()
    source = open_blobs("file", settings.data)
    try:
        for ref, prefix_bytes, digest in (json.loads(one) for one in damaged):
            if _digest(source, ref, prefix_bytes, source.size(ref)).hex() == digest:
                rotten.add(stem_of(int(ref.partition(".")[0], 16)) + ".seg")
    finally:
        source.close()
    for path in [path for path in folder.glob("blobs/*/*.seg") if path.name in rotten]:
        path.unlink()
    return bool(rotten)


def _finish(settings: Settings, folder: Path, dump: Path, made: Made) -> None:
    """The manifest names the dump: with its renaming the new backup takes the place of the former one."""
    if (settings.data / "heliograph.toml").is_file():
        shutil.copy2(settings.data / "heliograph.toml", folder / "heliograph.toml")
    _copy_keys(settings.data, folder)
    facts = {
        "format": _FORMAT, "schema": schema.HEAD, "made_at": now().isoformat(), "objects": made.objects, "bytes": made.bytes,
        "digest": made.digest, "damaged": len(made.damaged), "dump": dump.name,
    }  # fmt: skip
    _write_durably(folder / _MANIFEST, json.dumps(facts, indent=1).encode())
    for former in folder.glob("database*.dump"):
        if former != dump:
            former.unlink()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One backup at a time in a folder; what a killed one left goes away."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict("another backup into this folder is running", code="backup_running") from None
        kept = _dump_of(folder)
        for left in (*folder.glob("database*.dump"), *folder.glob("*.new"), *folder.glob("blobs/*/*.new")):
            if left != kept:
                left.unlink()
        yield


def _dump_of(folder: Path) -> Path:
    """The dump that belongs to the backup in this folder."""
    try:
        return folder / Path(json.loads((folder / _MANIFEST).read_text()).get("dump", _DUMP)).name
    except (OSError, ValueError):
        return folder / _DUMP


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


@contextlib.contextmanager
def restoring(settings: Settings) -> Iterator[Settings]:
    """Settings of a folder inside the data folder; what was restored there moves to its place at the end, whole or not at all."""
    check_empty(settings)
    inside = settings.data / _UNFINISHED
    shutil.rmtree(inside, ignore_errors=True)  # a restore that was interrupted
    if not settings.data.exists():
        settings.data.mkdir(parents=True, mode=0o700)
    inside.mkdir(mode=0o700)
    yield replace(settings, data=inside)
    for name in ("heliograph.toml", _KEYS, "blobs", "database"):
        if (inside / name).exists() and not (settings.data / name).exists():
            (inside / name).rename(settings.data / name)
    _sync(settings.data)
    shutil.rmtree(inside)


def restore_blobs(folder: Path, settings: Settings, progress: Progress) -> None:
    _copy(folder / "blobs", settings.data / "blobs", progress)
    if (folder / "heliograph.toml").is_file():
        shutil.copy2(folder / "heliograph.toml", settings.data / "heliograph.toml")
    _copy_keys(folder, settings.data)
    want_change(settings.data / _KEYS)  # the archive that this is a copy of may go on with its key


def _copy_keys(source: Path, target: Path) -> None:
    """Keys and certificates, for the same user alone: without them sealed secrets do not open, and devices know us no more."""
    files = [path for path in source.glob(f"{_KEYS}/*") if path.is_file() and path.name != "lock"]
    if not files:
        return
    (target / _KEYS).mkdir(mode=0o700, exist_ok=True)
    for path in files:
        if path.name == VAULT_FILE:
            continue
        _place(path.read_bytes(), path.stat().st_mode & 0o644, target / _KEYS / path.name)
    _keep_sealing_keys(source, target)
    _sync(target / _KEYS)


def _keep_sealing_keys(source: Path, target: Path) -> None:
    """Before the dump and after it, and beside those of former backups: whenever the key was renewed, one that opens what the dump holds is there."""
    file, kept = source / _KEYS / VAULT_FILE, target / _KEYS / VAULT_FILE
    if file.is_file():
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        _place(merged(file.read_bytes(), kept.read_bytes() if kept.is_file() else b""), 0o600, kept)


def _place(data: bytes, mode: int, path: Path) -> None:
    new = path.with_name(f"{path.name}.new")
    new.touch(mode=0o600)
    new.write_bytes(data)
    new.chmod(mode)
    _sync(new)
    new.replace(path)


def restore_database(folder: Path, url: str) -> None:
    """Fills an empty database from the dump, in one transaction."""
    psql = [
        str(binaries() / "psql"),
        "--no-psqlrc",
        "--quiet",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
        "--output=/dev/null",
    ]
    read = [str(binaries() / "pg_restore"), "--no-owner", "--file=-", str(_dump_of(folder))]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(read, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader,
        subprocess.Popen([*psql, url], stdin=subprocess.PIPE, stderr=said) as writer,
    ):
        assert reader.stdout is not None
        assert writer.stdin is not None
        with contextlib.suppress(BrokenPipeError), writer.stdin as script:
            for line in reader.stdout:
                if line == _UNKNOWN_BEFORE_17:
                    break
                script.write(line)
            shutil.copyfileobj(reader.stdout, script, 1 << 20)
        if writer.wait() != 0:
            reader.kill()
            said.seek(0)
            raise Broken(f"the database could not be restored: {_first(said.read().decode())}", code="restore_failed")
        if reader.wait() != 0:
            raise Broken("the database could not be restored: the dump is damaged", code="restore_failed")


def contents(url: str, blobs: Blobs, progress: Progress) -> Made:
    """Reads and compares every object of an installation."""
    with psycopg.connect(url) as connection:
        return _compare(connection, blobs, progress)


def _dump(url: str, target: Path, snapshot: str, progress: Progress) -> None:
    progress("database", 0, 1)
    own = ["--format=custom", "--compress=1", f"--snapshot={snapshot}", "--file", str(target), url]
    done = subprocess.run([str(binaries() / "pg_dump"), *own], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Broken(f"the database could not be dumped: {_first(done.stderr)}", code="backup_failed")
    target.chmod(0o600)
    _sync(target)
    progress("database", 1, 1)


def _first(said: str) -> str:
    """The first line alone: the lines behind it may quote rows."""
    return said.strip().partition("\n")[0][:300]


def _copy(source: Path, target: Path, progress: Progress) -> None:
    """Copies segments that are new or changed; a copy carries the time of its source, and a sealed segment is never written again."""
    segments = _segments(source)
    for number, stem in enumerate(segments):
        progress("copy", number, len(segments))
        copy = target / stem.relative_to(source).with_suffix(".seg")
        for attempt in range(_TRIES):  # a segment may be renamed between look and copy
            try:
                _copy_one(stem, copy)
                break
            except FileNotFoundError:
                if attempt == _TRIES - 1:
                    raise Broken("a stored object's file is missing", code="blob_missing") from None
    for made in {stem.parent.name for stem in segments}:
        _sync(target / made)
    progress("copy", len(segments), len(segments))


def _copy_one(stem: Path, copy: Path) -> None:
    path = next((p for suffix in SUFFIXES if (p := stem.with_suffix(suffix)).exists()), stem.with_suffix(".seg"))
    facts = path.stat()
    if copy.is_file() and (copy.stat().st_size, copy.stat().st_mtime_ns) == (facts.st_size, facts.st_mtime_ns):
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    new = copy.with_suffix(".new")
    shutil.copyfile(path, new)
    os.utime(new, ns=(facts.st_mtime_ns, facts.st_mtime_ns))
    _sync(new)
    new.replace(copy)


def _segments(source: Path) -> list[Path]:
    """Each without its suffix, unsealed ones too. Looked for twice: a folder's listing may miss what is renamed meanwhile."""
    return sorted({path.with_suffix("") for _ in range(2) for path in source.glob("*/*.*") if path.suffix in SUFFIXES})


def _compare(connection: "psycopg.Connection[Any]", blobs: Blobs, progress: Progress) -> Made:
    row = connection.execute(
        "select (select count(*) from instance) + (select count(*) from instance_version) + (select count(*) from held)"
    ).fetchone()
    total = int(row[0]) if row else 0
    whole, count, size_sum = hashlib.sha256(), 0, 0
    damaged: list[str] = []
    with connection.cursor(name="objects") as rows:
        rows.itersize = 1000
        rows.execute(_ROWS)
        for name, blob, prefix_bytes, size, digest in rows:
            if _digest(blobs, blob, prefix_bytes, size) != digest:
                damaged.append(json.dumps([blob, prefix_bytes, bytes(digest).hex()]))
            whole.update(str(name).encode() + digest)
            count += 1
            size_sum += size
            progress("compare", count, total)
    return Made(count, size_sum, whole.hexdigest(), tuple(damaged))


def _digest(blobs: Blobs, blob: str, prefix_bytes: int, size: int) -> bytes:
    sha = hashlib.sha256()
    position = prefix_bytes
    try:
        while position < size:
            data = blobs.read_as_is(blob, position, min(4 << 20, size - position))
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
