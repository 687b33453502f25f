"""Random conditions over a small vocabulary, and random rows for them."""

from typing import Any

from hypothesis import strategies as st

from heliograph.engine.rules import AllOf, AnyOf, Field, Kind, Node, Not, Vocabulary
from heliograph.engine.rules.model import OPERATORS, Compare, Constant, In, Name, Overlaps, StartsWith

VOCABULARY = Vocabulary({
    "row.flag": Field(Kind.BOOL, column="{row}.flag"),
    "row.number": Field(Kind.INT, column="{row}.number"),
    "row.text": Field(Kind.TEXT, column="{row}.text"),
    "row.other": Field(Kind.TEXT, column="{row}.other"),
    "row.words": Field(Kind.TEXTS, column="{row}.words", member="exists (select 1 from unnest({row}.words) as w where w {match})"),
    "row.ties": Field(
        Kind.INTS, column="array(select t.other from tie t where t.row_id = {row}.id)",
        member="exists (select 1 from tie t where t.row_id = {row}.id and t.other {match})",
    ),
    "me.number": Field(Kind.INT),
    "me.text": Field(Kind.TEXT),
    "me.words": Field(Kind.TEXTS),
    "me.numbers": Field(Kind.INTS),
})  # fmt: skip
KNOWN = ("me.number", "me.text", "me.words", "me.numbers")

# What string comparison goes wrong on: case, accents, other planes, the empty text, quotes, our own syntax.
WORDS = st.sampled_from(
    ["", "a", "A", "ab", "é", "z", "Zo\u0308e", "\U0001f600", "\uffff", "'", '"', "\\", "%", "a b", "]"]
)
NUMBERS = st.sampled_from([-(1 << 63), -2, -1, 0, 1, 2, 3, (1 << 63) - 1])
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.BOOL: st.booleans(),
    Kind.INT: NUMBERS,
    Kind.TEXT: WORDS,
    Kind.INTS: st.lists(NUMBERS, max_size=4).map(tuple),
    Kind.TEXTS: st.lists(WORDS, max_size=4).map(tuple),
}
SINGLES = (Kind.BOOL, Kind.INT, Kind.TEXT)


def situations() -> st.SearchStrategy[dict[str, Any]]:
    """A value for every name."""
    return st.fixed_dictionaries({path: VALUES[field.kind] for path, field in VOCABULARY.fields.items()})


def values_of(kind: Kind) -> st.SearchStrategy[Node]:
    named = [Name(path) for path, field in VOCABULARY.fields.items() if field.kind is kind]
    return st.one_of(st.sampled_from(named), VALUES[kind].map(Constant))


def _leaves() -> st.SearchStrategy[Node]:
    pairs = [
        st.builds(
            Compare, st.sampled_from(("==", "!=") if kind is Kind.BOOL else OPERATORS), values_of(kind), values_of(kind)
        )
        for kind in SINGLES
    ]
    lists = [(Kind.INT, Kind.INTS), (Kind.TEXT, Kind.TEXTS)]
    members = [st.builds(In, values_of(one), values_of(many)) for one, many in lists]
    overlaps = [st.builds(Overlaps, values_of(many), values_of(many)) for _, many in lists]
    return st.one_of(
        *pairs,
        *members,
        *overlaps,
        st.builds(StartsWith, values_of(Kind.TEXT), values_of(Kind.TEXT)),
        values_of(Kind.BOOL),
    )


def conditions() -> st.SearchStrategy[Node]:
    return st.recursive(
        _leaves(),
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.lists(inner, min_size=2, max_size=4).map(lambda parts: AllOf(tuple(parts))),
            st.lists(inner, min_size=2, max_size=4).map(lambda parts: AnyOf(tuple(parts))),
        ),
        max_leaves=12,
    )
