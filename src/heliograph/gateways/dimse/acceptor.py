"""The listening side: holds a connection until a whole A-ASSOCIATE-RQ is there (Sta2), then hands it to a thread."""

import contextlib
import select
import selectors
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from heliograph.engine.secrets import fingerprint_of
from heliograph.engine.telemetry import fact, trouble
from heliograph.gateways.dimse import pdu
from heliograph.gateways.dimse.crowd import Call, Crowd, Secured
from heliograph.gateways.dimse.negotiation import LOCAL_LIMIT_EXCEEDED
from heliograph.gateways.dimse.secure import SecureSocket, reason, secure
from heliograph.kit.errors import HeliographError, Invalid
from heliograph.kit.time import monotonic_s

BACKLOG = 512
_READ_BYTES = 65536
_LINGER_S = 2.0
_TICK_S = 0.5
_AT_ONCE = 64
_COURTESY_S = 0.002
_MOST_READS = 128  # more than the largest request has records
_OTHER_PDUS = range(2, 8)


@dataclass(frozen=True, slots=True)
class AcceptorLimits:
    """What strangers may cost us before they have named themselves."""

    artim_s: float = 30.0
    max_request_bytes: int = 1 << 20
    max_waiting: int = 4096
    max_waiting_per_address: int = 512
    max_waiting_bytes: int = 64 << 20
    max_associations: int = 200
    max_associations_per_address: int = 64


@dataclass(frozen=True, slots=True)
class Tls:
    """How a door speaks TLS: the context of the moment, the deadline of a handshake, and who hears of one that failed."""

    context: Callable[[], ssl.SSLContext]
    handshake_s: float
    refused: Callable[[str, str], None]


@dataclass(slots=True, eq=False)
class _Waiting:
    sock: socket.socket
    address: str
    port: int
    ends_at: float
    received: bytearray = field(default_factory=bytearray)
    closing: bool = False
    is_shaking: bool = False


