"""What people write: read as they mean it, refused with the place where it goes wrong."""

import pytest

from heliograph.engine.rules import condition, from_json, parse
from heliograph.engine.rules.model import AllOf, AnyOf, Compare, Constant, In, Name, Not
from heliograph.kit.errors import Invalid
from tests.unit.engine.rules.trees import VOCABULARY


def test_operators_bind_as_in_every_language() -> None:
    assert parse("!row.flag || row.number == 1 && row.text in ['a']") == AnyOf(
        (
            Not(Name("row.flag")),
            AllOf((Compare("==", Name("row.number"), Constant(1)), In(Name("row.text"), Constant(("a",))))),
        )
    )


def test_quotes_are_kept() -> None:
    assert parse(r"row.text == 'it\'s \\'") == Compare("==", Name("row.text"), Constant("it's \\"))


@pytest.mark.parametrize("text", [
    "", "row.flag &&", "(row.flag", "row.flag)", "row.text == 'open", "row.text ==", "row.number == 1 == 2", "[1, 'a']", "[1 2]", "&& row.flag",
    "row.flag & row.flag", "row.text == \"\x00\"", "99999999999999999999", "lower(row.text)", "overlaps(row.words)", "row.text like 'a%'",
    "row.text == 'a'; drop table study", "row..text", "1.5", "row.text == '\ud800'",
])  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        condition(text, VOCABULARY)


@pytest.mark.parametrize("text", [
    "row.number", "row.number == 'a'", "row.flag < true", "row.words == row.words", "row.text in row.ties", "row.flag in row.words", "1 in []",
    "overlaps(row.words, row.ties)", "overlaps(row.text, ['a'])", "startsWith(row.number, 'a')", "!row.number", "row.absent == 1", "'a'",
])  # fmt: skip
def test_what_can_never_be_so_is_refused_when_it_is_written(text: str) -> None:
    if text == "1 in []":
        condition(text, VOCABULARY)  # nothing is in the empty list, of whatever kind: allowed, and never so
        return
    with pytest.raises(Invalid):
        condition(text, VOCABULARY)


@pytest.mark.parametrize(
    "text", ["(" * 40 + "true" + ")" * 40, "overlaps(" * 40, "true" + " && true" * 2000, "[" + "1," * 4000 + "1]"]
)
def test_length_and_depth_are_bounded(text: str) -> None:
    with pytest.raises(Invalid):
        condition(text, VOCABULARY)


def test_many_negations_are_one_or_none() -> None:
    assert parse("!" * 7_001 + "row.flag") == Not(Name("row.flag"))
    assert parse("!" * 7_000 + "row.flag") == Name("row.flag")


@pytest.mark.parametrize("document", [None, [], ["name"], ["name", 1], ["value", None], ["value", 1.5], ["value", [1, "a"]], ["drop", ["value", 1]], ["==", ["value", 1]], "x"])  # fmt: skip
def test_a_stored_tree_is_checked_again(document: object) -> None:
    with pytest.raises(Invalid):
        from_json(document)


def test_a_stored_tree_cannot_be_deep_without_end() -> None:
    deep: object = ["value", True]
    for _ in range(5_000):
        deep = ["not", deep]
    with pytest.raises(Invalid):
        from_json(deep)
