"""Values of the archive and the pure decision what becomes of an object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from heliograph.engine.blobs import Written
from heliograph.features.patients import Difference, Person
from heliograph.kit.errors import Busy
from heliograph.standards.dicom.header import Header

Door = Literal["dimse", "stow", "import", "upload", "recovery"]
OutcomeKind = Literal["new", "identical", "newer", "held"]
Reason = Literal[
    "unparseable", "missing_identifier", "bad_identifier", "same_uid_other_content", "same_uid_other_study", "series_in_other_study",
    "study_of_other_patient", "patient_differs", "truncated", "command_differs",
]  # fmt: skip

REASONS: Mapping[str, str] = {
    "unparseable": "this is not a DICOM object, or its header cannot be read",
    "missing_identifier": "a required identifier is missing",
    "bad_identifier": "an identifier is not a valid UID",
    "same_uid_other_content": "another object with this SOP Instance UID came earlier from another source, with other content",
    "same_uid_other_study": "an object with this SOP Instance UID is stored in another study or series",
    "series_in_other_study": "this Series Instance UID is stored in another study",
    "study_of_other_patient": "this study is stored under another patient",
    "patient_differs": "this patient identifier belongs to somebody with another name, birth date or sex",
    "truncated": "the object ends before its data does",
    "command_differs": "the SOP Instance UID of the transfer differs from the one inside the object",
}


class LostRace(Busy):
    """Somebody else's rows came first. Roll back: a try of its own sees them and decides anew."""

    code = "arriving"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One delivery: an association, a request, an upload, an import. Its row says where objects came from."""

    id: int
    tenant_id: int
    door: str
    source: str
    unverified: bool
    issuer: str
    site_id: int = 1
    department_id: int = 0


@dataclass(frozen=True, slots=True)
class Incoming:
    """One object that stands in the blob store and asks to be indexed. `header` is None when it cannot be read."""

    written: Written
    header: Header | None
    arrival: Arrival
    received_at: datetime
    expected_sop_uid: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an object; `reason` when it is held, `series_key` when the process may remember the series after the commit."""

    kind: OutcomeKind
    study_id: int | None = None
    series_id: int | None = None
    instance_id: int | None = None
    held_id: UUID | None = None
    reason: str = ""
    study_uid: str = ""
    keeps_blob: bool = True
    series_key: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """The four levels of one object as its own header states them."""

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class_uid: str
    person: Person


@dataclass(frozen=True, slots=True)
class Existing:
    """The stored instance with the same SOP Instance UID."""

    id: int
    sha256: bytes
    series_id: int
    series_uid: str
    study_id: int
    study_uid: str
    source: str
    version: int
    blob: str
    transfer_syntax_uid: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """`hold` carries the reason code; nothing else is looked at then."""

    kind: OutcomeKind
    reason: str = ""
    difference: tuple[Difference, ...] = field(default=())


def admit_again(identity: Identity, source: str, existing: Existing, *, same_content: bool) -> Decision:
    """Decision when the SOP Instance UID is known (DESIGN 3; trap 24, 25).

    Same content: success, nothing new. Other content in the same place from the same source: the newer becomes current. Else held.
    """
    if same_content:
        return Decision("identical")
    if (identity.study_uid, identity.series_uid) != (existing.study_uid, existing.series_uid):
        difference = (
            Difference("StudyInstanceUID", existing.study_uid, identity.study_uid),
            Difference("SeriesInstanceUID", existing.series_uid, identity.series_uid),
        )
        return Decision("held", "same_uid_other_study", tuple(d for d in difference if d.stored != d.held))
    if source != existing.source:
        return Decision("held", "same_uid_other_content", (Difference("source", existing.source, source),))
    return Decision("newer")


def source_label(kind: str, name: str) -> str:
    return name if kind in {"device", "caller"} else f"{kind}:{name}"


def note_of(arrival: Arrival, received_at: datetime, expected_sop_uid: str) -> dict[str, Any]:
    """What a blob record keeps so that recovery can index it again."""
    return {"a": arrival.id, "t": arrival.tenant_id, "at": received_at.isoformat(), "s": expected_sop_uid}
