"""Certificates by which devices are known: issued by our own authority, or another's that somebody has registered.

A row for each; a certificate that has none lets nobody in, whoever signed it. Keys are never here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from heliograph.engine.db import Tx
from heliograph.engine.secrets import Summary
from heliograph.features.access.model import Actor
from heliograph.features.access.peers.devices import find_device
from heliograph.features.access.policy import note, require
from heliograph.kit.errors import Absent, Conflict, Invalid
from heliograph.kit.time import now

WARN_DAYS = 30
_MOST_REASON = 200


@dataclass(frozen=True, slots=True)
class Held:
    """Whose certificate it is, and whether it is good."""

    aet: str
    state: Literal["valid", "revoked", "expired"]


def holder(tx: Tx, tenant_id: int, fingerprint: str) -> Held | None:
    """The device that this certificate was given to; None when nobody has it, or its device is gone."""
    row = tx.execute(
        "select d.aet, c.revoked_at is not null, c.not_after from device_certificate c join device d on d.id = c.device_id "
        "where c.tenant_id = %s and c.fingerprint = %s",
        (tenant_id, fingerprint),
    ).fetchone()
    if row is None:
        return None
    return Held(row[0], "revoked" if row[1] else "valid" if row[2] > now() else "expired")


def is_certified(tx: Tx, device_id: int) -> bool:
    """Whether it was ever given a certificate: then its title alone is not believed, not even when the last one has ended or was revoked."""
    row = tx.execute("select 1 from device_certificate where device_id = %s limit 1", (device_id,)).fetchone()
    return row is not None


def certified_until(tx: Tx, actor: Actor) -> dict[int, datetime]:
    """Devices that have a certificate to show, and when the last one ends."""
    rows = tx.execute(
        "select device_id, max(not_after) from device_certificate where tenant_id = %s and device_id is not null and revoked_at is null "
        "and not_after > %s group by device_id",
        (actor.tenant_id, now()),
    )
    return {row[0]: row[1] for row in rows}


def bind_certificate(tx: Tx, actor: Actor, aet: str, certificate: Summary, *, is_own: bool) -> None:
    """From now on who shows this certificate is the device; what it had before stays good until it ends or is revoked."""
    require(actor, "device.manage")
    device = find_device(tx, actor.tenant_id, aet)
    if device is None:
        raise Absent("no such device", code="no_device")
    if certificate.not_after <= now():
        raise Invalid("the certificate has expired", code="certificate_expired")
    row = tx.execute(
        "insert into device_certificate (tenant_id, fingerprint, device_id, subject, serial, is_own, not_before, not_after, pem) "
        "values (%s,%s,%s,%s,%s,%s,%s,%s,%s) on conflict (tenant_id, fingerprint) do nothing returning fingerprint",
        (
            actor.tenant_id, certificate.fingerprint, device.id, certificate.subject, certificate.serial, is_own,
            certificate.not_before, certificate.not_after, certificate.pem,
        ),
    ).fetchone()  # fmt: skip
    if row is None:
        raise Conflict("this certificate is known already", code="certificate_known")
    kind = "certificate.issued" if is_own else "certificate.registered"
    note(tx, actor, kind, {"device": device.id, "aet": device.aet, "certificate": certificate.fingerprint})


def revoke_certificate(tx: Tx, actor: Actor, fingerprint: str, reason: str = "") -> None:
    """At the next association it lets nobody in."""
    require(actor, "device.manage")
    row = tx.execute(
        "update device_certificate set revoked_at = %s, revoke_reason = %s where tenant_id = %s and fingerprint = %s and revoked_at is null "
        "returning device_id",
        (now(), reason[:_MOST_REASON], actor.tenant_id, _plain(fingerprint)),
    ).fetchone()
    if row is None:
        raise Absent("no such certificate, or it is revoked already", code="no_certificate")
    note(tx, actor, "certificate.revoked", {"device": row[0], "certificate": _plain(fingerprint)})


def certificates(tx: Tx, actor: Actor, *, device_id: int | None = None) -> list[dict[str, Any]]:
    """What was issued and registered, those that end first before others."""
    require(actor, "device.read")
    rows = tx.execute(
        "select c.fingerprint, c.device_id::text, d.aet, c.subject, c.serial, c.is_own, c.not_before, c.not_after, c.revoked_at, c.revoke_reason "
        "from device_certificate c left join device d on d.id = c.device_id where c.tenant_id = %(t)s "
        "and (%(device)s::bigint is null or c.device_id = %(device)s) order by c.not_after, c.fingerprint limit 5000",
        {"t": actor.tenant_id, "device": device_id},
    )
    keys = (
        "fingerprint",
        "device_id",
        "aet",
        "subject",
        "serial",
        "is_own",
        "not_before",
        "not_after",
        "revoked_at",
        "revoke_reason",
    )
    return [dict(zip(keys, row, strict=True)) for row in rows]


def revoked_serials(tx: Tx) -> list[tuple[int, datetime]]:
    """For the list that is written for others; a removed device's certificates are on it too."""
    rows = tx.execute(
        "select serial, coalesce(revoked_at, not_before) from device_certificate where is_own and not_after > now() "
        "and (revoked_at is not null or device_id is null)"
    )
    return [(int(row[0], 16), row[1]) for row in rows]


def foreign_certificates(tx: Tx) -> str:
    """Those that no authority we trust has issued: each is trusted for itself, as long as it stands here."""
    rows = tx.execute(
        "select pem from device_certificate where not is_own and revoked_at is null and device_id is not null and not_after > now() "
        "order by fingerprint"
    )
    return "".join(row[0] for row in rows)


def ending(tx: Tx, tenant_id: int) -> tuple[int, int]:
    """Devices whose last certificate has ended, and those whose last one ends soon."""
    row = tx.execute(
        "select count(*) filter (where last <= %(now)s), count(*) filter (where last > %(now)s and last <= %(soon)s) from "
        "(select max(c.not_after) as last from device_certificate c join device d on d.id = c.device_id where c.tenant_id = %(t)s "
        "and c.revoked_at is null group by d.id) as lasts",
        {"t": tenant_id, "now": now(), "soon": now() + timedelta(days=WARN_DAYS)},
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def _plain(fingerprint: str) -> str:
    """People copy it with colons."""
    return fingerprint.replace(":", "").strip().lower()
