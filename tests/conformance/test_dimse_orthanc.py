"""Orthanc as a peer, both ways: it sends to us, queries us and retrieves from us; we send to it, query it and retrieve from it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import phantoms
from tests.conformance.browsing import until
from tests.peers import dcmtk, part10
from tests.peers.heliograph import Server
from tests.peers.orthanc import Orthanc
from tests.phantoms import Shape

OURS = Shape(4, rows=32, columns=32, seed=61, patient="O1", name="Orthanc^One")
THEIRS = Shape(3, rows=32, columns=32, seed=62, patient="O2", name="Orthanc^Two")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("ours")
    with Server(folder / "data") as running:
        running.add_device("DCMTK")
        phantoms.write_series(OURS, folder / "study")
        assert dcmtk.storescu(running.dicom, folder / "study").code == 0
        yield running


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory, archive: Server) -> Iterator[Orthanc]:
    folder = tmp_path_factory.mktemp("theirs")
    with Orthanc(folder / "orthanc", modalities={"heliograph": archive.dicom}) as running:
        archive.add_device("ORTHANC", running.dicom.port)
        phantoms.write_series(THEIRS, folder / "study")
        for path in (folder / "study").iterdir():
            running.client().post("/instances", content=path.read_bytes()).raise_for_status()
        yield running


@pytest.fixture(scope="module")
def node_id(archive: Server, orthanc: Orthanc) -> str:
    body = {"name": "orthanc", "aet": "ORTHANC", "host": "127.0.0.1", "port": orthanc.dicom.port}
    return str(archive.client().post("/api/nodes", json=body).raise_for_status().json()["id"])


def our_study(archive: Server, shape: Shape) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        items = archive.client().post("/api/studies/search", json={}).raise_for_status().json()["items"]
        return [one for one in items if one["study_uid"] == shape.study_uid]

    return dict(until(found)[0])


def kept_by_orthanc(orthanc: Orthanc, sop_uid: str) -> bytes:
    with orthanc.client() as client:
        (found,) = client.post("/tools/lookup", content=sop_uid).raise_for_status().json()
        return part10.split(client.get(f"{found['Path']}/file").content).dataset


def test_orthanc_echoes_us(archive: Server, orthanc: Orthanc) -> None:
    assert orthanc.client().post("/modalities/heliograph/echo", json={}).status_code == 200


def test_orthanc_queries_us_and_retrieves(archive: Server, orthanc: Orthanc) -> None:
    with orthanc.client() as client:
        asked = {"Level": "Study", "Query": {"PatientName": "orthanc^one", "StudyInstanceUID": ""}}
        query = client.post("/modalities/heliograph/query", json=asked).raise_for_status().json()["Path"]
        assert client.get(f"{query}/answers").json() == ["0"]
        content = client.get(f"{query}/answers/0/content?simplify").json()
        assert content["StudyInstanceUID"] == OURS.study_uid
        client.post(
            f"{query}/answers/0/retrieve", json={"TargetAet": "ORTHANC", "Synchronous": True}
        ).raise_for_status()
    for number, one in enumerate(phantoms.slices(OURS), 1):
        assert kept_by_orthanc(orthanc, OURS.sop_uid(number)) == part10.split(one).dataset


def test_orthanc_sends_to_us(archive: Server, orthanc: Orthanc) -> None:
    shape = Shape(2, rows=32, columns=32, seed=63, patient="O3", name="Orthanc^Three")
    with orthanc.client() as client:
        for one in phantoms.slices(shape):
            client.post("/instances", content=one).raise_for_status()
        (found,) = client.post("/tools/lookup", content=shape.study_uid).json()
        job = client.post("/modalities/heliograph/store", json={"Resources": [found["ID"]], "Synchronous": True}).json()
    assert (job["InstancesCount"], job["FailedInstancesCount"]) == (2, 0)
    assert our_study(archive, shape)["instance_count"] == 2


def test_we_send_to_orthanc(archive: Server, orthanc: Orthanc, node_id: str, tmp_path: Path) -> None:
    shape = Shape(3, rows=32, columns=32, seed=64, patient="O4", name="Orthanc^Four")
    phantoms.write_series(shape, tmp_path / "study")
    assert dcmtk.storescu(archive.dicom, tmp_path / "study").code == 0
    client = archive.client()
    body = {"study_id": our_study(archive, shape)["id"], "node_id": node_id}
    send_id = client.post("/api/sends", json=body).raise_for_status().json()["id"]

    def ended() -> Any:
        return [
            one for one in client.get("/api/sends").json()["items"] if one["id"] == send_id and one["state"] == "done"
        ]

    assert until(ended)[0]["done"] == 3
    for number, one in enumerate(phantoms.slices(shape), 1):
        assert kept_by_orthanc(orthanc, shape.sop_uid(number)) == part10.split(one).dataset


def test_we_query_orthanc_and_retrieve_from_it(archive: Server, orthanc: Orthanc, node_id: str) -> None:
    client = archive.client()
    assert client.post(f"/api/nodes/{node_id}/echo").json()["ok"]
    found = client.post(f"/api/nodes/{node_id}/query", json={"patient_name": "Orthanc^Two"}).raise_for_status().json()
    assert [one["StudyInstanceUID"] for one in found["items"]] == [THEIRS.study_uid]
    client.post(f"/api/nodes/{node_id}/retrieve", json={"study_uid": THEIRS.study_uid}).raise_for_status()
    assert until(lambda: (one := our_study(archive, THEIRS))["instance_count"] == 3 and one)


def test_get_from_orthanc_when_it_does_not_know_us(archive: Server, tmp_path: Path) -> None:
    shape = Shape(3, rows=32, columns=32, seed=65, patient="O5", name="Orthanc^Five")
    with Orthanc(tmp_path / "stranger", aet="STRANGER") as stranger:
        for one in phantoms.slices(shape):
            stranger.client().post("/instances", content=one).raise_for_status()
        client = archive.client()
        body = {"name": "stranger", "aet": "STRANGER", "host": "127.0.0.1", "port": stranger.dicom.port}
        there = client.post("/api/nodes", json=body).raise_for_status().json()["id"]
        job = client.post(f"/api/nodes/{there}/retrieve", json={"study_uid": shape.study_uid}).json()["job_id"]

        def ended() -> Any:
            items = client.get("/api/jobs").json()["items"]
            return next((one for one in items if one["id"] == job and one["state"] in {"done", "failed"}), None)

        assert (until(ended)["state"], our_study(archive, shape)["instance_count"]) == ("done", 3)
