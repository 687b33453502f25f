"""Fetches that do not go well: cancelled ones are cancelled at the other node too (PS3.7 9.3.2.3, PS3.4 C.4.2, C.4.3)."""

import io
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pydicom import dcmread
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from tests import phantoms
from tests.conformance.browsing import until
from tests.peers.heliograph import Server
from tests.peers.ports import free_port
from tests.phantoms import Shape

SYNTAXES = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"]
SHAPE = Shape(6, rows=8, columns=8, seed=57, patient="C1", name="Cancel^One")
LONG_S = 300.0


class SlowNode:
    """A foreign archive that sends two objects of six and then works on the third for ever; heeds a cancel unless it is stubborn."""

    def __init__(self, model: str, our_port: int, *, stubborn: bool = False) -> None:
        self.stubborn = stubborn
        self.begun = threading.Event()
        self.let_go = threading.Event()
        self.saw_cancel = threading.Event()
        self.ended = threading.Event()
        self._our_port = our_port
        self.ae = AE(ae_title="SLOW")
        self.ae.add_supported_context(model, SYNTAXES)
        self.ae.add_supported_context(CTImageStorage, SYNTAXES, scu_role=True, scp_role=True)
        self.ae.add_requested_context(CTImageStorage, SYNTAXES)
        self.port = free_port()

    def __enter__(self) -> "SlowNode":
        handlers = [
            (evt.EVT_C_GET, self._get), (evt.EVT_C_MOVE, self._move),
            (evt.EVT_RELEASED, lambda _: self.ended.set()), (evt.EVT_ABORTED, lambda _: self.ended.set()),
            (evt.EVT_CONN_CLOSE, lambda _: self.ended.set()),
        ]  # fmt: skip
        self._server = self.ae.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go.set()
        self._server.shutdown()

    def _get(self, event: Any) -> Iterator[Any]:
        yield SHAPE.slices
        yield from self._objects(event)

    def _move(self, event: Any) -> Iterator[Any]:
        yield "127.0.0.1", self._our_port
        yield SHAPE.slices
        yield from self._objects(event)

    def _objects(self, event: Any) -> Iterator[Any]:
        for number, raw in enumerate(phantoms.slices(SHAPE)):
            if number == 2:
                self.begun.set()
                if self._is_cancelled(event):
                    yield 0xFE00, None
                    return
            yield 0xFF00, dcmread(io.BytesIO(raw))

    def _is_cancelled(self, event: Any) -> bool:
        deadline = time.monotonic() + LONG_S
        while time.monotonic() < deadline and not self.let_go.is_set():
            if event.is_cancelled and not self.stubborn:
                self.saw_cancel.set()
                return True
            time.sleep(0.05)
        return False


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("cancel") / "data") as running:
        running.add_device("SLOW")
        yield running


def fetch(archive: Server, slow: SlowNode, name: str, study_uid: str = SHAPE.study_uid) -> str:
    """A job that stands at the third object."""
    client = archive.client()
    body = {"name": name, "aet": "SLOW", "host": "127.0.0.1", "port": slow.port}
    node_id = client.post("/api/nodes", json=body).raise_for_status().json()["id"]
    asked = client.post(f"/api/nodes/{node_id}/retrieve", json={"study_uid": study_uid})
    job_id = asked.raise_for_status().json()["job_id"]
    assert slow.begun.wait(LONG_S)
    return str(job_id)


def ended(archive: Server, job_id: str) -> Any:
    items = archive.client().get("/api/jobs").raise_for_status().json()["items"]
    return next((one for one in items if one["id"] == job_id and one["state"] not in {"queued", "running"}), None)


@pytest.mark.parametrize(
    "model",
    [StudyRootQueryRetrieveInformationModelMove, StudyRootQueryRetrieveInformationModelGet],
    ids=["move", "get"],
)
def test_cancelling_a_fetch_cancels_it_at_the_node(archive: Server, model: str) -> None:
    with SlowNode(model, archive.dicom.port) as slow:
        job_id = fetch(archive, slow, f"slow-{model}")
        archive.client().post(f"/api/jobs/{job_id}/cancel").raise_for_status()
        assert until(lambda: ended(archive, job_id))["state"] == "cancelled"
        assert slow.saw_cancel.wait(LONG_S / 2), "the node was never asked to stop"
        assert slow.ended.wait(LONG_S / 2), "the association is given back"


def test_a_node_that_does_not_stop_is_left(archive: Server) -> None:
    with SlowNode(StudyRootQueryRetrieveInformationModelMove, archive.dicom.port, stubborn=True) as slow:
        job_id = fetch(archive, slow, "stubborn")
        archive.client().post(f"/api/jobs/{job_id}/cancel").raise_for_status()
        assert until(lambda: ended(archive, job_id))["state"] == "cancelled"
        assert not slow.let_go.is_set(), "the node was still at it"


class EmptyNode(SlowNode):
    """A foreign archive without the study."""

    def _move(self, event: Any) -> Iterator[Any]:
        self.begun.set()
        yield "127.0.0.1", self._our_port
        yield 0


def test_a_fetch_that_brought_nothing_is_no_success(archive: Server) -> None:
    """A node that has nothing of the study has nothing to send, and says success to that."""
    with EmptyNode(StudyRootQueryRetrieveInformationModelMove, archive.dicom.port) as empty:
        job_id = fetch(archive, empty, "empty", "1.2.3.4.5")
        seen = until(lambda: ended(archive, job_id))
    assert seen["state"] == "failed"
    assert "nothing of this study" in seen["error"]
