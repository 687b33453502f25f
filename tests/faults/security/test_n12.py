"""N12: statements inside of values (MedDream CVE-2020-37009, PacsOne CVE-2020-29163): what people give is bound, never written into a statement."""

import ast
import re
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

import heliograph
from tests.faults.security import hostile
from tests.faults.security.conftest import MIB, Siege
from tests.faults.security.hostile import Identity
from tests.peers.association import EXPLICIT, Association

MODEL = "1.2.840.10008.5.1.4.1.2.2.1"
INJECTIONS = [
    "' OR '1'='1", "'; DROP TABLE study; --", "\\'; select pg_sleep(5) --", "%' OR 1=1 --", "') UNION SELECT name FROM app_user --", "$$;select 1;$$",
    "{{7*7}}", "%(tenant)s", "%s%s%s", ":x", "\x00' --", "1) or (1=1", "*' or study_uid ~ '", "E'\\047 or 1=1--", "ＯＲ＇１＇＝＇１",
]  # fmt: skip
KEYS = [
    "PatientName",
    "PatientID",
    "AccessionNumber",
    "StudyDate",
    "StudyTime",
    "ModalitiesInStudy",
    "StudyDescription",
    "StudyInstanceUID",
    "00100010",
    "OtherPatientIDs",
]
SQL = re.compile(r"\b(select|insert into|update|delete from|alter|create|drop|truncate)\b", re.IGNORECASE)
FOREIGN = re.compile(r"\b(request|body|query_params|headers|params|payload|form|path_params|arguments)\b")


def test_no_statement_is_written_with_what_came_from_outside() -> None:
    """Every f-string that is SQL: its holes hold names and pieces of ours, no attribute of a request and no call with one."""
    root = Path(heliograph.__path__[0])
    seen = 0
    for file in root.rglob("*.py"):
        if "migrations" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.JoinedStr):
                continue
            text = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
            if not SQL.search(text) or not re.search(r"\b(from|where|set|values|into)\b", text, re.IGNORECASE):
                continue
            seen += 1
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    hole = ast.unparse(part.value)
                    assert not FOREIGN.search(hole), f"{file}:{node.lineno}: {hole}"
                    assert part.conversion == -1, f"{file}:{node.lineno}: {hole} is quoted by hand"
    assert seen > 5, "the lint sees nothing"


@pytest.mark.parametrize("injection", INJECTIONS)
def test_a_statement_in_a_value_is_a_value(siege: Siege, web: httpx.Client, injection: str) -> None:
    who = Identity()
    hostile.store(siege.server.dicom, [(who, hostile.honest(who))])
    for key in KEYS:
        told = web.get(f"/dicom-web/studies?{key}={quote(injection)}", headers={"Accept": "application/dicom+json"})
        assert told.status_code in {200, 204, 400}, (key, told.status_code, told.text[:200])
        assert told.status_code != 200 or key in {"StudyDate", "StudyTime", "OtherPatientIDs"} or told.json() == [], (
            key,
            told.text[:300],
        )
    for extra in ("limit", "offset", "includefield", "fuzzymatching", "orderby", "sort"):
        assert web.get(f"/dicom-web/studies?{extra}={quote(injection)}").status_code in {200, 204, 400, 422}
    for field in ("text", "patient_name", "patient_id", "accession_number", "sort", "state", "cursor", "date_from"):
        told = web.post("/api/studies/search", json={field: injection})
        assert told.status_code in {200, 400, 422}, (field, told.status_code)
        assert told.status_code != 200 or told.json()["items"] == [], field
    for path in (
        "/api/jobs?state=",
        "/api/sends?state=",
        "/api/quarantine?cursor=",
        "/api/changes?after=",
        "/api/studies/",
    ):
        assert web.get(path + quote(injection, safe="")).status_code in {200, 400, 404, 422}
    assert siege.rise() < 64 * MIB


@pytest.mark.parametrize("injection", INJECTIONS)
def test_a_statement_in_a_query_over_dimse_is_a_value(siege: Siege, web: httpx.Client, injection: str) -> None:
    level = hostile.element(0x00080052, "CS", "STUDY")
    with Association.connect(siege.server.dicom, [(MODEL, (EXPLICIT,))], calling="HOSTILE", timeout=30) as association:
        for tag, vr in (
            (0x00100010, "PN"),
            (0x00100020, "LO"),
            (0x00200010, "SH"),
            (0x0020000D, "UI"),
            (0x00100030, "DA"),
        ):
            status, found = association.find(MODEL, level + hostile.element(tag, vr, injection), EXPLICIT)
            assert status == 0 or status & 0xF000 in {0xA000, 0xC000}, f"{status:04x}"
            assert not found or tag == 0x00100030
    assert web.get("/readyz").status_code == 200


@pytest.mark.parametrize("injection", INJECTIONS[:6])
def test_a_statement_in_an_object_is_a_value(siege: Siege, web: httpx.Client, injection: str) -> None:
    who = Identity()
    data = hostile.head(who, name=injection, patient=injection) + hostile.image() + hostile.pixels()
    assert hostile.store(siege.server.dicom, [(who, data)])[0].status == 0
    rows = web.get(
        f"/dicom-web/studies?StudyInstanceUID={who.study}&includefield=PatientID",
        headers={"Accept": "application/dicom+json"},
    ).json()
    assert rows[0]["00100020"]["Value"] == [injection.strip("\0")], rows[0]["00100020"]
