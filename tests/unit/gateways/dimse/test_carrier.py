"""Objects on their way to a real receiver: what stands in the way of one must not stop the others (trap 48)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from heliograph.gateways.dimse.carrier import Carrier
from heliograph.gateways.dimse.catalogue import Stored
from heliograph.gateways.dimse.requestor import Destination, open_association
from heliograph.gateways.dimse.sender import Result
from heliograph.kit.errors import Broken, Busy, HeliographError
from heliograph.standards.dicom import part10, uids
from tests import phantoms
from tests.peers import pynet
from tests.phantoms import Shape

LARGE = Shape(slices=3, rows=1024, columns=1024, seed=71)  # two reads each
WHOLE = {LARGE.sop_uid(number): raw for number, raw in enumerate(phantoms.slices(LARGE), 1)}
ITEMS = [
    Stored(uids.CT_IMAGE_STORAGE, uid, uids.EXPLICIT_VR_LITTLE_ENDIAN, uid, len(raw), part10.split(raw)[0])
    for uid, raw in WHOLE.items()
]
Read = Callable[[Stored, int, int], bytes]


def carried(
    receiver: pynet.StoreScp, read: Read, **options: Any
) -> tuple[list[tuple[str, Result]], HeliographError | None]:
    told: list[tuple[str, Result]] = []
    to = Destination("TAKER", "127.0.0.1", receiver.dicom.port)
    carrier = Carrier(lambda where, proposals: open_association(where, "OURS", proposals), to, read, **options)
    error = carrier.carry(ITEMS, lambda item, result: told.append((item.sop_instance_uid, result)), lambda: False)
    return told, error


def reader(fault: HeliographError | None = None, *, after: int = 0) -> Read:
    """Storage that does not give the second object, or not the rest of it."""

    def read(item: Stored, offset: int, length: int) -> bytes:
        if fault is not None and item is ITEMS[1] and offset >= after:
            raise fault
        return WHOLE[item.sop_instance_uid][offset : offset + length]

    return read


@pytest.mark.parametrize("after", [0, 1 << 20], ids=["not at all", "not its end"])
def test_an_object_that_storage_does_not_give_fails_alone(after: int) -> None:
    with pynet.StoreScp(aet="TAKER") as receiver:
        told, error = carried(receiver, reader(Broken("the segment is gone", code="blob_missing"), after=after))
    assert error is None
    assert [result.is_failure for _, result in told] == [False, True, False]
    assert [uid for uid, _ in told] == list(WHOLE)
    assert sorted(receiver.raw) == sorted([LARGE.sop_uid(1), LARGE.sop_uid(3)]), "nothing of a half object is kept"


def test_storage_that_is_away_is_no_fault_of_the_object() -> None:
    """The send waits and begins with the same object again."""
    with pynet.StoreScp(aet="TAKER") as receiver:
        told, error = carried(receiver, reader(Busy("the bucket does not answer", code="blobs_down")))
    assert [uid for uid, _ in told] == [LARGE.sop_uid(1)]
    assert error is not None
    assert error.code == "blobs_down"


def test_a_node_that_takes_an_object_and_never_answers_is_left_for_later() -> None:
    answer = threading.Event()

    def never(_event: Any) -> int:
        answer.wait(60)
        return 0x0000

    with pynet.StoreScp(aet="TAKER", status=never) as receiver:
        told, error = carried(receiver, reader(), response_timeout_s=0.5)
        answer.set()
    assert told == [], "no object is blamed for it"
    assert isinstance(error, Busy)
    assert error.code == "no_answer"
