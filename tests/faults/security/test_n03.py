"""N3: what associations leave behind (DCMTK CVE-2026-50254, CVE-2026-35505). 100,000 cycles scaled 1:100 and more."""

import contextlib
import socket
import struct

from tests.faults.security.conftest import MIB, Siege, held_bytes
from tests.peers.association import Association, Lost, associate_request

CYCLES = 160
BOUND = 12 * MIB


def _cycles(siege: Siege, count: int) -> None:
    to = siege.server.dicom
    for number in range(count):
        kind = number % 4
        if kind == 3:
            with contextlib.suppress(OSError), socket.create_connection(to[:2], timeout=30) as wire:
                wire.sendall(associate_request(to.aet, "HOSTILE", [])[: number % 100])
            continue
        with contextlib.suppress(Lost):
            association = Association.connect(to, calling="HOSTILE", timeout=30)
            if kind == 0:
                association.abort()
            elif kind == 1:
                association.wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                association.close()
            else:
                association.release()
                association.close()


def test_associations_that_come_and_go_leave_nothing(siege: Siege) -> None:
    _cycles(siege, CYCLES // 2)
    before = held_bytes(siege.server)
    _cycles(siege, CYCLES)
    assert held_bytes(siege.server) - before < BOUND
