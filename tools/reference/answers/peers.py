"""Devices, nodes, rules and sends."""

from datetime import datetime
from typing import Literal

from tools.reference.answers._answer import Answer, Page

SendState = Literal["queued", "sending", "waiting", "done", "failed", "cancelled"]
Service = Literal["echo", "store", "find", "move", "get"]


class Device(Answer):
    id: str
    aet: str
    host: str
    port: int | None
    description: str
    allow: list[Service]
    pinned: bool
    verified: bool
    certified_until: datetime | None
    default_issuer: str
    answer_success_when_held: bool
    created_at: datetime
    last_seen_at: datetime | None
    stored_count: int
    problems: list[str]
    site_id: int | None
    department_id: int | None
    site_ids: list[int]
    tls: bool
    hourly_instances: int | None
    hourly_bytes: int | None


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


class Certificate(Answer):
    fingerprint: str
    device_id: str | None
    aet: str | None
    subject: str
    serial: str
    is_own: bool
    not_before: datetime
    not_after: datetime
    revoked_at: datetime | None
    revoke_reason: str


class Certificates(Answer):
    items: list[Certificate]


class CertificateMade(Answer):
    aet: str
    fingerprint: str
    not_after: datetime
    certificate_pem: str
    key_pem: str
    authority_pem: str
    pkcs12: str
    password: str


class Authority(Answer):
    subject: str
    fingerprint: str
    not_after: datetime
    pem: str


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
    tls: bool
    tls_fingerprint: str


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
