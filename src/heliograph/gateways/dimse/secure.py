"""A TLS connection that looks like the plain socket that `_wire` and the acceptor work with (PS3.15 B.12)."""

import contextlib
import select
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliograph.engine import secrets
from heliograph.kit.errors import Busy, Refused
from heliograph.kit.settings import Settings
from heliograph.kit.time import monotonic_s

_TICK_MS = 500
_AT_ONCE_BYTES = 128 << 10
_HELLO_BYTES = 16 << 10


class SecureSocket(socket.socket):
    """Never blocks in the system: a call that finds nothing to do within a tick raises BlockingIOError, as a plain socket of `_wire` does.

    The library reads a record with two calls to the system; here as much as fits is taken from the line at once, and the records are
    opened in memory. Only the thread that owns the connection may use it; others may cut the line below it.
    """

    _peeked = b""
    _sealed = memoryview(b"")
    _sealed_of = 0

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, server_hostname: str | None) -> None:
        super().__init__(sock.family, sock.type, sock.proto, fileno=sock.detach())
        super().setblocking(False)
        self._come, self._go = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._come, self._go, server_side=server_hostname is None, server_hostname=server_hostname
        )

    def setblocking(self, _flag: bool) -> None:
        super().setblocking(False)

    def getpeercert(self) -> bytes | None:
        """DER."""
        return self._tls.getpeercert(binary_form=True)

    def cipher(self) -> tuple[str, str, int] | None:
        return self._tls.cipher()

    def version(self) -> str | None:
        return self._tls.version()

    def shake(self) -> int:
        """Goes on with the handshake: 0 when it is done, else the event of `select` that it waits for; raises SSLError."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                is_done = False
            except OSError:
                self._let_out()  # the alert that says why
                raise
            else:
                is_done = True
            if not self._let_out():
                return select.POLLOUT
            if is_done:
                return 0
            try:
                self._feed(super().recv(_HELLO_BYTES))
            except BlockingIOError:
                return select.POLLIN

    def recv(self, most: int = 1024, flags: int = 0) -> bytes:
        """What has come, at once; with MSG_PEEK it stays for the next call."""
        if not self._peeked:
            data = self._opened(most)
            if flags & socket.MSG_PEEK:
                self._peeked = data
            return data
        data = self._peeked
        if not flags & socket.MSG_PEEK:
            self._peeked = b""
        return data

    def _opened(self, most: int) -> bytes:
        while True:
            try:
                return self._tls.read(most)
            except ssl.SSLWantReadError:
                self._let_out()
                self._feed(super().recv(max(most, _HELLO_BYTES)))
            except ssl.SSLEOFError:
                return b""

    def recv_into(self, buffer: Any, _nbytes: int | None = None, _flags: int = 0) -> int:
        """As many records as have come. What is sealed lies where the opened bytes, which are fewer, will lie."""
        view = memoryview(buffer)
        got = len(self._peeked)
        if got:
            view[:got], self._peeked = self._peeked, b""
        while True:
            read, is_over = self._open_into(view[got:])
            got += read
            if got or is_over:
                return got
            try:
                arrived = super().recv_into(view)
            except BlockingIOError:
                self._wait(select.POLLIN)
            else:
                self._feed(view[:arrived])

    def _open_into(self, view: memoryview) -> tuple[int, bool]:
        """How many bytes could be opened, and whether the other side has said that there are no more."""
        got = 0
        while got < len(view):
            try:
                read = int(self._tls.read(len(view) - got, view[got:]))
            except ssl.SSLWantReadError:
                self._let_out()
                return got, False
            except ssl.SSLEOFError:
                return got, True
            if not read:
                return got, True
            got += read
        return got, False

    def _feed(self, data: bytes | memoryview) -> None:
        if data:
            self._come.write(data)
        else:
            self._come.write_eof()

    def sendmsg(self, buffers: Iterable[Any], *_more: Any) -> int:
        """Sends the first of these bytes; when BlockingIOError was raised the next call must bring the same ones again."""
        if not self._sealed_of:
            parts, size = [], 0
            for part in buffers:
                parts.append(part[: _AT_ONCE_BYTES - size])
                size += len(parts[-1])
                if size >= _AT_ONCE_BYTES:
                    break
            self._sealed_of = self._tls.write(b"".join(parts))
        while not self._let_out():
            self._wait(select.POLLOUT)
        sent, self._sealed_of = self._sealed_of, 0
        return sent

    def send(self, data: Any, _flags: int = 0) -> int:
        return self.sendmsg([memoryview(data)])

    def _let_out(self) -> bool:
        """Sends what is sealed; False when the line takes no more now."""
        while self._sealed or self._go.pending:
            if not self._sealed:
                self._sealed = memoryview(self._go.read())
            try:
                self._sealed = self._sealed[super().send(self._sealed) :]
            except BlockingIOError:
                return False
        return True

    def shutdown(self, how: int) -> None:
        """Says goodbye in TLS before the line is shut; what the other side still sends can be read."""
        if how != socket.SHUT_RD and not self._sealed:
            with contextlib.suppress(OSError, ValueError):
                self._tls.unwrap()
            with contextlib.suppress(OSError):
                self._let_out()
        super().shutdown(how)

    def _wait(self, event: int) -> None:
        poll = select.poll()
        poll.register(self, event)
        if not poll.poll(_TICK_MS):
            raise BlockingIOError


def secure(context: ssl.SSLContext, sock: socket.socket, *, server_hostname: str | None = None) -> SecureSocket:
    """The TLS side of a connected socket, before its handshake; the server's side when no host name is given."""
    return SecureSocket(sock, context, server_hostname)


@dataclass(frozen=True, slots=True)
class Secrecy:
    """How a node is called with TLS. `fingerprint` holds it to one certificate, whoever signed that and whatever name is in it."""

    contexts: secrets.Renewed
    fingerprint: str = ""


def secrecy(settings: Settings, fingerprint: str = "") -> Secrecy:
    """Contexts are made once in a process."""
    key = settings.data, bool(fingerprint)
    if key not in _contexts:
        _contexts[key] = secrets.caller(settings, is_pinned=bool(fingerprint))
    return Secrecy(_contexts[key], fingerprint)


_contexts: dict[tuple[Path, bool], secrets.Renewed] = {}


def call(how: Secrecy, sock: socket.socket, host: str, timeout_s: float) -> SecureSocket:
    """The handshake of a call; Refused when it is not the node that we want to speak to, Busy when the line fails."""
    ends_at = monotonic_s() + timeout_s
    made = secure(how.contexts.context(), sock, server_hostname=host)
    try:
        while event := made.shake():
            poll = select.poll()
            poll.register(made, event)
            if not poll.poll(max(ends_at - monotonic_s(), 0) * 1000):
                raise Busy("the other node does not finish the TLS handshake", code="tls_timeout", retry_after_s=30.0)
    except ssl.SSLCertVerificationError as error:
        made.close()
        raise Refused(
            f"the other node's certificate is not accepted: {error.verify_message}", code="node_certificate"
        ) from error
    except OSError as error:
        made.close()
        raise Busy(f"TLS with the other node failed: {reason(error)}", code="tls_failed", retry_after_s=60.0) from error
    except Busy:
        made.close()
        raise
    der = made.getpeercert() or b""
    if how.fingerprint and secrets.fingerprint_of(der) != how.fingerprint:
        made.close()
        raise Refused("the other node shows another certificate than the one it is held to", code="node_certificate")
    return made


def reason(error: Exception) -> str:
    """Why a handshake failed, in words of ours or of the library; nothing that the other side wrote."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return "broken off"
