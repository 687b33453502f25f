"""A condition as SQL: one expression that is never null, and its parameters in order.

Texts are compared byte by byte (COLLATE "C"), which for UTF-8 is Python's order of characters.
"""

from typing import Any

from heliograph.engine.rules.model import (
    AllOf,
    AnyOf,
    Compare,
    Constant,
    In,
    Kind,
    Name,
    Node,
    Not,
    Overlaps,
    StartsWith,
    Value,
    Vocabulary,
    kind_of_value,
)
from heliograph.kit.errors import Broken

Sql = tuple[str, list[Any]]
_SIGNS = {"==": "=", "!=": "<>"}
_CASTS = {
    Kind.BOOL: "boolean",
    Kind.INT: "bigint",
    Kind.TEXT: 'text collate "C"',
    Kind.INTS: "bigint[]",
    Kind.TEXTS: "text[]",
}


def to_sql(node: Node, vocabulary: Vocabulary, row: str) -> Sql:
    """`node` checked and folded, over columns of `row` (a table or its alias, of our own code). Raises Broken when a name without a
    column is left: what it stands for should have been known."""
    return _Compiler(vocabulary, row).condition(node)


class _Compiler:
    def __init__(self, vocabulary: Vocabulary, row: str) -> None:
        self._vocabulary = vocabulary
        self._row = row

    def condition(self, node: Node) -> Sql:
        match node:
            case Not(part):
                sql, parameters = self.condition(part)
                return f"not {sql}", parameters
            case AllOf(parts):
                return self._joined(parts, " and ")
            case AnyOf(parts):
                return self._joined(parts, " or ")
            case Compare(sign, left, right):
                return self._compared(_SIGNS.get(sign, sign), left, right)
            case In(item, items):
                return self._contained(item, items)
            case Overlaps(left, right):
                return self._overlapping(left, right)
            case StartsWith(text, beginning):
                (a, first), (b, second) = self._single(text), self._single(beginning)
                return f"starts_with({a}, {b})", first + second
            case Constant(value):
                return "true" if value else "false", []
            case Name():
                return self._single(node)

    def _joined(self, parts: tuple[Node, ...], word: str) -> Sql:
        compiled = [self.condition(part) for part in parts]
        return f"({word.join(sql for sql, _ in compiled)})", [one for _, parameters in compiled for one in parameters]

    def _compared(self, sign: str, left: Node, right: Node) -> Sql:
        (a, first), (b, second) = self._single(left), self._single(right)
        return f"({a} {sign} {b})", first + second

    def _contained(self, item: Node, items: Node) -> Sql:
        a, first = self._single(item)
        if isinstance(items, Constant):
            array, members = _array(items.value)
            return f"({a} = any({array}))", [*first, members]
        return self._member(items).format(row=self._row, match=f"= {a}"), first

    def _overlapping(self, left: Node, right: Node) -> Sql:
        if isinstance(left, Constant):
            left, right = right, left
        if isinstance(right, Constant):
            array, members = _array(right.value)
            return self._member(left).format(row=self._row, match=f"= any({array})"), [members]
        (a, first), (b, second) = self._single(left), self._single(right)
        return f"({a} && {b})", first + second

    def _single(self, node: Node) -> Sql:
        if isinstance(node, Constant):
            return _value(node.value)
        if isinstance(node, Name):
            field = self._vocabulary.fields[node.path]
            if not field.column:
                raise Broken(f"{node.path} is not known and has no column", code="rule_unknown_value")
            return field.column.format(row=self._row), []
        return self.condition(node)

    def _member(self, node: Node) -> str:
        assert isinstance(node, Name)
        field = self._vocabulary.fields[node.path]
        if not field.member:
            raise Broken(f"{node.path} is not known and has no column", code="rule_unknown_value")
        return field.member


def _value(value: Value) -> Sql:
    kind = kind_of_value(value)
    assert kind in _CASTS
    return f"%s::{_CASTS[kind]}", [value]


def _array(value: Value) -> tuple[str, list[int | str]]:
    assert isinstance(value, tuple)
    return ("%s::bigint[]" if kind_of_value(value) is Kind.INTS else "%s::text[]"), list(value)
