"""Safety guards 2 and 3: a study says what is held back from it, and no image is put to a wrong patient."""

import io
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.fileset import FileSet

from tests import phantoms
from tests.conformance.browsing import person, study_row
from tests.conformance.guarding import BASE, is_told, manifest, objects, send, settled
from tests.peers.heliograph import Server

# -- guard 2: hidden by quarantine -----------------------------------------------------------------------------


def test_guard_2_held_objects_are_told_by_list_study_manifest_and_series_until_somebody_decides(
    archive: Server,
) -> None:
    shape = replace(BASE, seed=910, patient="G2")
    send(archive, objects(shape), "CT1")
    before = settled(archive, shape.study_uid)
    assert before["held_count"] == 0
    client = archive.client()
    assert send(archive, objects(shape, SeriesDescription="FORGED")[:2], "CT2") != [0, 0], (
        "the sender is told that it was not taken"
    )
    row = study_row(archive, shape.study_uid)
    assert row["held_count"] == 2
    found = client.post("/api/studies/search", json={"state": "held"}).json()["items"]
    assert shape.study_uid in {one["study_uid"] for one in found}
    told = manifest(archive, shape.study_uid)
    assert told["revision"] != before["revision"], "a viewer that is open must notice"
    assert [one["held_count"] for one in told["series"]] == [2]
    assert len(told["held"]) == 2
    for item in told["held"]:
        assert item["difference"] == [{"attribute": "source", "stored": "CT1", "held": "CT2"}]
        assert item["reason"]
    held = client.get(f"/api/studies/{row['id']}/held").json()["items"]
    assert {one["id"] for one in held} == {one["id"] for one in told["held"]}
    with person(archive, "reader2", "viewer") as reader:
        seen = reader.get(f"/api/studies/{row['id']}/manifest").json()
        assert len(seen["held"]) == 2, "who may read the study is told, whether allowed to decide or not"
        assert reader.post(f"/api/quarantine/{held[0]['id']}/release", json={"reason": "I want it"}).status_code == 403
    client.post(f"/api/quarantine/{held[0]['id']}/discard", json={"reason": "sent by mistake"}).raise_for_status()
    client.post(f"/api/quarantine/{held[1]['id']}/release", json={"reason": "the second is right"}).raise_for_status()
    after = manifest(archive, shape.study_uid)
    assert (after["study"]["held_count"], after["held"]) == (0, [])
    assert client.get(f"/api/studies/{row['id']}/held").json()["items"] == []


def test_guard_2_an_open_window_is_told_of_a_held_object(archive: Server) -> None:
    shape = replace(BASE, seed=911, patient="G2B")
    send(archive, objects(shape), "CT1")
    row = settled(archive, shape.study_uid)
    assert is_told(
        archive,
        lambda: send(archive, objects(shape, SeriesDescription="FORGED")[:1], "CT2"),
        {"kind": "study.changed", "id": row["id"]},
        {"kind": "quarantine.changed"},
    )


# -- guard 3: wrong patient at linking -------------------------------------------------------------------------


def _upload(server: Server, *files: bytes) -> dict[str, Any]:
    parts = [("file", (f"{n}.dcm", raw, "application/octet-stream")) for n, raw in enumerate(files)]
    return dict(server.client().post("/api/uploads", files=parts).raise_for_status().json())


def test_guard_3_outside_media_and_uploads_are_their_own_issuers(archive: Server, tmp_path: Path) -> None:
    house, disk, other, sent, later = (
        replace(BASE, seed=seed, patient="SAME-ID", name=name)
        for seed, name in (
            (920, "House^Hanna"), (921, "Disk^Dora"), (922, "Other^Oda"), (923, "Upload^Ulla"), (924, "Later^Lisa"),
        )
    )  # fmt: skip
    assert send(archive, objects(house)) == [0, 0, 0]
    for shape, folder in ((disk, tmp_path / "one" / "CDROM"), (other, tmp_path / "two" / "CDROM")):
        phantoms.write_series(shape, folder)
        assert archive.cli("import", str(folder)).stdout.startswith("3 stored")
    for shape in (sent, later):
        assert _upload(archive, *phantoms.slices(shape))["stored"] == 3
    rows = {shape.name: study_row(archive, shape.study_uid) for shape in (house, disk, other, sent, later)}
    issuers = [row["patient"]["issuer"] for row in rows.values()]
    patterns = (
        "",
        r"media:CDROM-[0-9a-f]{10}",
        r"media:CDROM-[0-9a-f]{10}",
        r"upload:[0-9a-f]{10}",
        r"upload:[0-9a-f]{10}",
    )
    assert all(re.fullmatch(pattern, issuer) for pattern, issuer in zip(patterns, issuers, strict=True)), issuers
    assert len(set(issuers)) == 5, "two disks of one name, and two uploads, are not one source"
    assert len({row["patient"]["id"] for row in rows.values()}) == 5, "five issuers, five people"
    assert all(row["held_count"] == 0 and row["prior_count"] == 0 for row in rows.values())


