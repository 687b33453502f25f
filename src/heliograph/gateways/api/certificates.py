"""Certificates by which devices are known over TLS, and the authority that issues them."""

import base64
import secrets
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from heliograph.engine.db import Tx
from heliograph.features import access
from heliograph.features.access import Actor, Certified
from heliograph.features.access.peers.issuing import DEVICE_DAYS
from heliograph.gateways.api.studies import number_of
from heliograph.gateways.http import ActorDep, FreshActorDep, ServicesDep
from heliograph.kit.errors import Absent

router = APIRouter(tags=["certificates"])


class NewCertificate(BaseModel):
    """`csr` is a signing request (PKCS#10, PEM) of the device; without it the key is made here. `certificate` is one that it has already."""

    days: int = Field(default=DEVICE_DAYS, ge=1, le=3650)
    rsa: bool = False
    csr: Annotated[str, Field(max_length=16384)] = ""
    certificate: Annotated[str, Field(max_length=16384)] = ""


class Revocation(BaseModel):
    reason: str = Field(default="", max_length=200)


@router.get("/authority")
def authority(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Whom browsers and devices must trust; holds no secret."""
    root = access.authority_of(actor, services.settings)
    return {"subject": root.subject, "fingerprint": root.fingerprint, "not_after": root.not_after, "pem": root.pem}


@router.get("/certificates")
def certificates(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Of all devices, those that end first before others."""
    with services.database.transaction() as tx:
        return {"items": access.certificates(tx, actor)}


@router.post("/certificates/{fingerprint}/revoke", status_code=204)
def revoke(fingerprint: str, body: Revocation, actor: FreshActorDep, services: ServicesDep) -> None:
    """From the next association on it opens nothing. Wants a fresh proof of who asks."""
    with services.database.transaction() as tx:
        access.revoke_certificate(tx, actor, fingerprint, body.reason)


@router.post("/devices/{device_id}/certificates", status_code=201)
def certify(
    device_id: str, body: NewCertificate, response: Response, actor: FreshActorDep, services: ServicesDep
) -> dict[str, Any]:
    """A certificate by which the device is known from now on. A key that is made here is told once and not kept. Wants a fresh proof of who asks."""
    response.headers["Cache-Control"] = "no-store"
    with services.database.transaction() as tx:
        aet = _title(tx, actor, number_of(device_id))
        if body.certificate:
            known = access.register_certificate(tx, actor, aet, body.certificate.encode())
            return _answer(Certified(aet, known.fingerprint, known.pem.encode(), b"", b"", b"", known.not_after), "")
        password = "" if body.csr else secrets.token_urlsafe(12)
        made = access.certify_device(
            tx, actor, services.settings, aet, days=body.days, is_rsa=body.rsa, csr=body.csr.encode(), password=password
        )
        return _answer(made, password)


def _title(tx: Tx, actor: Actor, device_id: int) -> str:
    access.require(actor, "device.manage")
    for device in access.devices(tx, actor):
        if device.id == device_id:
            return device.aet
    raise Absent("no such device", code="no_device")


def _answer(made: Certified, password: str) -> dict[str, Any]:
    until: datetime = made.not_after
    return {
        "aet": made.aet, "fingerprint": made.fingerprint, "not_after": until, "certificate_pem": made.certificate_pem.decode(),
        "key_pem": made.key_pem.decode(), "authority_pem": made.authority_pem.decode(),
        "pkcs12": base64.b64encode(made.pkcs12).decode(), "password": password,
    }  # fmt: skip
