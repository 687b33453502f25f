"""Devices and callers: who an association is from, and what it may do."""

from typing import Any

import pytest

from heliograph.engine.db import Tx
from heliograph.features import access
from heliograph.features.access import Actor, DoorRules
from heliograph.features.access.peers.admission import is_near
from heliograph.kit.errors import Absent, Conflict, Invalid, Refused

STORE = {"unknown_peers": "store", "plaintext": "private"}


def identify(tx: Tx, aet: str, address: str, **settings: str) -> tuple[Actor, Any]:
    found = access.identify_caller(tx, 1, aet, address, rules=DoorRules(**{**STORE, **settings}))
    return found.actor, found.device


def add(
    tx: Tx,
    actor: Actor,
    aet: str = "CT1",
    host: str = "10.0.0.5",
    allow: tuple[str, ...] = ("echo", "store"),
    **more: Any,
) -> Any:
    return access.add_device(tx, actor, aet, host, 104, list(allow), **more)


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("127.0.0.1", True), ("10.9.8.7", True), ("172.16.0.1", True), ("172.32.0.1", False), ("192.168.1.1", True), ("169.254.3.4", True),
        ("8.8.8.8", False), ("::1", True), ("fe80::1", True), ("fd00::7", True), ("2001:4860:4860::8888", False), ("::ffff:10.0.0.1", True),
        ("::ffff:8.8.8.8", False), ("", False), ("ct1.example", False), ("10.0.0.1; drop table", False), ("999.1.1.1", False),
    ],
)  # fmt: skip
def test_near_addresses(address: str, near: bool) -> None:
    assert is_near(address) is near


@pytest.mark.parametrize(
    ("peers", "networks", "address", "rights"),
    [
        ("store", "private", "10.0.0.9", {"dimse.echo", "dimse.store", "study.store"}),
        ("store", "private", "8.8.8.8", set()),
        ("store", "any", "8.8.8.8", {"dimse.echo", "dimse.store", "study.store"}),
        ("echo", "private", "10.0.0.9", {"dimse.echo"}),
        ("echo", "private", "8.8.8.8", set()),
        ("refuse", "private", "10.0.0.9", set()),
        ("refuse", "any", "10.0.0.9", set()),
        ("store", "private", "not an address", set()),
    ],
)
def test_a_caller_that_nobody_registered(tx: Tx, peers: str, networks: str, address: str, rights: set[str]) -> None:
    actor, device = identify(tx, "STRANGER", address, unknown_peers=peers, unknown_networks=networks)
    assert device is None
    assert (actor.kind, actor.permissions) == ("caller", frozenset(rights))
    assert "study.read" not in actor.permissions, "query and retrieve need a registered device"


@pytest.mark.parametrize(
    ("address", "plaintext", "known"),
    [
        ("127.0.0.1", "pinned", True), ("::1", "pinned", True), ("10.0.0.5", "pinned", False), ("8.8.8.8", "pinned", False),
        ("10.0.0.5", "private", True), ("10.0.0.9", "private", True), ("8.8.8.8", "private", False), ("", "private", False),
    ],
)  # fmt: skip
def test_a_title_alone_is_believed_from_this_machine_and_from_private_networks_as_a_setting(
    tx: Tx, actor: Actor, address: str, plaintext: str, known: bool
) -> None:
    add(tx, actor)
    found, device = identify(tx, "CT1", address, plaintext=plaintext)
    assert (found.kind, device is not None) == ("device" if known else "caller", known)
    assert known or not found.permissions, "whoever borrows a title is less than a stranger"


@pytest.mark.parametrize(
    ("address", "rights"),
    [
        ("127.0.0.1", {"dimse.echo", "dimse.store", "study.store"}), ("::1", {"dimse.echo", "dimse.store", "study.store"}),
        ("10.0.0.9", set()), ("192.168.3.4", set()), ("8.8.8.8", set()), ("", set()),
    ],
)  # fmt: skip
def test_as_installed_a_stranger_is_let_in_from_this_machine_alone(tx: Tx, address: str, rights: set[str]) -> None:
    assert access.identify_caller(tx, 1, "STRANGER", address, rules=DoorRules()).actor.permissions == rights


