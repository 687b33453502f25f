"""Command set codec (PS3.7 6.3, E.1)."""

import contextlib
import struct
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.dimse_messages import C_MOVE_RSP, C_STORE_RQ
from pynetdicom.dimse_primitives import C_MOVE, C_STORE

from heliograph.gateways.dimse import dimse
from heliograph.gateways.dimse.dimse import Command
from heliograph.kit.errors import Invalid

us = st.integers(0, 65535)
uid = st.from_regex(r"[1-9](\.[1-9][0-9]{0,8}){1,5}", fullmatch=True)
title = st.text("ABCDEFGHIJK", min_size=1, max_size=16)
commands = st.builds(
    Command,
    us,
    message_id=st.none() | us,
    responds_to=st.none() | us,
    affected_sop_class_uid=st.just("") | uid,
    requested_sop_class_uid=st.just("") | uid,
    affected_sop_instance_uid=st.just("") | uid,
    priority=st.none() | us,
    data_set_type=us,
    status=st.none() | us,
    offending_elements=st.lists(st.integers(0, 2**32 - 1), max_size=3).map(tuple),
    error_comment=st.just("") | title,
    move_destination=st.just("") | title,
    move_originator_aet=st.just("") | title,
    move_originator_message_id=st.none() | us,
    remaining=st.none() | us,
    completed=st.none() | us,
    failed=st.none() | us,
    warning=st.none() | us,
)


@given(commands)
def test_round_trip(command: Command) -> None:
    assert dimse.decode(dimse.encode(command)) == command


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_or_invalid(data: bytes) -> None:
    with contextlib.suppress(Invalid):
        dimse.decode(data)


def test_group_length_counts_what_follows() -> None:
    raw = dimse.encode(Command(dimse.C_ECHO_RQ, message_id=7, affected_sop_class_uid="1.2.840.10008.1.1"))
    assert struct.unpack_from("<HHII", raw) == (0, 0, 4, len(raw) - 12)


def test_agrees_with_pynetdicom_on_a_move_response() -> None:
    primitive = C_MOVE()
    primitive.MessageIDBeingRespondedTo = 9
    primitive.AffectedSOPClassUID = "1.2.840.10008.5.1.4.1.2.2.2"
    primitive.Status = 0xFF00
    primitive.NumberOfRemainingSuboperations = 5
    primitive.NumberOfCompletedSuboperations = 4
    primitive.NumberOfFailedSuboperations = 3
    primitive.NumberOfWarningSuboperations = 2
    message = C_MOVE_RSP()
    message.primitive_to_message(primitive)
    raw = b"".join(value[1][1:] for pdata in message.encode_msg(1, 0) for value in pdata.presentation_data_value_list)
    command = dimse.decode(raw)
    assert (command.remaining, command.completed, command.failed, command.warning) == (5, 4, 3, 2)
    assert (command.status, command.responds_to, command.has_data_set) == (0xFF00, 9, False)


def test_agrees_with_pynetdicom_on_a_store_request() -> None:
    primitive = C_STORE()
    primitive.MessageID = 3
    primitive.AffectedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    primitive.AffectedSOPInstanceUID = "1.2.3"
    primitive.Priority = 0
    primitive.DataSet = BytesIO(b"\0\0")
    primitive.MoveOriginatorApplicationEntityTitle = "ORIGIN"
    primitive.MoveOriginatorMessageID = 77
    message = C_STORE_RQ()
    message.primitive_to_message(primitive)
    first = next(iter(message.encode_msg(1, 0)))
    command = dimse.decode(first.presentation_data_value_list[0][1][1:])
    assert (command.affected_sop_instance_uid, command.move_originator_aet) == ("1.2.3", "ORIGIN")
    assert command.move_originator_message_id == 77
    assert command.has_data_set


def test_length_beyond_the_end_is_invalid() -> None:
    raw = dimse.encode(Command(dimse.C_ECHO_RQ, message_id=1)) + struct.pack("<HHI", 0, 0x1000, 99) + b"1"
    with pytest.raises(Invalid):
        dimse.decode(raw)


def test_a_response_repeats_what_it_must() -> None:
    request = Command(dimse.C_STORE_RQ, message_id=5, affected_sop_class_uid="1.2", affected_sop_instance_uid="1.3")
    reply = dimse.response(request, 0xA700, error_comment="x" * 100)
    back = dimse.decode(dimse.encode(reply))
    assert (back.command_field, back.responds_to, back.status) == (0x8001, 5, 0xA700)
    assert (back.affected_sop_class_uid, back.affected_sop_instance_uid) == ("1.2", "1.3")
    assert back.error_comment == "x" * 64
