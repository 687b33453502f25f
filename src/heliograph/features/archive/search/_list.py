"""The study list of the browser: filters, free text, sorting, and pages by the key of the last row."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from heliograph.engine.db import Tx
from heliograph.features.access import Actor, visible
from heliograph.features.archive.search._position import SORTS, Position, key_of, order_of
from heliograph.features.archive.search._sql import compile_filter
from heliograph.features.archive.search._way import Course, Order, Way, choose, count_covered, estimate, on_course
from heliograph.features.archive.search._where import Where, cover_words, like_pattern
from heliograph.kit.errors import Absent, Invalid
from heliograph.standards.dicom import names, tags, uids
from heliograph.standards.dicom.matching import Condition, Matching, checked_pattern, has_wildcard, matches
from heliograph.standards.dicom.query import Level, Query

MOST_ROWS: Final = 500
COUNT_LIMIT: Final = 10_000
_MOST_WORDS: Final = 8
_MOST_TEXT: Final = 256
_DIGITS_OF_NUMBER: Final = 3
_COLUMNS: Final = (
    "st.id, st.study_uid, st.patient_fk, st.patient_name, st.patient_id, st.issuer, st.birth_date, st.sex, st.study_date, st.study_time, "
    "st.timezone_offset, st.accession_number, st.description, st.modalities, st.body_part, st.institution, st.referring_physician, "
    "st.series_count, st.instance_count, st.bytes, st.settled_at is not null, st.received_at, st.last_received_at, st.held_count, "
    "st.unverified, st.source, st.revision, st.restriction"
)
# Only a study that is known to be earlier is a prior (safety guard 7).
_EARLIER: Final = (
    "other.patient_fk = st.patient_fk and other.id <> st.id and other.study_date <> '' and st.study_date <> '' "
    "and (other.study_date < st.study_date or (other.study_date = st.study_date and other.study_time <> '' and st.study_time <> '' "
    "and other.study_time < st.study_time))"
)
_FILTERS: Final = frozenset({
    "text", "patient_name", "patient_id", "accession_number", "modalities", "date_from", "date_to", "state",
})  # fmt: skip
_STATES: Final = {
    "receiving": "st.settled_at is null",
    "settled": "st.settled_at is not null",
    "held": "st.held_count > 0",
}


def study_list(
    tx: Tx, actor: Actor, filters: Mapping[str, Any], *, sort: str = "received_at", descending: bool = True,
    cursor: str | None = None, limit: int = 100,
) -> dict[str, Any]:  # fmt: skip
    """One page of the study list: items, next, count, count_is_exact. Raises Invalid for an unknown filter, sort, state or cursor.

    filters: text, patient_name, patient_id, accession_number, modalities, date_from, date_to (DA), state; all optional.
    """
    if sort not in SORTS:
        raise Invalid(f"sort must be of: {', '.join(SORTS)}", code="bad_sort")
    limit = max(1, min(limit, MOST_ROWS))
    narrowing = _Narrowed(filters, actor)
    course = choose(tx, narrowing.where, order_of(sort, descending=descending))
    position = Position.parse(cursor, sort, descending=descending) if cursor else None
    if position is not None:
        course = replace(course, is_far=False)
    rows: list[tuple[Any, ...]] = []
    after = position.key if position else None
    is_last = False
    while len(rows) <= limit and not is_last:
        page = _page(tx, actor, course, sort, descending=descending, after=after, limit=limit + 1)
        is_last = len(page) <= limit
        after = key_of(page[-1], sort) if page else None
        rows += [row for row in page if narrowing.admits(row)]
    items = [_study(row) for row in rows[:limit]]
    has_more = len(rows) > limit
    if position is not None:
        number, is_exact = position.count, position.count_is_exact
    elif not has_more:
        number, is_exact = len(items), True
    else:
        number, is_exact = _count(tx, narrowing, course)
    following = None
    if has_more:
        following = Position(sort, descending, key_of(rows[limit - 1], sort), number, is_exact).text()
    return {"items": items, "next": following, "count": number, "count_is_exact": is_exact}


def study_by_id(tx: Tx, actor: Actor, study_id: int) -> dict[str, Any]:
    """The row of one study; raises Absent when it is not there for this actor."""
    where = _visible(actor)
    where.add("st.id = %s", study_id)
    found = list(_studies(tx, actor, where, "st.id"))
    if not found:
        raise Absent("no such study", code="no_study")
    return found[0]


def series_of_study(tx: Tx, actor: Actor, study_id: int) -> list[dict[str, Any]]:
    """The series of a study in the order of the examination; raises Absent when the study is not there for this actor."""
    where = _visible(actor)
    where.add("st.id = %s", study_id)
    rows = tx.execute(
        "select se.id, se.series_uid, se.number, se.modality, se.description, se.body_part, se.laterality, se.instance_count, "
        "se.frame_count, se.settled_at is not null, se.revision, "
        "(select count(*) from held h where h.study_fk = st.id and h.state = 'held' and h.series_uid = se.series_uid) "
        f"from study st left join series se on se.study_fk = st.id where {where} order by se.number nulls last, se.id",
        where.parameters,
    ).fetchall()
    if not rows:
        raise Absent("no such study", code="no_study")
    return [_series(row) for row in rows if row[0] is not None]


def priors(tx: Tx, actor: Actor, study_id: int, *, later: bool = False, limit: int = 200) -> list[dict[str, Any]]:
    """Earlier studies of the same patient, latest first; with `later` all others too. `relation` is prior, later or undated."""
    study = study_by_id(tx, actor, study_id)
    where = _visible(actor)
    where.add("st.patient_fk = %s and st.id <> %s", int(study["patient"]["id"]), study_id)
    if not later:
        date, time = study["study_date"], study["study_time"]
        where.add("st.study_date <> '' and %s <> ''", date)
        where.add(
            "(st.study_date < %s or (st.study_date = %s and st.study_time <> '' and %s <> '' and st.study_time < %s))",
            date, date, time, time,
        )  # fmt: skip
    found = list(_studies(tx, actor, where, "st.study_date desc, st.study_time desc, st.id desc", limit))
    for row in found:
        row["relation"] = _relation(row, study)
    return found


def _relation(row: Mapping[str, Any], study: Mapping[str, Any]) -> str:
    if not row["study_date"] or not study["study_date"]:
        return "undated"
    if row["study_date"] != study["study_date"]:
        return "prior" if row["study_date"] < study["study_date"] else "later"
    if not row["study_time"] or not study["study_time"] or row["study_time"] == study["study_time"]:
        return "undated"
    return "prior" if row["study_time"] < study["study_time"] else "later"


# -- narrowing -------------------------------------------------------------------------------------------------


class _Narrowed:
    """The filters as SQL, and what SQL cannot decide."""

    def __init__(self, filters: Mapping[str, Any], actor: Actor) -> None:
        unknown = sorted(set(filters) - _FILTERS)
        if unknown:
            raise Invalid(f"a filter must be of: {', '.join(sorted(_FILTERS))}", code="bad_filter")
        self._words: tuple[str, ...] = ()
        found = compile_filter(Query(Level.STUDY, tuple(_conditions(filters))), actor)
        self.where = found.study
        self._recheck = found.recheck
        state = filters.get("state")
        if state:
            if state not in _STATES:
                raise Invalid(f"state must be of: {', '.join(_STATES)}", code="bad_state")
            self.where.add(_STATES[state])
        text = str(filters.get("text") or "").strip()
        if text:
            self._text(text[:_MOST_TEXT])
        self.is_exact = not self._words and not self._recheck

    def _text(self, text: str) -> None:
        if text.count(".") >= 3 and uids.is_valid_uid(text):
            self.where.add("st.study_uid = %s", text)
            return
        words = []
        for word in dict.fromkeys(text.split()[:_MOST_WORDS]):
            if sum(char.isdigit() for char in word) >= _DIGITS_OF_NUMBER:
                self._number(word)
            else:
                words += names.fold(word).split(" ")
        self._words = tuple(word for word in words if word)
        for word in self._words:
            # From three letters on a word is found anywhere; shorter ones only where a word begins.
            self.where.grams.update(names.pattern_trigrams(f"*{word}*" if len(word) > 2 else f"{word}*"))
        cover_words(self.where, [word if len(word) > 2 else f" {word}" for word in self._words])

    def _number(self, word: str) -> None:
        """The beginning of an identifier: numbers share their trigrams, but the identifiers have indexes of their own."""
        spellings = dict.fromkeys((like_pattern(word) + "%", like_pattern(word.upper()) + "%"))
        tests = [f"{column} like %s" for column in ("st.patient_id", "st.accession_number") for _ in spellings]
        self.where.add(f"({' or '.join(tests)})", *spellings, *spellings)
        cover_words(self.where, [names.fold(word)])

    def admits(self, row: tuple[Any, ...]) -> bool:
        """The second look at a row that the index proposed."""
        for condition in self._recheck:
            if not matches(condition, (row[3],)):
                return False
        if not self._words:
            return True
        fields = " ".join(names.fold(row[place]) for place in (3, 4, 11, 12))
        return all(word in fields if len(word) > 2 else f" {word}" in f" {fields}" for word in self._words)


def _conditions(filters: Mapping[str, Any]) -> Iterator[Condition]:
    name = str(filters.get("patient_name") or "").strip()
    if name:
        kind = Matching.NAME if has_wildcard(name) else Matching.FUZZY_NAME
        yield Condition(tags.tag_of("PatientName"), "PN", kind, (checked_pattern("patient_name", name),))
    for word, keyword in (("patient_id", "PatientID"), ("accession_number", "AccessionNumber")):
        value = str(filters.get(word) or "").strip()
        if value:
            pattern = checked_pattern(word, value if has_wildcard(value) else value + "*")
            yield Condition(tags.tag_of(keyword), "LO", Matching.WILDCARD, (pattern,))
    modalities = tuple(str(one) for one in filters.get("modalities") or ())[:64]
    if modalities:
        yield Condition(tags.tag_of("ModalitiesInStudy"), "CS", Matching.VALUE, modalities)
    first, last = str(filters.get("date_from") or ""), str(filters.get("date_to") or "")
    for date in (first, last):
        if date and not (len(date) == 8 and date.isascii() and date.isdigit()):
            raise Invalid("date_from and date_to must be YYYYMMDD", code="bad_date")
    if first or last:
        yield Condition(tags.tag_of("StudyDate"), "DA", Matching.RANGE, (first, last))


def _visible(actor: Actor) -> Where:
    where = Where()
    sql, parameters = visible(actor, "st")
    where.add(sql, *parameters)
    return where


def _count(tx: Tx, narrowing: _Narrowed, course: Course) -> tuple[int, bool]:
    """The number of studies: exact up to 10,000 where an index alone decides, else a guess."""
    where = narrowing.where
    if course.way is Way.FEW:
        assert course.guess is not None
        return course.guess, narrowing.is_exact
    if course.way is Way.RANGE or course.guess is None or (where.is_plain and course.guess <= 2 * COUNT_LIMIT):
        number = count_covered(tx, course, COUNT_LIMIT + 1)
        if number <= COUNT_LIMIT:
            return number, narrowing.is_exact and where.is_plain
    guess = course.guess or estimate(tx, f"study st where {where}", where.parameters)
    return max(guess, COUNT_LIMIT + 1 if where.is_plain else 0), False


# -- pages -----------------------------------------------------------------------------------------------------


def _page(
    tx: Tx, actor: Actor, course: Course, sort: str, *, descending: bool, after: tuple[Any, ...] | None, limit: int
) -> list[tuple[Any, ...]]:
    order = order_of(sort, descending=descending)
    if course.way is Way.FEW and (after is None or after[-1] in course.ids):
        return _candidates(tx, actor, course, sort, order, after, limit)
    rows: list[tuple[Any, ...]] = []
    for beyond, rest in _beyond(order, after):
        if len(rows) < limit:
            rows += _stretch(tx, actor, course, sort, rest, beyond, limit - len(rows))
    if sort == "instances" and course.way is not Way.FEW:
        return _with_receiving(tx, actor, course, order, after, rows, limit)
    return rows


def _candidates(
    tx: Tx, actor: Actor, course: Course, sort: str, order: Order, after: tuple[Any, ...] | None, limit: int
) -> list[tuple[Any, ...]]:
    """The next of the candidates, which are sorted already."""
    begin = course.ids.index(after[-1]) + 1 if after else 0
    rows: list[tuple[Any, ...]] = []
    for portion in replace(course, ids=course.ids[begin:]).portions(limit):
        rows += _stretch(tx, actor, portion, sort, order, Where(), limit)
        if len(rows) >= limit:
            break
    return rows[:limit]


def _stretch(
    tx: Tx, actor: Actor, course: Course, sort: str, order: Order, beyond: Where, limit: int
) -> list[tuple[Any, ...]]:
    """Rows of one range of the sort index, in the order that the range leaves open."""
    if sort == "instances" and course.way is not Way.FEW:
        order = [("st.settled_instances", order[0][1]), *order[1:]]
        beyond = _settled(beyond)
    rows: list[tuple[Any, ...]] = []
    for one, is_short in course.attempts():
        source, parameters, ordered = one.source(order, beyond, is_short=is_short)
        statement, more = _select(actor, source, ", ".join(column for column, _ in SORTS[sort]))
        with on_course(tx, one):
            rows = tx.execute(f"{statement} order by {ordered} limit %s", [*more, *parameters, limit]).fetchall()
        if len(rows) == limit:
            break
    return rows


def _settled(beyond: Where) -> Where:
    """On the index that has the number of instances of settled studies; that of a growing one would be written with each instance."""
    parts = [part.replace("st.instance_count", "st.settled_instances") for part in beyond.parts]
    return Where(["st.settled_instances is not null", *parts], beyond.parameters)


def _with_receiving(
    tx: Tx, actor: Actor, course: Course, order: Order, after: tuple[Any, ...] | None, rows: list[tuple[Any, ...]],
    limit: int,
) -> list[tuple[Any, ...]]:  # fmt: skip
    """Puts the studies that are still received, which are few, between the settled ones."""
    growing = course.where.joined(Where(["st.settled_at is null"]))
    found = list(rows)
    for beyond, _ in _beyond(order, after):
        where = growing.joined(beyond)
        statement, more = _select(actor, f"study st where {where}", ", ".join(column for column, _ in order))
        parameters = [*more, *where.parameters, limit]
        found += tx.execute(f"{statement} order by {_sql(order)} limit %s", parameters).fetchall()
    return sorted(found, key=lambda row: row[-2:], reverse=order[0][1])[:limit]


def _sql(order: Order) -> str:
    return ", ".join(column + (" desc" if down else "") for column, down in order)


def _beyond(order: Order, after: tuple[Any, ...] | None) -> list[tuple[Where, Order]]:
    """The rows behind a key as ranges of the sort index, in their order: the same first column, then the next ones."""
    if after is None:
        return [(Where(), order)]
    if len({down for _, down in order}) == 1:
        return [(_behind(order, after), order)]
    (column, down), key = order[0], after[0]
    same = Where([f"{column} = %s"], [key]).joined(_behind(order[1:], after[1:]))
    return [(same, order[1:]), (Where([f"{column} {'<' if down else '>'} %s"], [key]), order)]


def _behind(order: Order, after: tuple[Any, ...]) -> Where:
    row = ", ".join(column for column, _ in order)
    return Where([f"({row}) {'<' if order[0][1] else '>'} ({', '.join(['%s'] * len(after))})"], list(after))


def _select(actor: Actor, source: str, more: str = "") -> tuple[str, list[Any]]:
    sql, parameters = visible(actor, "other")
    prior_count = f"(select count(*) from study other where {_EARLIER} and {sql})"
    return f"select {_COLUMNS}, {prior_count}{', ' if more else ''}{more} from {source}", parameters


def _studies(tx: Tx, actor: Actor, where: Where, order: str, limit: int | None = None) -> Iterator[dict[str, Any]]:
    statement, parameters = _select(actor, f"study st where {where}")
    for row in tx.execute(f"{statement} order by {order} limit %s", [*parameters, *where.parameters, limit]):
        yield _study(row)


# -- rows ------------------------------------------------------------------------------------------------------


def _study(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "id": str(row[0]),
        "study_uid": row[1],
        "patient": {
            "id": str(row[2]), "name": row[3], "patient_id": row[4], "issuer": row[5], "birth_date": row[6], "sex": row[7],
        },
        "study_date": row[8], "study_time": row[9], "timezone_offset": row[10], "accession_number": row[11], "description": row[12],
        "modalities": sorted(row[13]), "body_part": row[14], "institution": row[15], "referring_physician": row[16],
        "series_count": row[17], "instance_count": row[18], "bytes": row[19], "state": "settled" if row[20] else "receiving",
        "received_at": instant(row[21]), "last_received_at": instant(row[22]), "held_count": row[23], "unverified": row[24],
        "source": row[25], "revision": str(row[26]), "restriction": row[27], "prior_count": row[28],
    }  # fmt: skip


def _series(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "id": str(row[0]), "series_uid": row[1], "number": row[2], "modality": row[3], "description": row[4], "body_part": row[5],
        "laterality": row[6], "instance_count": row[7], "frame_count": row[8], "state": "settled" if row[9] else "receiving",
        "revision": str(row[10]), "thumbnail_url": f"/api/series/{row[0]}/thumbnail?rev={row[10]}",
        "document_url": f"/api/series/{row[0]}/document?rev={row[10]}", "held_count": row[11],
    }  # fmt: skip


def instant(at: datetime) -> str:
    """An instant as the API writes it: UTC with a Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
