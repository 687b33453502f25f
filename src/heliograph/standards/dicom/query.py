"""A search as the standard means it, free of the door it came by: from a C-FIND identifier (PS3.4 C.4.1) or QIDO-RS parameters (PS3.18 8.3.4).

What a peer got slightly wrong is read as it was meant (traps 30-36) and noted in `problems`; a filter is never dropped silently, because a
dropped filter answers with everything.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import tags, uids, values
from heliograph.standards.dicom.matching import (
    NO_WILDCARDS,
    Condition,
    Matching,
    checked_pattern,
    has_wildcard,
    plain_date,
)

MOST_VALUES: Final = 20_000
MOST_PATTERNS: Final = 256  # each is a condition of its own, where values are one
MOST_PARAMETERS: Final = 256
_MOST_TEXT: Final = 1024
_MOST_DEPTH: Final = 4
_COMMA_VRS: Final = frozenset({"AE", "CS", "DS", "IS", "UI", *values.NUMBER_VRS})
_DATE: Final = re.compile(r"^\d{8}$")
_TIME: Final = re.compile(r"^\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?$")
_DATE_TIME_RANGE: Final = re.compile(r"^(\d{4}[\d.]*(?:[+-]\d{4}(?!\d))?)?-(\d{4}[\d.]*(?:[+-]\d{4})?)?$")
_OPTIONS: Final = frozenset({
    "includefield", "limit", "offset", "fuzzymatching", "emptyvaluematching", "multiplevaluematching", "orderby", "accept", "charset",
})  # fmt: skip

_LEVEL: Final = tags.tag_of("QueryRetrieveLevel")
_NOT_KEYS: Final = frozenset(
    tags.tag_of(word)
    for word in ("QueryRetrieveLevel", "SpecificCharacterSet", "TimezoneOffsetFromUTC", "QueryRetrieveView")
)


class Level(StrEnum):
    """The four levels of the Query/Retrieve information models, topmost first."""

    PATIENT = "PATIENT"
    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"

    @property
    def depth(self) -> int:
        return _DEPTHS[self]

    @property
    def unique_key(self) -> int:
        return UNIQUE_KEYS[self]


_DEPTHS: Final = {level: depth for depth, level in enumerate(Level)}
UNIQUE_KEYS: Final = {
    Level.PATIENT: tags.tag_of("PatientID"),
    Level.STUDY: tags.tag_of("StudyInstanceUID"),
    Level.SERIES: tags.tag_of("SeriesInstanceUID"),
    Level.IMAGE: tags.tag_of("SOPInstanceUID"),
}
_SPELLINGS: Final = {
    "PATIENT": Level.PATIENT, "PATIENTS": Level.PATIENT, "STUDY": Level.STUDY, "STUDIES": Level.STUDY, "SERIES": Level.SERIES,
    "IMAGE": Level.IMAGE, "IMAGES": Level.IMAGE, "INSTANCE": Level.IMAGE, "INSTANCES": Level.IMAGE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key."""

    tag: int
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for at one level and what shall be told about it.

    return_keys: tags in the order of the request, those of conditions included; items: for a sequence among them the tags asked inside.
    everything: also whatever else the archive knows (includefield=all). combined_datetime: date and time ranges are one range.
    """

    level: Level
    conditions: tuple[Condition, ...] = ()
    return_keys: tuple[int, ...] = ()
    items: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    everything: bool = False
    limit: int | None = None
    offset: int = 0
    order: tuple[Order, ...] = ()
    combined_datetime: bool = False
    problems: tuple[str, ...] = ()

    def condition(self, tag: int) -> Condition | None:
        """The condition on this attribute."""
        return next((condition for condition in self.conditions if condition.tag == tag), None)


def level_of(text: str) -> Level | None:
    """The level that a peer spelt somehow (trap 36)."""
    return _SPELLINGS.get(text.strip(" \0").upper())


# -- C-FIND ----------------------------------------------------------------------------------------------------


def from_identifier(
    identifier: Mapping[int, tuple[str, Any]],
    *,
    patient_root: bool,
    fuzzy: bool = False,
    combined_datetime: bool = False,
) -> Query:
    """The query of a decoded C-FIND identifier, tag -> (VR, values or items); raises Invalid when no level can be told."""
    reader = _Reader(fuzzy=fuzzy)
    level = _identifier_level(identifier, patient_root, reader)
    conditions, keys, items = [], [], {}
    for tag, (_, content) in identifier.items():
        if tag in _NOT_KEYS or _is_not_asked(tag):
            continue
        keys.append(tag)
        if tags.vr_of(tag) == "SQ":
            items[tag] = _item_tags(content)
        condition = reader.from_values(tag, content)
        if condition is not None:
            conditions.append(condition)
    return Query(
        level,
        tuple(conditions),
        tuple(keys),
        items,
        combined_datetime=combined_datetime,
        problems=tuple(reader.problems),
    )


def _identifier_level(identifier: Mapping[int, tuple[str, Any]], patient_root: bool, reader: "_Reader") -> Level:
    written = [str(value) for value in identifier.get(_LEVEL, ("CS", ()))[1] if str(value).strip(" \0")]
    if written:
        level = level_of(written[0])
        if level is None:
            raise Invalid(
                "Query/Retrieve Level must be PATIENT, STUDY, SERIES or IMAGE (PS3.4 C.4.1.1)", code="bad_level"
            )
        return level
    reader.note("Query/Retrieve Level is missing")
    for level in (Level.IMAGE, Level.SERIES, Level.STUDY):
        if level.unique_key in identifier:
            return level
    return Level.PATIENT if patient_root else Level.STUDY


def _is_not_asked(tag: int) -> bool:
    """Group lengths, command and file meta elements, and what stands below group 0008 are no keys (trap 34)."""
    return tag & 0xFFFF == 0 or tag < 0x00080001


def _item_tags(content: Any) -> tuple[int, ...]:
    items = [item for item in content if isinstance(item, Mapping)] if isinstance(content, list | tuple) else []
    return tuple(tag for tag in items[0] if not _is_not_asked(tag)) if items else ()


# -- QIDO-RS ---------------------------------------------------------------------------------------------------


def from_parameters(
    level: Level, parameters: Sequence[tuple[str, str]], *, within: Mapping[Level, str] | None = None
) -> Query:
    """The query of a QIDO-RS request. `within`: the UIDs that the path names. Raises Invalid that names the parameter (PS3.18 8.3.4)."""
    if len(parameters) > MOST_PARAMETERS:
        raise Invalid(f"more than {MOST_PARAMETERS} query parameters", code="too_many_parameters")
    options = {name.lower(): value for name, value in parameters if name.lower() in _OPTIONS}
    reader = _Reader(fuzzy=_flag(options, "fuzzymatching"), empty=_flag(options, "emptyvaluematching"), strict=True)
    given: dict[tuple[int, ...], list[str]] = {}
    for name, value in parameters:
        if name.lower() not in _OPTIONS:
            given.setdefault(_path(name), []).append(value)
    for scope, uid in (within or {}).items():
        given[(scope.unique_key,)] = [uid]
    conditions = _from_paths(reader, given)
    keys, everything, items = _fields(parameters)
    asked = [condition.tag for condition in conditions]
    return Query(
        level,
        tuple(conditions),
        tuple(dict.fromkeys(asked + keys)),
        items,
        everything=everything,
        limit=_count(options, "limit"),
        offset=_count(options, "offset") or 0,
        order=_order(options.get("orderby", "")),
        problems=tuple(reader.problems),
    )


def _path(name: str) -> tuple[int, ...]:
    """The tags of an attribute path such as 00400275.00400009, in either spelling."""
    parts = name.split(".")
    found = [tags.find_tag(part.removeprefix("group")) for part in parts]
    if None in found or len(parts) > _MOST_DEPTH:
        raise Invalid("a query parameter is neither an option nor an attribute of PS3.6", code="unknown_attribute")
    path = tuple(tag for tag in found if tag is not None)
    if any(tags.vr_of(tag) != "SQ" for tag in path[:-1]):
        raise Invalid("an attribute path goes through something that is no sequence", code="unknown_attribute")
    return path


def _from_paths(reader: "_Reader", given: Mapping[tuple[int, ...], list[str]]) -> list[Condition]:
    found: list[Condition] = []
    inner: dict[int, dict[tuple[int, ...], list[str]]] = {}
    for path, texts in given.items():
        if len(path) > 1:
            inner.setdefault(path[0], {})[path[1:]] = texts
            continue
        condition = reader.from_texts(path[0], texts)
        if condition is not None:
            found.append(condition)
    for tag, paths in inner.items():
        items = tuple(_from_paths(reader, paths))
        if items:
            found.append(Condition(tag, "SQ", Matching.SEQUENCE, (), items))
    return found


def _fields(parameters: Sequence[tuple[str, str]]) -> tuple[list[int], bool, dict[int, tuple[int, ...]]]:
    """includefield: tags, keywords, paths, `all`; the last part of a path below a sequence asks for that item attribute."""
    keys: list[int] = []
    everything = False
    items: dict[int, tuple[int, ...]] = {}
    for name, value in parameters:
        if name.lower() != "includefield":
            continue
        for word in filter(None, (part.strip() for part in value.split(","))):
            if word.lower() == "all":
                everything = True
                continue
            path = _path(word)
            keys.append(path[0])
            if len(path) > 1:
                items[path[0]] = (*items.get(path[0], ()), path[1])
    if len(keys) > 4 * MOST_PARAMETERS:
        raise Invalid("includefield names too many attributes", code="too_many_parameters")
    return keys, everything, items


def _order(text: str) -> tuple[Order, ...]:
    """orderby=-StudyDate,PatientName, as some archives understand it."""
    found = []
    for word in filter(None, (part.strip() for part in text.split(",")[:8])):
        path = _path(word.lstrip("+-"))
        found.append(Order(path[0], word.startswith("-")))
    return tuple(found)


def _flag(options: Mapping[str, str], name: str) -> bool:
    value = options.get(name, "false").strip().lower()
    if value not in ("true", "false", ""):
        raise Invalid(f"{name} must be true or false", code="bad_parameter")
    return value == "true"


def _count(options: Mapping[str, str], name: str) -> int | None:
    value = options.get(name, "").strip()
    if not value:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise Invalid(f"{name} must be a number from 0", code="bad_parameter")
    return int(value)


# -- values to conditions --------------------------------------------------------------------------------------


class _Reader:
    """Turns values into conditions and notes what was odd. `strict` raises where QIDO-RS wants a 400."""

    def __init__(self, *, fuzzy: bool = False, empty: bool = False, strict: bool = False) -> None:
        self._fuzzy = fuzzy
        self._empty = empty
        self._strict = strict
        self.problems: list[str] = []

    def note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def from_values(self, tag: int, content: Any) -> Condition | None:
        """The condition of one element of an identifier; None for universal matching."""
        if not isinstance(content, list | tuple):
            return None
        if tags.vr_of(tag) == "SQ":
            return self._sequence(tag, content)
        return self._condition(tag, [str(value).strip(" \0") for value in content if not isinstance(value, Mapping)])

    def from_texts(self, tag: int, texts: list[str]) -> Condition | None:
        """The condition of one QIDO-RS parameter, given once or several times."""
        vr = tags.vr_of(tag)
        if vr == "SQ":
            raise Invalid(f"{_called(tag)} is a sequence: name an attribute of its items", code="bad_parameter")
        if self._empty and any(text == '""' for text in texts):
            return Condition(tag, vr, Matching.EMPTY)
        pieces: list[str] = []
        for text in texts:
            separators = r"[\\,]" if vr in _COMMA_VRS else r"\\"
            split = [text] if vr in values.ONE_VALUE_VRS else re.split(separators, text)
            pieces += [piece.strip(" \0") for piece in split]
        if any(text.strip() for text in texts) and not any(pieces):
            self._odd(tag, "only separators in the value of")
        return self._condition(tag, pieces)

    def _sequence(self, tag: int, items: Sequence[Any]) -> Condition | None:
        if not items or not isinstance(items[0], Mapping):
            return None
        inner = [self.from_values(key, content) for key, (_, content) in items[0].items() if not _is_not_asked(key)]
        found = tuple(condition for condition in inner if condition is not None)
        return Condition(tag, "SQ", Matching.SEQUENCE, (), found) if found else None

    def _condition(self, tag: int, texts: Iterable[str]) -> Condition | None:
        vr = tags.vr_of(tag)
        wanted = list(dict.fromkeys(text for text in texts if text))
        if len(wanted) > MOST_VALUES:
            raise Invalid(f"{_called(tag)} has more than {MOST_VALUES} values", code="too_many_values")
        if not wanted or any(text.strip("*") == "" for text in wanted):
            return None  # universal matching, by an empty value or by `*` alone (C.2.2.2.3)
        if any(len(text) > _MOST_TEXT for text in wanted):
            raise Invalid(f"a value of {_called(tag)} is longer than {_MOST_TEXT} characters", code="value_too_long")
        if vr in ("DA", "TM", "DT"):
            return self._moment(tag, vr, wanted)
        if vr == "PN":
            kind = Matching.FUZZY_NAME if self._fuzzy else Matching.NAME
            return Condition(tag, vr, kind, self._patterns(tag, wanted))
        if any(has_wildcard(text) for text in wanted):
            if vr not in NO_WILDCARDS:
                return Condition(tag, vr, Matching.WILDCARD, self._patterns(tag, wanted))
            self._odd(tag, "wildcards do not apply to")
        if vr in ("IS", "DS", *values.NUMBER_VRS) and any(values.number_of(text) is None for text in wanted):
            self._odd(tag, "not a number:")
        if vr == "UI" and not all(uids.is_valid_uid(text) for text in wanted):
            self.note(f"not a UID: {_called(tag)}")
        return Condition(tag, vr, Matching.VALUE, tuple(wanted))

    def _patterns(self, tag: int, wanted: list[str]) -> tuple[str, ...]:
        if len(wanted) > MOST_PATTERNS:
            raise Invalid(f"{_called(tag)} has more than {MOST_PATTERNS} names or patterns", code="too_many_values")
        return tuple(checked_pattern(_called(tag), text) for text in wanted)

    def _moment(self, tag: int, vr: str, wanted: list[str]) -> Condition:
        """Dates and times: a range, or alternatives; what is neither stays a literal, which matches nothing (trap 33)."""
        if len(wanted) == 1:
            ends = _range_of(vr, wanted[0])
            if ends is not None:
                return Condition(tag, vr, Matching.RANGE, ends)
        plain = [_normal(vr, text) for text in wanted]
        if vr == "DA":
            if not all(_DATE.match(text) for text in plain):
                self._odd(tag, "not a date:")
            return Condition(tag, vr, Matching.VALUE, tuple(plain))
        if vr == "TM" and not _TIME.match(plain[0]):
            self._odd(tag, "not a time:")
        # A time of less precision names a span: 1030 is 10:30:00 to 10:30:59.999999.
        return Condition(tag, vr, Matching.RANGE, (plain[0], plain[0]))

    def _odd(self, tag: int, what: str) -> None:
        if self._strict:
            raise Invalid(f"{what} {_called(tag)}", code="bad_match_value")
        self.note(f"{what} {_called(tag)}")


def _normal(vr: str, text: str) -> str:
    if vr == "DA":
        return plain_date(text)
    return text.replace(":", "") if vr == "TM" else text


def _range_of(vr: str, text: str) -> tuple[str, str] | None:
    """The ends of a range; None when the text is no range."""
    if vr == "DT":
        found = _DATE_TIME_RANGE.match(text.replace(" ", ""))
        return (found.group(1) or "", found.group(2) or "") if found and (found.group(1) or found.group(2)) else None
    low, dash, high = text.partition("-")
    if not dash:
        return None
    ends = _normal(vr, low.strip()), _normal(vr, high.strip())
    form = _DATE if vr == "DA" else _TIME
    if not any(ends) or not all(not end or form.match(end) for end in ends):
        return None
    return ends


def _called(tag: int) -> str:
    return tags.keyword_of(tag) or tags.text_of(tag)
