"""Issue 3, deliver 3: two organisations with the same UIDs and the same patient identifiers on one installation. Threat N11."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import phantoms
from tests.conformance.api_routes import database, is_problem
from tests.conformance.browsing import Browser, until
from tests.peers import Dicom, dcmtk
from tests.peers.association import Association, Lost
from tests.peers.heliograph import Server
from tests.peers.ports import free_port
from tests.phantoms import Shape

HOUSE = Shape(slices=2, rows=32, columns=32, seed=3, patient="SHARED-1", name="Haus^Hanna", study=31)
CLINIC = Shape(slices=2, rows=24, columns=40, seed=3, patient="SHARED-1", name="Klinik^Klara", study=31)
WORDS = {"house": ("Haus", "Hanna"), "clinic": ("Klinik", "Klara")}
STUDY = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": HOUSE.study_uid}
FRAMES = f"/dicom-web/studies/{HOUSE.study_uid}/series/{HOUSE.series_uid}/instances/{HOUSE.sop_uid(1)}"
PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class Two:
    """The server and its two organisations, by name: where its devices call, and a program that may everything in it."""

    server: Server
    doors: dict[str, Dicom]
    programs: dict[str, httpx.Client]
    receiver: int


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("tenants")
    config = folder / "quick.toml"
    config.write_text(
        "[archive]\nseries_quiet_s = 1\nstudy_quiet_s = 1\n[access]\nstep_up_minutes = 600\nidle_lock_minutes = 600\n"
    )
    with Server(folder / "data", options=("--config", str(config))) as server:
        server.cli(
            "tenant", "add", "--name", "clinic", "--display", "Clinic West", "--aet", "CLINIC", "--host", "clinic.test"
        )
        port = free_port()
        for tenant in ((), ("--tenant", "clinic")):
            for aet, where in (("SCANNER", 104), ("RECEIVER", port)):
                words = (
                    "--aet",
                    aet,
                    "--host",
                    "127.0.0.1",
                    "--port",
                    str(where),
                    "--allow",
                    "echo,store,find,move,get",
                )
                server.cli("device", "add", *tenant, *words)
        token = server.cli("token", "--tenant", "clinic", "--name", "all", "--scope", "all").stdout.strip()
        doors = {"house": server.dicom, "clinic": Dicom("127.0.0.1", server.dicom.port, "CLINIC")}
        clinic = httpx.Client(
            base_url=server.http, headers={"Authorization": f"Bearer {token}"}, timeout=120, trust_env=False
        )
        with server.client() as house, clinic:
            made = Two(server, doors, {"house": house, "clinic": clinic}, port)
            _store(made, folder)
            yield made


def _store(two: Two, folder: Path) -> None:
    """The same UIDs by DCMTK to both, and nothing but success; then both have settled."""
    for name, shape in (("house", HOUSE), ("clinic", CLINIC)):
        files = folder / name
        files.mkdir()
        for number, raw in enumerate(phantoms.slices(shape)):
            (files / f"{number}.dcm").write_bytes(raw)
        done = dcmtk.storescu(two.doors[name], files, calling="SCANNER", options=("-v",))
        assert done.code == 0, done.text[-2000:]
        assert len(re.findall(r"Received Store Response \(Success\)", done.text)) == 2, done.text[-2000:]
    for program in two.programs.values():
        until(
            lambda program=program: [
                row for row in _studies(program) if row["state"] == "settled" and row["instance_count"] == 2
            ]
        )


def _studies(program: Any) -> list[dict[str, Any]]:
    return list(
        program.post("/api/studies/search", json={"patient_id": HOUSE.patient}).raise_for_status().json()["items"]
    )


def _own(answer: httpx.Response, name: str) -> None:
    """Says something of its own patient and nothing of the other's."""
    other = "clinic" if name == "house" else "house"
    text = answer.text + repr(answer.headers)
    assert WORDS[name][0] in text
    assert not [word for word in WORDS[other] if word in text]


NAMES = pytest.mark.parametrize("name", ["house", "clinic"])


