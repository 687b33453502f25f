"""Every kind of row that the program writes, as PS3.15 A.5 and FHIR R4 ask for it: one table of what each event must hold, with its clause."""

import ast
import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from heliograph.standards.ihe.audit_event import Row, Study, Us
from heliograph.standards.ihe.audit_fhir import audit_event
from heliograph.standards.ihe.audit_kinds import EVENTS, FAMILIES, KINDS, is_known, kind_of
from heliograph.standards.ihe.audit_message import message
from heliograph.standards.ihe.syslog import framed, syslog_message

SOURCE = Path(__file__).resolve().parents[4] / "src" / "heliograph"
US = Us("HELIOGRAPH", "Hôpital", "pacs1")
AT = datetime(2026, 11, 22, 20, 30, 15, 123456, UTC)
STUDY = Study("1.2.840.1", "4711", "HOSP", {"1.2.840.10008.5.1.4.1.1.2": 12})
_PERSON = {"kind": "user", "id": "7", "name": "jane", "address": "10.0.0.1"}
_DEVICE = {"kind": "device", "id": "3", "name": "CT1", "address": "10.0.0.9"}


@dataclass(frozen=True)
class Must:
    """What PS3.15 demands of an event: XPaths with how many there are at least and at most, and the clause that says so."""

    clause: str
    actions: str
    types: frozenset[str] | None
    paths: tuple[tuple[str, int, int], ...]


_STUDY = "ParticipantObjectIdentification[@ParticipantObjectTypeCode='2'][@ParticipantObjectTypeCodeRole='3']/ParticipantObjectIDTypeCode[@csd-code='110180']"
_PATIENT = "ParticipantObjectIdentification[@ParticipantObjectTypeCode='1'][@ParticipantObjectTypeCodeRole='1']/ParticipantObjectIDTypeCode[@csd-code='2']"
_FROM = "ActiveParticipant/RoleIDCode[@csd-code='110153']"
_TO = "ActiveParticipant/RoleIDCode[@csd-code='110152']"
_ASKS = "ActiveParticipant[@UserIsRequestor='true']"
_SOME = 99
REQUIRED = {
    "110100": Must("A.5.3.1", "E", frozenset({"110120", "110121"}), (("ActiveParticipant/RoleIDCode[@csd-code='110150']", 1, 1), (_ASKS, 0, _SOME))),
    "110101": Must("A.5.3.2", "R", None, (
        ("ActiveParticipant", 1, 2), (_ASKS, 1, 1),
        ("ParticipantObjectIdentification[@ParticipantObjectTypeCode='2'][@ParticipantObjectTypeCodeRole='13']/ParticipantObjectIDTypeCode[@csd-code='12']", 1, 1),
        ("ParticipantObjectIdentification/ParticipantObjectName[.='Security Audit Log']", 1, 1))),
    "110102": Must("A.5.3.3", "E", None, ((_FROM, 1, 1), (_TO, 1, 1), (_STUDY, 1, _SOME), (_PATIENT, 1, 1))),
    "110106": Must("A.5.3.4", "R", None, ((_FROM, 1, 2), ("ActiveParticipant/RoleIDCode[@csd-code='110154']", 1, 1), (_STUDY, 0, _SOME), (_PATIENT, 1, _SOME))),
    "110107": Must("A.5.3.5", "C", None, ((_TO, 1, _SOME), ("ActiveParticipant/RoleIDCode[@csd-code='110155']", 1, 1), (_STUDY, 0, _SOME), (_PATIENT, 1, _SOME))),
    "110103": Must("A.5.3.6", "CRUD", None, (("ActiveParticipant", 1, 2), (_STUDY, 1, _SOME), (_PATIENT, 1, 1))),
    "110104": Must("A.5.3.7", "CRU", None, ((_FROM, 1, 1), (_TO, 1, 1), (_STUDY, 1, _SOME), (_PATIENT, 1, 1))),
    "110105": Must("A.5.3.8", "D", None, (("ActiveParticipant", 1, 2), (_STUDY, 1, _SOME), (_PATIENT, 1, 1))),
    "110112": Must("A.5.3.10", "E", None, (
        (_FROM, 1, 1), (_TO, 1, 1),
        ("ParticipantObjectIdentification[@ParticipantObjectTypeCode='2'][@ParticipantObjectTypeCodeRole='3']/ParticipantObjectIDTypeCode[@csd-code='110181']", 1, 1),
        ("ParticipantObjectIdentification/ParticipantObjectQuery", 1, 1))),
    "110113": Must("A.5.3.11", "E", frozenset({"110126", "110127", "110128", "110129", "110130", "110131", "110132", "110133", "110134", "110135", "110136", "110137", "110138"}), (
        (_ASKS, 1, 2), ("ParticipantObjectIdentification/ParticipantObjectDetail[@type='Alert Description']", 1, _SOME))),
    "110114": Must("A.5.3.12", "E", frozenset({"110122", "110123"}), ((f"{_ASKS}[@NetworkAccessPointID][@NetworkAccessPointTypeCode]", 1, 1), ("ActiveParticipant", 1, 2))),
}  # fmt: skip


