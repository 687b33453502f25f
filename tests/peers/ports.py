"""Loopback ports that nobody listens on, outside the kernel's range for outgoing connections."""

import random
import socket

_given: set[int] = set()
_dice = random.SystemRandom()


def _is_free(port: int) -> bool:
    """Tried on every address, because DCMTK and Orthanc listen on all of them."""
    for address in ("127.0.0.1", "0.0.0.0"):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def free_port() -> int:
    """A port that was free just now and that this process has not handed out before."""
    for _ in range(1000):
        port = _dice.randrange(20_000, 32_000)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise RuntimeError("no free port between 20000 and 32000")