@NAMES
@pytest.mark.parametrize("level", ["PATIENT", "STUDY", "SERIES", "IMAGE"])
def test_each_finds_its_own(two: Two, name: str, level: str, tmp_path: Path) -> None:
    keys = {"QueryRetrieveLevel": level, "PatientID": HOUSE.patient, "PatientName": ""}
    keys |= {"StudyInstanceUID": HOUSE.study_uid} if level != "PATIENT" else {}
    keys |= {"SeriesInstanceUID": HOUSE.series_uid} if level in {"SERIES", "IMAGE"} else {}
    keys |= {"SOPInstanceUID": "", "Rows": ""} if level == "IMAGE" else {}
    found = dcmtk.findscu(two.doors[name], keys, folder=tmp_path, root="-P", calling="SCANNER")
    assert {str(one.PatientName) for one in found} == {(HOUSE if name == "house" else CLINIC).name}
    assert len(found) == (2 if level == "IMAGE" else 1)
    if level != "PATIENT":
        assert {one.RetrieveAETitle for one in found} == {two.doors[name].aet}


@NAMES
def test_each_gets_and_moves_its_own(two: Two, name: str, tmp_path: Path) -> None:
    wanted = sorted(phantoms.slices(HOUSE if name == "house" else CLINIC), key=hash)
    got = dcmtk.getscu(two.doors[name], STUDY, folder=tmp_path / "get", calling="SCANNER")
    assert sorted((_body(path.read_bytes()) for path in got.files), key=hash) == sorted(map(_body, wanted), key=hash)
    with dcmtk.Storescp(tmp_path / "move", aet="RECEIVER", port=two.receiver) as receiver:
        assert dcmtk.movescu(two.doors[name], "RECEIVER", STUDY, calling="SCANNER").code == 0
        moved = [_body(path.read_bytes()) for path in receiver.files]
    assert sorted(moved, key=hash) == sorted(map(_body, wanted), key=hash)


def _body(raw: bytes) -> bytes:
    """The data set: whoever received it writes a group 0002 of its own."""
    return raw[raw.index(b"\x08\x00\x05\x00CS") :]


def test_a_title_that_is_nobodys_is_rejected_as_such(two: Two) -> None:
    done = dcmtk.echoscu(Dicom("127.0.0.1", two.server.dicom.port, "ELSEWHERE"), calling="SCANNER")
    assert done.code != 0
    assert "Called AE Title Not Recognized" in done.text
    house, clinic = (
        two.programs[name].post("/api/audit/search", json={"kinds": ["association.refused"]}).json()["items"]
        for name in WORDS
    )
    assert "called title" in repr(house)
    assert clinic == []


def test_who_is_registered_with_one_is_a_stranger_to_the_other(two: Two) -> None:
    """And stands in the list of who wants in there alone."""
    two.server.cli(
        "device", "add", "--tenant", "clinic", "--aet", "ONLYCLINIC", "--host", "127.0.0.1", "--allow", "echo,find,get"
    )
    find = "1.2.840.10008.5.1.4.1.2.2.1"
    assert _accepts(two.doors["clinic"], find, "ONLYCLINIC")
    assert not _accepts(two.doors["house"], find, "ONLYCLINIC")
    callers = {
        name: [one["aet"] for one in two.programs[name].get("/api/devices/wants-in").json()["items"]] for name in WORDS
    }
    assert "ONLYCLINIC" in callers["house"]
    assert "ONLYCLINIC" not in callers["clinic"]


def _accepts(door: Dicom, sop_class: str, calling: str) -> bool:
    try:
        with Association.connect(door, [(sop_class, ("1.2.840.10008.1.2.1",))], calling=calling) as association:
            return bool(association.contexts)
    except Lost:
        return False


