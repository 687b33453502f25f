"""The JSON door: the change feed, the live stream, the audit record, and a silent log."""

import contextlib
import io
import itertools
import json
import re
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom import Dataset, dcmread
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests import phantoms
from tests.conformance.api_routes import (
    WHY,
    database,
    send,
)
from tests.conformance.browsing import COOKIE, Browser, person, study_row, until
from tests.conformance.guarding import stream
from tests.peers import dcmtk, dicomweb, part10, pynet
from tests.peers.association import Association
from tests.peers.heliograph import EMBEDDED, Server
from tests.peers.pace import soonest
from tests.phantoms import Shape


def test_a_cursor_that_does_not_stand_in_the_feed_is_gone(api_house: Server) -> None:
    """As after a restore from an older backup, or after a long absence: a hole is never passed over in silence."""
    client = api_house.client()
    last = client.get("/api/changes", params={"limit": 5000}).json()["last"]
    told = client.get("/api/changes", params={"after": last + 1_000_000_000})
    assert (told.status_code, told.json()["code"]) == (410, "cursor_gone")
    assert client.get("/api/changes", params={"after": last}).status_code == 200


def test_the_change_feed_is_ordered_and_nothing_is_missing_under_four_writers(api_house: Server) -> None:
    """A reader that follows while four sources send sees every fact once, in the order that everybody sees later."""
    client = api_house.client()
    start = client.get("/api/changes", params={"limit": 5000}).json()["last"]
    done = threading.Event()
    followed: list[dict[str, Any]] = []

    def follow() -> None:
        with api_house.client() as own:
            after = start
            while True:
                last_look = done.is_set()
                page = own.get("/api/changes", params={"after": after, "limit": 7}).json()
                followed.extend(page["items"])
                after = page["last"]
                if last_look and not page["items"]:
                    return
                if not page["items"]:
                    time.sleep(0.02)

    shapes = {
        source: [
            Shape(2, rows=4, columns=4, seed=3100 + 10 * source + study, patient=f"FEED{source}") for study in range(6)
        ]
        for source in range(4)
    }
    ours = {shape.study_uid for some in shapes.values() for shape in some}

    def write(source: int) -> None:
        for shape in shapes[source]:
            assert send(api_house, shape, f"W{source}") == [0, 0]

    reader = threading.Thread(target=follow)
    reader.start()
    writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()

    def everything() -> list[dict[str, Any]]:
        return list(client.get("/api/changes", params={"after": start, "limit": 5000}).json()["items"])

    def arrived_whole() -> set[str]:
        """Ours, because studies of earlier tests may arrive meanwhile; a study that came slowly arrives with one object first."""
        return {
            one["subject"]["study_uid"]
            for one in everything()
            if one["kind"] == "StudyArrived"
            and one["subject"]["instances"] == 2
            and one["subject"]["study_uid"] in ours
        }

    until(lambda: arrived_whole() == ours)
    done.set()
    reader.join(150)
    assert not reader.is_alive()
    whole = everything()[: len(followed)]
    assert [one["number"] for one in followed] == [one["number"] for one in whole]
    numbers = [one["number"] for one in followed]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "a number is missing or came late"
    opened = [one["subject"]["study_uid"] for one in followed if one["kind"] == "StudyOpened"]
    assert len(opened) == len(set(opened)) == 24
    assert set(opened) == ours
    for uid in opened:
        kinds = [one["kind"] for one in followed if one["subject"].get("study_uid") == uid]
        assert (kinds[0], kinds[-1]) == ("StudyOpened", "StudyArrived")


@pytest.mark.parametrize("origin", ["", "https://elsewhere.example", "null"])
def test_the_live_stream_refuses_pages_of_others(api_house: Server, viewer: Browser, origin: str) -> None:
    headers = {"Cookie": f"{COOKIE}={viewer.cookie}", **({"Origin": origin} if origin else {})}
    with pytest.raises((InvalidStatus, ConnectionClosed)), stream(api_house, headers) as socket:
        socket.recv(60)


def test_the_live_stream_needs_a_session(api_house: Server) -> None:
    for headers in (
        {},
        {"Cookie": f"{COOKIE}=nonsense", "Origin": api_house.http},
        {"Authorization": "Bearer hg_nonsense"},
    ):
        with pytest.raises((InvalidStatus, ConnectionClosed)), stream(api_house, headers) as socket:
            socket.recv(60)


def test_the_live_stream_tells_of_an_arrival_within_two_seconds(api_house: Server, viewer: Browser) -> None:
    """Every study is told of; a busy moment of the machine may be longer than two seconds, but not each time."""
    seeds = itertools.count(3200)
    with stream(api_house, {"Cookie": f"{COOKIE}={viewer.cookie}", "Origin": api_house.http}) as socket:
        assert json.loads(socket.recv(60))["kind"] == "hello"
        assert soonest(lambda: _told_after_s(api_house, next(seeds), socket), 2) < 2


