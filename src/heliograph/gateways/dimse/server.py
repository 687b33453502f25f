"""The DICOM door of one process: listens until told to stop, then lets the objects under way finish."""

import signal
import socket
import sys
import threading
from collections.abc import Callable

from heliograph.engine.db import SILENT_S
from heliograph.engine.telemetry import fact
from heliograph.gateways.dimse.acceptor import BACKLOG, Acceptor, AcceptorLimits
from heliograph.gateways.dimse.association import Limits
from heliograph.gateways.dimse.census import Census
from heliograph.gateways.dimse.host import ArchiveHost
from heliograph.gateways.dimse.serving import Serving
from heliograph.kit.settings import Settings
from heliograph.services import Services

# The supervisor waits six seconds for its children.
DRAIN_S = 4.5
# Associations wait for the interpreter lock after every read; the default of 5 ms would hold a small message behind a scan.
_SWITCH_INTERVAL_S = 0.0005


def run(services: Services, index: int, door: int) -> None:
    """Serve until SIGTERM; prints `ready` when it listens. `door` is the bound socket that the supervisor handed down."""
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    services.silent_at_most(SILENT_S)
    listener = socket.socket(fileno=door)
    serve(services, stop, listener, ready=lambda: print("ready", flush=True), number=index)


def serve(
    services: Services, stop: threading.Event, listener: socket.socket, *, ready: Callable[[], None], number: int = 0
) -> None:
    """Serve until `stop` is set; then no new association, and those at work have `DRAIN_S` for their object."""
    settings = services.settings
    host, port = settings.dicom_address
    serving = Serving(ArchiveHost(services), association_limits(settings), stop)
    processes = settings.receiving_processes
    listener.setblocking(False)
    listener.listen(BACKLOG)
    census = Census(settings.data / "run" / "associations", number, processes) if processes > 1 else None
    acceptor = Acceptor(listener, serving.serve, acceptor_limits(settings), census)
    fact("dimse.listening", host=host, port=port, number=number)
    ready()
    acceptor.run(stop)
    acceptor.drain(DRAIN_S)
    fact("dimse.stopped", count=acceptor.open_count())


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
