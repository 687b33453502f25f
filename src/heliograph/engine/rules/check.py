"""Kinds: a condition is refused when it is written, not when somebody waits for an image."""

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
    Vocabulary,
    kind_of_value,
)
from heliograph.kit.errors import Invalid


def check(node: Node, vocabulary: Vocabulary) -> None:
    """Raises Invalid unless the whole is a condition over this vocabulary."""
    _want(node, Kind.BOOL, vocabulary)


def _kind(node: Node, vocabulary: Vocabulary) -> Kind | None:
    """None: an empty list, of either kind."""
    match node:
        case Constant(value):
            return kind_of_value(value)
        case Name(path):
            return vocabulary.kind_of(path)
        case Not(part):
            _want(part, Kind.BOOL, vocabulary)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                _want(part, Kind.BOOL, vocabulary)
        case Compare(operator, left, right):
            _comparable(operator, _kind(left, vocabulary), _kind(right, vocabulary))
        case In(item, items):
            _member(_kind(item, vocabulary), _kind(items, vocabulary))
        case Overlaps(left, right):
            _lists(_kind(left, vocabulary), _kind(right, vocabulary))
        case StartsWith(text, beginning):
            _want(text, Kind.TEXT, vocabulary)
            _want(beginning, Kind.TEXT, vocabulary)
    return Kind.BOOL


def _want(node: Node, kind: Kind, vocabulary: Vocabulary) -> None:
    found = _kind(node, vocabulary)
    if found is not kind:
        raise _mismatch(f"{kind} is wanted where {found or 'an empty list'} stands")


def _comparable(operator: str, left: Kind | None, right: Kind | None) -> None:
    if left is None or right is None or left is not right or left.is_list:
        raise _mismatch(f"{left or 'a list'} {operator} {right or 'a list'} cannot be compared")
    if left is Kind.BOOL and operator not in {"==", "!="}:
        raise _mismatch("of two bools only == and != can be asked")


def _member(item: Kind | None, items: Kind | None) -> None:
    if item is None or item.is_list or item is Kind.BOOL:
        raise _mismatch("before `in` stands a number or a text")
    if items is not None and (not items.is_list or items.element is not item):
        raise _mismatch(f"{item} in {items} can never be so")


def _lists(left: Kind | None, right: Kind | None) -> None:
    if any(kind is not None and not kind.is_list for kind in (left, right)):
        raise _mismatch("overlaps takes two lists")
    if left is not None and right is not None and left is not right:
        raise _mismatch(f"{left} and {right} have no member in common")


def _mismatch(text: str) -> Invalid:
    return Invalid(text, code="rule_kind")