def test_one_programs_answers_are_never_the_others(two: Two) -> None:
    """Every reading door, warm from the other's question just before; its ETag is no key to the other's."""
    paths = [
        "/dicom-web/studies", "/dicom-web/series", "/dicom-web/instances?includefield=PatientName", f"/dicom-web/studies/{HOUSE.study_uid}/metadata",
        f"/dicom-web/studies/{HOUSE.study_uid}/series/{HOUSE.series_uid}/metadata", f"{FRAMES}/metadata",
    ]  # fmt: skip
    for path in paths:
        for name in ("house", "clinic", "house", "clinic"):
            answer = two.programs[name].get(path, headers={"Accept": "application/dicom+json"})
            assert answer.status_code == 200, path
            _own(answer, name)
        tags = {
            name: two.programs[name].get(path, headers={"Accept": "application/dicom+json"}).headers.get("etag")
            for name in WORDS
        }
        assert tags["house"] is None or tags["house"] != tags["clinic"], path
        if tags["house"]:
            foreign = two.programs["clinic"].get(
                path, headers={"Accept": "application/dicom+json", "If-None-Match": tags["house"]}
            )
            assert foreign.status_code == 200, path


def test_frames_pictures_and_thumbnails_are_its_own(two: Two) -> None:
    sizes = {}
    for name in ("house", "clinic", "house", "clinic"):
        answer = two.programs[name].get(f"{FRAMES}/frames/1", headers={"Accept": "application/octet-stream"})
        assert answer.status_code == 200
        sizes[name] = len(answer.content)
        rendered = two.programs[name].get(f"{FRAMES}/rendered", headers={"Accept": "image/png"})
        assert rendered.status_code == 200
    assert (sizes["house"], sizes["clinic"]) == (32 * 32 * 2, 24 * 40 * 2)
    house = (
        two.programs["house"].get(f"{FRAMES}/frames/1", headers={"Accept": "application/octet-stream"}).headers["etag"]
    )
    asked = {"Accept": "application/octet-stream", "If-None-Match": house}
    assert two.programs["clinic"].get(f"{FRAMES}/frames/1", headers=asked).status_code == 200


def test_rows_of_one_are_absent_for_the_other(two: Two) -> None:
    """By their ids, which are of the installation: what is there for another answers as what is not there at all."""
    (house,), clinic = _studies(two.programs["house"]), two.programs["clinic"]
    series = two.programs["house"].get(f"/api/studies/{house['id']}").json()["series"][0]["id"]
    for path in (
        f"/api/studies/{house['id']}",
        f"/api/studies/{house['id']}/manifest",
        f"/api/series/{series}/document",
        f"/api/series/{series}/thumbnail",
    ):
        foreign, none = clinic.get(path), clinic.get(re.sub(r"/\d+", "/999999", path))
        assert (
            (foreign.status_code, foreign.json()["code"])
            == (none.status_code, none.json()["code"])
            == (404, none.json()["code"])
        )
    own = two.programs["house"].get(f"/api/series/{series}/document").headers["etag"]
    assert clinic.get(f"/api/series/{series}/document", headers={"If-None-Match": own}).status_code == 404


def test_counts_and_names_are_of_the_organisation(two: Two) -> None:
    for name, called, title in (("house", "Heliograph", two.server.dicom.aet), ("clinic", "Clinic West", "CLINIC")):
        about = two.programs[name].get("/api/about").json()
        assert (about["counts"]["studies"], about["site"], about["dicom"]["aet"]) == (1, called, title)
        found = two.programs[name].post("/api/where", json={"text": HOUSE.study_uid})
        _own(found, name)
        assert two.programs[name].post("/api/studies/search", json={}).json()["count"] == 1
    assert two.programs["clinic"].get("/api/about").json()["storage"]["free_bytes"] is None
    is_problem(two.programs["clinic"].get("/api/settings"), 403, "not_allowed")


