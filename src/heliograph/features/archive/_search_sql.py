"""From a query to one bound statement. Fragments are constants of the keys table; every value is a parameter (N12).

Where SQL can only say "may match" (names with several component groups, values in JSON), the condition is checked again in Python.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from heliograph.features.access import Actor, visible
from heliograph.features.archive._rows import CUT
from heliograph.features.archive._search_keys import Key, Kind, keys
from heliograph.standards.dicom import names, tags, values
from heliograph.standards.dicom.matching import (
    Condition,
    Matching,
    earliest_time,
    fuzzy_words,
    has_wildcard,
    latest_time,
    name_like,
)
from heliograph.standards.dicom.query import Level, Order, Query

_SERIES_JOIN: Final = "join series se on se.study_fk = st.id and se.tenant_id = st.tenant_id"
_IMAGE_JOIN: Final = "join instance i on i.series_fk = se.id and i.tenant_id = se.tenant_id"
FROM: Final = {
    Level.STUDY: "study st",
    Level.SERIES: f"study st {_SERIES_JOIN}",
    Level.IMAGE: f"study st {_SERIES_JOIN} {_IMAGE_JOIN}",
}
JOINS: Final = {
    Level.PATIENT: "join patient p on p.id = st.patient_fk",
    Level.STUDY: "",
    Level.SERIES: _SERIES_JOIN,
    Level.IMAGE: f"{_SERIES_JOIN} {_IMAGE_JOIN}",
}
"""What is read from each study at a level."""
ORDER_BELOW: Final = {
    Level.PATIENT: (),
    Level.STUDY: (),
    Level.SERIES: ("se.number nulls last", "se.id"),
    Level.IMAGE: ("se.number nulls last", "se.id", "i.number nulls last", "i.id"),
}
"""The order inside a study."""
_LOWER: Final = {
    (
        Level.STUDY,
        Level.SERIES,
    ): "exists (select 1 from series se where se.study_fk = st.id and se.tenant_id = st.tenant_id and {})",
    (Level.STUDY, Level.IMAGE): (
        "exists (select 1 from series se join instance i on i.series_fk = se.id and i.tenant_id = se.tenant_id "
        "where se.study_fk = st.id and se.tenant_id = st.tenant_id and {})"
    ),
    (
        Level.SERIES,
        Level.IMAGE,
    ): "exists (select 1 from instance i where i.series_fk = se.id and i.tenant_id = se.tenant_id and {})",
}
_PAIRS: Final = tuple(
    (tags.tag_of(date), tags.tag_of(time))
    for date, time in (
        ("StudyDate", "StudyTime"),
        ("SeriesDate", "SeriesTime"),
        ("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"),
    )
)
_MODALITY: Final = tags.tag_of("Modality")
_MODALITIES: Final = tags.tag_of("ModalitiesInStudy")
_IDENTITY: Final = {
    Level.PATIENT: "p.id",
    Level.STUDY: "st.id",
    Level.SERIES: "se.id",
    Level.IMAGE: "i.id",
}


@dataclass(slots=True)
class Where:
    """Conditions joined by `and`, with their parameters in order.

    grams: trigrams that the study must have, for the index of them.
    covers: conditions that every match satisfies and that the sort indexes of studies can answer by themselves, each with the column
    that it is a range of, "" when it is none, SCOPE when it says what the actor may see.
    is_unsure: the planner cannot know how many rows pass. is_bare: a condition has no cover, so that walking reads the table.
    modalities: one of these is in the study.
    """

    parts: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    grams: set[int] = field(default_factory=set)
    covers: list[tuple[str, str, list[Any]]] = field(default_factory=list)
    is_unsure: bool = False
    is_bare: bool = False
    modalities: tuple[str, ...] = ()

    def add(self, sql: str, *parameters: Any) -> None:
        self.parts.append(sql)
        self.parameters.extend(parameters)

    def cover(self, column: str, sql: str, *parameters: Any) -> None:
        self.covers.append((column, sql, list(parameters)))

    def __str__(self) -> str:
        return " and ".join(self.parts) if self.parts else "true"

    def joined(self, other: "Where") -> "Where":
        return Where([*self.parts, *other.parts], [*self.parameters, *other.parameters])

    @property
    def is_plain(self) -> bool:
        """Neither words nor modalities are asked for."""
        return not self.grams and not self.is_unsure and not any("search_text" in sql for _, sql, _ in self.covers)

    def by_index(self) -> "Where":
        """With the trigrams."""
        return self.joined(self.by_grams())

    def by_grams(self) -> "Where":
        """The trigrams as a condition that the index answers. As a sub-select the planner takes it for neither rare nor common: it
        believes trigrams to be independent, which those of one word are not."""
        if not self.grams:
            return Where()
        return Where(["st.search_grams @> (select %s::int4[])"], [sorted(self.grams)])

    def scope(self) -> "Where":
        """What the actor may see."""
        return self._of_covers(SCOPE)

    def covered(self, *columns: str) -> "Where":
        """What an index that has these columns can answer; all of them have the date."""
        return self._of_covers(SCOPE, "", "st.study_date", *columns)

    def ranges(self, *columns: str) -> "Where":
        """The ranges of these columns."""
        return self._of_covers(*columns)

    def _of_covers(self, *columns: str) -> "Where":
        fitting = [cover for cover in self.covers if cover[0] in columns]
        return Where([sql for _, sql, _ in fitting], [value for _, _, given in fitting for value in given])


SCOPE: Final = "scope"


@dataclass(slots=True)
class Filter:
    """The compiled conditions: SQL on the study and below it, what remains to be checked on each row, what only the header knows."""

    study: Where = field(default_factory=Where)
    below: Where = field(default_factory=Where)
    recheck: list[Condition] = field(default_factory=list)
    from_header: list[Condition] = field(default_factory=list)
    unsupported: list[int] = field(default_factory=list)

    @property
    def where(self) -> Where:
        """All of it, for a statement that looks below studies."""
        return self.study.by_index().joined(self.below)

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of names whose conditions are exact unless the name has several component groups."""
        return tuple(
            keys()[one.tag].sql for one in self.recheck if one.matching is Matching.NAME and keys()[one.tag].folded
        )

    @property
    def is_exact(self) -> bool:
        """SQL decides alone, apart from `names`."""
        return not self.from_header and len(self.names) == len(self.recheck)


