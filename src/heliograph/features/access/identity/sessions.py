"""Sessions of people and of stations: how they begin, what state they are in, how they end.

`open` may everything that the person may. `locked` is kept for its person and does nothing until that person is back. `enrolling` may only
set up the second factor that the site wants. Stations (a screen in a theatre or a meeting room) are never locked and only look.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.features.access._digests import digest
from heliograph.features.access.identity.lockout import Lockout
from heliograph.features.access.identity.people import user_actor
from heliograph.features.access.model import Actor
from heliograph.features.access.policy import note, require
from heliograph.features.access.scopes import USER_COLUMNS, user_scope
from heliograph.kit.errors import Absent, NotSignedIn, Refused
from heliograph.kit.ids import new_secret
from heliograph.kit.time import now

State = Literal["open", "locked", "enrolling"]
Way = Literal["password", "link", "second", "passkey", "oidc", "ldap"]
_TOUCH_EVERY = timedelta(minutes=1)
_STATION_HOURS = 365 * 24.0
_STATION_MAY: frozenset[str] = frozenset({"study.read"})
_SECOND = "(u.totp_sealed is not null or exists(select 1 from passkey k where k.user_id = u.id))"


@dataclass(frozen=True, slots=True)
class SignInRules:
    """What the site wants of everybody who signs in."""

    hours: float = 12.0
    second_factor: Literal["optional", "required"] = "optional"
    idle_lock_minutes: float = 0.0
    step_up_minutes: float = 10.0
    lockout: Lockout = field(default=Lockout())


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser; `token` goes into the cookie and is known to nobody else."""

    actor: Actor
    token: str
    csrf: str
    expires_at: datetime
    display_name: str
    needs_password: bool = False
    state: State = "open"
    kind: Literal["person", "station"] = "person"
    way: str = ""
    proven_at: datetime | None = None

    @property
    def id(self) -> str:
        """For lists; of no use to whoever wants in."""
        return session_id(digest(self.token))


def session_id(token_hash: bytes) -> str:
    return token_hash[:12].hex()


def open_session(tx: Tx, user_id: UUID, address: str, rules: SignInRules, way: Way, *, agent: str = "") -> Session:
    """The person was made sure of. Raises NotSignedIn when it is disabled."""
    row = tx.execute(
        "select u.tenant_id, u.name, coalesce(u.disabled_at, t.closed_at), u.kind from app_user u join tenant t on t.id = u.tenant_id where u.id = %s",
        (user_id,),
    ).fetchone()
    if row is None or row[2] is not None:
        raise NotSignedIn("the user is disabled", code="user_disabled")
    token, at = new_secret(32), now()
    is_station = row[3] == "station"
    tx.execute(
        "insert into session (token_hash, user_id, csrf, address, created_at, last_seen_at, expires_at, way, agent, active_at, proven_at) "
        "values (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        (
            digest(token), user_id, new_secret(18), address, at, at, at + timedelta(hours=_STATION_HOURS if is_station else rules.hours),
            way, _browser(agent), at, None if is_station else at,
        ),
    )  # fmt: skip
    session = session_of_token(tx, token, address, rules)
    note(tx, session.actor, "signed_in", {"user": str(user_id)}, detail={"way": way})
    return session


def session_of_token(tx: Tx, token: str, address: str, rules: SignInRules) -> Session:
    """The session behind a cookie, in any state; raises NotSignedIn."""
    row = tx.execute(
        "select s.user_id, s.csrf, s.expires_at, s.last_seen_at, s.way, s.active_at, s.proven_at, s.locked_at, s.created_at, "
        f"u.tenant_id, u.name, u.display_name, u.roles, u.password_hash is null and u.outside is null, u.kind, {_SECOND}, u.must_enrol, {USER_COLUMNS} "
        "from session s join app_user u on u.id = s.user_id join tenant t on t.id = u.tenant_id and t.closed_at is null "
        "where s.token_hash = %s and s.revoked_at is null and s.expires_at > %s and u.disabled_at is null",
        (digest(token), now()),
    ).fetchone()
    if row is None:
        raise NotSignedIn("the session has ended; sign in again", code="session_ended")
    user_id, csrf, expires_at, seen, way, active, proven, locked, created = row[:9]
    tenant_id, name, display_name, roles, needs_password, kind, has_second, must_enrol = row[9:17]
    if now() - seen > _TOUCH_EVERY:
        tx.execute("update session set last_seen_at = %s where token_hash = %s", (now(), digest(token)))
    actor = user_actor(user_id, name, tenant_id, roles, address, user_scope(tx, tenant_id, row[17:]))
    state: State = "open"
    if kind == "station":
        actor = _looking_only(actor)
    elif locked is not None:
        state = "locked"
    elif rules.idle_lock_minutes and now() - (active or created) > timedelta(minutes=rules.idle_lock_minutes):
        state = "locked"
        _lock(tx, actor, token, "idle")
    elif must_enrol or (rules.second_factor == "required" and not has_second and way not in {"oidc", "passkey"}):
        state = "enrolling"
    return Session(
        actor, token, csrf, expires_at, display_name, needs_password and kind == "person", state, kind, way, proven
    )


