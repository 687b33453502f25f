"""A pair of connected loopback sockets: one end ours, one end written by hand."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

from heliograph.gateways.dimse import pdu
from heliograph.gateways.dimse._wire import Wire
from heliograph.gateways.dimse.association import AcceptedContext, Association, Limits, Peer

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
CONTEXTS = (AcceptedContext(1, CT, EXPLICIT), AcceptedContext(3, "1.2.840.10008.1.1", IMPLICIT))
PATIENT = Limits(artim_s=30.0, pdu_timeout_s=30.0, message_timeout_s=30.0, idle_timeout_s=30.0, send_timeout_s=30.0)
QUICK = Limits(artim_s=2.0, pdu_timeout_s=1.0, message_timeout_s=1.0, idle_timeout_s=2.0, send_timeout_s=2.0)


def connected() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    return near, far


@contextlib.contextmanager
def association(
    *,
    limits: Limits = PATIENT,
    max_length: int | None = 16384,
    stop: threading.Event | None = None,
    is_requestor: bool = False,
) -> Iterator[tuple[Association, socket.socket]]:
    near, far = connected()
    far.settimeout(60)
    peer = Peer("FAR", "NEAR", "127.0.0.1", 1, pdu.UserInformation(max_length=max_length))
    ours = Association(Wire(near, stop=stop), peer, CONTEXTS, limits, is_requestor=is_requestor)
    try:
        yield ours, far
    finally:
        near.close()
        far.close()


def everything(far: socket.socket) -> bytes:
    """All bytes until the other side closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := far.recv(65536):
            received += data
    return received


def units(data: bytes) -> list[pdu.Pdu]:
    found, position = [], 0
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position + 2)
        found.append(pdu.decode(data[position : position + 6 + length]))
        position += 6 + length
    return found
