"""Privacy: a patient's words in nothing that the program writes beside its store: logs, metrics, addresses, files of its run, errors."""

import re
from pathlib import Path

import httpx

from tests.faults.security import hostile
from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import Identity, element
from tests.peers import dicomweb
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
