"""Child processes that make whole studies, fed and heard by lines of JSON; they end when the parent's pipe closes."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from heliograph.demo._study import Study
from heliograph.demo._write import write_study
from heliograph.demo.catalogue import exams
from heliograph.kit.errors import Broken


def main() -> None:
    """The child: one order a line, one answer a line; it yields to the server and dies when nobody listens."""
    os.nice(5)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    while True:
        order = json.loads(lines.get())
        exam = next(e for e in exams(order["seed"]) if e.key == order["key"])
        study = Study(exam, order["seed"], datetime.fromisoformat(order["today"]), order["scale"])
        write_study(Path(order["folder"]), study)
        sys.stdout.write(json.dumps({"done": exam.key}) + "\n")
        sys.stdout.flush()


def _listen(lines: "queue.SimpleQueue[str]") -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


class Crew:
    """Some children that share a list of studies to make."""

    def __init__(self, size: int, folder: Path, works: Sequence[Study]) -> None:
        self._orders: queue.SimpleQueue[Study] = queue.SimpleQueue()
        for study in works:
            self._orders.put(study)
        self._answers: queue.SimpleQueue[str | Exception] = queue.SimpleQueue()
        self._folder, self._left = folder, len(works)
        self._children: list[subprocess.Popen[str]] = []
        self._stopped = False
        for _ in range(min(size, len(works))):
            threading.Thread(target=self._drive, daemon=True).start()

    def finished(self, wait_s: float) -> Iterator[str | None]:
        """Keys of studies as they are finished, None every `wait_s` in between."""
        while self._left:
            try:
                answer = self._answers.get(timeout=wait_s)
            except queue.Empty:
                yield None
                continue
            if isinstance(answer, Exception):
                raise answer
            self._left -= 1
            yield answer

    def stop(self) -> None:
        self._stopped = True
        for child in self._children:
            child.kill()
            child.wait()

    def _drive(self) -> None:
        try:
            with subprocess.Popen(
                [sys.executable, "-c", "from heliograph.demo._crew import main; main()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            ) as child:
                self._children.append(child)
                assert child.stdin
                assert child.stdout
                while not self._stopped:
                    study = self._orders.get_nowait()
                    order = {"key": study.exam.key, "seed": study.seed, "scale": study.scale}
                    order |= {"today": study.now.isoformat(), "folder": str(self._folder)}
                    child.stdin.write(json.dumps(order) + "\n")
                    child.stdin.flush()
                    answer = child.stdout.readline()
                    if not answer:
                        raise Broken(f"the process that makes {study.exam.key} ended early")
                    self._answers.put(str(json.loads(answer)["done"]))
        except queue.Empty:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller must hear of it
            if not self._stopped:
                self._answers.put(error)
