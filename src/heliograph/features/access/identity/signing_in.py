"""From a claim to a session: password or link and then the second factor, or a passkey alone; and the proofs inside a session.

Each way is two transactions: one counts the attempt and stays, one looks at what was brought. Every refusal of a first factor is the
same sentence and costs the same work.
"""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.engine.secrets import Vault
from heliograph.engine.telemetry import trouble
from heliograph.features.access._digests import digest, fits, hashed
from heliograph.features.access.identity.lockout import begin_attempt, forget_attempts
from heliograph.features.access.identity.outside import House, Statement, come_in, in_tenant
from heliograph.features.access.identity.passkeys import RelyingParty, ask_passkey, check_passkey
from heliograph.features.access.identity.people import plain
from heliograph.features.access.identity.second_factor import (
    password_fits,
    pin_fits,
    use_recovery_code,
    use_totp,
    ways_of,
)
from heliograph.features.access.identity.sessions import (
    Session,
    SignInRules,
    Way,
    end_sessions,
    note_proof,
    open_session,
)
from heliograph.features.access.identity.steps import open_step, read_step, take_step
from heliograph.features.access.model import HOUSE, Actor
from heliograph.features.access.policy import note
from heliograph.features.access.tenants import person_meant
from heliograph.kit.errors import Absent, Broken, Invalid, NotSignedIn, Refused
from heliograph.kit.time import now

