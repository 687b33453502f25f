"""The built-in authority: what it makes, who may read it, when it renews."""

import socket
import ssl
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from heliograph.engine import secrets
from heliograph.engine.secrets.authority import Authority, fingerprint, read_certificate
from heliograph.engine.secrets.names import server_names
from heliograph.kit.errors import Invalid
from heliograph.kit.settings import load
from heliograph.kit.time import now


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.open(tmp_path)


def test_keys_are_for_this_user_alone(authority: Authority) -> None:
    authority.ensure_server(["localhost"])
    assert stat.S_IMODE(authority.folder.stat().st_mode) == 0o700
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((authority.folder / name).stat().st_mode) == 0o600


def test_it_is_made_once(authority: Authority, tmp_path: Path) -> None:
    assert Authority.open(tmp_path).root_pem == authority.root_pem
    constraints = authority.root.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)


def test_a_device_gets_key_certificate_and_both_in_one_file(authority: Authority) -> None:
    issued = authority.issue_device("CT1", names=["10.0.0.5"], days=10)
    issued.certificate.verify_directly_issued_by(authority.root)
    assert issued.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "CT1"
    assert timedelta(days=9) < issued.certificate.not_valid_after_utc - now() <= timedelta(days=10)
    key, certificate, more = pkcs12.load_key_and_certificates(issued.pkcs12("CT1", "word", authority.root), b"word")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert certificate == issued.certificate
    assert more == [authority.root]
    assert isinstance(authority.issue_device("CT2", kind="rsa").key, rsa.RSAPrivateKey)


def _request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, title: str = "ANYBODY") -> bytes:
    from cryptography.hazmat.primitives import hashes

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    return x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256()).public_bytes(
        serialization.Encoding.PEM
    )  # fmt: skip


def test_a_request_gives_the_key_and_nothing_else(authority: Authority) -> None:
    """Whoever makes it may ask for any name; the name is ours to give."""
    key = ec.generate_private_key(ec.SECP256R1())
    issued = authority.issue_device("CT1", csr=_request(key))
    assert issued.key is None
    assert issued.certificate.public_key() == key.public_key()
    assert issued.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "CT1"


@pytest.mark.parametrize("wrong", ["garbage", "weak", "tampered"])
def test_a_wrong_request_is_refused(authority: Authority, wrong: str) -> None:
    if wrong == "garbage":
        csr = b"no request"
    elif wrong == "weak":
        csr = _request(rsa.generate_private_key(65537, 1024))
    else:
        good = x509.load_pem_x509_csr(_request(ec.generate_private_key(ec.SECP256R1())))
        der = bytearray(good.public_bytes(serialization.Encoding.DER))
        der[der.index(b"ANYBODY")] = ord("B")
        csr = bytes(der)
    with pytest.raises(Invalid):
        authority.issue_device("CT1", csr=csr)


def test_our_certificate_is_renewed_when_it_is_due_and_only_then(authority: Authority) -> None:
    assert authority.ensure_server(["localhost", "127.0.0.1"])
    assert not authority.ensure_server(["localhost"])
    assert authority.ensure_server(["localhost", "pacs.example.org"]), "another name"
    authority.renew()
    assert not authority.ensure_server(["localhost"]), "the same key has signed it"
    authority.renew(new_key=True)
    assert authority.ensure_server(["localhost"]), "a new key has not"
    for path in authority.folder.glob("server.*"):
        path.unlink()
    assert authority.ensure_server(["localhost"], days=1)
    assert not authority.ensure_server(["localhost"])


def test_the_list_of_revoked_is_written_when_it_changes(authority: Authority) -> None:
    at = now().replace(microsecond=0)
    path = authority.folder / "crl.pem"
    authority.publish_crl([(7, at)])
    first = path.read_bytes()
    authority.publish_crl([(7, at)])
    assert path.read_bytes() == first
    authority.publish_crl([(7, at), (9, at)])
    revoked = x509.load_pem_x509_crl(path.read_bytes())
    assert {one.serial_number for one in revoked} == {7, 9}
    assert revoked.is_signature_valid(authority.root.public_key())  # type: ignore[arg-type]  # our root has a key that can verify


def test_names_of_this_machine_stand_in_the_certificate() -> None:
    names = server_names("PACS.example.org", "", "0.0.0.0", "[::1]", "bad name", "a/b", "pacs.example.org")
    assert {"pacs.example.org", "localhost", "127.0.0.1", "::1", socket.gethostname().lower()} <= set(names)
    assert len(names) == len(set(names))
    assert not {"", "0.0.0.0", "bad name", "a/b"} & set(names)


@pytest.mark.parametrize("profile", ["bcp195", "modified"])
def test_our_two_sides_understand_each_other(tmp_path: Path, profile: str) -> None:
    settings = load({"data": tmp_path, "dicom_tls": "127.0.0.1"}, {"HELIOGRAPH_TLS_PROFILE": profile})
    assert secrets.ensure(settings)
    door = secrets.door(settings, clients="required")
    assert _spoken(door.context(), secrets.caller(settings).context()) == "TLSv1.3"
    older = secrets.caller(settings).context()
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    assert _spoken(door.context(), older) == "TLSv1.2"


def test_a_renewed_certificate_is_taken_without_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heliograph.engine.secrets.tls._LOOK_AGAIN_S", 0.0)
    settings = load({"data": tmp_path, "https": "127.0.0.1:0"}, {})
    secrets.ensure(settings)
    door = secrets.door(settings)
    first = door.context()
    assert door.context() is first
    good = (tmp_path / "keys" / "server.key").read_bytes()
    (tmp_path / "keys" / "server.key").write_bytes(b"half")
    assert door.context() is first, "what cannot be loaded changes nothing"
    (tmp_path / "keys" / "server.key").write_bytes(good)
    Authority.open(tmp_path).renew(new_key=True)
    assert secrets.ensure(settings)
    assert door.context() is not first


def test_own_files_are_used_when_they_are_given(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path / "elsewhere")
    issued = authority.issue_server(["pacs.example.org"])
    (tmp_path / "own.pem").write_bytes(issued.certificate_pem)
    (tmp_path / "own.key").write_bytes(issued.key_pem)
    environ = {"HELIOGRAPH_TLS_CERTIFICATE": str(tmp_path / "own.pem"), "HELIOGRAPH_TLS_KEY": str(tmp_path / "own.key")}
    settings = load({"data": tmp_path / "data", "https": "127.0.0.1:0"}, environ)
    assert not secrets.ensure(settings)
    client = ssl.create_default_context(cadata=authority.root_pem.decode())
    assert _spoken(secrets.door(settings).context(), client, name="pacs.example.org") == "TLSv1.3"
    (tmp_path / "own.key").write_bytes(b"no key")
    with pytest.raises(Invalid, match=r"own\.pem"):
        secrets.door(settings).context()


def test_a_fingerprint_is_that_of_the_handshake(authority: Authority) -> None:
    certificate = authority.issue_device("CT1").certificate
    assert secrets.fingerprint_of(certificate.public_bytes(serialization.Encoding.DER)) == fingerprint(certificate)
    assert read_certificate(certificate.public_bytes(serialization.Encoding.DER)) == certificate


def _spoken(server: ssl.SSLContext, client: ssl.SSLContext, name: str = "localhost") -> str | None:
    """The version that the two agree on, over a pair of sockets."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with server.wrap_socket(ours, server_side=True) as wire:
            wire.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    with client.wrap_socket(theirs, server_hostname=name) as wire:
        version = wire.version()
        wire.sendall(b"x")
    thread.join(60)
    return version
