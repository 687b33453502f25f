"""An intake on the scratch database, each test in a tenant-wide unique set of UIDs."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import Dataset

from heliograph.engine.blobs import open_blobs
from heliograph.engine.db import Database
from heliograph.features.access import Actor
from heliograph.features.archive import Delivery, Intake, Outcome
from heliograph.kit.settings import Settings
from tests.phantoms import Shape, file_bytes, header

_seeds = itertools.count(7000)


@pytest.fixture
def intake(scratch: Database, scratch_url: str, tmp_path: Path) -> Iterator[Intake]:
    relaxed = Database(scratch_url, name="tests-ingest", relaxed=True)
    relaxed.open()
    blobs = open_blobs("file", tmp_path)
    made = Intake(scratch, relaxed, blobs, Settings(data=tmp_path))
    yield made
    made.close()
    blobs.close()


@pytest.fixture
def shape() -> Shape:
    """A series that no other test has."""
    seed = next(_seeds)
    return Shape(slices=3, rows=8, columns=8, seed=seed, patient=f"P{seed}")


Put = Callable[..., Outcome]


@pytest.fixture
def put(intake: Intake, actor: Actor) -> Put:
    """Sends one object as a source would: `put(dataset, source="CT1")`."""

    def send(data: Dataset | bytes, source: str = "CT1", *, issuer: str = "", expected: str = "") -> Outcome:
        raw = data if isinstance(data, bytes) else file_bytes(data)
        with intake.arrival(actor, "dimse", source, issuer=issuer) as delivery:
            return feed(delivery, raw, expected)

    return send


def feed(delivery: Delivery, raw: bytes, expected: str = "") -> Outcome:
    sink = delivery.open()
    for offset in range(0, len(raw), 5000):
        sink.write(raw[offset : offset + 5000])
    return sink.finish(expected_sop_uid=expected)


@pytest.fixture
def slice_of() -> Callable[[Shape, int], Dataset]:
    """A small whole slice: `slice_of(shape, 1)`."""

    def make(shape: Shape, number: int) -> Dataset:
        made = header(shape, number)
        made.PixelData = bytes([number % 256, 0]) * (shape.rows * shape.columns)
        made["PixelData"].VR = "OW"
        return made

    return make
