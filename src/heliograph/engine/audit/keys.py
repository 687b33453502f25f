"""The Ed25519 key that signs checkpoints: made at the first start, readable by its owner alone."""

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
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        return _make(path)
    try:
        private = load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise Broken(f"{path} is not a key that can be read", code="audit_key_unreadable") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise Broken(f"{path} is not an Ed25519 key", code="audit_key_unreadable")
    return SigningKey(private)


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
        return signing_key(path.parent)
    finally:
        part.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return SigningKey(private)
