"""Rules, emergency access, sites."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from tools.reference.answers._answer import Answer

Reason = Literal["emergency", "direct_care", "consultation", "quality", "other"]
Finding = Literal["justified", "unjustified", "unclear"]


class Withheld(Answer):
    """Studies of a patient that are there only behind the glass; told to who may break it."""

    patient: str
    issuer: str
    count: int


class Glass(Answer):
    id: UUID
    user_id: UUID
    user_name: str
    patient_id: str
    issuer: str
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


class AccessRule(Answer):
    name: str
    effect: Literal["allow", "withhold"]
    actions: list[Literal["study.read", "study.export"]]
    when: str
    breakable: bool


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
    rules: list[AccessRule]
    versions: list[PolicyVersion]
    names: list[RuleName]


class PolicySaved(Answer):
    version: int


class PolicyChecked(Answer):
    rules: list[AccessRule]


class RuleReason(Answer):
    text: str
    holds: bool
    values: dict[str, bool | int | str | list[int] | list[str]]


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
    rules: list[ExplainedRule]


class Department(Answer):
    id: int
    name: str


class SiteWithDepartments(Answer):
    id: int
    name: str
    timezone: str
    departments: list[Department]


class Sites(Answer):
    items: list[SiteWithDepartments]


class NumberMade(Answer):
    id: int
