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


class SecureSocket(ssl.SSLSocket):
    """Never blocks in the system: a call that finds nothing to do within a tick raises BlockingIOError, as a plain socket of `_wire` does.

    Only the thread that owns the connection may use it; others may cut the line below it.
    """

    _peeked = b""
    _unsent = b""

    def setblocking(self, _flag: bool) -> None:
        super().setblocking(False)

    def shake(self) -> int:
        """Goes on with the handshake: 0 when it is done, else the event of `select` that it waits for; raises SSLError."""
        try:
            self.do_handshake()
        except ssl.SSLWantReadError:
            return select.POLLIN
        except ssl.SSLWantWriteError:
            return select.POLLOUT
        return 0

    def recv(self, most: int = 1024, flags: int = 0) -> bytes:
        """What has come, at once; with MSG_PEEK it stays for the next call."""
        if not self._peeked:
            try:
                data = self.read(most)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise BlockingIOError from None
            if flags & socket.MSG_PEEK:
                self._peeked = data
            return data
        data = self._peeked
        if not flags & socket.MSG_PEEK:
            self._peeked = b""
        return data

    def recv_into(self, buffer: Any, _nbytes: int | None = None, _flags: int = 0) -> int:
        """As many records as have come: one read a record would wake the archive sixteen thousand bytes at a time."""
        view = memoryview(buffer)
        got = len(self._peeked)
        if got:
            view[:got], self._peeked = self._peeked, b""
        while got < len(view):
            try:
                read = self.read(len(view) - got, view[got:])
            except ssl.SSLWantReadError:
                if got:
                    break
                self._wait(select.POLLIN)
            except ssl.SSLWantWriteError:
                if got:
                    break
                self._wait(select.POLLOUT)
            else:
                if not read:
                    break
                got += int(read)
        return got

    def sendmsg(self, buffers: Iterable[Any], *_more: Any) -> int:  # type: ignore[override]  # the library forbids it
        """Sends the first of these bytes; when BlockingIOError was raised the next call must bring the same ones again."""
        if not self._unsent:
            parts, size = [], 0
            for part in buffers:
                parts.append(part[: _AT_ONCE_BYTES - size])
                size += len(parts[-1])
                if size >= _AT_ONCE_BYTES:
                    break
            self._unsent = b"".join(parts)
        sent = len(self._unsent)
        while self._unsent:
            try:
                self._unsent = self._unsent[self.write(self._unsent) :]
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT)
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN)
        return sent

    def send(self, data: Any, _flags: int = 0) -> int:
        try:
            return self.write(data)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            raise BlockingIOError from None

    def shutdown(self, how: int) -> None:
        """Says goodbye in TLS before the line is shut; what the other side still sends can be read."""
        inner = getattr(self, "_sslobj", None)
        if how != socket.SHUT_RD and inner is not None and not self._unsent:
            with contextlib.suppress(OSError, ValueError):
                inner.shutdown()
        socket.socket.shutdown(self, how)

    def _wait(self, event: int) -> None:
        poll = select.poll()
        poll.register(self, event)
        if not poll.poll(_TICK_MS):
            raise BlockingIOError


def secure(context: ssl.SSLContext, sock: socket.socket, *, server_hostname: str | None = None) -> SecureSocket:
    """The TLS side of a connected socket, before its handshake; the server's side when no host name is given."""
    sock.setblocking(False)
    context.sslsocket_class = SecureSocket
    made = context.wrap_socket(
        sock, server_side=server_hostname is None, do_handshake_on_connect=False, server_hostname=server_hostname
    )
    assert isinstance(made, SecureSocket)
    return made


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
    der = made.getpeercert(binary_form=True) or b""
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
