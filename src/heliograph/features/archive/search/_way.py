"""How a search over studies is answered: few candidates are collected and sorted, many are met by walking an index that has the order.

The planner cannot choose by itself: it takes the trigrams of one word for independent, and a date for independent of the time of
receipt. So a sample is counted first, and each way is asked for in a form that leaves one plan.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from psycopg.pq import TransactionStatus

from heliograph.engine.db import Tx
from heliograph.features.archive.search import _begun
from heliograph.features.archive.search._where import Where

FEW: Final = 4_000
"""So many candidates are collected and sorted; beyond, walking an index meets enough matches sooner."""
_BARE_FACTOR: Final = 4
_SURE: Final = 500
_SAMPLE_ROWS: Final = 2_500
_SHORT_RANGE: Final = 30_000
_LONG_RANGE: Final = 150_000
_SORTABLE: Final = 20_000
_BUDGET: Final = 60_000
_CHANCE: Final = 3
_MOST_AT_ONCE: Final = 1_024
_IDENTIFIERS: Final = ("st.patient_id", "st.accession_number")
_IN_EVERY_INDEX: Final = (
    "st.tenant_id",
    "st.id",
    "st.study_date",
    "st.received_at",
    "st.modality_words",
    "st.search_text",
)

Order = list[tuple[str, bool]]
"""Columns, and whether each runs down."""


class Way(StrEnum):
    """FEW: candidates are known by id. WALK: along the index of the order. RANGE: a whole range of another index, then sorted.

    SORT: all matches by the indexes of their values, then sorted.
    """

    FEW = "few"
    WALK = "walk"
    RANGE = "range"
    SORT = "sort"


@dataclass(frozen=True, slots=True)
class Course:
    """The way that was chosen; `guess` is the number of matches, exact candidates for FEW, None when it was not asked for.

    last: the last candidate that was looked at, when there are more behind those of `ids`.
    one_each: only the latest study of every patient is wanted.
    otherwise: the way to take when the next rows are not among the first that a walk looks at: matches may lie together at the far end.
    is_far: a sample says that they do. is_sure: every candidate is a match.
    """

    way: Way
    where: Where
    guess: int | None = None
    otherwise: Way = Way.WALK
    ids: tuple[int, ...] = ()
    is_far: bool = False
    is_sure: bool = False
    last: int | None = None
    one_each: bool = False

    @property
    def studies(self) -> tuple[str, list[Any]]:
        """The table of studies as it stands in FROM, with its parameters; OFFSET keeps the planner from walking past the candidates."""
        if self.way is not Way.FEW:
            return "study st", []
        return "(select * from study where id = any(%s::bigint[]) offset 0) as st", [list(self.ids)]

    def portions(self, first: int) -> "Iterator[Course]":
        """The candidates in their order, some at a time: most readers stop early."""
        begin, size = 0, first
        while begin < len(self.ids):
            yield replace(self, ids=self.ids[begin : begin + size])
            begin, size = begin + size, min(2 * size, _MOST_AT_ONCE)

    def more(self, tx: Tx) -> "Course | None":
        """The candidates behind these; None when these were all."""
        if self.last is None:
            return None
        with _set(tx, _STREAM):
            found = _begun.collect(tx, self.where, self.last, one_each=self.one_each)
        return replace(self, ids=found.ids, last=found.last) if found.ids else None

    def whole(self, tx: Tx) -> "Course":
        """With all candidates."""
        further, ids = self.more(tx), self.ids
        while further is not None:
            ids += further.ids
            further = further.more(tx)
        return replace(self, ids=tuple(dict.fromkeys(ids)), last=None)

    def count(self, tx: Tx) -> tuple[int, bool]:
        """How many candidates there are in all, and whether each is a match."""
        if self.last is None:
            return len(self.ids), self.is_sure
        with _set(tx, _STREAM):
            return _begun.count(tx, self.where)

    def attempts(self) -> "list[tuple[Course, bool]]":
        """Ways to a page, and whether each looks at some rows only."""
        if self.way is not Way.WALK or self.guess is None:
            return [(self, False)]
        rest = (replace(self, way=self.otherwise), False)
        return [rest] if self.is_far else [(self, True), rest]

    def source(
        self, order: Order, beyond: Where | None = None, *, joins: str = "", below: Where | None = None, is_short: bool = False
    ) -> tuple[str, list[Any], str]:  # fmt: skip
        """(FROM with WHERE, its parameters, ORDER BY) of the studies in this order, behind the rows of `beyond`.

        joins, below: tables that are read from each study and the conditions on them. is_short: a walk looks at some thousand rows only.
        """
        behind, outer = beyond or Where(), self.where.joined(below or Where())
        if self.way in (Way.FEW, Way.SORT):
            where = (outer if self.way is Way.FEW else outer.joined(self.where.by_grams())).joined(behind)
            studies, parameters = self.studies
            return f"{studies} {joins} where {where}", [*parameters, *where.parameters], _ordered(order)
        columns = list(dict.fromkeys(column for column, _ in order))
        names = {column: f"key{place}" for place, column in enumerate(dict.fromkeys([*columns, "st.id"]))}
        keys = ", ".join(f"{column} as {name}" for column, name in names.items())
        inner = self.where.covered(*(_IDENTIFIERS if self.way is Way.RANGE else columns))
        studies, bound = self.studies
        if not is_short or self.way is not Way.WALK:
            inner = inner.joined(behind)
        else:
            met = self.where.scope().joined(self.where.ranges(*columns)).joined(behind)
            read = ", ".join(dict.fromkeys([*_IN_EVERY_INDEX, *columns]))
            studies = f"(select {read} from study st where {met} order by {_ordered(order)} limit {_BUDGET}) as st"
            bound = met.parameters
        # OFFSET keeps the planner from taking it apart.
        walked = f"(select {keys} from {studies} where {inner} order by {_ordered(order)} offset 0) as walked"
        source = f"{walked} join study st on st.id = walked.{names['st.id']} {joins} where {outer}"
        order = [(f"walked.{names[column]}", down) for column, down in order]
        return source, [*bound, *inner.parameters, *outer.parameters], _ordered(order)


def _ordered(order: list[tuple[str, bool]]) -> str:
    return ", ".join(column + (" desc" if down else "") for column, down in order)


def by_beginning(tx: Tx, study: Where, *, one_each: bool) -> Course | None:
    """The first candidates of a name that begins with some letters, the latest first; None when that is not the way."""
    with _set(tx, _STREAM):
        if not _begun.is_collectable(study, _span(tx, study) if study.is_dated else _LONG_RANGE):
            return None
        if estimate(tx, *_begun.likely(study)) > _begun.most(study):
            return None
        found = _begun.collect(tx, study, None, one_each=one_each)
    return Course(
        Way.FEW, study, len(found.ids), ids=found.ids, is_sure=found.is_sure, last=found.last, one_each=one_each
    )


def choose(tx: Tx, study: Where, order: Order, *, doubt: str = "false") -> Course:
    """The way to the studies of `study` in this order. doubt: a condition on a study that needs a second look to be a match."""
    leading = order[0][0]
    with planning(tx):
        if len(study.parts) <= 1 and not study.grams:
            return Course(Way.WALK, study)
        span = _span(tx, study)
        if leading == "st.received_at" and span <= _SHORT_RANGE:
            return Course(Way.RANGE, study)
        likely, before = estimate(tx, f"study st where {study}", study.parameters), 0
        if likely > _SURE:
            if span <= _SHORT_RANGE and leading != "st.study_date" and study.is_dated:
                return Course(Way.RANGE, study)
            found, before = sampled(tx, study, order)
            likely = found if study.is_unsure else min(found, likely)
        most = FEW * (_BARE_FACTOR if study.is_bare else 1)
        if likely <= most // 2:
            collected = collect(tx, study, span, most, order, doubt)
            if collected is not None:
                return collected
        guess = max(likely, FEW // 2 + 1)
        otherwise = Way.SORT if guess <= _SORTABLE else Way.WALK
        if leading == "st.received_at" and span <= _LONG_RANGE:
            otherwise = Way.RANGE
        is_far = before > _BUDGET and not study.ranges(leading).parts
        return Course(Way.WALK, study, guess, otherwise, is_far=is_far)


def collect(tx: Tx, study: Where, span: int, most: int, order: Order, doubt: str) -> Course | None:
    """The ids of the matches, sorted; None when there are too many."""
    wanted, is_sure = study.by_index(), True
    if span <= _SHORT_RANGE and len(study.covers) > 1:
        wanted, is_sure = study.covered(*_IDENTIFIERS), False
    elif study.either and not study.grams:
        wanted = study.joined(_of_either(study, most))
    read = ", ".join(dict.fromkeys(["st.id", *(column for column, _ in order)]))
    rows = tx.execute(
        f"select st.id, is_doubtful from (select {read}, {doubt if is_sure else 'true'} as is_doubtful from study st where {wanted} limit %s) "
        f"as st order by {_ordered(order)}",
        [*wanted.parameters, most + 1],
    ).fetchall()
    if len(rows) > most:
        return None
    is_sure = is_sure and not any(row[1] for row in rows)
    return Course(Way.FEW, study, len(rows), ids=tuple(row[0] for row in rows), is_sure=is_sure)


def _of_either(study: Where, most: int) -> Where:
    """The studies that meet one or the other of two alternatives, each found by its own index alone."""
    scope, found = study.scope(), Where()
    for sql, parameters in study.either:
        found.add(
            f"(select st.id from study st where {scope} and {sql} limit %s)", *scope.parameters, *parameters, most + 1
        )
    return Where([f"st.id = any(array({' union all '.join(found.parts)}))"], found.parameters)


def _total(tx: Tx) -> float:
    row = tx.execute("select greatest(reltuples, 1) from pg_class where oid = 'study'::regclass").fetchone()
    assert row is not None
    return float(row[0])


def count_covered(tx: Tx, course: Course, most: int) -> int:
    """How many rows the sort indexes take for matches, up to `most`."""
    covered = course.where.covered(*_IDENTIFIERS)
    with _set(tx, _STREAM):
        row = tx.execute(
            f"select count(*) from (select 1 from study st where {covered} limit %s) as found",
            [*covered.parameters, most],
        ).fetchone()
    assert row is not None
    return int(row[0])


def _span(tx: Tx, study: Where) -> int:
    """How many rows the ranges of date and identifiers leave; these often go with the time of receipt."""
    ranges = study.ranges("st.study_date", *_IDENTIFIERS)
    return estimate(tx, f"study st where {ranges}", ranges.parameters) if ranges.parts else _LONG_RANGE + 1


def sampled(tx: Tx, study: Where, order: Order) -> tuple[int, int]:
    """How many studies match, and how many stand before the first of them, from a count in some pages of the table, the same ones each
    time, which stay in memory."""
    total = _total(tx)
    percent = min(100.0, 100.0 * _SAMPLE_ROWS / total)
    looked, (column, down) = study.joined(study.covered(*_IDENTIFIERS)), order[0]
    first = f"{'max' if down else 'min'}(key) filter (where is_match) over ()"
    sample = tx.execute(
        "select count(*) filter (where is_match), count(*), "
        f"count(*) filter (where key {'>' if down else '<'} first) from (select is_match, key, {first} as first from "
        f"(select {column} as key, {looked} as is_match from study st tablesample system (%s) repeatable (1)) as drawn) as seen",
        [*looked.parameters, percent],
    ).fetchone()
    assert sample is not None
    scale = total / max(sample[1], 1)
    # The first of few in a sample may stand far back by chance.
    return int(scale * sample[0]), int(scale * sample[2] - _CHANCE * total / max(sample[0], 1))


def estimate(tx: Tx, source: str, parameters: list[Any]) -> int:
    """The planner's guess at the number of rows."""
    row = tx.execute(f"explain (format json) select 1 from {source}", parameters).fetchone()
    assert row is not None
    return int(row[0][0]["Plan"]["Plan Rows"])


