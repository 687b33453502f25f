"""The rows of a search in their order: a page, portions of candidates, or a stream."""

import itertools
from collections.abc import Iterator
from typing import Any, Final

from heliograph.engine.db import Tx
from heliograph.features.archive.search._plan import Plan
from heliograph.features.archive.search._way import Course, Way, on_course
from heliograph.standards.dicom.query import Level

_FIRST_BATCH: Final = 128
_BATCH: Final = 1024
_SPARE: Final = 32
_FIRST_STUDIES: Final = {Level.PATIENT: 128, Level.STUDY: 128, Level.SERIES: 64, Level.IMAGE: 8}
"""A screen full is in about so many studies."""
_names = itertools.count()


def chosen_rows(tx: Tx, plan: Plan, course: Course, stop: int | None) -> tuple[Iterator[tuple[Any, ...]], bool]:
    """Rows in their order, and whether they are those of the page already."""
    query, is_along = plan.query, plan.is_along(course)
    if is_along and course.way is Way.FEW:
        rows = _portions(tx, plan, course)
        return (_once(rows) if query.level is Level.PATIENT else rows), False
    source, parameters, order = plan.source(course)
    statement = f"select {', '.join(plan.select)} from {source} order by {order}"
    parameters = [*plan.parameters, *parameters]
    if query.level is Level.PATIENT and is_along:
        return _once(_rows(tx, plan, course, statement, parameters, few=False)), False
    if plan.is_exact:
        paged = [*parameters, query.limit, query.offset]
        return _rows(tx, plan, course, f"{statement} limit %s offset %s", paged, few=stop is not None), True
    if stop is None or plan.filter.from_header:
        return _rows(tx, plan, course, statement, parameters, few=False), False
    return _pages(tx, plan, course, statement, parameters, stop + _SPARE), False


def _portions(tx: Tx, plan: Plan, course: Course) -> Iterator[tuple[Any, ...]]:
    """What belongs to the candidates, some studies at a time."""
    level = plan.query.level
    some: Course | None = course
    while some is not None:
        for portion in some.portions(_FIRST_STUDIES[level]):
            source, parameters, order = plan.source(portion)
            statement = f"select {', '.join(plan.select)} from {source} order by {order}"
            yield from _rows(
                tx, plan, portion, statement, [*plan.parameters, *parameters], few=level is not Level.IMAGE
            )
        some = some.more(tx)


def _rows(
    tx: Tx, plan: Plan, course: Course, statement: str, parameters: list[Any], *, few: bool
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
        yield from cursor.fetchmany(_FIRST_BATCH)
        # A screen may want a few more than the first ones, when patients are met again.
        size = _FIRST_BATCH // 2
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
    tx: Tx, plan: Plan, course: Course, statement: str, parameters: list[Any], size: int
) -> Iterator[tuple[Any, ...]]:
    """Rows page by page: nearly every row passes the second look, and the planner shall know that few are wanted."""
    for page in itertools.count():
        with on_course(tx, course, is_own=not plan.is_along(course)):
            rows = tx.execute(f"{statement} limit %s offset %s", [*parameters, size, page * size]).fetchall()
        yield from rows
        if len(rows) < size:
            return
