"""Slow and lying peers: each is cut off or answered, none takes memory or time from the others, and a good neighbour never notices."""

import contextlib
import itertools
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.faults.ledger import Senders, audit, introduce
from tests.faults.objects import objects
from tests.peers import Dicom, processes
from tests.peers.association import (
    EXPLICIT,
    IMPLICIT,
    VERIFICATION,
    Association,
    Lost,
    associate_request,
    command,
    item,
    pdu,
    store_command,
)
from tests.peers.heliograph import Server
from tests.peers.pace import soonest

CT = "1.2.840.10008.5.1.4.1.1.2"
ANSWER_S = 25.0  # less than ARTIM and the limits for a PDU, which would end them all
MIB = 1 << 20
SEEDS = itertools.count(1)


def _p_data(context: int, flags: int, payload: bytes, *, pdv_length: int | None = None) -> bytes:
    told = len(payload) + 2 if pdv_length is None else pdv_length
    return pdu(0x04, struct.pack(">IBB", told, context, flags) + payload)


def _contexts(count: int) -> bytes:
    return associate_request("HELIOGRAPH", "LIAR", [((2 * n + 1) % 256, CT, [EXPLICIT]) for n in range(count)])


def _request_with(extra: bytes) -> bytes:
    """A good A-ASSOCIATE-RQ with bytes behind its last item."""
    good = associate_request("HELIOGRAPH", "LIAR", [(1, VERIFICATION, [IMPLICIT])])
    return pdu(0x01, good[6:] + extra)


# Sent as the first bytes of a connection.
OPENINGS = {
    "an associate request of 4 GiB": b"\x01\x00\xff\xff\xff\xff" + b"\0" * 100,
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x11" * 300,
    "data before an association": _p_data(1, 3, b"\0" * 20),
    "a PDU type that does not exist": pdu(0x77, b"\0" * 10),
    "a release before an association": pdu(0x05, b"\0\0\0\0"),
    "an associate request of nothing": pdu(0x01, b""),
    "an item that is longer than its PDU": _request_with(struct.pack(">BBH", 0x20, 0, 60000) + b"\x01\0\0\0"),
    "300 presentation contexts": _contexts(300),
    "a presentation context without an abstract syntax": _request_with(item(0x20, struct.pack(">BBBB", 3, 0, 0, 0))),
    "UIDs of 60000 bytes": associate_request("HELIOGRAPH", "LIAR", [(1, "1." * 30000, [IMPLICIT])]),
    "a control character as AE title": associate_request("HELIO\x00\nGRAPH", "\x1b[31m\r\n", [(1, VERIFICATION, [IMPLICIT])]),
    "60000 bytes of noise": b"\xee" + random.Random(1).randbytes(60000),
}  # fmt: skip

_STORE = store_command(CT, "1.2.3.4.5", 1)

# Sent on an established association: context 1 is verification, context 3 is CT.
MESSAGES = {
    "a PDU of 4 GiB": b"\x04\x00\xff\xff\xff\xff" + b"\0" * 1000,
    "a PDU larger than negotiated": pdu(0x04, struct.pack(">IBB", 40 * MIB + 2, 3, 0) + bytes(40 * MIB)),
    "a fragment shorter than its own head": _p_data(3, 3, b"", pdv_length=0),
    "a fragment longer than its PDU": _p_data(3, 1, _STORE, pdv_length=1 << 30),
    "a context that was never negotiated": _p_data(99, 3, _STORE),
    "an even context": _p_data(2, 3, _STORE),
    "data without a command": _p_data(3, 2, b"\x08\x00\x05\x00CS\x00\x00"),
    "a command of noise": _p_data(3, 3, random.Random(2).randbytes(200)),
    "a command whose element lies about its length": _p_data(3, 3, struct.pack("<HHI", 0, 2, 0x7FFFFFFF) + b"1.2"),
    "a command without a kind": _p_data(3, 3, command([(0x00000110, b"\x01\x00")])),
    "a command that never ends": b"".join(_p_data(3, 1, bytes(16000)) for _ in range(200)),
    "two commands at once": _p_data(3, 3, _STORE) + _p_data(3, 3, _STORE),
    "a command of another context inside a data set": _p_data(3, 3, _STORE) + _p_data(1, 3, _STORE),
    "a release inside a data set": _p_data(3, 3, _STORE) + _p_data(3, 0, b"\0" * 1000) + pdu(0x05, b"\0\0\0\0"),
    "a second associate request": associate_request("HELIOGRAPH", "LIAR", [(1, VERIFICATION, [IMPLICIT])]),
    "an accept from the wrong side": pdu(0x02, b"\0" * 100),
}  # fmt: skip


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("attacked") / "data") as server:
        introduce(server)
        yield server


@pytest.fixture
def neighbour(attacked: Server) -> Iterator[Callable[[], None]]:
    """After each test the server is as quick and as right as before, and nobody else's object has come in."""

    def check() -> None:
        assert soonest(lambda: _echo_s(attacked.dicom), 2) < 2
        with Senders(attacked.dicom, [objects(0, next(SEEDS))]) as senders:
            senders.wait_for(3)
        report = audit(attacked, senders.ledger)
        assert report.is_clean, str(report)

    yield check
    check()
    assert attacked.process is not None
    assert attacked.process.poll() is None


def _echo_s(to: Dicom) -> float:
    began = time.monotonic()
    with Association.connect(to, [(VERIFICATION, (IMPLICIT,))], calling="HARNESS", timeout=60) as one:
        assert one.echo() == 0
    return time.monotonic() - began


