"""The two forms that are written down: text for people, a tree in JSON for the store."""

from typing import Any

from heliograph.engine.rules.model import (
    MAX_DEPTH,
    OPERATORS,
    AllOf,
    AnyOf,
    Compare,
    Constant,
    In,
    Name,
    Node,
    Not,
    Overlaps,
    StartsWith,
    Value,
    kind_of_value,
)
from heliograph.kit.errors import Invalid

_LEVELS = 6 * MAX_DEPTH  # a level of parentheses makes up to five of the tree


def to_text(node: Node) -> str:
    """Reads back as the same tree."""
    match node:
        case Constant(value):
            return _value_text(value)
        case Name(path):
            return path
        case Not(part):
            return f"!{_inner(part)}"
        case AllOf(parts):
            return " && ".join(_inner(part) if isinstance(part, AnyOf | AllOf) else to_text(part) for part in parts)
        case AnyOf(parts):
            return " || ".join(_inner(part) if isinstance(part, AnyOf) else to_text(part) for part in parts)
        case Compare(sign, left, right):
            return f"{_inner(left)} {sign} {_inner(right)}"
        case In(item, items):
            return f"{_inner(item)} in {_inner(items)}"
        case Overlaps(left, right):
            return f"overlaps({to_text(left)}, {to_text(right)})"
        case StartsWith(text, beginning):
            return f"startsWith({to_text(text)}, {to_text(beginning)})"


def to_json(node: Node) -> Any:
    """`["in", ["name", "study.site"], ["name", "principal.sites"]]`: the word of the node, then its parts."""
    match node:
        case Constant(value):
            return ["value", list(value) if isinstance(value, tuple) else value]
        case Name(path):
            return ["name", path]
        case Not(part):
            return ["not", to_json(part)]
        case AllOf(parts):
            return ["all", *map(to_json, parts)]
        case AnyOf(parts):
            return ["any", *map(to_json, parts)]
        case Compare(sign, left, right):
            return [sign, to_json(left), to_json(right)]
        case In(left, right):
            return ["in", to_json(left), to_json(right)]
        case Overlaps(left, right):
            return ["overlaps", to_json(left), to_json(right)]
        case StartsWith(left, right):
            return ["startsWith", to_json(left), to_json(right)]


def from_json(document: Any, *, depth: int = 0) -> Node:
    """Raises Invalid for what is no tree."""
    if depth > _LEVELS or not isinstance(document, list) or len(document) < 2 or not isinstance(document[0], str):
        raise Invalid("a condition is stored as a list: a word and its parts", code="rule_bad_tree")
    word, *parts = document
    if word == "value" and len(parts) == 1:
        return Constant(_stored_value(parts[0]))
    if word == "name" and len(parts) == 1 and isinstance(parts[0], str):
        return Name(parts[0])
    return _joined(word, tuple(from_json(part, depth=depth + 1) for part in parts))


def _joined(word: str, parts: tuple[Node, ...]) -> Node:
    if word == "all":
        return AllOf(parts)
    if word == "any":
        return AnyOf(parts)
    if word == "not" and len(parts) == 1:
        return Not(parts[0])
    if len(parts) == 2:
        for operator in OPERATORS:
            if word == operator:
                return Compare(operator, *parts)
        if word == "in":
            return In(*parts)
        if word == "overlaps":
            return Overlaps(*parts)
        if word == "startsWith":
            return StartsWith(*parts)
    raise Invalid(f"a stored condition has no {word[:20]} of {len(parts)} parts", code="rule_bad_tree")


def _stored_value(value: Any) -> Value:
    found = tuple(value) if isinstance(value, list) else value
    if not isinstance(found, bool | int | str | tuple):
        raise Invalid("a stored value is a bool, a number, a text or a list of them", code="rule_bad_tree")
    kind_of_value(found)
    return found


def _value_text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return f"[{', '.join(_value_text(one) for one in value)}]"


def _inner(node: Node) -> str:
    text = to_text(node)
    return text if isinstance(node, Constant | Name | Overlaps | StartsWith) else f"({text})"
