"""Searching the index by DICOM's matching rules (PS3.4 C.4.1, PS3.18 10.6): one function for C-FIND and QIDO-RS."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from heliograph.engine.blobs import Blobs
from heliograph.engine.db import Tx
from heliograph.features.access import Actor
from heliograph.features.archive.search._header import HeaderValues
from heliograph.features.archive.search._keys import OF_THE_DOOR, Key, Kind, keys, returned
from heliograph.features.archive.search._plan import Plan, below_candidates, plan_of, several_groups, uncounted
from heliograph.features.archive.search._rows import chosen_rows
from heliograph.features.archive.search._sql import compile_filter
from heliograph.features.archive.search._way import FEW, Course, Way, estimate, planning
from heliograph.standards.dicom import tags
from heliograph.standards.dicom.matching import matches
from heliograph.standards.dicom.query import Level, Query

COUNT_LIMIT: Final = 10_000

Elements = dict[int, tuple[str, tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Match:
    """One entity that satisfies the query: the attributes that were asked for, zero-length when unknown, and its place."""

    level: Level
    elements: Elements
    patient_id: int | None = None
    study_id: int | None = None
    series_id: int | None = None
    instance_id: int | None = None
    study_uid: str = ""
    series_uid: str = ""
    sop_uid: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How many entities match; an estimate beyond 10,000."""

    number: int
    is_exact: bool


def search(tx: Tx, actor: Actor, query: Query, *, blobs: Blobs | None = None) -> Iterator[Match]:
    """Entities that match and that the actor may see, in a total order.

    With `blobs`, attributes that the index does not hold are read from the headers of the instances (image level).
    """
    plan = plan_of(query, actor)
    yield from _found(tx, plan, plan.course(tx), blobs)


def search_and_count(
    tx: Tx, actor: Actor, query: Query, *, limit: int, blobs: Blobs | None = None
) -> tuple[list[Match], Count]:
    """At most `limit` matches of a page, and how many there are without paging."""
    plan = plan_of(query, actor)
    course = plan.course(tx)
    paged = replace(plan, query=replace(query, limit=limit))
    matches = list(_found(tx, paged, course, blobs))
    if len(matches) < limit and (matches or not query.offset):
        return matches, Count(query.offset + len(matches), True)
    return matches, _counted(tx, plan, course)


def _found(tx: Tx, plan: Plan, course: Course, blobs: Blobs | None) -> Iterator[Match]:
    query = plan.query
    if course.guess == 0:
        return
    reader = HeaderValues(blobs, plan.header_tags) if blobs is not None and plan.header_tags else None
    stop = None if query.limit is None else query.offset + query.limit
    rows, is_page = chosen_rows(tx, plan, course, stop)
    if plan.is_exact and not is_page:
        rows = itertools.islice(rows, query.offset, stop)
    found = (match for row in rows if (match := _match(plan, row, reader)) is not None)
    yield from found if plan.is_exact else itertools.islice(found, query.offset, stop)


def count(tx: Tx, actor: Actor, query: Query) -> Count:
    """The number of matches without paging."""
    plan = plan_of(query, actor)
    return _counted(tx, plan, plan.course(tx))


def _counted(tx: Tx, plan: Plan, course: Course) -> Count:
    query = plan.query
    if course.guess == 0:
        return Count(0, True)
    if course.last is not None:
        number, is_sure = course.count(tx)
        if number > FEW:
            return Count(number, is_sure and query.level is Level.STUDY)
        course = replace(course.whole(tx), is_sure=is_sure)
    source, parameters = uncounted(plan, course)
    if course.way is not Way.FEW:
        with planning(tx):
            guess = estimate(tx, source, parameters)
        if query.level is Level.STUDY and course.guess is not None:
            guess = course.guess
        if plan.filter.study.grams or plan.filter.study.is_unsure or guess > 2 * COUNT_LIMIT:
            return Count(max(guess, FEW + 1), False)
    several = several_groups(("p.name",) if query.level is Level.PATIENT and plan.filter.names else plan.filter.names)
    if course.is_sure and query.level is not Level.PATIENT:
        source, parameters, several = *below_candidates(plan, course), "false"
    row = tx.execute(
        f"select count(*), coalesce(bool_or(several), false) from (select {several} as several from {source} limit %s) as found",
        [*parameters, COUNT_LIMIT + 1],
    ).fetchone()
    assert row is not None
    if row[0] <= COUNT_LIMIT:
        return Count(row[0], plan.filter.is_exact and not row[1])
    return Count(max(estimate(tx, source, parameters), COUNT_LIMIT + 1), False)


