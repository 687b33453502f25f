"""Users, sessions, one-time links, tokens.

Secrets are stored as digests: argon2id for passwords, SHA-256 for the random ones. Hashing is bounded to two at a time, because
each takes 64 MiB and a flood of sign-ins must not eat the memory.
"""

import functools
import hashlib
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from heliograph.engine.db import Tx
from heliograph.features.access.model import ALL, ROLES, Actor, Scope
from heliograph.features.access.policy import note, require
from heliograph.features.access.scopes import MACHINE_COLUMNS, USER_COLUMNS, machine_scope, user_scope
from heliograph.kit.errors import Absent, Conflict, Invalid, NotSignedIn, Refused
from heliograph.kit.ids import new_id, new_secret
from heliograph.kit.time import now

_hasher = PasswordHasher()
_hashing = threading.BoundedSemaphore(2)
_MIN_PASSWORD = 10
_LOCK_AFTER = 8
_LOCK_FOR = timedelta(minutes=5)
_TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser; `token` goes into the cookie and is known to nobody else."""

    actor: Actor
    token: str
    csrf: str
    expires_at: datetime
    display_name: str
    needs_password: bool = False


def _plain(name: str) -> str:
    """A name as it may be looked up and recorded: bounded, without what a database cannot hold."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name[:64])


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def add_user(
    tx: Tx, actor: Actor, name: str, roles: list[str], *, display_name: str = "", password: str | None = None
) -> UUID:
    """Raises Invalid for an unknown role or an unfit name, Conflict when the name is taken."""
    require(actor, "user.manage")
    name = name.strip()
    if not 1 <= len(name) <= 64 or not name.isprintable():
        raise Invalid("name must have 1 to 64 printable characters", code="bad_name")
    _check_roles(roles)
    user_id = new_id()
    row = tx.execute(
        "insert into app_user (id, tenant_id, name, display_name, password_hash, roles, everywhere, site_ids) "
        "values (%s,%s,%s,%s,%s,%s,%s,%s) on conflict (tenant_id, name) do nothing returning id",
        (
            user_id, actor.tenant_id, name, display_name or name, _hash(password) if password else None, roles, "admin" in roles,
            [actor.scope.home_site],
        ),
    ).fetchone()  # fmt: skip
    if row is None:
        raise Conflict("a user of this name exists", code="user_exists")
    note(tx, actor, "user.added", {"user": str(user_id), "name": name}, detail={"roles": roles})
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
        _check_roles(roles)
    if disabled and str(user_id) == actor.id:
        raise Conflict("you cannot disable yourself", code="self_disable")
    row = tx.execute(
        "update app_user set roles = coalesce(%s, roles), display_name = coalesce(%s, display_name), "
        "disabled_at = case when %s::boolean is null then disabled_at when %s then %s else null end "
        "where id = %s and tenant_id = %s returning 1",
        (roles, display_name, disabled, disabled, now(), user_id, actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Absent("no such user", code="no_user")
    if disabled:
        tx.execute("update session set revoked_at = %s where user_id = %s and revoked_at is null", (now(), user_id))
    note(tx, actor, "user.changed", {"user": str(user_id)}, detail={"roles": roles, "disabled": disabled})


def users(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    require(actor, "user.manage")
    rows = tx.execute(
        "select id, name, display_name, roles, disabled_at, password_hash is not null, "
        "(select max(last_seen_at) from session s where s.user_id = u.id) from app_user u where tenant_id = %s order by name",
        (actor.tenant_id,),
    )
    keys = ("id", "name", "display_name", "roles", "disabled_at", "has_password", "last_seen_at")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def issue_link(tx: Tx, actor: Actor, name: str, *, minutes: float = 60.0) -> str:
    """A one-time sign-in code for a user."""
    require(actor, "user.manage")
    row = tx.execute(
        "select id from app_user where tenant_id = %s and name = %s and disabled_at is null", (actor.tenant_id, name)
    ).fetchone()
    if row is None:
        raise Absent("no such user", code="no_user")
    code = new_secret(24)
    tx.execute(
        "insert into sign_in_link (code_hash, user_id, created_at, expires_at) values (%s,%s,%s,%s)",
        (_digest(code), row[0], now(), now() + timedelta(minutes=minutes)),
    )
    note(tx, actor, "link.issued", {"user": str(row[0])})
    return code


def sign_in(tx: Tx, name: str, password: str, address: str, *, hours: float) -> Session:
    """Raises NotSignedIn with one sentence for every cause; eight failures lock the name for five minutes."""
    row = tx.execute(
        "select id, password_hash, disabled_at, locked_until, failed_count, tenant_id from app_user where tenant_id = 1 and name = %s",
        (_plain(name),),
    ).fetchone()
    locked = row is not None and row[3] is not None and row[3] > now()
    good = _verify(row[1] if row and row[1] else _nobody(), password)
    if row is None or row[1] is None or row[2] is not None or locked or not good:
        raise NotSignedIn("name or password is wrong, or the name is locked for some minutes", code="sign_in_failed")
    tx.execute("update app_user set failed_count = 0, locked_until = null where id = %s", (row[0],))
    return _open(tx, row[0], address, hours, "password")


def note_failure(tx: Tx, name: str, address: str) -> None:
    """Counts a failed sign-in in a transaction that stays, whatever became of the attempt's own."""
    tx.execute(
        "update app_user set failed_count = failed_count + 1, "
        "locked_until = case when failed_count + 1 >= %s then %s else locked_until end where tenant_id = 1 and name = %s",
        (_LOCK_AFTER, now() + _LOCK_FOR, _plain(name)),
    )
    nobody = Actor("user", "", _plain(name), 1, frozenset(), address)
    note(tx, nobody, "signed_in", {}, outcome="refused")


def sign_in_by_link(tx: Tx, code: str, address: str, *, hours: float) -> Session:
    """Spends a one-time code; raises NotSignedIn when it is unknown, used or old."""
    row = tx.execute(
        "update sign_in_link set used_at = %s where code_hash = %s and used_at is null and expires_at > %s returning user_id",
        (now(), _digest(code), now()),
    ).fetchone()
    if row is None:
        raise NotSignedIn("this link was used or is too old; ask for a new one", code="link_spent")
    return _open(tx, row[0], address, hours, "link")


def note_link_failure(tx: Tx, address: str) -> None:
    """Somebody tried a code that is unknown, used or old; in a transaction that stays."""
    nobody = Actor("user", "", "", 1, frozenset(), address)
    note(tx, nobody, "signed_in", {}, outcome="refused", detail={"way": "link"})


def session_actor(tx: Tx, token: str, address: str) -> Session:
    """The session behind a cookie; raises NotSignedIn."""
    row = tx.execute(
        "select s.user_id, s.csrf, s.expires_at, s.last_seen_at, u.tenant_id, u.name, u.display_name, u.roles, u.password_hash is null, "
        f"{USER_COLUMNS} from session s join app_user u on u.id = s.user_id "
        "where s.token_hash = %s and s.revoked_at is null and s.expires_at > %s and u.disabled_at is null",
        (_digest(token), now()),
    ).fetchone()
    if row is None:
        raise NotSignedIn("the session has ended; sign in again", code="session_ended")
    if now() - row[3] > _TOUCH_EVERY:
        tx.execute("update session set last_seen_at = %s where token_hash = %s", (now(), _digest(token)))
    actor = _user_actor(row[0], row[5], row[4], row[7], address, user_scope(tx, row[4], row[9:]))
    return Session(actor, token, row[1], row[2], row[6], row[8])


def actor_of_user(tx: Tx, actor: Actor, user_id: UUID) -> Actor:
    """The person as it would stand after signing in now; Absent when there is none."""
    require(actor, "user.manage")
    row = tx.execute(
        f"select u.tenant_id, u.name, u.roles, {USER_COLUMNS} from app_user u where u.id = %s and u.tenant_id = %s",
        (user_id, actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Absent("no such user", code="no_user")
    return _user_actor(user_id, row[1], row[0], row[2], "", user_scope(tx, row[0], row[3:]))


def sign_out(tx: Tx, session: Session) -> None:
    tx.execute("update session set revoked_at = %s where token_hash = %s", (now(), _digest(session.token)))
    note(tx, session.actor, "signed_out", {})


def change_password(tx: Tx, session: Session, new: str, current: str | None) -> None:
    """Sets a password; the current one must be given when there is one. Other sessions of the person end."""
    row = tx.execute("select password_hash from app_user where id = %s", (session.actor.id,)).fetchone()
    if row is None:
        raise Absent("no such user", code="no_user")
    if row[0] is not None and not _verify(row[0], current or ""):
        raise Refused("the current password is wrong", code="wrong_password")
    if len(new) < _MIN_PASSWORD or len(new) > 1024:
        raise Invalid(f"new must have {_MIN_PASSWORD} characters or more", code="weak_password")
    tx.execute("update app_user set password_hash = %s where id = %s", (_hash(new), session.actor.id))
    tx.execute(
        "update session set revoked_at = %s where user_id = %s and token_hash <> %s and revoked_at is null",
        (now(), session.actor.id, _digest(session.token)),
    )
    note(tx, session.actor, "password.changed", {"user": session.actor.id})


def issue_token(tx: Tx, actor: Actor, name: str, scopes: list[str], *, days: float | None = None) -> str:
    """A bearer token for a program; shown once. `all` stands for every permission."""
    require(actor, "user.manage")
    unknown = sorted(set(scopes) - ALL - {"all"})
    if unknown or not scopes:
        raise Invalid(f"scope must be `all` or of: {', '.join(sorted(ALL))}", code="bad_scope")
    token = "hg_" + new_secret(32)
    expires = now() + timedelta(days=days) if days else None
    token_id = new_id()
    tx.execute(
        "insert into api_token (id, tenant_id, name, token_hash, scopes, created_at, expires_at) values (%s,%s,%s,%s,%s,%s,%s)",
        (token_id, actor.tenant_id, name[:64], _digest(token), scopes, now(), expires),
    )
    note(tx, actor, "token.issued", {"token": str(token_id), "name": name[:64]}, detail={"scopes": scopes})
    return token


def tokens(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    require(actor, "user.manage")
    rows = tx.execute(
        "select id, name, scopes, created_at, expires_at, revoked_at, last_used_at from api_token where tenant_id = %s order by created_at desc",
        (actor.tenant_id,),
    )
    keys = ("id", "name", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def revoke_token(tx: Tx, actor: Actor, token_id: UUID) -> None:
    require(actor, "user.manage")
    row = tx.execute(
        "update api_token set revoked_at = %s where id = %s and tenant_id = %s and revoked_at is null returning 1",
        (now(), token_id, actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Absent("no such token", code="no_token")
    note(tx, actor, "token.revoked", {"token": str(token_id)})


def token_actor(tx: Tx, token: str, address: str) -> Actor:
    """The program behind a bearer token; raises NotSignedIn."""
    row = tx.execute(
        f"select t.id, t.tenant_id, t.name, t.scopes, t.last_used_at, {MACHINE_COLUMNS.format(row='t')} from api_token t "
        "where t.token_hash = %s and t.revoked_at is null and (t.expires_at is null or t.expires_at > %s)",
        (_digest(token), now()),
    ).fetchone()
    if row is None:
        raise NotSignedIn("the token is unknown, revoked or too old", code="bad_token")
    if row[4] is None or now() - row[4] > _TOUCH_EVERY:
        tx.execute("update api_token set last_used_at = %s where id = %s", (now(), row[0]))
    scopes = ALL if "all" in row[3] else frozenset(row[3])
    return Actor("token", str(row[0]), row[2], row[1], scopes, address, scope=machine_scope(tx, row[1], row[5:]))


def _open(tx: Tx, user_id: UUID, address: str, hours: float, way: str) -> Session:
    row = tx.execute(
        "select u.tenant_id, u.name, u.display_name, u.roles, u.password_hash is null, u.disabled_at, "
        f"{USER_COLUMNS} from app_user u where u.id = %s",
        (user_id,),
    ).fetchone()
    if row is None or row[5] is not None:
        raise NotSignedIn("the user is disabled", code="user_disabled")
    token, csrf = new_secret(32), new_secret(18)
    at = now()
    expires = at + timedelta(hours=hours)
    tx.execute(
        "insert into session (token_hash, user_id, csrf, address, created_at, last_seen_at, expires_at) values (%s,%s,%s,%s,%s,%s,%s)",
        (_digest(token), user_id, csrf, address, at, at, expires),
    )
    actor = _user_actor(user_id, row[1], row[0], row[3], address, user_scope(tx, row[0], row[6:]))
    note(tx, actor, "signed_in", {"user": str(user_id)}, detail={"way": way})
    return Session(actor, token, csrf, expires, row[2], row[4])


def _user_actor(user_id: UUID, name: str, tenant_id: int, roles: list[str], address: str, scope: Scope) -> Actor:
    permissions = frozenset[str]().union(*(ROLES.get(role, frozenset()) for role in roles))
    return Actor("user", str(user_id), name, tenant_id, permissions, address, tuple(roles), scope)


def _check_roles(roles: list[str]) -> None:
    if not roles or set(roles) - set(ROLES):
        raise Invalid(f"roles must be of: {', '.join(ROLES)}", code="bad_role")


@functools.cache
def _nobody() -> str:
    """Verified when no such user exists, so that the answer takes as long (no user enumeration by time)."""
    return _hasher.hash(new_secret())


def _hash(password: str) -> str:
    with _hashing:
        return _hasher.hash(password)


def _verify(stored: str, password: str) -> bool:
    with _hashing:
        try:
            return _hasher.verify(stored, password)
        except VerificationError:
            return False
