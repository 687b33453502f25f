"""The laws of conditions: one meaning in Python and in SQL, and forms that read back as what they were."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.engine.db import Tx
from heliograph.engine.rules import (
    Node,
    check,
    evaluate,
    explain,
    fold,
    from_json,
    names,
    parse,
    to_json,
    to_sql,
    to_text,
)
from heliograph.engine.rules.model import Constant
from tests.unit.engine.rules.trees import KNOWN, VOCABULARY, conditions, situations

_COLUMNS = ("flag", "number", "text", "other", "words")


def _table(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.execute(
        'create temp table if not exists row_of (id int primary key, flag boolean, number bigint, text text collate "C", other text collate "C", words text[])'
    )
    tx.execute("create temp table if not exists tie (row_id int, other bigint)")
    tx.execute("truncate row_of, tie")
    for number, row in enumerate(rows):
        values = [list(value) if isinstance(value := row[f"row.{column}"], tuple) else value for column in _COLUMNS]
        tx.execute("insert into row_of values (%s, %s, %s, %s, %s, %s::text[])", (number, *values))
        for other in row["row.ties"]:
            tx.execute("insert into tie values (%s, %s)", (number, other))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(node=conditions(), me=situations(), rows=st.lists(situations(), min_size=1, max_size=12))
def test_sql_finds_exactly_the_rows_for_which_python_says_yes(
    tx: Tx, node: Node, me: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    check(node, VOCABULARY)
    known = {path: me[path] for path in KNOWN}
    _table(tx, rows)
    sql, parameters = to_sql(fold(node, known), VOCABULARY, "r")
    found = {row[0] for row in tx.execute(f"select r.id from row_of r where {sql}", parameters)}
    never_null = tx.execute(f"select count(*) from row_of r where ({sql}) is null", parameters).fetchone()
    assert found == {number for number, row in enumerate(rows) if evaluate(node, {**row, **known})}
    assert never_null == (0,)


@given(node=conditions(), values=situations())
def test_folding_changes_no_meaning_and_knowing_all_leaves_a_constant(node: Node, values: dict[str, Any]) -> None:
    known = {path: values[path] for path in KNOWN}
    folded = fold(node, known)
    assert evaluate(folded, values) == evaluate(node, values)
    assert not names(folded) & set(KNOWN)
    assert fold(node, values) == Constant(bool(evaluate(node, values)))


@given(node=conditions())
def test_both_written_forms_read_back(node: Node) -> None:
    assert from_json(json.loads(json.dumps(to_json(node)))) == node
    again = parse(to_text(node))
    assert to_text(again) == to_text(node)


@given(node=conditions(), values=situations())
def test_a_text_read_back_means_the_same(node: Node, values: dict[str, Any]) -> None:
    assert evaluate(parse(to_text(node)), values) == evaluate(node, values)


@given(node=conditions(), values=situations())
def test_an_explanation_says_what_the_condition_says(node: Node, values: dict[str, Any]) -> None:
    explained = explain(node, values)
    assert explained.holds == evaluate(node, values)
    assert explained.reasons
    assert {path for reason in explained.reasons for path, _ in reason.values} <= names(node)