def row(kind: str, *, actor: dict[str, Any] = _PERSON, outcome: str = "success", study: Study | None = STUDY) -> Row:
    return Row(
        17,
        AT,
        kind,
        outcome,
        actor,
        {"study": 12, "study_uid": "1.2.840.1", "to": "WS1"},
        {"door": "api", "keys": ["PatientID"]},
        study,
    )


def check(xml: bytes) -> ET.Element:
    """Asserts what every message must hold (A.5.2) and what its event demands."""
    root = ET.fromstring(xml)
    assert root.tag == "AuditMessage"
    event = root.find("EventIdentification")
    code = root.find("EventIdentification/EventID")
    assert event is not None
    assert code is not None
    must = REQUIRED[code.attrib["csd-code"]]
    assert set(event.attrib) == {"EventActionCode", "EventDateTime", "EventOutcomeIndicator"}, "A.5.2.1"
    assert set(code.attrib) == {"csd-code", "codeSystemName", "originalText"}, "A.5.1"
    assert event.attrib["EventActionCode"] in must.actions, must.clause
    assert datetime.fromisoformat(event.attrib["EventDateTime"]).tzinfo is not None, "A.5.2.1"
    assert event.attrib["EventOutcomeIndicator"] in {"0", "4", "8", "12"}, "A.5.2.1"
    types = {one.attrib["csd-code"] for one in root.findall("EventIdentification/EventTypeCode")}
    if must.types is not None:
        assert len(types) == 1, must.clause
        assert types <= must.types, must.clause
    for path, least, most in must.paths:
        assert least <= len(root.findall(path)) <= most, f"{must.clause}: {path}"
    for agent in root.findall("ActiveParticipant"):
        assert agent.attrib["UserID"], "A.5.2.2"
        assert agent.attrib["UserIsRequestor"] in {"true", "false"}, "A.5.2.2"
        assert ("NetworkAccessPointID" in agent.attrib) == ("NetworkAccessPointTypeCode" in agent.attrib), "A.5.2.2"
    assert len(root.findall("AuditSourceIdentification[@AuditSourceID]")) == 1, "A.5.2.3"
    for thing in root.findall("ParticipantObjectIdentification"):
        assert thing.attrib["ParticipantObjectID"], "A.5.2.4"
        assert next(child.tag for child in thing) == "ParticipantObjectIDTypeCode", "A.5.1: in this order"
        assert [child.tag for child in thing][1] in {"ParticipantObjectName", "ParticipantObjectQuery"}, "A.5.1"
        for detail in thing.findall("ParticipantObjectDetail"):
            base64.b64decode(detail.attrib["value"], validate=True)
    order = [child.tag for child in root]
    assert order == sorted(
        order,
        key=[
            "EventIdentification",
            "ActiveParticipant",
            "AuditSourceIdentification",
            "ParticipantObjectIdentification",
        ].index,
    ), "A.5.1"
    return root


def emitted() -> dict[str, str]:
    """Every kind in a call of `note` or `record` in the source -> its file; of an f-string, what stands before the first hole."""
    found: dict[str, str] = {}
    for path in SOURCE.rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)):
            if (call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")) not in {
                "note",
                "record",
            }:
                continue
            for argument in call.args[1:3]:
                if isinstance(argument, ast.JoinedStr) and isinstance(argument.values[0], ast.Constant):
                    found[str(argument.values[0].value)] = path.name
                elif (
                    isinstance(argument, ast.Constant)
                    and isinstance(argument.value, str)
                    and argument.value.replace("_", "").replace(".", "").isalpha()
                ):
                    found[argument.value] = path.name
                else:
                    continue
                break
    return found


