"""Secrets as they are stored: argon2id for what people choose, SHA-256 for what is random.

Hashing is bounded to two at a time, because each takes 64 MiB and a flood of sign-ins must not eat the memory.
"""

import functools
import hashlib
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from heliograph.kit.ids import new_secret

_hasher = PasswordHasher()
_hashing = threading.BoundedSemaphore(2)


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def hashed(chosen: str) -> str:
    with _hashing:
        return _hasher.hash(chosen)


def fits(stored: str | None, chosen: str) -> bool:
    """Takes as long when there is nothing to compare with, so that nobody learns by time what exists."""
    with _hashing:
        try:
            return _hasher.verify(stored or _nobody(), chosen) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


@functools.cache
def _nobody() -> str:
    return _hasher.hash(new_secret())
