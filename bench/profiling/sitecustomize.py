"""Put on PYTHONPATH, samples every thread of every process of the server: CPU time and waiting by function.

A sample charges the CPU that the thread used since the last one to the function it stands in now, and the rest of the time as waiting.
"""

import atexit
import json
import os
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType

EVERY_S = 0.004
DUMP_S = 1.0
_HERE = "heliograph"


def _where(frame: FrameType | None) -> tuple[str, str]:
    """(the innermost function, the innermost function of ours)."""
    inner = ours = ""
    while frame is not None:
        code = frame.f_code
        name = f"{Path(code.co_filename).stem}.{code.co_qualname}"
        inner = inner or name
        if f"/{_HERE}/" in code.co_filename and "site-packages" not in code.co_filename:
            ours = name
            break
        frame = frame.f_back
    return inner, ours


class Sampler(threading.Thread):
    def __init__(self, out: Path) -> None:
        super().__init__(daemon=True, name="sampler")
        self.out = out
        self.go = out.with_name("go")
        self.cpu: dict[tuple[str, str, str], float] = defaultdict(float)
        self.wait: dict[tuple[str, str, str], float] = defaultdict(float)
        self.last: dict[int, float] = {}

    def run(self) -> None:
        own, before, dump = threading.get_ident(), time.perf_counter(), time.perf_counter()
        while True:
            time.sleep(EVERY_S)
            at = time.perf_counter()
            gone, before = at - before, at
            counts = self.go.exists()
            names = {thread.ident: thread.name.rstrip("0123456789_-") for thread in threading.enumerate()}
            for ident, frame in sys._current_frames().items():  # noqa: SLF001  (the interpreter offers no other way)
                if ident != own:
                    self.sample(ident, frame, names.get(ident, "?"), gone, counts=counts)
            if at - dump > DUMP_S:
                dump = at
                self.write()

    def sample(self, ident: int, frame: FrameType, name: str, gone: float, *, counts: bool) -> None:
        try:
            used = time.clock_gettime(time.pthread_getcpuclockid(ident))
        except OSError:
            return
        cpu = used - self.last.get(ident, used)
        self.last[ident] = used
        if not counts:
            return
        key = (name, *_where(frame))
        self.cpu[key] += cpu
        self.wait[key] += max(0.0, gone - cpu)

    def write(self) -> None:
        rows = [[*key, self.cpu[key], self.wait[key]] for key in self.wait.keys() | self.cpu.keys()]
        text = json.dumps({"command": sys.orig_argv[-2:], "process_cpu_s": time.process_time(), "rows": rows})
        new = self.out.with_suffix(".new")
        new.write_text(text)
        new.replace(self.out)


if _folder := os.environ.get("BENCH_PROFILE"):
    _sampler = Sampler(Path(_folder) / f"{os.getpid()}.json")
    atexit.register(_sampler.write)
    _sampler.start()
