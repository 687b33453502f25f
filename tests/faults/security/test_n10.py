"""N10: as installed nobody comes in (CVE-2025-0896, CVE-2023-40704): beyond loopback nothing but 401 and A-ASSOCIATE-RJ."""

import json
import socket
import ssl
from pathlib import Path

import httpx
import pytest

from tests.faults.security.secured import Secured, far_address
from tests.peers import Dicom
from tests.peers.association import Association, Lost, Rejected
from tests.peers.heliograph import ROOT

# What a browser needs before anybody has signed in: a page, whether the server lives, and the ways to sign in.
_OPEN = {"/healthz", "/readyz"}


def test_ports_beyond_loopback_are_those_of_the_settings(secured: Secured) -> None:
    found = _listening(secured.pids())
    assert {port for address, port in found if not address.startswith("127.")} == {
        secured.dicom.port, secured.tls.port, secured.https_port,
    }  # fmt: skip
    assert ("127.0.0.1", secured.http_port) in found


def test_dicom_from_elsewhere_is_rejected_whatever_it_calls_itself(secured: Secured) -> None:
    far = far_address()
    for aet in ("HELIOGRAPH", "ORTHANC", "ANY-SCU", "", "DCM4CHEE", "STORESCU"):
        with pytest.raises(Rejected):
            Association.connect(Dicom(far, secured.dicom.port, secured.dicom.aet), calling=aet)
    context = ssl.create_default_context(cafile=str(secured.data / "keys" / "ca.pem"))
    with (
        pytest.raises((ssl.SSLError, ConnectionError, Lost)),
        context.wrap_socket(socket.create_connection((far, secured.tls.port), 120), server_hostname=far) as wire,
    ):
        Association.connect(Dicom(far, secured.tls.port, secured.dicom.aet), calling="ANY", wire=wire)


def test_every_address_of_the_api_asks_who_is_there(secured: Secured) -> None:
    far = far_address()
    with pytest.raises(OSError):
        socket.create_connection((far, secured.http_port), 5).close()
    documents = [
        json.loads((ROOT / "docs" / "reference" / name).read_text())
        for name in ("openapi.json", "dicomweb.openapi.json")
    ]
    prefixes = ("", "/dicom-web")
    known = {prefix + path for prefix, one in zip(prefixes, documents, strict=True) for path in one["paths"]}
    paths = sorted(path.replace("{", "").replace("}", "") for path in known)
    assert len(paths) > 60
    context = ssl.create_default_context(cafile=str(secured.data / "keys" / "ca.pem"))
    with httpx.Client(
        base_url=f"https://{far}:{secured.https_port}", verify=context, trust_env=False, timeout=120
    ) as web:
        answers = {path: web.get(path).status_code for path in [*paths, "/metrics"] if path not in _OPEN}
        assert web.get("/healthz").status_code == 200
        page = web.get("/")
    signing_in = {path for path in paths if path.startswith("/api/session")}
    refused = {path for path, status in answers.items() if status in {401, 405}}
    assert set(answers) - refused <= signing_in, {path: answers[path] for path in set(answers) - refused}
    assert page.headers["strict-transport-security"].startswith("max-age=")


def _listening(pids: list[int]) -> set[tuple[str, int]]:
    """What these processes listen on, by the sockets that they have open."""
    inodes = set()
    for pid in pids:
        try:
            links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
        except OSError:  # it has ended meanwhile
            continue
        inodes |= {link[8:-1] for link in links if link.startswith("socket:[")}
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[3] == "0A" and words[9] in inodes:
            address, port = words[1].split(":")
            found.add((socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)))
    return found
