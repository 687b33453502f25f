"""Our own use of other nodes: echo, query, send with durable retry, retrieve, forwarding rules."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import phantoms
from tests.conformance.browsing import until
from tests.peers import dcmtk, part10, pynet
from tests.peers.heliograph import Server
from tests.phantoms import Shape

STUDY = Shape(5, rows=16, columns=16, seed=51, patient="N1", name="Node^One")
AWAY = Shape(4, rows=16, columns=16, seed=52, patient="N2", name="Node^Two")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("nodes")
    config = folder / "quick.toml"
    config.write_text("[archive]\nseries_quiet_s = 1\nstudy_quiet_s = 1\n")
    with Server(folder / "data", options=("--config", str(config))) as running:
        running.add_device("DCMTK")
        phantoms.write_series(STUDY, folder / "study")
        assert dcmtk.storescu(running.dicom, folder / "study").code == 0
        yield running


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, archive: Server) -> Iterator[Server]:
    """A second Heliograph as the remote archive; it knows the first as a device."""
    folder = tmp_path_factory.mktemp("other")
    with Server(folder / "data", aet="OTHER") as running:
        running.add_device("HELIOGRAPH", archive.dicom.port)
        running.add_device("DCMTK")
        phantoms.write_series(AWAY, folder / "away")
        assert dcmtk.storescu(running.dicom, folder / "away").code == 0
        archive.add_device("OTHER", running.dicom.port)
        yield running


def node(server: Server, name: str, aet: str, port: int) -> str:
    body = {"name": name, "aet": aet, "host": "127.0.0.1", "port": port}
    return str(server.client().post("/api/nodes", json=body).raise_for_status().json()["id"])


def study_id(server: Server, uid: str) -> str:
    def found() -> list[dict[str, Any]]:
        items = server.client().post("/api/studies/search", json={}).raise_for_status().json()["items"]
        return [one for one in items if one["study_uid"] == uid]

    return str(until(found)[0]["id"])


def the_send(server: Server, send_id: str) -> dict[str, Any]:
    items = server.client().get("/api/sends").raise_for_status().json()["items"]
    return next(one for one in items if one["id"] == send_id)


def send(server: Server, node_id: str) -> str:
    body = {"study_id": study_id(server, STUDY.study_uid), "node_id": node_id}
    return str(server.client().post("/api/sends", json=body).raise_for_status().json()["id"])


def resend(server: Server, send_id: str) -> None:
    """Asked again while the send's own next attempt is under way."""
    until(lambda: server.client().post(f"/api/sends/{send_id}/resend").status_code != 409)


def test_echo_says_how_long_it_took_or_what_stands_in_the_way(archive: Server, other: Server) -> None:
    good = node(archive, "echo-good", "OTHER", other.dicom.port)
    down = node(archive, "echo-down", "NOBODY", 9)
    answer = archive.client().post(f"/api/nodes/{good}/echo").raise_for_status().json()
    assert (answer["ok"], answer["error"]) == (True, None)
    answer = archive.client().post(f"/api/nodes/{down}/echo").raise_for_status().json()
    assert not answer["ok"]
    assert "refuses the connection" in answer["error"]


def test_query_of_a_remote_node(archive: Server, other: Server) -> None:
    there = node(archive, "query", "OTHER", other.dicom.port)
    answer = (
        archive.client().post(f"/api/nodes/{there}/query", json={"patient_name": "node*"}).raise_for_status().json()
    )
    assert [one["StudyInstanceUID"] for one in answer["items"]] == [AWAY.study_uid]
    assert answer["items"][0]["PatientName"] == "Node^Two"
    assert answer["truncated"] is False


def test_retrieve_brings_the_study_here(archive: Server, other: Server) -> None:
    there = node(archive, "retrieve", "OTHER", other.dicom.port)
    client = archive.client()
    job = (
        client.post(f"/api/nodes/{there}/retrieve", json={"study_uid": AWAY.study_uid})
        .raise_for_status()
        .json()["job_id"]
    )

    def ended() -> Any:
        items = client.get("/api/jobs").raise_for_status().json()["items"]
        return next((one for one in items if one["id"] == job and one["state"] in {"done", "failed"}), None)

    seen = until(ended)
    assert (seen["state"], seen["done"], seen["error"]) == ("done", 4, None)
    assert study_id(archive, AWAY.study_uid)


def test_retrieve_from_a_node_that_does_not_know_us_goes_by_c_get(archive: Server, tmp_path: Path) -> None:
    away = Shape(3, rows=16, columns=16, seed=53, patient="N3", name="Node^Three")
    with Server(tmp_path / "data", aet="DEAF") as deaf:
        deaf.add_device("HELIOGRAPH", 9)  # known, but nothing listens where it is said to be
        phantoms.write_series(away, tmp_path / "away")
        assert dcmtk.storescu(deaf.dicom, tmp_path / "away").code == 0
        there = node(archive, "deaf", "DEAF", deaf.dicom.port)
        client = archive.client()
        job = client.post(f"/api/nodes/{there}/retrieve", json={"study_uid": away.study_uid}).json()["job_id"]

        def ended() -> Any:
            items = client.get("/api/jobs").raise_for_status().json()["items"]
            return next((one for one in items if one["id"] == job and one["state"] in {"done", "failed"}), None)

        assert until(ended)["state"] == "done"
    assert study_id(archive, away.study_uid)


