"""Attribute matching of PS3.4 C.2.2.2 as pure functions: the meaning that every search, in whatever store, has to agree with."""

import calendar
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import names, values

Values = Sequence[Any]
"""Values of one attribute: texts, numbers, or the items of a sequence, which map a tag to (VR, values)."""

LAST_MOMENT: Final = "235959.999999"
MOST_WILDCARDS: Final = 32
NO_WILDCARDS: Final = frozenset({"AS", "AT", "DA", "DS", "DT", "IS", "TM", "UI", *values.NUMBER_VRS})
NUMERIC: Final = frozenset({"DS", "IS", *values.NUMBER_VRS})
_SEPARATORS: Final = " \t\n\r\f\v^=,\\\0"
_MOMENT: Final = re.compile(r"^(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:\.(\d{1,6}))?([+-]\d{4})?$")


class Matching(StrEnum):
    """The kinds of C.2.2.2; `VALUE` is single value and list matching, `EMPTY` asks for attributes without a value."""

    VALUE = "value"
    WILDCARD = "wildcard"
    RANGE = "range"
    NAME = "name"
    FUZZY_NAME = "fuzzy name"
    SEQUENCE = "sequence"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Condition:
    """What one attribute must satisfy. `values` are alternatives; of a range they are its two ends, "" for an open one."""

    tag: int
    vr: str
    matching: Matching
    values: tuple[str, ...] = ()
    items: tuple["Condition", ...] = ()


def matches(condition: Condition, stored: Values) -> bool:
    """Whether the stored values satisfy the condition; of several values one is enough."""
    match condition.matching:
        case Matching.EMPTY:
            return all(value in ("", None) for value in stored)
        case Matching.SEQUENCE:
            return any(matches_item(condition.items, item) for item in stored if isinstance(item, Mapping))
    return any(_one(condition, value) for value in stored if value not in ("", None))


def matches_item(conditions: Iterable[Condition], item: Mapping[int, tuple[str, Values]]) -> bool:
    """Whether one item satisfies all its conditions (C.2.2.2.6)."""
    return all(matches(condition, item[condition.tag][1] if condition.tag in item else ()) for condition in conditions)


def _one(condition: Condition, stored: Any) -> bool:
    if isinstance(stored, Mapping):
        return False
    wanted = condition.values
    match condition.matching:
        case Matching.RANGE:
            return in_range(condition.vr, wanted[0], wanted[1], str(stored))
        case Matching.WILDCARD:
            return any(like(pattern, str(stored)) for pattern in wanted)
        case Matching.NAME:
            return any(name_matches(pattern, str(stored)) for pattern in wanted)
        case Matching.FUZZY_NAME:
            return any(fuzzy_name_matches(text, str(stored)) for text in wanted)
    if condition.vr in NUMERIC:
        number = values.number_of(str(stored))
        return number is not None and any(values.number_of(value) == number for value in wanted)
    return str(stored).strip(" \0") in wanted


# -- wildcards -------------------------------------------------------------------------------------------------


def has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


def collapsed(pattern: str) -> str:
    """The same pattern with runs of `*` made one (`*?*` too), which bounds the work of every matcher."""
    pattern = re.sub(r"\*[*]+", "*", pattern)
    return re.sub(r"[*?]*\*[*?]*", lambda run: "?" * run.group().count("?") + "*", pattern)


def checked_pattern(name: str, pattern: str) -> str:
    """The pattern, collapsed; raises Invalid naming `name` when it has more wildcards than any search needs (P13)."""
    pattern = collapsed(pattern)
    if pattern.count("*") + pattern.count("?") > MOST_WILDCARDS:
        raise Invalid(f"{name} has more than {MOST_WILDCARDS} wildcards", code="too_many_wildcards")
    return pattern


def like(pattern: str, text: str) -> bool:
    """`*` any run, `?` any one character, all else literal (C.2.2.2.4). Linear in the text for each `*`."""
    p = t = 0
    star, mark = -1, 0
    while t < len(text):
        if p < len(pattern) and pattern[p] == "*":
            star, mark = p, t
            p += 1
        elif p < len(pattern) and pattern[p] in ("?", text[t]):
            p += 1
            t += 1
        elif star >= 0:
            mark += 1
            p, t = star + 1, mark
        else:
            return False
    return all(char == "*" for char in pattern[p:])


# -- names -----------------------------------------------------------------------------------------------------