_PLANNING: Final = {"plan_cache_mode": "force_custom_plan", "enable_seqscan": "off"}
_STREAM: Final = {
    **_PLANNING,
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "join_collapse_limit": "1",
    "max_parallel_workers_per_gather": "0",
}
_OWN: Final = {"plan_cache_mode": "force_custom_plan", "enable_sort": "off", "max_parallel_workers_per_gather": "0"}
_SETTINGS: Final = {
    Way.FEW: {"plan_cache_mode": "force_custom_plan", "cursor_tuple_fraction": "1"},
    Way.RANGE: _STREAM,
    Way.SORT: {**_PLANNING, "enable_indexscan": "off", "enable_indexonlyscan": "off"},
    Way.WALK: {**_STREAM, "enable_sort": "off"},
}


def planning(tx: Tx) -> contextlib.AbstractContextManager[None]:
    """While ways are weighed: the plan is made for the values at hand."""
    return _set(tx, _PLANNING)


def on_course(tx: Tx, course: Course, *, is_own: bool = False) -> contextlib.AbstractContextManager[None]:
    """While a statement made of `Course.source` is planned, or one of the caller's own that has another order."""
    return _set(tx, _OWN if is_own and course.way is not Way.FEW else _SETTINGS[course.way])


_ORDINARY: Final = {
    "plan_cache_mode": "auto", "cursor_tuple_fraction": "0.1", "enable_seqscan": "on", "enable_hashjoin": "on", "enable_mergejoin": "on", "enable_bitmapscan": "on",
    "enable_indexscan": "on", "enable_indexonlyscan": "on", "enable_sort": "on", "join_collapse_limit": "8", "max_parallel_workers_per_gather": "2",
}  # fmt: skip


@contextlib.contextmanager
def _set(tx: Tx, settings: dict[str, str]) -> Iterator[None]:
    tx.execute(_statement(settings))
    try:
        yield
    finally:
        if not tx.closed and tx.info.transaction_status == TransactionStatus.INTRANS:
            tx.execute(_statement({name: _ORDINARY[name] for name in settings}))


def _statement(settings: dict[str, str]) -> str:
    return "select " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())
