"""The sender of ITI-20: RFC 5424 messages in the frames of RFC 5425, from a durable cursor over the sealed log.

Syslog has no answer, so what a broken connection swallowed cannot be known. The cursor moves when the peer's machine has confirmed
every byte and the connection still stands; when a connection breaks, the portion before is sent again: twice rather than not at all.
"""

import array
import fcntl
import os
import select
import socket
import ssl
import time
from pathlib import Path

from heliograph.engine import telemetry
from heliograph.engine.audit.sent import does_not_take, has_taken, sent
from heliograph.features.trail import rows as audit_rows
from heliograph.kit.settings import Settings, split_address
from heliograph.kit.time import monotonic_s
from heliograph.services import Services
from heliograph.standards.ihe.audit_event import Row, Us
from heliograph.standards.ihe.audit_message import message
from heliograph.standards.ihe.syslog import framed, syslog_message

NAME = "syslog"
_PORTION = 200
_CONNECT_S = 10.0
_SEND_S = 15.0
_CONFIRM_S = 10.0
_SETTLE_S = 0.5
_MOST_PAUSE_S = 60.0
_SIOCOUTQ = 0x5411


class SyslogSender:
    """One connection to one repository; nothing happens while `audit.syslog` is empty."""

    def __init__(self, services: Services) -> None:
        self._database = services.database
        self._settings = services.settings
        host = socket.gethostname()
        self._us = Us(services.settings.aet, services.settings.site_name, host)
        self._host, self._process = host, str(os.getpid())
        self._connection: ssl.SSLSocket | None = None
        self._before: int | None = None
        self._failures = 0
        self._not_before = 0.0

    def send_once(self) -> int:
        """Sends what is sealed and not sent yet; the count. A repository that is away is tried again with growing pauses."""
        if not self._settings.audit_syslog or monotonic_s() < self._not_before:
            return 0
        count = 0
        try:
            while done := self._portion():
                count += done
        except (OSError, ValueError) as error:
            self._failed(error)
        return count

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _portion(self) -> int:
        self._drop_if_ended()
        with self._database.transaction() as tx:
            state = sent(tx, NAME)
            start = state.number
            if self._connection is None and self._before is not None:
                start = min(start, self._before)
            rows = audit_rows.sealed_after(tx, start, _PORTION)
        if not rows and state.failing_since is None:
            return 0
        if self._connection is None:
            self._connection = connect(self._settings)
            # A repository of TLS 1.3 looks at our certificate after we believe to be through.
            time.sleep(_SETTLE_S)
            if has_ended(self._connection):
                raise ConnectionResetError("the repository closed the connection")
        if rows:
            self._connection.sendall(b"".join(self._frame(row) for row in rows))
            self._confirm(self._connection)
        last = rows[-1].number if rows else None
        with self._database.transaction() as tx:
            has_taken(tx, NAME, state.number if last is None else last)
        self._before = start
        self._failures = 0
        return len(rows)

    def _frame(self, row: Row) -> bytes:
        body = message(row, self._us)
        is_well = row.outcome == "success"
        return framed(syslog_message(body, at=row.at, host=self._host, process=self._process, is_well=is_well))

    def _confirm(self, connection: ssl.SSLSocket) -> None:
        """Waits until the peer's machine has confirmed every byte; raises OSError when the connection does not stand."""
        deadline = monotonic_s() + _CONFIRM_S
        left = array.array("i", [1])
        while True:
            fcntl.ioctl(connection.fileno(), _SIOCOUTQ, left)
            if left[0] == 0:
                break
            if monotonic_s() > deadline:
                raise TimeoutError("the repository does not confirm what it is sent")
            time.sleep(0.02)
        if has_ended(connection):
            raise ConnectionResetError("the repository closed the connection")

    def _drop_if_ended(self) -> None:
        if self._connection is not None and has_ended(self._connection):
            self.close()

    def _failed(self, error: Exception) -> None:
        self.close()
        self._failures += 1
        self._not_before = monotonic_s() + min(_MOST_PAUSE_S, 2.0**self._failures)
        telemetry.trouble("audit_not_sent", error)
        with self._database.transaction() as tx:
            does_not_take(tx, NAME, _reason(error))


def connect(settings: Settings) -> ssl.SSLSocket:
    """TLS 1.2 or newer; the repository proves its name by `audit.syslog_ca`, we prove ours by `audit.syslog_certificate`."""
    host, port = split_address(settings.audit_syslog, "audit.syslog")
    context = ssl.create_default_context(cafile=settings.audit_syslog_ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.audit_syslog_certificate:
        key = settings.audit_syslog_key or settings.audit_syslog_certificate
        context.load_cert_chain(Path(settings.audit_syslog_certificate), Path(key))
    raw = socket.create_connection((host, port), timeout=_CONNECT_S)
    try:
        raw.settimeout(_SEND_S)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return context.wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise


def has_ended(connection: ssl.SSLSocket) -> bool:
    """Whether the peer has closed: a repository never says anything else."""
    readable, _, _ = select.select([connection], [], [], 0)
    if not readable and not connection.pending():
        return False
    connection.settimeout(0)
    try:
        return connection.recv(4096) == b""
    except (ssl.SSLWantReadError, BlockingIOError):
        return False  # a ticket of TLS 1.3
    except OSError:
        return True
    finally:
        connection.settimeout(_SEND_S)


def _reason(error: Exception) -> str:
    """For the alarm: what a person can act on, without addresses."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or type(error).__name__})"
    return getattr(error, "strerror", None) or type(error).__name__
