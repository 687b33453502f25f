"""The DICOM door of one process: listens until told to stop, then lets the objects under way finish."""

import math
import signal
import socket
import sys
import threading
from collections.abc import Callable

from heliograph.engine import secrets
from heliograph.engine.db import SILENT_S
from heliograph.engine.telemetry import fact
from heliograph.features.access import is_loopback
from heliograph.features.access.limits import Hits
from heliograph.features.archive import damage
from heliograph.gateways.dimse.acceptor import BACKLOG, Acceptor, AcceptorLimits, Tls
from heliograph.gateways.dimse.association import Limits
from heliograph.gateways.dimse.census import Census
from heliograph.gateways.dimse.crowd import Crowd
from heliograph.gateways.dimse.host import ArchiveHost
from heliograph.gateways.dimse.refusals import Refusals
from heliograph.gateways.dimse.serving import Serving
from heliograph.kit.pace import Pace
from heliograph.kit.settings import Settings
from heliograph.services import Services

# The supervisor waits six seconds for its children.
DRAIN_S = 4.5
# Associations wait for the interpreter lock after every read; the default of 5 ms would hold a small message behind a scan.
_SWITCH_INTERVAL_S = 0.0005


def run(services: Services, index: int, door: int, tls_door: int | None = None) -> None:
    """Serve until SIGTERM; prints `ready` when it listens. The doors are bound sockets that the supervisor handed down."""
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    services.silent_at_most(SILENT_S)
    listener = socket.socket(fileno=door)
    secure = socket.socket(fileno=tls_door) if tls_door is not None else None
    serve(services, stop, listener, secure, ready=lambda: print("ready", flush=True), number=index)


def serve(
    services: Services,
    stop: threading.Event,
    listener: socket.socket,
    secure: socket.socket | None = None,
    *,
    ready: Callable[[], None],
    number: int = 0,
) -> None:
    """Serve until `stop` is set; then no new association, and those at work have `DRAIN_S` for their object."""
    settings = services.settings
    host, port = settings.dicom_address
    serving = Serving(ArchiveHost(services), association_limits(settings), stop)
    processes = settings.receiving_processes
    census = Census(settings.data / "run" / "associations", number, processes) if processes > 1 else None
    limits = acceptor_limits(settings)
    hits = Hits(services.database, settings.aet)
    crowd = Crowd(
        serving.serve,
        limits.max_associations,
        limits.max_associations_per_address,
        census,
        Pace(math.ceil(settings.dimse_new_per_minute / processes)),  # each process has its share
        lambda request, address: hits.tell("associations", request.calling_aet, address, called=request.called_aet),
    )
    threads = [_damage_watch(services, stop)]
    if secure is not None:
        threads.append(_tls_door(services, stop, secure, crowd, limits))
    _open(listener)
    fact("dimse.listening", host=host, port=port, number=number)
    ready()
    Acceptor(listener, crowd, limits).run(stop)
    for thread in threads:
        thread.join()
    crowd.drain(DRAIN_S)
    fact("dimse.stopped", count=crowd.open_count())


def _damage_watch(services: Services, stop: threading.Event) -> threading.Thread:
    """What is found to be damaged is given to nobody a second later."""

    def run() -> None:
        while not stop.wait(damage.EVERY_S):
            damage.withhold(services.database, services.blobs)

    thread = threading.Thread(target=run, name="damage", daemon=True)
    thread.start()
    return thread


def _tls_door(
    services: Services, stop: threading.Event, listener: socket.socket, crowd: Crowd, limits: AcceptorLimits
) -> threading.Thread:
    """The door of those who speak TLS, in a thread of its own: a handshake costs milliseconds (N2)."""
    settings = services.settings
    refusals = Refusals(services.database)
    context = secrets.door(settings, clients=client_certificates(settings))
    context.context()
    tls = Tls(context.context, settings.tls_handshake_s, refusals.tell)
    acceptor = Acceptor(listener, crowd, limits, tls)
    _open(listener)

    def run() -> None:
        with refusals:
            acceptor.run(stop)

    thread = threading.Thread(target=run, name="tls door", daemon=True)
    thread.start()
    return thread


def _open(listener: socket.socket) -> None:
    listener.setblocking(False)
    listener.listen(BACKLOG)


def client_certificates(settings: Settings) -> secrets.Clients:
    """What the settings say, or what the place of the door says: beyond loopback a caller shows who it is."""
    if settings.tls_client_certificates:
        return "required" if settings.tls_client_certificates == "required" else "optional"
    address = settings.dicom_tls_address
    return "optional" if address is not None and is_loopback(address[0]) else "required"


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
