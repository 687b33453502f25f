"""The Ed25519 key that signs checkpoints: made at the first start, readable by its owner alone.

A restored archive has the key of the one that it is a copy of. It makes a key of its own, which the old one signs as the next, so that two
archives that go on from one log can be told apart. Old keys stay beside.
"""

import contextlib
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from heliograph.engine.audit.verifier import fingerprint
from heliograph.kit.errors import Broken

_NAME = "audit.pem"
_NEXT = "audit.next.pem"
_WANTED = "audit.change"


class SigningKey:
    """Signs the texts of checkpoints."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.fingerprint = fingerprint(self.public)

    def sign(self, text: str) -> bytes:
        return self._private.sign(text.encode())


def signing_key(folder: Path) -> SigningKey:
    """The key in DATA/keys; a new one when there is none. Raises Broken for a file that is no such key."""
    path = folder / _NAME
    return _read(path) if path.exists() else _make(path)


def _read(path: Path) -> SigningKey:
    try:
        private = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise Broken(f"{path} is not a key that can be read", code="audit_key_unreadable") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise Broken(f"{path} is not an Ed25519 key", code="audit_key_unreadable")
    return SigningKey(private)


def want_change(folder: Path) -> None:
    """From the next start on another key signs. Nothing to do where there is none yet."""
    if (folder / _NAME).exists():
        (folder / _WANTED).touch(mode=0o600)
        _sync(folder)


def next_key(folder: Path) -> SigningKey | None:
    """The key that follows, when one is wanted; the same one until it is taken over."""
    if not (folder / _WANTED).exists():
        return None
    return _read(folder / _NEXT) if (folder / _NEXT).exists() else _make(folder / _NEXT)


def take_over(folder: Path, old: SigningKey) -> None:
    """The next key becomes the one that signs; the old one is kept under its fingerprint. Goes on where a crash cut it off."""
    if (folder / _NEXT).exists():
        with contextlib.suppress(FileExistsError):
            os.link(folder / _NAME, folder / f"audit-{old.fingerprint[:16]}.pem")
        (folder / _NEXT).replace(folder / _NAME)
    (folder / _WANTED).unlink(missing_ok=True)
    _sync(folder)


def _make(path: Path) -> SigningKey:
    """Whole or not at all: a key that a crash cut short would be a key that nobody can read."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, pem)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(part, path)  # never over a key that another process made meanwhile
    except FileExistsError:
        return _read(path)
    finally:
        part.unlink()
    _sync(path.parent)
    return SigningKey(private)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
