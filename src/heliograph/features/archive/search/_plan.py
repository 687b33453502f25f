"""What one query asks of the database: its conditions, the columns of a row, and the statement along the way that was chosen."""

from dataclasses import dataclass, field
from typing import Any, Final

from heliograph.engine.db import Tx
from heliograph.features.access import Actor, visible
from heliograph.features.archive.search._keys import OF_THE_DOOR, Key, Kind, keys, returned
from heliograph.features.archive.search._sql import JOINS, ORDER_BELOW, Filter, compile_filter, order_by, patient_column
from heliograph.features.archive.search._way import Course, Way, by_beginning, choose
from heliograph.standards.dicom.query import Level, Query


@dataclass(slots=True)
class Plan:
    """The statement of a query and how its rows are read."""

    query: Query
    filter: Filter
    select: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    columns: dict[int, int] = field(default_factory=dict)
    header_tags: tuple[int, ...] = ()

    def course(self, tx: Tx) -> Course:
        study = self.filter.study
        is_patient = self.query.level is Level.PATIENT
        found = None if self.query.order else by_beginning(tx, study, one_each=is_patient)
        return found or choose(tx, study, _LATEST_FIRST, doubt=several_groups(self.filter.names))

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

    @property
    def is_exact(self) -> bool:
        """No row needs a second look."""
        return not self.filter.recheck and not self.filter.from_header

    def is_along(self, course: Course) -> bool:
        """Whether studies are met one after another, the latest first, and what is wanted is read from each."""
        return (course.way is Way.FEW or (course.way is Way.WALK and course.guess is not None)) and not self.query.order


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


def plan_of(query: Query, actor: Actor) -> Plan:
    plan = Plan(query, compile_filter(query, actor), list(_PLACE[query.level]))
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


def several_groups(columns: tuple[str, ...]) -> str:
    """Names of several component groups, where SQL cannot decide alone."""
    return " or ".join(f"position('=' in {column}) > 0" for column in columns) or "false"


def below_candidates(plan: Plan, course: Course) -> tuple[str, list[Any]]:
    """What belongs to candidates that match, without another look at them."""
    below, ids = plan.filter.below, list(course.ids)
    if plan.query.level is Level.STUDY:
        return "unnest(%s::bigint[])", [ids]
    images = (
        "join instance i on i.series_fk = se.id and i.tenant_id = se.tenant_id"
        if plan.query.level is Level.IMAGE
        else ""
    )
    return f"series se {images} where se.study_fk = any(%s::bigint[]) and {below}", [ids, *below.parameters]


def uncounted(plan: Plan, course: Course) -> tuple[str, list[Any]]:
    """FROM with WHERE, without an order to keep."""
    where = course.where.joined(plan.filter.below)
    studies, known = course.studies
    parameters = [*known, *where.parameters]
    if plan.query.level is Level.PATIENT:
        return f"patient p where p.id in (select st.patient_fk from {studies} where {where})", parameters
    return f"{studies} {JOINS[plan.query.level]} where {where}", parameters
