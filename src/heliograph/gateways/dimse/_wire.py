"""A blocking socket with a reusable receive buffer and deadlines that cost no extra system call."""

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Sequence

from heliograph.kit.errors import HeliographError
from heliograph.kit.time import monotonic_s

BUFFER_BYTES = 256 * 1024
TICK_S = 0.5
_TIMEVAL = struct.Struct("ll")


class Lost(HeliographError):
    """The association is over; nothing more can be sent or received on it."""

    code = "association_lost"


class PeerGone(Lost):
    """The transport connection was closed by the other side (PS3.8 9.2 event 17)."""

    code = "transport_closed"


class TimedOut(Lost):
    """The other side did not send or take bytes in time."""

    code = "timed_out"


class Stopping(Lost):
    """This server is shutting down."""

    code = "stopping"


class Wire:
    """`view[start:end]` are the bytes received and not yet used; the kernel wakes every receive after `TICK_S`."""

    def __init__(self, sock: socket.socket, initial: bytes = b"", stop: threading.Event | None = None) -> None:
        self.sock = sock
        sock.setblocking(True)
        tick = _TIMEVAL.pack(int(TICK_S), int(TICK_S % 1 * 1_000_000))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, tick)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, tick)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self.buffer = bytearray(max(BUFFER_BYTES, len(initial)))
        self.view = memoryview(self.buffer)
        self.view[: len(initial)] = initial
        self.start = 0
        self.end = len(initial)
        self._stop = stop

    def fill(self, deadline: float, *, idle: bool = False) -> None:
        """Wait for at least one more byte; an idle wait ends when the server stops."""
        kept = self.end - self.start
        if self.start:
            self.view[:kept] = bytes(self.view[self.start : self.end])  # a partial header, never more
            self.start, self.end = 0, kept
        while True:
            if idle and self._stop is not None and self._stop.is_set():
                raise Stopping("the server stops")
            try:
                got = self.sock.recv_into(self.view[self.end :])
            except BlockingIOError:
                if monotonic_s() > deadline:
                    raise TimedOut("the other side sent nothing in time") from None
                continue
            except OSError as error:
                raise PeerGone("the connection broke") from error
            if got == 0:
                raise PeerGone("the other side closed the connection")
            self.end += got
            # Linux forgets the option whenever it falls back to delayed acknowledgement.
            with contextlib.suppress(OSError):
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            if monotonic_s() > deadline:
                raise TimedOut("the other side sends too slowly")
            return

    def need(self, count: int, deadline: float, *, idle: bool = False) -> None:
        """Wait until `count` bytes are there (far less than the buffer holds)."""
        while self.end - self.start < count:
            self.fill(deadline, idle=idle and self.start == self.end)

    def ready(self, wait_s: float = 0.0) -> bool:
        """Whether bytes are there to be read, now or within this time."""
        if self.end > self.start:
            return True
        if wait_s > 0 and not self.ready():
            poll = select.poll()
            poll.register(self.sock, select.POLLIN)
            poll.poll(wait_s * 1000)
        try:
            peeked = self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError as error:
            raise PeerGone("the connection broke") from error
        if not peeked:
            raise PeerGone("the other side closed the connection")
        return True

    def send(self, parts: Sequence[bytes | memoryview], timeout_s: float) -> None:
        """Send all parts; the time limit is for progress, not for the whole."""
        views = [memoryview(part) for part in parts]
        deadline = monotonic_s() + timeout_s
        first = 0
        while first < len(views):
            try:
                sent = self.sock.sendmsg(views[first : first + 64])
            except BlockingIOError:
                if monotonic_s() > deadline:
                    raise TimedOut("the other side takes nothing") from None
                continue
            except OSError as error:
                raise PeerGone("the connection broke") from error
            deadline = monotonic_s() + timeout_s
            while first < len(views) and sent >= len(views[first]):
                sent -= len(views[first])
                first += 1
            if sent:
                views[first] = views[first][sent:]

    def half_close(self, linger_s: float) -> None:
        """Send no more, and wait for the other side to close."""
        deadline = monotonic_s() + linger_s
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
            while True:
                self.start = self.end = 0
                self.fill(deadline)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self.sock.close()