def test_send_arrives_bit_for_bit(archive: Server) -> None:
    with pynet.StoreScp(aet="TAKER") as receiver:
        send_id = send(archive, node(archive, "taker", "TAKER", receiver.dicom.port))
        seen = until(lambda: (one := the_send(archive, send_id))["state"] == "done" and one)
        assert (seen["done"], seen["total"], seen["failed"], seen["error"]) == (5, 5, 0, None)
        expected = {STUDY.sop_uid(n): part10.split(one).dataset for n, one in enumerate(phantoms.slices(STUDY), 1)}
        assert receiver.raw == expected


def test_send_waits_for_a_node_that_is_down_and_survives_our_restart(archive: Server) -> None:
    with pynet.StoreScp(aet="LATE") as reserved:
        port = reserved.dicom.port
    send_id = send(archive, node(archive, "late", "LATE", port))
    seen = until(lambda: (one := the_send(archive, send_id))["state"] == "waiting" and one)
    assert "refuses the connection" in seen["error"]
    assert seen["next_attempt_at"]
    archive.restart()
    receiver = pynet.StoreScp(aet="LATE")
    receiver.dicom = receiver.dicom._replace(port=port)
    with receiver:
        resend(archive, send_id)
        seen = until(lambda: (one := the_send(archive, send_id))["state"] == "done" and one)
    assert seen["done"] == 5
    assert len(receiver.raw) == 5


def test_send_goes_on_where_a_full_node_stopped_it(archive: Server) -> None:
    taken: list[str] = []

    def judge(event: Any) -> int:
        if len(taken) == 3 and not opened:
            return 0xA700
        taken.append(event.request.AffectedSOPInstanceUID)
        return 0x0000

    opened: list[bool] = []
    with pynet.StoreScp(aet="FULL", status=judge) as receiver:
        send_id = send(archive, node(archive, "full", "FULL", receiver.dicom.port))
        seen = until(lambda: (one := the_send(archive, send_id))["state"] == "waiting" and one)
        assert (seen["done"], "no room" in seen["error"]) == (3, True)
        opened.append(True)
        resend(archive, send_id)
        assert until(lambda: (one := the_send(archive, send_id))["state"] == "done" and one)["done"] == 5
    assert sorted(taken) == sorted(STUDY.sop_uid(n) for n in range(1, 6)), "nothing was sent twice"


def test_send_that_a_node_refuses_fails_with_the_reason_and_can_be_cancelled_or_repeated(archive: Server) -> None:
    with pynet.StoreScp(aet="PICKY", status=0xA900) as receiver:
        send_id = send(archive, node(archive, "picky", "PICKY", receiver.dicom.port))
        seen = until(lambda: (one := the_send(archive, send_id))["state"] == "failed" and one)
        assert (seen["failed"], seen["done"]) == (5, 0)
        assert "A900" in seen["error"]
        receiver.status = 0x0000
        resend(archive, send_id)
        assert until(lambda: (one := the_send(archive, send_id))["state"] == "done" and one)["done"] == 5
    down = send(archive, node(archive, "down", "DOWN", 9))
    until(lambda: the_send(archive, down)["state"] == "waiting")
    archive.client().post(f"/api/sends/{down}/cancel").raise_for_status()
    assert the_send(archive, down)["state"] == "cancelled"


def test_forwarding_rule_sends_settled_studies_of_its_modality_once(archive: Server, tmp_path: Path) -> None:
    forwarded = Shape(3, rows=16, columns=16, seed=54, patient="N4", name="Node^Four")
    with pynet.StoreScp(aet="RULE") as receiver:
        target = node(archive, "rule", "RULE", receiver.dicom.port)
        client = archive.client()
        for name, modality in (("ct", "CT"), ("mr", "MR")):
            body = {"name": name, "node_id": target, "modalities": [modality]}
            client.post("/api/rules", json=body).raise_for_status()
        phantoms.write_series(forwarded, tmp_path / "study")
        assert dcmtk.storescu(archive.dicom, tmp_path / "study").code == 0

        def done() -> list[int]:
            """Objects of each send, when all have gone; a study that came slowly settles, and is sent, in portions."""
            sends = [one for one in client.get("/api/sends").json()["items"] if one["node"] == "rule"]
            return [one["done"] for one in sends] if {one["state"] for one in sends} == {"done"} else []

        until(lambda: sum(done()) == 3)
        time.sleep(2)
        assert (sum(done()), len(receiver.received), len(receiver.raw)) == (3, 3, 3)
        more = Shape(5, rows=16, columns=16, seed=54, patient="N4", name="Node^Four")
        phantoms.write_series(more, tmp_path / "more")
        assert dcmtk.storescu(archive.dicom, tmp_path / "more").code == 0
        until(lambda: sum(done()) == 5)
        time.sleep(2)
        assert len(receiver.received) == 5, "only what is new is sent"
