"""The data transfer phase against hand-written bytes (PS3.8 9.2; N1, N2, N4; traps 41, 42)."""

import contextlib
import socket
import struct
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.gateways.dimse import dimse, pdu
from heliograph.gateways.dimse._wire import Wire
from heliograph.gateways.dimse.association import (
    Aborted,
    Association,
    Limits,
    Lost,
    PeerGone,
    State,
    Stopping,
    TimedOut,
    Violation,
)
from heliograph.gateways.dimse.dimse import Command
from tests.unit.gateways.dimse.wires import CONTEXTS, CT, QUICK, association, everything, units

STORE = Command(
    dimse.C_STORE_RQ,
    message_id=1,
    affected_sop_class_uid=CT,
    affected_sop_instance_uid="1.2.3",
    priority=0,
    data_set_type=1,
)


def transfer(*values: pdu.DataValue) -> bytes:
    return pdu.encode(pdu.DataTransfer(values))


def command(one: Command = STORE, context_id: int = 1) -> bytes:
    return transfer(pdu.DataValue(context_id, True, True, dimse.encode(one)))


def received_data(ours: Association) -> bytes:
    kept = bytearray()
    ours.receive_data_set(1, kept.extend)
    return bytes(kept)


def receive_all(ours: Association) -> None:
    assert ours.receive_command() is not None
    received_data(ours)


def test_message_in_many_fragments_over_several_pdus_dribbled() -> None:
    raw_command, data = dimse.encode(STORE), bytes(range(256)) * 40
    wire = transfer(pdu.DataValue(1, True, False, raw_command[:11]), pdu.DataValue(1, True, True, raw_command[11:]))
    pieces = [data[n : n + 999] for n in range(0, len(data), 999)]
    wire += b"".join(transfer(pdu.DataValue(1, False, False, piece)) for piece in pieces)
    wire += transfer(pdu.DataValue(1, False, True, b""))
    with association() as (ours, far):

        def send() -> None:
            for n in range(0, len(wire), 700):
                far.sendall(wire[n : n + 700])
                time.sleep(0.001)

        threading.Thread(target=send).start()
        assert ours.receive_command() == (1, STORE)
        assert received_data(ours) == data


@given(st.lists(st.binary(max_size=70000), min_size=1, max_size=4), st.integers(1, 30000))
@settings(max_examples=20, deadline=None)
def test_what_one_side_sends_the_other_receives(data_sets: list[bytes], max_length: int) -> None:
    with association(max_length=max(max_length, 8)) as (sender, far):
        receiver = Association(Wire(far), sender.peer, CONTEXTS, Limits())

        def send() -> None:
            for data in data_sets:
                half = len(data) // 2
                sender.send_stream(1, STORE, (data[:half], data[half:]), len(data))
            sender.release()

        thread = threading.Thread(target=send)
        thread.start()
        for data in data_sets:
            assert receiver.receive_command() == (1, STORE)
            assert received_data(receiver) == data
        assert receiver.receive_command() is None
        thread.join(120)
        assert (sender.state, receiver.state) == (State.CLOSED, State.CLOSED)


@pytest.mark.parametrize("max_length", [None, 0, 1, 7, 64, 16384])
def test_trap_41_never_sends_a_pdu_longer_than_the_other_side_takes(max_length: int | None) -> None:
    with association(max_length=max_length) as (ours, far):
        ours.send_message(1, STORE, b"x" * 40000) if max_length != 1 else ours.send_command(1, STORE)
        ours.abort()
        raw = everything(far)
    for unit in units(raw):
        if isinstance(unit, pdu.DataTransfer) and max_length and max_length > 7:
            assert len(pdu.encode(unit)) - 6 <= max_length


def test_trap_41_pdu_somewhat_longer_than_announced_is_taken() -> None:
    data = bytes(range(256)) * 1024
    with association(limits=Limits(max_pdu_length=65536)) as (ours, far):
        threading.Thread(target=far.sendall, args=(command() + transfer(pdu.DataValue(1, False, True, data)),)).start()
        assert ours.receive_command() is not None
        assert received_data(ours) == data


