"""N16: TLS without a way down (PS3.15 B.12, BCP 195 RFC 9325; ICSMA-25-037-01): versions, suites, and certificates of every wrong kind."""

import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid
from pynetdicom import AE

from heliograph.engine.secrets.authority import fingerprint
from tests.faults.security.secured import Secured, s_client
from tests.peers.association import Lost, Rejected
from tests.peers.ports import free_port
from tests.peers.programs import program

DOORS = ("dicom", "https")
_PIXELS = bytes(range(64)) * 64


def port_of(server: Secured, door: str) -> int:
    return server.tls.port if door == "dicom" else server.https_port


@pytest.fixture
def papers(secured: Secured) -> list[str]:
    folder = secured.papers
    return ["-cert", str(folder / "CT_A.pem"), "-key", str(folder / "CT_A.key"), "-CAfile", str(folder / "ca.pem")]


@pytest.mark.parametrize("door", DOORS)
def test_versions(secured: Secured, papers: list[str], door: str) -> None:
    port = port_of(secured, door)
    for version in ("-tls1", "-tls1_1"):
        came, said = s_client(port, version, "-cipher", "ALL:@SECLEVEL=0", *papers)
        assert not came, said
        assert door == "https" or "alert protocol version" in said
    for version in ("-tls1_2", "-tls1_3"):
        came, said = s_client(port, version, "-verify_return_error", *papers)
        assert came, said
        assert "Verify return code: 0" in said or "Verification: OK" in said
    assert "New, TLSv1.3" in s_client(port, *papers)[1], "the newest that both know"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "suite",
    [
        "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "AES128-SHA", "AES128-GCM-SHA256", "DHE-RSA-AES128-SHA", "NULL",
        "aNULL", "ECDHE-ECDSA-AES128-CCM8", "ARIA256-GCM-SHA384", "ADH-AES128-GCM-SHA256",
    ],
)  # fmt: skip
def test_weak_suites_are_refused(secured: Secured, papers: list[str], door: str, suite: str) -> None:
    came, said = s_client(port_of(secured, door), "-tls1_2", "-cipher", f"{suite}:@SECLEVEL=0", *papers)
    assert not came, said


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"])
def test_suites_of_the_profile_are_taken(secured: Secured, papers: list[str], suite: str) -> None:
    came, said = s_client(secured.tls.port, "-tls1_2", "-cipher", suite, *papers)
    assert came, said


def test_weak_groups_are_refused(secured: Secured, papers: list[str]) -> None:
    assert not s_client(secured.tls.port, "-tls1_3", "-groups", "secp224r1", *papers)[0]
    assert s_client(secured.tls.port, "-tls1_3", "-groups", "P-256", *papers)[0]


def test_no_session_is_resumed_past_a_look_at_the_certificate(secured: Secured, papers: list[str]) -> None:
    assert "New Session Ticket arrived" not in s_client(secured.tls.port, "-tls1_3", *papers)[1]
    assert "Reused" not in s_client(secured.tls.port, "-tls1_2", "-reconnect", *papers)[1].replace(
        "Reused, TLSv1.2, Cipher is (NONE)", ""
    )


@pytest.mark.parametrize(
    ("name", "days", "by", "reason"),
    [
        ("SELF", 30, "itself", "certificate: self-signed certificate"),
        ("OTHER", 30, "another", "certificate: unable to get local issuer certificate"),
        ("OLD", -1, "own", "certificate: certificate has expired"),
    ],
)
def test_a_certificate_of_the_wrong_kind_ends_the_handshake(
    secured: Secured, name: str, days: int, by: str, reason: str
) -> None:
    secured.forge(name, days=days, by=by)
    with pytest.raises((ssl.SSLError, ConnectionError, Lost)):
        secured.connect("CT_A", secured.caller(name))
    _wait_for(secured, reason)


def test_no_certificate_ends_the_handshake(secured: Secured) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError, Lost)):
        secured.connect("CT_A", secured.caller(""))
    _wait_for(secured, "peer did not return a certificate")


def test_what_our_authority_signed_and_nobody_registered_opens_no_door(secured: Secured) -> None:
    secured.forge("UNBOUND")
    with pytest.raises(Rejected, match="reason 3"):
        secured.connect("CT_A", secured.caller("UNBOUND"))
    assert ("CT_A", "unknown certificate") in secured.refusals()


def test_a_revoked_certificate_is_refused_at_once_and_listed(secured: Secured, tmp_path: Path) -> None:
    assert secured.papers
    secured.cli("device", "add", "--aet", "CT_R")
    made = secured.cli("device", "certify", "--aet", "CT_R", "--out", str(secured.papers)).stdout
    with secured.connect("CT_R", secured.caller("CT_R")) as association:
        assert association.echo() == 0
    secured.cli("device", "revoke", "--fingerprint", made.split()[1])
    with pytest.raises(Rejected, match="reason 3"):
        secured.connect("CT_R", secured.caller("CT_R"))
    assert ("CT_R", "certificate revoked") in secured.refusals()
    listed = x509.load_pem_x509_crl((secured.data / "keys" / "crl.pem").read_bytes())
    certificate = x509.load_pem_x509_certificate((secured.papers / "CT_R.pem").read_bytes())
    assert listed.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None


