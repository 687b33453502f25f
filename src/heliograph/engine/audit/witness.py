"""Checkpoints outside of the database: whoever rewrites the log must also reach every file in which its checkpoints stand."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from heliograph.engine.db import Tx


def witnessed(path: Path) -> Iterator[dict[str, Any]]:
    """The checkpoints in a file; a last line that a power cut tore is no checkpoint."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


def bring_up(tx: Tx, path: Path) -> int:
    """Appends the checkpoints that the file does not have yet, durably; the count."""
    last = _last_number(path)
    rows = tx.execute(
        "select number, body, signature from audit_checkpoint where number > %s order by number", (last,)
    ).fetchall()
    if not rows:
        return 0
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700, parents=True)
    lines = [
        json.dumps({"number": n, "body": body, "signature": bytes(signature).hex()}) for n, body, signature in rows
    ]
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        torn = os.fstat(descriptor).st_size and os.pread(descriptor, 1, os.fstat(descriptor).st_size - 1) != b"\n"
        os.write(descriptor, (("\n" if torn else "") + "\n".join(lines) + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return len(rows)


def _last_number(path: Path) -> int:
    """Read from the end: the file grows by a line a minute for years."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - (64 << 10)))
        tail = file.read().split(b"\n")
    for line in reversed(tail):
        try:
            return int(json.loads(line)["number"])
        except (ValueError, KeyError, TypeError):
            continue
    return 0