def session_actor(tx: Tx, token: str, address: str, rules: SignInRules = SignInRules()) -> Session:
    """The session behind a cookie that may act; raises NotSignedIn, or Refused when it is locked or enrolling."""
    session = session_of_token(tx, token, address, rules)
    require_open(session)
    return session


def require_open(session: Session) -> None:
    if session.state == "locked":
        raise Refused("the screen is locked; show that you are back", code="locked")
    if session.state == "enrolling":
        raise Refused("this site wants a second factor; set one up first", code="second_factor_wanted")


def fresh(session: Session, rules: SignInRules) -> None:
    """Raises Refused (step_up_needed) when the person was not made sure of within the site's time."""
    since = session.proven_at
    if since is None or now() - since > timedelta(minutes=rules.step_up_minutes):
        raise Refused("show once more that it is you", code="step_up_needed")


def note_proof(tx: Tx, session: Session, way: str) -> None:
    """The person was made sure of again: acts that want it fresh are open for a time, and so is a locked screen."""
    was_locked = session.state == "locked"
    tx.execute(
        "update session set proven_at = %(at)s, active_at = %(at)s, locked_at = null where token_hash = %(token)s",
        {"at": now(), "token": digest(session.token)},
    )
    note(
        tx,
        session.actor,
        "session.unlocked" if was_locked else "session.proven",
        _subject(session),
        detail={"way": way},
    )


def note_activity(tx: Tx, session: Session) -> None:
    """A person moved something."""
    require_open(session)
    tx.execute("update session set active_at = %s where token_hash = %s", (now(), digest(session.token)))


def lock_session(tx: Tx, session: Session) -> None:
    """Locks the own screen. Nothing to do when it is; a station has no lock."""
    if session.state == "open" and session.kind == "person":
        _lock(tx, session.actor, session.token, "person")


def sign_out(tx: Tx, session: Session) -> None:
    tx.execute("update session set revoked_at = %s where token_hash = %s", (now(), digest(session.token)))
    note(tx, session.actor, "signed_out", {})


def sessions_of(tx: Tx, actor: Actor, user_id: UUID) -> list[dict[str, Any]]:
    """Where a person is signed in; of others it needs user.manage."""
    _own_or_managed(tx, actor, user_id)
    rows = tx.execute(
        "select token_hash, way, agent, address, created_at, last_seen_at, expires_at, locked_at is not null from session "
        "where user_id = %s and revoked_at is null and expires_at > %s order by last_seen_at desc",
        (user_id, now()),
    )
    keys = ("way", "agent", "address", "created_at", "last_seen_at", "expires_at", "is_locked")
    return [{"id": session_id(row[0]), **dict(zip(keys, row[1:], strict=True))} for row in rows]


def end_session(tx: Tx, actor: Actor, user_id: UUID, which: str) -> None:
    """Ends one session of a person."""
    _own_or_managed(tx, actor, user_id)
    row = tx.execute(
        "update session set revoked_at = %s where user_id = %s and revoked_at is null and expires_at > %s "
        "and encode(substring(token_hash for 12), 'hex') = %s returning 1",
        (now(), user_id, now(), which),
    ).fetchone()
    if row is None:
        raise Absent("no such session", code="no_session_of_that_id")
    note(tx, actor, "session.ended", {"user": str(user_id), "session": which})


def end_sessions(tx: Tx, actor: Actor, user_id: UUID, *, but: Session | None = None) -> int:
    """Ends every session of a person, `but` one; how many there were."""
    _own_or_managed(tx, actor, user_id)
    count = tx.execute(
        "update session set revoked_at = %s where user_id = %s and revoked_at is null and expires_at > %s and token_hash <> %s",
        (now(), user_id, now(), digest(but.token) if but else b""),
    ).rowcount
    note(tx, actor, "session.ended", {"user": str(user_id)}, detail={"count": count})
    return count


def _own_or_managed(tx: Tx, actor: Actor, user_id: UUID) -> None:
    if actor.kind == "user" and actor.id == str(user_id):
        return
    require(actor, "user.manage")
    if (
        tx.execute("select 1 from app_user where id = %s and tenant_id = %s", (user_id, actor.tenant_id)).fetchone()
        is None
    ):
        raise Absent("no such user", code="no_user")


def _lock(tx: Tx, actor: Actor, token: str, cause: str) -> None:
    row = tx.execute(
        "update session set locked_at = %s where token_hash = %s and locked_at is null returning 1",
        (now(), digest(token)),
    ).fetchone()
    if row is not None:
        note(tx, actor, "session.locked", {"session": session_id(digest(token))}, detail={"cause": cause})


def _looking_only(actor: Actor) -> Actor:
    return Actor(
        actor.kind, actor.id, actor.name, actor.tenant_id, actor.permissions & _STATION_MAY, actor.address, actor.roles, actor.scope
    )  # fmt: skip


def _subject(session: Session) -> dict[str, Any]:
    return {"user": session.actor.id, "session": session.id}


def _browser(agent: str) -> str:
    """The browser as it calls itself, short and without what a database cannot hold."""
    return "".join(c if c.isprintable() else " " for c in agent[:200])