def listen(host: str, port: int) -> socket.socket:
    """A listening socket of this process alone."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


class Acceptor:
    """One loop in one thread for all connections that have not yet asked for an association."""

    def __init__(self, listener: socket.socket, crowd: Crowd, limits: AcceptorLimits, tls: Tls | None = None) -> None:
        """`tls` makes this the door of those who speak it; its handshakes are made here, so that they delay no other door."""
        self._listener = listener
        self._crowd = crowd
        self._limits = limits
        self._tls = tls
        self._selector = selectors.DefaultSelector()
        self._waiting: dict[_Waiting, None] = {}
        self._waiting_bytes = 0
        self._waiting_per_address: Counter[str] = Counter()

    def run(self, stop: threading.Event) -> None:
        """Accept until `stop` is set; established associations go on in their threads."""
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        try:
            while not stop.is_set():
                for key, _ in self._selector.select(_TICK_S):
                    if key.data is None:
                        self._accept()
                    elif key.data in self._waiting:
                        self._read(key.data)
                self._expire()
        finally:
            self._listener.close()
            for waiting in list(self._waiting):
                self._drop(waiting)
            self._selector.close()

    def _accept(self) -> None:
        if self._crowd.is_busiest():
            time.sleep(_COURTESY_S)  # a process with less to do takes it meanwhile
        for _ in range(1 if self._crowd.is_shared else _AT_ONCE):
            try:
                sock, name = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:  # out of file descriptors, or the peer has already gone
                trouble("dimse.accept_failed", error)
                self._evict(None)
                return
            sock.setblocking(False)
            waiting = self._newcomer(sock, name[0], name[1])
            if waiting is None:
                continue
            if len(self._waiting) >= self._limits.max_waiting:
                self._evict(None)
            elif self._waiting_per_address[waiting.address] >= self._limits.max_waiting_per_address:
                self._evict(waiting.address)
            self._waiting[waiting] = None
            self._waiting_per_address[waiting.address] += 1
            self._selector.register(waiting.sock, selectors.EVENT_READ, waiting)

    def _newcomer(self, sock: socket.socket, address: str, port: int) -> _Waiting | None:
        if self._tls is None:
            return _Waiting(sock, address, port, monotonic_s() + self._limits.artim_s)
        try:
            secured = secure(self._tls.context(), sock)
        except (OSError, HeliographError) as error:  # the peer has already gone, or our certificate cannot be read
            trouble("dimse.tls_not_begun", error, address=address)
            sock.close()
            return None
        return _Waiting(secured, address, port, monotonic_s() + self._tls.handshake_s, is_shaking=True)

    def _evict(self, address: str | None) -> None:
        """The one that has been silent longest makes room: an honest caller sends its request at once."""
        oldest = next((one for one in self._waiting if address is None or one.address == address), None)
        if oldest is not None:
            self._drop(oldest)

    def _read(self, waiting: _Waiting) -> None:
        if waiting.is_shaking and not self._has_shaken(waiting):
            return
        # What TLS has taken from the line and holds for us wakes nobody: it is read until there is no more.
        for _ in range(_MOST_READS if self._tls is not None else 1):
            if not self._took(waiting) or waiting not in self._waiting:
                break

    def _has_shaken(self, waiting: _Waiting) -> bool:
        assert self._tls is not None
        assert isinstance(waiting.sock, SecureSocket)
        try:
            event = waiting.sock.shake()
        except OSError as error:
            self._drop(waiting)
            self._tls.refused(waiting.address, reason(error))
            return False
        if event:
            wanted = selectors.EVENT_READ if event == select.POLLIN else selectors.EVENT_WRITE
            self._selector.modify(waiting.sock, wanted, waiting)
            return False
        self._selector.modify(waiting.sock, selectors.EVENT_READ, waiting)
        waiting.is_shaking = False
        waiting.ends_at = monotonic_s() + self._limits.artim_s
        return True

    def _took(self, waiting: _Waiting) -> bool:
        """Reads once; False when there was nothing."""
        try:
            data = waiting.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._drop(waiting)
        elif not waiting.closing:
            self._take(waiting, data)
        return bool(data)

    def _take(self, waiting: _Waiting, data: bytes) -> None:
        waiting.received += data
        self._waiting_bytes += len(data)
        if self._waiting_bytes > self._limits.max_waiting_bytes:
            self._evict(None)
            if waiting not in self._waiting:
                return
        try:
            self._examine(waiting)
        except Exception as error:  # noqa: BLE001 one stranger's bytes must not end the door
            trouble("dimse.acceptor_fault", error, address=waiting.address)
            if waiting in self._waiting:
                self._drop(waiting)

    def _examine(self, waiting: _Waiting) -> None:
        received = waiting.received
        if received[0] != pdu.A_ASSOCIATE_RQ:
            # Another PDU is AA-1; anything else (an HTTP request, a TLS hello) is not a DICOM peer and is told nothing.
            if received[0] in _OTHER_PDUS and received[0] != pdu.A_ABORT and not any(received[1:2]):
                self._answer(waiting, pdu.Abort(0, 0))
            else:
                self._drop(waiting)
            return
        if len(received) < 6:
            return
        length = pdu.HEADER.unpack_from(received)[1]
        if length > self._limits.max_request_bytes:
            self._answer(waiting, pdu.Abort(2, 6))
        elif len(received) >= length + 6:
            self._hand_over(waiting, length + 6)

    def _hand_over(self, waiting: _Waiting, size: int) -> None:
        try:
            request = pdu.decode(bytes(waiting.received[:size]))
        except Invalid as error:
            fact("dimse.bad_request", address=waiting.address, code=error.code)
            self._answer(waiting, pdu.Abort(2, 6))
            return
        assert isinstance(request, pdu.AssociateRequest), "the type byte said so"
        if self._crowd.is_full(waiting.address):
            self._answer(waiting, LOCAL_LIMIT_EXCEEDED)
            return
        if self._crowd.too_many(waiting.address, request):
            self._answer(waiting, LOCAL_LIMIT_EXCEEDED)
            return
        leftover = bytes(waiting.received[size:])
        self._forget(waiting)
        self._crowd.start(Call(waiting.sock, waiting.address, waiting.port, request, leftover, _secured(waiting.sock)))

    def _answer(self, waiting: _Waiting, answer: pdu.AssociateReject | pdu.Abort) -> None:
        """Say it, then wait a moment for the other side to close, so that the answer is not lost to a reset."""
        waiting.closing = True
        self._waiting_bytes -= len(waiting.received)
        waiting.received.clear()
        try:
            waiting.sock.send(pdu.encode(answer))
            waiting.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(waiting)
            return
        waiting.ends_at = monotonic_s() + _LINGER_S

    def _expire(self) -> None:
        now = monotonic_s()
        for waiting in [one for one in self._waiting if one.ends_at <= now]:
            self._drop(waiting)
            if waiting.is_shaking and self._tls is not None:
                self._tls.refused(waiting.address, "no handshake in time")

    def _drop(self, waiting: _Waiting) -> None:
        self._forget(waiting)
        with contextlib.suppress(OSError):
            waiting.sock.close()

    def _forget(self, waiting: _Waiting) -> None:
        self._selector.unregister(waiting.sock)
        del self._waiting[waiting]
        self._waiting_bytes -= len(waiting.received)
        self._waiting_per_address[waiting.address] -= 1
        if not self._waiting_per_address[waiting.address]:
            del self._waiting_per_address[waiting.address]


def _secured(sock: socket.socket) -> Secured | None:
    if not isinstance(sock, SecureSocket):
        return None
    der = sock.getpeercert()
    suite = sock.cipher()
    return Secured(fingerprint_of(der) if der else "", sock.version() or "", suite[0] if suite else "")
