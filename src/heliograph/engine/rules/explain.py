"""Why a condition holds or not: the same tree, each part with its text and what it came to."""

from dataclasses import dataclass

from heliograph.engine.rules.evaluate import Values, evaluate
from heliograph.engine.rules.model import (
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
)
from heliograph.engine.rules.text import to_text


@dataclass(frozen=True, slots=True)
class Explained:
    """A part of a condition: its text, whether it holds, what its names stood for, and its parts."""

    text: str
    holds: bool
    values: tuple[tuple[str, Value], ...] = ()
    parts: tuple["Explained", ...] = ()

    @property
    def reasons(self) -> tuple["Explained", ...]:
        """The smallest parts that made it so."""
        deciding = tuple(part for part in self.parts if part.holds == self.holds) or self.parts
        return tuple(reason for part in deciding for reason in part.reasons) if self.parts else (self,)


def explain(node: Node, values: Values) -> Explained:
    """A checked condition over values for every name in it."""
    holds = bool(evaluate(node, values))
    match node:
        case AllOf(parts) | AnyOf(parts):
            return Explained(to_text(node), holds, parts=tuple(explain(part, values) for part in parts))
        case Not(part):
            return Explained(to_text(node), holds, parts=(explain(part, values),))
        case _:
            return Explained(to_text(node), holds, values=tuple((path, values[path]) for path in sorted(names(node))))


def names(node: Node) -> frozenset[str]:
    """Every name in it."""
    match node:
        case Name(path):
            return frozenset({path})
        case Constant():
            return frozenset()
        case Not(part):
            return names(part)
        case AllOf(parts) | AnyOf(parts):
            return frozenset[str]().union(*map(names, parts))
        case Compare(_, left, right) | In(left, right) | Overlaps(left, right) | StartsWith(left, right):
            return names(left) | names(right)
