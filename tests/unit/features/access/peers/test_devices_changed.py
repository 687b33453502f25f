"""Changes of devices that would contradict another device or say nothing, and addresses as sockets tell them."""

import importlib
from typing import Any

import pytest

from heliograph.engine.db import Tx
from heliograph.features import access
from heliograph.features.access import Actor
from heliograph.kit.errors import Conflict, Invalid

RULES = access.DoorRules(unknown_peers="store", plaintext="private")


def test_a_title_that_another_device_has_is_a_conflict(tx: Tx, actor: Actor) -> None:
    access.add_device(tx, actor, "CT1", "10.0.0.5", 104, ["store"])
    second = access.add_device(tx, actor, "CT2", "10.0.0.6", 104, ["store"])
    with pytest.raises(Conflict) as told:
        access.update_device(tx, actor, second.id, {"aet": "CT1"})
    assert told.value.code == "device_exists"
    assert access.update_device(tx, actor, second.id, {"aet": "CT2"}).aet == "CT2", "its own title is no contradiction"


@pytest.mark.parametrize("field", ["aet", "host", "description", "allow", "pinned", "default_issuer"])
def test_null_leaves_a_field_as_it_is(tx: Tx, actor: Actor, field: str) -> None:
    made = access.add_device(tx, actor, "CT1", "10.0.0.5", 104, ["store"], description="first floor")
    with pytest.raises(Invalid, match="nothing to change"):
        access.update_device(tx, actor, made.id, {field: None})
    assert (
        access.update_device(tx, actor, made.id, {field: None, "port": 105}).as_dict()[field] == made.as_dict()[field]
    )


def test_a_port_can_be_taken_away(tx: Tx, actor: Actor) -> None:
    made = access.add_device(tx, actor, "CT1", "10.0.0.5", 104, ["store"])
    assert access.update_device(tx, actor, made.id, {"port": None}).port is None


@pytest.mark.parametrize(
    ("address", "known"), [("::ffff:10.0.0.5", True), ("::ffff:10.0.0.6", False), ("10.0.0.5", True)]
)
def test_a_pinned_device_is_known_at_a_door_for_both_kinds_of_addresses(
    tx: Tx, actor: Actor, address: str, known: bool
) -> None:
    access.add_device(tx, actor, "CT1", "10.0.0.5", 104, ["store"], pinned=True)
    found = access.identify_caller(tx, 1, "CT1", address, rules=RULES)
    assert (found.device is not None) == known
    assert found.actor.address == address.removeprefix("::ffff:")


def test_a_pinned_name_is_not_looked_up_with_every_association(
    tx: Tx, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever borrows the title would have every process wait for a name server."""
    admission = importlib.import_module("heliograph.features.access.peers.admission")
    asked: list[str] = []

    def look_up(host: str, *_: Any) -> list[Any]:
        if host == "scanner.example":
            asked.append(host)
        return [(2, 1, 6, "", ("10.9.9.9", 0))]

    monkeypatch.setattr(admission.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(admission, "_NAMES_LAST_S", 1e9)
    admission._addresses.cache_clear()
    access.add_device(tx, actor, "CT1", "scanner.example", 104, ["store"], pinned=True)
    for _ in range(20):
        assert access.identify_caller(tx, 1, "CT1", "10.9.9.8", rules=RULES).device is None
        assert access.identify_caller(tx, 1, "CT1", "10.9.9.9", rules=RULES).device is not None
    admission._addresses.cache_clear()
    assert asked == ["scanner.example"]


def test_who_makes_up_titles_does_not_fill_the_table(tx: Tx, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    (here,) = tx.execute("select count(*) from caller where tenant_id = 1").fetchone() or (0,)
    devices = importlib.import_module("heliograph.features.access.peers.devices")
    monkeypatch.setattr(devices, "_MOST_CALLERS", here + 3)

    def call(aet: str) -> int | None:
        found = access.identify_caller(tx, 1, aet, "10.0.0.7", rules=RULES)
        return access.note_association(tx, found.actor, found.device, proposals=[], opened=True)

    listed = [call(f"MADEUP{n}") for n in range(6)]
    assert [one is not None for one in listed] == [True] * 3 + [False] * 3
    assert call("MADEUP1") == listed[1], "who stands there is counted on"
    access.dismiss_caller(tx, actor, listed[0] or 0)
    assert call("MADEUP5") is not None