def _told_after_s(api_house: Server, seed: int, socket: Any) -> float:
    """How long after its last object the stream named a study, by an id of ours alone."""
    shape = Shape(2, rows=4, columns=4, seed=seed, patient=f"LIVE{seed}", name="Live^Lara")
    with api_house.client() as client:
        client.get("/api/about")  # the connection stands
        assert send(api_house, shape) == [0, 0]
        began = time.monotonic()
        answer = client.post("/api/studies/search", json={"text": shape.study_uid}).raise_for_status().json()
    (row,) = answer["items"]
    names = [{"kind": f"study.{what}", "id": row["id"]} for what in ("arrived", "changed")]
    while True:
        text = str(socket.recv(60))
        assert not any(word in text for word in ("Live", "LIVE", shape.study_uid))
        if json.loads(text) in names:
            return time.monotonic() - began


# -- audit -----------------------------------------------------------------------------------------------------


def test_what_people_and_programs_do_is_recorded_with_who_and_without_names(api_house: Server) -> None:
    """Sign-in, refused sign-in, search, opening, reading, device change, decision, token, sign-out."""
    shape = Shape(2, rows=8, columns=8, seed=3300, patient="AUDIT-1", name="Audit^Agathe")
    with database(api_house) as connection:
        (start,) = connection.execute("select coalesce(max(id), 0) from audit_event").fetchone() or (0,)
    send(api_house, shape)
    changed = [dcmread(io.BytesIO(raw)) for raw in phantoms.slices(shape)]
    for ds in changed:
        ds.SeriesDescription = "FORGED"
    with Association.connect(
        api_house.dicom, [(changed[0].SOPClassUID, (changed[0].file_meta.TransferSyntaxUID,))], calling="DCMTK"
    ) as sender:
        for ds in changed:
            one = part10.split(phantoms.file_bytes(ds))
            assert sender.store(one.sop_class, one.sop_uid, one.transfer_syntax, one.dataset).status != 0
    with person(api_house, "auditee", "technologist") as window:
        assert window.post("/api/session/password", json={"new": "long enough for this"}).status_code == 200
        Browser(api_house).sign_in("auditee", "wrong password")
        row = study_row(api_house, shape.study_uid)
        window.post("/api/studies/search", json={"patient_name": "Audit^Agathe"})
        window.get(f"/api/studies/{row['id']}/manifest")
        window.get(
            f"/dicom-web/studies/{shape.study_uid}/series/{shape.series_uid}/instances/{shape.sop_uid(1)}/frames/1"
        )
        held = window.get("/api/quarantine").json()["items"]
        first, second = (one["id"] for one in held if one["study_uid"] == shape.study_uid)
        assert window.post(f"/api/quarantine/{first}/release", json=WHY).status_code == 200
        assert window.post(f"/api/quarantine/{second}/discard", json=WHY).status_code == 204
        with api_house.client() as other:
            device = other.post("/api/devices", json={"aet": "AUDITED"}).json()["id"]
            other.patch(f"/api/devices/{device}", json={"description": "other"})
            other.delete(f"/api/devices/{device}")
            other.post("/api/tokens", json={"name": "audited", "scopes": ["study.read"]})
        window.sign_out()
    with database(api_house) as connection:
        rows = connection.execute(
            "select kind, outcome, actor, subject, detail from audit_event where id > %s order by id", (start,)
        ).fetchall()
    by_kind: dict[str, list[tuple[Any, ...]]] = {}
    for one in rows:
        by_kind.setdefault(one[0], []).append(one)
    assert set(by_kind) >= {
        "signed_in", "signed_out", "password.changed", "studies.searched", "study.opened", "study.read", "held.released", "held.discarded",
        "device.added", "device.changed", "device.removed", "token.issued", "user.added", "instances.received",
    }  # fmt: skip
    assert {(one[1], one[2]["name"]) for one in by_kind["signed_in"]} >= {
        ("success", "auditee"),
        ("refused", "auditee"),
    }
    for kind in ("study.opened", "study.read", "held.released", "held.discarded"):
        assert {one[2]["name"] for one in by_kind[kind]} >= {"auditee"}, kind
        assert all(
            one[2]["kind"] == "user" and one[2]["address"] == "127.0.0.1"
            for one in by_kind[kind]
            if one[2]["name"] == "auditee"
        ), kind
    assert str(row["id"]) in {str(one[3].get("study")) for one in by_kind["study.opened"]}
    assert str(row["id"]) in {str(one[3].get("study")) for one in by_kind["study.read"]}
    text = json.dumps([one[2:] for one in rows])
    assert "Agathe" not in text
    assert "AUDIT-1" not in text
    assert not re.search(r"hg_[A-Za-z0-9_-]{20}", text), "no secret stands in the record"


# -- a silent log ----------------------------------------------------------------------------------------------

NAME = "Zaunkoenig^Adelheid"
LOUD = ("zaunkoenig", "adelheid", "geheim-4711", "ßtrauß", "山田")