def test_every_kind_that_the_program_writes_has_its_event() -> None:
    kinds = emitted()
    assert len(kinds) > 40
    for kind, where in kinds.items():
        whole = any(one.startswith(kind) for one in KINDS) if kind.endswith(".") else is_known(kind)
        assert whole or is_known(kind), f"{where}: say in standards/ihe/audit_kinds.py what {kind} is"


def test_the_table_of_the_tests_has_every_event_that_is_used() -> None:
    used = {kind.event for kind in (*KINDS.values(), *FAMILIES.values(), kind_of("instances.received", "user"))}
    assert {event.code.value for event in used} == set(REQUIRED)
    for event in used:
        assert (event.clause, event.actions) == (REQUIRED[event.code.value].clause, REQUIRED[event.code.value].actions)
    assert {event.code.value for event in EVENTS} == {str(110100 + n) for n in range(15)}


@pytest.mark.parametrize("study", [STUDY, None], ids=["study known", "study gone"])
@pytest.mark.parametrize("actor", [_PERSON, _DEVICE], ids=["person", "device"])
@pytest.mark.parametrize("kind", sorted([*KINDS, *(f"{family}.changed" for family in FAMILIES)]))
def test_a_message_holds_what_its_event_demands(kind: str, actor: dict[str, Any], study: Study | None) -> None:
    for outcome, indicator in (("success", "0"), ("refused", "4"), ("failed", "8")):
        root = check(message(row(kind, actor=actor, outcome=outcome, study=study), US))
        event = root.find("EventIdentification")
        assert event is not None
        assert event.attrib["EventOutcomeIndicator"] == indicator


def test_a_study_tells_its_objects_and_whose_it_is() -> None:
    root = check(message(row("study.read"), US))
    sop = root.find("ParticipantObjectIdentification/ParticipantObjectDescription/SOPClass")
    assert sop is not None
    assert sop.attrib == {"UID": "1.2.840.10008.5.1.4.1.1.2", "NumberOfInstances": "12"}
    ids = [one.attrib["ParticipantObjectID"] for one in root.findall("ParticipantObjectIdentification")]
    assert ids == ["1.2.840.1", "4711^^^HOSP"]


def test_foreign_bytes_do_not_break_a_message() -> None:
    evil = {"kind": "device", "id": "1", "name": 'A"><EVIL/>\x00\x1b\ud800', "address": "10.0.0.1"}
    root = check(message(row("query", actor=evil), US))
    assert root.find(".//EVIL") is None
    assert root.findall("ActiveParticipant")[0].attrib["UserID"] == 'A"><EVIL/>'


@pytest.mark.parametrize("kind", sorted([*KINDS, *(f"{family}.changed" for family in FAMILIES)]))
def test_the_fhir_resource_says_the_same(kind: str) -> None:
    """The elements of R4 with cardinality 1 at least, and the invariant sev-1."""
    one = row(kind)
    root, made = check(message(one, US)), audit_event(one, US)
    event = root.find("EventIdentification/EventID")
    assert event is not None
    assert made["resourceType"] == "AuditEvent"
    assert made["type"]["code"] == event.attrib["csd-code"]
    assert datetime.fromisoformat(made["recorded"]) == datetime.fromisoformat(
        root.find("EventIdentification").attrib["EventDateTime"]
    )  # type: ignore[union-attr]
    assert len(made["agent"]) == len(root.findall("ActiveParticipant")) >= 1
    assert all(isinstance(agent["requestor"], bool) for agent in made["agent"])
    assert made["source"]["observer"]
    for entity in made.get("entity", ()):
        assert not ("name" in entity and "query" in entity), "sev-1"
        assert all(detail["type"] and detail["valueString"] for detail in entity.get("detail", ()))


def test_a_syslog_message_has_its_header_and_its_frame() -> None:
    """RFC 5424 6 and RFC 5425 4.3; facility 10, severity 5 or 4, MSGID as ITI TF-2 3.20.4.1.2 asks."""
    body = message(row("study.read"), US)
    whole = syslog_message(body, at=AT, host="pacs 1", process="42", is_well=True)
    head, _, rest = whole.partition(b"\xef\xbb\xbf")
    assert head == b"<85>1 2026-11-22T20:30:15.123456Z pacs1 heliograph 42 IHE+RFC-3881 - "
    assert rest == body
    assert syslog_message(body, at=AT, host="", process="", is_well=False).startswith(
        b"<84>1 2026-11-22T20:30:15.123456Z - heliograph - IHE"
    )
    assert framed(b"abc") == b"3 abc"