@pytest.mark.parametrize("settings", [{}, {"unknown_networks": "any"}, {"unknown_peers": "refuse"}])
def test_a_pinned_device_from_another_address_is_nobody_at_all(tx: Tx, actor: Actor, settings: dict[str, str]) -> None:
    """Less than a stranger: somebody borrows its title."""
    add(tx, actor, allow=("echo", "store", "find", "move", "get"), pinned=True)
    assert identify(tx, "CT1", "10.0.0.5", **settings)[1] is not None
    for address in ("10.0.0.6", "127.0.0.1", "8.8.8.8", ""):
        found, device = identify(tx, "CT1", address, **settings)
        assert (device, found.kind, found.permissions) == (None, "caller", frozenset())


def test_a_pinned_device_may_be_pinned_by_name(tx: Tx, actor: Actor) -> None:
    add(tx, actor, host="localhost", pinned=True)
    assert identify(tx, "CT1", "127.0.0.1")[1] is not None
    assert identify(tx, "CT1", "10.0.0.6")[1] is None


def test_a_pinned_device_whose_name_nobody_knows_is_let_in_from_nowhere(tx: Tx, actor: Actor) -> None:
    add(tx, actor, host="no-such-host.invalid", pinned=True)
    assert identify(tx, "CT1", "127.0.0.1")[1] is None


def test_pinned_without_a_host_would_pin_nothing(tx: Tx, actor: Actor) -> None:
    with pytest.raises(Invalid, match="host"):
        add(tx, actor, aet="CT2", host="", pinned=True)
    made = add(tx, actor, aet="CT3", host="")
    with pytest.raises(Invalid, match="host"):
        access.update_device(tx, actor, made.id, {"pinned": True})
    made = add(tx, actor, aet="CT4", pinned=True)
    with pytest.raises(Invalid, match="host"):
        access.update_device(tx, actor, made.id, {"host": " "})


@pytest.mark.parametrize("title", ["CT1", " CT1", "CT1   ", "  CT1  ", "CT1" + "\0" * 13, "CT1 \0"])
def test_trap_40_blanks_around_a_title_mean_nothing(tx: Tx, actor: Actor, title: str) -> None:
    add(tx, actor)
    assert identify(tx, title, "10.0.0.5")[1] is not None


@pytest.mark.parametrize("title", ["ct1", "CT1X", "CT", "", "\0CT1"])
def test_another_title_is_another_device(tx: Tx, actor: Actor, title: str) -> None:
    add(tx, actor)
    assert identify(tx, title, "10.0.0.5")[1] is None


@pytest.mark.parametrize(
    ("allow", "rights"),
    [
        ((), set()), (("echo",), set()), (("store",), {"study.store"}), (("find",), {"study.read"}), (("get",), {"study.read", "study.export"}),
        (("move",), {"study.read", "study.export"}), (("echo", "store", "find"), {"study.store", "study.read"}),
    ],
)  # fmt: skip
def test_a_device_may_what_it_is_allowed(tx: Tx, actor: Actor, allow: tuple[str, ...], rights: set[str]) -> None:
    add(tx, actor, allow=allow)
    found, _ = identify(tx, "CT1", "10.0.0.5")
    assert found.permissions == {f"dimse.{word}" for word in allow} | rights


@pytest.mark.parametrize("aet", ["", " ", "A" * 17, "ÄÖÜ", "A\\B", "A\nB", "A\x00"])
def test_titles_that_cannot_be(tx: Tx, actor: Actor, aet: str) -> None:
    with pytest.raises(Invalid, match="aet"):
        add(tx, actor, aet=aet)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"port": 0}, "port"),
        ({"port": 65536}, "port"),
        ({"allow": ["fly"]}, "allow"),
        ({}, "nothing to change"),
        ({"unknown": 1}, "nothing to change"),
    ],
)
def test_changes_that_cannot_be(tx: Tx, actor: Actor, change: dict[str, Any], word: str) -> None:
    made = add(tx, actor)
    with pytest.raises(Invalid, match=word):
        access.update_device(tx, actor, made.id, change)


def test_a_title_is_taken_once(tx: Tx, actor: Actor) -> None:
    add(tx, actor)
    with pytest.raises(Conflict):
        add(tx, actor)


def test_a_device_that_is_gone_is_a_stranger_again(tx: Tx, actor: Actor) -> None:
    made = add(tx, actor)
    access.remove_device(tx, actor, made.id)
    assert identify(tx, "CT1", "10.0.0.5")[0].kind == "caller"
    with pytest.raises(Absent):
        access.remove_device(tx, actor, made.id)
    with pytest.raises(Absent):
        access.update_device(tx, actor, made.id, {"port": 1})


