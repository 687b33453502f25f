"""Eight callers at the door of the archive, in this process, on the real database and the real blobs."""

import itertools
import os
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import probe
from bench.scaling.people import INSTANCES_PER_STUDY, Examination
from heliograph.features.access import system_actor
from heliograph.services import Services
from heliograph.standards.dicom import part10, uids
from tests.peers import processes

CALLERS = 8


@dataclass(frozen=True, slots=True)
class Cost:
    """What one instance cost in a window that ends at `instances`."""

    instances: int
    window: int
    wall_ms: float
    own_cpu_ms: float
    database_cpu_ms: float
    fdatasync_ms: float

    @property
    def cpu_ms(self) -> float:
        return self.own_cpu_ms + self.database_cpu_ms

    @property
    def wall_per_sync(self) -> float:
        """Wall time of one instance in units of one sync of its size: what is left when the disk's mood is taken out."""
        return self.wall_ms / self.fdatasync_ms

    def as_dict(self) -> dict[str, float]:
        return {**asdict(self), "cpu_ms": self.cpu_ms, "wall_per_sync": self.wall_per_sync}


class Drive:
    """Stores whole studies from `first` on; the making of the objects is not counted."""

    def __init__(self, services: Services, data: Path) -> None:
        self._services = services
        self._data = data
        self._making_s = 0.0
        self._lock = threading.Lock()
        self._errors: list[BaseException] = []

    def _database_cpu_s(self) -> float:
        return processes.cpu_s(processes.family("bench-scale", self._data / "database"))

    def _one(self, examination: Examination) -> None:
        began = time.thread_time()
        objects = [examination.object(instance) for instance in range(INSTANCES_PER_STUDY)]
        making = time.thread_time() - began
        with self._lock:
            self._making_s += making
        syntax = uids.EXPLICIT_VR_LITTLE_ENDIAN
        with self._services.intake.arrival(
            system_actor("bench"), "dimse", "SCALE", called_aet="HELIOGRAPH"
        ) as delivery:
            for sop_class, sop_uid, dataset in objects:
                sink = delivery.open()
                sink.begin_data_set(part10.file_meta(sop_class, sop_uid, syntax, "SCALE"))
                sink.write(dataset)
                outcome = sink.finish(expected_sop_uid=sop_uid)
                if outcome.kind not in {"new", "identical"}:
                    raise AssertionError(f"an instance was {outcome.kind}: {outcome.reason}")

    def _caller(self, numbers: "itertools.count[int]", last: int) -> None:
        try:
            while (number := next(numbers)) < last:
                self._one(Examination(number))
        except BaseException as error:  # noqa: BLE001  (shown by the main thread)
            self._errors.append(error)

    def run(self, first: int, last: int) -> None:
        """Studies first..last-1; returns when all of them are durable."""
        numbers = itertools.count(first)
        callers = [threading.Thread(target=self._caller, args=(numbers, last)) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        if self._errors:
            raise self._errors[0]

    def measure(self, first: int, last: int) -> Cost:
        sync = probe.fdatasync_ms(self._data, size=2500, count=300)
        self._making_s = 0.0
        cpu, database, began = _own_cpu_s(), self._database_cpu_s(), time.perf_counter()
        self.run(first, last)
        wall = time.perf_counter() - began
        own = _own_cpu_s() - cpu - self._making_s
        database = self._database_cpu_s() - database
        sync = (sync + probe.fdatasync_ms(self._data, size=2500, count=300)) / 2
        count = (last - first) * INSTANCES_PER_STUDY
        return Cost(
            last * INSTANCES_PER_STUDY, count, 1000 * wall / count, 1000 * own / count, 1000 * database / count, sync
        )


def _own_cpu_s() -> float:
    times = os.times()
    return times.user + times.system
