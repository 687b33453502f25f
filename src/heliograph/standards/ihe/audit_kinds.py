"""Which standard event each kind of our audit rows is (PS3.15 A.5.3): one table for XML, FHIR and the documentation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple


@dataclass(frozen=True, slots=True)
class Code:
    """A coded value of DICOM's own terminology (PS3.16 D)."""

    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Event:
    """An event of PS3.15 A.5.3 with its clause, and the actions that it may have."""

    code: Code
    clause: str
    actions: str


def _event(value: str, meaning: str, clause: str, actions: str) -> Event:
    return Event(Code(value, meaning), clause, actions)


APPLICATION_ACTIVITY: Final = _event("110100", "Application Activity", "A.5.3.1", "E")
AUDIT_LOG_USED: Final = _event("110101", "Audit Log Used", "A.5.3.2", "R")
BEGIN_TRANSFERRING: Final = _event("110102", "Begin Transferring DICOM Instances", "A.5.3.3", "E")
DATA_EXPORT: Final = _event("110106", "Export", "A.5.3.4", "R")
DATA_IMPORT: Final = _event("110107", "Import", "A.5.3.5", "C")
INSTANCES_ACCESSED: Final = _event("110103", "DICOM Instances Accessed", "A.5.3.6", "CRUD")
INSTANCES_TRANSFERRED: Final = _event("110104", "DICOM Instances Transferred", "A.5.3.7", "CRU")
STUDY_DELETED: Final = _event("110105", "DICOM Study Deleted", "A.5.3.8", "D")
NETWORK_ENTRY: Final = _event("110108", "Network Entry", "A.5.3.9", "E")
QUERY: Final = _event("110112", "Query", "A.5.3.10", "E")
SECURITY_ALERT: Final = _event("110113", "Security Alert", "A.5.3.11", "E")
USER_AUTHENTICATION: Final = _event("110114", "User Authentication", "A.5.3.12", "E")
ORDER_RECORD: Final = _event("110109", "Order Record", "A.5.3.13", "CRUD")
PATIENT_RECORD: Final = _event("110110", "Patient Record", "A.5.3.14", "CRUD")
PROCEDURE_RECORD: Final = _event("110111", "Procedure Record", "A.5.3.15", "CRUD")
EVENTS: Final = (
    APPLICATION_ACTIVITY, AUDIT_LOG_USED, BEGIN_TRANSFERRING, DATA_EXPORT, DATA_IMPORT, INSTANCES_ACCESSED, INSTANCES_TRANSFERRED,
    STUDY_DELETED, NETWORK_ENTRY, QUERY, SECURITY_ALERT, USER_AUTHENTICATION, ORDER_RECORD, PATIENT_RECORD, PROCEDURE_RECORD,
)  # fmt: skip

