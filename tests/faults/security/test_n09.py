"""N9: a title is no credential (CVE-2025-0896; PS3.15 B.12): who borrows one is refused, and on record for 110126 (Node Authentication)."""

import socket

import pytest

from tests.faults.security.secured import Secured, far_address
from tests.peers import Dicom
from tests.peers.association import Association, Rejected


def call(server: Secured, aet: str, source: str, to: str = "127.0.0.1") -> int:
    wire = socket.create_connection((to, server.dicom.port), 120, source_address=(source, 0))
    with Association.connect(Dicom(to, server.dicom.port, server.dicom.aet), calling=aet, wire=wire) as association:
        return association.echo()


def test_a_title_from_a_second_address_is_refused_and_on_record(secured: Secured) -> None:
    secured.cli("device", "add", "--aet", "PINNED", "--host", "127.0.0.1", "--pin")
    assert call(secured, "PINNED", "127.0.0.1") == 0
    with pytest.raises(Rejected, match="reason 3"):
        call(secured, "PINNED", "127.0.0.2")
    assert ("PINNED", "address") in secured.refusals()
    assert "127.0.0.2" in secured.cli("device", "list").stdout, "whoever was refused stands under wants in"


def test_a_device_with_a_certificate_is_nobody_without_it(secured: Secured) -> None:
    assert secured.papers
    with pytest.raises(Rejected, match="reason 3"):
        call(secured, "CT_A", "127.0.0.1")
    assert ("CT_A", "no certificate") in secured.refusals()


def test_the_certificate_of_one_device_does_not_make_another(secured: Secured) -> None:
    with secured.connect("CT_A", secured.caller("CT_A")) as association:
        assert association.echo() == 0
    with pytest.raises(Rejected, match="reason 3"):
        secured.connect("CT_A", secured.caller("CT_B"))
    assert ("CT_A", "certificate of another") in secured.refusals()


def test_a_title_that_nobody_has_is_a_label(secured: Secured) -> None:
    """A modality may call itself otherwise with every service; it is the device whose certificate it shows."""
    with secured.connect("CT_A_QUERY", secured.caller("CT_A")) as association:
        assert association.echo() == 0


def test_from_elsewhere_neither_a_stranger_nor_a_title_alone_comes_in(secured: Secured) -> None:
    far = far_address()
    secured.cli("device", "add", "--aet", "LOOSE")
    assert call(secured, "LOOSE", "127.0.0.1") == 0
    for aet, reason in (("LOOSE", "plaintext"), ("STRANGER", "unknown")):
        with pytest.raises(Rejected, match="reason 3"):
            call(secured, aet, far, far)
        assert (aet, reason) in secured.refusals()
    secured.cli("device", "add", "--aet", "HELD", "--host", far, "--pin")
    assert call(secured, "HELD", far, far) == 0
