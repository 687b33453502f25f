"""Counting sub-operations and their final status (PS3.4 C.4.2.1.4; traps 45, 49)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.gateways.dimse import dimse, pdu, status
from heliograph.gateways.dimse.catalogue import Stored
from heliograph.gateways.dimse.dimse import Command
from heliograph.gateways.dimse.retrieve import Suboperations
from heliograph.gateways.dimse.sender import Result
from tests.unit.gateways.dimse.wires import CT, EXPLICIT, association, everything, units

REQUEST = Command(dimse.C_MOVE_RQ, message_id=7, affected_sop_class_uid="1.2.840.10008.5.1.4.1.2.2.2")
outcomes = st.sampled_from([0x0000, 0xB000, 0xB007, 0xA700, 0xA900, 0xC000, 0x0110, 0x0122])


def item(number: int) -> Stored:
    return Stored(CT, f"1.2.{number}", EXPLICIT, "ref", 10, 0)


def final_of(results: list[int], total: int, *, cancelled: bool = False) -> tuple[Command, bytes]:
    with association() as (ours, far):
        operations = Suboperations(ours, 1, REQUEST, total, cancelled=cancelled)
        for number, code in enumerate(results):
            operations.add(item(number), Result(code))
        operations.finish()
        ours.abort()
        found = [unit for unit in units(everything(far)) if isinstance(unit, pdu.DataTransfer)]
    values = [value for unit in found for value in unit.values]
    command = b"".join(value.data for value in values if value.is_command)
    return dimse.decode(command), b"".join(value.data for value in values if not value.is_command)


@given(st.lists(outcomes, max_size=30))
def test_counts_add_up_and_the_status_follows_from_them(results: list[int]) -> None:
    command, data = final_of(results, len(results))
    warnings = sum(1 for code in results if status.is_warning(code))
    failures = sum(1 for code in results if code and not status.is_warning(code))
    assert (command.completed, command.failed, command.warning) == (results.count(0), failures, warnings)
    assert command.remaining is None, "remaining stands in pending and cancel responses only"
    assert bool(data) == bool(failures)
    if not failures and not warnings:
        assert command.status == 0x0000
    else:
        assert command.status == (0xA702 if failures == len(results) else 0xB000)


def test_cancel_tells_what_remains() -> None:
    command, _ = final_of([0, 0], 5, cancelled=True)
    assert (command.status, command.remaining, command.completed) == (0xFE00, 3, 2)


def test_trap_49_counts_are_16_bit() -> None:
    with association() as (ours, far):
        operations = Suboperations(ours, 1, REQUEST, 70_000)
        operations.tell_pending()
        ours.abort()
        (first, *_) = units(everything(far))
    assert isinstance(first, pdu.DataTransfer)
    command = dimse.decode(first.values[0].data)
    assert (command.status, command.remaining) == (0xFF00, 65535)


def test_trap_49_more_than_65535_results() -> None:
    command, _ = final_of([0] * 70_000, 70_000)
    assert (command.status, command.completed) == (0, 65535)


@pytest.mark.parametrize(("responds_to", "cancelled"), [(7, True), (8, False), (None, False)])
def test_trap_46_only_the_cancel_of_this_message_counts(responds_to: int | None, *, cancelled: bool) -> None:
    with association() as (ours, _):
        operations = Suboperations(ours, 1, REQUEST, 1)
        operations.heed(Command(dimse.C_CANCEL_RQ, responds_to=responds_to))
        assert operations.cancelled is cancelled


def test_rest_fails_once() -> None:
    with association() as (ours, _):
        operations = Suboperations(ours, 1, REQUEST, 3)
        items = [item(n) for n in range(3)]
        operations.add(items[0], Result(0))
        operations.add(items[1], Result(0xA900))
        operations.fail_rest(items)
        assert (operations.remaining, operations.completed, operations.failed) == (0, 1, 2)
