"""From one condition of a query to SQL by the kind of its key, with what helps an index. Every value is a parameter (N12).

Where SQL can only say "may match" (names with several component groups, values in JSON), the condition is checked again in Python.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from heliograph.features.archive.search._keys import Key, Kind
from heliograph.features.archive.search._where import Beginning, Where, cover_words, like_pattern
from heliograph.standards.dicom import names, values
from heliograph.standards.dicom.matching import (
    Condition,
    Matching,
    earliest_time,
    fuzzy_words,
    has_wildcard,
    latest_time,
    name_like,
)


def add_condition(where: Where, key: Key, condition: Condition) -> bool:
    """Adds the SQL of a condition and what helps an index; False when rows that pass must be checked again."""
    first, parameters, covers = len(where.parts), len(where.parameters), len(where.covers)
    is_exact = _add_exact(where, key, condition)
    if key.searched:
        where.grams.update(prefilter(key, condition))
    if key.sql in COVERED:
        _cover_range(where, key.sql, where.parts[first:], where.parameters[parameters:])
    if key.searched and len(condition.values) == 1:
        cover_words(where, _runs(condition))
    if key.sql == "st.modalities" and condition.matching is Matching.VALUE:
        _cover_modalities(where, condition.values)
    is_covered = len(where.covers) > covers
    where.is_bare = where.is_bare or not is_covered
    if not _add_beginning(where, key, condition):
        where.is_loose = where.is_loose or not is_covered
    return is_exact


def _add_beginning(where: Where, key: Key, condition: Condition) -> bool:
    """Whether the condition is on a name that begins with some letters, the first one of its kind."""
    if where.begins or not key.folded or condition.matching is not Matching.NAME or len(condition.values) != 1:
        return False
    plain = condition.values[0].rstrip("= ^")
    pattern = name_like(plain)
    letters = re.split(r"[*?]", pattern, maxsplit=1)[0]
    if "=" in plain or not letters.strip():
        return False
    like = like_pattern(pattern)
    begun = Beginning(key.folded, letters, f"{key.folded} like %s", (like,))
    if key.folded != "st.patient_name_folded":
        loose, parameters = _name_pattern(key, condition.values[0])[-1]
        where.begins = (begun, Beginning(key.folded, "", loose, tuple(parameters), doubt="true"))
        return True
    # A group that matches alone, where the whole name does not: "yam*rou".
    whole = replace(
        begun,
        sql=f"({begun.sql} or st.has_name_groups)",
        doubt=f"st.has_name_groups and not {begun.sql}",
        doubt_parameters=(like,),
    )
    others = (
        Beginning(column, letters, f"{column} <> '' and {column} like %s", (like,), doubt="true")
        for column in ("st.ideographic_folded", "st.phonetic_folded")
    )
    where.begins = (whole, *others)
    return True


COVERED: Final = ("st.study_date", "st.patient_id", "st.accession_number")
"""Columns that stand in sort indexes: the date in all of them."""


def _cover_range(where: Where, column: str, parts: list[str], parameters: list[Any]) -> None:
    """One value as a range: a column that is known to be constant has no order, and no index would be found for it."""
    if parts == [f"{column} = %s"]:
        parts, parameters = [f"{column} between %s and %s"], parameters * 2
    where.cover(column, " and ".join(parts), *parameters)


def _runs(condition: Condition) -> list[str]:
    """What search_text must hold when the condition is met; nothing where that cannot be told."""
    match condition.matching:
        case Matching.FUZZY_NAME:
            return [" " + word for word in fuzzy_words(condition.values[0])]
        case Matching.NAME | Matching.WILDCARD | Matching.VALUE:
            return _literal_runs(condition.values[0].rstrip("= ^"))
    return []


def _literal_runs(pattern: str) -> list[str]:
    """The letters between wildcards; at the ends of the pattern and of a component group with the blank that stands there."""
    runs, begins = [], True
    for piece, end in zip(*[iter([*re.split(r"([*?=])", pattern), "="])] * 2, strict=True):
        folded = names.fold(piece)
        if folded:
            runs.append((" " if begins else "") + folded + (" " if end == "=" else ""))
        begins = end == "="
    return runs


def _cover_modalities(where: Where, wanted: tuple[str, ...]) -> None:
    """The words of modalities are cut at 100 characters."""
    patterns = [f"% {like_pattern(value)} %" for value in wanted]
    tests = " or ".join(["st.modality_words like %s"] * len(patterns))
    where.cover("", f"({tests} or length(st.modality_words) >= 100)", *patterns)


def _add_exact(where: Where, key: Key, condition: Condition) -> bool:
    """Adds the condition itself."""
    match key.kind:
        case Kind.NUMBER:
            _number(where, key.sql, condition)
        case Kind.LIST:
            _list(where, key.sql, condition)
            where.is_unsure = True
        case Kind.JSON:
            return _json(where, key, condition)
        case Kind.NAME:
            return _name(where, key, condition)
        case _:
            _text(where, key.sql, condition)
    return True


def prefilter(key: Key, condition: Condition) -> list[int]:
    """Trigrams that every match has, when there is one alternative; the index then finds the candidates.

    Beginnings of identifiers have indexes of their own, which do better: numbers share their trigrams.
    """
    if len(condition.values) != 1:
        return []
    value = condition.values[0]
    match condition.matching:
        case Matching.NAME:
            return names.pattern_trigrams(value)
        case Matching.WILDCARD:
            return names.pattern_trigrams(value) if key.sql == "st.description" or value[0] in "*?" else []
        case Matching.VALUE:
            return names.pattern_trigrams(value) if key.sql == "st.description" else []
        case Matching.FUZZY_NAME:
            found: set[int] = set()
            for word in fuzzy_words(value):
                found.update(names.pattern_trigrams(word + "*"))
            return sorted(found)
    return []


def _text(where: Where, column: str, condition: Condition) -> None:
    match condition.matching:
        case Matching.EMPTY:
            where.add(f"{column} = ''")
        case Matching.WILDCARD:
            _any(where, [_pattern(column, value) for value in condition.values])
        case Matching.RANGE:
            add_range(where, column, condition)
        case _:
            _equal(where, column, condition.values)


def _equal(where: Where, column: str, wanted: tuple[str, ...]) -> None:
    if len(wanted) == 1:
        where.add(f"{column} = %s", wanted[0])
    else:
        where.add(f"{column} = any(%s)", list(wanted))


def _pattern(column: str, value: str) -> tuple[str, list[Any]]:
    if not has_wildcard(value):
        return f"{column} = %s", [value]
    return f"({column} like %s and {column} <> '')", [like_pattern(value)]


def _any(where: Where, alternatives: Iterable[tuple[str, list[Any]]]) -> None:
    pairs = list(alternatives)
    where.add("(" + " or ".join(sql for sql, _ in pairs) + ")", *[value for _, given in pairs for value in given])


def add_range(where: Where, column: str, condition: Condition) -> None:
    low, high = condition.values
    if condition.vr == "TM":
        _time_range(where, column, low, high)
        return
    if low and low == high:
        where.add(f"{column} = %s", low)
        return
    if low:
        where.add(f"{column} >= %s", low)
    else:
        where.add(f"{column} <> ''")
    if high:
        where.add(f"{column} <= %s", high)


def _time_range(where: Where, column: str, low: str, high: str) -> None:
    plain = f"replace({column}, ':', '')"
    first, last = earliest_time(low), latest_time(high)
    both = "or" if low and high and first > last else "and"
    where.add(f"({column} <> '' and ({plain} >= %s {both} {plain} <= %s))", first, last)


def _number(where: Where, column: str, condition: Condition) -> None:
    if condition.matching is Matching.EMPTY:
        where.add(f"{column} is null")
        return
    numbers = [values.number_of(value) for value in condition.values]
    whole = [int(number) for number in numbers if number is not None and number == int(number) and abs(number) < 2**31]
    where.add(f"{column} = any(%s::int[])", whole)


def _list(where: Where, column: str, condition: Condition) -> None:
    match condition.matching:
        case Matching.EMPTY:
            where.add(f"{column} = '{{}}'")
        case Matching.WILDCARD:
            inner = Where()
            _any(inner, [_pattern("one", value) for value in condition.values])
            where.add(f"exists (select 1 from unnest({column}) as one where {inner})", *inner.parameters)
        case _:
            where.add(f"{column} && %s::text[]", list(condition.values))


def _json(where: Where, key: Key, condition: Condition) -> bool:
    if condition.matching is Matching.EMPTY:
        where.add(f"not {key.sql} ? %s", key.keyword)
        return True
    where.add(f"{key.sql} ? %s", key.keyword)
    if condition.matching is Matching.VALUE and condition.vr not in ("DS", "IS"):
        where.add(f"{key.sql} -> %s ?| %s::text[]", key.keyword, list(condition.values))
        return True
    return False


def _name(where: Where, key: Key, condition: Condition) -> bool:
    """Exact for a name of one component group; of several, any run of whole words may be a group's."""
    if condition.matching is Matching.EMPTY:
        where.add(f"{key.sql} = ''")
        return True
    if not key.folded:
        where.add(f"{key.sql} <> ''")
        return False
    if condition.matching is Matching.FUZZY_NAME:
        alternatives = [_fuzzy(key.folded, value) for value in condition.values]
        _any(where, alternatives)
        return True
    patterns = [_name_pattern(key, value) for value in condition.values]
    _any(where, [alternative for pattern in patterns for alternative in pattern])
    if len(patterns) == 1 and not key.searched:
        where.either = tuple(patterns[0])
    return False


def _name_pattern(key: Key, value: str) -> list[tuple[str, list[Any]]]:
    """The name as it stands, or a name of several component groups that may match."""
    pieces = value.replace("=", "*").replace("?", "*").split("*")
    loose = (
        f"(position('=' in {key.sql}) > 0 and {key.folded} like %s)",
        [like_pattern(f"*{'*'.join(map(names.fold, pieces))}*")],
    )
    plain = value.rstrip("= ^")
    if "=" in plain:
        return [loose]
    if has_wildcard(plain):
        return [(f"{key.folded} like %s", [like_pattern(name_like(plain))]), loose]
    return [(f"{key.folded} = %s", [name_like(plain)]), loose]


def _fuzzy(column: str, text: str) -> tuple[str, list[Any]]:
    words = fuzzy_words(text)
    if not words:
        return "true", []
    return (
        "(" + " and ".join(f"(' ' || {column}) like %s" for _ in words) + ")",
        [like_pattern(f"* {word}*") for word in words],
    )
