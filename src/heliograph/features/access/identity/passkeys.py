"""Passkeys (WebAuthn): made for this site alone, found by the browser without a name, and used only after the device knew its person.

The counter of a key that stays in one device only grows; when it does not, there are two of it, and it is refused. A key that is
synchronised between devices keeps no such counter (most say 0 for ever), so nothing is concluded from it (WebAuthn 6.1.1).
"""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.features.access.identity.sessions import Session, SignInRules
from heliograph.features.access.identity.steps import open_step, take_step
from heliograph.features.access.policy import note
from heliograph.kit.errors import Absent, Conflict, Invalid, NotSignedIn, Refused
from heliograph.kit.ids import new_id, new_secret
from heliograph.kit.time import now

_MOST_OF_PERSON = 20
_CHALLENGE_BYTES = 32


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """For whom browsers keep a key: a host name, the address of the pages, and what people call the site."""

    id: str
    origin: str
    name: str


def begin_passkey(tx: Tx, session: Session, party: RelyingParty) -> tuple[str, dict[str, Any]]:
    """The step, and what the browser asks the device for."""
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    known = tx.execute("select credential_id from passkey where user_id = %s", (session.actor.id,)).fetchall()
    if len(known) >= _MOST_OF_PERSON:
        raise Conflict(f"{_MOST_OF_PERSON} passkeys are enough; remove one first", code="too_many_passkeys")
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=UUID(session.actor.id).bytes,
        user_name=session.actor.name,
        user_display_name=session.display_name,
        challenge=_challenge(),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=bytes(row[0])) for row in known],
    )
    detail = {"challenge": options.challenge.hex(), "rp_id": party.id, "origin": party.origin}
    step = open_step(tx, "passkey.new", session.actor.address, detail, session.actor.id)
    return step, json.loads(options_to_json(options))


def add_passkey(tx: Tx, session: Session, step: str, name: str, answer: dict[str, Any]) -> UUID:
    """Keeps the key that the device made."""
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    begun = take_step(tx, step, "passkey.new")
    if str(begun.user_id) != session.actor.id:
        raise Refused("somebody else began this", code="step_of_other")
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=bytes.fromhex(begun.detail["challenge"]),
            expected_rp_id=begun.detail["rp_id"],
            expected_origin=begun.detail["origin"],
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Invalid("the answer of the device does not fit what it was asked", code="bad_passkey") from error
    passkey_id = new_id()
    row = tx.execute(
        "insert into passkey (id, user_id, credential_id, public_key, sign_count, is_synced, transports, rp_id, name, created_at) "
        "values (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s) on conflict (credential_id) do nothing returning 1",
        (
            passkey_id, session.actor.id, made.credential_id, made.credential_public_key, made.sign_count,
            made.credential_device_type.value == "multi_device", _transports(answer), begun.detail["rp_id"], _name(name), now(),
        ),
    ).fetchone()  # fmt: skip
    if row is None:
        raise Conflict("this key is known already", code="passkey_known")
    tx.execute("update app_user set must_enrol = false where id = %s and must_enrol", (session.actor.id,))
    note(
        tx,
        session.actor,
        "passkey.added",
        {"user": session.actor.id, "passkey": str(passkey_id)},
        detail={"synced": made.credential_backed_up},
    )
    return passkey_id


