"""Another peer on a processor of its own: stores objects one after the other and prints how long each waited, as JSON.

A program beside the test, because threads of one interpreter wait for each other, which would be measured instead of the server.
"""

import itertools
import json
import socket
import sys
import time

from tests.faults.security import hostile
from tests.peers import Dicom
from tests.peers.association import EXPLICIT, Association


def store_s(association: Association) -> float:
    """Stores a new object; the time from its first byte to its answer."""
    who = hostile.Identity()
    data = hostile.honest(who)
    began = time.monotonic()
    assert association.store(hostile.CT, who.sop, EXPLICIT, data).status == 0
    return time.monotonic() - began


def main(host: str, port: str, source: str, count: str) -> None:
    hostile._NUMBERS = itertools.count(1_000_000)
    wire = socket.create_connection((host, int(port)), 60, source_address=(source, 0))
    to = Dicom(host, int(port), "HELIOGRAPH")
    with Association.connect(to, [(hostile.CT, (EXPLICIT,))], calling="NEIGHBOUR", timeout=120, wire=wire) as own:
        print(json.dumps([store_s(own) for _ in range(int(count))]))


if __name__ == "__main__":
    main(*sys.argv[1:])
