"""The audit log by the API: found by every field, paged without a gap, recorded itself, and only for who may read it."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conformance.browsing import Browser
from tests.conformance.test_api_records import database, person, send, study_row
from tests.peers.heliograph import Server
from tests.phantoms import Shape

SHAPE = Shape(2, rows=8, columns=8, seed=8877, patient="WHOSAW-1", name="Seen^Sylvia")


@pytest.fixture(scope="module")
def study(api_house: Server) -> dict[str, Any]:
    send(api_house, SHAPE)
    found: dict[str, Any] = study_row(api_house, SHAPE.study_uid)
    with person(api_house, "seer", "radiologist") as window:
        assert window.get(f"/api/studies/{found['id']}/manifest").status_code == 200
        assert (
            window.get(
                f"/dicom-web/studies/{SHAPE.study_uid}/series/{SHAPE.series_uid}/instances/{SHAPE.sop_uid(1)}/frames/1"
            ).status_code
            == 200
        )
    return found


def rows(admin: Browser, **body: Any) -> list[dict[str, Any]]:
    answer = admin.post("/api/audit/search", json=body)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def test_rows_are_found_by_who_what_whose_and_when(admin: Browser, study: dict[str, Any]) -> None:
    everything = rows(admin, study_uid=SHAPE.study_uid)
    assert {one["kind"] for one in everything} >= {"instances.received", "study.opened", "study.read"}
    assert {one["event"] for one in everything if one["kind"] == "study.opened"} == {"110103"}
    by_patient = rows(admin, patient_id="WHOSAW-1")
    assert {one["id"] for one in by_patient} >= {one["id"] for one in everything}
    assert {one["id"] for one in rows(admin, study_id=int(study["id"]))} >= {one["id"] for one in everything}
    by_actor = rows(admin, actor="seer", kinds=["study.opened", "study.read"])
    assert {one["actor"]["name"] for one in by_actor} == {"seer"}
    assert {one["kind"] for one in by_actor} == {"study.opened", "study.read"}
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert rows(admin, study_uid=SHAPE.study_uid, since=later) == []
    assert len(rows(admin, study_uid=SHAPE.study_uid, until=later)) == len(everything)
    assert rows(admin, study_uid=SHAPE.study_uid, outcome="failed") == []


def test_pages_lead_through_everything_once(admin: Browser, study: dict[str, Any]) -> None:
    until = datetime.now(UTC).isoformat()
    at_once = [one["id"] for one in rows(admin, until=until, limit=40)]
    assert len(at_once) > 3
    paged: list[str] = []
    body: dict[str, Any] = {"until": until, "limit": 3}
    while len(paged) < len(at_once):
        page = admin.post("/api/audit/search", json=body).json()
        paged += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        body["cursor"] = page["next"]
    assert paged[: len(at_once)] == at_once


def test_who_saw_a_patient(admin: Browser, study: dict[str, Any]) -> None:
    report = admin.post("/api/audit/patient", json={"patient_id": "WHOSAW-1"}).json()
    assert report["studies"] == 1
    (seer,) = [one for one in report["items"] if one["name"] == "seer"]
    assert seer["kind"] == "user"
    assert set(seer["kinds"]) >= {"study.opened", "study.read"}
    assert seer["count"] >= 2
    assert seer["first_at"] <= seer["last_at"]
    assert admin.post("/api/audit/patient", json={"patient_id": "WHOSAW-1", "issuer": "nobody"}).status_code == 404


def test_rows_are_found_by_event_address_and_kind_of_actor(admin: Browser, study: dict[str, Any]) -> None:
    opened = rows(admin, patient_id="WHOSAW-1", events=["110103"], actor_kind="user", address="127.0.0.1")
    assert {one["event"] for one in opened} == {"110103"}
    assert {one["study"]["patient_id"] for one in opened} == {"WHOSAW-1"}
    assert rows(admin, events=["110103"], address="192.0.2.1") == []
    assert {one["event"] for one in rows(admin, events=["110113", "110114"], limit=50)} == {"110113", "110114"}


def test_tables_to_take_along_hold_no_formula_and_are_on_record(
    admin: Browser, api_house: Server, study: dict[str, Any]
) -> None:
    with database(api_house) as connection:
        connection.execute(
            "insert into audit_event (tenant_id, at, kind, outcome, actor, subject) values (1, now(), 'study.read', 'success', "
            '\'{"kind": "token", "id": "x", "name": "=HYPERLINK(1)", "address": ""}\', %s)',
            (f'{{"study": {study["id"]}}}',),
        )
    for path, body in (("search", {"study_id": int(study["id"])}), ("patient", {"patient_id": "WHOSAW-1"})):
        answer = admin.post(f"/api/audit/{path}/sheet", json=body)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/csv")
        lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert "'=HYPERLINK(1)" in {cell for line in lines for cell in line}
        assert not [cell for line in lines for cell in line if cell.startswith("=")]
    exported = rows(admin, kinds=["audit.exported"], limit=2)
    assert {one["detail"]["form"] for one in exported} == {"csv"}
    assert {one["event"] for one in exported} == {"110101"}


def test_security_counts_names_that_nobody_has_and_does_not_show_them(admin: Browser, api_house: Server) -> None:
    with Browser(api_house) as window:
        for name in ("seer", "hunter2-typed-as-a-name"):
            window.post("/api/session", json={"name": name, "password": "wrong wrong wrong"})
    answer = admin.get("/api/security")
    found = answer.json()
    assert "hunter2" not in answer.text
    assert found["sign_ins"]["unknown"] >= 1
    assert "seer" in {one["name"] for one in found["sign_ins"]["people"]}
    with person(api_house, "privacy-watch", "privacy") as officer, person(api_house, "nosy", "technologist") as nosy:
        assert officer.get("/api/security/unusual").status_code == 200
        assert {nosy.get(f"/api/security{rest}").status_code for rest in ("", "/unusual")} == {403}


def test_reading_the_log_stands_in_the_log_without_what_was_asked_for(
    admin: Browser, api_house: Server, study: dict[str, Any]
) -> None:
    rows(admin, patient_id="WHOSAW-1")
    admin.post("/api/audit/patient", json={"patient_id": "WHOSAW-1"})
    latest = rows(admin, kinds=["audit.searched", "audit.patient"], limit=5)
    assert {one["event"] for one in latest} == {"110101"}
    assert {one["kind"] for one in latest} == {"audit.searched", "audit.patient"}
    assert any(one["detail"].get("keys") == ["patient_id"] for one in latest)
    with database(api_house) as connection:
        (count,) = connection.execute(
            "select count(*) from audit_event where detail::text like '%WHOSAW%'"
        ).fetchone() or (None,)
    assert count == 0


def test_only_who_may_read_it_does(api_house: Server, admin: Browser, study: dict[str, Any]) -> None:
    with person(api_house, "curious", "radiologist") as window:
        for path, body in (("search", {}), ("patient", {"patient_id": "WHOSAW-1"})):
            assert window.post(f"/api/audit/{path}", json=body).status_code == 403
    refused = rows(admin, actor="curious", outcome="refused")
    assert {one["subject"].get("route") for one in refused} >= {"POST /audit/search", "POST /audit/patient"}


@pytest.mark.parametrize(
    "body", [{"cursor": "nonsense"}, {"since": "2026-01-01T00:00:00"}, {"limit": 0}, {"outcome": "x"}]
)
def test_what_makes_no_sense_is_refused(admin: Browser, body: dict[str, Any]) -> None:
    assert admin.post("/api/audit/search", json=body).status_code in {400, 422}
