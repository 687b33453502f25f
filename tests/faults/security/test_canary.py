"""Privacy: a patient's words in nothing that the program writes beside its store: logs, metrics, addresses, files of its run, errors."""

import io
import os
import re
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
from pydicom import Dataset

from tests.faults.security import hostile
from tests.faults.security.conftest import Siege, doors
from tests.faults.security.hostile import Identity, element
from tests.peers import dicomweb, processes, pynet
from tests.peers.association import EXPLICIT, Association

NAME, PATIENT, ACCESSION, WORDS = "KANARIENVOGEL^TWEETY", "KNRY-4711-ID", "KNRYACC99", "KNRY STUDY OF THE WING"
CANARIES = re.compile(r"KANARIENVOGEL|KNRY[-A]|KNRY STUDY|TWEETY|kanarien|19010203", re.IGNORECASE)
MODEL = "1.2.840.10008.5.1.4.1.2.2.1"


def _canary(who: Identity, *, name: str = NAME, more: bytes = b"") -> bytes:
    head = hostile.head(who, name=name, patient=PATIENT)
    at = head.index(b"\x08\x00\x60\x00")
    head = head[:at] + element(0x00080050, "SH", ACCESSION) + head[at:]
    at = head.index(b"\x10\x00\x10\x00")
    head = head[:at] + element(0x00081030, "LO", WORDS) + head[at:]
    at = head.index(b"\x20\x00\x0d\x00")
    return head[:at] + element(0x00100030, "DA", "19010203") + head[at:] + more + hostile.image() + hostile.pixels()


def _by_every_door(siege: Siege, web: httpx.Client) -> list[httpx.Response]:
    """Stores, conflicts, damage, questions good and bad; the answers to what went wrong."""
    to = siege.server.dicom
    who, twin = Identity(), Identity()
    hostile.store(to, [(who, _canary(who)), (twin, _canary(twin))])
    other = _canary(who, name="TWEETY^OTHER").replace(b"\x20\x00\x13\x00", b"\x20\x00\x12\x00")
    hostile.store(to, [(who, other), (twin, _canary(twin)[:300]), (twin, _canary(twin)[::-1])])
    dicomweb.stow(web, [hostile.part10(_canary(who, name="TWEETY^STOW"), who), _canary(Identity())[:200]])
    broken = Identity()
    hostile.store(to, [(broken, _canary(broken)[:-512] + hostile.element(0x7FE00010, "OW", b"x"))])
    with Association.connect(to, [(MODEL, (EXPLICIT,))], calling="HOSTILE", timeout=30) as association:
        level = element(0x00080052, "CS", "STUDY")
        association.find(MODEL, level + element(0x00100010, "PN", NAME) + element(0x00100020, "LO", PATIENT), EXPLICIT)
        association.find(
            MODEL, element(0x00100010, "PN", NAME) + level + element(0x00100030, "DA", "19010203-x"), EXPLICIT
        )
    asked = [
        web.get("/dicom-web/studies", params={"PatientName": NAME, "PatientID": PATIENT + "-none"}),
        web.get("/dicom-web/studies", params={"PatientName": NAME + "*a" * 300}),
        web.get("/dicom-web/studies", params={"StudyDate": NAME, "limit": PATIENT}),
        web.get(f"/dicom-web/studies/{NAME}/series/{PATIENT}"),
        web.get(f"/api/studies/{PATIENT}"),
        web.get(f"/{NAME}.html"),
        web.post("/api/studies/search", json={"text": NAME, "sort": PATIENT}),
        web.post("/api/studies/search", json={"date_from": NAME, "cursor": PATIENT}),
        web.post(
            "/api/studies/search", content=f'{{"text": "{NAME}'.encode(), headers={"Content-Type": "application/json"}
        ),
        web.post("/api/session", json={"name": NAME, "password": PATIENT}),
        web.post("/api/nodes", json={"name": NAME, "host": PATIENT}),
        web.get(broken.path + "/rendered"),
        web.get(broken.path + "/frames/1"),
        web.get(f"/dicom-web/studies/{who.study}/series/1.2/instances/{PATIENT}"),
    ]
    web.post("/api/where", json={"text": PATIENT})
    web.post("/api/uploads", files=[("file", (f"{NAME}.dcm", b"not an object of " + NAME.encode()))])
    web.get(who.path + "/rendered")
    return [answer for answer in asked if answer.status_code >= 400]


