"""What is kept of a certificate."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """`fingerprint` is the SHA-256 of the whole, `serial` hexadecimal."""

    fingerprint: str
    subject: str
    serial: str
    not_before: datetime
    not_after: datetime
    pem: str
