"""DICOM audit messages as XML (PS3.15 A.5.1)."""

import base64
import re
from xml.etree import ElementTree as ET

from heliograph.standards.ihe.audit_event import Agent, Projection, Row, Thing, Us, project
from heliograph.standards.ihe.audit_kinds import Code

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_IP = re.compile(r"^[0-9.]+$|:")
# RFC 3881's own numbers stand for what DICOM has no code for.
_OWN = {"2", "10", "12"}


def message(row: Row, us: Us) -> bytes:
    """The audit message of a row, UTF-8 with its declaration."""
    return render(project(row, us))


def render(projection: Projection) -> bytes:
    root = ET.Element("AuditMessage")
    _event(root, projection)
    for agent in projection.agents:
        _agent(root, agent)
    source = _element(
        root, "AuditSourceIdentification", AuditEnterpriseSiteID=projection.us.site, AuditSourceID=projection.us.aet
    )
    _element(source, "AuditSourceTypeCode", **{"csd-code": "4"})
    for thing in projection.things:
        _thing(root, thing)
    body: bytes = ET.tostring(root, "utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>' + body


def _event(root: ET.Element, projection: Projection) -> None:
    row, kind = projection.row, projection.kind
    event = _element(
        root, "EventIdentification", EventActionCode=kind.action, EventDateTime=row.at.isoformat(timespec="milliseconds"),
        EventOutcomeIndicator=projection.outcome,
    )  # fmt: skip
    _code(event, "EventID", kind.event.code)
    if kind.type is not None:
        _code(event, "EventTypeCode", kind.type)
    if row.outcome != "success":
        _element(event, "EventOutcomeDescription").text = row.outcome


def _agent(root: ET.Element, agent: Agent) -> None:
    attributes = {"UserID": agent.id, "UserIsRequestor": "true" if agent.is_requestor else "false"}
    if agent.alternative:
        attributes["AlternativeUserID"] = agent.alternative
    if agent.name:
        attributes["UserName"] = agent.name
    if agent.address:
        attributes |= {
            "NetworkAccessPointID": agent.address,
            "NetworkAccessPointTypeCode": "2" if _IP.search(agent.address) else "1",
        }
    element = _element(root, "ActiveParticipant", **attributes)
    if agent.role is not None:
        _code(element, "RoleIDCode", agent.role)
    if agent.media is not None:
        _code(_element(element, "MediaIdentifier"), "MediaType", agent.media)


def _thing(root: ET.Element, thing: Thing) -> None:
    element = _element(
        root, "ParticipantObjectIdentification", ParticipantObjectID=_qualified(thing.id, thing), ParticipantObjectTypeCode=thing.type,
        ParticipantObjectTypeCodeRole=thing.role,
    )  # fmt: skip
    _code(element, "ParticipantObjectIDTypeCode", thing.id_type)
    if thing.query is None:
        _element(element, "ParticipantObjectName").text = _clean(_qualified(thing.name, thing))
    else:
        _element(element, "ParticipantObjectQuery").text = base64.b64encode(thing.query).decode()
    for name, value in thing.details:
        _element(element, "ParticipantObjectDetail", type=name, value=base64.b64encode(value.encode()).decode())
    if thing.sop_classes:
        description = _element(element, "ParticipantObjectDescription")
        for uid, count in thing.sop_classes:
            _element(description, "SOPClass", UID=uid, NumberOfInstances=str(count))


def _qualified(text: str, thing: Thing) -> str:
    """An identifier with who issued it, as HL7 writes it."""
    return f"{text}^^^{thing.issuer}" if thing.issuer else text


def _code(parent: ET.Element, name: str, code: Code) -> None:
    system = "RFC-3881" if code.value in _OWN else "DCM"
    _element(parent, name, **{"csd-code": code.value, "codeSystemName": system, "originalText": code.meaning})


def _element(parent: ET.Element, name: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, name, {key: _clean(value) for key, value in attributes.items()})


def _clean(text: str) -> str:
    """Application entity titles and names are foreign bytes: what XML cannot carry is left out."""
    return _NOT_XML.sub("", text)