def test_no_word_of_a_patient_leaves_the_store(siege: Siege, web: httpx.Client) -> None:
    refused = _by_every_door(siege, web)
    assert len(refused) >= 6, "the errors that were wanted did not come"
    for answer in refused:
        assert not CANARIES.search(answer.text), (answer.request.url, answer.text[:300])
        assert not CANARIES.search(str(answer.headers)), answer.request.url
    assert not CANARIES.search(web.get("/metrics").text)
    assert not CANARIES.search(web.get("/readyz").text)
    assert not CANARIES.search(siege.server.cli("doctor", check=False).stdout)
    for file in _written(siege):
        found = CANARIES.search(file.read_bytes().decode("latin-1"))
        assert found is None, f"{file} has {found.group() if found else ''}"


def _written(siege: Siege) -> list[Path]:
    """Everything in the data folder but the store itself (blobs, database), and what the program said."""
    data = siege.server.data
    kept = [data / "blobs", data / "database"]
    found = [
        path for path in data.rglob("*") if path.is_file() and not any(path.is_relative_to(place) for place in kept)
    ]
    logs = [path for path in (data / "database").glob("*.log") if path.is_file()]
    assert logs, "the database writes its log elsewhere"
    return [*found, *logs, siege.server.log]


def _zip(entries: list[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def _clean(siege: Siege, web: httpx.Client) -> None:
    """Nothing of a patient in what is written, measured, announced, waiting or told to whoever looks after the server."""
    for path in ("/metrics", "/readyz", "/api/alarms", "/api/jobs", "/api/settings", "/api/about"):
        told = web.get(path)
        assert told.status_code in {200, 503}, path
        assert not CANARIES.search(told.text), (path, CANARIES.search(told.text))
    for file in _written(siege):
        found = CANARIES.search(file.read_bytes().decode("latin-1"))
        assert found is None, f"{file} has {found.group() if found else ''}"
    for pid in siege.server.pids():
        said = processes.arguments_of(pid) + processes.name_of(pid).encode()
        assert not CANARIES.search(said.decode("latin-1")), f"the title of {processes.name_of(pid)}"
        for name, content in _open_files(pid, siege.server.data):
            assert not CANARIES.search(content), name
    with psycopg.connect(siege.server.database_url) as connection:
        rows = connection.execute("select query from pg_stat_activity where pid <> pg_backend_pid()").fetchall()
        assert not [row for row in rows if CANARIES.search(row[0] or "")], "values stand in statements"
        errors = connection.execute("select coalesce(error, '') || title from job").fetchall()
        assert not [row for row in errors if CANARIES.search(row[0])]
        records = connection.execute("select kind, subject::text || detail::text from audit_event").fetchall()
        assert len(records) > 20
        assert not [row for row in records if CANARIES.search(row[1])], (
            "what goes to a repository names patients by number"
        )


def _open_files(pid: int, data: Path) -> Iterator[tuple[str, str]]:
    """Files that a process has open beside the store, deleted ones too: what a crash of the machine would leave."""
    try:
        links = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # it has ended meanwhile
        return
    kept = (str(data / "blobs"), str(data / "database"), "/proc", "/dev", "/sys", "/memfd:", "/anon_hugepage")
    for link in links:
        try:
            to = str(link.readlink())
            if to.startswith("/") and not to.startswith(kept) and link.is_file() and link.stat().st_size < 64 << 20:
                yield to, link.read_bytes().decode("latin-1")
        except OSError:
            continue


def test_names_of_files_and_words_of_peers_stay_where_they_are(siege: Siege, web: httpx.Client) -> None:
    """Uploads whose files and folders are called like patients; a node that repeats a patient's name in its refusals (Error Comment, PS3.7 C)."""
    who = Identity()
    good = hostile.part10(_canary(who), who)
    bad = [
        (f"{NAME}/{PATIENT}.dcm", b"no object"),
        (f"{WORDS}/{NAME}.dcm", good[:700]),
        (f"{NAME}.zip", _zip([(NAME, b"x" * 200)])),
    ]
    web.post("/api/uploads", files=[("file", (f"{PATIENT} {WORDS}.zip", _zip([*bad, (f"{NAME}.dcm", good)])))])
    web.post("/api/uploads", files=[("file", (f"{NAME}.zip", b"PK\3\4" + NAME.encode() * 20))])

    def refuse(_event: Any) -> Dataset:
        answer = Dataset()
        answer.Status, answer.ErrorComment = 0xA900, f"{NAME} is not ours"
        return answer

    with pynet.StoreScp(aet="TALKER", status=refuse) as talker:
        node = web.post(
            "/api/nodes", json={"name": "talker", "aet": "TALKER", "host": "127.0.0.1", "port": talker.dicom.port}
        ).json()["id"]
        study = web.post("/api/studies/search", json={"accession_number": ACCESSION}).json()["items"][0]["id"]
        send = web.post("/api/sends", json={"study_id": study, "node_id": node}).json()["id"]
        told = _until(
            lambda: [
                one
                for one in web.get("/api/sends").json()["items"]
                if one["id"] == send and one["state"] in {"failed", "waiting"}
            ]
        )
        assert "A900H" in told[0]["error"], told
        assert not CANARIES.search(told[0]["error"]), told[0]["error"]
        for path, body in (
            (f"/api/nodes/{node}/query", {"patient_name": NAME}),
            (f"/api/nodes/{node}/retrieve", {"study_uid": who.study}),
        ):
            answer = web.post(path, json=body)
            assert answer.status_code < 400 or not CANARIES.search(answer.text)
        web.delete(f"/api/nodes/{node}")
    _clean(siege, web)


def _until(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.1)
    return found


def test_what_dies_leaves_no_word(siege: Siege, web: httpx.Client) -> None:
    """Decoders that are killed over a patient's pixels, statements that are ended over a patient's name; none of our processes may leave a core."""
    for pid in siege.server.pids():
        limits = Path(f"/proc/{pid}/limits")
        text = limits.read_text() if limits.exists() else ""
        assert not text or re.search(r"^Max core file size +[01] +[01] ", text, re.MULTILINE), processes.name_of(pid)
    before = {path for place in _places(siege) for path in place.glob("core*")}
    who = Identity()
    hostile.store(siege.server.dicom, [(who, _canary(who))])
    for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL):
        web.get(who.path + "/rendered", headers={"Accept": "image/png"})
        for pid in _decoders(siege):
            os.kill(pid, number)
        told = web.get(who.path + "/rendered")
        assert told.status_code in {200, 400, 503} or told.json()["code"] == "decoder_died", told.text
        assert not CANARIES.search(str(told.headers)), "headers"
    with psycopg.connect(siege.server.database_url, autocommit=True) as connection:
        connection.execute("set statement_timeout = 0")
        for _ in range(20):
            web.post("/api/studies/search", json={"text": NAME + "*", "patient_id": PATIENT})
            connection.execute(
                "select pg_cancel_backend(pid) from pg_stat_activity where application_name like '%http%' and state = 'active' and pid <> pg_backend_pid()"
            )
    assert {path for place in _places(siege) for path in place.glob("core*")} == before
    _clean(siege, web)


def _places(siege: Siege) -> list[Path]:
    """Where the kernel would write a core: the folders that the processes stand in."""
    found = set()
    for pid in siege.server.pids():
        try:
            found.add(Path(f"/proc/{pid}/cwd").readlink())
        except OSError:
            continue
    return sorted(found)


def _decoders(siege: Siege) -> list[int]:
    return [
        pid
        for pid in set(siege.server.pids()) - doors(siege.server)
        if b"heliograph.engine._decoder" in processes.arguments_of(pid)
    ]


def test_the_addresses_that_are_given_out_name_no_patient(siege: Siege, web: httpx.Client) -> None:
    who = Identity()
    hostile.store(siege.server.dicom, [(who, _canary(who))])
    for path in (f"/dicom-web/studies?StudyInstanceUID={who.study}", who.path + "/metadata"):
        for address in re.findall(r'"(/[^"]*|https?://[^"]*)"', web.get(path).text):
            assert not CANARIES.search(address), address
    rows = web.post("/api/studies/search", json={"accession_number": ACCESSION}).json()["items"]
    assert rows
    manifest = web.get(f"/api/studies/{rows[0]['id']}/manifest").text
    for address in re.findall(r'"(/[^"]*|https?://[^"]*)"', manifest):
        assert not CANARIES.search(address), address