def ask_passkey(
    tx: Tx, party: RelyingParty, address: str, user_id: UUID | str | None = None
) -> tuple[str, dict[str, Any]]:
    """The step, and what the browser asks the device to sign. Without a person any key of this site will do."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

    known = [] if user_id is None else tx.execute(
        "select credential_id from passkey where user_id = %s and rp_id = %s", (user_id, party.id)
    ).fetchall()  # fmt: skip
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=_challenge(),
        allow_credentials=[PublicKeyCredentialDescriptor(id=bytes(row[0])) for row in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    detail = {"challenge": options.challenge.hex(), "rp_id": party.id, "origin": party.origin}
    return open_step(tx, "passkey", address, detail, user_id), json.loads(options_to_json(options))


def check_passkey(tx: Tx, step: str, answer: dict[str, Any]) -> UUID:
    """Whose key signed; raises NotSignedIn with one sentence for every cause."""
    from webauthn import verify_authentication_response
    from webauthn.helpers import base64url_to_bytes
    from webauthn.helpers.exceptions import WebAuthnException

    begun = take_step(tx, step, "passkey")
    wrong = NotSignedIn("this passkey does not open the door here", code="passkey_failed")
    try:
        credential_id = base64url_to_bytes(str(answer.get("id", "")))
    except ValueError:
        raise wrong from None
    row = tx.execute(
        "select k.id, k.user_id, k.public_key, k.sign_count, k.is_synced from passkey k "
        "where k.credential_id = %s and k.rp_id = %s for update",
        (credential_id[:1024], begun.detail["rp_id"]),
    ).fetchone()
    if row is None or (begun.user_id is not None and begun.user_id != row[1]) or _says_other(answer, row[1]):
        raise wrong
    try:
        seen = verify_authentication_response(
            credential=answer,
            expected_challenge=bytes.fromhex(begun.detail["challenge"]),
            expected_rp_id=begun.detail["rp_id"],
            expected_origin=begun.detail["origin"],
            credential_public_key=bytes(row[2]),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError):
        raise wrong from None
    if not row[4] and row[3] and seen.new_sign_count <= row[3]:
        raise wrong
    tx.execute(
        "update passkey set sign_count = %s, last_used_at = %s where id = %s", (seen.new_sign_count, now(), row[0])
    )
    return UUID(str(row[1]))


def passkeys(tx: Tx, user_id: UUID | str) -> list[dict[str, Any]]:
    rows = tx.execute(
        "select id, name, is_synced, rp_id, created_at, last_used_at from passkey where user_id = %s order by created_at",
        (user_id,),
    )
    keys = ("id", "name", "is_synced", "site", "created_at", "last_used_at")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def rename_passkey(tx: Tx, session: Session, passkey_id: UUID, name: str) -> None:
    row = tx.execute(
        "update passkey set name = %s where id = %s and user_id = %s returning 1",
        (_name(name), passkey_id, session.actor.id),
    ).fetchone()
    if row is None:
        raise Absent("no such passkey", code="no_passkey")
    note(tx, session.actor, "passkey.renamed", {"user": session.actor.id, "passkey": str(passkey_id)})


def remove_passkey(tx: Tx, session: Session, passkey_id: UUID, rules: SignInRules) -> None:
    """The last factor stays where the site wants one."""
    held = tx.execute(
        "select id, (select totp_sealed is not null from app_user where id = %(u)s) from passkey where user_id = %(u)s for update",
        {"u": session.actor.id},
    ).fetchall()
    if passkey_id not in {row[0] for row in held}:
        raise Absent("no such passkey", code="no_passkey")
    if rules.second_factor == "required" and len(held) == 1 and not held[0][1]:
        raise Conflict("this site wants a second factor; set up another first", code="last_factor")
    tx.execute("delete from passkey where id = %s", (passkey_id,))
    note(tx, session.actor, "passkey.removed", {"user": session.actor.id, "passkey": str(passkey_id)})


def _says_other(answer: dict[str, Any], user_id: UUID) -> bool:
    """The device may name the person that it made the key for; then it must be that one."""
    from webauthn.helpers import base64url_to_bytes

    response = answer.get("response")
    handle = response.get("userHandle") if isinstance(response, dict) else None
    if not handle:
        return False
    try:
        return base64url_to_bytes(str(handle)) != user_id.bytes
    except ValueError:
        return True


def _challenge() -> bytes:
    return new_secret(_CHALLENGE_BYTES).encode()


def _name(name: str) -> str:
    return "".join(c for c in name.strip()[:64] if c.isprintable()) or "Passkey"


def _transports(answer: dict[str, Any]) -> list[str]:
    response = answer.get("response")
    found = response.get("transports") if isinstance(response, dict) else None
    return [str(one)[:16] for one in found[:8]] if isinstance(found, list) else []
