"""Who an association is from, and whether it may come in (N9).

An application entity title is a label. A device is itself by the certificate that it shows, or by the address that it is held to; without
either it is believed from this machine, and from private networks where the settings say so. Whoever is not let in is on record.
"""

import functools
import ipaddress
import socket
from dataclasses import dataclass
from typing import Literal

from heliograph.engine.db import Tx
from heliograph.features.access.model import DEVICE_RIGHTS, Actor, Scope
from heliograph.features.access.peers.certificates import holder, is_certified
from heliograph.features.access.peers.devices import Device, find_device, trimmed
from heliograph.features.access.scopes import MACHINE_COLUMNS, first_site, machine_scope
from heliograph.kit.settings import Settings
from heliograph.kit.time import monotonic_s

_NAMES_LAST_S = 20.0

Reason = Literal[
    "", "unknown", "address", "plaintext", "no certificate", "unknown certificate", "certificate of another", "certificate revoked",
    "certificate expired",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DoorRules:
    """What the settings say of callers."""

    unknown_peers: str = ""
    unknown_networks: str = "private"
    plaintext: str = "pinned"

    @classmethod
    def of(cls, settings: Settings) -> "DoorRules":
        return cls(settings.dimse_unknown_peers, settings.dimse_unknown_networks, settings.dimse_plaintext)


@dataclass(frozen=True, slots=True)
class Admission:
    """The actor; its device when it is one; why it is less than it says to be."""

    actor: Actor
    device: Device | None
    reason: Reason


def identify_caller(
    tx: Tx,
    tenant_id: int,
    aet: str,
    address: str,
    *,
    rules: DoorRules,
    is_encrypted: bool = False,
    certificate: str = "",
) -> Admission:
    """The actor of an association; `certificate` is the SHA-256 of the one it showed, verified, over TLS."""
    aet, address = trimmed(aet)[:16], _plain_address(address)
    named = find_device(tx, tenant_id, aet)
    if certificate:
        device, reason = _by_certificate(tx, tenant_id, named, address, certificate)
    else:
        device, reason = _by_address(tx, named, address, rules, is_encrypted=is_encrypted)
    if device is not None:
        rights = frozenset[str]().union(*(DEVICE_RIGHTS[word] for word in device.allow))
        marks = frozenset(f"dimse.{word}" for word in device.allow)
        scope = _scope(tx, tenant_id, device)
        return Admission(
            Actor("device", str(device.id), device.aet, tenant_id, rights | marks, address, scope=scope), device, ""
        )
    permissions: frozenset[str] = frozenset()
    if reason == "unknown":
        permissions = _of_stranger(rules, address)
    scope = Scope(home_site=first_site(tx, tenant_id))
    return Admission(
        Actor("caller", f"{aet}@{address}", aet, tenant_id, permissions, address, scope=scope), None, reason
    )


def _by_certificate(
    tx: Tx, tenant_id: int, named: Device | None, address: str, certificate: str
) -> tuple[Device | None, Reason]:
    """The device that holds it, whatever it calls itself, unless it calls itself another one."""
    held = holder(tx, tenant_id, certificate)
    if held is None:
        return None, "unknown certificate"
    if held.state != "valid":
        return None, "certificate revoked" if held.state == "revoked" else "certificate expired"
    device = find_device(tx, tenant_id, held.aet)
    if device is None or (named is not None and named.id != device.id):
        return None, "certificate of another"
    if device.pinned and not _same_host(device.host, address):
        return None, "address"
    return device, ""


def _by_address(
    tx: Tx, named: Device | None, address: str, rules: DoorRules, *, is_encrypted: bool
) -> tuple[Device | None, Reason]:
    if named is None:
        return None, "unknown"
    if named.pinned:
        return (named, "") if _same_host(named.host, address) else (None, "address")
    if is_certified(tx, named.id):
        return None, "no certificate"
    if is_encrypted or is_loopback(address) or (rules.plaintext == "private" and is_near(address)):
        return named, ""
    return None, "plaintext"


def _of_stranger(rules: DoorRules, address: str) -> frozenset[str]:
    """Nothing said means: on this machine as ever, from elsewhere nothing."""
    peers = rules.unknown_peers or ("store" if is_loopback(address) else "refuse")
    if peers == "refuse" or not (rules.unknown_networks == "any" or is_near(address)):
        return frozenset()
    return frozenset({"dimse.echo"} | ({"dimse.store", "study.store"} if peers == "store" else set()))


def _scope(tx: Tx, tenant_id: int, device: Device) -> Scope:
    row = tx.execute(f"select {MACHINE_COLUMNS.format(row='d')} from device d where d.id = %s", (device.id,)).fetchone()
    assert row is not None
    return machine_scope(tx, tenant_id, row, site=device.site_id, department=device.department_id)


def is_near(address: str) -> bool:
    """True for loopback, link-local and private addresses."""
    ip = _ip(address)
    return ip is not None and (ip.is_loopback or ip.is_private or ip.is_link_local)


def is_loopback(address: str) -> bool:
    """True for this machine."""
    ip = _ip(address)
    return address == "localhost" if ip is None else ip.is_loopback


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """A door that listens for both kinds of addresses tells one of version 4 as `::ffff:10.0.0.1`."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


def _plain_address(address: str) -> str:
    ip = _ip(address)
    return address if ip is None else str(ip)


def _same_host(host: str, address: str) -> bool:
    return not host or host == address or address in _addresses(host, int(monotonic_s() // _NAMES_LAST_S))


@functools.lru_cache(maxsize=512)
def _addresses(host: str, _period: int) -> frozenset[str]:
    """Remembered for a while: whoever borrows the title of a device must not make every association wait for a name server."""
    try:
        return frozenset(str(info[4][0]) for info in socket.getaddrinfo(host, None))
    except OSError:
        return frozenset()