def name_like(pattern: str) -> str:
    """The pattern over a folded name that `names.matches` means, for a name of one component group."""
    pieces = [_folded_piece(piece) for piece in collapsed(pattern.strip(" ").rstrip("^= ")).split("*")]
    pieces[0] = pieces[0].lstrip(" ")
    pieces[-1] = pieces[-1].rstrip(" ")
    return "*".join(pieces)


def _folded_piece(piece: str) -> str:
    """Folds a piece between stars; a separator at its end stays as a blank."""
    folded = names.fold(piece)
    if not folded:
        return " " if piece else ""
    return (" " if piece[0] in _SEPARATORS else "") + folded + (" " if piece[-1] in _SEPARATORS else "")


def name_matches(pattern: str, stored: str) -> bool:
    """PN matching (trap 32). A pattern without `=` may match any component group; with `=` every group that it fills its counterpart."""
    pattern = pattern.rstrip("= ^")
    if "=" not in pattern:
        return names.matches(pattern, stored)
    groups = names.groups(stored)
    return all(names.matches(part, group) for part, group in zip(names.groups(pattern), groups, strict=True) if part)


def fuzzy_name_matches(text: str, stored: str) -> bool:
    """Every word of the text begins a word of the name, in any order."""
    known = names.fold(stored).split(" ")
    return all(any(word.startswith(part) for word in known) for part in fuzzy_words(text))


@lru_cache(maxsize=1024)
def fuzzy_words(text: str) -> tuple[str, ...]:
    """The folded words of a fuzzy pattern."""
    return tuple(word for word in names.fold(text.replace("*", " ").replace("?", " ")).split(" ") if word)


# -- ranges ----------------------------------------------------------------------------------------------------


def in_range(vr: str, low: str, high: str, stored: str) -> bool:
    """Range matching of DA, TM and DT (C.2.2.2.5); a time range whose end is earlier goes over midnight."""
    if vr == "TM":
        time = plain_time(stored)
        if not time:
            return False
        first, last = earliest_time(low), latest_time(high)
        if low and high and first > last:
            return time >= first or time <= last
        return first <= time <= last
    if vr == "DT":
        return _moment_in_range(low, high, stored)
    date = plain_date(stored)
    return bool(date) and (not low or date >= low) and (not high or date <= high)


def plain_date(text: str) -> str:
    """YYYYMMDD; the form of ACR-NEMA with points is understood (PS3.5 6.2)."""
    text = text.strip(" \0")
    if len(text) == 10 and text[4] == text[7] and text[4] in ".-/":
        return text[:4] + text[5:7] + text[8:]
    return text


def plain_time(text: str) -> str:
    """HHMMSS.FFFFFF without the colons of ACR-NEMA."""
    return text.strip(" \0").replace(":", "")


def earliest_time(text: str) -> str:
    """A bound that a time of less precision still reaches: 1000 -> 10, because a stored 10 means 10:00."""
    text = plain_time(text)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    while len(text) > 2 and len(text) % 2 == 0 and text.endswith("00"):
        text = text[:-2]
    return text


def latest_time(text: str) -> str:
    """The last moment that a time names: 1030 -> 103059.999999; the end of the day for an open end."""
    text = plain_time(text)
    if len(text) <= 6:
        return text + LAST_MOMENT[len(text) :]
    return text + "999999"[: 13 - len(text)]


def _moment_in_range(low: str, high: str, stored: str) -> bool:
    moment = moment_of(stored)
    first = moment_of(low) if low else moment
    last = moment_of(high, end=True) if high else moment
    return moment is not None and first is not None and last is not None and first <= moment <= last


def moment_of(text: str, *, end: bool = False) -> datetime | None:
    """The instant of a DT, in UTC when it names an offset; what it leaves out is the first moment, or the last one."""
    found = _MOMENT.match(text.strip(" \0"))
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        month_number = int(month or (12 if end else 1))
        last_day = calendar.monthrange(int(year), month_number)[1] if end and not day else 1
        moment = datetime(
            int(year), month_number, int(day or last_day), int(hour or (23 if end else 0)), int(minute or (59 if end else 0)),
            min(int(second or (59 if end else 0)), 59), int((fraction or "").ljust(6, "9" if end else "0")), tzinfo=UTC,
        )  # fmt: skip
        if offset:
            ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
            moment += -ahead if offset[0] == "+" else ahead
    except (ValueError, OverflowError, calendar.IllegalMonthError):
        return None
    return moment
