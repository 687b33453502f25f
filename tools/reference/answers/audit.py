"""The audit log as the API shows it."""

from datetime import datetime
from typing import Any, Literal

from tools.reference.answers._answer import Answer, Page


class AuditActor(Answer):
    kind: str
    id: str
    name: str
    address: str


class AuditStudy(Answer):
    """The study that a row speaks of, while it is there."""

    id: str
    patient_id: str
    issuer: str


class AuditRow(Answer):
    id: str
    number: int | None
    at: datetime
    kind: str
    event: str
    outcome: Literal["success", "refused", "failed"]
    actor: AuditActor
    subject: dict[str, Any]
    detail: dict[str, Any]
    study: AuditStudy | None


class AuditPage(Page):
    items: list[AuditRow]


class Viewer(Answer):
    """One person, program or device that had a patient's studies."""

    kind: str
    id: str
    name: str
    display_name: str
    first_at: datetime
    last_at: datetime
    count: int
    kinds: list[str]
    addresses: list[str | None]
    studies: int


class WhoSawIt(Answer):
    studies: int
    items: list[Viewer]
    truncated: bool


class Signed(Answer):
    """The first checkpoint over a row; `holds`: the way from the row leads to its root."""

    number: int
    size: int
    at: datetime
    key: str
    signed: bool
    holds: bool


class SealedPlace(Answer):
    number: int
    sealed_at: datetime
    leaf: str
    chain: str
    unchanged: bool
    checkpoint: Signed | None


class AuditEvent(AuditRow):
    """`place` is null until the row is sealed, a second or two."""

    place: SealedPlace | None


class Receiver(Answer):
    """Where the log is sent."""

    name: str
    sent: int
    waiting: int
    failing_since: datetime | None
    error: str


class LogState(Answer):
    log: str
    events: int
    waiting: int
    checkpoint: int
    checkpoint_size: int
    checkpoint_at: datetime | None
    key: str
    keys: int
    receivers: list[Receiver]


class Verification(Answer):
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    started_at: datetime
    finished_at: datetime | None
    events: int
    findings: list[str]
    sentence: str


class AuditState(Answer):
    """Null for an organisation that does not run the installation."""

    log: LogState | None
    verification: Verification | None


class ObjectProof(Answer):
    """`proof` as it is goes to the stand-alone verifier."""

    sop_uid: str
    received_at: datetime
    sha256: str
    event: int
    event_id: str
    checkpoint: int | None
    key: str
    unchanged: bool
    findings: list[str]
    proof: dict[str, Any]
