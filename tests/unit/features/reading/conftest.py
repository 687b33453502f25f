"""A stored series, and a way to look into its headers as the door does."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from heliograph.engine.blobs import Blobs, open_blobs
from heliograph.engine.db import Database
from heliograph.features.access import Actor
from heliograph.features.archive import Intake
from heliograph.features.archive.headers import stored_header
from heliograph.features.reading.marks import MarkImage
from heliograph.features.reading.marks.log import Look, Stored
from heliograph.kit.settings import Settings
from heliograph.standards.dicom.header import Header
from tests.phantoms import Shape, slices

_seeds = itertools.count(9500)


@dataclass(frozen=True)
class Case:
    study: int
    shape: Shape
    look: Look

    def image(self, number: int = 1) -> MarkImage:
        return MarkImage(self.shape.series_uid, self.shape.sop_uid(number))


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blobs]:
    store = open_blobs("file", tmp_path_factory.mktemp("blobs"))
    yield store
    store.close()


@pytest.fixture(scope="module")
def intake(
    scratch: Database, scratch_url: str, blobs: Blobs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Intake]:
    relaxed = Database(scratch_url, name="tests-reading", relaxed=True)
    relaxed.open()
    made = Intake(scratch, relaxed, blobs, Settings(data=Path(tmp_path_factory.mktemp("data"))))
    yield made
    made.close()


@pytest.fixture
def make_case(intake: Intake, blobs: Blobs, scratch: Database, actor: Actor) -> Callable[[], Case]:
    """Stores a series of two slices that no other test has."""

    def look(stored: Stored) -> Header:
        return stored_header(blobs, stored.blob, stored.header_bytes, stored.size_bytes)[0]

    def make() -> Case:
        seed = next(_seeds)
        shape = Shape(slices=2, rows=16, columns=16, seed=seed, patient=f"M{seed}")
        with intake.arrival(actor, "dimse", "CT1") as delivery:
            for raw in slices(shape):
                sink = delivery.open()
                sink.write(raw)
                sink.finish()
        with scratch.transaction() as tx:
            row = tx.execute("select id from study where study_uid = %s", (shape.study_uid,)).fetchone()
        assert row is not None
        return Case(int(row[0]), shape, look)

    return make


@pytest.fixture
def case(make_case: Callable[[], Case]) -> Case:
    return make_case()