def test_a_patients_name_sent_through_every_door_stands_in_no_log(tmp_path: Path) -> None:
    with Server(tmp_path / "data", database=EMBEDDED) as api_house:
        api_house.add_device("DCMTK")
        api_house.add_device("CT1")
        _be_loud(api_house, tmp_path)
        api_house.kill_database()
        with contextlib.suppress(Exception):
            api_house.client(timeout=10).post("/api/studies/search", json={"patient_name": NAME})
            send(api_house, Shape(1, rows=4, columns=4, seed=3405, patient="GEHEIM-4711", name=NAME))
        api_house.wait_ready()
        api_house.stop()
        logs = {"server": api_house.log, "postgres": api_house.data / "database" / "postgres.log"}
        for which, path in logs.items():
            text = path.read_text(errors="replace").casefold()
            assert text.strip(), f"{which}: an empty log proves nothing"
            found = [word for word in LOUD if word in text]
            assert found == [], f"the log of {which} tells {found}"


def _be_loud(api_house: Server, folder: Path) -> None:
    """The name through every door, rightly and wrongly."""
    shape = Shape(2, rows=8, columns=8, seed=3400, patient="GEHEIM-4711", name=NAME)
    stored = phantoms.write_series(shape, folder / f"store-{NAME}")
    assert dcmtk.storescu(api_house.dicom, *stored).code == 0
    dcmtk.storescu(api_house.dicom, *stored, calling="STRANGER")
    imported = replace(shape, seed=3401)
    phantoms.write_series(imported, folder / f"{NAME}-disk")
    (folder / f"{NAME}-disk" / f"{NAME}.txt").write_text(NAME)
    with zipfile.ZipFile(folder / f"{NAME}-disk" / f"{NAME}.zip", "w") as archive:
        archive.writestr(f"../{NAME}/{NAME}.dcm", phantoms.slices(replace(shape, seed=3402))[0])
        archive.writestr(f"{NAME}.broken.dcm", phantoms.slices(shape)[0][:900])
    api_house.cli("import", str(folder / f"{NAME}-disk"))
    client = api_house.client()
    odd = dcmread(io.BytesIO(phantoms.slices(replace(shape, seed=3403))[0]))
    odd.SpecificCharacterSet, odd.PatientName, odd.PatientBirthDate = (
        "ISO_IR 192",
        "Zaunkoenig^ßtrauß=山田^太郎",
        "19500101",
    )
    odd.PatientID = "GEHEIM-4711"
    files = [
        ("file", (f"{NAME}{n}.dcm", raw, "application/dicom"))
        for n, raw in enumerate([*phantoms.slices(shape), phantoms.file_bytes(odd), NAME.encode() * 30])
    ]
    client.post("/api/uploads", files=files).raise_for_status()
    dicomweb.stow(client, [phantoms.file_bytes(odd), NAME.encode() * 30, phantoms.slices(shape)[1][:700]])
    _ask_loudly(api_house, client, folder)


def _ask_loudly(api_house: Server, client: httpx.Client, folder: Path) -> None:
    client.post("/api/studies/search", json={"patient_name": NAME, "cursor": NAME})
    client.post("/api/studies/search", json={"text": NAME, "sort": NAME})
    client.post("/api/studies/search", json={"text": "\0" + NAME, "date_from": NAME})
    client.post("/api/studies/search", content=f'{{"text": "{NAME}'.encode())
    client.post("/api/where", json={"text": NAME})
    client.post("/api/where", json={"text": "\0" + NAME})
    client.get(f"/api/studies/{NAME}")
    client.get(f"/dicom-web/studies/{NAME}/metadata")
    for query in (
        {"PatientName": NAME},
        {"PatientName": "\0" + NAME},
        {NAME: NAME},
        {"StudyDate": NAME},
        {"PatientID": "[" + NAME},
    ):
        client.get("/dicom-web/studies", params=query)
    api_house.cli("where", NAME, check=False)
    keys = {"QueryRetrieveLevel": "STUDY", "PatientName": f"{NAME}*", "StudyInstanceUID": ""}
    assert dcmtk.findscu(api_house.dicom, keys, folder=folder / "find")
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.PatientName, asked.StudyDate = "STUDY", NAME, NAME[:16]
    with contextlib.suppress(Exception):
        pynet.find(api_house.dicom, asked, calling="CT1")
    with contextlib.suppress(Exception):
        pynet.echo(api_house.dicom, calling="ZAUNKOENIG-AE"[:16].replace("ZAUNKOENIG", "STRANGE"))
    for item in client.get("/api/quarantine").json()["items"]:
        client.post(f"/api/quarantine/{item['id']}/release", json={"reason": f"this is {NAME}"})
    body = {"name": NAME, "aet": "NOWHERE", "host": "127.0.0.1", "port": 9}
    node = client.post("/api/nodes", json=body).json()["id"]
    client.post(f"/api/nodes/{node}/query", json={"patient_name": NAME})
    client.post("/api/users", json={"name": "somebody", "display_name": NAME, "roles": [NAME]})
