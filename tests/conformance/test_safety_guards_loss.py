"""Safety guard 12, silent loss: nothing is cut, replaced or left out without a word."""

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind

from tests import phantoms
from tests.conformance.browsing import study_row, until
from tests.conformance.guarding import BASE, objects, send
from tests.peers import dcmtk, dicomweb, pynet
from tests.peers.heliograph import Server
from tests.peers.ports import free_port
from tests.phantoms import Shape


@pytest.mark.parametrize("peer_set", ["ISO_IR 100", "", "ISO_IR 144", "ISO 2022 IR 6\\ISO 2022 IR 100"])
@pytest.mark.parametrize(
    "name",
    ["Yamada^Tarou=山田^太郎=やまだ^たろう", "Петров^Пётр", "Müller^Jürgen", "Ελληνίδα^Άννα", "عباس^فاطمة", "한^글"],
)
def test_guard_12_a_name_that_a_peer_cannot_write_is_never_question_marks(
    archive: Server, tmp_path: Path, peer_set: str, name: str
) -> None:
    patient = f"G12-{sum(name.encode())}"
    shape = replace(BASE, slices=1, seed=1010 + sum(name.encode()) % 5000, patient=patient)
    if not archive.client().post("/api/studies/search", json={"text": shape.study_uid}).json()["items"]:
        assert send(archive, objects(shape, SpecificCharacterSet="ISO_IR 192", PatientName=name)) == [0]
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    if peer_set:
        asked.SpecificCharacterSet = peer_set.split("\\")
    asked.PatientID, asked.PatientName, asked.StudyInstanceUID = patient, "", ""
    status, (found,) = pynet.find(archive.dicom, asked, calling="CT1")
    assert status == 0
    found.decode()
    assert "?" not in str(found.PatientName)
    assert str(found.PatientName) == name
    keys = {
        "QueryRetrieveLevel": "STUDY",
        "PatientID": patient,
        "PatientName": "",
        **({"SpecificCharacterSet": peer_set} if peer_set else {}),
    }
    (by_dcmtk,) = dcmtk.findscu(archive.dicom, keys, folder=tmp_path / "find")
    assert "?" not in str(by_dcmtk.PatientName)
    assert str(by_dcmtk.PatientName) == name


def test_guard_12_capped_lists_say_that_they_are_capped(archive: Server) -> None:
    for n in range(4):
        send(archive, objects(replace(BASE, slices=1, seed=7000 + n, patient=f"CAP{n}", name="Capped^Carl")))
    client = archive.client()
    page = client.post("/api/studies/search", json={"patient_name": "Capped", "limit": 3}).json()
    assert (len(page["items"]), page["count"], page["count_is_exact"]) == (3, 4, True)
    assert page["next"]
    rest = client.post(
        "/api/studies/search", json={"patient_name": "Capped", "limit": 3, "cursor": page["next"]}
    ).json()
    assert (len(rest["items"]), rest["next"]) == (1, None)
    found = client.get("/dicom-web/studies", params={"PatientName": "Capped*", "limit": 3})
    assert (len(found.json()), found.headers["x-total-count"]) == (3, "4")
    changes = client.get("/api/changes", params={"limit": 2}).json()
    assert len(changes["items"]) == 2
    assert changes["last"] == changes["items"][-1]["number"]


def test_guard_12_qido_warns_when_it_gives_less_than_was_asked_for(archive: Server, tmp_path: Path) -> None:
    """299 when the door itself capped the answer (PS3.18 8.3.4.4); a page that the client asked for is no loss."""
    shape = Shape(1003, rows=2, columns=2, seed=7150, patient="G12W", name="Many^Images")
    phantoms.write_series(shape, tmp_path / "many")
    assert dcmtk.storescu(archive.dicom, tmp_path / "many").code == 0
    client = archive.client(timeout=120)
    path = f"/dicom-web/studies/{shape.study_uid}/instances"
    page = client.get(path, params={"limit": 5})
    assert (len(page.json()), page.headers["x-total-count"]) == (5, "1003")
    assert "warning" not in page.headers
    whole = client.get(path)
    assert len(whole.json()) == 1003
    assert "warning" not in whole.headers
    capped = client.get(path, params={"includefield": "KVP"})
    assert len(capped.json()) < 1003
    assert re.match(r'299 \S+ ".*additional results.*"', capped.headers["warning"])
    assert capped.headers["x-total-count"] == "1003"


