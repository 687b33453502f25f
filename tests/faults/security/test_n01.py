"""N1: PDU lengths that are only said (pynetdicom#1086, fo-dicom#1678, io-dicom#5)."""

import contextlib
import socket
import struct

import pytest

from tests.faults.security.conftest import MIB, Siege
from tests.peers.association import IMPLICIT, VERIFICATION, Association, Lost

BOUND = 50 * MIB


def test_two_hundred_sockets_that_announce_four_gigabytes(siege: Siege) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            wire = stack.enter_context(socket.create_connection(siege.server.dicom[:2], timeout=30))
            with contextlib.suppress(OSError):
                wire.sendall(b"\x01\0\xff\xff\xff\xff" + b"\0" * 4000)
        assert siege.rise() < BOUND


def test_an_association_that_announces_four_gigabytes(siege: Siege) -> None:
    """Established, and then a P-DATA-TF, a release and an abort of that size."""
    for kind in (4, 5, 7, 1, 99):
        association = Association.connect(siege.server.dicom, calling="HOSTILE", timeout=30)
        with contextlib.closing(association):
            with contextlib.suppress(Lost):
                association.send_raw(struct.pack(">BBI", kind, 0, 0xFFFFFFFF) + b"\0" * 100_000)
            with contextlib.suppress(Lost):
                assert association.read_pdu()[0] == 7
    assert siege.rise() < BOUND


@pytest.mark.parametrize(
    "request_line", [b"GET / HTTP/1.1\r\n", b"T / ", b"POST /studies HTTP/1.0\r\n", b"\x16\x03\x01", b"SSH-2.0-x\r\n"]
)
def test_another_protocol_is_closed_at_once_and_told_nothing(siege: Siege, request_line: bytes) -> None:
    with socket.create_connection(siege.server.dicom[:2], timeout=10) as wire:
        wire.sendall(request_line + b"Host: x\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert wire.recv(100) == b""
    with Association.connect(siege.server.dicom, [(VERIFICATION, (IMPLICIT,))], calling="HOSTILE") as association:
        assert association.echo() == 0
