"""The door before the association: strangers, limits, slow callers (N1, N2; PS3.8 9.2 Sta2)."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliograph.gateways.dimse import pdu
from heliograph.gateways.dimse.acceptor import Acceptor, AcceptorLimits, listen
from heliograph.gateways.dimse.census import Census
from heliograph.gateways.dimse.crowd import Call, Crowd
from heliograph.gateways.dimse.negotiation import LOCAL_LIMIT_EXCEEDED
from tests.unit.gateways.dimse.wires import CT, EXPLICIT, everything, units

REQUEST = pdu.encode(pdu.AssociateRequest("US", "THEM", (pdu.PresentationContext(1, CT, (EXPLICIT,)),)))


class Door:
    def __init__(
        self, limits: AcceptorLimits, listener: socket.socket | None = None, census: Census | None = None
    ) -> None:
        self.listener = listener or listen("127.0.0.1", 0)
        self.port = self.listener.getsockname()[1]
        self.calls: list[Call] = []
        self.leave = threading.Event()
        self.stop = threading.Event()
        self.crowd = Crowd(self._serve, limits.max_associations, limits.max_associations_per_address, census)
        self.acceptor = Acceptor(self.listener, self.crowd, limits)
        self.thread = threading.Thread(target=self.acceptor.run, args=(self.stop,))
        self.thread.start()

    def _serve(self, call: Call) -> None:
        self.calls.append(call)
        call.sock.setblocking(True)
        call.sock.sendall(pdu.encode(pdu.AssociateAccept("US", "THEM", ())))
        self.leave.wait(240)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 120)

    def end(self) -> None:
        self.leave.set()
        self.stop.set()
        self.thread.join(120)
        self.crowd.drain(60.0)
        assert self.crowd.open_count() == 0


@contextlib.contextmanager
def door(**limits: float) -> Iterator[Door]:
    one = Door(AcceptorLimits(**limits))  # type: ignore[arg-type]  # fields of AcceptorLimits
    try:
        yield one
    finally:
        one.end()


def accepted(sock: socket.socket) -> bool:
    return isinstance(units(sock.recv(4096))[0], pdu.AssociateAccept)


def test_request_in_pieces_with_early_data_behind_it() -> None:
    with door() as one, one.connect() as sock:
        for n in range(0, len(REQUEST), 50):
            sock.sendall(REQUEST[n : n + 50] + (b"early" if n + 50 >= len(REQUEST) else b""))
            time.sleep(0.005)
        assert accepted(sock)
        assert (one.calls[0].leftover, one.calls[0].request.calling_aet) == (b"early", "THEM")


@pytest.mark.parametrize("raw", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\x00"])
def test_n1_what_is_no_dicom_is_closed_without_an_answer(raw: bytes) -> None:
    with door() as one, one.connect() as sock:
        sock.sendall(raw)
        assert everything(sock) == b""


def test_other_pdu_instead_of_a_request_is_aborted() -> None:
    with door() as one, one.connect() as sock:
        sock.sendall(pdu.encode(pdu.ReleaseRequest()))
        assert units(everything(sock)) == [pdu.Abort(0, 0)]


def test_n1_request_longer_than_the_limit_is_aborted_at_its_header() -> None:
    with door() as one, one.connect() as sock:
        sock.sendall(struct.pack(">BxI", 1, 0xFFFFFFFF))
        assert units(everything(sock)) == [pdu.Abort(2, 6)]


def test_unreadable_request_is_aborted() -> None:
    with door() as one, one.connect() as sock:
        sock.sendall(struct.pack(">BxI", 1, 70) + bytes(68) + b"\x20\x00")
        assert units(everything(sock)) == [pdu.Abort(2, 6)]
        assert one.calls == []


def test_n2_silent_caller_is_dropped_after_artim_and_others_come_in_at_once() -> None:
    with door(artim_s=5.0) as one, one.connect() as silent, one.connect() as good:
        silent.sendall(REQUEST[:10])
        good.sendall(REQUEST)
        assert accepted(good)
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):  # still waited for
            silent.recv(1)
        silent.settimeout(120)
        assert everything(silent) == b""


def test_limit_of_associations_in_total() -> None:
    with door(max_associations=1) as one, one.connect() as first, one.connect() as second:
        first.sendall(REQUEST)
        assert accepted(first)
        second.sendall(REQUEST)
        assert units(everything(second)) == [LOCAL_LIMIT_EXCEEDED]
        assert (LOCAL_LIMIT_EXCEEDED.result, LOCAL_LIMIT_EXCEEDED.source, LOCAL_LIMIT_EXCEEDED.reason) == (2, 3, 2)


def test_limit_of_associations_of_one_address_is_free_again_after_the_end() -> None:
    with door(max_associations_per_address=1) as one:
        with one.connect() as first, one.connect() as second:
            first.sendall(REQUEST)
            assert accepted(first)
            second.sendall(REQUEST)
            assert units(everything(second)) == [LOCAL_LIMIT_EXCEEDED]
        one.leave.set()
        while one.crowd.open_count():
            time.sleep(0.01)
        with one.connect() as third:
            third.sendall(REQUEST)
            assert accepted(third)


def test_n2_many_silent_connections_do_not_keep_an_honest_one_out() -> None:
    with door(max_waiting=20, max_waiting_per_address=10) as one, contextlib.ExitStack() as open_sockets:
        silent = [open_sockets.enter_context(one.connect()) for _ in range(60)]
        for sock in silent:
            with contextlib.suppress(OSError):
                sock.sendall(REQUEST[:7])
        with one.connect() as good:
            good.sendall(REQUEST)
            assert accepted(good)


def test_two_processes_share_a_listener_and_its_limit(tmp_path: Path) -> None:
    """Both accept on one socket; what one has open counts for the other."""
    listener = listen("127.0.0.1", 0)
    ones = [
        Door(AcceptorLimits(max_associations=3), listener.dup(), Census(tmp_path / "associations", number, 2))
        for number in range(2)
    ]
    try:
        with contextlib.ExitStack() as wires:
            socks = [wires.enter_context(ones[0].connect()) for _ in range(4)]
            answers = []
            for sock in socks:
                sock.sendall(REQUEST)
                answers.append(accepted(sock))
            assert answers == [True, True, True, False]
    finally:
        for one in ones:
            one.end()
        listener.close()


def test_drain_cuts_those_that_do_not_end() -> None:
    with door() as one, one.connect() as sock:
        one.leave.clear()
        sock.sendall(REQUEST)
        assert accepted(sock)
        one.stop.set()
        one.thread.join(60)
        threading.Timer(0.8, one.leave.set).start()
        one.crowd.drain(0.3)
        assert sock.recv(10) == b""
