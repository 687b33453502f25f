"""A request of many objects to a database that is away: the wait of one is the wait of all."""

import pytest

from heliograph.engine.blobs import open_blobs
from heliograph.engine.db import Database
from heliograph.features.archive import Intake
from heliograph.gateways.dicomweb.multipart import PartBegins, PartData, PartEnds
from heliograph.gateways.dicomweb.stow import OUT_OF_RESOURCES, _Storing
from heliograph.kit.settings import Settings
from tests.peers.ports import free_port
from tests.phantoms import Shape, file_bytes, header


@pytest.fixture
def intake(scratch, tmp_path):
    """Its arrivals are written down; its objects go to a database that is away."""
    away = Database(f"postgresql://nobody@127.0.0.1:{free_port()}/none", name="tests-away")
    away.open()
    blobs = open_blobs("file", tmp_path)
    made = Intake(scratch, away, blobs, Settings(data=tmp_path))
    made.wait_at_most(0.3)
    yield made
    made.close()
    blobs.close()


def test_after_one_silence_of_the_database_the_rest_of_a_request_is_given_up_at_once(intake, actor, monkeypatch):
    shape = Shape(3, rows=8, columns=8, seed=91)
    raw = file_bytes(header(shape, 1))
    asked = []
    decide = intake._decide
    monkeypatch.setattr(intake, "_decide", lambda *words: asked.append(words) or decide(*words))
    with intake.arrival(actor, "stow", "user:A") as delivery:
        opened = []
        real = delivery.open
        monkeypatch.setattr(delivery, "open", lambda: opened.append(True) or real())
        storing = _Storing(delivery, None)
        for _ in range(70):
            storing.take(iter((PartBegins({}), PartData(raw), PartEnds())))
        storing.settle()
        assert [one.reason for one in storing.results] == [OUT_OF_RESOURCES] * 70
        assert storing.trouble is not None
        assert len(opened) == 64, "one settling"
        assert len(asked) <= 1, "in it one object that waited"
