"""Rules, emergency access, sites."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from tools.reference.answers._answer import Answer

Reason = Literal["emergency", "direct_care", "consultation", "quality", "other"]
Finding = Literal["justified", "unjustified", "unclear"]
Restriction = Literal["", "vip", "staff", "confidential"]


class Withheld(Answer):
    """Studies of a patient that are there only behind the glass; told to who may break it."""

    patient: str
    issuer: str
    count: int


class Glass(Answer):
    id: UUID
    user_id: UUID
    user_name: str
    display_name: str
    patient: str
    patient_id: str
    issuer: str
    restriction: str
    reason_code: Reason
    reason: str
    granted_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    review_due_at: datetime
    reviewed_by: str | None
    reviewed_at: datetime | None
    finding: Finding | None
    comment: str


class Glasses(Answer):
    items: list[Glass]
    reason_codes: list[Reason]
    findings: list[Finding]


class GlassPage(Answer):
    items: list[Glass]
    next: str | None


class GlassWaiting(Answer):
    count: int
    overdue: int


class SeenStudy(Answer):
    study_id: str
    study_date: str
    modalities: list[str]
    description: str
    first_at: datetime
    last_at: datetime
    count: int
    kinds: list[str]


class GlassSeen(Answer):
    """`studies`: how many the patient has."""

    items: list[SeenStudy]
    studies: int


class AccessRule(Answer):
    name: str
    effect: Literal["allow", "withhold"]
    actions: list[Literal["study.read", "study.export"]]
    when: str
    breakable: bool


class ToldRule(AccessRule):
    """`tree`: the condition as a word and its parts, e.g. `["in", ["name", "study.site"], ["name", "principal.sites"]]`."""

    tree: list[Any]


class PolicyVersion(Answer):
    version: int
    rules: list[AccessRule]
    comment: str
    created_at: datetime | None
    created_by: str


class RuleName(Answer):
    name: str
    kind: str
    docs: str


class PolicyAnswer(Answer):
    version: int
    rules: list[ToldRule]
    versions: list[PolicyVersion]
    names: list[RuleName]


class PolicySaved(Answer):
    version: int


class RuleProblem(Answer):
    """`rule`: which one, from 0, null for all together; `at`: the character of its condition."""

    rule: int | None
    at: int | None
    code: str
    message: str


class PolicyChecked(Answer):
    """`rules`: one for each that was sent, null for one that cannot be read."""

    rules: list[ToldRule | None]
    problems: list[RuleProblem]


class Changed(Answer):
    kind: Literal["user", "token", "device"]
    id: str
    name: str
    roles: list[str]
    before: int
    after: int
    gains: int
    loses: int


class PolicyPreview(Answer):
    """Counted over the `studies` newest; `is_all` when there are no more and nobody was left out. `asked`: how many were looked at."""

    items: list[Changed]
    studies: int
    is_all: bool
    asked: int


class FoundStudy(Answer):
    id: str
    study_uid: str
    study_date: str
    modalities: list[str]
    accession_number: str
    site: str


class FoundStudies(Answer):
    items: list[FoundStudy]


class RuleReason(Answer):
    text: str
    holds: bool
    values: dict[str, bool | int | str | list[int] | list[str]]
    tree: list[Any]


class ExplainedRule(Answer):
    name: str
    effect: Literal["allow", "withhold"]
    breakable: bool
    holds: bool
    when: str
    reasons: list[RuleReason]


class Explanation(Answer):
    may_read: bool
    has_permission: bool
    policy_version: int
    verdict: Literal["allowed", "disabled", "no_permission", "no_rule", "withheld", "withheld_breakable"]
    deciding: list[str]
    may_break_glass: bool
    glass_is_broken: bool
    rules: list[ExplainedRule]


class Department(Answer):
    id: int
    name: str
    closed_at: datetime | None
    studies: int
    people: int


class SiteWithDepartments(Answer):
    id: int
    name: str
    timezone: str
    closed_at: datetime | None
    is_first: bool
    studies: int
    people: int
    devices: int
    departments: list[Department]


class PlacedDevice(Answer):
    id: str
    aet: str
    description: str
    site_id: int | None
    department_id: int | None
    site_ids: list[int]


class Sites(Answer):
    items: list[SiteWithDepartments]
    devices: list[PlacedDevice]


class MarkedPatient(Answer):
    id: str
    patient_id: str
    issuer: str
    name: str
    birth_date: str
    sex: str
    restriction: Restriction
    reason: str
    restricted_at: datetime | None
    restricted_by: str
    studies: int


class MarkedPatients(Answer):
    items: list[MarkedPatient]


class StudyTie(Answer):
    tie: Literal["referrer", "reader", "guest", "project"]
    subject: str
    name: str
    until: datetime | None
    created_at: datetime
    created_by: str


class StudyTies(Answer):
    patient: str
    restriction: Restriction
    reason: str
    restricted_at: datetime | None
    restricted_by: str
    site: str | None
    department: str
    ties: list[StudyTie]


class NumberMade(Answer):
    id: int
