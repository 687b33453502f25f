"""The directory of the settings, and whether its people who are signed in here still may be."""

from typing import TYPE_CHECKING, Literal

from heliograph.engine import telemetry
from heliograph.engine.db import Database, Tx
from heliograph.features.access.identity.outside import (
    House,
    Statement,
    in_tenant,
    is_welcome,
    read_pairs,
    read_roles,
    refresh,
    subject_of,
)
from heliograph.features.access.identity.sessions import end_sessions
from heliograph.features.access.policy import note
from heliograph.kit.errors import Busy
from heliograph.kit.settings import Settings, is_begun_with_tls, secret_of
from heliograph.kit.time import now

if TYPE_CHECKING:
    from uuid import UUID

    from heliograph.features.access.identity.directory import Directory

_MOST = 10_000


def directory_of(settings: Settings) -> "Directory | None":
    """None when the site has none; its library is loaded at first need."""
    if not settings.ldap_url:
        return None
    from heliograph.features.access.identity.directory import Directory, LdapSettings

    return Directory(
        LdapSettings(
            settings.ldap_url, settings.ldap_base, "openldap" if settings.ldap_kind == "openldap" else "active_directory",
            settings.ldap_bind_name, secret_of(settings.ldap_bind_password), settings.ldap_bind_as, settings.ldap_filter,
            settings.ldap_group_base, _nested(settings.ldap_nested_groups), settings.ldap_ca, is_begun_with_tls(settings),
            read_roles(settings.ldap_roles), read_pairs(settings.ldap_sites), settings.ldap_new_people == "add", settings.ldap_timeout_s,
        )
    )  # fmt: skip


def recheck(database: Database, settings: Settings) -> int:
    """Looks everybody of the directory who is signed in up there again: roles and sites follow, and whoever is gone, disabled or without a
    role there is signed out. How many were. Nobody is signed out because the directory does not answer."""
    directory = directory_of(settings)
    if directory is None or not directory.can_look:
        return 0
    with database.transaction() as tx:
        rows = tx.execute(
            "select id, outside, tenant_id from app_user u where starts_with(outside, %s) and exists "
            "(select 1 from session s where s.user_id = u.id and s.revoked_at is null and s.expires_at > %s) order by id limit %s",
            (directory.house.account_of(""), now(), _MOST),
        ).fetchall()
    gone = 0
    known: dict[str, list[tuple[UUID, int]]] = {}
    for user_id, outside, tenant_id in rows:
        known.setdefault(subject_of(outside), []).append((user_id, tenant_id))
    try:
        for subject, said in directory.look(list(known)):
            for user_id, tenant_id in known[subject]:
                with database.transaction() as tx:
                    gone += _follow(tx, in_tenant(tx, directory.house, tenant_id), user_id, said)
    except Busy as error:
        telemetry.fact("directory_down", code=error.code)
    return gone


def _follow(tx: Tx, house: House, user_id: "UUID", said: Statement | None) -> bool:
    """True when the person had to leave."""
    if said is not None and is_welcome(house, said):
        refresh(tx, house, user_id, said)
        return False
    end_sessions(tx, house.actor, user_id)
    cause = "gone or disabled" if said is None else "no role"
    note(tx, house.actor, "user.left_directory", {"user": str(user_id)}, detail={"cause": cause})
    return True


def _nested(word: str) -> Literal["no", "walk", "chain"]:
    return "walk" if word == "walk" else "chain" if word == "chain" else "no"
