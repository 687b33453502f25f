"""Cells of a table that is given out."""

import pytest

from heliograph.features.trail.sheets import cell, sheet


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1"])
def test_no_cell_begins_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (7, "7"),
        ("M\u00fcller", "M\u00fcller"),
        (["a", None, "b"], "a, b"),
        ({}, ""),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_other_values_are_as_they_are(value: object, text: str) -> None:
    assert cell(value) == text


def test_a_sheet_quotes_and_begins_with_a_mark() -> None:
    assert sheet(("a", "b"), [['x,"y"', "two\nlines"]]) == '\ufeffa,b\r\n"x,""y""","two\nlines"\r\n'
