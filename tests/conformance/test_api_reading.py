"""Reading through the JSON door: each read leaves its audit row, lists go by state, a manifest is new when anything of it is."""

from typing import Any

import pytest

from tests.conformance.api_routes import database, send
from tests.conformance.browsing import Browser, person, study_row, until
from tests.peers.heliograph import Server
from tests.peers.ports import free_port
from tests.phantoms import Shape

SHAPE = Shape(2, rows=16, columns=16, seed=8800, patient="READING")


def _audited(house: Server, name: str) -> list[tuple[Any, ...]]:
    with database(house) as connection:
        return connection.execute(
            "select kind, subject, detail from audit_event where actor->>'name' = %s order by id", (name,)
        ).fetchall()


@pytest.fixture(scope="module", autouse=True)
def _is_here(api_house: Server) -> None:
    """Whichever of these tests is the first on its server."""
    assert send(api_house, SHAPE) == [0, 0]


def test_every_way_to_read_a_study_is_audited(api_house: Server) -> None:
    study = study_row(api_house, SHAPE.study_uid)["id"]
    series = api_house.client().get(f"/api/studies/{study}").json()["series"][0]["id"]
    ways = (
        ("GET", f"/api/studies/{study}"),
        ("GET", f"/api/studies/{study}/held"),
        ("GET", f"/api/studies/{study}/manifest"),
        ("GET", f"/api/series/{series}/document"),
        ("GET", f"/api/series/{series}/thumbnail"),
        ("GET", f"/api/series/{series}/copies"),
        ("GET", f"/dicom-web/studies/{SHAPE.study_uid}/thumbnail"),
        ("GET", f"/dicom-web/studies/{SHAPE.study_uid}/rendered"),
        ("GET", f"/dicom-web/studies/{SHAPE.study_uid}/metadata"),
        ("GET", "/dicom-web/studies?PatientID=READING"),
        ("POST", "/api/studies/search"),
        ("GET", "/api/quarantine"),
    )
    silent = []
    for number, (method, path) in enumerate(ways):
        name = f"reader{number}"
        with person(api_house, name, "technologist") as window:
            before = len(_audited(api_house, name))
            answer = window.request(method, path, **({"json": {}} if method == "POST" else {}))
            assert answer.is_success, (path, answer.status_code)
            if len(_audited(api_house, name)) == before:
                silent.append(path)
    assert silent == []


def test_a_page_that_asks_again_and_again_leaves_one_row_a_minute(api_house: Server) -> None:
    study = study_row(api_house, SHAPE.study_uid)["id"]
    with person(api_house, "refresher", "viewer") as window:
        before = len(_audited(api_house, "refresher"))
        for _ in range(5):
            assert window.get(f"/api/studies/{study}").status_code == 200
        assert len(_audited(api_house, "refresher")) == before + 1


def test_opening_a_study_that_the_browser_still_has_is_audited_too(api_house: Server) -> None:
    study = study_row(api_house, SHAPE.study_uid)["id"]
    until(lambda: study_row(api_house, SHAPE.study_uid)["state"] == "settled")
    with person(api_house, "reopener", "viewer") as window:
        first = window.get(f"/api/studies/{study}/manifest")
        again = window.request(
            "GET", f"/api/studies/{study}/manifest", headers={"If-None-Match": first.headers["etag"]}
        )
        assert again.status_code == 304
    assert [kind for kind, *_ in _audited(api_house, "reopener")].count("study.opened") == 2


def test_guard_7_a_manifest_is_new_when_the_study_settles(api_house: Server) -> None:
    """Settling makes no new revision of the study, and yet the viewer must stop saying that it is still receiving."""
    shape = Shape(2, rows=16, columns=16, seed=8900, patient="SETTLING")
    assert send(api_house, shape) == [0, 0]
    study = study_row(api_house, shape.study_uid)["id"]
    client = api_house.client()
    first = client.get(f"/api/studies/{study}/manifest")
    until(lambda: study_row(api_house, shape.study_uid)["state"] == "settled")
    again = client.get(f"/api/studies/{study}/manifest", headers={"If-None-Match": first.headers["etag"]})
    if first.json()["study"]["state"] == "receiving":
        assert again.status_code == 200
        assert again.json()["study"]["state"] == "settled"
    assert again.headers["etag"] == client.get(f"/api/studies/{study}/manifest").headers["etag"]


def test_sends_are_listed_by_state_and_open_ones_together(api_house: Server, admin: Browser) -> None:
    study = study_row(api_house, SHAPE.study_uid)["id"]
    client = api_house.client()
    node = client.post(
        "/api/nodes", json={"name": "away", "aet": "AWAY", "host": "127.0.0.1", "port": free_port()}
    ).json()
    ids = [client.post("/api/sends", json={"study_id": study, "node_id": node["id"]}).json()["id"] for _ in range(2)]
    assert client.post(f"/api/sends/{ids[0]}/cancel").status_code == 200

    def listed(state: str) -> set[str]:
        answer = client.get("/api/sends", params={"state": state})
        assert answer.status_code == 200
        return {one["id"] for one in answer.json()["items"]} & set(ids)

    assert listed("open") == {ids[1]}
    assert listed("cancelled") == {ids[0]}
    assert client.get("/api/sends", params={"state": "finished"}).status_code == 422
    assert client.post(f"/api/sends/{ids[1]}/cancel").status_code == 200
    assert listed("open") == set()


def test_a_held_object_comes_back_as_it_was_received(api_house: Server) -> None:
    client = api_house.client()
    raw = b"\0" * 128 + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00\x00\x00\x00\x00" + bytes(range(256)) * 12_000
    answer = client.post(
        "/dicom-web/studies",
        content=b"--b\r\nContent-Type: application/dicom\r\n\r\n" + raw + b"\r\n--b--\r\n",
        headers={"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'},
    )
    assert answer.status_code == 409
    held = client.get("/api/quarantine").json()["items"][0]
    assert held["bytes"] == len(raw)
    assert client.get(f"/api/quarantine/{held['id']}/file").content == raw
