"""An archive with an intake, to send what is really stored."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import Dataset

from heliograph.engine.blobs import open_blobs
from heliograph.engine.db import Database
from heliograph.features.access import Actor
from heliograph.features.archive import Intake, Outcome
from heliograph.kit.settings import Settings
from tests.phantoms import Shape, file_bytes, header

_seeds = itertools.count(11000)
Put = Callable[..., Outcome]


@pytest.fixture
def put(scratch: Database, scratch_url: str, actor: Actor, tmp_path: Path) -> Iterator[Put]:
    relaxed = Database(scratch_url, name="tests-routing", relaxed=True)
    relaxed.open()
    blobs = open_blobs("file", tmp_path)
    intake = Intake(scratch, relaxed, blobs, Settings(data=tmp_path))

    def send(data: Dataset) -> Outcome:
        with intake.arrival(actor, "dimse", "CT1") as delivery:
            sink = delivery.open()
            sink.write(file_bytes(data))
            return sink.finish()

    yield send
    intake.close()
    blobs.close()


@pytest.fixture
def shape() -> Shape:
    """A series that no other test has."""
    seed = next(_seeds)
    return Shape(slices=3, rows=8, columns=8, seed=seed, patient=f"R{seed}")


def slice_of(shape: Shape, number: int, description: str = "AS SENT") -> Dataset:
    made = header(shape, number)
    made.SeriesDescription = description
    made.PixelData = bytes([number % 256, 0]) * (shape.rows * shape.columns)
    made["PixelData"].VR = "OW"
    return made