def test_a_newer_version_a_held_object_and_a_restriction_stay_where_they_came(two: Two, tmp_path: Path) -> None:
    with database(two.server) as connection:
        before = connection.execute(
            "select id, revision, restriction, held_count from study where tenant_id = 1"
        ).fetchall()
    again = tmp_path / "again.dcm"
    again.write_bytes(phantoms.slices(CLINIC)[0].replace(b"LOAD", b"MORE"))
    other = phantoms.slices(CLINIC)[0].replace(b"Klara", b"Klare")
    assert dcmtk.storescu(two.doors["clinic"], again, calling="SCANNER").code == 0
    assert two.programs["clinic"].post("/api/uploads", files=[("file", ("2.dcm", other))]).json()["held"] == 1
    (held,) = two.programs["clinic"].get("/api/quarantine").json()["items"]
    assert two.programs["house"].get("/api/quarantine").json()["items"] == []
    is_problem(two.programs["house"].get(f"/api/quarantine/{held['id']}/file"), 404)
    is_problem(two.programs["house"].post(f"/api/quarantine/{held['id']}/discard", json={"reason": "not mine"}), 404)
    patient = _studies(two.programs["clinic"])[0]["patient"]["id"]
    is_problem(two.programs["house"].post(f"/api/patients/{patient}/restriction", json={"restriction": "vip"}), 404)
    assert two.programs["clinic"].post(f"/api/quarantine/{held['id']}/discard", json={"reason": "a slip"}).is_success
    with database(two.server) as connection:
        after = connection.execute(
            "select id, revision, restriction, held_count from study where tenant_id = 1"
        ).fetchall()
        sites = connection.execute(
            "select st.tenant_id, s.tenant_id from study st join site s on s.id = st.site_id"
        ).fetchall()
    assert after == before
    assert all(mine == of_site for mine, of_site in sites), "what one organisation has is at a site of another"


def test_the_same_bytes_in_both_say_nothing_of_each_other(two: Two) -> None:
    """What the other has already is new here, and is written again: neither answer nor storage tells."""
    shape = Shape(slices=1, rows=16, columns=16, seed=3, patient="SHARED-2", name="Gleich^Beide", study=32)
    raw = phantoms.slices(shape)[0]
    first, second = (
        two.programs[name].post("/api/uploads", files=[("file", ("1.dcm", raw))]).json() for name in ("house", "clinic")
    )
    assert first == second
    assert first["stored"] == 1
    with database(two.server) as connection:
        rows = connection.execute(
            "select tenant_id, blob from instance where sop_uid = %s", (shape.sop_uid(1),)
        ).fetchall()
    assert sorted(row[0] for row in rows) == [1, 2]
    assert len({row[1] for row in rows}) == 2


