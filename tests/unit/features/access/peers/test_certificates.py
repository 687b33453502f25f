"""Devices that are known by a certificate: who holds which, what ends, what is refused."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from heliograph.engine.db import Tx
from heliograph.engine.secrets.authority import Authority, summary
from heliograph.features import access
from heliograph.features.access import Actor, Admission, DoorRules
from heliograph.kit.errors import Absent, Conflict, Invalid, Refused
from heliograph.kit.settings import Settings, load


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"data": tmp_path}, {})


def identify(tx: Tx, aet: str, certificate: str, address: str = "10.0.0.5") -> Admission:
    return access.identify_caller(tx, 1, aet, address, rules=DoorRules(), is_encrypted=True, certificate=certificate)


def certify(tx: Tx, actor: Actor, settings: Settings, aet: str = "CT1", **more: Any) -> str:
    if access.find_device(tx, 1, aet) is None:
        access.add_device(tx, actor, aet, "", None, ["store"])
    return access.certify_device(tx, actor, settings, aet, **more).fingerprint


def test_a_device_is_who_shows_its_certificate(tx: Tx, actor: Actor, settings: Settings) -> None:
    first, second = certify(tx, actor, settings), certify(tx, actor, settings, "CT2")
    assert first != second
    for aet, shown, device, reason in (
        ("CT1", first, "CT1", ""), ("CT1  ", first, "CT1", ""), ("ANY", first, "CT1", ""), ("CT1", second, None, "certificate of another"),
        ("CT1", "00" * 32, None, "unknown certificate"),
    ):  # fmt: skip
        found = identify(tx, aet, shown)
        assert (found.device.aet if found.device else None, found.reason) == (device, reason)
        assert bool(found.actor.permissions) == (device is not None)


def test_its_title_alone_is_not_believed_from_anywhere(tx: Tx, actor: Actor, settings: Settings) -> None:
    certify(tx, actor, settings)
    for address in ("127.0.0.1", "10.0.0.5"):
        for encrypted in (True, False):
            found = access.identify_caller(
                tx, 1, "CT1", address, rules=DoorRules("store", "any", "private"), is_encrypted=encrypted
            )
            assert (found.device, found.reason) == (None, "no certificate")


def test_pinned_and_certified_is_held_to_both(tx: Tx, actor: Actor, settings: Settings) -> None:
    shown = certify(tx, actor, settings)
    device = access.find_device(tx, 1, "CT1")
    assert device is not None
    access.update_device(tx, actor, device.id, {"host": "10.0.0.5", "pinned": True})
    assert identify(tx, "CT1", shown).device is not None
    assert identify(tx, "CT1", shown, "10.0.0.6").reason == "address"
    assert identify(tx, "CT1", "").device is not None, "a pinned address is an identity too"


def test_a_revoked_one_and_that_of_a_removed_device_open_nothing(tx: Tx, actor: Actor, settings: Settings) -> None:
    revoked, removed = certify(tx, actor, settings), certify(tx, actor, settings, "CT2")
    with_colons = ":".join(revoked[n : n + 2] for n in range(0, 64, 2)).upper()
    access.revoke_certificate(tx, actor, with_colons, "lost")
    assert identify(tx, "CT1", revoked).reason == "certificate revoked"
    with pytest.raises(Absent):
        access.revoke_certificate(tx, actor, revoked)
    device = access.find_device(tx, 1, "CT2")
    assert device is not None
    access.remove_device(tx, actor, device.id)
    assert identify(tx, "CT2", removed).reason == "unknown certificate"
    serials = {one["serial"] for one in access.certificates(tx, actor) if one["fingerprint"] in {revoked, removed}}
    assert {f"{serial:x}" for serial, _ in access.revoked_serials(tx)} >= serials


def test_its_title_alone_is_not_believed_again_when_its_certificate_is_spent(
    tx: Tx, actor: Actor, settings: Settings
) -> None:
    """Or who stole the key of a scanner would only have to leave the certificate away once it is revoked."""
    access.revoke_certificate(tx, actor, certify(tx, actor, settings), "lost")
    ended = certify(tx, actor, settings, "CT2")
    tx.execute("update device_certificate set not_after = now() - interval '1 minute' where fingerprint = %s", (ended,))
    for aet in ("CT1", "CT2"):
        assert identify(tx, aet, "", "127.0.0.1").reason == "no certificate"
    device = access.find_device(tx, 1, "CT1")
    assert device is not None
    access.remove_device(tx, actor, device.id)
    access.add_device(tx, actor, "CT1", "", None, ["store"])
    assert identify(tx, "CT1", "", "127.0.0.1").device is not None, "registered anew, without a certificate, on purpose"


def test_one_that_has_ended_is_refused_and_told(tx: Tx, actor: Actor, settings: Settings) -> None:
    over, soon = access.ending(tx, 1)
    ended = certify(tx, actor, settings)
    certify(tx, actor, settings, "CT2", days=10)
    certify(tx, actor, settings, "CT3", days=10)
    certify(tx, actor, settings, "CT3", days=400)
    tx.execute("update device_certificate set not_after = now() - interval '1 minute' where fingerprint = %s", (ended,))
    assert identify(tx, "CT1", ended).reason == "certificate expired"
    assert access.ending(tx, 1) == (over + 1, soon + 1), "who has a longer one is not told of"


def test_a_certificate_belongs_to_one_device(tx: Tx, actor: Actor, settings: Settings, tmp_path: Path) -> None:
    for aet in ("CT1", "CT2"):
        access.add_device(tx, actor, aet, "", None, ["store"])
    brought = Authority.open(tmp_path / "elsewhere").issue_device("X")
    assert access.register_certificate(tx, actor, "CT1", brought.certificate_pem) == summary(brought.certificate)
    assert identify(tx, "CT1", brought.fingerprint).device is not None
    with pytest.raises(Conflict):
        access.register_certificate(tx, actor, "CT2", brought.certificate_pem)
    assert brought.certificate_pem.decode() in access.foreign_certificates(tx)
    access.revoke_certificate(tx, actor, brought.fingerprint)
    assert brought.certificate_pem.decode() not in access.foreign_certificates(tx)


def test_what_is_refused(tx: Tx, actor: Actor, settings: Settings) -> None:
    access.add_device(tx, actor, "CT1", "", None, ["store"])
    with pytest.raises(Absent):
        access.certify_device(tx, actor, settings, "NOBODY")
    with pytest.raises(Invalid):
        access.certify_device(tx, actor, settings, "CT1", days=0)
    with pytest.raises(Invalid):
        access.register_certificate(tx, actor, "CT1", b"no certificate")
    nobody = Actor("user", "1", "n", 1, frozenset())
    for act in (
        lambda: access.certify_device(tx, nobody, settings, "CT1"), lambda: access.certificates(tx, nobody),
        lambda: access.revoke_certificate(tx, nobody, "00"), lambda: access.register_certificate(tx, nobody, "CT1", b""),
        lambda: access.authority_of(nobody, settings),
    ):  # fmt: skip
        with pytest.raises(Refused):
            act()


def test_no_key_of_a_device_is_kept(tx: Tx, actor: Actor, settings: Settings) -> None:
    access.add_device(tx, actor, "CT1", "", None, ["store"])
    made = access.certify_device(tx, actor, settings, "CT1", password="word")
    assert made.key_pem.startswith(b"-----BEGIN PRIVATE KEY")
    assert made.pkcs12
    kept = [path.read_bytes() for path in (settings.data / "keys").iterdir()]
    assert not any(made.key_pem.strip() in one for one in kept)
    (rows,) = tx.execute("select string_agg(c::text, '') from device_certificate c").fetchone() or ("",)
    assert "PRIVATE" not in rows
    assert made.not_after - summary(Authority.open(settings.data).root).not_before > timedelta(days=700)
