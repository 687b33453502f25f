"""Making certificates for devices, and telling the doors which ones they may believe."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from heliograph.engine import secrets
from heliograph.engine.db import Database, Tx
from heliograph.features.access.model import Actor
from heliograph.features.access.peers.certificates import bind_certificate, foreign_certificates, revoked_serials
from heliograph.features.access.peers.devices import find_device
from heliograph.features.access.policy import require
from heliograph.kit.errors import Absent, Invalid
from heliograph.kit.settings import Settings

DEVICE_DAYS = 730
_MOST_DAYS = 3650
_MOST_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Certified:
    """What the device gets, once: its key is not kept here. `key_pem` and `pkcs12` are empty when it made its key itself."""

    aet: str
    fingerprint: str
    certificate_pem: bytes
    key_pem: bytes
    authority_pem: bytes
    pkcs12: bytes
    not_after: datetime


def certify_device(
    tx: Tx,
    actor: Actor,
    settings: Settings,
    aet: str,
    *,
    days: int = DEVICE_DAYS,
    is_rsa: bool = False,
    csr: bytes = b"",
    password: str = "",
) -> Certified:
    """A certificate of our own authority for a registered device, which is known by it from now on."""
    from heliograph.engine.secrets.authority import Authority, summary

    require(actor, "device.manage")
    device = find_device(tx, actor.tenant_id, aet)
    if device is None:
        raise Absent("no such device", code="no_device")
    if not 1 <= days <= _MOST_DAYS:
        raise Invalid(f"days must be 1 to {_MOST_DAYS}", code="bad_days")
    if len(csr) > _MOST_BYTES:
        raise Invalid("the signing request is too large", code="bad_request_file")
    authority = Authority.open(settings.data, settings.site_name)
    names = secrets.names_of(device.host)
    issued = authority.issue_device(device.aet, names=names, days=days, kind="rsa" if is_rsa else "ec", csr=csr)
    bind_certificate(tx, actor, device.aet, summary(issued.certificate), is_own=True)
    return Certified(
        device.aet,
        issued.fingerprint,
        issued.certificate_pem,
        issued.key_pem,
        authority.root_pem,
        issued.pkcs12(device.aet, password, authority.root) if issued.key is not None and password else b"",
        issued.certificate.not_valid_after_utc,
    )


def register_certificate(tx: Tx, actor: Actor, aet: str, data: bytes) -> secrets.Summary:
    """Binds a certificate that another authority, or the device itself, has made."""
    from heliograph.engine.secrets.authority import read_certificate, summary

    require(actor, "device.manage")
    if len(data) > _MOST_BYTES:
        raise Invalid("this is no certificate in PEM or DER", code="bad_certificate")
    about = summary(read_certificate(data))
    bind_certificate(tx, actor, aet, about, is_own=False)
    return about


def authority_of(actor: Actor, settings: Settings) -> secrets.Summary:
    """Our own authority, made when there is none yet."""
    from heliograph.engine.secrets.authority import Authority, summary

    require(actor, "device.read")
    return summary(Authority.open(settings.data, settings.site_name).root)


def publish_certificates(database: Database, settings: Settings) -> None:
    """Brings the files that the doors load, and the list of revoked ones, to what the database says. Called again and again."""
    with database.transaction() as tx:
        foreign, revoked = foreign_certificates(tx), revoked_serials(tx)
    file = secrets.devices_file(settings)
    if foreign or file.exists():
        _write(file, foreign)
    if revoked or (file.parent / "crl.pem").exists():
        from heliograph.engine.secrets.authority import Authority

        Authority.open(settings.data, settings.site_name).publish_crl(revoked)


def _write(file: Path, text: str) -> None:
    if file.exists() and file.read_text("ascii") == text:
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(file.name + ".new")
    new.write_text(text, "ascii")
    new.replace(file)
