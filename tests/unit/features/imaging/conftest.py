"""An archive with an intake, to make documents of what is really stored."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import Dataset

from heliograph.engine.blobs import Blobs, open_blobs
from heliograph.engine.db import Database
from heliograph.features.access import Actor
from heliograph.features.archive import Intake, Outcome
from heliograph.kit.settings import Settings
from tests.phantoms import Shape, file_bytes, slices

_seeds = itertools.count(9000)
Put = Callable[..., Outcome]


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[Blobs]:
    store = open_blobs("file", tmp_path)
    yield store
    store.close()


@pytest.fixture
def intake(scratch: Database, scratch_url: str, blobs: Blobs, tmp_path: Path) -> Iterator[Intake]:
    relaxed = Database(scratch_url, name="tests-imaging", relaxed=True)
    relaxed.open()
    made = Intake(scratch, relaxed, blobs, Settings(data=tmp_path))
    yield made
    made.close()


@pytest.fixture
def put(intake: Intake, actor: Actor) -> Put:
    def send(data: Dataset | bytes, source: str = "CT1") -> Outcome:
        with intake.arrival(actor, "dimse", source) as delivery:
            sink = delivery.open()
            sink.write(data if isinstance(data, bytes) else file_bytes(data))
            return sink.finish()

    return send


@pytest.fixture
def shape() -> Shape:
    """A series that no other test has."""
    seed = next(_seeds)
    return Shape(slices=4, rows=16, columns=16, seed=seed, patient=f"I{seed}")


@pytest.fixture
def stored(put: Put, shape: Shape) -> Outcome:
    """The whole series; the outcome of its last object."""
    return [put(raw) for raw in slices(shape)][-1]
