"""People, sessions and tokens."""

from datetime import datetime
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


class Session(Answer):
    user: Person
    csrf: str
    permissions: list[str]
    site: Site


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


class UserMade(Answer):
    id: str
    link: str


class LinkMade(Answer):
    link: str


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


class TokenMade(Answer):
    token: str
