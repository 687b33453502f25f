"""The audit log as the API shows it."""

from datetime import datetime
from typing import Any, Literal

from tools.reference.answers._answer import Answer, Page


class AuditActor(Answer):
    kind: str
    id: str
    name: str
    address: str


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


class AuditPage(Page):
    items: list[AuditRow]


class Viewer(Answer):
    """One person, program or device that had a patient's studies."""

    kind: str
    id: str
    name: str
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