@pytest.mark.parametrize("collection", ["sends", "jobs", "devices/wants-in", "quarantine"])
def test_guard_12_lists_of_the_house_say_when_there_is_more(archive: Server, collection: str) -> None:
    client = archive.client()
    if collection == "devices/wants-in":
        for n in range(2):
            pynet.echo(archive.dicom, calling=f"WANTS{n}")
        until(lambda: len(client.get("/api/devices/wants-in").json()["items"]) >= 2)
    elif collection == "quarantine":
        shape = replace(BASE, seed=7100, patient="G12Q")
        send(archive, objects(shape))
        send(archive, objects(shape, SeriesDescription="FORGED"), "CT2")
    else:
        shape = replace(BASE, seed=7101, patient="G12S")
        send(archive, objects(shape))
        body = {"name": f"nowhere-{collection}", "aet": "NOWHERE", "host": "127.0.0.1", "port": 9}
        node = client.post("/api/nodes", json=body).raise_for_status().json()["id"]
        for _ in range(2):
            client.post(
                "/api/sends", json={"study_id": study_row(archive, shape.study_uid)["id"], "node_id": node}
            ).raise_for_status()
            client.post(f"/api/nodes/{node}/retrieve", json={"study_uid": "1.2.3"}).raise_for_status()
    whole = client.get(f"/api/{collection}", params={"limit": 200}).raise_for_status().json()
    assert len(whole["items"]) >= 2
    assert not whole["next"]
    part = client.get(f"/api/{collection}", params={"limit": 1}).raise_for_status().json()
    assert len(part["items"]) == 1
    assert part["next"], "one of several is shown and nobody says so"
    following = client.get(f"/api/{collection}", params={"limit": 1, "cursor": part["next"]}).raise_for_status().json()
    assert [one["id"] for one in following["items"]] == [whole["items"][1]["id"]]


@pytest.mark.parametrize("attribute", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_guard_12_a_uid_that_is_too_long_is_held_and_not_cut(archive: Server, attribute: str) -> None:
    shape = replace(BASE, slices=1, seed=7200 + len(attribute), patient="G12L")
    long = "1.2.826.0.1.3680043.9.7433.9." + "7" * 40
    raw = _rewritten(shape, attribute, long)
    answer = dicomweb.stow(archive.client(), [raw])
    assert answer.status_code == 409, answer.text
    (held,) = [one for one in archive.client().get("/api/quarantine").json()["items"]
               if one["reason_code"] == "bad_identifier" and one["reason"].endswith(attribute)]  # fmt: skip
    kept = archive.client().get(f"/api/quarantine/{held['id']}/file").raise_for_status().content
    assert long.encode() in kept


def _rewritten(shape: Shape, keyword: str, value: str) -> bytes:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (made,) = objects(shape, **{keyword: value})
        return phantoms.file_bytes(made)


@pytest.mark.parametrize("length", [65, 200, 1100])
def test_guard_12_a_patient_identifier_is_kept_whole_or_held(archive: Server, length: int) -> None:
    """Cut, it would be somebody else's: two identifiers that differ at their end must never be one patient."""
    ids = ["L" * (length - 1) + end for end in "AB"]
    shapes = [replace(BASE, slices=1, seed=7300 + length + n, patient=ids[n]) for n in (0, 1)]
    answers = [dicomweb.stow(archive.client(), [_rewritten(shape, "PatientID", shape.patient)]) for shape in shapes]
    client = archive.client()
    for shape, answer in zip(shapes, answers, strict=True):
        found = client.post("/api/studies/search", json={"text": shape.study_uid}).json()["items"]
        if found:
            assert found[0]["patient"]["patient_id"] == shape.patient
            assert found[0]["prior_count"] == 0
        else:
            assert answer.status_code in {202, 409}
            assert shape.study_uid in {one["study_uid"] for one in client.get("/api/quarantine").json()["items"]}


def test_guard_12_an_import_lists_every_file_that_it_did_not_take(archive: Server, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    phantoms.write_series(replace(BASE, seed=7400, patient="G12I"), folder)
    (folder / "letter.txt").write_text("not an image")
    with zipfile.ZipFile(folder / "more.zip", "w") as more:
        more.writestr("picture.jpg", b"\xff\xd8\xff\xe0 nothing of ours")
    done = json.loads(archive.cli("import", str(folder), "--json").stdout)
    assert done["new"] == 3
    assert {item["name"] for item in done["refused"]} == {"letter.txt", "picture.jpg"}


def test_guard_12_a_node_that_holds_more_than_is_shown_is_said_to(archive: Server) -> None:
    """The remote archive has 600 studies and is asked to stop when we have shown enough."""
    told: list[int] = []

    def answer(event: Any) -> Iterator[tuple[int, Dataset | None]]:
        for n in range(600 if event.identifier.get("PatientName") else 1):
            if event.is_cancelled:
                yield 0xFE00, None
                return
            match = Dataset()
            match.QueryRetrieveLevel, match.PatientID, match.StudyInstanceUID = "STUDY", f"M{n}", f"1.2.3.{n}"
            told.append(n)
            yield 0xFF00, match

    entity, port = AE(ae_title="FULL"), free_port()
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
    remote = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_FIND, answer)])
    try:
        body = {"name": "full", "aet": "FULL", "host": "127.0.0.1", "port": port}
        node = archive.client().post("/api/nodes", json=body).raise_for_status().json()["id"]
        many = (
            archive.client().post(f"/api/nodes/{node}/query", json={"patient_name": "Many*"}).raise_for_status().json()
        )
        assert (len(many["items"]), many["truncated"]) == (500, True)
        one = archive.client().post(f"/api/nodes/{node}/query", json={"patient_id": "M0"}).raise_for_status().json()
        assert (len(one["items"]), one["truncated"]) == (1, False)
    finally:
        remote.shutdown()
    assert len(told) > 500
