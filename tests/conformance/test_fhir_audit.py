"""The audit log as FHIR R4 (ITI-81): finds what the page finds, page by page, recorded, for who may read it, with errors as FHIR has them."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.conformance.api_routes import is_problem, send
from tests.conformance.browsing import Browser, person
from tests.conformance.test_api_records import study_row
from tests.peers.heliograph import Server
from tests.phantoms import Shape

SHAPE = Shape(2, rows=8, columns=8, seed=8181, patient="FHIR-8181", name="Asked^Anna")
DCM = "http://dicom.nema.org/resources/ontology/DCM"
ALL = ("date", "ge2020-01-01")


@pytest.fixture(scope="module")
def study(api_house: Server) -> dict[str, Any]:
    send(api_house, SHAPE)
    found: dict[str, Any] = study_row(api_house, SHAPE.study_uid)
    with person(api_house, "fhir-reader", "radiologist") as window:
        assert window.get(f"/api/studies/{found['id']}/manifest").status_code == 200
        assert window.post("/api/studies/search", json={"patient_id": SHAPE.patient}).status_code == 200
        assert window.get("/api/audit/state").status_code == 403, "an alert that somebody was stopped"
    return found


@pytest.fixture(scope="module")
def officer(api_house: Server) -> Iterator[Browser]:
    with person(api_house, "fhir-officer", "privacy") as window:
        yield window


def bundle(window: Browser, *pairs: tuple[str, str]) -> dict[str, Any]:
    answer = window.get("/fhir/AuditEvent", params=[ALL, *pairs])
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+json")
    assert answer.headers["cache-control"] == "no-store"
    made: dict[str, Any] = answer.json()
    assert (made["resourceType"], made["type"]) == ("Bundle", "searchset")
    assert made.get("entry", [{}]), "no empty list (FHIR R4 2.6.2)"
    for entry in made.get("entry", ()):
        conforms(entry["resource"])
        assert entry["fullUrl"].endswith(f"/fhir/AuditEvent/{entry['resource']['id']}")
    return made


def found(window: Browser, *pairs: tuple[str, str]) -> list[str]:
    return [one["resource"]["id"] for one in bundle(window, *pairs, ("_count", "500")).get("entry", ())]


def rows(window: Browser, **body: Any) -> list[str]:
    """What the audit page finds."""
    answer = window.post("/api/audit/search", json={"limit": 500} | body)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


# What R4 has in each element: what must be there, and what may be.
_R4 = {
    "AuditEvent": ({"resourceType", "id", "type", "recorded", "agent", "source"}, {"subtype", "action", "outcome", "outcomeDesc", "entity"}),
    "agent": ({"requestor"}, {"type", "who", "altId", "name", "media", "network"}),
    "source": ({"observer"}, {"site", "type"}),
    "entity": (set(), {"what", "type", "role", "name", "query", "detail"}),
}  # fmt: skip


def _has(name: str, element: dict[str, Any]) -> None:
    must, may = _R4[name]
    assert must <= set(element) <= must | may, f"{name}: {sorted(element)}"
    assert all(value not in ("", [], {}, None) for value in element.values()), f"{name}: nothing is empty in FHIR"


def conforms(resource: dict[str, Any]) -> None:
    """Elements, cardinalities, codes and the invariant of AuditEvent in FHIR R4."""
    _has("AuditEvent", resource)
    assert resource["type"]["system"] == DCM
    assert datetime.fromisoformat(resource["recorded"]).tzinfo is not None
    assert resource["action"] in set("CRUDE")
    assert resource["outcome"] in {"0", "4", "8", "12"}
    _has("source", resource["source"])
    for agent in resource["agent"]:
        _has("agent", agent)
        assert agent["who"]["identifier"]["value"]
        assert agent.get("network", {"type": "1"})["type"] in set("12345")
    for entity in resource.get("entity", ()):
        _has("entity", entity)
        assert not {"name", "query"} <= set(entity), "sev-1"
        assert entity["what"]["identifier"]["value"]
        assert all(set(one) == {"type", "valueString"} and one["valueString"] for one in entity.get("detail", ()))
        base64.b64decode(entity.get("query", ""), validate=True)


def test_it_finds_what_the_page_finds(officer: Browser, study: dict[str, Any]) -> None:
    """Every parameter of ITI-81, beside the same question to the audit log."""
    until = datetime.now(UTC)
    before, end = ("date", f"lt{until.isoformat().replace('+00:00', 'Z')}"), {"until": until.isoformat()}
    same: list[tuple[tuple[str, str], dict[str, Any]]] = [
        (("patient.identifier", SHAPE.patient), {"patient_id": SHAPE.patient}),
        (("patient:identifier", SHAPE.patient), {"patient_id": SHAPE.patient}),
        (("entity.identifier", SHAPE.study_uid), {"study_uid": SHAPE.study_uid}),
        (("entity.identifier", f"urn:oid:{SHAPE.study_uid}"), {"study_uid": SHAPE.study_uid}),
        (("agent.identifier", "fhir-reader"), {"actor": "fhir-reader"}),
        (("type", f"{DCM}|110103"), {"events": ["110103"]}),
        (("type", "110104,110107"), {"events": ["110104", "110107"]}),
        (("outcome", "4"), {"outcome": "refused"}),
        (("address", "127.0.0.1"), {"address": "127.0.0.1"}),
    ]
    for pair, body in same:
        answered = found(officer, before, pair)
        assert answered, pair
        assert answered == rows(officer, **body, **end), pair


def test_every_entry_is_of_what_was_asked_for(officer: Browser, study: dict[str, Any]) -> None:
    for pair, fits in (
        (("type", "110104"), lambda one: one["type"]["code"] == "110104"),
        (("subtype", "110132"), lambda one: one["subtype"][0]["code"] == "110132"),
        (("outcome", "4,8"), lambda one: one["outcome"] in {"4", "8"}),
        (("entity-type", "1"), lambda one: any(e["type"]["code"] == "1" for e in one["entity"])),
        (("entity-role", "13"), lambda one: any(e["role"]["code"] == "13" for e in one["entity"])),
        (("entity-role", "3"), lambda one: any(e["role"]["code"] == "3" for e in one["entity"])),
    ):
        made = bundle(officer, pair, ("_count", "500"))
        assert made.get("entry"), pair
        assert all(fits(entry["resource"]) for entry in made["entry"]), pair
    whole = {one["resource"]["id"]: one["resource"] for one in bundle(officer, ("_count", "500"))["entry"]}
    patients = set(found(officer, ("entity-type", "1")))
    for key, one in whole.items():
        has_patient = any(entity["type"]["code"] == "1" for entity in one.get("entity", ()))
        assert has_patient == (key in patients), one["type"]
    for nothing in (("source.identifier", "ELSEWHERE"), ("type", "999999"), ("entity-role", "20"), ("outcome", "12")):
        assert found(officer, nothing) == []


def test_who_is_called_as_the_resource_calls_it_is_found(officer: Browser, study: dict[str, Any]) -> None:
    (opened,) = [
        one["resource"]
        for one in bundle(officer, ("agent.identifier", "fhir-reader"), ("type", "110103"))["entry"]
        if one["resource"]["action"] == "R"
    ][:1]
    (who,) = [agent for agent in opened["agent"] if agent["requestor"]]
    called = who["who"]["identifier"]["value"]
    assert called.startswith("fhir-reader@")
    assert opened["id"] in found(officer, ("agent.identifier", called))
    patient = next(one for one in opened["entity"] if one["type"]["code"] == "1")
    assert patient["what"]["identifier"]["value"] == SHAPE.patient
    assert officer.get(f"/fhir/AuditEvent/{opened['id']}").json() == opened


def test_dates_are_as_wide_as_they_are_written(officer: Browser, study: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    day, tomorrow = f"{now:%Y-%m-%d}", f"{now + timedelta(days=1):%Y-%m-%d}"

    def count(*dates: str) -> int:
        answer = officer.get("/fhir/AuditEvent", params=[("date", one) for one in dates] + [("type", "110104")])
        assert answer.status_code == 200, answer.text
        return len(answer.json().get("entry", ()))

    assert count(f"{now:%Y}") == count(f"{now:%Y-%m}") == count(f"ge{now:%Y}", "lt9000") > 0
    assert count(f"ge{tomorrow}T23:59:59Z") == count(f"gt{now:%Y}") == count(f"lt{now:%Y}") == count("eb2020") == 0
    assert count(f"le{now:%Y-%m-%dT%H:%M:%SZ}") == count(f"ge{now:%Y}")
    assert count(f"ge{day}T00:00:00+14:00") >= count(f"ge{day}T00:00:00-12:00")


def test_links_lead_through_everything_once(officer: Browser, study: dict[str, Any]) -> None:
    until = ("date", f"lt{datetime.now(UTC).isoformat().replace('+00:00', 'Z')}")
    at_once = found(officer, until)[:10]
    assert len(at_once) == 10
    paged: list[str] = []
    made = bundle(officer, until, ("_count", "4"))
    while len(paged) < 10:
        paged += [one["resource"]["id"] for one in made["entry"]]
        (following,) = [one["url"] for one in made["link"] if one["relation"] == "next"]
        parts = urlsplit(following)
        assert parts.path == "/fhir/AuditEvent"
        answer = officer.get(f"{parts.path}?{parts.query}")
        assert answer.status_code == 200
        made = answer.json()
        assert dict(parse_qsl(parts.query))["_count"] == "4"
    assert paged[:10] == at_once
    last = bundle(officer, until, ("patient.identifier", SHAPE.patient), ("_count", "500"))
    assert [one["relation"] for one in last["link"]] == ["self"]


def is_outcome(answer: httpx.Response, status: int, code: str) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+json")
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    (issue,) = body["issue"]
    assert (issue["severity"], issue["details"]["coding"][0]["code"]) == ("error", code)
    assert issue["code"] in {"invalid", "login", "forbidden", "not-found", "not-supported"}
    return str(issue["details"]["text"])


@pytest.mark.parametrize(
    ("pairs", "code", "names"),
    [
        ([], "date_required", "date"),
        ([("type", "110103")], "date_required", "date"),
        ([("date", "yesterday")], "bad_parameter", "date"),
        ([("date", "ne2026")], "bad_parameter", "date"),
        ([("date", "2026-13")], "bad_parameter", "date"),
        ([("date", "9999")], "bad_parameter", "date"),
        ([ALL, ("_count", "0")], "bad_parameter", "_count"),
        ([ALL, ("_count", "501")], "bad_parameter", "_count"),
        ([ALL, ("_sort", "date")], "bad_parameter", "_sort"),
        ([ALL, ("patient", "Patient/1")], "unknown_parameter", "patient"),
        ([ALL, ("<script>", "1")], "unknown_parameter", "?script?"),
        ([ALL, ("patient.identifier", "a,b")], "bad_parameter", "identifier"),
        ([ALL, ("address", "")], "bad_parameter", "address"),
        ([ALL, ("address", "1" * 201)], "bad_parameter", "address"),
        ([ALL, ("_page", "nowhere")], "bad_cursor", "cursor"),
        ([ALL] * 41, "bad_parameter", "40"),
    ],
)
def test_what_cannot_be_asked_is_named(officer: Browser, pairs: list[tuple[str, str]], code: str, names: str) -> None:
    assert names in is_outcome(officer.get("/fhir/AuditEvent", params=pairs), 400, code)


def test_other_forms_are_not_spoken(officer: Browser) -> None:
    asked = {"params": [ALL]}
    is_outcome(
        officer.get("/fhir/AuditEvent", headers={"Accept": "application/fhir+xml"}, **asked), 406, "not_acceptable"
    )
    is_outcome(officer.get("/fhir/AuditEvent", params=[ALL, ("_format", "xml")]), 406, "not_acceptable")
    assert officer.get("/fhir/AuditEvent", headers={"Accept": "application/fhir+json"}, **asked).status_code == 200


def test_a_search_by_form_keeps_identifiers_out_of_the_address(officer: Browser, study: dict[str, Any]) -> None:
    form = {"date": "ge2020", "patient.identifier": SHAPE.patient, "type": "110104"}
    answer = officer.post("/fhir/AuditEvent/_search", data=form)
    assert answer.status_code == 200, answer.text
    assert [one["resource"]["id"] for one in answer.json()["entry"]] == found(
        officer, ("patient.identifier", SHAPE.patient), ("type", "110104")
    )
    is_outcome(officer.post("/fhir/AuditEvent/_search", json=form), 415, "unsupported_media_type")
    assert "Token" in is_outcome(
        officer.post("/fhir/AuditEvent/_search", data=form, headers={"X-CSRF-Token": "no"}), 403, "csrf"
    )


def test_only_who_reads_the_log_and_it_is_on_record(
    officer: Browser, viewer: Browser, nobody: httpx.Client, study: dict[str, Any]
) -> None:
    for path in ("/fhir/AuditEvent", "/fhir/AuditEvent/1", "/fhir/metadata"):
        is_outcome(nobody.get(path, params=[ALL]), 401, "not_signed_in")
    is_outcome(viewer.get("/fhir/AuditEvent", params=[ALL]), 403, "not_allowed")
    is_outcome(viewer.get("/fhir/AuditEvent/1"), 403, "not_allowed")
    is_outcome(officer.get("/fhir/AuditEvent/999999999"), 404, "no_audit_row")
    is_problem(officer.get("/api/nothing-of-this-name"), 404)
    before = set(rows(officer, kinds=["audit.searched"]))
    found(officer, ("patient.identifier", SHAPE.patient))
    answer = officer.post("/api/audit/search", json={"kinds": ["audit.searched"], "limit": 500}).json()["items"]
    (record, *_) = [one for one in answer if one["id"] not in before and one["detail"].get("door") == "fhir"]
    assert record["detail"]["keys"] == ["patient_id", "since"]
    assert SHAPE.patient not in str(record)


def test_the_door_says_what_it_can(officer: Browser) -> None:
    told = officer.get("/fhir/metadata").json()
    assert (told["resourceType"], told["fhirVersion"], told["kind"]) == ("CapabilityStatement", "4.0.1", "instance")
    (one,) = told["rest"][0]["resource"]
    assert one["type"] == "AuditEvent"
    assert {
        "date",
        "patient.identifier",
        "agent.identifier",
        "entity.identifier",
        "type",
        "subtype",
        "outcome",
        "address",
    } <= {parameter["name"] for parameter in one["searchParam"]}
