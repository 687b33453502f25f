"""People and stations who may sign in, and the one-time links by which they come for the first time."""

from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.features.access._digests import digest, hashed
from heliograph.features.access.model import OF_ALL_SITES, OPERATING, ROLES, Actor, Scope
from heliograph.features.access.policy import allowed, note, require
from heliograph.features.access.scopes import USER_COLUMNS, first_site, user_scope
from heliograph.kit.errors import Absent, Conflict, Invalid, Refused
from heliograph.kit.ids import new_id, new_secret
from heliograph.kit.time import now


def plain(name: str) -> str:
    """A name as it may be looked up and recorded: bounded, without what a database cannot hold."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name[:64])


def add_user(
    tx: Tx,
    actor: Actor,
    name: str,
    roles: list[str],
    *,
    display_name: str = "",
    password: str | None = None,
    kind: Literal["person", "station"] = "person",
    outside: str | None = None,
) -> UUID:
    """Raises Invalid for an unknown role or an unfit name, Conflict when the name is taken."""
    require(actor, "user.manage")
    name = name.strip()
    if not 1 <= len(name) <= 64 or not name.isprintable():
        raise Invalid("name must have 1 to 64 printable characters", code="bad_name")
    _check_roles(actor, roles)
    user_id = new_id()
    row = tx.execute(
        "insert into app_user (id, tenant_id, name, display_name, password_hash, roles, everywhere, site_ids, kind, outside) "
        "values (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s) on conflict (tenant_id, name) do nothing returning id",
        (
            user_id, actor.tenant_id, name, display_name or name, hashed(password) if password else None, roles, not OF_ALL_SITES.isdisjoint(roles),
            [actor.scope.home_site or first_site(tx, actor.tenant_id)], kind, outside,
        ),
    ).fetchone()  # fmt: skip
    if row is None:
        raise Conflict("a user of this name exists", code="user_exists")
    note(tx, actor, "user.added", {"user": str(user_id), "name": name}, detail={"roles": roles, "kind": kind})
    return user_id


def set_user(
    tx: Tx,
    actor: Actor,
    user_id: UUID,
    *,
    roles: list[str] | None = None,
    display_name: str | None = None,
    disabled: bool | None = None,
) -> None:
    """Changes a user; disabling ends the sessions."""
    require(actor, "user.manage")
    if roles is not None:
        _check_roles(actor, roles)
    guard_operator(tx, actor, user_id)
    if disabled and str(user_id) == actor.id:
        raise Conflict("you cannot disable yourself", code="self_disable")
    row = tx.execute(
        "update app_user set roles = coalesce(%s, roles), display_name = coalesce(%s, display_name), "
        "everywhere = everywhere or coalesce(%s::text[] && %s, false), "
        "disabled_at = case when %s::boolean is null then disabled_at when %s then %s else null end "
        "where id = %s and tenant_id = %s returning 1",
        (roles, display_name, roles, list(OF_ALL_SITES), disabled, disabled, now(), user_id, actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Absent("no such user", code="no_user")
    if disabled:
        tx.execute("update session set revoked_at = %s where user_id = %s and revoked_at is null", (now(), user_id))
    note(tx, actor, "user.changed", {"user": str(user_id)}, detail={"roles": roles, "disabled": disabled})


def users(tx: Tx, actor: Actor, *, user_id: UUID | None = None) -> list[dict[str, Any]]:
    """Everybody, or the one who is named."""
    require(actor, "user.manage")
    rows = tx.execute(
        "select id, name, display_name, roles, disabled_at, password_hash is not null, "
        "(select max(last_seen_at) from session s where s.user_id = u.id), kind, coalesce(split_part(outside, ':', 1), ''), "
        "totp_sealed is not null, (select count(*) from passkey k where k.user_id = u.id), "
        "(select count(*) from session s where s.user_id = u.id and s.revoked_at is null and s.expires_at > now()), "
        "everywhere, site_ids, department_ids, clearances, must_enrol, "
        "(select count(*) from recovery_code r where r.user_id = u.id and r.used_at is null) "
        "from app_user u where tenant_id = %s and (%s::uuid is null or id = %s) order by name",
        (actor.tenant_id, user_id, user_id),
    )
    keys = (
        "id",
        "name",
        "display_name",
        "roles",
        "disabled_at",
        "has_password",
        "last_seen_at",
        "kind",
        "directory",
        "has_totp",
        "passkeys",
        "sessions",
        "everywhere",
        "site_ids",
        "department_ids",
        "clearances",
        "must_enrol",
        "recovery_left",
    )
    return [dict(zip(keys, row, strict=True)) for row in rows]


def issue_link(tx: Tx, actor: Actor, name: str, *, minutes: float = 60.0) -> str:
    """A one-time sign-in code for a user."""
    require(actor, "user.manage")
    row = tx.execute(
        "select id from app_user where tenant_id = %s and name = %s and disabled_at is null", (actor.tenant_id, name)
    ).fetchone()
    if row is None:
        raise Absent("no such user", code="no_user")
    guard_operator(tx, actor, row[0])
    code = new_secret(24)
    tx.execute(
        "insert into sign_in_link (code_hash, user_id, created_at, expires_at) values (%s,%s,%s,%s)",
        (digest(code), row[0], now(), now() + timedelta(minutes=minutes)),
    )
    note(tx, actor, "link.issued", {"user": str(row[0])})
    return code


def actor_of_user(tx: Tx, actor: Actor, user_id: UUID) -> Actor:
    """The person as it would stand after signing in now; Absent when there is none."""
    require(actor, "user.manage")
    row = tx.execute(
        f"select u.tenant_id, u.name, u.roles, {USER_COLUMNS} from app_user u where u.id = %s and u.tenant_id = %s",
        (user_id, actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Absent("no such user", code="no_user")
    return user_actor(user_id, row[1], row[0], row[2], "", user_scope(tx, row[0], row[3:]))


def user_actor(user_id: UUID, name: str, tenant_id: int, roles: list[str], address: str, scope: Scope) -> Actor:
    permissions = frozenset[str]().union(*(ROLES.get(role, frozenset()) for role in roles))
    return Actor("user", str(user_id), name, tenant_id, permissions, address, tuple(roles), scope)


def guard_operator(tx: Tx, actor: Actor, user_id: UUID) -> None:
    """Who may manage people of an organisation must not come to run the installation by the account of one who does."""
    row = tx.execute(
        "select 'operator' = any(roles) from app_user where id = %s and tenant_id = %s", (user_id, actor.tenant_id)
    ).fetchone()
    if row == (True,) and actor.id != str(user_id):
        require(actor, "tenant.manage")


def _check_roles(actor: Actor, roles: list[str]) -> None:
    if not roles or set(roles) - set(ROLES):
        raise Invalid(f"roles must be of: {', '.join(ROLES)}", code="bad_role")
    if any(ROLES[role] & OPERATING for role in roles) and not allowed(actor, "tenant.manage"):
        raise Refused(
            "only who runs the installation makes operators, and only in the first organisation", code="not_allowed"
        )