def reads_headers(query: Query) -> bool:
    """Whether the query asks for attributes that only the objects themselves know, which costs a read for each match."""
    asked = [*query.return_keys, *(condition.tag for condition in query.conditions)]
    return query.level is Level.IMAGE and any(tag not in keys() and tag not in OF_THE_DOOR for tag in asked)


def unsupported(query: Query, actor: Actor) -> tuple[int, ...]:
    """Tags of conditions that this level cannot match; a door must say so instead of answering with too much."""
    return tuple(compile_filter(query, actor).unsupported)


# -- rows to matches -------------------------------------------------------------------------------------------


def _match(plan: Plan, row: tuple[Any, ...], reader: "HeaderValues | None") -> Match | None:
    query = plan.query
    elements: Elements = {}
    for tag, column in plan.columns.items():
        elements[tag] = (tags.vr_of(tag), _values(keys()[tag], row[column]))
    for condition in plan.filter.recheck:
        stored = elements[condition.tag][1]
        # A patient's own name may differ from the one of the study that matched; it decides only where SQL could not.
        if query.level is Level.PATIENT and not any("=" in str(value) for value in stored):
            continue
        if not matches(condition, stored):
            return None
    if plan.header_tags:
        from_header = reader.read(*row[7:11]) if reader is not None else {}
        for condition in plan.filter.from_header:
            if not matches(condition, from_header[condition.tag][1] if condition.tag in from_header else ()):
                return None
        elements |= from_header
    return _placed(query.level, _asked(query, elements), row)


def _asked(query: Query, elements: Elements) -> Elements:
    """The attributes of the request in the order of their tags, those that are unknown zero-length (trap 35)."""
    wanted = dict.fromkeys(query.return_keys)
    if query.everything:
        wanted.update(dict.fromkeys(returned(query.level, everything=True)))
    found: Elements = {}
    for tag in sorted(wanted):
        key = keys().get(tag)
        if key is not None and key.kind is Kind.FIXED:
            found[tag] = (key.vr, (key.sql,))
            continue
        vr, values = elements.get(tag, (tags.vr_of(tag), ()))
        found[tag] = (vr, _items(query, tag, values) if vr == "SQ" else values)
    return found


def _items(query: Query, tag: int, items: tuple[Any, ...]) -> tuple[Any, ...]:
    """The items that satisfy the condition, with the attributes that were asked inside (trap 38)."""
    condition = query.condition(tag)
    if condition is not None:
        items = tuple(item for item in items if matches(condition, (item,)))
    inner = query.items.get(tag)
    if not inner:
        return items
    return tuple({one: item.get(one, (tags.vr_of(one), ())) for one in inner} for item in items)


def _placed(level: Level, elements: Elements, row: tuple[Any, ...]) -> Match:
    match level:
        case Level.PATIENT:
            return Match(level, elements, row[0])
        case Level.STUDY:
            return Match(level, elements, row[0], row[1], study_uid=row[2])
        case Level.SERIES:
            return Match(level, elements, row[0], row[1], row[3], None, row[2], row[4])
    return Match(level, elements, row[0], row[1], row[3], row[5], row[2], row[4], row[6])


def _values(key: Key, stored: Any) -> tuple[Any, ...]:
    if stored is None or stored == "":
        return ()
    if key.kind is Kind.LIST:
        return tuple(sorted(stored))
    if key.kind is Kind.JSON:
        return _from_json(stored)
    if key.kind in (Kind.NUMBER, Kind.COUNT):
        return (int(stored),)
    return (stored,)


def _from_json(stored: Any) -> tuple[Any, ...]:
    """Texts, or items that are mappings from keyword to values."""
    if not isinstance(stored, list):
        return ()
    return tuple(_item(value) if isinstance(value, dict) else value for value in stored)


def _item(stored: dict[str, Any]) -> dict[int, tuple[str, tuple[Any, ...]]]:
    found = {}
    for keyword, value in stored.items():
        tag = tags.find_tag(keyword)
        if tag is not None:
            found[tag] = (tags.vr_of(tag), _from_json(value))
    return found
