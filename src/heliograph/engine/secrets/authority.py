"""The installation's own certificate authority: a root, the server's certificate, and certificates for devices (PS3.15 B.12).

Keys lie in DATA/keys, readable by the user of the program alone. The root lives ten years and can be renewed with the same key, so that
everything it ever issued, and everybody who trusts it, goes on.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from heliograph.engine.secrets.summary import Summary
from heliograph.kit.errors import Invalid
from heliograph.kit.time import now

Kind = Literal["ec", "rsa"]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

FOLDER = "keys"
ROOT_DAYS = 3650
SERVER_DAYS = 397
DEVICE_DAYS = 730
_SKEW = timedelta(hours=1)  # clocks of modalities are wrong
_CRL_DAYS = 3650  # ours alone reads it at every handshake; others fetch it when they like
_LEAST_RSA_BITS = 2048
_ROOT, _ROOT_KEY = "ca.pem", "ca.key"
_SERVER, _SERVER_KEY = "server.pem", "server.key"
_CRL = "crl.pem"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate, and its key when it was made here."""

    certificate: x509.Certificate
    key: PrivateKey | None

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return _key_pem(self.key) if self.key is not None else b""

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.certificate)

    def pkcs12(self, name: str, password: str, root: x509.Certificate) -> bytes:
        """For programs that want one file; devices of old read 3DES at best, new ones AES: AES it is."""
        assert isinstance(self.key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey))
        encryption = serialization.BestAvailableEncryption(password.encode())
        return pkcs12.serialize_key_and_certificates(name.encode(), self.key, self.certificate, [root], encryption)


class Authority:
    """The authority of one data folder."""

    def __init__(self, folder: Path, root: x509.Certificate, key: PrivateKey) -> None:
        self.folder = folder
        self.root = root
        self._key = key

    @classmethod
    def open(cls, data: Path, name: str = "Heliograph") -> "Authority":
        """The authority; made when there is none yet."""
        folder = data / FOLDER
        with alone(folder):
            if not (folder / _ROOT).exists():
                key = _new_key("ec")
                write_secret(folder / _ROOT_KEY, _key_pem(key))
                _write(folder / _ROOT, _pem(_root_of(key, name)))
            return cls(folder, *_read_pair(folder / _ROOT, folder / _ROOT_KEY))

    @property
    def root_pem(self) -> bytes:
        return _pem(self.root)

    def renew(self, *, new_key: bool = False) -> None:
        """A root that lives longer. With a new key everything issued before is void: for a key that got into wrong hands."""
        name = self.root.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
        with alone(self.folder):
            self._key = _new_key("ec") if new_key else self._key
            self.root = _root_of(self._key, str(name))
            write_secret(self.folder / _ROOT_KEY, _key_pem(self._key))
            _write(self.folder / _ROOT, self.root_pem)
            if new_key:
                (self.folder / _SERVER).unlink(missing_ok=True)

    def issue_device(
        self, aet: str, *, names: Sequence[str] = (), days: int = DEVICE_DAYS, kind: Kind = "ec", csr: bytes = b""
    ) -> Issued:
        """A certificate for one device: for a key made here, or for the one that its signing request proves to hold.

        `names` is where it listens, so that we can call it with TLS too.
        """
        key = None if csr else _new_key(kind)
        public = _public_of(csr) if key is None else key.public_key()
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
        extensions: list[tuple[x509.ExtensionType, bool]] = [(usage, False)]
        if names:
            extensions.append((x509.SubjectAlternativeName([_general(name) for name in names]), False))
        return Issued(self._sign(self._name(aet), public, days, extensions), key)

    def issue_server(self, names: Sequence[str], *, kind: Kind = "ec", days: int = SERVER_DAYS) -> Issued:
        """Our own certificate: for HTTPS, for the DICOM door, and for our calls to other nodes."""
        key = _new_key(kind)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        alternatives = x509.SubjectAlternativeName([_general(name) for name in names])
        return Issued(
            self._sign(self._name(names[0]), key.public_key(), days, [(usage, False), (alternatives, False)]), key
        )

    def ensure_server(self, names: Sequence[str], *, days: int = SERVER_DAYS) -> bool:
        """Makes or renews our own certificate; True when a new one lies there. Doors load it again by themselves."""
        with alone(self.folder):
            if not _is_due(self.folder / _SERVER, self.folder / _SERVER_KEY, names, self.root):
                return False
            issued = self.issue_server(names, days=days)
            write_secret(self.folder / _SERVER_KEY, issued.key_pem + issued.certificate_pem + self.root_pem)
            _write(self.folder / _SERVER, issued.certificate_pem + self.root_pem)
            return True

    def publish_crl(self, revoked: Sequence[tuple[int, datetime]]) -> None:
        """The list of revoked serial numbers as others read it (RFC 5280 5); our doors ask the database."""
        path = self.folder / _CRL
        if path.exists():
            old = x509.load_pem_x509_crl(path.read_bytes())
            is_current = old.is_signature_valid(self._key.public_key())
            if is_current and {one.serial_number for one in old} == {serial for serial, _ in revoked}:
                return
        at = now()
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.root.subject)
        builder = builder.last_update(at).next_update(at + timedelta(days=_CRL_DAYS))
        for serial, when in revoked:
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when).build()
            builder = builder.add_revoked_certificate(one)
        _write(path, builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _name(self, common: str) -> x509.Name:
        organization = self.root.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return x509.Name([*organization, x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])

    def _sign(
        self,
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
        days: int,
        extensions: Sequence[tuple[x509.ExtensionType, bool]],
    ) -> x509.Certificate:
        at = now()
        until = min(at + timedelta(days=days), self.root.not_valid_after_utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject).issuer_name(self.root.subject).public_key(public)
            .serial_number(x509.random_serial_number()).not_valid_before(at - _SKEW).not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False, encrypts=isinstance(public, rsa.RSAPublicKey)), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )  # fmt: skip
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self._key, hashes.SHA256())


