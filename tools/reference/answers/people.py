"""People, sessions and tokens."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tools.reference.answers._answer import Answer


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


class SessionState(Answer):
    id: str
    state: str
    kind: str
    way: str
    expires_at: datetime
    idle_lock_minutes: float
    step_up_minutes: float
    proves_by: list[str]


class Session(Answer):
    user: Person
    csrf: str
    permissions: list[str]
    site: Site
    session: SessionState


class Oidc(Answer):
    name: str
    start: str


class Ways(Answer):
    passkey: bool
    oidc: Oidc | None


class KeyStep(Answer):
    """A step to answer, and what the browser gives to `navigator.credentials` (WebAuthn JSON)."""

    step: str
    options: dict[str, Any]


class Preference(Answer):
    document: Any
    revision: int


class Preferences(Answer):
    """Both layers of one name."""

    own: Preference
    house: Preference


class PreferenceSaved(Answer):
    revision: int


class Passkey(Answer):
    id: UUID
    name: str
    is_synced: bool
    site: str
    created_at: datetime
    last_used_at: datetime | None


class SignedIn(Answer):
    id: str
    way: str
    agent: str
    address: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_locked: bool


class SignedIns(Answer):
    items: list[SignedIn]


class OwnSignedIn(SignedIn):
    is_this: bool


class Account(Answer):
    has_password: bool
    has_pin: bool
    totp_since: datetime | None
    recovery_left: int
    passkeys: list[Passkey]
    sessions: list[OwnSignedIn]
    second_factor: str
    passkeys_possible: bool


class TotpStep(Answer):
    """`qr`: the rows of the QR code, 1 for dark."""

    step: str
    secret: str
    uri: str
    qr: list[str]


class RecoveryCodes(Answer):
    recovery_codes: list[str]


class Ended(Answer):
    ended: int


class User(Answer):
    id: UUID
    name: str
    display_name: str
    roles: list[str]
    disabled_at: datetime | None
    has_password: bool
    last_seen_at: datetime | None
    kind: str
    directory: str
    has_totp: bool
    passkeys: int
    sessions: int
    everywhere: bool
    site_ids: list[int]
    department_ids: list[int]
    clearances: list[str]
    must_enrol: bool
    recovery_left: int


class OwnPatient(Answer):
    id: str
    patient_id: str
    issuer: str


class OwnTie(Answer):
    study_id: str
    tie: str
    until: datetime | None
    created_at: datetime


class UserDetail(User):
    """`is_shut_out`: so many sign-ins failed that none is let through for some minutes."""

    is_shut_out: bool
    patients: list[OwnPatient]
    projects: list[str]
    ties: list[OwnTie]
    last_signed_in_at: datetime | None


class Users(Answer):
    items: list[User]


class UserMade(Answer):
    id: str
    link: str


class PersonImported(Answer):
    """`outcome`: new, changed or same; `changes`: the columns that differ; `link`: the one-time code of somebody new, this once."""

    line: int
    name: str
    outcome: str
    changes: list[str]
    link: str | None


class ImportProblem(Answer):
    line: int
    column: str
    code: str
    message: str


class PeopleImported(Answer):
    done: bool
    items: list[PersonImported]
    problems: list[ImportProblem]


class LinkMade(Answer):
    link: str


class Token(Answer):
    id: UUID
    name: str
    scopes: list[str]
    site_ids: list[int]
    issued_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    hourly_instances: int | None
    hourly_bytes: int | None


class Tokens(Answer):
    items: list[Token]


class TokenMade(Answer):
    token: str
