"""The clinical safety guards that hold at the doors there are: 1, 2, 3, 7, 9, 11 (server) and 12. Each test names its guard."""

import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom import Dataset, dcmread
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests import phantoms
from tests.conformance.browsing import COOKIE, person, study_row, until
from tests.peers import dcmtk, dicomweb, part10, pynet
from tests.peers.association import Association
from tests.peers.heliograph import Server
from tests.peers.ports import free_port
from tests.phantoms import Shape

QUICK = "[archive]\nseries_quiet_s = 1\nstudy_quiet_s = 1\n"
BASE = Shape(3, rows=16, columns=16, seed=900, patient="GUARD", name="Guard^Greta")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("guards")
    config = folder / "quick.toml"
    config.write_text(QUICK)
    with Server(folder / "data", options=("--config", str(config))) as running:
        for caller in ("CT1", "CT2", "DCMTK"):
            running.add_device(caller)
        yield running


def objects(shape: Shape, **changed: Any) -> list[Dataset]:
    """The series with attributes set (None removes one)."""
    made = []
    for raw in phantoms.slices(shape):
        ds = dcmread(io.BytesIO(raw))
        for keyword, value in changed.items():
            if value is None:
                delattr(ds, keyword)
            else:
                setattr(ds, keyword, value)
        made.append(ds)
    return made


def send(server: Server, made: list[Dataset], source: str = "CT1") -> list[int]:
    """C-STORE on one association; the statuses. The bare wire, because pynetdicom loses an answer now and then on a busy machine."""
    files = [part10.split(phantoms.file_bytes(ds)) for ds in made]
    contexts = [
        (abstract, (syntax,)) for abstract, syntax in sorted({(one.sop_class, one.transfer_syntax) for one in files})
    ]
    with Association.connect(server.dicom, contexts, calling=source) as sender:
        return [sender.store(one.sop_class, one.sop_uid, one.transfer_syntax, one.dataset).status for one in files]


def settled(server: Server, study_uid: str) -> dict[str, Any]:
    return until(lambda: (row := study_row(server, study_uid))["state"] == "settled" and row)


def manifest(server: Server, study_uid: str) -> dict[str, Any]:
    row = study_row(server, study_uid)
    return dict(server.client().get(f"/api/studies/{row['id']}/manifest").raise_for_status().json())


# -- guard 1: stale pixels -------------------------------------------------------------------------------------