def summary(certificate: x509.Certificate) -> Summary:
    """What the database keeps of it."""
    return Summary(
        fingerprint(certificate),
        certificate.subject.rfc4514_string()[:400],
        f"{certificate.serial_number:x}",
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        _pem(certificate).decode(),
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate in hexadecimal, as doors and the database know it."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def read_certificate(data: bytes) -> x509.Certificate:
    """The first certificate in a PEM or DER file; raises Invalid."""
    try:
        return x509.load_pem_x509_certificate(data) if b"-----BEGIN" in data else x509.load_der_x509_certificate(data)
    except ValueError as error:
        raise Invalid("this is no certificate in PEM or DER", code="bad_certificate") from error


def expires(path: Path) -> datetime | None:
    """When the certificate in a file ends; None when there is none."""
    try:
        return read_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, Invalid):
        return None


def write_secret(path: Path, data: bytes) -> None:
    """A file that only this user can read, whole or not at all."""
    _write(path, data, mode=0o600)


def _write(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(handle)
    new.replace(path)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process makes keys at a time."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _new_key(kind: Kind) -> PrivateKey:
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 3072)


def _root_of(key: PrivateKey, name: str) -> x509.Certificate:
    at = now()
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name[:48]} root"),
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(at - _SKEW)
        .not_valid_after(at + timedelta(days=ROOT_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True, encrypts=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip


def _usage(*, signs: bool, encrypts: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=encrypts, data_encipherment=False,
        key_agreement=False, key_cert_sign=signs, crl_sign=signs, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _public_of(csr: bytes) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    try:
        request = x509.load_pem_x509_csr(csr) if b"-----BEGIN" in csr else x509.load_der_x509_csr(csr)
        public = request.public_key()
        is_proved = request.is_signature_valid
    except (ValueError, InvalidSignature) as error:
        raise Invalid("this is no certificate signing request (PKCS#10)", code="bad_request_file") from error
    if not is_proved:
        raise Invalid("the signing request is not signed by its own key", code="bad_request_file")
    if isinstance(public, rsa.RSAPublicKey) and public.key_size >= _LEAST_RSA_BITS:
        return public
    if isinstance(public, ec.EllipticCurvePublicKey) and public.key_size >= 256:
        return public
    raise Invalid("the key must be RSA of 2048 bits or more, or elliptic of 256 or more (PS3.15 B.12)", code="weak_key")


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _is_due(path: Path, key: Path, names: Sequence[str], root: x509.Certificate) -> bool:
    """No certificate, one of another root or for other names, or one of whose life a third is left."""
    if not path.exists() or not key.exists():
        return True
    certificate = read_certificate(path.read_bytes())
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        return True
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    if certificate.not_valid_after_utc - now() < life / 3:
        return True
    known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return not {_general(name) for name in names} <= set(known)


def _read_pair(certificate: Path, key: Path) -> tuple[x509.Certificate, PrivateKey]:
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    assert isinstance(loaded, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)), "we made it"
    return read_certificate(certificate.read_bytes()), loaded


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
