"""An audit row with what is known about its subjects, as both standards see it: who took part, and in what."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from heliograph.standards.dicom import tags
from heliograph.standards.ihe import audit_kinds as kinds
from heliograph.standards.ihe.audit_kinds import Code, Kind, kind_of

APPLICATION: Final = Code("110150", "Application")
LAUNCHER: Final = Code("110151", "Application Launcher")
DESTINATION: Final = Code("110152", "Destination Role ID")
SOURCE: Final = Code("110153", "Source Role ID")
DESTINATION_MEDIA: Final = Code("110154", "Destination Media")
SOURCE_MEDIA: Final = Code("110155", "Source Media")
STUDY_UID: Final = Code("110180", "Study Instance UID")
SOP_CLASS_UID: Final = Code("110181", "SOP Class UID")
NODE_ID: Final = Code("110182", "Node ID")
PATIENT_NUMBER: Final = Code("2", "Patient Number")
SEARCH_CRITERIA: Final = Code("10", "Search Criteria")
URI: Final = Code("12", "URI")
URI_MEDIA: Final = Code("110037", "URI")
OUTCOMES: Final = {"success": "0", "refused": "4", "failed": "8"}
UNKNOWN: Final = "unknown"

PATIENT_ROOT_FIND: Final = "1.2.840.10008.5.1.4.1.2.1.1"
STUDY_ROOT_FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"
IMPLICIT_LITTLE: Final = "1.2.840.10008.1.2"
_LEVEL_TAG: Final = 0x00080052
_DIMSE_QUERIES: Final = {"query", "node.queried"}


@dataclass(frozen=True, slots=True)
class Study:
    """A study that a row speaks of, and whose it is, as the index knows it when the row is rendered."""

    uid: str
    patient_id: str = ""
    issuer: str = ""
    sop_classes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A neutral audit row: its `number` in the sealed log (none in its first second), its `id` in the table. `study` is None when it speaks of
    none, or of one that is gone; `organisation` is empty for the first one."""

    number: int | None
    at: datetime
    kind: str
    outcome: str
    actor: Mapping[str, Any]
    subject: Mapping[str, Any]
    detail: Mapping[str, Any]
    study: Study | None = None
    organisation: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Us:
    """Where the log is kept."""

    aet: str
    site: str
    host: str


@dataclass(frozen=True, slots=True)
class Agent:
    """One who took part (A.5.2): `alternative` are the AE titles of a DICOM application (A.5.2.2), `media` what the data came from or went to."""

    id: str
    name: str = ""
    is_requestor: bool = False
    role: Code | None = None
    address: str = ""
    alternative: str = ""
    media: Code | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """One object of the event (A.5.1.2): type 1 person, 2 system; role 1 patient, 3 report, 13 security resource. A query is what was asked,
    in its own encoding; an object has a name or a query, never both."""

    id: str
    id_type: Code
    type: str
    role: str
    name: str = ""
    issuer: str = ""
    query: bytes | None = None
    details: tuple[tuple[str, str], ...] = ()
    sop_classes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Projection:
    """The row in the words of the standard."""

    row: Row
    us: Us
    kind: Kind
    agents: tuple[Agent, ...]
    things: tuple[Thing, ...]

    @property
    def outcome(self) -> str:
        return OUTCOMES.get(self.row.outcome, "8")


def project(row: Row, us: Us) -> Projection:
    """Chooses agents and things as the clause of the event asks for them."""
    kind = kind_of(row.kind, str(row.actor.get("kind", "")))
    return Projection(row, us, kind, _agents(row, us, kind), _things(row, us, kind))


def _agents(row: Row, us: Us, kind: Kind) -> tuple[Agent, ...]:
    who, we, other = _who(row, us), _we(us), _other(row)
    match kind.event:
        case kinds.APPLICATION_ACTIVITY:
            return (_as(we, APPLICATION), _as(who, LAUNCHER))
        case kinds.BEGIN_TRANSFERRING | kinds.INSTANCES_TRANSFERRED if kind.inward:
            if kind.event is kinds.INSTANCES_TRANSFERRED:
                return (_as(who, SOURCE), _as(we, DESTINATION))
            return (_as(other, SOURCE), _as(we, DESTINATION), who)
        case kinds.BEGIN_TRANSFERRING | kinds.INSTANCES_TRANSFERRED:
            if other.id in {who.id, UNKNOWN}:  # it takes them itself
                return (_as(we, SOURCE), _as(who, DESTINATION))
            return (_as(we, SOURCE), _as(other, DESTINATION), who)
        case kinds.QUERY:
            if row.kind == "node.queried":
                return (_as(we, SOURCE), _as(other, DESTINATION), who)
            return (_as(who, SOURCE), _as(we, DESTINATION))
        case kinds.DATA_EXPORT:
            return (_as(who, SOURCE), _as(we, SOURCE), _media(other, us, DESTINATION_MEDIA))
        case kinds.DATA_IMPORT:
            return (_as(who, DESTINATION), _as(we, DESTINATION), _media(other, us, SOURCE_MEDIA))
        case kinds.USER_AUTHENTICATION:
            return (replace(who, address=who.address or us.host), we)
        case kinds.SECURITY_ALERT if row.outcome != "success":
            # Who was stopped has performed what we report; only a reporter may be the requestor.
            return (replace(who, is_requestor=False), replace(we, is_requestor=True))
        case _:
            return (who, we)


