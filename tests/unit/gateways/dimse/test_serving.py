"""An association from its request to its end, with a host that offers echo only (PS3.8 7; traps 40, 50; N3)."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from heliograph.gateways.dimse import dimse, pdu, status
from heliograph.gateways.dimse.acceptor import Acceptor, AcceptorLimits, listen
from heliograph.gateways.dimse.association import Association, Limits
from heliograph.gateways.dimse.crowd import Call, Crowd
from heliograph.gateways.dimse.dimse import Command, response
from heliograph.gateways.dimse.negotiation import CALLING_AET_NOT_RECOGNIZED
from heliograph.gateways.dimse.requestor import Destination, Proposal, open_association
from heliograph.gateways.dimse.scu import User
from heliograph.gateways.dimse.services import STUDY_ROOT_FIND, Service
from heliograph.gateways.dimse.serving import Handler, Serving
from heliograph.kit.errors import Busy, Refused
from heliograph.standards.dicom import uids
from tests.unit.gateways.dimse.wires import everything, units

ECHO = Proposal(uids.VERIFICATION, (uids.IMPLICIT_VR_LITTLE_ENDIAN,))


class EchoVisit:
    allowed = frozenset({Service.ECHO, Service.FIND})

    def __init__(self, ends: list[str]) -> None:
        self._ends = ends

    def handlers(self, association: Association) -> dict[int, Handler]:
        def echo(context_id: int, command: Command) -> None:
            association.send_command(context_id, response(command, status.SUCCESS))

        return {dimse.C_ECHO_RQ: echo}

    def close(self, end: str) -> None:
        self._ends.append(end)


class EchoHost:
    def __init__(self) -> None:
        self.ends: list[str] = []

    def admit(self, call: Call) -> EchoVisit | pdu.AssociateReject:
        if call.request.calling_aet == "FULL":
            raise Busy("no room")
        return EchoVisit(self.ends) if call.request.calling_aet != "EVIL" else CALLING_AET_NOT_RECOGNIZED


class Running:
    def __init__(self) -> None:
        self.host = EchoHost()
        self.stop = threading.Event()
        limits = Limits(idle_timeout_s=60, pdu_timeout_s=30, message_timeout_s=30)
        listener = listen("127.0.0.1", 0)
        self.port = listener.getsockname()[1]
        self.crowd = Crowd(Serving(self.host, limits, self.stop).serve, 200, 64)
        self.acceptor = Acceptor(listener, self.crowd, AcceptorLimits())
        self.thread = threading.Thread(target=self.acceptor.run, args=(self.stop,))
        self.thread.start()

    @property
    def destination(self) -> Destination:
        return Destination("US", "127.0.0.1", self.port)

    def end(self) -> str:
        while not self.host.ends:
            time.sleep(0.01)
        return self.host.ends[-1]


@contextlib.contextmanager
def running() -> Iterator[Running]:
    one = Running()
    try:
        yield one
    finally:
        one.stop.set()
        one.thread.join(60)
        one.crowd.drain(60.0)
        assert one.crowd.open_count() == 0


def test_echo_and_release() -> None:
    with running() as one:
        user = User(open_association(one.destination, " them ", [ECHO]))
        assert [user.echo() for _ in range(3)] == [0, 0, 0]
        user.release()
        assert one.end() == "released"


def test_operation_that_is_not_offered_is_0211_and_the_association_goes_on() -> None:
    with running() as one:
        association = open_association(
            one.destination, "THEM", [ECHO, Proposal(STUDY_ROOT_FIND, (uids.IMPLICIT_VR_LITTLE_ENDIAN,))]
        )
        user = User(association)
        context = user.context_for(STUDY_ROOT_FIND)
        assert context is not None
        for field, number in ((dimse.C_FIND_RQ, 1), (0x0140, 2), (dimse.C_ECHO_RQ, 3)):
            request = Command(field, message_id=number, affected_sop_class_uid=STUDY_ROOT_FIND, data_set_type=1)
            association.send_message(context.context_id, request, b"\x08\x00\x52\x00\x00\x00\x00\x00")
            received = association.receive_command()
            assert received is not None
            assert (received[1].status, received[1].responds_to) == (status.UNRECOGNIZED_OPERATION, number)
        assert user.echo() == 0
        user.release()


def test_rejected_caller_learns_why() -> None:
    with running() as one:
        for calling, kind, words in (("EVIL", Refused, "does not know our AE title"), ("FULL", Busy, "busy")):
            with pytest.raises(kind) as caught:
                open_association(one.destination, calling, [ECHO])
            assert words in caught.value.message


def test_nothing_accepted_is_refused() -> None:
    with running() as one:
        with pytest.raises(Refused) as caught:
            open_association(
                one.destination, "THEM", [Proposal("1.2.840.10008.1.20.1", (uids.IMPLICIT_VR_LITTLE_ENDIAN,))]
            )
        assert caught.value.code == "nothing_accepted"


def test_nobody_there_is_busy() -> None:
    with pytest.raises(Busy) as caught:
        open_association(Destination("US", "127.0.0.1", 9), "THEM", [ECHO])
    assert caught.value.code == "connect_refused"


def test_trap_50_abort_right_behind_the_request() -> None:
    with running() as one, socket.create_connection(("127.0.0.1", one.port)) as sock:
        context = pdu.PresentationContext(1, uids.VERIFICATION, (uids.IMPLICIT_VR_LITTLE_ENDIAN,))
        sock.sendall(pdu.encode(pdu.AssociateRequest("US", "THEM", (context,))) + pdu.encode(pdu.Abort(0)))
        assert [type(unit) for unit in units(everything(sock))] == [pdu.AssociateAccept]
        assert one.end() == "aborted"


def test_n4_reused_context_id_is_aborted() -> None:
    with running() as one, socket.create_connection(("127.0.0.1", one.port)) as sock:
        context = pdu.PresentationContext(1, uids.VERIFICATION, (uids.IMPLICIT_VR_LITTLE_ENDIAN,))
        sock.sendall(pdu.encode(pdu.AssociateRequest("US", "THEM", (context, context))))
        assert units(everything(sock)) == [pdu.Abort(2, 6)]


def test_stop_aborts_idle_associations_soon() -> None:
    with running() as one:
        association = open_association(one.destination, "THEM", [ECHO])
        one.stop.set()
        began = time.monotonic()
        assert one.end() == "stopping"
        assert time.monotonic() - began < 40
        association.abort()


def test_n3_many_associations_leave_nothing_behind() -> None:
    with running() as one:
        for number in range(200):
            association = open_association(one.destination, "THEM", [ECHO])
            if number % 2:
                association.abort()
            else:
                association.release()
        deadline = time.monotonic() + 150
        while one.crowd.open_count() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (one.crowd.open_count(), len(one.host.ends)) == (0, 200)
        assert one.crowd._per_address == {}