def test_the_change_feed_and_jobs_are_the_organisations(two: Two, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(
        phantoms.slices(Shape(slices=1, rows=16, columns=16, seed=3, study=33, patient="ONLY-C"))[0]
    )
    two.server.cli("import", "--tenant", "clinic", "--own", str(tmp_path))
    assert [
        row["patient"]["patient_id"]
        for row in two.programs["clinic"].post("/api/studies/search", json={"patient_id": "ONLY-C"}).json()["items"]
    ]
    assert two.programs["house"].post("/api/studies/search", json={"patient_id": "ONLY-C"}).json()["items"] == []
    seen = {
        name: {
            str(one["subject"].get("study"))
            for one in two.programs[name].get("/api/changes", params={"after": 0, "limit": 500}).json()["items"]
        }
        for name in WORDS
    }
    assert not (seen["house"] & seen["clinic"]) - {"None"}


# -- people -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def people(two: Two) -> dict[str, Browser]:
    """A reader called jane in each, with a password of its own."""
    made = {}
    for name, program in two.programs.items():
        link = program.post("/api/users", json={"name": "jane", "roles": ["radiologist", "admin"]}).json()["link"]
        browser = Browser(two.server)
        assert browser.sign_in_by_link(link).status_code == 200
        assert browser.post("/api/session/password", json={"new": f"{PASSWORD} {name}"}).status_code == 200
        made[name] = browser
    return made


def test_people_come_by_name_at_organisation_or_by_host(two: Two, people: dict[str, Browser]) -> None:
    for typed, host, name in (
        ("jane", "", "house"), ("jane@clinic", "", "clinic"), ("jane", "clinic.test", "clinic"), ("jane", "CLINIC.test:8080", "clinic"),
        ("jane@clinic", "clinic.test", "clinic"),
    ):  # fmt: skip
        browser = Browser(two.server)
        browser.headers = {"Host": host} if host else {}
        answer = browser.sign_in(typed, f"{PASSWORD} {name}")
        assert answer.status_code == 200, (typed, host, answer.text)
        assert answer.json()["site"]["name"] == ("Heliograph" if name == "house" else "Clinic West")
        assert [row["patient"]["name"] for row in _studies(browser)] == [(HOUSE if name == "house" else CLINIC).name]
        assert browser.sign_out().status_code == 204


def test_nobody_learns_which_organisations_and_people_there_are(two: Two, people: dict[str, Browser]) -> None:
    """One answer for a wrong password, a person that is not there, an organisation that is not there, and a person of another one."""
    wrong = f"{PASSWORD} wrong"
    tries = [
        ("jane@clinic", "", wrong), ("nobody@clinic", "", wrong), ("jane@nowhere", "", wrong), ("jane", "clinic.test", f"{PASSWORD} house"),
        ("jane", "", f"{PASSWORD} clinic"), ("jane@default", "clinic.test", f"{PASSWORD} house"),
    ]  # fmt: skip
    answers, took = set(), []
    for name, host, password in tries:
        browser = Browser(two.server)
        browser.headers = {"Host": host} if host else {}
        began = time.process_time()
        answer = browser.sign_in(name, password)
        took.append(time.process_time() - began)
        answers.add((answer.status_code, answer.text))
    assert len(answers) == 1, answers
    assert next(iter(answers))[0] == 401
    ways = {
        Browser(two.server).get("/api/session/ways", headers={"Host": host}).text
        for host in ("clinic.test", "nowhere.test")
    }
    assert len(ways) == 1


def test_a_failed_sign_in_is_told_to_the_organisation_that_was_meant(two: Two, people: dict[str, Browser]) -> None:
    """By a mark of the name, as nobody there has it."""

    def told() -> dict[str, str]:
        asked = {"kinds": ["signed_in"], "outcome": "refused", "limit": 200}
        return {name: two.programs[name].post("/api/audit/search", json=asked).text for name in WORDS}

    before = told()
    Browser(two.server).sign_in("mallory@clinic", "not the password")
    after = told()
    marks = {name: _marks(after[name]) - _marks(before[name]) for name in WORDS}
    assert (len(marks["clinic"]), marks["house"]) == (1, set())
    assert "mallory" not in "".join(after.values())


def _marks(text: str) -> set[str]:
    return set(re.findall(r'"(\?[0-9a-f]{12})"', text))


def test_an_administrator_manages_its_own_people_alone(two: Two, people: dict[str, Browser]) -> None:
    house = next(user for user in two.programs["house"].get("/api/users").json()["items"] if user["name"] == "jane")
    assert [user["name"] for user in people["clinic"].get("/api/users").json()["items"]] == ["jane"]
    for method, path, body in (
        ("PATCH", f"/api/users/{house['id']}", {"disabled": True}), ("POST", f"/api/users/{house['id']}/link", None),
        ("POST", f"/api/users/{house['id']}/reset", None), ("GET", f"/api/users/{house['id']}/sessions", None),
        ("DELETE", f"/api/users/{house['id']}/sessions", None),
    ):  # fmt: skip
        is_problem(people["clinic"].request(method, path, **({"json": body} if body else {})), 404, "no_user")


# -- who runs the installation ------------------------------------------------------------------------------------------


def test_no_administrator_of_an_organisation_comes_to_run_the_installation(
    two: Two, people: dict[str, Browser]
) -> None:
    operator = two.server.cli("user", "add", "--name", "olga", "--roles", "operator").stdout
    assert "#link=" in operator
    for browser in people.values():
        is_problem(browser.get("/api/tenants"), 403, "not_allowed")
        is_problem(browser.post("/api/tenants", json={"name": "mine"}), 403, "not_allowed")
        is_problem(browser.post("/api/users", json={"name": "op", "roles": ["operator"]}), 403, "not_allowed")
        is_problem(browser.post("/api/tokens", json={"name": "op", "scopes": ["tenant.manage"]}), 403, "not_allowed")
    olga = next(user for user in people["house"].get("/api/users").json()["items"] if user["name"] == "olga")["id"]
    is_problem(people["house"].post(f"/api/users/{olga}/link"), 403, "not_allowed")
    is_problem(people["house"].post(f"/api/users/{olga}/reset"), 403, "not_allowed")
    is_problem(people["house"].request("PATCH", f"/api/users/{olga}", json={"roles": ["viewer"]}), 403, "not_allowed")


def test_an_operator_adds_renames_closes_and_opens_an_organisation(two: Two) -> None:
    olga = Browser(two.server)
    two.server.cli("user", "add", "--name", "otto", "--roles", "operator")
    assert olga.sign_in_by_link(two.server.sign_in_link("otto").partition("link=")[2]).status_code == 200
    made = olga.post(
        "/api/tenants", json={"name": "east", "display_name": "East", "titles": ["EAST"], "hosts": ["east.test"]}
    )
    assert made.status_code == 201, made.text
    assert olga.get("/api/studies/1").status_code in {403, 404}, "who runs the house sees no patient for that"
    admin = Browser(two.server)
    assert admin.sign_in_by_link(made.json()["link"]).status_code == 200
    east = f"/api/tenants/{made.json()['id']}"
    is_problem(olga.post("/api/tenants", json={"name": "east"}), 409, "tenant_exists")
    is_problem(olga.post("/api/tenants", json={"name": "other", "titles": ["CLINIC"]}), 409, "title_taken")
    is_problem(olga.post("/api/tenants", json={"name": "other", "titles": [two.server.dicom.aet]}), 409, "title_taken")
    is_problem(olga.post("/api/tenants", json={"name": "other", "hosts": ["CLINIC.test"]}), 409, "host_taken")
    is_problem(olga.post("/api/tenants", json={"name": "No Such"}), 400, "bad_tenant_name")
    is_problem(olga.post("/api/tenants/1/close"), 409, "tenant_is_house")
    for verb, path in (("PATCH", ""), ("POST", "/close"), ("POST", "/open")):
        is_problem(olga.request(verb, f"/api/tenants/9999{path}", json={"display_name": "x"}), 404, "no_tenant")
    changed = olga.request("PATCH", east, json={"name": "orient", "titles": ["ORIENT", "EAST"]}).json()
    assert (changed["name"], changed["titles"], changed["hosts"]) == ("orient", ["EAST", "ORIENT"], ["east.test"])
    door = Dicom("127.0.0.1", two.server.dicom.port, "ORIENT")
    assert dcmtk.echoscu(door).code == 0, "a stranger on this machine may echo in each"
    token = two.server.cli("token", "--tenant", "orient", "--name", "t", "--scope", "all").stdout.strip()
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=two.server.http, headers=headers, trust_env=False, timeout=60) as program:
        assert program.get("/api/about").status_code == 200
        assert olga.post(f"{east}/close").json()["closed_at"]
        until(lambda: program.get("/api/about").status_code == 401, timeout_s=20)
        until(lambda: admin.get("/api/session").status_code == 401, timeout_s=20)
        assert "Called AE Title Not Recognized" in dcmtk.echoscu(door).text
        assert two.server.cli("device", "list", "--tenant", "orient", check=False).returncode == 1
        assert olga.post(f"{east}/open").json()["closed_at"] is None
        assert program.get("/api/about").status_code == 200
    assert dcmtk.echoscu(door).code == 0
    kinds = {
        one["kind"]
        for one in two.programs["house"]
        .post("/api/audit/search", json={"kinds": ["tenant.added", "tenant.changed", "tenant.closed", "tenant.opened"]})
        .json()["items"]
    }
    assert kinds == {"tenant.added", "tenant.changed", "tenant.closed", "tenant.opened"}


def test_the_log_as_fhir_is_an_organisations_own(two: Two) -> None:
    """The same patient identifier in both: each finds its own rows, and the other's are not there."""
    asked = {"date": "ge2020", "patient.identifier": HOUSE.patient, "_count": "500"}
    ids = {}
    for name, program in two.programs.items():
        entries = program.get("/fhir/AuditEvent", params=asked).json()["entry"]
        ids[name] = {entry["resource"]["id"] for entry in entries}
        assert WORDS["clinic" if name == "house" else "house"][0] not in str(entries)
    assert ids["house"]
    assert ids["clinic"]
    assert not ids["house"] & ids["clinic"]
    for name, other in (("house", "clinic"), ("clinic", "house")):
        (one, *_) = ids[other]
        assert two.programs[name].get(f"/fhir/AuditEvent/{one}").status_code == 404
