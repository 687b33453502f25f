"""What is held, what is done and what is wrong: quarantine, jobs, alarms, events, uploads."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from tools.reference.answers._answer import Answer, Page
from tools.reference.answers.studies import Difference

JobState = Literal["queued", "running", "done", "failed", "cancelled"]


class Held(Answer):
    id: str
    received_at: datetime
    door: str
    source: str
    reason_code: str
    reason: str
    sop_class: str
    study_uid: str
    series_uid: str
    sop_uid: str
    study_id: str | None
    bytes: int
    difference: list[Difference]
    state: Literal["held", "released", "discarded"]
    decided_by: str | None
    decided_at: datetime | None
    decided_reason: str | None
    can_release: bool


class Quarantine(Page):
    items: list[Held]


class Released(Answer):
    outcome: str
    study_id: str


class Job(Answer):
    id: str
    kind: str
    title: str
    state: JobState
    done: int
    total: int | None
    unit: str
    error: str | None
    summary: dict[str, Any]
    requested_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    values: dict[str, str]
    can_cancel: bool
    can_retry: bool


class Jobs(Page):
    items: list[Job]


class JobMade(Answer):
    job_id: str


class Alarm(Answer):
    id: UUID
    kind: str
    severity: Literal["critical", "warning"]
    message: str
    mend: str
    since: datetime
    acknowledged_by: str | None
    code: str
    values: dict[str, int | str]


class Alarms(Answer):
    items: list[Alarm]


class Mend(Answer):
    code: str
    text: str
    link: str


class LifeEvent(Answer):
    """`code` and `values` are for the translated sentence, `text` is the English one."""

    at: datetime
    code: str
    values: dict[str, str | int | float]
    text: str
    severity: Literal["ok", "info", "warning", "critical"]
    mend: Mend | None = None


class Life(Answer):
    what: str
    study_id: str | None = None
    study_uid: str | None = None
    events: list[LifeEvent]


class Lives(Answer):
    answers: list[Life]
    more: bool


class Change(Answer):
    number: int
    kind: str
    at: datetime
    subject: dict[str, Any]


class Changes(Answer):
    items: list[Change]
    last: int


class UploadedFile(Answer):
    name: str
    outcome: str
    reason: str
    reason_code: str


class Uploaded(Answer):
    stored: int
    identical: int
    held: int
    refused: int
    items: list[UploadedFile]
