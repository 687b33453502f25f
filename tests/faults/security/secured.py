"""A server with its TLS doors open, and callers with certificates of every kind."""

import fcntl
import json
import socket
import ssl
import struct
import subprocess
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.peers import Dicom
from tests.peers.association import Association
from tests.peers.heliograph import Server
from tests.peers.ports import free_port
from tests.peers.programs import Missing, program


class Secured(Server):
    """DICOM, DICOM with TLS and HTTPS on every address, plain HTTP on loopback: an installation as the how-to describes it."""

    def _choose_ports(self, aet: str) -> None:
        super()._choose_ports(aet)
        self.tls = Dicom("127.0.0.1", free_port(), aet)
        self.https_port = free_port()

    @property
    def command(self) -> list[str]:
        return [
            *super().command, "--dicom", f"0.0.0.0:{self.dicom.port}", "--dicom-tls", f"0.0.0.0:{self.tls.port}",
            "--https", f"0.0.0.0:{self.https_port}",
        ]  # fmt: skip

    @cached_property
    def papers(self) -> Path:
        """Where CT_A and CT_B have their certificates, as `device certify` writes them."""
        folder = self.data.with_name("papers")
        for aet in ("CT_A", "CT_B"):
            self.cli("device", "add", "--aet", aet)
            self.cli("device", "certify", "--aet", aet, "--out", str(folder))
        return folder

    def caller(self, name: str = "CT_A") -> ssl.SSLContext:
        """A client that trusts our authority and shows the certificate of this name; none when empty."""
        context = ssl.create_default_context(cafile=str(self.papers / "ca.pem"))
        if name:
            context.load_cert_chain(self.papers / f"{name}.pem", self.papers / f"{name}.key")
        return context

    def connect(self, calling: str, context: ssl.SSLContext) -> Association:
        wire = context.wrap_socket(
            socket.create_connection((self.tls.host, self.tls.port), 120), server_hostname="localhost"
        )
        return Association.connect(self.tls, calling=calling, wire=wire)

    def forge(self, name: str, *, days: int = 30, by: str = "own") -> None:
        """A certificate beside those of `papers`, signed by our authority (`own`), by `another`, or by `itself`."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, signer = _name(name), key
        if by == "own":
            root = x509.load_pem_x509_certificate((self.data / "keys" / "ca.pem").read_bytes())
            loaded = serialization.load_pem_private_key((self.data / "keys" / "ca.key").read_bytes(), None)
            assert isinstance(loaded, ec.EllipticCurvePrivateKey)
            issuer, signer = root.subject, loaded
        elif by == "another":
            issuer, signer = _name("Another root"), ec.generate_private_key(ec.SECP256R1())
        until = datetime.now(UTC) + timedelta(days=days)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(name)).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(until - timedelta(days=400)).not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(signer, hashes.SHA256())
        )  # fmt: skip
        pem = serialization.Encoding.PEM
        (self.papers / f"{name}.pem").write_bytes(certificate.public_bytes(pem))
        (self.papers / f"{name}.key").write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )

    def fingerprint(self, name: str) -> str:
        """SHA-256 of the certificate of this name, as the index keeps it."""
        found = x509.load_pem_x509_certificate((self.papers / f"{name}.pem").read_bytes())
        return found.fingerprint(hashes.SHA256()).hex()

    def refusals(self) -> list[tuple[str, Any]]:
        """Who was not let in, and why: (AE title, reason), as the audit log has them."""
        with psycopg.connect(self.database_url) as connection:
            rows = connection.execute(
                "select subject, detail from audit_event where kind = 'association.refused' and outcome = 'refused'"
            )
            return [(subject.get("aet", ""), detail.get("reason")) for subject, detail in map(_read, rows)]


def _read(row: tuple[Any, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    subject, detail = (json.loads(one) if isinstance(one, str) else one for one in row)
    return subject, detail


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def far_address() -> str:
    """An address of this machine that is not loopback: who calls from it is somewhere else, as far as a server can tell."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, interface in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(probe, 0x8915, struct.pack("256s", interface.encode()[:15]))
            except OSError:
                continue
            if not (address := socket.inet_ntoa(answer[20:24])).startswith("127."):
                return address
    raise Missing("this machine has no address but loopback")


def s_client(port: int, *options: str) -> tuple[bool, str]:
    """Whether openssl's client comes through, and all that it said."""
    done = subprocess.run(
        [program("openssl"), "s_client", "-connect", f"127.0.0.1:{port}", *options],
        input=b"", capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    text = (done.stdout + done.stderr).decode(errors="replace")
    return "Cipher is (NONE)" not in text and "Cipher is" in text, text
