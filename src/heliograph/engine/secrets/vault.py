"""Secrets that must be read again (of authenticator apps) sealed for the database: AES-256-GCM with a key that is not in the database.

The key lies in DATA/keys/secrets.key, beside that of the authority, for the user of the program alone. Whoever holds a dump of the database
without the file holds nothing that opens anything. What is sealed is bound to what it is about, so that a row copied into another does not open.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from heliograph.kit.errors import Broken

FOLDER: Final = "keys"
FILE: Final = "secrets.key"
_VERSION: Final = b"\x01"
_KEY_BYTES: Final = 32
_MARK_BYTES: Final = 4  # which key: the beginning of its digest
_NONCE_BYTES: Final = 12
_MOST_KEYS: Final = 16
_SHOWN_DIGITS: Final = 12


class Vault:
    """The keys of one installation. The first line of the file seals; the others still open what they sealed."""

    def __init__(self, data: Path) -> None:
        self._path = data / FOLDER / FILE

    def seal(self, secret: str, about: str) -> bytes:
        """Makes the key at first need."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key, nonce = self._keys(make=True)[0], os.urandom(_NONCE_BYTES)
        head = _VERSION + _mark(key) + nonce
        return head + AESGCM(key).encrypt(nonce, secret.encode(), _bound(about))

    def unseal(self, sealed: bytes, about: str) -> str:
        """Raises Broken (secret_unreadable) when the key is not the one, or it was sealed about something else."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        mark, nonce, rest = sealed[1:5], sealed[5 : 5 + _NONCE_BYTES], sealed[5 + _NONCE_BYTES :]
        if sealed[:1] == _VERSION:
            for key in self._keys():
                if _mark(key) == mark:
                    with contextlib.suppress(InvalidTag, ValueError):
                        return AESGCM(key).decrypt(nonce, rest, _bound(about)).decode()
        raise Broken(f"a secret does not open with the keys of {FOLDER}/{FILE}", code="secret_unreadable")

    def mark(self, text: str, about: str) -> str:
        """Twelve digits by which equal texts are known to be equal, until the key is renewed; without the key they tell nothing."""
        key = hmac.digest(self._keys(make=True)[0], b"heliograph mark " + about.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()[:_SHOWN_DIGITS]

    def is_current(self, sealed: bytes) -> bool:
        """Whether it is sealed with the first key."""
        keys = self._keys()
        return bool(keys) and sealed[:1] == _VERSION and sealed[1:5] == _mark(keys[0])

    def renew(self) -> None:
        """A new first key; what is sealed with those before still opens, and is sealed anew at the next start. With as many as there may be
        the first stays: none goes that may have sealed something."""
        self._change(lambda kept: kept if len(kept) >= _MOST_KEYS else [os.urandom(_KEY_BYTES), *kept])

    def forget_former(self) -> None:
        """Of what is sealed with them nothing opens any more."""
        self._change(lambda kept: kept[:1])

    def _keys(self, *, make: bool = False) -> list[bytes]:
        try:
            lines = self._path.read_bytes().split()
        except FileNotFoundError:
            if not make:
                return []
            self._change(lambda kept: kept or [os.urandom(_KEY_BYTES)])
            return self._keys()
        try:
            keys = [base64.b64decode(line, validate=True) for line in lines]
        except binascii.Error:
            keys = []
        if not keys or any(len(key) != _KEY_BYTES for key in keys):
            raise Broken(f"{FOLDER}/{FILE} is damaged; take it from a backup", code="secret_unreadable")
        return keys

    def _change(self, decide: Callable[[list[bytes]], list[bytes]]) -> None:
        """One process at a time: two first starts at once must not seal with keys of which one is lost."""
        from heliograph.engine.secrets.authority import alone, write_secret

        with alone(self._path.parent):
            keys = decide(self._keys())
            write_secret(self._path, b"\n".join(base64.b64encode(key) for key in keys) + b"\n")


def merged(keys: bytes, former: bytes) -> bytes:
    """The contents of two files of keys as one: it seals with the first of the first."""
    return b"\n".join(list(dict.fromkeys([*keys.split(), *former.split()]))[:_MOST_KEYS]) + b"\n"


def _mark(key: bytes) -> bytes:
    return hashlib.sha256(b"heliograph key" + key).digest()[:_MARK_BYTES]


def _bound(about: str) -> bytes:
    return b"heliograph " + about.encode()