def wants_in(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    return [one for one in access.callers(tx, actor) if one["aet"].startswith("WANTS")]


def test_callers_are_counted_by_title_and_address(tx: Tx, actor: Actor) -> None:
    caller, _ = identify(tx, "WANTS1", "10.0.0.7")
    first = access.note_association(tx, caller, None, proposals=["CT Image Storage"], opened=True)
    again = access.note_association(
        tx, caller, None, proposals=["MR Image Storage", "CT Image Storage"], stored=5, refused=2
    )
    elsewhere, _ = identify(tx, "WANTS1", "10.0.0.8")
    other = access.note_association(tx, elsewhere, None, proposals=[], opened=True)
    assert first == again != other
    found = {one["address"]: one for one in wants_in(tx, actor)}
    assert set(found) == {"10.0.0.7", "10.0.0.8"}
    one = found["10.0.0.7"]
    assert (one["associations"], one["stored_count"], one["refused_count"]) == (1, 5, 2)
    assert sorted(one["proposals"]) == ["CT Image Storage", "MR Image Storage"]


def test_what_a_caller_proposes_is_bounded(tx: Tx, actor: Actor) -> None:
    caller, _ = identify(tx, "WANTS1", "10.0.0.7")
    for batch in range(4):
        access.note_association(tx, caller, None, proposals=[f"{batch}.{n}" for n in range(500)])
    (one,) = wants_in(tx, actor)
    assert len(one["proposals"]) <= 200


def test_accepting_a_caller_makes_it_a_device_pinned_to_its_address(tx: Tx, actor: Actor) -> None:
    caller, _ = identify(tx, "WANTS2", "10.0.0.9")
    caller_id = access.note_association(tx, caller, None, proposals=[], stored=3, opened=True)
    assert caller_id is not None
    device = access.accept_caller(tx, actor, caller_id, ["echo", "store"], 104)
    assert (device.aet, device.host, device.port, device.pinned) == ("WANTS2", "10.0.0.9", 104, True)
    assert identify(tx, "WANTS2", "10.0.0.9")[1] is not None
    assert identify(tx, "WANTS2", "10.0.0.10")[1] is None
    assert wants_in(tx, actor) == []
    with pytest.raises(Absent):
        access.accept_caller(tx, actor, caller_id, ["echo"], None)


def test_a_dismissed_caller_comes_back_when_it_calls_again(tx: Tx, actor: Actor) -> None:
    caller, _ = identify(tx, "WANTS3", "10.0.0.9")
    caller_id = access.note_association(tx, caller, None, proposals=[], opened=True)
    assert caller_id is not None
    access.dismiss_caller(tx, actor, caller_id)
    assert wants_in(tx, actor) == []
    access.note_association(tx, caller, None, proposals=[], opened=True)
    assert len(wants_in(tx, actor)) == 1
    with pytest.raises(Absent):
        access.dismiss_caller(tx, actor, caller_id)


def test_pages_of_callers_hold_everybody_once(tx: Tx, actor: Actor) -> None:
    for n in range(7):
        caller, _ = identify(tx, f"WANTS{n}", "10.0.0.7")
        access.note_association(tx, caller, None, proposals=[], opened=True)
    seen: list[str] = []
    after = None
    while page := access.callers(tx, actor, limit=3, after=after):
        seen += [one["aet"] for one in page]
        after = page[-1]["id"]
    assert [aet for aet in seen if aet.startswith("WANTS")] == [f"WANTS{n}" for n in (6, 5, 4, 3, 2, 1, 0)]
    assert len(seen) == len(set(seen))


def test_who_may_not_manage_devices_may_not(tx: Tx, actor: Actor) -> None:
    made = add(tx, actor)
    reader = Actor("user", "1", "reader", 1, frozenset({"device.read"}))
    assert made in access.devices(tx, reader)
    for act in (
        lambda: add(tx, reader, aet="CT9"), lambda: access.update_device(tx, reader, made.id, {"port": 1}),
        lambda: access.remove_device(tx, reader, made.id), lambda: access.accept_caller(tx, reader, 1, [], None),
        lambda: access.dismiss_caller(tx, reader, 1),
    ):  # fmt: skip
        with pytest.raises(Refused):
            act()
    with pytest.raises(Refused):
        access.devices(tx, Actor("user", "1", "nobody", 1, frozenset()))