_MIN_PASSWORD = 10
_WRONG = "name or password is wrong, or the name is locked for some minutes"
Proving = Literal["password", "pin", "totp", "recovery", "passkey"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a person brings: the way, and the word or the device's answer to a step."""

    way: Proving
    value: str = ""
    step: str = ""
    answer: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class HalfWay:
    """The first factor was right and there is a second: the step to answer, and by which ways."""

    step: str
    ways: tuple[str, ...]
    passkey: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The browser that asks."""

    address: str
    agent: str = ""
    party: RelyingParty | None = None
    host: str = ""


def count_sign_in(tx: Tx, name: str, window: Window, rules: SignInRules) -> bool:
    """To be committed before `sign_in`, which is told the answer."""
    tenant_id, name = person_meant(tx, name, window.host)
    is_known = _has_account(tx, tenant_id, name)
    return begin_attempt(tx, account_of(tenant_id, name), window.address, rules.lockout, is_known=is_known)


def sign_in(
    tx: Tx, name: str, password: str, window: Window, rules: SignInRules, *, let_in: bool = True
) -> Session | HalfWay:
    """Raises NotSignedIn with one sentence for every cause."""
    tenant_id, name = person_meant(tx, name, window.host)
    row = tx.execute(
        "select id, password_hash, disabled_at, kind, must_enrol from app_user where tenant_id = %s and name = %s",
        (tenant_id, plain(name)),
    ).fetchone()
    good = fits(row[1] if row else None, password)
    if row is None or row[2] is not None or row[3] != "person" or row[4] or not good or not let_in:
        raise NotSignedIn(_WRONG, code="sign_in_failed")
    forget_attempts(tx, account_of(tenant_id, name))
    return _second(tx, row[0], window, rules, "password")


def sign_in_by_directory(
    tx: Tx, house: House, said: Statement, name: str, window: Window, rules: SignInRules
) -> Session | HalfWay:
    """A person whom the directory has made sure of by its password; the second factor that it has here is asked for."""
    tenant_id, name = person_meant(tx, name, window.host)
    user_id = come_in(tx, in_tenant(tx, house, tenant_id), said)
    forget_attempts(tx, account_of(tenant_id, name))
    return _second(tx, user_id, window, rules, "ldap")


def note_failure(tx: Tx, vault: Vault, name: str, window: Window, way: str = "password") -> None:
    """A failed sign-in, in a transaction that stays whatever became of the attempt's own; told to the organisation that was meant. Of a name
    that nobody has only a mark goes on record: people type passwords into the wrong field (docs/decisions/0012)."""
    tenant_id, name = person_meant(tx, name, window.host)
    name, mark = plain(name), _mark(vault, plain(name))
    shown = name if not name or _has_account(tx, tenant_id, name) else mark
    nobody = Actor("user", "", shown, tenant_id or HOUSE, frozenset(), window.address)
    note(tx, nobody, "signed_in", {}, outcome="refused", detail={"way": way})


def _mark(vault: Vault, name: str) -> str:
    """By which equal names are seen to be equal by whoever has not the key; without a key, nothing."""
    try:
        return "?" + vault.mark(name, "names that nobody has")
    except (Broken, OSError) as error:
        trouble("name_not_marked", error)
        return "?"


def _has_account(tx: Tx, tenant_id: int, name: str) -> bool:
    row = tx.execute("select 1 from app_user where tenant_id = %s and name = %s", (tenant_id, plain(name))).fetchone()
    return row is not None


def sign_in_by_link(tx: Tx, code: str, window: Window, rules: SignInRules) -> Session | HalfWay:
    """Spends a one-time code; raises NotSignedIn when it is unknown, used or old."""
    row = tx.execute(
        "update sign_in_link set used_at = %s where code_hash = %s and used_at is null and expires_at > %s returning user_id",
        (now(), digest(code), now()),
    ).fetchone()
    if row is None:
        raise NotSignedIn("this link was used or is too old; ask for a new one", code="link_spent")
    return _second(tx, row[0], window, rules, "link")


def count_second(tx: Tx, step: str, window: Window, rules: SignInRules) -> bool:
    """To be committed before `sign_in_second`, which is told the answer."""
    begun = read_step(tx, step, "second")
    return begin_attempt(tx, f"second {begun.user_id}", window.address, rules.lockout)


def sign_in_second(
    tx: Tx, vault: Vault, step: str, proof: Proof, window: Window, rules: SignInRules, *, let_in: bool = True
) -> Session:
    """The second factor after the first. A wrong code may be tried again until the step is old or the limit reached."""
    begun = read_step(tx, step, "second")
    assert begun.user_id is not None
    actor = Actor(
        "user", str(begun.user_id), begun.detail["name"], begun.detail["tenant_id"], frozenset(), window.address
    )
    if proof.way not in {"totp", "recovery", "passkey"} or not let_in or not _holds(tx, vault, actor, proof):
        raise NotSignedIn("the code is wrong or was used; wait for the next one", code="second_failed")
    take_step(tx, step, "second")
    forget_attempts(tx, f"second {begun.user_id}")
    return open_session(tx, begun.user_id, window.address, rules, "second", agent=window.agent)


def sign_in_by_passkey(tx: Tx, proof: Proof, window: Window, rules: SignInRules) -> Session:
    """A passkey alone: something the person has, opened by something it is or knows."""
    user_id = check_passkey(tx, proof.step, proof.answer or {})
    return open_session(tx, user_id, window.address, rules, "passkey", agent=window.agent)


def count_proof(tx: Tx, session: Session, rules: SignInRules) -> bool:
    """To be committed before `prove`, which is told the answer."""
    return begin_attempt(tx, f"proof {session.actor.id}", session.actor.address, rules.lockout)


def prove(
    tx: Tx, vault: Vault, session: Session, proof: Proof, *, let_in: bool = True, is_vouched: bool = False
) -> None:
    """Makes sure of the person of a session once more; opens a locked one. Raises Refused. `is_vouched`: the directory took the password."""
    if session.kind == "station":
        raise Refused("a station is nobody who could prove anything", code="station")
    if not let_in or proof.way == "recovery" or not (is_vouched or _holds(tx, vault, session.actor, proof)):
        raise Refused("that is not right, or was tried too often", code="proof_failed")
    forget_attempts(tx, f"proof {session.actor.id}")
    note_proof(tx, session, proof.way)


def note_failed_proof(tx: Tx, session: Session, way: str) -> None:
    """In a transaction that stays."""
    note(tx, session.actor, "session.proven", {"user": session.actor.id}, outcome="refused", detail={"way": way})


def change_password(tx: Tx, session: Session, new: str, current: str | None) -> None:
    """Sets a password; the current one must be given when there is one. Other sessions of the person end."""
    row = tx.execute("select password_hash, outside from app_user where id = %s", (session.actor.id,)).fetchone()
    if row is None or session.kind != "person":
        raise Absent("no such user", code="no_user")
    if row[1] is not None:
        raise Refused("the password of this person is kept elsewhere", code="password_elsewhere")
    if row[0] is not None and not fits(row[0], current or ""):
        raise Refused("the current password is wrong", code="wrong_password")
    if len(new) < _MIN_PASSWORD or len(new) > 1024:
        raise Invalid(f"new must have {_MIN_PASSWORD} characters or more", code="weak_password")
    tx.execute("update app_user set password_hash = %s where id = %s", (hashed(new), session.actor.id))
    end_sessions(tx, session.actor, UUID(session.actor.id), but=session)
    note(tx, session.actor, "password.changed", {"user": session.actor.id})


def _second(tx: Tx, user_id: UUID, window: Window, rules: SignInRules, way: Way) -> Session | HalfWay:
    has = ways_of(tx, user_id)
    ways = [
        name
        for name, there in (("passkey", has["passkeys"]), ("totp", has["totp"]), ("recovery", has["recovery_left"]))
        if there
    ]
    if not has["totp"] and not has["passkeys"]:
        return open_session(tx, user_id, window.address, rules, way, agent=window.agent)
    row = tx.execute("select name, tenant_id, disabled_at from app_user where id = %s", (user_id,)).fetchone()
    if row is None or row[2] is not None:
        raise NotSignedIn("the user is disabled", code="user_disabled")
    step = open_step(tx, "second", window.address, {"name": row[0], "tenant_id": row[1], "way": way}, user_id)
    asked = None
    if has["passkeys"] and window.party is not None:
        key_step, options = ask_passkey(tx, window.party, window.address, user_id)
        asked = {"step": key_step, "options": options}
    return HalfWay(step, tuple(ways), asked)


def _holds(tx: Tx, vault: Vault, actor: Actor, proof: Proof) -> bool:
    if proof.way == "password":
        return password_fits(tx, actor.id, proof.value)
    if proof.way == "pin":
        return pin_fits(tx, actor.id, proof.value)
    if proof.way == "totp":
        return use_totp(tx, vault, actor.id, proof.value)
    if proof.way == "recovery":
        return use_recovery_code(tx, actor, proof.value)
    try:
        return str(check_passkey(tx, proof.step, proof.answer or {})) == actor.id
    except NotSignedIn:
        return False


def account_of(tenant_id: int, name: str) -> str:
    return f"name {tenant_id} {plain(name)}"
