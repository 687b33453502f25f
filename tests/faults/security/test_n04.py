"""N4: lengths of values that underflow, contexts used twice, 129 of them, windows of zero; every PDU in every state (PS3.8 9.2)."""

import contextlib
import itertools
import socket
import struct

import pytest

from tests.faults.security import hostile
from tests.faults.security.conftest import MIB, Siege
from tests.faults.security.hostile import CT, Identity
from tests.peers.association import (
    EXPLICIT,
    IMPLICIT,
    VERIFICATION,
    Association,
    Lost,
    associate_request,
    item,
    pdu,
    store_command,
)

PDUS = {
    "A-ASSOCIATE-RQ": associate_request("HELIOGRAPH", "HOSTILE", [(1, VERIFICATION, [IMPLICIT])]),
    "A-ASSOCIATE-AC": pdu(2, bytes(68)),
    "A-ASSOCIATE-RJ": pdu(3, b"\0\1\1\1"),
    "P-DATA-TF of nothing": pdu(4, b""),
    "P-DATA-TF of noise": pdu(4, struct.pack(">IBB", 6, 1, 3) + b"\xff" * 4),
    "A-RELEASE-RP": pdu(6, bytes(4)),
    "A-ABORT": pdu(7, bytes(4)),
    "a type that is none": pdu(9, bytes(4)),
}
STATES = ("no association", "associated", "inside of a command", "inside of a data set", "after release")


@pytest.mark.parametrize(("state", "what"), list(itertools.product(STATES, PDUS)))
def test_every_pdu_in_every_state_is_answered_or_ends_it(siege: Siege, state: str, what: str) -> None:
    to = siege.server.dicom
    with contextlib.ExitStack() as stack:
        if state == "no association":
            wire = stack.enter_context(socket.create_connection(to[:2], timeout=20))
        else:
            association = Association.connect(
                to, [(VERIFICATION, (IMPLICIT,)), (CT, (EXPLICIT,))], calling="HOSTILE", timeout=20
            )
            wire = stack.enter_context(association.wire)
            _brought_to(association, state)
        with contextlib.suppress(OSError):
            wire.sendall(PDUS[what])
            wire.shutdown(socket.SHUT_WR)
        assert _ends(wire), "it says nothing and stays"


def _brought_to(association: Association, state: str) -> None:
    who = Identity()
    words = association.fragments(3, store_command(CT, who.sop, 1), is_command=True)
    if state == "inside of a command":
        association.send_raw(pdu(4, struct.pack(">IBB", 12, 3, 1) + b"\0" * 10))
    elif state == "inside of a data set":
        association.send_raw(words + pdu(4, struct.pack(">IBB", 102, 3, 0) + hostile.honest(who)[:100]))
    elif state == "after release":
        association.send_raw(pdu(5, bytes(4)))


def _ends(wire: socket.socket) -> bool:
    """Whatever is said, the end of the connection comes."""
    try:
        while wire.recv(65536):
            continue
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


@pytest.mark.parametrize("length", [0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 100])
def test_a_value_that_does_not_fit_its_pdu(siege: Siege, length: int) -> None:
    association = Association.connect(siege.server.dicom, calling="HOSTILE", timeout=20)
    with contextlib.closing(association):
        association.send_raw(pdu(4, struct.pack(">IBB", length, 1, 3) + b"\0" * 20))
        with pytest.raises(Lost):
            association.read_answer()
    assert siege.rise() < 64 * MIB


def _window(asked: int) -> bytes:
    good = associate_request("HELIOGRAPH", "HOSTILE", [(1, VERIFICATION, [IMPLICIT])])
    at = good.rindex(b"\x50\0")
    user = good[at + 4 :] + item(0x53, struct.pack(">HH", asked, asked))
    return pdu(1, good[6:at] + item(0x50, user))


REQUESTS = {
    "two contexts of one id": associate_request(
        "HELIOGRAPH", "HOSTILE", [(1, VERIFICATION, [IMPLICIT]), (1, CT, [EXPLICIT])]
    ),
    "an even id": associate_request("HELIOGRAPH", "HOSTILE", [(2, VERIFICATION, [IMPLICIT])]),
    "129 contexts": associate_request(
        "HELIOGRAPH", "HOSTILE", [((2 * n + 1) % 256, VERIFICATION, [IMPLICIT]) for n in range(129)]
    ),
    "a window of nothing": _window(0),
    "a window of everything": _window(65535),
    "no context at all": associate_request("HELIOGRAPH", "HOSTILE", []),
    "2,000 transfer syntaxes": associate_request("HELIOGRAPH", "HOSTILE", [(1, CT, [f"1.2.{n}" for n in range(2000)])]),
}


@pytest.mark.parametrize("what", REQUESTS)
def test_a_strange_request_is_accepted_in_part_rejected_or_aborted(siege: Siege, what: str) -> None:
    with socket.create_connection(siege.server.dicom[:2], timeout=20) as wire:
        wire.sendall(REQUESTS[what])
        try:
            answer = wire.recv(65536)
        except ConnectionResetError:
            answer = b""
        assert answer[:1] in {b"", b"\2", b"\3", b"\7"}
    assert siege.rise() < 64 * MIB
