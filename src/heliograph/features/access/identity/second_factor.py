"""One-time codes of an authenticator app (RFC 6238), recovery codes, and the PIN that proves a person inside a session.

A code of the app counts once: the last counter is kept, and only a later one passes. One step of 30 s before and after is allowed for
clocks. Recovery codes are random and kept as digests, each for one use.
"""

import base64
import contextlib
import hmac
import secrets
from typing import Any
from uuid import UUID

import pyotp
from psycopg.errors import InsufficientPrivilege

from heliograph.engine.db import Database, Tx
from heliograph.engine.secrets import Vault
from heliograph.features.access._digests import digest, fits, hashed
from heliograph.features.access.identity.outside import subject_of
from heliograph.features.access.identity.people import guard_operator
from heliograph.features.access.identity.sessions import Session, SignInRules, end_sessions
from heliograph.features.access.identity.steps import open_step, read_step, take_step
from heliograph.features.access.model import Actor
from heliograph.features.access.policy import note, require
from heliograph.kit.errors import Absent, Conflict, Invalid, Refused
from heliograph.kit.time import now

_WINDOW = 1
_STEP_S = 30
_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is read as something else
_LEAST_PIN = 6
_MOST_PIN = 12


def begin_totp(tx: Tx, vault: Vault, session: Session, site: str) -> tuple[str, str, str]:
    """A new secret, not in force before its first code came back: the step, the secret, the address for the app's camera."""
    secret = pyotp.random_base32(32)
    kept = base64.b64encode(vault.seal(secret, _about(session.actor.id))).decode()
    step = open_step(tx, "totp.new", session.actor.address, {"sealed": kept}, session.actor.id)
    uri = pyotp.TOTP(secret).provisioning_uri(name=session.actor.name, issuer_name=site)
    return step, secret, uri


def confirm_totp(tx: Tx, vault: Vault, session: Session, step: str, code: str) -> list[str]:
    """The app shows the right code, so its secret is in force; the recovery codes, shown once."""
    begun = read_step(tx, step, "totp.new")
    if str(begun.user_id) != session.actor.id:
        raise Refused("somebody else began this", code="step_of_other")
    secret = vault.unseal(base64.b64decode(begun.detail["sealed"]), _about(session.actor.id))
    counter = _counter_of(secret, code)
    if counter is None:
        raise Invalid("the code is not the one that the app shows now; check the clock of the phone", code="wrong_code")
    take_step(tx, step, "totp.new")
    tx.execute(
        "update app_user set totp_sealed = %s, totp_since = %s, totp_counter = %s, must_enrol = false where id = %s",
        (vault.seal(secret, _about(session.actor.id)), now(), counter, session.actor.id),
    )
    note(tx, session.actor, "second_factor.added", {"user": session.actor.id}, detail={"kind": "totp"})
    return make_recovery_codes(tx, session)


def use_totp(tx: Tx, vault: Vault, user_id: UUID | str, code: str) -> bool:
    """Spends a code of the app."""
    row = tx.execute("select totp_sealed from app_user where id = %s", (user_id,)).fetchone()
    counter = _counter_of(vault.unseal(bytes(row[0]), _about(user_id)), code) if row and row[0] else None
    if counter is None:
        return False
    spent = tx.execute(
        "update app_user set totp_counter = %s where id = %s and totp_counter < %s returning 1",
        (counter, user_id, counter),
    ).fetchone()
    return spent is not None


def remove_totp(tx: Tx, session: Session, rules: SignInRules) -> None:
    """Takes the app away; the last factor stays where the site wants one."""
    if rules.second_factor == "required" and not _passkeys(tx, session.actor.id):
        raise Conflict("this site wants a second factor; add a passkey first", code="last_factor")
    row = tx.execute(
        "update app_user set totp_sealed = null, totp_since = null where id = %s and totp_sealed is not null returning 1",
        (session.actor.id,),
    ).fetchone()
    if row is None:
        raise Absent("there is no authenticator app", code="no_totp")
    if not _passkeys(tx, session.actor.id):
        tx.execute("delete from recovery_code where user_id = %s", (session.actor.id,))
    note(tx, session.actor, "second_factor.removed", {"user": session.actor.id}, detail={"kind": "totp"})