def _old_addresses(server: Server, shape: Shape) -> dict[str, tuple[str, dict[str, str]]]:
    """Every address that a viewer may have kept for the second slice: what it is -> (address, headers)."""
    (series,) = manifest(server, shape.study_uid)["series"]
    study, below = (
        f"/dicom-web/studies/{shape.study_uid}",
        f"/dicom-web/studies/{shape.study_uid}/series/{shape.series_uid}",
    )
    instance = f"{below}/instances/{shape.sop_uid(2)}"
    octets = {"Accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*'}
    dicom = {"Accept": dicomweb.ANY_DICOM}
    return {
        "document": (series["document_url"], {}),
        "thumbnail": (series["thumbnail_url"], {}),
        "frame": (f"{instance}/frames/1", octets),
        "bulk data": (f"{instance}/bulkdata/7FE00010", octets),
        "instance": (instance, dicom),
        "series": (below, dicom),
        "study": (study, dicom),
        "instance metadata": (f"{instance}/metadata", {}),
        "series metadata": (f"{below}/metadata", {}),
        "study metadata": (f"{study}/metadata", {}),
        "rendered": (f"{instance}/rendered", {"Accept": "image/png"}),
        "rendered series": (f"{below}/rendered", {"Accept": "image/png"}),
        "instance thumbnail": (f"{instance}/thumbnail", {}),
        "series thumbnail": (f"{below}/thumbnail", {}),
    }


def test_guard_1_after_a_replacement_every_old_address_gives_the_new_pixels(archive: Server) -> None:
    shape = replace(BASE, seed=901, patient="G1")
    first = objects(shape)
    assert send(archive, first) == [0, 0, 0]
    settled(archive, shape.study_uid)
    client = archive.client()
    old = {}
    for what, (address, headers) in _old_addresses(archive, shape).items():
        old[what] = client.get(address, headers=headers).raise_for_status()
    addresses = {what: (str(answer.request.url), dict(answer.request.headers)) for what, answer in old.items()}

    second = objects(shape, SeriesDescription="CORRECTED")
    for ds in second:
        ds.PixelData = bytes(len(ds.PixelData) // 2) + ds.PixelData[len(ds.PixelData) // 2 :]
    assert send(archive, second) == [0, 0, 0]
    time.sleep(1.1)  # an instance's place is remembered for a second
    for what, (address, headers) in addresses.items():
        etag = old[what].headers.get("etag")
        again = client.get(address, headers={**headers, **({"If-None-Match": etag} if etag else {})})
        assert again.status_code == 200, f"{what}: the old answer was said to be fresh"
        assert again.content != old[what].content, f"{what}: the old content came again"
        if etag:
            assert again.headers["etag"] != etag, what
    settled(archive, shape.study_uid)
    for what, (address, headers) in addresses.items():
        answer = client.get(address, headers=headers).raise_for_status()
        if "etag" in answer.headers:
            assert (
                client.get(address, headers={**headers, "If-None-Match": answer.headers["etag"]}).status_code == 304
            ), what


def test_guard_1_for_ever_fresh_only_under_an_address_with_the_revision(archive: Server) -> None:
    shape = replace(BASE, seed=902, patient="G1B")
    send(archive, objects(shape))
    settled(archive, shape.study_uid)
    client = archive.client()
    for what, (address, headers) in _old_addresses(archive, shape).items():
        caching = client.get(address, headers=headers).raise_for_status().headers["cache-control"]
        if "immutable" in caching:
            assert re.search(r"[?&]rev=\d+", address), f"{what} is kept for ever under an address without its revision"
        else:
            assert "no-cache" in caching or "no-store" in caching, f"{what}: {caching}"
        assert "public" not in caching, f"{what}: a cache that people share would keep it"
    (series,) = manifest(archive, shape.study_uid)["series"]
    plain = series["document_url"].partition("?")[0]
    for wrong in (plain, plain + "?rev=0", plain + "?rev=999999"):
        assert "immutable" not in client.get(wrong).raise_for_status().headers["cache-control"], wrong


def test_guard_1_a_document_of_a_study_that_still_receives_is_not_kept_for_ever(archive: Server) -> None:
    """`settled` is part of it and changes without a new revision."""
    shape = replace(BASE, seed=903, patient="G1C")
    send(archive, objects(shape))
    client = archive.client()
    (series,) = manifest(archive, shape.study_uid)["series"]
    answer = client.get(series["document_url"]).raise_for_status()
    if not answer.json()["settled"]:
        assert "immutable" not in answer.headers["cache-control"]
    settled(archive, shape.study_uid)
    again = client.get(series["document_url"], headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 200 or answer.json()["settled"]
    assert client.get(series["document_url"]).json()["settled"] is True


def test_guard_1_an_address_that_one_may_see_is_no_proof_for_another(archive: Server) -> None:
    """Knowing address and ETag of somebody else's window gives nothing: not even 'not modified'."""
    shape = replace(BASE, seed=904, patient="G1D")
    send(archive, objects(shape))
    settled(archive, shape.study_uid)
    blind = {
        "Authorization": f"Bearer {archive.cli('token', '--name', 'blind', '--scope', 'device.read').stdout.strip()}"
    }
    with httpx.Client(base_url=archive.http, trust_env=False, timeout=60) as other:
        for what, (address, headers) in _old_addresses(archive, shape).items():
            seen = archive.client().get(address, headers=headers).raise_for_status()
            known = {**headers, "If-None-Match": seen.headers.get("etag", "*")}
            assert other.get(address, headers={**known, **blind}).status_code in {403, 404}, what
            assert other.get(address, headers=known).status_code == 401, what


def test_guard_1_second_person_on_one_browser(archive: Server, browser: Any) -> None:
    """After signing out the browser's own cache must not answer what was kept for ever for the person before."""
    shape = replace(BASE, seed=905, patient="G1E")
    send(archive, objects(shape))
    settled(archive, shape.study_uid)
    (series,) = manifest(archive, shape.study_uid)["series"]
    addresses = [address for address, _ in _old_addresses(archive, shape).values()]
    link = archive.client().post("/api/users", json={"name": "first", "roles": ["viewer"]}).json()["link"]
    ask = "async (address) => { const a = await fetch(address); await a.arrayBuffer(); return a.status }"
    context = browser.new_context(base_url=archive.http)
    try:
        page = context.new_page()
        page.goto("/healthz")
        csrf = page.evaluate(
            "async (link) => (await (await fetch('/api/session/link', {method: 'POST', headers: {'Content-Type': 'application/json'},"
            " body: JSON.stringify({link})})).json()).csrf", link,
        )  # fmt: skip
        for _ in range(2):
            assert page.evaluate(ask, series["document_url"]) == 200
        assert page.evaluate(
            "async (csrf) => (await fetch('/api/session', {method: 'DELETE', headers: {'X-CSRF-Token': csrf}})).status", csrf
        ) == 204  # fmt: skip
        assert {address: page.evaluate(ask, address) for address in addresses} == dict.fromkeys(addresses, 401)
    finally:
        context.close()


def test_guard_1_sign_out_ends_the_session_for_its_cookie_too(archive: Server) -> None:
    with person(archive, "leaver", "viewer") as window:
        old = window.cookie
        assert window.get("/api/session").status_code == 200
        assert window.sign_out().status_code == 204
        window.cookie = old
        assert window.get("/api/session").status_code == 401


@pytest.mark.parametrize("how", ["disabled", "token revoked", "role taken"])
def test_guard_1_revoking_takes_hold_within_three_seconds(archive: Server, how: str) -> None:
    shape = replace(BASE, seed=906, patient="G1F")
    send(archive, objects(shape))
    admin = archive.client()
    frame = f"/dicom-web/studies/{shape.study_uid}/series/{shape.series_uid}/instances/{shape.sop_uid(1)}/frames/1"
    listing = "/api/devices"
    if how == "token revoked":
        token = admin.post("/api/tokens", json={"name": "short", "scopes": ["study.read", "device.read"]}).json()[
            "token"
        ]
        headers = {"Authorization": f"Bearer {token}"}
        (row,) = [one for one in admin.get("/api/tokens").json()["items"] if one["name"] == "short"]
        revoke = lambda: admin.delete(f"/api/tokens/{row['id']}")  # noqa: E731
        window = None
    else:
        window = person(archive, f"person-{how[:4]}", "radiologist")
        headers = {"Cookie": f"{COOKIE}={window.cookie}"}
        user_id = window.get("/api/session").json()["user"]["id"]
        change = {"disabled": True} if how == "disabled" else {"roles": ["viewer"]}
        revoke = lambda: admin.patch(f"/api/users/{user_id}", json=change)  # noqa: E731
    with httpx.Client(base_url=archive.http, headers=headers, trust_env=False) as other:
        assert (other.get(frame).status_code, other.get(listing).status_code) == (200, 200)
        assert revoke().is_success
        began = time.monotonic()
        if how == "role taken":
            until(lambda: other.get(listing).status_code == 403, timeout_s=3, every_s=0.05)
        else:
            # Asked all the time: what is remembered must not be kept alive by being asked for.
            until(
                lambda: (other.get(frame).status_code, other.get(listing).status_code) == (401, 401),
                timeout_s=3,
                every_s=0.05,
            )
        assert time.monotonic() - began <= 3


def test_guard_1_the_live_stream_of_a_disabled_person_ends_within_seconds(archive: Server) -> None:
    window = person(archive, "watcher", "viewer")
    user_id = window.get("/api/session").json()["user"]["id"]
    with connect(
        f"ws{archive.http[4:]}/api/stream",
        additional_headers={"Cookie": f"{COOKIE}={window.cookie}", "Origin": archive.http},
    ) as socket:
        assert json.loads(socket.recv(5))["kind"] == "hello"
        assert archive.client().patch(f"/api/users/{user_id}", json={"disabled": True}).status_code == 200
        began = time.monotonic()
        with pytest.raises(ConnectionClosed):
            _drain(socket, 10)
        assert time.monotonic() - began <= 5


def _drain(socket: Any, seconds: float) -> list[dict[str, Any]]:
    """What the live stream says within some seconds."""
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            found.append(json.loads(socket.recv(left)))
        except TimeoutError:
            break
    return found


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
    seen = _messages(archive, lambda: send(archive, objects(shape, SeriesDescription="FORGED")[:1], "CT2"), 2)
    assert {"kind": "study.changed", "id": row["id"]} in seen
    assert any(one["kind"] == "quarantine.changed" for one in seen)


def _messages(server: Server, act: Callable[[], object], seconds: float) -> list[dict[str, Any]]:
    """What the live stream says within some seconds of an act."""
    with connect(f"ws{server.http[4:]}/api/stream", additional_headers=server.headers) as socket:
        _drain(socket, 1.2)
        act()
        return _drain(socket, seconds)


# -- guard 3: wrong patient at linking -------------------------------------------------------------------------


def test_guard_3_outside_media_and_uploads_are_their_own_issuers(archive: Server, tmp_path: Path) -> None:
    house, disk, sent = (replace(BASE, seed=seed, patient="SAME-ID", name=name) for seed, name in
                         ((920, "House^Hanna"), (921, "Disk^Dora"), (922, "Upload^Ulla")))  # fmt: skip
    assert send(archive, objects(house)) == [0, 0, 0]
    phantoms.write_series(disk, tmp_path / "disk-of-elsewhere")
    assert archive.cli("import", str(tmp_path / "disk-of-elsewhere")).stdout.startswith("3 stored")
    files = [("file", (f"{n}.dcm", raw, "application/dicom")) for n, raw in enumerate(phantoms.slices(sent))]
    assert archive.client().post("/api/uploads", files=files).raise_for_status().json()["stored"] == 3
    rows = {shape.name: study_row(archive, shape.study_uid) for shape in (house, disk, sent)}
    assert {name: row["patient"]["issuer"] for name, row in rows.items()} == {
        "House^Hanna": "", "Disk^Dora": "media:disk-of-elsewhere", "Upload^Ulla": "media:upload",
    }  # fmt: skip
    assert len({row["patient"]["id"] for row in rows.values()}) == 3, "three issuers, three people"
    assert all(row["held_count"] == 0 and row["prior_count"] == 0 for row in rows.values())


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


# -- guard 7: wrong time point, missing images -----------------------------------------------------------------


def test_guard_7_still_receiving_so_far_then_settled_then_open_again(archive: Server) -> None:
    shape = replace(BASE, slices=6, seed=950, patient="G7")
    made = objects(shape)
    client = archive.client()
    start = client.get("/api/changes", params={"limit": 5000}).json()["last"]
    send(archive, made[:2])
    row = study_row(archive, shape.study_uid)
    assert (row["state"], row["instance_count"]) == ("receiving", 2)
    told = manifest(archive, shape.study_uid)
    assert told["instance_count"] == 2
    first = client.get(told["series"][0]["document_url"]).json()
    assert (first["instance_count"], len(first["instances"]), first["settled"]) == (2, 2, False)

    send(archive, made[2:5])
    told = manifest(archive, shape.study_uid)
    second = client.get(told["series"][0]["document_url"]).json()
    assert (told["instance_count"], second["instance_count"]) == (5, 5)
    assert second["revision"] != first["revision"]
    assert (settled(archive, shape.study_uid)["instance_count"]) == 5

    send(archive, made[5:])
    late = study_row(archive, shape.study_uid)
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
    assert {"kind": "study.changed", "id": row["id"]} in _messages(archive, lambda: send(archive, made[2:]), 2)


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


# -- guard 9: time ---------------------------------------------------------------------------------------------


def _instants(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text below a key that names a moment of ours."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str) and (key.endswith("_at") or key in {"at", "since"}):
                yield f"{path}.{key}", inner
            else:
                yield from _instants(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _instants(inner, path + "[]")


def test_guard_9_our_own_instants_are_utc_everywhere(archive: Server) -> None:
    shape = replace(BASE, seed=980, patient="G9")
    send(archive, objects(shape))
    send(archive, objects(shape, SeriesDescription="FORGED")[:1], "CT2")
    send(archive, objects(replace(BASE, slices=1, seed=981, patient="G9U")), "STRANGER")
    row = settled(archive, shape.study_uid)
    client = archive.client()
    answers = {
        "search": client.post("/api/studies/search", json={}), "where": client.post("/api/where", json={"text": shape.study_uid}),
        "manifest": client.get(f"/api/studies/{row['id']}/manifest"), "held": client.get(f"/api/studies/{row['id']}/held"),
        **{path: client.get(f"/api/{path}") for path in (
            "changes", "devices", "devices/wants-in", "quarantine", "jobs", "alarms", "users", "tokens", "sends",
        )},
    }  # fmt: skip
    seen = {}
    for what, answer in answers.items():
        for path, text in _instants(answer.raise_for_status().json()):
            seen[what + path] = text
    wrong = {
        path: text
        for path, text in seen.items()
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", text)
    }
    assert wrong == {}
    assert {path.split(".")[0].split("[")[0] for path in seen} >= {
        "search",
        "where",
        "manifest",
        "held",
        "changes",
        "devices",
        "quarantine",
        "users",
    }


@pytest.mark.parametrize(
    ("date", "clock", "birth", "zone"),
    [
        ("20260301", "101500.25", "19600102", "+0100"),
        ("20260301", "101500.123456", "1960", "-0330"),
        ("20260301", "10", "196001", ""),
        ("2026.03.01", "10:15:00", "1960.01.02", ""),
        ("20260301", "235960", "00000000", ""),
        ("20261332", "250000", "19601399", ""),
    ],
    ids=lambda value: str(value) or "none",
)
def test_guard_9_dates_times_and_birth_dates_stay_as_they_were_sent(
    archive: Server, date: str, clock: str, birth: str, zone: str
) -> None:
    seed = 985 + ["101500.25", "101500.123456", "10", "10:15:00", "235960", "250000"].index(clock)
    shape = replace(BASE, slices=1, seed=seed, patient=f"G9-{seed}")
    (made,) = objects(shape)
    plain = {"StudyDate": "20260301", "StudyTime": "101500.25", "PatientBirthDate": "19600102"}
    raw = phantoms.file_bytes(made)
    for keyword, value in {"StudyDate": date, "StudyTime": clock, "PatientBirthDate": birth}.items():
        raw = _with_value(raw, keyword, plain[keyword], value)
    if zone:
        made = dcmread(io.BytesIO(raw))
        made.TimezoneOffsetFromUTC = zone
        raw = phantoms.file_bytes(made)
    answer = dicomweb.stow(archive.client(), [raw])
    assert answer.status_code == 200, answer.text
    row = study_row(archive, shape.study_uid)
    assert (row["study_date"], row["study_time"], row["patient"]["birth_date"], row["timezone_offset"]) == (
        date,
        clock,
        birth,
        zone,
    )
    (told,) = archive.client().get(f"/dicom-web/studies/{shape.study_uid}/metadata").raise_for_status().json()
    assert [told[tag]["Value"][0] for tag in ("00080020", "00080030", "00100030")] == [date, clock, birth]


def _with_value(raw: bytes, keyword: str, old: str, new: str) -> bytes:
    """The file with one date or time written by hand, because a library would refuse or mend the odd forms."""
    tag, vr = {"StudyDate": (b"\x08\x00\x20\x00", b"DA"), "StudyTime": (b"\x08\x00\x30\x00", b"TM"),
               "PatientBirthDate": (b"\x10\x00\x30\x00", b"DA")}[keyword]  # fmt: skip

    def element(text: str) -> bytes:
        value = text.encode() + b" " * (len(text) % 2)
        return tag + vr + len(value).to_bytes(2, "little") + value

    assert element(old) in raw
    return raw.replace(element(old), element(new), 1)


# -- guard 11: units -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "expected"), [("HU", ["HU"]), ("US", ["US"]), ("mgml", ["mgml"]), ("", None), (None, "absent")]
)
def test_guard_11_the_server_says_hu_only_when_the_object_does(
    archive: Server, sent: str | None, expected: Any
) -> None:
    """Modality CT alone is no unit: Rescale Type leaves as it came, absent stays absent."""
    seed = 1000 + [None, "HU", "US", "mgml", ""].index(sent)
    shape = replace(BASE, slices=2, seed=seed, patient=f"G11-{seed}")
    assert send(archive, objects(shape, RescaleType=sent)) == [0, 0]
    client = archive.client()
    below = f"/dicom-web/studies/{shape.study_uid}/series/{shape.series_uid}"
    (series,) = manifest(archive, shape.study_uid)["series"]
    document = client.get(series["document_url"]).raise_for_status().json()
    told = client.get(f"{below}/metadata").raise_for_status().json()
    told += [{**document["shared"], **one["attributes"]} for one in document["instances"]]
    told += client.get(f"{below}/instances/{shape.sop_uid(1)}/metadata").raise_for_status().json()
    assert len(told) == 5
    for one in told:
        assert one.get("00281054", {}).get("Value", None if "00281054" in one else "absent") == expected
    (raw,) = dicomweb.retrieve(
        client, f"studies/{shape.study_uid}/series/{shape.series_uid}/instances/{shape.sop_uid(1)}"
    )
    assert dcmread(io.BytesIO(raw)).get("RescaleType") == sent or (
        sent == "" and not dcmread(io.BytesIO(raw)).RescaleType
    )


# -- guard 12: silent loss -------------------------------------------------------------------------------------


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
