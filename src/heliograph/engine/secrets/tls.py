"""TLS contexts of our doors and calls: BCP 195 as PS3.15 B.12 and B.13 ask for it. No setting turns verification off."""

import contextlib
import hashlib
import ssl
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from heliograph.kit.errors import Invalid
from heliograph.kit.time import monotonic_s

Profile = Literal["bcp195", "modified"]
Clients = Literal["none", "optional", "required"]

# TLS 1.3 suites are all strong and the library's own (RFC 8446 9.1); these are of TLS 1.2.
_BCP195 = (  # RFC 9325 4.2
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
)  # fmt: skip
_MODIFIED = (*_BCP195, "ECDHE-ECDSA-AES128-CCM", "ECDHE-ECDSA-AES256-CCM",
    "DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES128-CCM", "DHE-RSA-AES256-CCM")  # fmt: skip
SUITES: dict[Profile, tuple[str, ...]] = {"bcp195": _BCP195, "modified": _MODIFIED}
_LOOK_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Certificate and key: two files, or one that holds both."""

    certificate: Path
    key: Path | None = None


@dataclass(slots=True, eq=False)
class Renewed:
    """A context that is made again when one of its files has changed, so that a renewed certificate needs no restart."""

    make: Callable[[], ssl.SSLContext]
    files: Sequence[Path]
    _context: ssl.SSLContext | None = None
    _stamp: tuple[object, ...] = ()
    _looked_at: float = -_LOOK_AGAIN_S
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def context(self) -> ssl.SSLContext:
        """The present one; a change that cannot be loaded leaves the last good one in use."""
        with self._lock:
            at = monotonic_s()
            if self._context is not None and at - self._looked_at < _LOOK_AGAIN_S:
                return self._context
            self._looked_at = at
            stamp = tuple(map(_stamp, self.files))
            if self._context is None:
                self._context, self._stamp = self.make(), stamp
            elif stamp != self._stamp:
                with contextlib.suppress(Invalid):  # half written; the next look finds it whole
                    self._context, self._stamp = self.make(), stamp
            return self._context


def server_context(
    own: Pair, *, profile: Profile = "bcp195", clients: Clients = "none", trusted: Sequence[Path | bytes] = ()
) -> ssl.SSLContext:
    """For a door. `trusted` are the authorities, and the single certificates, whose clients may come in."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, profile)
    _load_own(context, own)
    if profile == "modified":
        _load_groups(context)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_SINGLE_DH_USE | ssl.OP_SINGLE_ECDH_USE
    context.num_tickets = 0  # a resumed session would not be looked at again
    context.options |= ssl.OP_NO_TICKET
    if clients != "none":
        context.verify_mode = ssl.CERT_REQUIRED if clients == "required" else ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # one certificate may be trusted by itself
        _load_trusted(context, trusted)
    return context


def client_context(
    own: Pair | None, *, profile: Profile = "bcp195", trusted: Sequence[Path | bytes] = (), is_pinned: bool = False
) -> ssl.SSLContext:
    """For our calls: certificate and name of the other side are verified; we show ours when asked.

    With `is_pinned` the caller compares the whole certificate with the one it expects, before it sends anything.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT, profile)
    if is_pinned:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        _load_trusted(context, trusted)
    if own is not None:
        _load_own(context, own)
    return context


def fingerprint_of(der: bytes) -> str:
    """SHA-256 of a certificate as it came in a handshake."""
    return hashlib.sha256(der).hexdigest()


def _context(protocol: int, profile: Profile) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.set_ciphers(":".join(SUITES[profile]))
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    return context


def _load_own(context: ssl.SSLContext, own: Pair) -> None:
    try:
        context.load_cert_chain(own.certificate, own.key)
    except (OSError, ssl.SSLError) as error:
        raise Invalid(
            f"the certificate {own.certificate.name} and its key cannot be used ({_reason(error)})",
            code="bad_certificate",
        ) from error


def _load_trusted(context: ssl.SSLContext, trusted: Sequence[Path | bytes]) -> None:
    for one in trusted:
        try:
            if isinstance(one, bytes):
                context.load_verify_locations(cadata=one.decode("ascii"))
            else:
                context.load_verify_locations(one)
        except (OSError, ValueError, ssl.SSLError) as error:
            name = one.name if isinstance(one, Path) else "of a device"
            raise Invalid(f"the trusted certificate {name} cannot be read", code="bad_certificate") from error


def _load_groups(context: ssl.SSLContext) -> None:
    """Group ffdhe3072 (RFC 7919 A.2): the profile asks for 2048 bits at least."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(_FFDHE3072)
        file.flush()
        context.load_dh_params(file.name)


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__).lower()


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


_FFDHE3072 = """-----BEGIN DH PARAMETERS-----
MIIBiAKCAYEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEfz9zeNVs7ZRkDW7w09N75nAI4YbRvydbmyQd62R0mkff3
7lmMsPrBhtkcrv4TCYUTknC0EwyTvEN5RPT9RFLi103TZPLiHnH1S/9croKrnJ32
nuhtK8UiNjoNq8Uhl5sN6todv5pC1cRITgq80Gv6U93vPBsg7j/VnXwl5B0rZsYu
N///////////AgEC
-----END DH PARAMETERS-----
"""