def make_recovery_codes(tx: Tx, session: Session) -> list[str]:
    """Ten new ones in place of all before; shown once."""
    codes = ["-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(2)) for _ in range(_CODES)]
    tx.execute("delete from recovery_code where user_id = %s", (session.actor.id,))
    for code in codes:
        tx.execute(
            "insert into recovery_code (user_id, code_hash) values (%s, %s)", (session.actor.id, _code_digest(code))
        )
    note(tx, session.actor, "recovery.made", {"user": session.actor.id})
    return codes


def use_recovery_code(tx: Tx, actor: Actor, code: str) -> bool:
    """Spends one."""
    row = tx.execute(
        "update recovery_code set used_at = %s where user_id = %s and code_hash = %s and used_at is null returning 1",
        (now(), actor.id, _code_digest(code)),
    ).fetchone()
    if row is not None:
        note(tx, actor, "recovery.used", {"user": actor.id})
    return row is not None


def set_pin(tx: Tx, session: Session, pin: str | None) -> None:
    """Sets, or with None removes, the PIN by which the person shows inside its session that it is there. It signs nobody in."""
    if pin is not None:
        if not (_LEAST_PIN <= len(pin) <= _MOST_PIN and pin.isascii() and pin.isdigit()):
            raise Invalid(f"the PIN must have {_LEAST_PIN} to {_MOST_PIN} digits", code="weak_pin")
        if len(set(pin)) < 3 or pin in "012345678901234567890" or pin in "98765432109876543210":
            raise Invalid("the PIN is one of the first that anybody would try", code="weak_pin")
    tx.execute("update app_user set pin_hash = %s where id = %s", (hashed(pin) if pin else None, session.actor.id))
    note(tx, session.actor, "pin.set" if pin else "pin.removed", {"user": session.actor.id})


def pin_fits(tx: Tx, user_id: str, pin: str) -> bool:
    row = tx.execute("select pin_hash from app_user where id = %s", (user_id,)).fetchone()
    return fits(row[0] if row else None, pin)


def password_fits(tx: Tx, user_id: str, password: str) -> bool:
    row = tx.execute("select password_hash from app_user where id = %s", (user_id,)).fetchone()
    return fits(row[0] if row else None, password)


def ways_of(tx: Tx, user_id: UUID | str) -> dict[str, Any]:
    """What a person has set up, for the person and for whoever asks it to prove itself."""
    row = tx.execute(
        "select password_hash is not null, pin_hash is not null, totp_since, "
        "(select count(*) from recovery_code r where r.user_id = u.id and r.used_at is null), totp_sealed is not null, outside "
        "from app_user u where id = %s",
        (user_id,),
    ).fetchone()
    assert row is not None
    return {
        "password": row[0], "pin": row[1], "totp": row[4], "totp_since": row[2], "recovery_left": row[3],
        "passkeys": _passkeys(tx, user_id), "directory": subject_of(row[5]), "oidc": (row[5] or "").startswith("oidc:"),
    }  # fmt: skip


def reset_factors(tx: Tx, actor: Actor, user_id: UUID) -> str:
    """A forgotten second factor: app, passkeys, recovery codes and PIN of a person go, its sessions end; its name, for a one-time link.

    The link is the only way back in, and what it opens is the setting up of a new one: who found the password alone gets nowhere.
    """
    require(actor, "user.manage")
    if actor.id == str(user_id):
        raise Conflict("another administrator must reset yours", code="self_reset")
    guard_operator(tx, actor, user_id)
    row = tx.execute(
        "update app_user set totp_sealed = null, totp_since = null, pin_hash = null, must_enrol = (kind = 'person' and outside is null) "
        "where id = %s and tenant_id = %s returning name",
        (user_id, actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Absent("no such user", code="no_user")
    tx.execute("delete from recovery_code where user_id = %s", (user_id,))
    gone = tx.execute("delete from passkey where user_id = %s", (user_id,)).rowcount
    tx.execute("delete from sign_in_step where user_id = %s", (user_id,))
    end_sessions(tx, actor, user_id)
    note(tx, actor, "second_factor.reset", {"user": str(user_id)}, detail={"passkeys": gone})
    return str(row[0])


def all_current(tx: Tx, vault: Vault) -> bool:
    """Whether the first key alone opens everything that is sealed. Raises Broken for what no key opens."""
    sealed = tx.execute("select id, totp_sealed from app_user where totp_sealed is not null").fetchall()
    for user_id, one in sealed:
        vault.unseal(bytes(one), _about(user_id))
    return all(vault.is_current(bytes(one)) for _, one in sealed) and not _seal_begun(tx, vault)


def _seal_begun(tx: Tx, vault: Vault) -> int:
    """The secrets of those who are about to set up an app; how many were sealed with a former key."""
    rows = tx.execute(
        "select step_hash, user_id, detail->>'sealed' from sign_in_step where kind = 'totp.new' and detail ? 'sealed' for update"
    ).fetchall()
    former = [(step, user, base64.b64decode(kept)) for step, user, kept in rows]
    former = [one for one in former if not vault.is_current(one[2])]
    for step, user_id, kept in former:
        anew = base64.b64encode(vault.seal(vault.unseal(kept, _about(user_id)), _about(user_id))).decode()
        tx.execute(
            "update sign_in_step set detail = detail || jsonb_build_object('sealed', %s::text) where step_hash = %s",
            (anew, step),
        )
    return len(former)


def seal_stored(database: Database, vault: Vault) -> int:
    """Secrets that stand in the database unsealed, or sealed with a former key, are sealed anew; how many there were. At a start, before any
    door opens. What was unsealed is wiped from the table's file too; copies made before keep it."""
    count = 0
    with database.transaction() as tx:
        rows = tx.execute(
            "select id, totp_secret, totp_sealed from app_user where totp_secret is not null or totp_sealed is not null for update"
        ).fetchall()
        was_open = any(row[1] is not None for row in rows)
        for user_id, plain, sealed in rows:
            if plain is None and vault.is_current(bytes(sealed)):
                continue
            secret = plain if plain is not None else vault.unseal(bytes(sealed), _about(user_id))
            tx.execute(
                "update app_user set totp_secret = null, totp_sealed = %s where id = %s",
                (vault.seal(secret, _about(user_id)), user_id),
            )
            count += 1
        if was_open:
            tx.execute("delete from sign_in_step where kind = 'totp.new'")  # begun before, with the secret in it
        count += _seal_begun(tx, vault)
    if was_open:
        with database.autocommit() as connection:
            for statement in ("vacuum full app_user", "vacuum full sign_in_step", "checkpoint"):
                with contextlib.suppress(InsufficientPrivilege):  # an external database lets only its administrator
                    connection.execute(statement)
    return count


def _about(user_id: UUID | str) -> str:
    return f"totp {user_id}"


def _passkeys(tx: Tx, user_id: UUID | str) -> int:
    row = tx.execute("select count(*) from passkey where user_id = %s", (user_id,)).fetchone()
    return int(row[0]) if row else 0


def _counter_of(secret: str, code: str) -> int | None:
    """Which 30 s of the clock the code belongs to, None when to none near."""
    entered = "".join(code.split())[:16]
    totp, present = pyotp.TOTP(secret), int(now().timestamp()) // _STEP_S
    found = None
    for counter in range(present - _WINDOW, present + _WINDOW + 1):
        if hmac.compare_digest(totp.at(counter * _STEP_S).encode(), entered.encode()):
            found = counter
    return found


def _code_digest(code: str) -> bytes:
    return digest("".join(c for c in code.lower() if c.isalnum())[:40])
