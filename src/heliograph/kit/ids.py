"""Identifiers: UUIDv7 for our own things, UUID-derived UIDs for DICOM objects that we make."""

import os
import secrets
import time
import uuid


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562 5.7): sorts by the time of its making."""
    millis = time.time_ns() // 1_000_000
    value = (millis & (2**48 - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def new_uid() -> str:
    """A DICOM UID derived from a random UUID (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"


def new_secret(n_bytes: int = 32) -> str:
    """An unguessable URL-safe text."""
    return secrets.token_urlsafe(n_bytes)