def test_a_certificate_that_a_device_brings_is_trusted_for_itself(secured: Secured) -> None:
    """Old devices come with one of their own and cannot take another."""
    secured.forge("BROUGHT", by="itself")
    secured.cli("device", "add", "--aet", "CT_OWN")
    secured.cli("device", "trust", "--aet", "CT_OWN", "--certificate", str(secured.papers / "BROUGHT.pem"))
    deadline = time.monotonic() + 120
    while True:  # the doors look at their files every few seconds
        try:
            with secured.connect("CT_OWN", secured.caller("BROUGHT")) as association:
                assert association.echo() == 0
            return
        except (ssl.SSLError, ConnectionError, Lost):
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_dcmtk_stores_an_image_with_a_certificate_of_ours(secured: Secured, tmp_path: Path) -> None:
    uid = generate_uid()
    image = _image(tmp_path / "image.dcm", uid)
    folder = secured.papers
    done = subprocess.run(
        [
            program("storescu"), "-v", "+tls", str(folder / "CT_B.key"), str(folder / "CT_B.pem"), "+cf", str(folder / "ca.pem"),
            "-aet", "CT_B", "-aec", secured.tls.aet, "localhost", str(secured.tls.port), str(image),
        ],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with secured.client() as web:
        found = web.get("/dicom-web/instances", params={"SOPInstanceUID": uid}).json()
    assert [one["00080018"]["Value"] for one in found] == [[uid]]
    _read_over_https(secured, found[0])
    _send_over_tls(secured, found[0]["0020000D"]["Value"][0], tmp_path)


def _read_over_https(server: Secured, found: dict[str, dict[str, list[str]]]) -> None:
    """One connection, one frame again and again: from the second on it takes the lane."""
    study, series, uid = (found[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
    path = f"/dicom-web/studies/{study}/series/{series}/instances/{uid}/frames/1"
    headers = {**server.headers, "Accept": 'multipart/related; type="application/octet-stream"'}
    address = f"https://localhost:{server.https_port}"
    with httpx.Client(base_url=address, verify=server.caller(""), headers=headers, trust_env=False, timeout=120) as web:
        for _ in range(4):
            answer = web.get(path)
            assert answer.status_code == 200
            assert _PIXELS in answer.content
        assert web.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401


def _send_over_tls(server: Secured, study: str, folder: Path) -> None:
    """A node of DCMTK that asks for TLS and for our certificate, known by its own."""
    node, port, papers = "TAKER", free_port(), server.papers
    (folder / "taken").mkdir()
    receiver = subprocess.Popen(
        [
            program("storescp"), "+tls", str(papers / "CT_B.key"), str(papers / "CT_B.pem"), "+cf", str(papers / "ca.pem"), "-od",
            str(folder / "taken"), "-aet", node, str(port),
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        pin = fingerprint(x509.load_pem_x509_certificate((papers / "CT_B.pem").read_bytes()))
        where = ("--name", node, "--aet", node, "--host", "127.0.0.1", "--port", str(port))
        server.cli("node", "add", *where, "--fingerprint", pin)
        deadline = time.monotonic() + 60
        while server.cli("node", "echo", "--name", node, check=False).returncode and time.monotonic() < deadline:
            time.sleep(0.2)
        assert "1 of 1 objects went" in server.cli("node", "send", "--name", node, "--study", study).stdout
        assert len(list((folder / "taken").iterdir())) == 1
    finally:
        receiver.terminate()
        receiver.wait(60)


def test_pynetdicom_comes_in_with_a_certificate_of_ours(secured: Secured) -> None:
    caller = AE("CT_B")
    caller.add_requested_context("1.2.840.10008.1.1")
    context = secured.caller("CT_B")
    association = caller.associate(
        "127.0.0.1", secured.tls.port, ae_title=secured.tls.aet, tls_args=(context, "localhost")
    )
    assert association.is_established
    try:
        assert association.send_c_echo().Status == 0
    finally:
        association.release()


def test_a_node_with_the_wrong_name_or_authority_is_not_spoken_to(secured: Secured) -> None:
    """Our own calls verify who answers: here the server itself, held by a name and by its certificate."""
    port = str(secured.tls.port)
    root = x509.load_pem_x509_certificate((secured.data / "keys" / "server.pem").read_bytes())
    pin = fingerprint(root)
    common = ("--aet", secured.tls.aet, "--port", port)
    secured.cli("node", "add", "--name", "wrong name", "--host", "127.0.0.2", "--tls", *common)
    secured.cli("node", "add", "--name", "wrong pin", "--host", "127.0.0.1", "--fingerprint", "00" * 32, *common)
    secured.cli("node", "add", "--name", "right pin", "--host", "127.0.0.2", "--fingerprint", pin, *common)
    wrong = secured.cli("node", "echo", "--name", "wrong name", check=False)
    assert (wrong.returncode, "certificate is not accepted" in wrong.stderr) == (1, True), wrong.stderr
    pinned = secured.cli("node", "echo", "--name", "wrong pin", check=False)
    assert (pinned.returncode, "another certificate" in pinned.stderr) == (1, True), pinned.stderr
    # The server's own certificate is nobody's device: past the handshake it is refused as a caller, which is told in DICOM.
    right = secured.cli("node", "echo", "--name", "right pin", check=False)
    assert "rejected the association" in right.stderr


def _image(path: Path, uid: UID) -> Path:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SecondaryCaptureImageStorage, uid
    image = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    image.SOPClassUID, image.SOPInstanceUID = SecondaryCaptureImageStorage, uid
    image.StudyInstanceUID, image.SeriesInstanceUID, image.Modality = generate_uid(), generate_uid(), "OT"
    image.PatientID, image.PatientName = "TLS1", "Secure^Line"
    image.Rows = image.Columns = 64
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.PixelRepresentation = 7, 0
    image.PixelData = _PIXELS
    image.save_as(path, enforce_file_format=True)
    return path


def _wait_for(server: Secured, reason: str) -> None:
    deadline = time.monotonic() + 120
    while ("", reason) not in (seen := server.refusals()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)
