"""An audit row with what is known about its subjects, as both standards see it: who took part, and in what."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from heliograph.standards.ihe import audit_kinds as kinds
from heliograph.standards.ihe.audit_kinds import Code, Kind, kind_of

APPLICATION: Final = Code("110150", "Application")
DESTINATION: Final = Code("110152", "Destination Role ID")
SOURCE: Final = Code("110153", "Source Role ID")
DESTINATION_MEDIA: Final = Code("110154", "Destination Media")
SOURCE_MEDIA: Final = Code("110155", "Source Media")
STUDY_UID: Final = Code("110180", "Study Instance UID")
SOP_CLASS_UID: Final = Code("110181", "SOP Class UID")
NODE_ID: Final = Code("110182", "Node ID")
PATIENT_NUMBER: Final = Code("2", "Patient Number")
URI: Final = Code("12", "URI")
OUTCOMES: Final = {"success": "0", "refused": "4", "failed": "8"}
UNKNOWN: Final = "unknown"

STUDY_ROOT_FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"


@dataclass(frozen=True, slots=True)
class Study:
    """A study that a row speaks of, and whose it is, as the index knows it when the row is rendered."""

    uid: str
    patient_id: str = ""
    issuer: str = ""
    sop_classes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A neutral audit row. `study` is None when it speaks of none, or of one that is gone."""

    number: int
    at: datetime
    kind: str
    outcome: str
    actor: Mapping[str, Any]
    subject: Mapping[str, Any]
    detail: Mapping[str, Any]
    study: Study | None = None


@dataclass(frozen=True, slots=True)
class Us:
    """Where the log is kept."""

    aet: str
    site: str
    host: str


@dataclass(frozen=True, slots=True)
class Agent:
    """One who took part (A.5.2.2)."""

    id: str
    name: str = ""
    is_requestor: bool = False
    role: Code | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Thing:
    """One object of the event (A.5.2.4): type 1 person, 2 system; role 1 patient, 3 report, 13 security resource, 6 user, 24 query."""

    id: str
    id_type: Code
    type: str
    role: str
    name: str = ""
    query: str | None = None
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
    who = Agent(
        str(row.actor.get("id") or UNKNOWN) if row.actor.get("kind") != "device" else str(row.actor.get("name") or UNKNOWN),
        str(row.actor.get("name", "")), is_requestor=True, address=str(row.actor.get("address", "")),
    )  # fmt: skip
    we = Agent(us.aet, "Heliograph", address=us.host)
    other = str(
        row.subject.get("to") or row.subject.get("node") or row.detail.get("to") or row.detail.get("source") or UNKNOWN
    )
    match kind.event:
        case kinds.APPLICATION_ACTIVITY:
            return (_as(we, APPLICATION), Agent(who.id, who.name, is_requestor=True))
        case kinds.BEGIN_TRANSFERRING:
            there, here = (SOURCE, DESTINATION) if kind.inward else (DESTINATION, SOURCE)
            return (_as(we, here), Agent(other, role=there), who)
        case kinds.INSTANCES_TRANSFERRED:
            if kind.inward:
                return (_as(who, SOURCE), _as(we, DESTINATION))
            return (_as(we, SOURCE), Agent(other, role=DESTINATION), who)
        case kinds.QUERY:
            if row.kind == "node.queried":
                return (_as(we, SOURCE), Agent(other, role=DESTINATION), who)
            return (_as(who, SOURCE), _as(we, DESTINATION))
        case kinds.DATA_EXPORT:
            return (_as(who, SOURCE), Agent(other if other != UNKNOWN else "media", role=DESTINATION_MEDIA))
        case kinds.DATA_IMPORT:
            return (_as(who, DESTINATION), Agent(other, role=SOURCE_MEDIA))
        case _:
            return (who, we)


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
            found = Thing(
                STUDY_ROOT_FIND,
                SOP_CLASS_UID,
                "2",
                "3",
                query=" ".join(map(str, row.detail.get("keys", ()))),
                details=_details(row),
            )
            return (found,)
        case kinds.SECURITY_ALERT:
            about = next((f"{name}:{value}" for name, value in sorted(row.subject.items())), row.kind)
            alert = Thing(
                f"urn:heliograph:{about}",
                URI,
                "2",
                "13",
                row.kind,
                details=(("Alert Description", row.kind), *_details(row)),
            )
            return (alert, *(_of_study(row) if row.study is not None else ()))
        case kinds.PATIENT_RECORD:
            return _of_study(row)[1:]
        case _:
            return _of_study(row)


def _of_study(row: Row) -> tuple[Thing, ...]:
    """Study and patient are mandatory where instances are; what a row cannot say any more is said to be unknown."""
    study = row.study or Study(str(row.subject.get("study_uid") or UNKNOWN))
    whose = f"{study.patient_id}^^^{study.issuer}" if study.issuer else study.patient_id
    return (
        Thing(study.uid, STUDY_UID, "2", "3", "study", details=_details(row), sop_classes=tuple(sorted(study.sop_classes.items()))),
        Thing(whose or UNKNOWN, PATIENT_NUMBER, "1", "1", "patient"),
    )  # fmt: skip


def _details(row: Row) -> tuple[tuple[str, str], ...]:
    """Our own facts, each under its name; the number leads back to the row in the sealed log."""
    facts = {"row": row.number, "kind": row.kind, **row.detail}
    return tuple((f"heliograph.{name}", str(value)) for name, value in facts.items())
