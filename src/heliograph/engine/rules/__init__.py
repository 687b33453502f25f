"""Conditions as data: access, routing, retention and assignment are written in one small language.

A text is parsed, checked against a vocabulary when it is saved, and stored as a tree in JSON. Three back ends walk the tree:
`evaluate` (the meaning), `to_sql` (the same over rows that nobody has read yet) and `explain` (why). `fold` puts in what is known,
so that SQL sees only what rows decide.
"""

from heliograph.engine.rules.check import check
from heliograph.engine.rules.evaluate import Values, evaluate, fold
from heliograph.engine.rules.explain import Explained, explain, names
from heliograph.engine.rules.model import FALSE, TRUE, AllOf, AnyOf, Field, Kind, Node, Not, Value, Vocabulary
from heliograph.engine.rules.parse import parse
from heliograph.engine.rules.sql import Sql, to_sql
from heliograph.engine.rules.text import from_json, to_json, to_text

__all__ = [
    "FALSE", "TRUE", "AllOf", "AnyOf", "Explained", "Field", "Kind", "Node", "Not", "Sql", "Value", "Values", "Vocabulary", "check",
    "condition", "evaluate", "explain", "fold", "from_json", "names", "parse", "to_json", "to_sql", "to_text",
]  # fmt: skip


def condition(text: str, vocabulary: Vocabulary) -> Node:
    """Parsed and checked; raises Invalid with the place or the name that is wrong."""
    node = parse(text)
    check(node, vocabulary)
    return node
