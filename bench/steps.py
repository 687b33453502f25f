"""What is measured. A step is a function of a running target; its figure and unit are printed as they are."""

import shutil
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from bench.corpus import Corpus
from bench.load import download, wrk
from bench.targets import CALLER, Target
from tests.peers import dcmtk, dicomweb, processes

FRAME = {"Accept": 'multipart/related; type="application/octet-stream"'}
JSON = {"Accept": "application/dicom+json"}
STOW_BATCH = 25


@dataclass(frozen=True, slots=True)
class Scene:
    """What every step shares."""

    corpus: Corpus
    receiver: dcmtk.Storescp
    seconds: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One value, and what else was seen on the way."""

    value: float
    more: dict[str, float]


@dataclass(frozen=True, slots=True)
class Step:
    """`ingest` steps get an empty server each; `read` steps share a loaded one, in this order, after a restart."""

    key: str
    title: str
    unit: str
    higher_is_better: bool
    kind: str
    run: Callable[[Target, Scene], Figure]


def _cpu_of(target: Target, work: Callable[[], float], count: int) -> Figure:
    before = processes.cpu_s(target.pids())
    seconds = work()
    cpu = processes.cpu_s(target.pids()) - before
    return Figure(count / seconds, {"seconds": seconds, "server_cpu_ms_each": 1000 * cpu / count})


def _stored(done: list[dcmtk.Done]) -> float:
    bad = [one for one in done if one.code != 0]
    if bad:
        raise AssertionError(f"storescu ended with {bad[0].code}: {bad[0].text[-2000:]}")
    return max(one.seconds for one in done)


def store1(target: Target, scene: Scene) -> Figure:
    return _cpu_of(
        target,
        lambda: _stored([dcmtk.storescu(target.stores, scene.corpus.large_folder, calling=CALLER)]),
        scene.corpus.slices,
    )


def store8(target: Target, scene: Scene) -> Figure:
    return _cpu_of(
        target,
        lambda: _stored(dcmtk.storescu_many(target.stores, scene.corpus.shares(8), calling=CALLER)),
        scene.corpus.slices,
    )


def stow(target: Target, scene: Scene) -> Figure:
    files = [path.read_bytes() for path in sorted(scene.corpus.large_folder.rglob("*.dcm"))]
    bodies = [dicomweb.multipart(files[start : start + STOW_BATCH]) for start in range(0, len(files), STOW_BATCH)]

    def work() -> float:
        total = 0.0
        trusted = ssl.create_default_context(cafile=target.ca) if target.ca else False
        with httpx.Client(
            base_url=target.http, headers=target.headers, timeout=300, trust_env=False, verify=trusted
        ) as client:
            for body, kind in bodies:
                response = client.post("/dicom-web/studies", content=body, headers={"Content-Type": kind, **JSON})
                if response.status_code != 200:
                    raise AssertionError(f"STOW answered {response.status_code}: {response.text[:500]}")
                total += response.elapsed.total_seconds()
        return total

    return _cpu_of(target, work, len(files))


def start(target: Target, _scene: Scene) -> Figure:
    """Exec to ready on the loaded folder; the target stays up for the next steps."""
    target.stop()
    return Figure(target.start(), {})


def _series(corpus: Corpus, number: int = 1) -> str:
    return f"/dicom-web/studies/{corpus.study_uid}/series/{corpus.study_uid}.{number}"


def _frame_paths(corpus: Corpus, number: int = 1) -> list[str]:
    shape = corpus.shapes[number - 1]
    return [
        f"{_series(corpus, number)}/instances/{shape.sop_uid(slice_)}/frames/1" for slice_ in range(1, shape.slices + 1)
    ]


def metadata_cold(target: Target, scene: Scene) -> Figure:
    """The first request after a restart, on a series that settled before it."""
    target.stop()
    target.start()
    seconds, size = download(target.http, f"{_series(scene.corpus)}/metadata", {**target.headers, **JSON}, ca=target.ca)
    return Figure(seconds * 1000, {"bytes": size})


def frame_cold(target: Target, scene: Scene) -> Figure:
    target.stop()
    target.start()
    seconds, size = download(target.http, _frame_paths(scene.corpus)[100], {**target.headers, **FRAME}, ca=target.ca)
    return Figure(seconds * 1000, {"bytes": size})


def _rate(target: Target, scene: Scene, paths: list[str], headers: dict[str, str], clients: int) -> Figure:
    download(target.http, paths[0], {**target.headers, **headers}, ca=target.ca)
    before = processes.cpu_s(target.pids())
    seen = wrk(target.http, paths, {**target.headers, **headers}, clients=clients, seconds=scene.seconds)
    cpu = processes.cpu_s(target.pids()) - before
    size = seen.bytes / seen.requests
    return Figure(
        seen.per_second,
        {
            "p50_ms": seen.p50_ms,
            "p95_ms": seen.p95_ms,
            "bytes_each": size,
            "server_cpu_ms_each": 1000 * cpu / seen.requests,
        },
    )


def metadata_warm(target: Target, scene: Scene) -> Figure:
    return _rate(target, scene, [f"{_series(scene.corpus)}/metadata"], JSON, 1)


def qido_studies(target: Target, scene: Scene) -> Figure:
    return _rate(target, scene, ["/dicom-web/studies?limit=100"], JSON, 1)


def qido_instances(target: Target, scene: Scene) -> Figure:
    return _rate(target, scene, [f"{_series(scene.corpus)}/instances"], JSON, 1)


def frames1(target: Target, scene: Scene) -> Figure:
    return _rate(target, scene, _frame_paths(scene.corpus), FRAME, 1)


def frames4(target: Target, scene: Scene) -> Figure:
    return _rate(target, scene, _frame_paths(scene.corpus), FRAME, 4)


def _study_keys(corpus: Corpus) -> dict[str, str]:
    return {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": corpus.study_uid}


def cget(target: Target, scene: Scene) -> Figure:
    folder = scene.corpus.folder / "got"
    shutil.rmtree(folder, ignore_errors=True)

    def work() -> float:
        done = dcmtk.getscu(target.dicom, _study_keys(scene.corpus), folder=folder, calling=CALLER)
        if done.code != 0 or len(done.files) != scene.corpus.slices:
            raise AssertionError(f"getscu ended with {done.code} and {len(done.files)} files: {done.text[-1500:]}")
        return done.seconds

    try:
        return _cpu_of(target, work, scene.corpus.slices)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def cmove(target: Target, scene: Scene) -> Figure:
    receiver = scene.receiver

    def work() -> float:
        for file in receiver.files:
            file.unlink()
        done = dcmtk.movescu(target.dicom, receiver.dicom.aet, _study_keys(scene.corpus), calling=CALLER)
        if (
            done.code != 0
            or "Final Move Response (Success)" not in done.text
            or len(receiver.files) != scene.corpus.slices
        ):
            raise AssertionError(
                f"movescu ended with {done.code}, {len(receiver.files)} files arrived: {done.text[-1500:]}"
            )
        return done.seconds

    return _cpu_of(target, work, scene.corpus.slices)


def wado_study(target: Target, scene: Scene) -> Figure:
    def work() -> float:
        path = f"/dicom-web/studies/{scene.corpus.study_uid}"
        seconds, size = download(target.http, path, {**target.headers, "Accept": dicomweb.ANY_DICOM}, ca=target.ca)
        if size < scene.corpus.slices * 512 * 512 * 2:
            raise AssertionError(f"only {size} bytes came")
        return seconds

    return _cpu_of(target, work, scene.corpus.slices)


def memory(target: Target, _scene: Scene) -> Figure:
    """All processes, shared pages counted once, after everything above."""
    return Figure(processes.pss_bytes(target.pids()) / 1e6, {"processes": len(target.pids())})


STEPS = (
    Step("store1", "C-STORE, 1 association", "/s", True, "ingest", store1),
    Step("store8", "C-STORE, 8 associations", "/s", True, "ingest", store8),
    Step("stow", "STOW-RS, 25 instances a request", "/s", True, "ingest", stow),
    Step("start", "start on an existing folder", "s", False, "read", start),
    Step("metadata-cold", "metadata of 250 slices, first request after a restart", "ms", False, "read", metadata_cold),
    Step("frame-cold", "one frame, first request after a restart", "ms", False, "read", frame_cold),
    Step("metadata-warm", "metadata of 250 slices", "/s", True, "read", metadata_warm),
    Step("qido-studies", "QIDO-RS, list of 100 studies", "/s", True, "read", qido_studies),
    Step("qido-instances", "QIDO-RS, 250 instances of a series", "/s", True, "read", qido_instances),
    Step("frames1", "frames, 1 client", "/s", True, "read", frames1),
    Step("frames4", "frames, 4 clients", "/s", True, "read", frames4),
    Step("cget", "whole study by C-GET", "instances/s", True, "read", cget),
    Step("cmove", "whole study by C-MOVE", "instances/s", True, "read", cmove),
    Step("wado-study", "whole study by WADO-RS", "instances/s", True, "read", wado_study),
    Step("memory", "memory after these reads", "MB", False, "read", memory),
)
