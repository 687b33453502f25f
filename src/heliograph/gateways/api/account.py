"""The own account: second factors, passkeys, recovery codes, PIN, and where one is signed in."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from heliograph.features import access
from heliograph.features.access.identity import passkeys, second_factor
from heliograph.features.access.identity.signing_in import count_proof
from heliograph.gateways.http import FreshSessionDep, OwnSessionDep, ServicesDep
from heliograph.gateways.http.auth import authenticator_of, relying_party, rules_of
from heliograph.kit.errors import Refused

router = APIRouter(prefix="/account", tags=["account"])


class Code(BaseModel):
    step: str = Field(max_length=200)
    code: str = Field(max_length=40)


class NewKey(BaseModel):
    step: str = Field(max_length=200)
    name: str = Field(default="", max_length=64)
    answer: dict[str, Any]


class Name(BaseModel):
    name: str = Field(min_length=1, max_length=64)


class Pin(BaseModel):
    pin: str = Field(max_length=64)


@router.get("")
def account(request: Request, session: OwnSessionDep, services: ServicesDep) -> dict[str, Any]:
    """What the person has set up, and where it is signed in."""
    with services.database.transaction() as tx:
        has = second_factor.ways_of(tx, session.actor.id)
        keys = passkeys.passkeys(tx, session.actor.id)
        where = access.sessions_of(tx, session.actor, UUID(session.actor.id))
    return {
        "has_password": has["password"],
        "has_pin": has["pin"],
        "totp_since": has["totp_since"],
        "recovery_left": has["recovery_left"],
        "passkeys": keys,
        "sessions": [{**one, "is_this": one["id"] == session.id} for one in where],
        "second_factor": services.settings.second_factor,
        "passkeys_possible": relying_party(request) is not None,
    }


@router.post("/totp")
def begin_totp(session: FreshSessionDep, services: ServicesDep) -> dict[str, Any]:
    """A new secret for an authenticator app: as text, as an address, and as the rows of a QR code. Not in force before it is confirmed."""
    import segno

    with services.database.transaction() as tx:
        name = access.called(tx, session.actor.tenant_id, services.settings.site_name)
        step, secret, uri = second_factor.begin_totp(tx, services.vault, session, name)
    rows = ["".join("1" if dark else "0" for dark in row) for row in segno.make_qr(uri, error="m").matrix]
    return {"step": step, "secret": secret, "uri": uri, "qr": rows}


@router.post("/totp/confirm")
def confirm_totp(body: Code, session: FreshSessionDep, services: ServicesDep) -> dict[str, Any]:
    """The first code of the app; the answer has the recovery codes, this once."""
    with services.database.transaction() as tx:
        if not count_proof(tx, session, rules_of(services.settings)):
            raise Refused("that is not right, or was tried too often", code="proof_failed")
    with services.database.transaction() as tx:
        return {"recovery_codes": second_factor.confirm_totp(tx, services.vault, session, body.step, body.code)}


@router.delete("/totp", status_code=204)
def remove_totp(session: FreshSessionDep, services: ServicesDep) -> None:
    """Takes the authenticator app away."""
    with services.database.transaction() as tx:
        second_factor.remove_totp(tx, session, rules_of(services.settings))


@router.post("/recovery")
def recovery(session: FreshSessionDep, services: ServicesDep) -> dict[str, Any]:
    """Ten new recovery codes in place of all before; shown this once."""
    with services.database.transaction() as tx:
        return {"recovery_codes": second_factor.make_recovery_codes(tx, session)}


@router.post("/passkeys/start")
def begin_passkey(request: Request, session: FreshSessionDep, services: ServicesDep) -> dict[str, Any]:
    """What the browser asks a device to make a key for."""
    party = relying_party(request)
    if party is None:
        raise Refused("passkeys need https and a host name", code="no_passkeys_here")
    with services.database.transaction() as tx:
        step, options = passkeys.begin_passkey(tx, session, party)
    return {"step": step, "options": options}


@router.post("/passkeys", status_code=201)
def add_passkey(body: NewKey, session: FreshSessionDep, services: ServicesDep) -> dict[str, Any]:
    """Keeps the key that the device made."""
    with services.database.transaction() as tx:
        return {"id": str(passkeys.add_passkey(tx, session, body.step, body.name, body.answer))}


@router.patch("/passkeys/{passkey_id}")
def rename_passkey(passkey_id: UUID, body: Name, session: OwnSessionDep, services: ServicesDep) -> dict[str, Any]:
    """Calls it something else."""
    with services.database.transaction() as tx:
        passkeys.rename_passkey(tx, session, passkey_id, body.name)
    return {"id": str(passkey_id)}


@router.delete("/passkeys/{passkey_id}", status_code=204)
def remove_passkey(passkey_id: UUID, session: FreshSessionDep, services: ServicesDep) -> None:
    """It opens nothing any more."""
    with services.database.transaction() as tx:
        passkeys.remove_passkey(tx, session, passkey_id, rules_of(services.settings))


@router.put("/pin", status_code=204)
def set_pin(body: Pin, session: FreshSessionDep, services: ServicesDep) -> None:
    """Sets the PIN that unlocks the screen and proves the person inside a session."""
    with services.database.transaction() as tx:
        second_factor.set_pin(tx, session, body.pin)


@router.delete("/pin", status_code=204)
def remove_pin(session: FreshSessionDep, services: ServicesDep) -> None:
    """Without a PIN it is asked for a password, a code or a passkey."""
    with services.database.transaction() as tx:
        second_factor.set_pin(tx, session, None)


@router.delete("/sessions/{which}", status_code=204)
def end_session(which: str, request: Request, session: OwnSessionDep, services: ServicesDep) -> None:
    """Signs the person out in another browser."""
    with services.database.transaction() as tx:
        access.end_session(tx, session.actor, UUID(session.actor.id), which)
    authenticator_of(request).forget_all()


@router.delete("/sessions")
def end_others(request: Request, session: OwnSessionDep, services: ServicesDep) -> dict[str, Any]:
    """Signs the person out everywhere else."""
    with services.database.transaction() as tx:
        count = access.end_sessions(tx, session.actor, UUID(session.actor.id), but=session)
    authenticator_of(request).forget_all()
    return {"ended": count}