def compile_filter(query: Query, actor: Actor) -> Filter:
    """The conditions of a query under what the actor may see."""
    found = Filter()
    sql, parameters = visible(actor, "st")
    found.study.add(sql, *parameters)
    found.study.cover(SCOPE, sql, *parameters)
    table = keys()
    own = Level.STUDY if query.level is Level.PATIENT else query.level
    combined = _combined(query, found) if query.combined_datetime else set()
    lower: dict[Level, Where] = {}
    for condition in query.conditions:
        key = table.get(condition.tag)
        if condition.tag in combined:
            continue
        if key is None and query.level is Level.IMAGE:
            found.from_header.append(condition)
        elif key is None or key.kind in (Kind.COUNT, Kind.FIXED):
            found.unsupported.append(condition.tag)
        elif key.level.depth > own.depth:
            if not _add(lower.setdefault(key.level, Where()), key, condition):
                found.unsupported.append(condition.tag)
        elif not _add(found.study if key.level.depth <= Level.STUDY.depth else found.below, key, condition):
            if query.level is Level.PATIENT and not patient_column(key):
                found.unsupported.append(condition.tag)
            found.recheck.append(condition)
    modality = query.condition(_MODALITY)
    if own.depth > Level.STUDY.depth and modality is not None and modality.matching is Matching.VALUE:
        # Implied by the condition on the series; the index on the modalities of studies answers it.
        _add(found.study, table[_MODALITIES], replace(modality, tag=_MODALITIES))
    for level, inner in lower.items():
        outer = found.study if own is Level.STUDY else found.below
        outer.add(_LOWER[own, level].format(inner), *inner.parameters)
    return found


def order_by(query: Query) -> str:
    """A total order. Scoped to one study or series it is that of the examination, else the latest first."""
    named = [_ordered(order, query.level) for order in query.order]
    given = [part for part in named if part]
    if given:
        return ", ".join([*given, _IDENTITY[query.level]])
    if query.level is Level.PATIENT:
        return "p.id"
    if query.level is Level.STUDY:
        return "st.study_date desc, st.study_time desc, st.id desc"
    scoped = _is_scoped(query, Level.STUDY) or _is_scoped(query, Level.SERIES)
    if query.level is Level.SERIES:
        return "se.number nulls last, se.id" if scoped else "se.id desc"
    if _is_scoped(query, Level.SERIES):
        return "i.number nulls last, i.id"
    return "se.number nulls last, se.id, i.number nulls last, i.id" if scoped else "i.id desc"


def _is_scoped(query: Query, level: Level) -> bool:
    condition = query.condition(level.unique_key)
    return condition is not None and condition.matching is Matching.VALUE and len(condition.values) == 1


