"""N2 (a): a silent caller at the TLS door delays nobody (pynetdicom 3.0.4 shakes hands in its accept loop)."""

import contextlib
import socket
import time
from collections.abc import Callable

from tests.faults.security.secured import Secured

_CLIENT_HELLO = bytes.fromhex("16030102000100")  # the beginning of one


def test_silent_callers_at_the_tls_door_delay_nobody(secured: Secured, figures: Callable[[str], None]) -> None:
    context = secured.caller("CT_A")
    told = []
    for _ in range(5):
        with contextlib.ExitStack() as silent:
            wires = [_silent(secured, silent, begun=number % 2 == 1) for number in range(40)]
            began = time.monotonic()
            with secured.connect("CT_A", context) as association:
                assert association.echo() == 0
            told.append(time.monotonic() - began)
            was_silent = all(map(_is_open, wires))
        if was_silent and told[-1] < 1.0:
            break
    else:
        raise AssertionError(f"an association took {min(told):.2f} s beside silent ones")
    figures(f"N2: an association with TLS beside 40 silent ones: {told[-1] * 1000:.0f} ms")


def test_silent_callers_are_shown_out(secured: Secured) -> None:
    with contextlib.ExitStack() as silent:
        wires = [_silent(secured, silent, begun=number % 2 == 1) for number in range(6)]
        began = time.monotonic()
        for wire in wires:
            wire.settimeout(120)
            with contextlib.suppress(ConnectionResetError):
                assert wire.recv(1) == b""
        assert time.monotonic() - began < 100


def _silent(server: Secured, stack: contextlib.ExitStack, *, begun: bool) -> socket.socket:
    wire = stack.enter_context(socket.create_connection((server.tls.host, server.tls.port), 120))
    if begun:
        wire.sendall(_CLIENT_HELLO)
    return wire


def _is_open(wire: socket.socket) -> bool:
    wire.setblocking(False)
    try:
        return bool(wire.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False