def test_guard_3_the_same_disk_again_is_known_and_another_of_its_name_changes_nothing(
    archive: Server, tmp_path: Path
) -> None:
    shape = replace(BASE, seed=925, patient="AGAIN")
    phantoms.write_series(shape, tmp_path / "CDROM")
    shutil.copytree(tmp_path / "CDROM", tmp_path / "copy" / "CDROM")
    for folder, said in (("CDROM", "3 stored"), ("CDROM", "3 already here"), ("copy/CDROM", "3 already here")):
        assert archive.cli("import", str(tmp_path / folder)).stdout.startswith(said)
    before = study_row(archive, shape.study_uid)
    made = objects(shape)[:1]
    made[0].PixelData = bytes(len(made[0].PixelData))
    (tmp_path / "other" / "CDROM").mkdir(parents=True)
    (tmp_path / "other" / "CDROM" / "1.dcm").write_bytes(phantoms.file_bytes(made[0]))
    assert archive.cli("import", str(tmp_path / "other" / "CDROM")).stdout.startswith("1 held back")
    assert _upload(archive, phantoms.file_bytes(made[0]))["held"] == 1, "known as held, and kept once"
    after = study_row(archive, shape.study_uid)
    assert (after["held_count"], after["source"], after["patient"]) == (1, before["source"], before["patient"])
    assert manifest(archive, shape.study_uid)["held"][0]["reason"]


def test_guard_3_each_disk_below_one_folder_and_each_zip_file_is_a_source(archive: Server, tmp_path: Path) -> None:
    shapes = [replace(BASE, seed=seed, patient="MANY-DISKS", name=f"Disk^{seed}") for seed in (926, 927, 928, 929)]
    for shape, folder in zip(shapes[:2], ("a", "b"), strict=True):
        media = FileSet()
        for raw in phantoms.slices(shape):
            media.add(dcmread(io.BytesIO(raw)))
        (tmp_path / "disks" / folder).mkdir(parents=True)
        media.write(tmp_path / "disks" / folder)
    for shape, name in zip(shapes[2:], ("c", "d"), strict=True):
        with zipfile.ZipFile(tmp_path / "disks" / f"{name}.zip", "w") as file:
            for n, raw in enumerate(phantoms.slices(shape)):
                file.writestr(f"IM{n}", raw)
    assert "12 stored" in archive.cli("import", str(tmp_path / "disks")).stdout
    issuers = [study_row(archive, shape.study_uid)["patient"]["issuer"] for shape in shapes]
    assert [issuer.rpartition("-")[0] for issuer in issuers] == ["media:a", "media:b", "media:c", "media:d"]
    assert len({study_row(archive, shape.study_uid)["patient"]["id"] for shape in shapes}) == 4


@pytest.mark.parametrize("placeholder", ["", "0", "TEST", "unknown", "***"])
def test_guard_3_placeholders_never_join_two_people(archive: Server, placeholder: str) -> None:
    seed = 2000 + len(placeholder) * 2
    one, other = (replace(BASE, seed=seed + n, patient=placeholder, name=f"Place^Holder{n}") for n in (0, 1))
    assert send(archive, objects(one)) == send(archive, objects(other)) == [0, 0, 0]
    rows = [study_row(archive, shape.study_uid) for shape in (one, other)]
    assert rows[0]["patient"]["id"] != rows[1]["patient"]["id"]
    assert [row["prior_count"] for row in rows] == [0, 0]


@pytest.mark.parametrize(
    ("attribute", "value"), [("PatientName", "Other^Olga"), ("PatientBirthDate", "19990101"), ("PatientSex", "M")]
)
def test_guard_3_same_identifier_with_another_identity_is_held_and_the_difference_told(
    archive: Server, attribute: str, value: str
) -> None:
    seed = {"PatientName": 940, "PatientBirthDate": 942, "PatientSex": 944}[attribute]
    one, other = (replace(BASE, seed=seed + n, patient=f"G3-{seed}") for n in (0, 1))
    assert send(archive, objects(one, PatientSex="F")) == [0, 0, 0]
    assert 0 not in send(archive, objects(other, **{"PatientSex": "F", attribute: value}))
    assert archive.client().post("/api/studies/search", json={"text": other.study_uid}).json()["items"] == []
    held = [
        one for one in archive.client().get("/api/quarantine").json()["items"] if one["study_uid"] == other.study_uid
    ]
    assert len(held) == 3
    assert {difference["attribute"] for item in held for difference in item["difference"]} == {attribute}
    assert all(item["can_release"] for item in held)
    for item in held:
        archive.client().post(
            f"/api/quarantine/{item['id']}/release", json={"reason": "checked by telephone"}
        ).raise_for_status()
    assert study_row(archive, other.study_uid)["instance_count"] == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"PatientID": "SOMEBODY-ELSE", "PatientName": "Other^Olga"},
        {"PatientName": "Other^Olga"},
        {"PatientBirthDate": "20010101"},
    ],
    ids="+".join,
)
def test_guard_3_a_replacement_under_another_patient_is_held(archive: Server, changed: dict[str, str]) -> None:
    """The same UIDs from the same source: without a look at the patient the pixels of somebody else would become current."""
    shape = replace(BASE, seed=2100 + len(str(changed)), patient="G3R")
    assert send(archive, objects(shape)) == [0, 0, 0]
    settled(archive, shape.study_uid)
    assert 0 not in send(archive, objects(shape, **changed))
    told = manifest(archive, shape.study_uid)
    assert told["study"]["held_count"] == 3
    assert {one["attribute"] for item in told["held"] for one in item["difference"]} == set(changed)
    below = f"/dicom-web/studies/{shape.study_uid}/series/{shape.series_uid}/metadata"
    assert {one["00100010"]["Value"][0]["Alphabetic"] for one in archive.client().get(below).json()} == {"Guard^Greta"}
