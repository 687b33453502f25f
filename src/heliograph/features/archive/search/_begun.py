"""Studies by how a name begins: collected from the indexes of names, which have what puts them in order, so that no row is read.

A name with thousands of studies would else be read from as many pages of the table, or met by walking the dates for long.
"""

from dataclasses import dataclass
from typing import Any, Final

from heliograph.engine.db import Tx
from heliograph.features.archive.search._where import SCOPE, Where

_MOST: Final = 20_000
_MOST_NARROWED: Final = 50_000
"""So many names are read from an index; of more, walking the dates meets a screen full sooner, unless most of them are narrowed away."""
_FIRST: Final = 1_024
_MORE: Final = 8_192


@dataclass(frozen=True, slots=True)
class Found:
    """Ids, the latest first; the last one that was looked at when there are more; whether each id is a match, and met once."""

    ids: tuple[int, ...]
    last: int | None
    is_sure: bool


def is_collectable(study: Where, narrowed_to: int) -> bool:
    """Whether the indexes of names can answer all of it; narrowed_to: how many studies its dates leave."""
    columns = {column for column, _, _ in study.covers}
    return bool(study.begins) and not study.is_loose and columns <= _INCLUDED and narrowed_to > _FIRST


_INCLUDED: Final = frozenset({"", SCOPE, "st.study_date"})


def most(study: Where) -> int:
    """With how many names that begin so this is the way."""
    return _MOST if _has_name_only(study) else _MOST_NARROWED


def likely(study: Where) -> tuple[str, list[Any]]:
    """A source whose number of rows the planner can guess."""
    parts, values = [], []
    for one in study.begins:
        sql, parameters = one.range() if one.letters else (one.sql, list(one.parameters))
        parts.append(f"select 1 from study st where {sql} and {one.column} <> ''")
        values += parameters
    return f"({' union all '.join(parts)}) as found", values


def collect(tx: Tx, study: Where, after: int | None, *, one_each: bool) -> Found:
    """The next ids behind the study `after`; one_each: the latest of every patient."""
    union, values = _union(study)
    behind, most = "", _FIRST
    if after is not None:
        behind = "where (study_date, study_time, id) < (select study_date, study_time, id from study where id = %s)"
        values, most = [*values, after], _MORE
    rows = tx.execute(
        f"select id, is_doubtful, patient_fk from ({union}) as found {behind} order by study_date desc, study_time desc, id desc limit %s",
        [*values, most],
    ).fetchall()
    met: dict[tuple[str, int], int] = {}
    for study_id, is_doubtful, patient_id in rows:
        # A study may be found by two of its names.
        met.setdefault(("patient", patient_id) if one_each and not is_doubtful else ("study", study_id), study_id)
    is_sure = _has_name_only(study) and not any(row[1] for row in rows)
    return Found(tuple(met.values()), rows[-1][0] if len(rows) == most else None, is_sure)


def count(tx: Tx, study: Where) -> tuple[int, bool]:
    """How many there are, and whether that is certain."""
    union, values = _union(study)
    row = tx.execute(
        f"select count(*), coalesce(bool_or(is_doubtful), false) from ({union}) as found", values
    ).fetchone()
    assert row is not None
    return row[0], _has_name_only(study) and not row[1]


def _has_name_only(study: Where) -> bool:
    """Besides what the actor may see."""
    return len(study.parts) == 1 + 1


def _union(study: Where) -> tuple[str, list[Any]]:
    covered = study.covered()
    parts, values = [], []
    for one in study.begins:
        ranged, letters = one.range()
        parts.append(
            f"select st.id, st.patient_fk, st.study_date, st.study_time, {one.doubt} as is_doubtful from study st "
            f"where {ranged} and {one.sql} and {covered}"
        )
        values += [*one.doubt_parameters, *letters, *one.parameters, *covered.parameters]
    return " union all ".join(parts), values
