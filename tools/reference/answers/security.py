"""The page Security."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from tools.reference.answers._answer import Answer
from tools.reference.answers.audit import LogState


class UnprovedDevice(Answer):
    id: str
    aet: str
    host: str
    last_seen_at: datetime | None


class Receiving(Answer):
    source: str
    address: str
    since: datetime


class Peers(Answer):
    devices: int
    certified: int
    pinned: int
    unproved: int
    seen_today: int
    wants_in: int
    unproved_devices: list[UnprovedDevice]
    receiving: list[Receiving]


class Refused(Answer):
    name: str
    address: str
    reason: str
    count: int
    first_at: datetime
    last_at: datetime


class FailedPerson(Answer):
    user_id: str
    name: str
    failed: int
    last_at: datetime
    addresses: list[str]
    locked: bool


class FailedAddress(Answer):
    address: str
    failed: int
    people: int
    unknown: int
    last_at: datetime
    locked: bool


class SignIns(Answer):
    """`unknown`: with names that nobody has; they are counted and never shown."""

    failed: int
    unknown: int
    people: list[FailedPerson]
    addresses: list[FailedAddress]
    minutes: float


class Ending(Answer):
    fingerprint: str
    aet: str
    not_after: datetime


class DeviceCertificates(Answer):
    valid: int
    soon: int
    over: int
    revoked: int
    next: list[Ending]


class OwnCertificate(Answer):
    name: Literal["ca", "server"]
    not_after: datetime


class OpenSessions(Answer):
    sessions: int
    people: int
    stations: int
    locked: int
    without_second_factor: int


class ProgramTokens(Answer):
    active: int
    endless: int
    unused: int


class GlassCount(Answer):
    recent: int
    unreviewed: int
    overdue: int


class SecurityDoors(Answer):
    https: bool
    dicom_tls: bool
    syslog: bool
    unknown_peers: str
    plaintext: str
    second_factor: str


class Security(Answer):
    """What belongs to the installation is null for an organisation that does not run it."""

    at: datetime
    days: int
    peers: Peers
    refused: list[Refused]
    sign_ins: SignIns
    certificates: DeviceCertificates
    own_certificates: list[OwnCertificate]
    doors: SecurityDoors | None
    sessions: OpenSessions
    tokens: ProgramTokens
    glass: GlassCount
    audit: LogState | None


class Finding(Answer):
    rule: Literal[
        "many_patients", "unusual_hours", "mass_retrieve", "mass_export", "own_record", "same_family_name", "restricted_patient", "glass",
        "many_refused",
    ]  # fmt: skip
    severity: Literal["warning", "look"]
    actor_kind: str
    actor_id: str
    actor_name: str
    first_at: datetime
    last_at: datetime
    count: int
    usual: float | None
    peers: float | None
    hours: list[int]
    patient_id: str
    detail: dict[str, Any]


class Unusual(Answer):
    at: datetime
    days: int
    usual_days: int
    items: list[Finding]
    truncated: bool


class LimitMet(Answer):
    what: Literal["associations", "volume", "requests", "sign_ins"]
    who: str
    address: str
    count: int
    first_at: datetime
    last_at: datetime


class DeviceVolume(Answer):
    """Of the last hour; a limit of 0 is none."""

    device_id: str
    aet: str
    instances: int
    bytes: int
    most_instances: int
    most_bytes: int


class TokenVolume(Answer):
    """Of the last hour; a limit of 0 is none."""

    token_id: UUID
    name: str
    instances: int
    bytes: int
    most_instances: int
    most_bytes: int


class LimitsInForce(Answer):
    new_associations_per_minute: int
    associations: int
    associations_of_address: int
    hourly_instances: int
    hourly_bytes: int
    token_hourly_instances: int
    token_hourly_bytes: int
    requests_per_minute: int
    sign_in_tries: int
    sign_in_tries_of_address: int
    sign_in_minutes: float


class Limits(Answer):
    items: list[LimitMet]
    volumes: list[DeviceVolume]
    token_volumes: list[TokenVolume]
    limits: LimitsInForce
