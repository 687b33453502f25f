"""Debian's rsyslog as an audit record repository: TLS by GnuTLS, our certificate asked for, every message kept as one line of JSON."""

import json
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.peers.ports import free_port
from tests.peers.programs import Missing, program

_CONFIG = """
global(workDirectory="{folder}" maxMessageSize="1m" defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{folder}/ca.pem"
       defaultNetstreamDriverCertFile="{folder}/server.pem" defaultNetstreamDriverKeyFile="{folder}/server.key")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/name" permittedPeer=["archive.test"])
template(name="line" type="list" option.jsonf="on") {{
  property(outname="facility" name="syslogfacility" format="jsonf")
  property(outname="severity" name="syslogseverity" format="jsonf")
  property(outname="version" name="protocol-version" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="at" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="msg" name="msg" format="jsonf")
}}
input(type="imtcp" address="127.0.0.1" port="{port}")
action(type="omfile" file="{folder}/taken.jsonl" template="line")
"""


class Certificates:
    """A small authority in a folder: ca.pem, and for each name NAME.pem with NAME.key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self._write("ca", self._key, self._sign(self._name, self._key, is_authority=True))

    def issue(self, file: str, *names: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        self._write(file, key, self._sign(subject, key, names=names))

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, names: tuple[str, ...] = (), is_authority: bool = False
    ) -> x509.Certificate:  # fmt: skip
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )  # fmt: skip
        if names:
            alternatives = [x509.DNSName(name) for name in names] + [x509.IPAddress(IPv4Address("127.0.0.1"))]
            made = made.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return made.sign(self._key, hashes.SHA256())

    def _write(self, file: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        (self.folder / f"{file}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / f"{file}.key").write_bytes(pem)


class Rsyslog:
    """rsyslogd in a folder; `start` and `stop` as often as one likes, the port stays."""

    def __init__(self, folder: Path) -> None:
        self.program = program("rsyslogd")
        if not list(Path("/usr/lib").glob("*/rsyslog/lmnsd_gtls.so")):
            raise Missing("rsyslog-gnutls is not installed: apt-get install rsyslog-gnutls")
        self.folder = folder
        folder.mkdir(parents=True)
        certificates = Certificates(folder)
        certificates.issue("server", "localhost")
        certificates.issue("archive", "archive.test")
        certificates.issue("stranger", "stranger.test")
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        config = self.folder / "rsyslog.conf"
        config.write_text(_CONFIG.format(folder=self.folder, port=self.port))
        with (self.folder / "said.txt").open("ab") as said:
            self._process = subprocess.Popen(
                [self.program, "-n", "-f", str(config), "-i", str(self.folder / "pid")],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            except OSError:
                assert self._process.poll() is None, (self.folder / "said.txt").read_text(errors="replace")
                assert time.monotonic() < deadline, "rsyslogd does not listen"
                time.sleep(0.05)
            else:
                return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def taken(self) -> list[dict[str, Any]]:
        """The messages so far, whole lines only."""
        path = self.folder / "taken.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]

    def wait_for(self, count: int, wait_s: float = 60.0) -> list[dict[str, Any]]:
        """At least so many messages."""
        deadline = time.monotonic() + wait_s
        while len(taken := self.taken()) < count:
            assert time.monotonic() < deadline, f"{len(taken)} of {count} messages"
            time.sleep(0.05)
        return taken
