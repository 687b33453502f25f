"""Errors and outcomes as DIMSE statuses (PS3.4 B.2.3, C.4; DESIGN, Held)."""

import pytest

from heliograph.features.archive import REASONS, Outcome
from heliograph.gateways.dimse import status
from heliograph.gateways.dimse.archive_receiver import answer_of
from heliograph.kit.errors import Absent, Broken, Busy, Conflict, Held, HeliographError, Invalid, NotSignedIn, Refused
from heliograph.standards.dicom.header import Unparseable


@pytest.mark.parametrize(
    ("error", "store", "query"),
    [
        (Invalid("x"), 0xC000, 0xA900),
        (Unparseable("x"), 0xC000, 0xA900),
        (Refused("x"), 0x0124, 0x0124),
        (NotSignedIn("x"), 0x0124, 0x0124),
        (Held("x"), 0x0111, 0xC000),
        (Conflict("x"), 0x0111, 0xC000),
        (Absent("x"), 0x0112, 0xC000),
        (Busy("x"), 0xA700, 0xA701),
        (Broken("x"), 0x0110, 0xC000),
        (HeliographError("x"), 0x0110, 0xC000),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else f"{value:04X}",
)
def test_every_class_of_error_has_a_failure_status(error: HeliographError, store: int, query: int) -> None:
    assert (status.status_of(error), status.status_of_query(error)) == (store, query)


@pytest.mark.parametrize("kind", ["new", "identical", "newer"])
def test_kept_in_its_place_is_success(kind: str) -> None:
    assert answer_of(Outcome(kind)).status == 0  # type: ignore[arg-type]  # a word of the table each


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_of_holding_answers_a_failure_that_names_it(reason: str) -> None:
    answer = answer_of(Outcome("held", reason=reason))
    assert answer.status in {0xC000, 0x0111, 0xA900}
    assert (answer.status == 0xC000) == (reason in {"unparseable", "missing_identifier", "bad_identifier", "truncated"})
    assert reason in answer.comment
    assert len(answer.comment) <= 64
