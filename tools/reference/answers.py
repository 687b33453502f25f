"""What the routes of `/api` answer, as models: openapi.json is typed by them, and a test holds a running server to them.

They stand here and not in the routes: the server writes its answers as they are, without the cost of a second validation.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

State = Literal["receiving", "settled"]
Relation = Literal["prior", "later", "undated"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]
SendState = Literal["queued", "sending", "waiting", "done", "failed", "cancelled"]
Service = Literal["echo", "store", "find", "move", "get"]
DicomJson = dict[str, dict[str, Any]]


class Answer(BaseModel):
    """Nothing else is answered than what stands here."""

    model_config = ConfigDict(extra="forbid")


class Page(Answer):
    next: str | None


class Person(Answer):
    id: str
    name: str
    display_name: str
    roles: list[str]
    must_set_password: bool


class Site(Answer):
    name: str
    version: str
    timezone: str


class Session(Answer):
    user: Person
    csrf: str
    permissions: list[str]
    site: Site


class Patient(Answer):
    """Names as sent: `alphabetic=ideographic=phonetic` (PS3.5 6.2)."""

    id: str
    name: str
    patient_id: str
    issuer: str
    birth_date: str
    sex: str


class Study(Answer):
    id: str
    study_uid: str
    patient: Patient
    study_date: str
    study_time: str
    timezone_offset: str
    accession_number: str
    description: str
    modalities: list[str]
    body_part: str
    institution: str
    referring_physician: str
    series_count: int
    instance_count: int
    bytes: int
    state: State
    received_at: datetime
    last_received_at: datetime
    held_count: int
    unverified: bool
    source: str
    revision: str
    prior_count: int


class Series(Answer):
    id: str
    series_uid: str
    number: int | None
    modality: str
    description: str
    body_part: str
    laterality: str
    instance_count: int
    frame_count: int
    state: State
    revision: str
    thumbnail_url: str
    document_url: str
    held_count: int


class StudyPage(Page):
    items: list[Study]
    count: int
    count_is_exact: bool


class StudyWithSeries(Study):
    series: list[Series]


class OtherStudy(Study):
    relation: Relation


class Difference(Answer):
    attribute: str
    stored: str
    held: str


class HeldOfStudy(Answer):
    id: UUID
    received_at: datetime
    reason_code: str
    reason: str
    source: str
    difference: list[Difference]


class Manifest(Answer):
    """`priors` are all other studies of the patient, each with its relation; `instance_count` is the live count."""

    study: Study
    revision: str
    instance_count: int
    series: list[Series]
    priors: list[OtherStudy]
    held: list[HeldOfStudy]


class HeldOfStudies(Answer):
    items: list[HeldOfStudy]


class Instance(Answer):
    id: str
    sop_uid: str
    sop_class: str
    number: int | None
    frames: int
    transfer_syntax: str
    digest: str
    bytes: int
    frame_urls_base: str
    attributes: DicomJson


class SeriesDocument(Answer):
    """The metadata of an instance is `shared` and its `attributes` together (PS3.18 F)."""

    study_uid: str
    series_uid: str
    revision: str
    settled: bool
    instance_count: int
    shared: DicomJson
    instances: list[Instance]


class Device(Answer):
    id: str
    aet: str
    host: str
    port: int | None
    description: str
    allow: list[Service]
    pinned: bool
    verified: bool
    default_issuer: str
    answer_success_when_held: bool
    created_at: datetime
    last_seen_at: datetime | None
    stored_count: int
    problems: list[str]


class Devices(Answer):
    items: list[Device]


class Caller(Answer):
    id: str
    aet: str
    address: str
    first_seen_at: datetime
    last_seen_at: datetime
    associations: int
    stored_count: int
    refused_count: int
    proposals: list[str]


class Callers(Page):
    items: list[Caller]


class Echo(Answer):
    ok: bool
    ms: int | None
    error: str | None


class Node(Answer):
    id: str
    name: str
    aet: str
    host: str
    port: int
    kind: Literal["dimse"]


class Nodes(Answer):
    items: list[Node]


class NodeMatches(Answer):
    """Attributes by keyword, several values parted by a backslash; `truncated` says that there are more."""

    items: list[dict[str, str]]
    truncated: bool


class Rule(Answer):
    id: str
    name: str
    enabled: bool
    node_id: str
    modalities: list[str]
    device_ids: list[str]


class Rules(Answer):
    items: list[Rule]


class Send(Answer):
    id: str
    study_id: str
    what: str
    node: str
    state: SendState
    done: int
    total: int
    failed: int
    attempts: int
    next_attempt_at: datetime | None
    error: str | None
    created_at: datetime


class Sends(Page):
    items: list[Send]


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
    can_cancel: bool
    can_retry: bool


class Jobs(Page):
    items: list[Job]


class Alarm(Answer):
    id: UUID
    kind: str
    severity: Literal["critical", "warning"]
    message: str
    mend: str
    since: datetime
    acknowledged_by: str | None


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


class Uploaded(Answer):
    stored: int
    identical: int
    held: int
    refused: int
    items: list[UploadedFile]


class User(Answer):
    id: UUID
    name: str
    display_name: str
    roles: list[str]
    disabled_at: datetime | None
    has_password: bool
    last_seen_at: datetime | None


class Users(Answer):
    items: list[User]


class Token(Answer):
    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class Tokens(Answer):
    items: list[Token]


class DicomDoor(Answer):
    aet: str
    host: str
    port: int


class Counts(Answer):
    studies: int
    instances: int
    bytes: int
    held: int


class Storage(Answer):
    kind: str
    free_bytes: int | None


class About(Answer):
    version: str
    site: str
    dicom: DicomDoor
    dicomweb: str
    counts: Counts
    storage: Storage


class Setting(Answer):
    name: str
    value: str | int | float | bool | None
    source: Literal["flag", "env", "file", "default"]
    doc: str


class Settings(Answer):
    items: list[Setting]


class Made(Answer):
    id: str


class JobMade(Answer):
    job_id: str


class LinkMade(Answer):
    link: str


class UserMade(Answer):
    id: str
    link: str


class TokenMade(Answer):
    token: str


ANSWERS: dict[str, type[Answer]] = {
    "GET /api/session": Session,
    "POST /api/session": Session,
    "POST /api/session/link": Session,
    "POST /api/session/password": Session,
    "POST /api/studies/search": StudyPage,
    "GET /api/studies/{study_id}": StudyWithSeries,
    "GET /api/studies/{study_id}/manifest": Manifest,
    "GET /api/studies/{study_id}/held": HeldOfStudies,
    "GET /api/series/{series_id}/document": SeriesDocument,
    "GET /api/devices": Devices,
    "POST /api/devices": Device,
    "PATCH /api/devices/{device_id}": Device,
    "POST /api/devices/{device_id}/echo": Echo,
    "GET /api/devices/wants-in": Callers,
    "POST /api/devices/wants-in/{caller_id}/accept": Device,
    "GET /api/nodes": Nodes,
    "POST /api/nodes": Node,
    "PATCH /api/nodes/{node_id}": Node,
    "POST /api/nodes/{node_id}/echo": Echo,
    "POST /api/nodes/{node_id}/query": NodeMatches,
    "POST /api/nodes/{node_id}/retrieve": JobMade,
    "GET /api/sends": Sends,
    "POST /api/sends": Made,
    "POST /api/sends/{send_id}/{verb}": Made,
    "GET /api/rules": Rules,
    "POST /api/rules": Rule,
    "PATCH /api/rules/{rule_id}": Rule,
    "GET /api/quarantine": Quarantine,
    "POST /api/quarantine/{held_id}/release": Released,
    "GET /api/jobs": Jobs,
    "POST /api/jobs/{job_id}/{verb}": Made,
    "GET /api/alarms": Alarms,
    "POST /api/alarms/{alarm_id}/acknowledge": Made,
    "POST /api/where": Lives,
    "GET /api/changes": Changes,
    "POST /api/uploads": Uploaded,
    "GET /api/users": Users,
    "POST /api/users": UserMade,
    "PATCH /api/users/{user_id}": Made,
    "POST /api/users/{user_id}/link": LinkMade,
    "GET /api/tokens": Tokens,
    "POST /api/tokens": TokenMade,
    "GET /api/about": About,
    "GET /api/settings": Settings,
}
# What answers no JSON: bytes of an object, a picture.
BYTES = {
    "GET /api/quarantine/{held_id}/file": "application/dicom",
    "GET /api/series/{series_id}/thumbnail": "image/jpeg",
}
