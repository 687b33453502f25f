"""Safety guard 7: what still arrives, what is missing, and what came before."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conformance.browsing import study_row, until
from tests.conformance.guarding import BASE, is_told, manifest, objects, send, settled
from tests.peers import dcmtk, dicomweb
from tests.peers.heliograph import Server
from tests.phantoms import Shape

QUIET_S = 5


@pytest.fixture
def patient_archive(tmp_path: Path) -> Iterator[Server]:
    """A server that waits long enough for who looks between two objects."""
    config = tmp_path / "patient.toml"
    config.write_text(f"[archive]\nseries_quiet_s = {QUIET_S}\nstudy_quiet_s = {QUIET_S}\n")
    with Server(tmp_path / "data", options=("--config", str(config))) as running:
        running.add_device("CT1")
        yield running


class TooSlow(Exception):
    """The machine took the quiet time for a few requests: what was to be seen may have passed."""


def test_guard_7_still_receiving_so_far_then_settled_then_open_again(patient_archive: Server) -> None:
    for seed in range(950, 954):
        try:
            _receives_settles_and_opens_again(patient_archive, replace(BASE, slices=6, seed=seed, patient=f"G7-{seed}"))
        except TooSlow:
            continue
        return
    pytest.fail(f"four times the machine took {QUIET_S} s for a few requests")


def _receives_settles_and_opens_again(archive: Server, shape: Shape) -> None:
    made = objects(shape)
    client = archive.client()
    begun = [time.monotonic()]

    def is_in_time() -> None:
        if time.monotonic() - begun[0] > QUIET_S - 0.5:
            raise TooSlow
        begun[0] = time.monotonic()

    start = client.get("/api/changes", params={"limit": 5000}).json()["last"]
    begun[0] = time.monotonic()
    send(archive, made[:2])
    row = study_row(archive, shape.study_uid)
    is_in_time()
    assert (row["state"], row["instance_count"]) == ("receiving", 2)
    told = manifest(archive, shape.study_uid)
    assert told["instance_count"] == 2
    first = client.get(told["series"][0]["document_url"]).json()
    is_in_time()
    assert (first["instance_count"], len(first["instances"]), first["settled"]) == (2, 2, False)

    send(archive, made[2:5])
    is_in_time()
    told = manifest(archive, shape.study_uid)
    second = client.get(told["series"][0]["document_url"]).json()
    assert (told["instance_count"], second["instance_count"]) == (5, 5)
    assert second["revision"] != first["revision"]
    assert (settled(archive, shape.study_uid)["instance_count"]) == 5

    begun[0] = time.monotonic()
    send(archive, made[5:])
    late = study_row(archive, shape.study_uid)
    is_in_time()
    assert (late["state"], late["instance_count"]) == ("receiving", 6), "a late image opens the study again"
    assert settled(archive, shape.study_uid)["instance_count"] == 6

    def announced() -> list[tuple[str, int]]:
        found = client.get("/api/changes", params={"after": start, "limit": 5000}).json()["items"]
        return [
            (one["kind"], one["subject"]["instances"])
            for one in found
            if one["subject"].get("study") == int(row["id"]) and one["kind"] in {"SeriesSettled", "StudyArrived"}
        ]

    expected = [("SeriesSettled", 5), ("StudyArrived", 5), ("SeriesSettled", 6), ("StudyArrived", 6)]
    assert until(lambda: len(announced()) == 4 and announced()) == expected


def test_guard_7_an_open_window_is_told_of_late_images(archive: Server) -> None:
    shape = replace(BASE, slices=3, seed=951, patient="G7B")
    made = objects(shape)
    send(archive, made[:2])
    row = settled(archive, shape.study_uid)
    assert is_told(archive, lambda: send(archive, made[2:]), {"kind": "study.changed", "id": row["id"]})


def test_guard_7_count_received_is_count_shown_at_every_door(archive: Server, tmp_path: Path) -> None:
    shape = replace(BASE, slices=7, seed=952, patient="G7C")
    send(archive, objects(shape))
    send(archive, objects(shape)[:3])  # sent twice, counted once
    settled(archive, shape.study_uid)
    client = archive.client()
    told = manifest(archive, shape.study_uid)
    (found,) = client.get(
        "/dicom-web/studies", params={"StudyInstanceUID": shape.study_uid, "includefield": "all"}
    ).json()
    keys = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": shape.study_uid, "NumberOfStudyRelatedInstances": ""}
    (by_find,) = dcmtk.findscu(archive.dicom, keys, folder=tmp_path / "find")
    counts = {
        "list": study_row(archive, shape.study_uid)["instance_count"],
        "manifest": told["instance_count"],
        "series": sum(one["instance_count"] for one in told["series"]),
        "document": len(client.get(told["series"][0]["document_url"]).json()["instances"]),
        "QIDO": found["00201208"]["Value"][0],
        "QIDO instances": len(client.get(f"/dicom-web/studies/{shape.study_uid}/instances").json()),
        "C-FIND": by_find.NumberOfStudyRelatedInstances,
        "metadata": len(client.get(f"/dicom-web/studies/{shape.study_uid}/metadata").json()),
        "WADO": len(dicomweb.retrieve(client, f"studies/{shape.study_uid}")),
    }
    assert counts == dict.fromkeys(counts, 7)


def test_guard_7_a_later_or_undated_study_is_never_a_prior(archive: Server) -> None:
    times = {
        "long ago": ("20200101", "080000"), "yesterday": ("20260228", "235959.999"), "this morning": ("20260301", "0700"),
        "now": ("20260301", "101500.25"), "this evening": ("20260301", "190000"), "tomorrow": ("20260302", ""), "undated": ("", ""),
    }  # fmt: skip
    shapes = {}
    for n, (what, (date, clock)) in enumerate(times.items()):
        shapes[what] = replace(BASE, slices=1, seed=960 + n, patient="G7D")
        assert send(archive, objects(shapes[what], StudyDate=date, StudyTime=clock)) == [0]
    names = {shape.study_uid: what for what, shape in shapes.items()}

    order = list(times)

    def priors(what: str) -> list[str]:
        told = manifest(archive, shapes[what].study_uid)
        for one in told["priors"]:
            other = names[one["study_uid"]]
            if "undated" in {what, other}:
                assert one["relation"] == "undated"
            else:
                assert one["relation"] == ("prior" if order.index(other) < order.index(what) else "later")
        found = [names[one["study_uid"]] for one in told["priors"] if one["relation"] == "prior"]
        assert told["study"]["prior_count"] == len(found)
        return found

    assert priors("now") == ["this morning", "yesterday", "long ago"]
    assert priors("long ago") == []
    assert priors("undated") == []
    assert priors("tomorrow") == ["this evening", "now", "this morning", "yesterday", "long ago"]


def test_guard_7_same_day_without_a_time_is_not_known_to_be_earlier(archive: Server) -> None:
    timed, untimed = (replace(BASE, slices=1, seed=seed, patient="G7E") for seed in (970, 971))
    send(archive, objects(untimed, StudyTime=""))
    send(archive, objects(timed, StudyTime="101500"))
    for shape in (timed, untimed):
        assert [one["relation"] for one in manifest(archive, shape.study_uid)["priors"]] == ["undated"]
