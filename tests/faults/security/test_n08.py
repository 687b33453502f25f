"""N8: taking studies away by C-MOVE and C-GET (Aplite, Black Hat EU 2023): only to whom is registered, only by whom may."""

import contextlib
import struct

import pytest

from tests.faults.security import hostile
from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import CT, Identity, element
from tests.peers.association import EXPLICIT, Association, Lost, command

MOVE, GET, FIND = "1.2.840.10008.5.1.4.1.2.2.2", "1.2.840.10008.5.1.4.1.2.2.3", "1.2.840.10008.5.1.4.1.2.2.1"


def _study(siege: Siege) -> Identity:
    who = Identity()
    assert hostile.store(siege.server.dicom, [(who, hostile.honest(who))])[0].status == 0
    return who


def _identifier(who: Identity) -> bytes:
    return element(0x00080052, "CS", "STUDY") + element(0x0020000D, "UI", who.study)


@pytest.mark.parametrize("destination", ["NOBODY", "HELIOGRAPH", "*", "", "H%", "hostile", "127.0.0.1", "' or 1=1 --"])
def test_a_move_to_whom_nobody_registered_moves_nothing(siege: Siege, destination: str) -> None:
    who = _study(siege)
    with Association.connect(siege.server.dicom, [(MOVE, (EXPLICIT,))], calling="HOSTILE", timeout=30) as association:
        words = command([
            (0x00000002, MOVE.encode() + b"\0"), (0x00000100, struct.pack("<H", 0x0021)), (0x00000110, struct.pack("<H", 1)),
            (0x00000600, destination.ljust(16).encode()), (0x00000700, struct.pack("<H", 0)), (0x00000800, struct.pack("<H", 1)),
        ])  # fmt: skip
        context = association.contexts[MOVE, EXPLICIT]
        association.send_raw(
            association.fragments(context, words, is_command=True)
            + association.fragments(context, _identifier(who), is_command=False)
        )
        answer = association.read_answer()
        assert answer.status == 0xA801, f"{answer.status:04x}"


@pytest.mark.parametrize("model", [MOVE, GET, FIND])
def test_a_caller_that_nobody_registered_may_not_ask(siege: Siege, model: str) -> None:
    """It may store at most, and learns nothing of what is there."""
    assert not _accepted(siege, model, "STRANGER")


def test_a_device_takes_by_get_what_it_may_and_all_of_it_is_on_record(siege: Siege) -> None:
    who = _study(siege)
    with Association.connect(
        siege.server.dicom, [(GET, (EXPLICIT,)), (CT, (EXPLICIT,))], calling="HOSTILE", timeout=30, provided=[CT]
    ) as association:
        answer, received = association.get(GET, _identifier(who), EXPLICIT)
    assert answer.status == 0
    assert list(received) == [who.sop]
    siege.server.cli(
        "device", "add", "--aet", "ONLYSTORES", "--host", "127.0.0.1", "--port", "104", "--allow", "echo,store"
    )
    assert not _accepted(siege, GET, "ONLYSTORES")


def _accepted(siege: Siege, model: str, calling: str) -> bool:
    """Whether a caller is given a context to ask in; being rejected as a whole is no as well."""
    try:
        association = Association.connect(siege.server.dicom, [(model, (EXPLICIT,))], calling=calling, timeout=30)
    except Lost:
        return False
    with contextlib.closing(association):
        return bool(association.contexts)
