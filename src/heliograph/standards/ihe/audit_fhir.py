"""FHIR R4 AuditEvent from the same projection (RESTful ATNA; http://hl7.org/fhir/R4/auditevent.html)."""

import base64
from typing import Any

from heliograph.standards.ihe.audit_event import Agent, Projection, Row, Thing, Us, project
from heliograph.standards.ihe.audit_kinds import Code

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_RFC_3881 = "urn:ietf:rfc:3881"
_LONGEST_RFC_3881 = 2
_ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ENTITY_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_SOURCE_TYPE = "http://terminology.hl7.org/CodeSystem/security-source-type"
_TYPES = {"1": "Person", "2": "System Object", "3": "Organization", "4": "Other"}
_ROLES = {"1": "Patient", "3": "Report", "6": "User", "13": "Security Resource", "24": "Query"}


def audit_event(row: Row, us: Us) -> dict[str, Any]:
    """The resource of a row; its id is that of the row."""
    return resource(project(row, us))


def resource(projection: Projection) -> dict[str, Any]:
    row, kind = projection.row, projection.kind
    made: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(row.id),
        "type": _coding(kind.event.code),
        "action": kind.action,
        "recorded": row.at.isoformat(timespec="milliseconds"),
        "outcome": projection.outcome,
        "agent": [_agent(one) for one in projection.agents],
        "source": {
            "observer": {"display": projection.us.aet},
            "type": [{"system": _SOURCE_TYPE, "code": "4", "display": "Application Server"}],
        },
    }
    if projection.us.site:
        made["source"]["site"] = projection.us.site
    if kind.type is not None:
        made["subtype"] = [_coding(kind.type)]
    if row.outcome != "success":
        made["outcomeDesc"] = row.outcome
    if projection.things:
        made["entity"] = [_entity(one) for one in projection.things]
    return made


def _coding(code: Code) -> dict[str, str]:
    return {"system": _DCM, "code": code.value, "display": code.meaning}


def _agent(agent: Agent) -> dict[str, Any]:
    made: dict[str, Any] = {"who": {"identifier": {"value": agent.id}}, "requestor": agent.is_requestor}
    if agent.role is not None:
        made["type"] = {"coding": [_coding(agent.role)]}
    if agent.alternative:
        made["altId"] = agent.alternative
    if agent.name:
        made["name"] = agent.name
    if agent.media is not None:
        made["media"] = _coding(agent.media)
    if agent.address:
        made["network"] = {
            "address": agent.address,
            "type": "2" if agent.address[:1].isdigit() or ":" in agent.address else "1",
        }
    return made


def _identifier(thing: Thing) -> dict[str, Any]:
    code = thing.id_type
    system = _DCM if len(code.value) > _LONGEST_RFC_3881 else _RFC_3881
    made: dict[str, Any] = {
        "type": {"coding": [{"system": system, "code": code.value, "display": code.meaning}]},
        "value": thing.id,
    }
    if thing.issuer:
        made["assigner"] = {"display": thing.issuer}
    return made


def _entity(thing: Thing) -> dict[str, Any]:
    made: dict[str, Any] = {
        "what": {"identifier": _identifier(thing)},
        "type": {"system": _ENTITY_TYPE, "code": thing.type, "display": _TYPES[thing.type]},
        "role": {"system": _ENTITY_ROLE, "code": thing.role, "display": _ROLES[thing.role]},
    }
    # sev-1: a name or a query, never both.
    if thing.query is not None:
        made["query"] = base64.b64encode(thing.query).decode()
    elif thing.name:
        made["name"] = thing.name
    if thing.details:
        made["detail"] = [{"type": name, "valueString": value or "-"} for name, value in thing.details]
    return made
