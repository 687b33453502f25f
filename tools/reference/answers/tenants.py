"""Organisations on one installation."""

from datetime import datetime

from tools.reference.answers._answer import Answer


class Tenant(Answer):
    id: str
    name: str
    display_name: str
    titles: list[str]
    hosts: list[str]
    created_at: datetime
    closed_at: datetime | None
    is_house: bool


class TenantMade(Tenant):
    """With the one-time link of its first administrator."""

    link: str


class Tenants(Answer):
    items: list[Tenant]