START = Code("110120", "Application Start")
STOP = Code("110121", "Application Stop")
LOGIN = Code("110122", "Login")
LOGOUT = Code("110123", "Logout")
NODE_AUTHENTICATION = Code("110126", "Node Authentication")
OVERRIDE_STARTED = Code("110127", "Emergency Override Started")
NETWORK_CONFIGURATION = Code("110128", "Network Configuration")
SECURITY_CONFIGURATION = Code("110129", "Security Configuration")
HARDWARE_CONFIGURATION = Code("110130", "Hardware Configuration")
SOFTWARE_CONFIGURATION = Code("110131", "Software Configuration")
RESTRICTED_FUNCTION = Code("110132", "Use of Restricted Function")
RECORDING_STOPPED = Code("110133", "Audit Recording Stopped")
RECORDING_STARTED = Code("110134", "Audit Recording Started")
OBJECT_ATTRIBUTES = Code("110135", "Object Security Attributes Changed")
ROLES_CHANGED = Code("110136", "Security Roles Changed")
USER_ATTRIBUTES = Code("110137", "User security Attributes Changed")
OVERRIDE_STOPPED = Code("110138", "Emergency Override Stopped")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of row is outside: event, action, type where the event demands one; `inward` when the instances come to us."""

    event: Event
    action: str
    type: Code | None = None
    inward: bool = False


def _alert(code: Code) -> Kind:
    return Kind(SECURITY_ALERT, "E", code)


KINDS: Final[dict[str, Kind]] = {
    "application.started": Kind(APPLICATION_ACTIVITY, "E", START),
    "application.stopped": Kind(APPLICATION_ACTIVITY, "E", STOP),
    "audit.searched": Kind(AUDIT_LOG_USED, "R"),
    "audit.patient": Kind(AUDIT_LOG_USED, "R"),
    "audit.exported": Kind(AUDIT_LOG_USED, "R"),
    "audit.looked_at": Kind(AUDIT_LOG_USED, "R"),
    "audit.verified": Kind(AUDIT_LOG_USED, "R"),
    "security.viewed": Kind(AUDIT_LOG_USED, "R"),
    "audit.key_changed": _alert(SECURITY_CONFIGURATION),
    "secrets.renewed": _alert(SECURITY_CONFIGURATION),
    "audit.clock_back": _alert(HARDWARE_CONFIGURATION),
    "audit.journal_opened": _alert(RECORDING_STOPPED),
    "audit.journal_imported": _alert(RECORDING_STARTED),
    "association.refused": _alert(NODE_AUTHENTICATION),
    "certificate.refused": _alert(NODE_AUTHENTICATION),
    "act.refused": _alert(RESTRICTED_FUNCTION),
    "retrieve.refused": _alert(RESTRICTED_FUNCTION),
    "access.explained": _alert(RESTRICTED_FUNCTION),
    "policy.saved": _alert(SECURITY_CONFIGURATION),
    "glass.broken": _alert(OVERRIDE_STARTED),
    "glass.ended": _alert(OVERRIDE_STOPPED),
    "glass.reviewed": _alert(RESTRICTED_FUNCTION),
    "patient.restricted": _alert(OBJECT_ATTRIBUTES),
    "study.tied": _alert(OBJECT_ATTRIBUTES),
    "study.untied": _alert(OBJECT_ATTRIBUTES),
    "signed_in": Kind(USER_AUTHENTICATION, "E", LOGIN),
    "signed_out": Kind(USER_AUTHENTICATION, "E", LOGOUT),
    "studies.searched": Kind(QUERY, "E"),
    "restrictions.listed": Kind(QUERY, "E"),
    "query": Kind(QUERY, "E"),
    "node.queried": Kind(QUERY, "E"),
    "held.listed": Kind(QUERY, "E"),
    "study.read": Kind(INSTANCES_ACCESSED, "R"),
    "study.opened": Kind(INSTANCES_ACCESSED, "R"),
    "held.read": Kind(INSTANCES_ACCESSED, "R"),
    "held.released": Kind(INSTANCES_ACCESSED, "U"),
    "held.discarded": Kind(INSTANCES_ACCESSED, "D"),
    "instances.received": Kind(INSTANCES_TRANSFERRED, "C", inward=True),
    "instances.given": Kind(INSTANCES_TRANSFERRED, "R"),
    "instances.sent": Kind(INSTANCES_TRANSFERRED, "R"),
    "send.requested": Kind(BEGIN_TRANSFERRING, "E"),
    "retrieve.requested": Kind(BEGIN_TRANSFERRING, "E", inward=True),
    "marks.drawn": Kind(INSTANCES_ACCESSED, "U"),
    "study.exported": Kind(DATA_EXPORT, "R"),
    "study.deleted": Kind(STUDY_DELETED, "D"),
}
IMPORTED: Final = Kind(DATA_IMPORT, "C", inward=True)

# By the word before the dot: acts of administration, of which new ones come with every feature.
FAMILIES: Final[dict[str, Kind]] = {
    "user": _alert(USER_ATTRIBUTES),
    "password": _alert(USER_ATTRIBUTES),
    "pin": _alert(USER_ATTRIBUTES),
    "link": _alert(USER_ATTRIBUTES),
    "token": _alert(USER_ATTRIBUTES),
    "session": _alert(USER_ATTRIBUTES),
    "passkey": _alert(USER_ATTRIBUTES),
    "second_factor": _alert(USER_ATTRIBUTES),
    "recovery": _alert(USER_ATTRIBUTES),
    "station": _alert(USER_ATTRIBUTES),
    "group": _alert(ROLES_CHANGED),
    "glass": _alert(RESTRICTED_FUNCTION),
    "role": _alert(ROLES_CHANGED),
    "device": _alert(NETWORK_CONFIGURATION),
    "caller": _alert(NETWORK_CONFIGURATION),
    "node": _alert(NETWORK_CONFIGURATION),
    "certificate": _alert(SECURITY_CONFIGURATION),
    "site": _alert(SECURITY_CONFIGURATION),
    "department": _alert(SECURITY_CONFIGURATION),
    "tenant": _alert(SECURITY_CONFIGURATION),
    "policy": _alert(SECURITY_CONFIGURATION),
    "rule": _alert(SOFTWARE_CONFIGURATION),
    "send": _alert(RESTRICTED_FUNCTION),
    "job": _alert(RESTRICTED_FUNCTION),
    "alarm": _alert(RESTRICTED_FUNCTION),
    "preference": _alert(SOFTWARE_CONFIGURATION),
    "hanging": _alert(SOFTWARE_CONFIGURATION),
}
_UNKNOWN: Final = _alert(RESTRICTED_FUNCTION)


def is_known(kind: str) -> bool:
    return kind in KINDS or kind.partition(".")[0] in FAMILIES


def kind_of(kind: str, actor_kind: str = "") -> Kind:
    """What this row is outside. Objects that a person brings are an import, those of a device or program a transfer."""
    if kind == "instances.received" and actor_kind == "user":
        return IMPORTED
    return KINDS.get(kind) or FAMILIES.get(kind.partition(".")[0], _UNKNOWN)


class Kinds(NamedTuple):
    """Kinds that are meant by name, families of which every further kind is, and the kinds that are something else though of such a family."""

    named: list[str]
    families: list[str]
    others: list[str]


def kinds_of_event(code: str) -> Kinds:
    """What is this event."""
    return _kinds(lambda kind: kind.event.code.value == code)


def kinds_of_type(code: str) -> Kinds:
    """What has this type of event."""
    return _kinds(lambda kind: kind.type is not None and kind.type.value == code)


def _kinds(is_meant: Callable[[Kind], bool]) -> Kinds:
    return Kinds(
        [name for name, kind in KINDS.items() if is_meant(kind)],
        [name for name, kind in FAMILIES.items() if is_meant(kind)],
        [name for name, kind in KINDS.items() if not is_meant(kind)],
    )
