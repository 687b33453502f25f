"""The DICOM door of one process: listens until told to stop, then lets the objects under way finish."""

import contextlib
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

from heliograph.engine.telemetry import fact
from heliograph.gateways.dimse.acceptor import Acceptor, AcceptorLimits, listen
from heliograph.gateways.dimse.association import Limits
from heliograph.gateways.dimse.host import ArchiveHost
from heliograph.gateways.dimse.serving import Serving
from heliograph.kit.settings import Settings
from heliograph.services import Services

# The supervisor waits six seconds for its children.
DRAIN_S = 4.5
# Associations wait for the interpreter lock after every read; the default of 5 ms would hold a small message behind a scan.
_SWITCH_INTERVAL_S = 0.0005
_BIND_TRIES = 100


def run(services: Services, index: int = 0) -> None:
    """Serve until SIGTERM; prints `ready` when the port is bound."""
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    serve(services, stop, ready=lambda: print("ready", flush=True), number=index)


def serve(services: Services, stop: threading.Event, *, ready: Callable[[], None], number: int = 0) -> None:
    """Serve until `stop` is set; then no new association, and those at work have `DRAIN_S` for their object."""
    settings = services.settings
    _raise_file_limit()
    host, port = settings.dicom_address
    serving = Serving(ArchiveHost(services), association_limits(settings), stop)
    listener = _listen(host, port, share=settings.dimse_processes > 1)
    acceptor = Acceptor(listener, serving.serve, acceptor_limits(settings))
    fact("dimse.listening", host=host, port=port, number=number)
    ready()
    acceptor.run(stop)
    acceptor.drain(DRAIN_S)
    fact("dimse.stopped", count=acceptor.open_count())


def _listen(host: str, port: int, *, share: bool) -> socket.socket:
    """Binds, waiting some seconds for a predecessor that is still closing."""
    for _ in range(_BIND_TRIES):
        with contextlib.suppress(OSError):
            return listen(host, port, share=share)
        time.sleep(0.1)
    raise SystemExit(f"port {port} for DICOM is taken; choose another with --dicom HOST:PORT")


def association_limits(settings: Settings) -> Limits:
    return Limits(
        max_pdu_length=settings.dimse_max_pdu_bytes,
        pdu_timeout_s=settings.dimse_pdu_s,
        message_timeout_s=settings.dimse_idle_s,
        idle_timeout_s=settings.dimse_idle_s,
        send_timeout_s=settings.dimse_idle_s,
    )


def acceptor_limits(settings: Settings) -> AcceptorLimits:
    return AcceptorLimits(
        max_associations=settings.dimse_max_associations,
        max_associations_per_address=settings.dimse_max_per_peer,
    )


def _raise_file_limit() -> None:
    """Thousands of silent connections must not use up the descriptors of the others (N2)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
