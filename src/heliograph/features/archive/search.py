"""Searching the index by DICOM's matching rules (PS3.4 C.4.1, PS3.18 10.6): one function for C-FIND and QIDO-RS."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from heliograph.engine.blobs import Blobs
from heliograph.engine.db import Tx
from heliograph.features.access import Actor, visible
from heliograph.features.archive._search_header import HeaderValues
from heliograph.features.archive._search_keys import OF_THE_DOOR, Key, Kind, keys, reference, returned
from heliograph.features.archive._search_list import priors, series_of_study, study_by_id, study_list
from heliograph.features.archive._search_receipts import Receipt, receipts
from heliograph.features.archive._search_sql import (
    JOINS,
    ORDER_BELOW,
    Filter,
    compile_filter,
    order_by,
    patient_column,
)
from heliograph.features.archive._search_stored import StoredInstance, stored_instances
from heliograph.features.archive._search_way import FEW, Course, Way, choose, estimate, on_course, planning
from heliograph.standards.dicom import tags
from heliograph.standards.dicom.matching import matches
from heliograph.standards.dicom.query import Level, Query

__all__ = [
    "Count", "Match", "Receipt", "StoredInstance", "count", "priors", "reads_headers", "receipts", "reference", "returned", "search", "series_of_study", "stored_instances", "study_by_id", "study_list", "unsupported",
]  # fmt: skip

COUNT_LIMIT: Final = 10_000
_FIRST_BATCH: Final = 64
_BATCH: Final = 1024
_SPARE: Final = 32
_names = itertools.count()

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


@dataclass(slots=True)
class _Plan:
    """The statement of a query and how its rows are read."""

    query: Query
    filter: Filter
    select: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    columns: dict[int, int] = field(default_factory=dict)
    header_tags: tuple[int, ...] = ()

    def source(self, course: Course) -> tuple[str, list[Any], str]:
        """FROM with WHERE, its parameters, and ORDER BY."""
        level, below = self.query.level, self.filter.below
        if self.is_along(course):
            source, parameters, order = course.source(_LATEST_FIRST, joins=JOINS[level], below=below)
            return source, parameters, ", ".join([order, *ORDER_BELOW[level]])
        where, order = course.where.joined(below), order_by(self.query)
        studies, known = course.studies
        parameters = [*known, *where.parameters]
        if level is not Level.PATIENT:
            return f"{studies} {JOINS[level]} where {where}", parameters, order
        if course.way is Way.FEW:
            return (
                f"patient p where p.id = any(array(select st.patient_fk from {studies} where {where}))",
                parameters,
                order,
            )
        # OFFSET keeps the planner from making a join of it: patients are looked at in their order until there are enough.
        source = f"patient p where exists (select 1 from study st where st.patient_fk = p.id and {where} offset 0)"
        return source, parameters, order

    def is_along(self, course: Course) -> bool:
        """Whether studies are met one after another, the latest first, and what is wanted is read from each."""
        return course.way is Way.WALK and course.guess is not None and not self.query.order


_LATEST_FIRST: Final = [("st.study_date", True), ("st.study_time", True), ("st.id", True)]
_PLACE: Final = {
    Level.PATIENT: ("p.id",),
    Level.STUDY: ("st.patient_fk", "st.id", "st.study_uid"),
    Level.SERIES: ("st.patient_fk", "st.id", "st.study_uid", "se.id", "se.series_uid"),
    Level.IMAGE: (
        "st.patient_fk", "st.id", "st.study_uid", "se.id", "se.series_uid", "i.id", "i.sop_uid", "i.blob", "i.header_bytes",
        "i.size_bytes", "i.transfer_syntax_uid",
    ),
}  # fmt: skip


def search(tx: Tx, actor: Actor, query: Query, *, blobs: Blobs | None = None) -> Iterator[Match]:
    """Entities that match and that the actor may see, in a total order.

    With `blobs`, attributes that the index does not hold are read from the headers of the instances (image level).
    """
    plan = _plan(query, actor)
    reader = HeaderValues(blobs, plan.header_tags) if blobs is not None and plan.header_tags else None
    is_exact = not plan.filter.recheck and not plan.filter.from_header
    course = choose(tx, plan.filter.study, _LATEST_FIRST[0][0])
    if course.guess == 0:
        return
    source, parameters, order = plan.source(course)
    statement = f"select {', '.join(plan.select)} from {source} order by {order}"
    parameters = [*plan.parameters, *parameters]
    stop = None if query.limit is None else query.offset + query.limit
    if query.level is Level.PATIENT and plan.is_along(course):
        rows = _once(_rows(tx, plan, course, statement, parameters, few=False))
    elif is_exact:
        paged = [*parameters, query.limit, query.offset]
        rows = _rows(tx, plan, course, f"{statement} limit %s offset %s", paged, few=stop is not None)
        yield from (match for row in rows if (match := _match(plan, row, reader)) is not None)
        return
    elif stop is None or plan.filter.from_header:
        rows = _rows(tx, plan, course, statement, parameters, few=False)
    else:
        rows = _pages(tx, plan, course, statement, parameters, stop + _SPARE)
    found = (match for row in rows if (match := _match(plan, row, reader)) is not None)
    yield from itertools.islice(found, query.offset, stop)


def count(tx: Tx, actor: Actor, query: Query) -> Count:
    """The number of matches without paging."""
    plan = _plan(query, actor)
    course = choose(tx, plan.filter.study, _LATEST_FIRST[0][0])
    if course.guess == 0:
        return Count(0, True)
    source, parameters = _uncounted(plan, course)
    if course.way is not Way.FEW:
        with planning(tx):
            guess = estimate(tx, source, parameters)
        if query.level is Level.STUDY and course.guess is not None:
            guess = course.guess
        if plan.filter.study.grams or plan.filter.study.is_unsure or guess > 2 * COUNT_LIMIT:
            return Count(max(guess, FEW + 1), False)
    columns = ("p.name",) if query.level is Level.PATIENT and plan.filter.names else plan.filter.names
    several = " or ".join(f"position('=' in {column}) > 0" for column in columns) or "false"
    row = tx.execute(
        f"select count(*), coalesce(bool_or(several), false) from (select {several} as several from {source} limit %s) as found",
        [*parameters, COUNT_LIMIT + 1],
    ).fetchone()
    assert row is not None
    if row[0] <= COUNT_LIMIT:
        return Count(row[0], plan.filter.is_exact and not row[1])
    return Count(max(estimate(tx, source, parameters), COUNT_LIMIT + 1), False)


def _uncounted(plan: _Plan, course: Course) -> tuple[str, list[Any]]:
    """FROM with WHERE, without an order to keep."""
    where = course.where.joined(plan.filter.below)
    studies, known = course.studies
    parameters = [*known, *where.parameters]
    if plan.query.level is Level.PATIENT:
        return f"patient p where p.id in (select st.patient_fk from {studies} where {where})", parameters
    return f"{studies} {JOINS[plan.query.level]} where {where}", parameters


def reads_headers(query: Query) -> bool:
    """Whether the query asks for attributes that only the objects themselves know, which costs a read for each match."""
    asked = [*query.return_keys, *(condition.tag for condition in query.conditions)]
    return query.level is Level.IMAGE and any(tag not in keys() and tag not in OF_THE_DOOR for tag in asked)


def unsupported(query: Query, actor: Actor) -> tuple[int, ...]:
    """Tags of conditions that this level cannot match; a door must say so instead of answering with too much."""
    return tuple(compile_filter(query, actor).unsupported)


# -- rows to matches -------------------------------------------------------------------------------------------


def _plan(query: Query, actor: Actor) -> _Plan:
    plan = _Plan(query, compile_filter(query, actor), list(_PLACE[query.level]))
    wanted = dict.fromkeys(query.return_keys)
    if query.everything:
        wanted.update(dict.fromkeys(returned(query.level, everything=True)))
    unknown = []
    for tag in dict.fromkeys([*wanted, *(one.tag for one in plan.filter.recheck)]):
        key = keys().get(tag)
        if key is None:
            unknown += [tag] if tag not in OF_THE_DOOR else []
            continue
        sql, parameters = _expression(key, query.level, actor)
        if sql:
            plan.columns[tag] = len(plan.select)
            plan.select.append(sql)
            plan.parameters += parameters
    if query.level is Level.IMAGE:
        plan.header_tags = tuple(dict.fromkeys([*unknown, *(one.tag for one in plan.filter.from_header)]))
    return plan


def _expression(key: Key, level: Level, actor: Actor) -> tuple[str, list[Any]]:
    """The SQL of a returned value; "" for what the level does not have."""
    own = Level.STUDY if level is Level.PATIENT else level
    if key.kind is Kind.FIXED or key.level.depth > own.depth:
        return "", []
    if key.kind is Kind.COUNT:
        sql, parameters = visible(actor, "other")
        holder = "p.id" if level is Level.PATIENT else "st.patient_fk"
        return f"(select {key.sql} from study other where other.patient_fk = {holder} and {sql})", parameters
    if level is not Level.PATIENT:
        return (f"{key.sql} -> '{key.keyword}'" if key.kind is Kind.JSON else key.sql), []
    if key.level is not Level.PATIENT:
        return "", []
    column = patient_column(key)
    if column:
        return column, []
    sql, parameters = visible(actor, "st")
    value = f"{key.sql} -> '{key.keyword}'"
    return (
        f"(select {value} from study st where st.patient_fk = p.id and {sql} order by st.id desc limit 1)",
        parameters,
    )


def _rows(
    tx: Tx, plan: _Plan, course: Course, statement: str, parameters: list[Any], *, few: bool
) -> Iterator[tuple[Any, ...]]:
    """All rows at once when they are few, else through a cursor, so that a search of everything takes no memory."""
    if few:
        with on_course(tx, course, is_own=not plan.is_along(course)):
            rows = tx.execute(statement, parameters).fetchall()
        yield from rows
        return
    with tx.cursor(name=f"search{next(_names)}") as cursor:
        with on_course(tx, course, is_own=not plan.is_along(course)):
            cursor.execute(statement, parameters)
        size = _FIRST_BATCH
        while batch := cursor.fetchmany(size):
            yield from batch
            size = min(2 * size, _BATCH)


def _once(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Every patient at the latest study that matches."""
    seen: set[int] = set()
    for row in rows:
        if row[0] not in seen:
            seen.add(row[0])
            yield row


def _pages(
    tx: Tx, plan: _Plan, course: Course, statement: str, parameters: list[Any], size: int
) -> Iterator[tuple[Any, ...]]:
    """Rows page by page: nearly every row passes the second look, and the planner shall know that few are wanted."""
    for page in itertools.count():
        with on_course(tx, course, is_own=not plan.is_along(course)):
            rows = tx.execute(f"{statement} limit %s offset %s", [*parameters, size, page * size]).fetchall()
        yield from rows
        if len(rows) < size:
            return


def _match(plan: _Plan, row: tuple[Any, ...], reader: "HeaderValues | None") -> Match | None:
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
