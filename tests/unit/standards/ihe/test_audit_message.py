"""Every kind of row that the program writes, as PS3.15 A.5 and FHIR R4 ask for it: one table of what each event must hold, with its clause."""

import ast
import base64
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pydicom
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
_APPLICATION = "ActiveParticipant[@AlternativeUserID]/RoleIDCode[@csd-code='110150']"
_DIGITAL = "ActiveParticipant[@UserIsRequestor='false'][@NetworkAccessPointID]/MediaIdentifier/MediaType[@codeSystemName='DCM']"
_NO_OBJECT = ("ParticipantObjectIdentification", 0, 0)
# Compared line by line with the tables of PS3.15 A.5.3; docs/reference/audit-messages.md says what was found and decided.
REQUIRED = {
    "110100": Must("A.5.3.1", "E", frozenset({"110120", "110121"}), (
        (_APPLICATION, 1, 1), ("ActiveParticipant/RoleIDCode", 2, 2), ("ActiveParticipant/RoleIDCode[@csd-code='110151']", 0, _SOME), _NO_OBJECT)),
    "110101": Must("A.5.3.2", "R", None, (
        ("ActiveParticipant", 1, 2), (_ASKS, 1, 1),
        ("ParticipantObjectIdentification[@ParticipantObjectTypeCode='2'][@ParticipantObjectTypeCodeRole='13']/ParticipantObjectIDTypeCode[@csd-code='12']", 1, 1),
        ("ParticipantObjectIdentification/ParticipantObjectName[.='Security Audit Log']", 1, 1))),
    "110102": Must("A.5.3.3", "E", None, ((_FROM, 1, 1), (_TO, 1, 1), (_STUDY, 1, _SOME), (_PATIENT, 1, 1))),
    "110106": Must("A.5.3.4", "R", None, (
        (_FROM, 1, 2), (_TO, 0, _SOME), ("ActiveParticipant/RoleIDCode[@csd-code='110154']", 1, 1), (_DIGITAL, 1, 1), (_ASKS, 1, 1),
        (_STUDY, 0, _SOME), (_PATIENT, 1, _SOME))),
    "110107": Must("A.5.3.5", "C", None, (
        (_TO, 1, _SOME), (_FROM, 0, _SOME), ("ActiveParticipant/RoleIDCode[@csd-code='110155']", 1, 1), (_DIGITAL, 1, 1), (_ASKS, 1, 1),
        (_STUDY, 0, _SOME), (_PATIENT, 1, _SOME))),
    "110103": Must("A.5.3.6", "CRUD", None, (("ActiveParticipant", 1, 2), (_STUDY, 1, _SOME), (_PATIENT, 1, 1))),
    "110104": Must("A.5.3.7", "CRU", None, ((_FROM, 1, 1), (_TO, 1, 1), (_STUDY, 1, _SOME), (_PATIENT, 1, 1))),
    "110105": Must("A.5.3.8", "D", None, (("ActiveParticipant", 1, 2), (_STUDY, 1, _SOME), (_PATIENT, 1, 1))),
    "110112": Must("A.5.3.10", "E", None, (
        (_FROM, 1, 1), (_TO, 1, 1), ("ParticipantObjectIdentification", 1, 1),
        ("ParticipantObjectIdentification[@ParticipantObjectTypeCode='2'][@ParticipantObjectTypeCodeRole='3']/ParticipantObjectQuery", 1, 1))),
    "110113": Must("A.5.3.11", "E", frozenset({"110126", "110127", "110128", "110129", "110130", "110131", "110132", "110133", "110134", "110135", "110136", "110137", "110138"}), (
        ("ActiveParticipant", 1, _SOME), (_ASKS, 1, 1),
        ("ParticipantObjectIdentification[@ParticipantObjectTypeCode='2'][@ParticipantObjectTypeCodeRole='13']/ParticipantObjectIDTypeCode[@csd-code='12']", 1, 1))),
    "110114": Must("A.5.3.12", "E", frozenset({"110122", "110123"}), (
        (f"{_ASKS}[@NetworkAccessPointID][@NetworkAccessPointTypeCode]", 1, 1), ("ActiveParticipant", 1, 2), _NO_OBJECT)),
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """An element of the schema (A.5.1.1): the attributes that it must and may have, and its children in their order."""

    must: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    children: tuple[str, ...] = ()


def _shape(must: str = "", may: str = "", children: str = "") -> Shape:
    return Shape(frozenset(must.split()), frozenset(may.split()), tuple(children.split()))


_CODE = _shape("csd-code codeSystemName originalText", "displayName")
SCHEMA = {
    "AuditMessage": _shape(children="EventIdentification ActiveParticipant AuditSourceIdentification ParticipantObjectIdentification"),
    "EventIdentification": _shape(
        "EventDateTime EventOutcomeIndicator", "EventActionCode", "EventID EventTypeCode EventOutcomeDescription"),
    "EventID": _CODE, "EventTypeCode": _CODE, "RoleIDCode": _CODE, "MediaType": _CODE, "ParticipantObjectIDTypeCode": _CODE,
    "EventOutcomeDescription": _shape(),
    "ActiveParticipant": _shape(
        "UserID UserIsRequestor", "AlternativeUserID UserName NetworkAccessPointID NetworkAccessPointTypeCode", "RoleIDCode MediaIdentifier"),
    "MediaIdentifier": _shape(children="MediaType"),
    "AuditSourceIdentification": _shape("AuditSourceID", "AuditEnterpriseSiteID", "AuditSourceTypeCode"),
    "AuditSourceTypeCode": _shape("csd-code", "codeSystemName originalText"),
    "ParticipantObjectIdentification": _shape(
        "ParticipantObjectID ParticipantObjectTypeCode", "ParticipantObjectTypeCodeRole ParticipantObjectDataLifeCycle ParticipantObjectSensitivity",
        "ParticipantObjectIDTypeCode ParticipantObjectName ParticipantObjectQuery ParticipantObjectDetail ParticipantObjectDescription"),
    "ParticipantObjectName": _shape(), "ParticipantObjectQuery": _shape(),
    "ParticipantObjectDetail": _shape("type value"),
    "ParticipantObjectDescription": _shape(children="MPPS Accession SOPClass ParticipantObjectContainsStudy Encrypted Anonymized"),
    "SOPClass": _shape("NumberOfInstances", "UID", "Instance"),
}  # fmt: skip


def conform(element: ET.Element) -> None:
    """Asserts that an element and all in it are of the schema."""
    shape = SCHEMA[element.tag]
    given = set(element.attrib)
    assert shape.must <= given <= shape.must | shape.may, f"A.5.1.1: {element.tag} has {sorted(given)}"
    order = [child.tag for child in element]
    assert set(order) <= set(shape.children), f"A.5.1.1: in {element.tag}: {order}"
    assert order == sorted(order, key=shape.children.index), f"A.5.1.1: the order in {element.tag}"
    for child in element:
        conform(child)


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
    conform(root)
    event = root.find("EventIdentification")
    code = root.find("EventIdentification/EventID")
    assert event is not None
    assert code is not None
    must = REQUIRED[code.attrib["csd-code"]]
    assert event.attrib["EventActionCode"] in must.actions, must.clause
    assert datetime.fromisoformat(event.attrib["EventDateTime"]).tzinfo is not None, "A.5.2.5"
    assert event.attrib["EventOutcomeIndicator"] in {"0", "4", "8", "12"}, "A.5.2"
    types = {one.attrib["csd-code"] for one in root.findall("EventIdentification/EventTypeCode")}
    if must.types is not None:
        assert len(types) == 1, must.clause
        assert types <= must.types, must.clause
    for path, least, most in must.paths:
        assert least <= len(root.findall(path)) <= most, f"{must.clause}: {path}"
    assert len(root.findall("ActiveParticipant")) >= 1, "A.5.1.1"
    assert len(root.findall(_ASKS)) <= 1, "A.5.2: one requestor at most"
    for agent in root.findall("ActiveParticipant"):
        assert agent.attrib["UserID"], "A.5.2.1"
        assert agent.attrib["UserIsRequestor"] in {"true", "false"}, "A.5.2"
        assert agent.attrib.get("AlternativeUserID", "AETITLES=A").startswith("AETITLES="), "A.5.2.2"
        assert ("NetworkAccessPointID" in agent.attrib) == ("NetworkAccessPointTypeCode" in agent.attrib), "A.5.2"
        assert agent.attrib.get("NetworkAccessPointTypeCode", "1") in set("12345"), "A.5.1.1"
    assert len(root.findall("AuditSourceIdentification")) == 1, "A.5.1.1"
    for thing in root.findall("ParticipantObjectIdentification"):
        check_object(thing, is_alert=code.attrib["csd-code"] == "110113")
    return root


def check_object(thing: ET.Element, *, is_alert: bool) -> None:
    assert thing.attrib["ParticipantObjectID"], "A.5.2"
    named = len(thing.findall("ParticipantObjectName")) + len(thing.findall("ParticipantObjectQuery"))
    assert named == 1, "A.5.1.1: a name or a query"
    details = {
        one.attrib["type"]: base64.b64decode(one.attrib["value"], validate=True)
        for one in thing.findall("ParticipantObjectDetail")
    }
    if is_alert and thing.attrib["ParticipantObjectTypeCode"] == "2":
        assert details["Alert Description"], "A.5.3.11"
    if thing.find("ParticipantObjectIDTypeCode[@csd-code='110181']") is not None:
        assert details["TransferSyntax"] == b"1.2.840.10008.1.2", "A.5.3.10"
        asked = base64.b64decode(thing.findtext("ParticipantObjectQuery") or "", validate=True)
        assert len(pydicom.filereader.read_dataset(BytesIO(asked), is_implicit_VR=True, is_little_endian=True)) >= 1


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


def test_who_took_part_is_called_as_the_standard_says() -> None:
    """A.5.2.1: a person is name@domain; A.5.2.2: a DICOM application has its AE titles; a person of another organisation is of its domain."""
    root = check(message(row("study.read"), US))
    who, we = root.findall("ActiveParticipant")
    assert (who.attrib["UserID"], who.attrib["UserName"]) == ("jane@pacs1", "jane")
    assert we.attrib["AlternativeUserID"] == "AETITLES=HELIOGRAPH"
    elsewhere = replace(row("study.read"), organisation="graz")
    assert check(message(elsewhere, US)).findall("ActiveParticipant")[0].attrib["UserID"] == "jane@graz.pacs1"
    device = check(message(row("instances.received", actor=_DEVICE), US)).findall("ActiveParticipant")[0]
    assert (device.attrib["UserID"], device.attrib["AlternativeUserID"]) == ("CT1", "AETITLES=CT1")


def test_who_was_stopped_is_not_the_requestor_of_the_alert() -> None:
    """A.5.3.11: of those who performed it UserIsRequestor is false; a reporter may be the requestor."""
    for outcome, asks in (("success", "jane@pacs1"), ("refused", "HELIOGRAPH")):
        root = check(message(row("act.refused", outcome=outcome), US))
        assert [one.attrib["UserID"] for one in root.findall(_ASKS)] == [asks]
        assert len(root.findall("ActiveParticipant")) == 2


def test_a_query_holds_what_was_asked_and_no_value() -> None:
    """A.5.3.10: of a DICOM query its data set and the syntax of that; of any other what its protocol asks."""
    asked = replace(row("query"), subject={"level": "STUDY"}, detail={"keys": ["PatientID", "StudyDate", "unheard of"]})
    (thing,) = check(message(asked, US)).findall("ParticipantObjectIdentification")
    raw = base64.b64decode(thing.findtext("ParticipantObjectQuery") or "")
    data = pydicom.filereader.read_dataset(BytesIO(raw), is_implicit_VR=True, is_little_endian=True)
    assert {one.keyword: str(one.value or "") for one in data} == {
        "StudyDate": "",
        "QueryRetrieveLevel": "STUDY",
        "PatientID": "",
    }
    assert thing.attrib["ParticipantObjectID"] == "1.2.840.10008.5.1.4.1.2.2.1"
    at_patients = replace(asked, subject={"level": "PATIENT"})
    (other,) = check(message(at_patients, US)).findall("ParticipantObjectIdentification")
    assert other.attrib["ParticipantObjectID"] == "1.2.840.10008.5.1.4.1.2.1.1"
    (listed,) = check(message(row("studies.searched"), US)).findall("ParticipantObjectIdentification")
    code = listed.find("ParticipantObjectIDTypeCode")
    assert code is not None
    assert (code.attrib["csd-code"], code.attrib["codeSystemName"]) == ("10", "RFC-3881")
    assert base64.b64decode(listed.findtext("ParticipantObjectQuery") or "") == b"keys=PatientID"


def test_person_and_process_both_take_out_and_bring_in() -> None:
    """A.5.3.4: when both are known both are said; the medium is digital, so its kind is said, and it never asked for anything."""
    taken = check(message(row("study.exported"), US))
    assert [one.attrib["UserID"] for one in taken.findall("ActiveParticipant")] == [
        "jane@pacs1",
        "HELIOGRAPH",
        "urn:heliograph:media:WS1",
    ]
    brought = check(message(row("instances.received"), US))
    assert len(brought.findall(_TO)) == 2


def test_a_device_that_takes_for_itself_is_named_once() -> None:
    """A.5.3.7: one process receives; with C-GET it is the one that asked."""
    own = replace(row("instances.given", actor=_DEVICE), subject={"study": 12, "to": "CT1"})
    root = check(message(own, US))
    assert [one.attrib["UserID"] for one in root.findall("ActiveParticipant")] == ["HELIOGRAPH", "CT1"]
    assert len(check(message(row("instances.given", actor=_DEVICE), US)).findall("ActiveParticipant")) == 3


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
    )
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
