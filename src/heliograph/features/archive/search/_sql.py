"""From a query to one bound statement. Fragments are constants of the keys table; every value is a parameter (N12)."""

from dataclasses import dataclass, field, replace
from typing import Final

from heliograph.features.access import Actor, visible
from heliograph.features.archive.search._conditions import add_condition, add_range
from heliograph.features.archive.search._keys import Key, Kind, keys
from heliograph.features.archive.search._where import SCOPE, Where
from heliograph.standards.dicom import tags
from heliograph.standards.dicom.matching import (
    Condition,
    Matching,
    earliest_time,
    latest_time,
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
            if not add_condition(lower.setdefault(key.level, Where()), key, condition):
                found.unsupported.append(condition.tag)
        elif not add_condition(found.study if key.level.depth <= Level.STUDY.depth else found.below, key, condition):
            if query.level is Level.PATIENT and not patient_column(key):
                found.unsupported.append(condition.tag)
            else:
                found.recheck.append(condition)
    modality = query.condition(_MODALITY)
    if own.depth > Level.STUDY.depth and modality is not None and modality.matching is Matching.VALUE:
        # Implied by the condition on the series; the index on the modalities of studies answers it.
        add_condition(found.study, table[_MODALITIES], replace(modality, tag=_MODALITIES))
    for level, inner in lower.items():
        outer = found.study if own is Level.STUDY else found.below
        outer.is_loose = True
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
        add_range(where, date_key.sql, date)
        where.is_loose = True
        pair = f"({date_key.sql}, replace({time_key.sql}, ':', ''))"
        if date.values[0]:
            where.add(f"{pair} >= (%s, %s)", date.values[0], earliest_time(time.values[0]) if time.values[0] else "")
        if date.values[1]:
            where.add(f"{pair} <= (%s, %s)", date.values[1], latest_time(time.values[1]))
        done |= {date_tag, time_tag}
    return done
