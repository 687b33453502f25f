"""N2: slow and half-open peers (pynetdicom 3.0.4 waits for ever in the thread that accepts). 5,000 sockets scaled to 500; TLS: test_n02.py."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.faults.security import hostile
from tests.faults.security.conftest import MIB, Siege
from tests.faults.security.hostile import CT, Identity
from tests.peers import Dicom
from tests.peers.association import EXPLICIT, Association, associate_request

SLOW = 500
OBJECTS = 25


@contextlib.contextmanager
def _slow_peers(to: Dicom) -> Iterator[list[socket.socket]]:
    """Half of them silent, half with the beginning of a request, and now and then one more byte."""
    request = associate_request(to.aet, "SLOW", [(1, CT, [EXPLICIT])])
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(socket.create_connection(to[:2], timeout=30)) for _ in range(SLOW)]
        for wire in wires[::2]:
            wire.sendall(request[:40])

        def dribble() -> None:
            for at in range(40, 60):
                for wire in wires[::2]:
                    with contextlib.suppress(OSError):
                        wire.sendall(request[at : at + 1])
                if stop.wait(1.0):
                    return

        thread = threading.Thread(target=dribble, daemon=True)
        thread.start()
        try:
            yield wires
        finally:
            stop.set()
            thread.join(20)


def _rate(to: Dicom) -> float:
    """Objects a second of a good modality on a new association."""
    sent = [(who, hostile.honest(who)) for who in (Identity() for _ in range(OBJECTS))]
    began = time.monotonic()
    assert all(answer.status == 0 for answer in hostile.store(to, sent))
    return OBJECTS / (time.monotonic() - began)


def test_a_good_modality_keeps_its_rate_among_five_hundred_slow_peers(siege: Siege) -> None:
    """Among them, and alone a moment before and after: what the machine does besides changes slowly, what slow peers cost comes each time."""
    to = siege.server.dicom
    _rate(to)
    shares = []
    before = _rate(to)
    for _ in range(12):
        with _slow_peers(to):
            among = _rate(to)
            began = time.monotonic()
            with Association.connect(to, calling="HOSTILE", timeout=30) as association:
                assert association.echo() == 0
            waited = time.monotonic() - began
        after = _rate(to)
        shares.append(among / min(before, after) if waited < 1.0 else 0.0)
        if shares[-1] >= 0.9:
            break
        before = after
    assert max(shares) >= 0.9, f"of its rate a good modality keeps {', '.join(f'{share:.0%}' for share in shares)}"
    assert siege.rise() < 64 * MIB


def test_who_opens_more_than_an_address_may_loses_the_oldest(siege: Siege) -> None:
    """Six hundred half-open connections: the newcomers are served, the silent ones make room."""
    to = siege.server.dicom
    with contextlib.ExitStack() as stack:
        for _ in range(600):
            stack.enter_context(socket.create_connection(to[:2], timeout=30))
        with Association.connect(to, calling="HOSTILE", timeout=30) as association:
            assert association.echo() == 0
    assert siege.rise() < 64 * MIB


def test_an_address_has_its_share_of_associations_and_no_more(siege: Siege) -> None:
    """dimse.max_per_peer: the one after is told that it is a local limit (PS3.8 9.3.4), and comes in when another has left."""
    to = siege.server.dicom
    open_ones: list[Association] = []
    try:
        with pytest.raises(ConnectionError, match="reason 2"):
            open_ones.extend(Association.connect(to, calling="HOSTILE", timeout=30) for _ in range(200))
        assert 16 <= len(open_ones) <= 64
    finally:
        for one in open_ones:
            one.abort()
    deadline = time.monotonic() + 20
    while True:
        try:
            with Association.connect(to, calling="HOSTILE", timeout=30) as association:
                assert association.echo() == 0
            break
        except ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_half_sent_requests_of_two_hundred_browsers_hold_nobody_up(siege: Siege, web: httpx.Client) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(200):
            wire = stack.enter_context(socket.create_connection(("127.0.0.1", siege.server.http_port), timeout=30))
            wire.sendall(
                b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
                if number % 2
                else b"POST /api/session HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"
            )
        began = time.monotonic()
        assert web.get("/healthz").status_code == 200
        assert time.monotonic() - began < 5
    assert siege.rise() < 64 * MIB