def test_release_by_the_other_side() -> None:
    with association() as (ours, far):
        far.sendall(pdu.encode(pdu.ReleaseRequest()))
        assert ours.receive_command() is None
        assert units(everything(far)) == [pdu.ReleaseReply()]
        assert ours.state is State.CLOSED


@pytest.mark.parametrize("is_requestor", [True, False])
def test_release_collision(is_requestor: bool) -> None:
    """PS3.8 7.2.2.7: the requestor's side answers first."""
    with association(is_requestor=is_requestor) as (ours, far):
        if is_requestor:
            far.sendall(pdu.encode(pdu.ReleaseRequest()) + pdu.encode(pdu.ReleaseReply()))
        else:
            far.sendall(pdu.encode(pdu.ReleaseRequest()) + pdu.encode(pdu.ReleaseReply()))
        ours.release()
        assert ours.state is State.CLOSED
        assert units(everything(far)) == [pdu.ReleaseRequest(), pdu.ReleaseReply()]


def test_data_that_arrives_while_we_release_is_dropped() -> None:
    with association() as (ours, far):
        far.sendall(command() + pdu.encode(pdu.ReleaseReply()))
        ours.release()
        assert ours.state is State.CLOSED


def test_abort_by_the_other_side_is_told_with_its_reason() -> None:
    with association() as (ours, far):
        far.sendall(pdu.encode(pdu.Abort(0, 0)))
        with pytest.raises(Aborted):
            ours.receive_command()
        assert everything(far) == b""


def test_abort_in_the_middle_of_a_data_set() -> None:
    with association() as (ours, far):
        far.sendall(command() + transfer(pdu.DataValue(1, False, False, b"abc")) + pdu.encode(pdu.Abort(2, 1)))
        assert ours.receive_command() is not None
        with pytest.raises(Aborted):
            received_data(ours)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (pdu.encode(pdu.AssociateRequest("A", "B", ())), 2),
        (pdu.encode(pdu.AssociateAccept("A", "B", ())), 2),
        (pdu.encode(pdu.AssociateReject(1, 1, 1)), 2),
        (pdu.encode(pdu.ReleaseReply()), 2),
        (b"\x09\0\0\0\0\4abcd", 1),
        (b"GET / HTTP/1.1\r\n\r\n", 1),
    ],
)
def test_pdus_that_have_no_place_here_are_answered_by_abort(raw: bytes, reason: int) -> None:
    """AA-8: provider abort, 1 unrecognised, 2 unexpected."""
    with association() as (ours, far):
        far.sendall(raw)
        with pytest.raises(Violation):
            ours.receive_command()
        assert units(everything(far)) == [pdu.Abort(2, reason)]


@pytest.mark.parametrize(
    "raw",
    [
        struct.pack(">BxI", 4, 0xFFFFFFFF),
        struct.pack(">BxIIBB", 4, 6, 1, 1, 3),
        struct.pack(">BxIIBB", 4, 6, 100, 1, 3),
        struct.pack(">BxI", 4, 3) + b"abc",
        transfer(pdu.DataValue(99, True, True, dimse.encode(STORE))),
        transfer(pdu.DataValue(1, False, True, b"data first")),
        transfer(pdu.DataValue(1, True, True, b"\xff" * 30)),
        command() + command(),
        command() + transfer(pdu.DataValue(3, False, True, b"other context")),
        struct.pack(">BxI", 5, 1 << 30),
    ],
    ids=["4GiB", "pdv1", "pdv100", "pdv3", "context", "data", "garbage", "command", "other", "long-release"],
)
def test_n4_broken_messages_end_in_abort(raw: bytes) -> None:
    with association() as (ours, far):
        far.sendall(raw)
        with pytest.raises(Violation):
            receive_all(ours)
        assert [type(unit) for unit in units(everything(far))] == [pdu.Abort]


