"""What the machine can do right now: the yardstick beside every durable figure."""

import os
import statistics
import tempfile
import time
from pathlib import Path


def fdatasync_ms(folder: Path, *, size: int = 526_000, count: int = 40) -> float:
    """Median time to append `size` bytes and make them durable, in this folder's file system."""
    folder.mkdir(parents=True, exist_ok=True)
    block, times = os.urandom(size), []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(count):
            began = time.perf_counter()
            file.write(block)
            file.flush()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def machine() -> dict[str, str | int]:
    """Enough to read a figure years later; nothing that names the machine."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "",
    )
    memory = next(
        int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")
    )
    return {
        "cpu": model,
        "cores": os.cpu_count() or 0,
        "memory_mib": memory // 1024,
        "kernel": os.uname().release.split("-")[0],
    }
