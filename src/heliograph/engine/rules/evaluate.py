"""The reference: what a condition means, in plain Python. The SQL back end is proved equal to this one."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from heliograph.engine.rules.model import (
    FALSE,
    TRUE,
    AllOf,
    AnyOf,
    Compare,
    Constant,
    In,
    Name,
    Node,
    Not,
    Operator,
    Overlaps,
    StartsWith,
    Value,
)

Values = Mapping[str, Value]
_COMPARE: dict[Operator, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def evaluate(node: Node, values: Values) -> Value:
    """A checked condition over values for every name in it; KeyError when one is missing."""
    match node:
        case Constant(value):
            return value
        case Name(path):
            return values[path]
        case Not(part):
            return not evaluate(part, values)
        case AllOf(parts):
            return all(evaluate(part, values) for part in parts)
        case AnyOf(parts):
            return any(evaluate(part, values) for part in parts)
        case Compare(sign, left, right):
            return _COMPARE[sign](evaluate(left, values), evaluate(right, values))
        case In(item, items):
            return evaluate(item, values) in _list(evaluate(items, values))
        case Overlaps(left, right):
            return not set(_list(evaluate(left, values))).isdisjoint(_list(evaluate(right, values)))
        case StartsWith(text, beginning):
            return str(evaluate(text, values)).startswith(str(evaluate(beginning, values)))


def fold(node: Node, known: Values) -> Node:
    """The condition with what is known put in and worked out; only names that are not known remain."""
    match node:
        case Constant():
            return node
        case Name(path):
            return Constant(known[path]) if path in known else node
        case Not(part):
            return _folded_not(fold(part, known))
        case AllOf(parts):
            return _folded_parts(parts, known, AllOf, stop=FALSE)
        case AnyOf(parts):
            return _folded_parts(parts, known, AnyOf, stop=TRUE)
        case Compare(sign, left, right):
            return _worked_out(Compare(sign, fold(left, known), fold(right, known)))
        case In(item, items):
            return _worked_out(In(fold(item, known), fold(items, known)))
        case Overlaps(left, right):
            return _worked_out(Overlaps(fold(left, known), fold(right, known)))
        case StartsWith(text, beginning):
            return _worked_out(StartsWith(fold(text, known), fold(beginning, known)))


def _folded_not(part: Node) -> Node:
    if isinstance(part, Constant):
        return FALSE if part.value else TRUE
    return part.part if isinstance(part, Not) else Not(part)


def _folded_parts(parts: tuple[Node, ...], known: Values, make: type[AllOf | AnyOf], *, stop: Constant) -> Node:
    """`stop` is the value that decides the whole: false among all, true among any. The other one says nothing and falls out."""
    left: list[Node] = []
    for part in parts:
        folded = fold(part, known)
        if folded == stop:
            return stop
        if not isinstance(folded, Constant):
            left.append(folded)
    if not left:
        return TRUE if stop == FALSE else FALSE
    return left[0] if len(left) == 1 else make(tuple(left))


def _worked_out(node: Compare | In | Overlaps | StartsWith) -> Node:
    match node:
        case Compare(_, left, right) | Overlaps(left, right) | StartsWith(left, right) | In(left, right):
            sides = (left, right)
    if all(isinstance(side, Constant) for side in sides):
        return TRUE if evaluate(node, {}) else FALSE
    if isinstance(node, In | Overlaps) and any(isinstance(side, Constant) and side.value == () for side in sides):
        return FALSE
    return node


def _list(value: Value) -> tuple[int, ...] | tuple[str, ...]:
    assert isinstance(value, tuple)
    return value