def test_release_within_a_message_is_answered_and_the_message_dropped() -> None:
    with association() as (ours, far):
        far.sendall(command() + pdu.encode(pdu.ReleaseRequest()))
        with pytest.raises(Violation):
            receive_all(ours)
        assert units(everything(far)) == [pdu.ReleaseReply()]


anything = st.one_of(
    st.sampled_from(
        [
            pdu.encode(pdu.ReleaseRequest()),
            pdu.encode(pdu.ReleaseReply()),
            pdu.encode(pdu.Abort(0, 0)),
            pdu.encode(pdu.AssociateReject(1, 1, 1)),
            command(),
            command(Command(dimse.C_CANCEL_RQ, responds_to=1)),
            transfer(pdu.DataValue(1, False, True, b"data")),
            transfer(pdu.DataValue(1, False, False, b"data")),
            struct.pack(">BxI", 4, 0),
        ]
    ),
    st.binary(min_size=1, max_size=30),
)


@given(st.lists(anything, max_size=6), st.booleans())
@settings(max_examples=150, deadline=None)
def test_n4_any_sequence_ends_and_never_hangs(sequence: list[bytes], release: bool) -> None:
    with association() as (ours, far):
        far.sendall(b"".join(sequence))
        far.shutdown(socket.SHUT_WR)
        with contextlib.suppress(Lost):
            while (received := ours.receive_command()) is not None:
                if received[1].has_data_set:
                    received_data(ours)
                if release:
                    ours.release()
        ours.abort()
        assert ours.state is State.CLOSED
        everything(far)


def test_n2_pdu_that_dribbles_ends_in_time() -> None:
    """Fifty seconds would be needed for the whole of it."""
    with association(limits=QUICK) as (ours, far):
        stop = threading.Event()

        def dribble() -> None:
            with contextlib.suppress(OSError):
                far.sendall(struct.pack(">BxI", 4, 1000))
                while not stop.wait(0.05):
                    far.sendall(b"\0")

        thread = threading.Thread(target=dribble)
        thread.start()
        began = time.monotonic()
        with pytest.raises((TimedOut, Violation)):
            ours.receive_command()
        assert time.monotonic() - began < 40
        stop.set()
        thread.join()


def test_idle_association_times_out() -> None:
    with association(limits=Limits(idle_timeout_s=0.2)) as (ours, _), pytest.raises(TimedOut):
        ours.receive_command()


def test_the_other_side_that_takes_nothing_times_out() -> None:
    with association(limits=Limits(send_timeout_s=0.2)) as (ours, _), pytest.raises(TimedOut):
        ours.send_message(1, STORE, bytes(64 << 20))


def test_stop_ends_an_idle_association_but_not_a_message() -> None:
    stop = threading.Event()
    stop.set()
    with association(stop=stop) as (ours, far):
        with pytest.raises(Stopping):
            ours.receive_command()
        far.sendall(command()[:20])
        threading.Timer(0.3, lambda: far.sendall(command()[20:])).start()
        while not ours._wire.ready():
            time.sleep(0.01)
        ours._wire._stop = None
        assert ours.receive_command() == (1, STORE)


def test_closed_connection_is_told() -> None:
    with association() as (ours, far):
        far.close()
        with pytest.raises(PeerGone):
            ours.receive_command()


def test_poll_does_not_wait() -> None:
    with association() as (ours, far):
        assert ours.poll_command() is None
        far.sendall(command(Command(dimse.C_CANCEL_RQ, responds_to=1)))
        deadline = time.monotonic() + 30
        while (polled := ours.poll_command()) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert polled is not None
        assert polled[1].command_field == dimse.C_CANCEL_RQ


def test_identifier_that_is_too_long_aborts() -> None:
    with association() as (ours, far):
        far.sendall(command() + transfer(pdu.DataValue(1, False, True, bytes(2000))))
        ours.receive_command()
        with pytest.raises(Violation):
            ours.read_data_set(1, 1000)
