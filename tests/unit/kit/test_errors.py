"""kit.errors: one tree, stable codes, a status on every wire."""

import pytest

from heliograph.gateways.dimse.status import status_of
from heliograph.gateways.http import PROBLEM_STATUS, problem
from heliograph.kit import errors
from heliograph.kit.errors import Busy, HeliographError, NotSignedIn, Refused

KINDS = (
    errors.Invalid,
    errors.Refused,
    errors.NotSignedIn,
    errors.Held,
    errors.Absent,
    errors.Conflict,
    errors.Busy,
    errors.Broken,
)


def test_the_tree_is_the_one_of_the_design() -> None:
    assert set(HeliographError.__subclasses__()) >= set(KINDS) - {NotSignedIn}
    assert issubclass(NotSignedIn, Refused)
    assert len({kind.code for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_message_code_and_detail_are_kept(kind: type[HeliographError]) -> None:
    plain = kind("it is so")
    assert (plain.message, str(plain), plain.code, plain.detail) == ("it is so", "it is so", kind.code, {})
    named = kind("it is so", code="very_much_so", count=3)
    assert (named.code, named.detail) == ("very_much_so", {"count": 3})
    assert kind.code != "very_much_so"


def test_busy_says_when_to_come_again() -> None:
    assert Busy("later").retry_after_s == 5.0
    assert Busy("later", retry_after_s=60.0).retry_after_s == 60.0


@pytest.mark.parametrize("kind", KINDS)
def test_every_class_has_a_status_on_every_wire(kind: type[HeliographError]) -> None:
    answer = problem(kind("it is so"))
    assert answer.status_code == PROBLEM_STATUS[kind]
    assert 0x0100 <= status_of(kind("it is so")) <= 0xFFFF


def test_a_subclass_has_the_status_of_its_class() -> None:
    class Narrow(errors.Conflict):
        code = "narrow"

    assert problem(Narrow("x")).status_code == 409
    assert status_of(Narrow("x")) == status_of(errors.Conflict("x"))


def test_headers_that_a_status_needs() -> None:
    assert problem(Busy("later", retry_after_s=0.2)).headers["retry-after"] == "1"
    assert problem(NotSignedIn("who?")).headers["www-authenticate"].startswith("Bearer")
