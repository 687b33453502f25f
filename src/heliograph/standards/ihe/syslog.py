"""Syslog messages of ITI-20 (RFC 5424) and their frames on TLS (RFC 5425 4.3)."""

import re
from datetime import UTC, datetime

_FACILITY = 10  # security and authorization
_NOTICE, _WARNING = 5, 4
MSG_ID = "IHE+RFC-3881"
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]")
_BOM = b"\xef\xbb\xbf"


def syslog_message(body: bytes, *, at: datetime, host: str, process: str, is_well: bool) -> bytes:
    """One message: notice when the act succeeded, warning when it was refused or failed."""
    priority = _FACILITY * 8 + (_NOTICE if is_well else _WARNING)
    stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = f"<{priority}>1 {stamp} {_word(host, 255)} heliograph {_word(process, 128)} {MSG_ID} - "
    return head.encode("ascii") + _BOM + body


def framed(message: bytes) -> bytes:
    """With its length before it, so that newlines in it end nothing."""
    return str(len(message)).encode("ascii") + b" " + message


def _word(text: str, most: int) -> str:
    """A header field: printable ASCII without blanks, `-` when there is nothing (RFC 5424 6)."""
    return _NOT_PRINTABLE.sub("", text)[:most] or "-"