def _who(row: Row, us: Us) -> Agent:
    """Who acted: a person as name@domain (A.5.2.1), a device by its AE title, a program by what our own logs call it."""
    kind, name = str(row.actor.get("kind", "")), str(row.actor.get("name", ""))
    address = str(row.actor.get("address", ""))
    if kind in {"device", "caller"}:
        return Agent(name or UNKNOWN, name, is_requestor=True, address=address, alternative=_titles(name))
    if kind == "user":
        domain = f"{row.organisation}.{us.host}" if row.organisation else us.host
        return Agent(f"{name or UNKNOWN}@{domain}", name, is_requestor=True, address=address)
    return Agent(str(row.actor.get("id") or name or UNKNOWN), name, is_requestor=True, address=address)


def _we(us: Us) -> Agent:
    return Agent(us.aet, "Heliograph", address=us.host, alternative=_titles(us.aet))


def _other(row: Row) -> Agent:
    """The far end: an AE title where the row has one, else what the row knows it by."""
    title = str(row.subject.get("to") or "")
    known = title or row.subject.get("node") or row.detail.get("to") or row.detail.get("source") or UNKNOWN
    return Agent(str(known), alternative=_titles(title))


def _titles(*names: str) -> str:
    """As A.5.2.2 writes AE titles; empty without any."""
    given = [name for name in names if name]
    return f"AETITLES={';'.join(given)}" if given else ""


def _media(other: Agent, us: Us, role: Code) -> Agent:
    """A folder, a file or an upload: digital media, named by a URI (A.5.2.1 a) that holds no path, since paths name patients."""
    return Agent(f"urn:heliograph:media:{quote(other.id, safe='')}", role=role, address=us.host, media=URI_MEDIA)


def _as(agent: Agent, role: Code) -> Agent:
    return replace(agent, role=role)


def _things(row: Row, us: Us, kind: Kind) -> tuple[Thing, ...]:
    match kind.event:
        case kinds.APPLICATION_ACTIVITY | kinds.NETWORK_ENTRY | kinds.USER_AUTHENTICATION:
            return ()
        case kinds.AUDIT_LOG_USED:
            return (
                Thing(f"urn:heliograph:audit:{us.host}", URI, "2", "13", "Security Audit Log", details=_details(row)),
            )
        case kinds.QUERY:
            return (_query(row),)
        case kinds.SECURITY_ALERT:
            subject = next((f"{name}:{quote(str(value))}" for name, value in sorted(row.subject.items())), row.kind)
            said = ("Alert Description", f"{kind.type.meaning if kind.type else ''}: {row.kind}, {row.outcome}")
            alert = Thing(f"urn:heliograph:{subject}", URI, "2", "13", row.kind, details=(said, *_details(row)))
            if not {"study", "study_uid"} & row.subject.keys():
                return (alert,)
            study, patient = _of_study(row)
            return (alert, replace(study, details=(said, *study.details)), patient)
        case kinds.PATIENT_RECORD:
            return _of_study(row)[1:]
        case _:
            return _of_study(row)


def _query(row: Row) -> Thing:
    """What was asked, without the values that were asked for: they name patients, and the log outlives all else.

    A DICOM query as its data set with empty values and the transfer syntax of that (A.5.3.10); any other as a list of its keys.
    """
    keys = sorted(map(str, row.detail.get("keys", ())))
    if row.kind in _DIMSE_QUERIES:
        level = str(row.subject.get("level") or "STUDY")
        model = PATIENT_ROOT_FIND if level == "PATIENT" else STUDY_ROOT_FIND
        details = (("TransferSyntax", IMPLICIT_LITTLE), *_details(row))
        return Thing(model, SOP_CLASS_UID, "2", "3", query=_asked(keys, level), details=details)
    asked = f"keys={','.join(keys)}".encode()
    return Thing(f"urn:heliograph:{row.kind}", SEARCH_CRITERIA, "2", "3", query=asked, details=_details(row))


def _asked(keys: list[str], level: str) -> bytes:
    """The data set of a query in implicit little endian: the level, and every key without a value (PS3.4 C.2.2.2.3)."""
    found = {tag for key in keys if (tag := tags.find_tag(key)) is not None} - {_LEVEL_TAG}
    padded = level.encode("ascii", "replace") + b" " * (len(level) % 2)
    values = dict.fromkeys(found, b"") | {_LEVEL_TAG: padded}
    return b"".join(
        struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value for tag, value in sorted(values.items())
    )


def _of_study(row: Row) -> tuple[Thing, Thing]:
    """Study and patient are mandatory where instances are; what a row cannot say any more is said to be unknown.

    Each is named by its identifier: the patient's name is optional in the standard, and stays in the archive.
    """
    study = row.study or Study(str(row.subject.get("study_uid") or UNKNOWN))
    whose = study.patient_id or UNKNOWN
    classes = tuple(sorted(study.sop_classes.items()))
    return (
        Thing(study.uid, STUDY_UID, "2", "3", study.uid, details=_details(row), sop_classes=classes),
        Thing(whose, PATIENT_NUMBER, "1", "1", whose, issuer=study.issuer),
    )


def _details(row: Row) -> tuple[tuple[str, str], ...]:
    """Our own facts, each under its name; the number leads back to the row in the sealed log."""
    number = {} if row.number is None else {"row": row.number}
    facts = number | {"kind": row.kind, **row.detail}
    return tuple((f"heliograph.{name}", str(value)) for name, value in facts.items())
