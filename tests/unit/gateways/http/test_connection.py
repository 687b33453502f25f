"""HTTP connections over real sockets on the real server: half-closed, endless, silent and unwilling clients."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from heliograph.gateways.http import connection
from heliograph.gateways.http.connection import Connection, end_silent
from tests.peers.pace import soonest

MIB = 1 << 20


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    """Counts the body; `/slow` answers late, `/much` answers 64 MiB."""
    if scope["type"] != "http":
        return
    total, more = 0, True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return
        total += len(message.get("body", b""))
        more = message.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(0.3)
    pieces = [bytes(MIB)] * 64 if scope["path"] == "/much" else [str(total).encode()]
    length = str(sum(map(len, pieces))).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    for number, piece in enumerate(pieces):
        await send({"type": "http.response.body", "body": piece, "more_body": number + 1 < len(pieces)})


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.watch = asyncio.create_task(end_silent(self.server_state.connections))


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    for name, seconds in (("HEAD_S", 1.0), ("BODY_S", 1.0), ("_LOOK_EVERY_S", 0.1)):
        monkeypatch.setattr(connection, name, seconds)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        _application, loop="uvloop", http=Connection, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(60)
    listener.close()


def _call(port: int, data: bytes) -> socket.socket:
    wire = socket.create_connection(("127.0.0.1", port), timeout=60)
    wire.sendall(data)
    return wire


def _all(wire: socket.socket) -> bytes:
    received = bytearray()
    try:
        while piece := wire.recv(MIB):
            received += piece
    except ConnectionError:
        pass
    return bytes(received)


def _bodies(answer: bytes) -> list[bytes]:
    return [part.partition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK")[1:]]


@pytest.mark.parametrize("path", [b"/", b"/slow"])
def test_a_client_that_closed_its_sending_side_gets_its_answer(port: int, path: bytes) -> None:
    with _call(port, b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc") as wire:
        wire.shutdown(socket.SHUT_WR)
        assert _bodies(_all(wire)) == [b"3"]


def test_pipelined_requests_are_all_answered_to_a_half_closed_client(port: int) -> None:
    one = b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
    with _call(port, one % (1, b"a") + one % (2, b"ab") + one % (3, b"abc")) as wire:
        wire.shutdown(socket.SHUT_WR)
        assert _bodies(_all(wire)) == [b"1", b"2", b"3"]


def test_a_request_that_is_cut_short_is_closed_at_once(port: int) -> None:
    """And not by the watch over silent clients, which takes a second."""

    def closed_s() -> float:
        with _call(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\nabc") as wire:
            wire.shutdown(socket.SHUT_WR)
            began = time.monotonic()
            assert _all(wire) == b""
            return time.monotonic() - began

    assert soonest(closed_s, 0.9) < 0.9


def test_headers_without_end_are_refused(port: int) -> None:
    with _call(port, b"GET / HTTP/1.1\r\nHost: x\r\n") as wire:
        line = b"X-Filler: " + b"a" * 1000 + b"\r\n"
        sent = 0
        try:
            while sent < 64 * MIB:
                wire.sendall(line * 64)
                sent += 64 * len(line)
        except ConnectionError:
            pass
        assert sent < 16 * MIB  # what the buffers of the kernel take
        assert _all(wire)[:12] in {b"HTTP/1.1 431", b""}  # a reset may take the answer along


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
    ],
)
def test_a_client_that_falls_silent_is_cut_off(port: int, begun: bytes) -> None:
    began = time.monotonic()
    with _call(port, begun) as wire:
        _all(wire)
        assert 0.5 < time.monotonic() - began < 50


def test_a_head_that_dribbles_is_cut_off(port: int) -> None:
    with _call(port, b"GET / HTTP/1.1\r\nHost: x\r\nX: ") as wire:
        began = time.monotonic()
        try:
            while time.monotonic() - began < 60:
                wire.sendall(b"a")
                time.sleep(0.05)
        except ConnectionError:
            pass
        assert time.monotonic() - began < 50


def test_a_client_that_takes_nothing_is_cut_off(port: int) -> None:
    def got(silent_s: float) -> int:
        with _call(port, b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n") as wire:
            time.sleep(silent_s)
            return len(_all(wire))

    # A busy machine may take its time to fill what the sockets hold, and only then is anybody silent.
    assert any(got(silent_s) < 64 * MIB for silent_s in (3, 10, 30))


def test_a_client_that_takes_its_time_gets_all(port: int) -> None:
    """Slower than the limit for silence altogether, and never silent that long, unless the machine was."""

    def received() -> int:
        size = 0
        with contextlib.suppress(ConnectionError), _call(port, request) as wire:
            while piece := wire.recv(2 * MIB):
                size += len(piece)
                time.sleep(0.02)
        return size

    request = b"GET /much HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert any(received() > 64 * MIB for _ in range(5))


def test_a_body_that_comes_slowly_is_taken(port: int) -> None:
    def bodies() -> list[bytes]:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\nConnection: close\r\n\r\n"
        with contextlib.suppress(ConnectionError), _call(port, head) as wire:
            for _ in range(8):
                time.sleep(0.2)
                wire.sendall(b"a")
            return _bodies(_all(wire))
        return []

    assert any(bodies() == [b"8"] for _ in range(5))  # a second in which the machine stood still ends one