def _ending(wire: socket.socket) -> str:
    """How the server ends it: closed, aborted, rejected or an answer; Timeout means that it said nothing at all."""
    wire.settimeout(ANSWER_S)
    try:
        data = wire.recv(65536)
    except TimeoutError:
        return "silent"
    except OSError:
        return "closed"
    return {b"": "closed", b"\x07": "aborted", b"\x03": "rejected", b"\x02": "accepted"}.get(data[:1], "answered")


@pytest.mark.usefixtures("neighbour")
@pytest.mark.parametrize("lie", OPENINGS)
def test_a_lie_in_the_opening_is_cut_off(attacked: Server, lie: str) -> None:
    with socket.create_connection(attacked.dicom[:2], timeout=ANSWER_S) as wire:
        with contextlib.suppress(OSError):
            wire.sendall(OPENINGS[lie])
        assert _ending(wire) != "silent"


@pytest.mark.usefixtures("neighbour")
@pytest.mark.parametrize("lie", MESSAGES)
def test_a_lie_in_a_message_is_cut_off_or_answered(attacked: Server, lie: str) -> None:
    wanted = [(VERIFICATION, (IMPLICIT,)), (CT, (EXPLICIT,))]
    with contextlib.closing(Association.connect(attacked.dicom, wanted, calling="HARNESS")) as association:
        with contextlib.suppress(Lost):
            association.send_raw(MESSAGES[lie])
        assert _ending(association.wire) != "silent"


@pytest.mark.usefixtures("neighbour")
def test_lying_lengths_take_no_memory(attacked: Server) -> None:
    """A hundred peers that announce 4 GiB each."""
    before = processes.pss_bytes(attacked.pids())
    with contextlib.ExitStack() as stack:
        for lie in (OPENINGS["an associate request of 4 GiB"], OPENINGS["an HTTP request"]) * 50:
            wire = stack.enter_context(socket.create_connection(attacked.dicom[:2], timeout=ANSWER_S))
            with contextlib.suppress(OSError):
                wire.sendall(lie)
        time.sleep(1)
        assert processes.pss_bytes(attacked.pids()) - before < 100 * MIB


def _dribble(to: Dicom, data: bytes, stop: threading.Event, ends: list[float]) -> None:
    """One byte a second, until the server has enough of it."""
    began = time.monotonic()
    with contextlib.suppress(OSError), socket.create_connection(to[:2], timeout=60) as wire:
        wire.settimeout(1)
        for at in range(len(data)):
            wire.sendall(data[at : at + 1])
            with contextlib.suppress(TimeoutError):
                if not wire.recv(1):
                    break
            if stop.is_set():
                return
    ends.append(time.monotonic() - began)


@pytest.mark.timeout(600)
def test_sixty_peers_of_one_byte_a_second_hold_nobody_up_and_are_cut_off(
    attacked: Server, neighbour: Callable[[], None]
) -> None:
    """PS3.8 9.1.5 (ARTIM): an association request must be whole within its time, not merely begun."""
    stop, ends = threading.Event(), list[float]()
    request = associate_request("HELIOGRAPH", "SLOW", [(1, CT, [EXPLICIT])])
    slow = [
        threading.Thread(target=_dribble, args=(attacked.dicom, request, stop, ends), daemon=True) for _ in range(60)
    ]
    for thread in slow:
        thread.start()
    try:
        time.sleep(3)
        neighbour()
        deadline = time.monotonic() + 150
        while len(ends) < len(slow) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert len(ends) == len(slow), f"{len(slow) - len(ends)} of {len(slow)} dribbling peers still hold their place"
    finally:
        stop.set()


@pytest.mark.usefixtures("neighbour")
def test_a_peer_that_vanishes_inside_an_object_leaves_nothing(attacked: Server) -> None:
    """Half an object, then a reset, an abort or silence followed by a close."""
    supply = objects(7, 70_000)
    gone = []
    for ending in ("reset", "abort", "close") * 3:
        one = next(supply)
        gone.append(one)
        association = Association.connect(attacked.dicom, [(one.sop_class, (one.transfer_syntax,))], calling="HARNESS")
        context = association.contexts[one.context]
        words = association.fragments(context, store_command(one.sop_class, one.sop_uid, 1), is_command=True)
        body = association.fragments(context, one.dataset, is_command=False)
        association.send_raw(words + body[: len(body) // 2])
        if ending == "reset":
            association.wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if ending == "abort":
            association.abort()
        association.close()
    time.sleep(1)
    with attacked.client() as client:
        for study in {one.study_uid for one in gone}:
            answer = client.get(f"/dicom-web/studies/{study}/instances", headers={"Accept": "application/dicom+json"})
            assert answer.status_code in {204, 404} or answer.json() == []


def _healthy_s(client: httpx.Client) -> float:
    began = time.monotonic()
    assert client.get("/healthz").status_code == 200
    return time.monotonic() - began


@pytest.mark.usefixtures("neighbour")
def test_silent_and_slow_web_clients_hold_nobody_up(attacked: Server) -> None:
    """A hundred half-sent requests, and readers that take a study one byte at a time."""
    with Senders(attacked.dicom, [objects(8, 80_000)]) as senders:
        senders.wait_for(25, wait_s=60)
    study = next(iter(senders.ledger.acknowledged.values())).study_uid
    where = ("127.0.0.1", attacked.http_port)
    whole = (
        f"GET /dicom-web/studies/{study} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {attacked.token}\r\n\r\n".encode()
    )
    with contextlib.ExitStack() as stack:
        for number in range(120):
            wire = stack.enter_context(socket.create_connection(where, timeout=60))
            if number < 20:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                wire.sendall(whole)
                wire.recv(1)
            else:
                wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        with attacked.client() as client:
            for _ in range(20):
                assert soonest(lambda: _healthy_s(client), 2) < 2
            response = client.get(f"/dicom-web/studies/{study}/instances", headers={"Accept": "application/dicom+json"})
            assert response.status_code == 200