def _ordered(order: Order, level: Level) -> str:
    key = keys().get(order.tag)
    if key is None or key.kind not in (Kind.TEXT, Kind.NUMBER, Kind.NAME) or key.level.depth > max(level.depth, 1):
        return ""
    column = patient_column(key) if level is Level.PATIENT else key.folded or key.sql
    return column + (" desc nulls last" if order.descending else "") if column else ""


_PATIENT_COLUMNS: Final = {
    "PatientName": "p.name", "PatientID": "p.patient_id", "IssuerOfPatientID": "p.issuer", "PatientBirthDate": "p.birth_date",
    "PatientSex": "p.sex",
}  # fmt: skip


def patient_column(key: Key) -> str:
    """Where the patient's own description stands; "" for what only studies know."""
    return _PATIENT_COLUMNS.get(key.keyword, "")


# -- one condition ---------------------------------------------------------------------------------------------


def _add(where: Where, key: Key, condition: Condition) -> bool:
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
        where.modalities = condition.values
    where.is_bare = where.is_bare or len(where.covers) == covers
    return is_exact


COVERED: Final = ("st.study_date", "st.patient_id", "st.accession_number")
"""Columns that stand in sort indexes: the date in all of them."""


def _cover_range(where: Where, column: str, parts: list[str], parameters: list[Any]) -> None:
    """One value as a range: a column that is known to be constant has no order, and no index would be found for it."""
    if parts == [f"{column} = %s"]:
        parts, parameters = [f"{column} between %s and %s"], parameters * 2
    where.cover(column, " and ".join(parts), *parameters)


def cover_words(where: Where, runs: Iterable[str]) -> None:
    """Runs of folded letters that search_text has; one that was cut may have anything."""
    patterns = ["%" + like_pattern(run) + "%" for run in dict.fromkeys(runs) if run.strip(" ")]
    if patterns:
        tests = " and ".join(["st.search_text like %s"] * len(patterns))
        where.cover("", f"(({tests}) or st.search_text >= %s)", *patterns, CUT)


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
            _range(where, column, condition)
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


def like_pattern(pattern: str) -> str:
    """LIKE with its own wildcards taken literally (trap 31)."""
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


def _any(where: Where, alternatives: Iterable[tuple[str, list[Any]]]) -> None:
    pairs = list(alternatives)
    where.add("(" + " or ".join(sql for sql, _ in pairs) + ")", *[value for _, given in pairs for value in given])


def _range(where: Where, column: str, condition: Condition) -> None:
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
    _any(where, [_name_pattern(key, value) for value in condition.values])
    return False


def _name_pattern(key: Key, value: str) -> tuple[str, list[Any]]:
    pieces = value.replace("=", "*").replace("?", "*").split("*")
    loose = (
        f"(position('=' in {key.sql}) > 0 and {key.folded} like %s)",
        like_pattern(f"*{'*'.join(map(names.fold, pieces))}*"),
    )
    plain = value.rstrip("= ^")
    if "=" in plain:
        return loose[0], [loose[1]]
    if has_wildcard(plain):
        return f"({key.folded} like %s or {loose[0]})", [like_pattern(name_like(plain)), loose[1]]
    return f"({key.folded} = %s or {loose[0]})", [name_like(plain), loose[1]]


def _fuzzy(column: str, text: str) -> tuple[str, list[Any]]:
    words = fuzzy_words(text)
    if not words:
        return "true", []
    return (
        "(" + " and ".join(f"(' ' || {column}) like %s" for _ in words) + ")",
        [like_pattern(f"* {word}*") for word in words],
    )


# -- date and time as one --------------------------------------------------------------------------------------


def _combined(query: Query, found: Filter) -> set[int]:
    """Combined datetime matching (C.2.2.2.5.4); the tags that it has dealt with."""
    done: set[int] = set()
    for date_tag, time_tag in _PAIRS:
        date, time = query.condition(date_tag), query.condition(time_tag)
        if date is None or time is None or date.matching is not Matching.RANGE or time.matching is not Matching.RANGE:
            continue
        date_key, time_key = keys()[date_tag], keys()[time_tag]
        if date_key.level.depth > max(query.level.depth, Level.STUDY.depth):
            continue
        where = found.study if date_key.level is Level.STUDY else found.below
        _range(where, date_key.sql, date)
        pair = f"({date_key.sql}, replace({time_key.sql}, ':', ''))"
        if date.values[0]:
            where.add(f"{pair} >= (%s, %s)", date.values[0], earliest_time(time.values[0]) if time.values[0] else "")
        if date.values[1]:
            where.add(f"{pair} <= (%s, %s)", date.values[1], latest_time(time.values[1]))
        done |= {date_tag, time_tag}
    return done
