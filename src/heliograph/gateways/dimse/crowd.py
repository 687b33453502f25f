"""The associations that a process has open, whichever door they came through, each in its thread."""

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from heliograph.engine.telemetry import trouble
from heliograph.gateways.dimse import pdu
from heliograph.gateways.dimse.census import Census
from heliograph.kit.pace import Pace
from heliograph.kit.time import monotonic_s


@dataclass(frozen=True, slots=True)
class Secured:
    """What TLS says of a caller: the SHA-256 of its certificate, empty without one, and how we speak."""

    fingerprint: str
    version: str
    suite: str


@dataclass(frozen=True, slots=True)
class Call:
    """A connection with its A-ASSOCIATE-RQ, ready for a thread; `secured` is None on a plain one."""

    sock: socket.socket
    address: str
    port: int
    request: pdu.AssociateRequest
    leftover: bytes
    secured: Secured | None = None


class Crowd:
    """Counts by address, with what other processes on the same ports have open (`census`)."""

    def __init__(
        self,
        serve: Callable[[Call], None],
        max_associations: int,
        max_per_address: int,
        census: Census | None = None,
        pace: Pace | None = None,
        tell: Callable[[pdu.AssociateRequest, str], None] | None = None,
    ) -> None:
        """`pace` counts new ones by address, `tell` hears of those that were too many."""
        self._pace, self._tell_too_many = pace, tell
        self._serve = serve
        self._max_associations = max_associations
        self._max_per_address = max_per_address
        self._census = census
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, Call] = {}
        self._per_address: Counter[str] = Counter()

    @property
    def is_shared(self) -> bool:
        return self._census is not None

    def open_count(self) -> int:
        with self._lock:
            return len(self._open)

    def is_busiest(self) -> bool:
        return self._census is not None and self._census.is_busiest(len(self._open))

    def is_full(self, address: str) -> bool:
        total, of_address = self._census.elsewhere(address) if self._census else (0, 0)
        with self._lock:
            return (
                total + len(self._open) >= self._max_associations
                or of_address + self._per_address[address] >= self._max_per_address
            )

    def too_many(self, address: str, request: pdu.AssociateRequest) -> bool:
        """Whether an address asks for one more than it may within a minute; else it is counted."""
        if self._pace is None or not self._pace.wait_s(address):
            return False
        if self._tell_too_many is not None:
            self._tell_too_many(request, address)
        return True

    def start(self, call: Call) -> None:
        """Serves it in a thread of its own."""
        thread = threading.Thread(target=self._run, args=(call,), name="association", daemon=True)
        with self._lock:
            self._open[thread] = call
            self._per_address[call.address] += 1
            self._tell(call.address)
        thread.start()

    def drain(self, grace_s: float) -> None:
        """Wait for the threads, then cut the connections of those that are still at work."""
        ends_at = monotonic_s() + grace_s
        for last_round in (False, True):
            with self._lock:
                calls = dict(self._open)
            for call in calls.values() if last_round else ():
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(call.sock, socket.SHUT_RDWR)  # TLS is the thread's own: only the line is cut
            for thread in calls:
                thread.join(max(ends_at - monotonic_s(), 0.05) + last_round)

    def _tell(self, address: str) -> None:
        if self._census is not None:
            self._census.note(len(self._open), address, self._per_address[address])

    def _run(self, call: Call) -> None:
        try:
            self._serve(call)
        except Exception as error:  # noqa: BLE001 one association must not end the door
            trouble("dimse.association_fault", error, address=call.address)
        finally:
            with contextlib.suppress(OSError):
                call.sock.close()
            with self._lock:
                del self._open[threading.current_thread()]
                self._per_address[call.address] -= 1
                self._tell(call.address)
                if not self._per_address[call.address]:
                    del self._per_address[call.address]
