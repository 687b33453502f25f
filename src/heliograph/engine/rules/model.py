"""The tree of a condition: what a text is read into, what is stored, what the three back ends walk.

There is no null: a field that may be absent declares the value that stands for it ('' for text), so that Python and SQL, whose
ideas of null differ, never have to agree on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from heliograph.kit.errors import Invalid

Value = bool | int | str | tuple[int, ...] | tuple[str, ...]
Operator = Literal["==", "!=", "<", "<=", ">", ">="]
OPERATORS: tuple[Operator, ...] = ("==", "!=", "<=", ">=", "<", ">")
MAX_DEPTH = 32
MAX_LIST = 10_000
_INT64 = 1 << 63


class Kind(StrEnum):
    BOOL = "bool"
    INT = "int"
    TEXT = "text"
    INTS = "list of int"
    TEXTS = "list of text"

    @property
    def element(self) -> "Kind":
        """Of a list; itself otherwise."""
        return {Kind.INTS: Kind.INT, Kind.TEXTS: Kind.TEXT}.get(self, self)

    @property
    def is_list(self) -> bool:
        return self in {Kind.INTS, Kind.TEXTS}


@dataclass(frozen=True, slots=True)
class Constant:
    """A written value. The empty list is of either kind."""

    value: Value


@dataclass(frozen=True, slots=True)
class Name:
    """A field by its path, `study.site`."""

    path: str


@dataclass(frozen=True, slots=True)
class Not:
    part: "Node"


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Compare:
    operator: Operator
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class In:
    """An item in a list."""

    item: "Node"
    items: "Node"


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Two lists with a member in common."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class StartsWith:
    text: "Node"
    beginning: "Node"


Node = Constant | Name | Not | AllOf | AnyOf | Compare | In | Overlaps | StartsWith
TRUE, FALSE = Constant(value=True), Constant(value=False)


@dataclass(frozen=True, slots=True)
class Field:
    """A name of the vocabulary.

    `column`: the SQL of its value, never null and in byte order (`collate "C"`); `{row}` stands for the table or its alias.
    `member`: for a list, the SQL condition that it has a member of some kind; `{match}` stands for the comparison of one member with
    what is looked for, e.g. `exists (select 1 from study_tie t where t.study_fk = {row}.id and t.user_id {match})`.
    A field without either is only ever known beforehand: the principal, the purpose.
    """

    kind: Kind
    column: str = ""
    member: str = ""
    docs: str = ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that a condition of one purpose (access, routing, retention) may use."""

    fields: Mapping[str, Field] = field(default_factory=dict)

    def kind_of(self, path: str) -> Kind:
        found = self.fields.get(path)
        if found is None:
            raise Invalid(
                f"there is no {path}; the names are: {', '.join(sorted(self.fields))}",
                code="rule_unknown_name",
                word=path,
            )
        return found.kind


def kind_of_value(value: Value) -> Kind | None:
    """None for the empty list, which is of either kind. Raises Invalid for what no condition can hold."""
    if isinstance(value, bool):
        return Kind.BOOL
    if isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            raise Invalid("a number must fit into 64 bits", code="rule_bad_value")
        return Kind.INT
    if isinstance(value, str):
        if "\0" in value or not _is_encodable(value):
            raise Invalid("a text must not hold NUL or half a character", code="rule_bad_value")
        return Kind.TEXT
    return _kind_of_list(value)


def _kind_of_list(value: tuple[Any, ...]) -> Kind | None:
    if len(value) > MAX_LIST:
        raise Invalid(f"a list has {MAX_LIST} members at most", code="rule_too_long")
    kinds = {kind_of_value(one) for one in value}
    if not kinds:
        return None
    if kinds == {Kind.INT}:
        return Kind.INTS
    if kinds == {Kind.TEXT}:
        return Kind.TEXTS
    raise Invalid("a list holds numbers alone or texts alone", code="rule_mixed_list")


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
