"""The ports of an installation: bound by the supervisor before anything is started, so that a taken one is told at once."""

import errno
import socket
import time

from heliograph.kit.errors import Conflict, Invalid

_TRIES = 100
_PAUSE_S = 0.1


def bind(host: str, port: int, name: str) -> socket.socket:
    """A port that the processes behind it inherit and listen on when they are ready; no other program can have it meanwhile.

    Waits some seconds for a predecessor that is still closing. `name` is the setting: http or dicom.
    """
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for attempt in range(_TRIES):
        try:
            door.bind((host, port))
            return door
        except OSError as error:
            if error.errno != errno.EADDRINUSE or attempt == _TRIES - 1:
                door.close()
                raise _reason(error, host, port, name) from error
        time.sleep(_PAUSE_S)
    raise AssertionError("unreachable")


def _reason(error: OSError, host: str, port: int, name: str) -> Conflict | Invalid:
    if error.errno == errno.EADDRINUSE:
        return Conflict(f"port {port} for {name} is taken; choose another with --{name} HOST:PORT", code="port_taken")
    if error.errno == errno.EACCES:
        return Invalid(
            f"this user may not open port {port} for {name}; choose one above 1023 with --{name} HOST:PORT",
            code="port_refused",
        )
    return Invalid(
        f"this machine has no address {host} for {name} ({error.strerror}); choose another with --{name} HOST:PORT",
        code="no_address",
    )
