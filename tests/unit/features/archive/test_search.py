"""Searching a real database: what SQL answers is what the matching rules say (traps 30-38, N12, P13)."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from heliograph.engine.db import Tx
from heliograph.features.access import EVERYWHERE, Actor
from heliograph.features.archive import search
from heliograph.features.archive._rows import search_text
from heliograph.features.archive.search import Match, _begun, _rows, _way, asking
from heliograph.features.archive.search._keys import keys, matching_of
from heliograph.features.archive.search._sql import compile_filter
from heliograph.kit.errors import Absent, Invalid
from heliograph.kit.time import now
from heliograph.standards.dicom import names, tags
from heliograph.standards.dicom.matching import matches
from heliograph.standards.dicom.query import Level, Query, from_identifier, from_parameters

NAMES = (
    "Doe^Jane", "DOE^JOHN", "Müller^Jürgen", "Yamada^Tarou=山田^太郎=やまだ^たろう", "O'Neil [x]%_^Al", "", "de la Cruz^Ana María^^Dr.",
    "Doe", "Smith-Jones^Tim",
)  # fmt: skip
DATES = ("20240101", "20240131", "20231231", "", "20240229")
TIMES = ("101500.25", "10", "2359", "", "000000", "10:15:00")
MODALITIES = (["CT"], ["MR", "SR"], [], ["US"], ["PT", "CT"])
DESCRIPTIONS = ("CT Thorax", "MR Schädel", "", "CT 100% [a]_b")
UID = "1.2.826.0.1.3680043.9.7433.8"
TENANT = 7  # other tests commit to the same database
READER = Actor("token", "1", "reader", TENANT, frozenset({"study.read"}), scope=EVERYWHERE)


def insert(tx: Tx, table: str, **values: Any) -> int:
    marks = ", ".join(f"%({name})s" for name in values)
    row = tx.execute(f"insert into {table} ({', '.join(values)}) values ({marks}) returning id", values).fetchone()
    assert row is not None
    return int(row[0])


def fill(tx: Tx) -> list[dict[str, Any]]:
    """Studies with every combination that matters; the rows as they were written."""
    at, rows = now(), []
    tx.execute("insert into tenant (id, name) values (%s, 'of the search tests')", (TENANT,))
    for number in range(45):
        name, date, time = NAMES[number % 9], DATES[number % 5], TIMES[number % 6]
        row: dict[str, Any] = {
            "tenant_id": TENANT, "study_uid": f"{UID}.{number}", "patient_name": name, "patient_name_folded": names.fold(name),
            "patient_id": f"P{number % 9:03d}", "study_date": date, "study_time": time, "accession_number": f"A{number:04d}" if number % 4 else "",
            "description": DESCRIPTIONS[number % 4], "modalities": MODALITIES[number % 5], "study_id": str(number), "instance_count": number,
            "series_count": 1, "referring_physician": NAMES[(number + 3) % 9], "referring_physician_folded": names.fold(NAMES[(number + 3) % 9]),
            "attributes": Jsonb({"PatientAge": [f"0{number}Y"], "StudyComments": ["odd one"]} if number % 2 else {}),
        }  # fmt: skip
        groups = names.groups(name)
        row |= {"ideographic_folded": names.fold(groups.ideographic), "phonetic_folded": names.fold(groups.phonetic)}
        row["search_grams"] = sorted({
            gram for text in (name, row["patient_id"], row["accession_number"], row["description"]) for gram in names.trigrams(text)
        })  # fmt: skip
        row["search_text"] = search_text(name, row["patient_id"], row["accession_number"], row["description"])
        patient = tx.execute(
            "insert into patient (tenant_id, identity_key, issuer, patient_id, name) values (7, %s, '', %s, %s) "
            "on conflict (tenant_id, identity_key) do update set name = excluded.name returning id",
            (f"id:|{row['patient_id']}", row["patient_id"], name),
        ).fetchone()
        assert patient is not None
        study = insert(tx, "study", patient_fk=patient[0], received_at=at, last_received_at=at, settled_at=at, **row)
        item = {"RequestedProcedureID": [f"R{number}"], "ScheduledProcedureStepID": [f"S{number}"]}
        series = insert(
            tx, "series", tenant_id=TENANT, study_fk=study, series_uid=f"{UID}.{number}.1", number=number, modality=(row["modalities"] or [""])[0],
            attributes=Jsonb({"RequestAttributesSequence": [item], "OperatorsName": [name]} if number % 3 else {}), instance_count=1,
            received_at=at, last_received_at=at, performing_physician=name,
        )  # fmt: skip
        insert(
            tx, "instance", tenant_id=TENANT, series_fk=series, sop_uid=f"{UID}.{number}.1.1", sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            transfer_syntax_uid="1.2.840.10008.1.2.1", number=1, size_bytes=1, prefix_bytes=0, header_bytes=1, sha256=bytes(32), blob="x",
            arrival_id=1, received_at=at, frame_count=1 + number % 2,
        )  # fmt: skip
        rows.append(row | {"id": study})
    return rows


@pytest.fixture(scope="module")
def archive(scratch_url: str) -> Iterator[tuple[Tx, list[dict[str, Any]]]]:
    """One transaction for the module: it is filled, searched, and rolled back."""
    with psycopg.connect(scratch_url) as connection:
        yield connection, fill(connection)
        connection.rollback()


def ask(archive: tuple[Tx, Any], query: Query) -> list[Match]:
    return list(search.search(archive[0], READER, query))


COLUMNS = {
    "PatientName": "patient_name", "PatientID": "patient_id", "StudyDate": "study_date", "StudyTime": "study_time",
    "AccessionNumber": "accession_number", "StudyDescription": "description", "ModalitiesInStudy": "modalities", "StudyID": "study_id",
    "ReferringPhysicianName": "referring_physician", "NumberOfStudyRelatedInstances": "instance_count",
}  # fmt: skip
TEXTS = st.sampled_from([
    "*", "doe", "DOE^J*", "doe^*", "*doe*", "*j*n*", "?oe*", "müller*", "MULLER^JÜRGEN", "=山田*", "山田^太郎", "yamada*=山田*", "*[x]*", "*%*", "*_*",
    "doe jane", "de la cruz*", "*ana mar*", "smith*", "P00?", "P001", "P*", "*01", "20240101", "20240101-20240131", "-20240101", "20240131-", "10",
    "1015", "2300-1000", "-10", "100000-103000", "CT", "C?", "M*", "CT,MR", "US", "A0001", "A00*", "*Schädel", "CT 100% [a]_b", "7", "07", "x", "*y*",
    "Doe", "DOE^^^", "*an*", "山田*", "やま*", "やまだ^たろう", "yam*rou", "yamada^tarou", "d*", "太郎*", "y?m*", "doe^j*e",
])  # fmt: skip


NOT_BY_BEGINNING = {"_MOST": -1, "_MOST_NARROWED": -1}
WAYS = {
    "beginnings of names": {},
    "beginnings of names, some at a time": {"_FIRST": 3, "_MORE": 2},
    "few candidates": {"FEW": 6000, **NOT_BY_BEGINNING},
    "a walk": {
        **NOT_BY_BEGINNING,
        "FEW": 2,
        "_SURE": -1,
        "_SHORT_RANGE": -1,
        "_LONG_RANGE": -1,
        "_BUDGET": 9,
        "_SORTABLE": -1,
    },
    "a walk, then a range": {
        **NOT_BY_BEGINNING,
        "FEW": 2,
        "_SURE": -1,
        "_SHORT_RANGE": -1,
        "_LONG_RANGE": 10**9,
        "_BUDGET": 5,
    },
    "a range": {**NOT_BY_BEGINNING, "FEW": 2, "_SURE": -1, "_SHORT_RANGE": 10**9},
    "a walk, then sorted": {
        **NOT_BY_BEGINNING,
        "FEW": 2,
        "_SURE": -1,
        "_SHORT_RANGE": -1,
        "_LONG_RANGE": -1,
        "_BUDGET": 5,
        "_SORTABLE": 10**9,
    },
}


def take(patch: pytest.MonkeyPatch, way: dict[str, int]) -> None:
    """Bounds that leave this way only."""
    for name, value in way.items():
        patch.setattr(_way if hasattr(_way, name) else _begun, name, value)


@pytest.mark.parametrize("way", WAYS)
@given(st.sampled_from(sorted(COLUMNS)), TEXTS, st.booleans())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_says_what_the_matching_rules_say(
    archive: tuple[Tx, list[dict[str, Any]]], way: str, keyword: str, text: str, fuzzy: bool
) -> None:
    """By every way that a search can take."""
    try:
        query = from_parameters(Level.STUDY, [(keyword, text), ("fuzzymatching", str(fuzzy).lower())])
    except Invalid:
        return
    expected = set()
    for row in archive[1]:
        value = row[COLUMNS[keyword]]
        stored = tuple(value) if isinstance(value, list) else (value,)
        if all(matches(condition, stored) for condition in query.conditions):
            expected.add(row["study_uid"])
    with pytest.MonkeyPatch.context() as patch:
        take(patch, WAYS[way])
        assert {match.study_uid for match in ask(archive, query)} == expected


@given(TEXTS, TEXTS)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_join_to_the_whole(archive: tuple[Tx, list[dict[str, Any]]], name: str, patient: str) -> None:
    parameters = [("PatientName", name), ("PatientID", patient)]
    whole = [match.study_uid for match in ask(archive, from_parameters(Level.STUDY, parameters))]
    paged: list[str] = []
    for offset in range(0, len(whole) + 4, 4):
        query = from_parameters(Level.STUDY, [*parameters, ("limit", "4"), ("offset", str(offset))])
        paged += [match.study_uid for match in ask(archive, query)]
    assert paged == whole
    counted = search.count(archive[0], READER, from_parameters(Level.STUDY, parameters))
    assert counted.number == len(whole) or not counted.is_exact


@pytest.mark.parametrize("level", [Level.PATIENT, Level.STUDY, Level.SERIES, Level.IMAGE])
@pytest.mark.parametrize(
    "keys",
    [
        {"PatientName": "*o*"},
        {"ReferringPhysicianName": "*山田*"},
        {"StudyDate": "20231231-"},
        {"PatientName": "doe*"},
        {"PatientName": "山田*"},
        {"PatientName": "d*", "ModalitiesInStudy": "CT"},
        {"ReferringPhysicianName": "D*", "PatientSex": ""},
    ],
)
def test_candidates_are_read_in_portions_and_in_one_order(
    archive: tuple[Tx, list[dict[str, Any]]], level: Level, keys: dict[str, str]
) -> None:
    """Portion by portion, page by page and by a walk: the same matches, the latest study first."""
    query = identifier(level.value.upper(), **keys)

    def places(found: Iterable[Match]) -> list[tuple[Any, ...]]:
        return [(one.patient_id, one.study_id, one.series_id, one.instance_id) for one in found]

    def by(ways: dict[str, int], first: int) -> list[tuple[Any, ...]]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_rows, "_FIRST_STUDIES", dict.fromkeys(Level, first))
            take(patch, ways)
            return places(ask(archive, query))

    whole = by(WAYS["few candidates"], 128)
    assert whole
    assert by(WAYS["beginnings of names, some at a time"], 1) == by(WAYS["beginnings of names"], 2) == whole
    assert by(WAYS["few candidates"], 1) == by(WAYS["few candidates"], 3) == by(WAYS["a walk"], 128) == whole
    paged: list[tuple[Any, ...]] = []
    for offset in range(0, len(whole) + 3, 3):
        page, count = search.search_and_count(archive[0], READER, replace(query, offset=offset), limit=3)
        paged += places(page)
        assert count.number == len(whole) or not count.is_exact or offset > len(whole)
    assert paged == whole


def test_names_that_begin_so_are_collected_from_their_indexes(archive: tuple[Tx, Any]) -> None:
    """And what needs no further look is counted so; a condition that no index of names has leads another way."""
    for keys_, is_so in (
        ({"PatientName": "doe*"}, True), ({"PatientName": "山田^太郎"}, True), ({"ReferringPhysicianName": "DOE^J*"}, True),
        ({"PatientName": "doe*", "ModalitiesInStudy": "CT", "StudyDate": "2023-"}, True), ({"PatientName": "*doe*"}, False),
        ({"PatientName": "=山田*"}, False), ({"PatientName": "doe*", "PatientID": "P*"}, False),
        ({"PatientName": "doe*", "PatientBirthDate": "19500101"}, False), ({"PatientName": "doe*", "StudyComments": "odd*"}, False),
    ):  # fmt: skip
        study = compile_filter(identifier("STUDY", **keys_), READER).study
        assert _begun.is_collectable(study, 10_000) == is_so, keys_
    counted = search.count(archive[0], READER, identifier("STUDY", PatientName="doe*"))
    assert counted == search.Count(15, True)
    with pytest.MonkeyPatch.context() as patch:
        take(patch, {"_FIRST": 3, "_MORE": 2})
        assert search.count(archive[0], READER, identifier("STUDY", PatientName="doe*")) == counted
        patch.setattr(asking, "FEW", 4)
        assert search.count(archive[0], READER, identifier("STUDY", PatientName="doe*")) == counted


def elements(match: Match, keyword: str) -> tuple[Any, ...]:
    return match.elements[tags.tag_of(keyword)][1]


def identifier(level: str, **wanted: Any) -> Query:
    found: dict[int, tuple[str, Any]] = {tags.tag_of("QueryRetrieveLevel"): ("CS", (level,))}
    for keyword, value in wanted.items():
        tag = tags.tag_of(keyword)
        found[tag] = (tags.vr_of(tag), value if isinstance(value, tuple) else (value,))
    return from_identifier(found, patient_root=True)


def test_trap_35_absent_return_keys_come_back_empty(archive: tuple[Tx, Any]) -> None:
    (match,) = ask(archive, identifier("STUDY", StudyInstanceUID=f"{UID}.0", PatientAge="", AccessionNumber="", KVP=""))
    assert elements(match, "PatientAge") == elements(match, "AccessionNumber") == elements(match, "KVP") == ()
    assert set(match.elements) == {
        tags.tag_of(word) for word in ("StudyInstanceUID", "PatientAge", "AccessionNumber", "KVP")
    }


def test_trap_37_computed_attributes(archive: tuple[Tx, Any]) -> None:
    (match,) = ask(
        archive,
        identifier(
            "STUDY", StudyInstanceUID=f"{UID}.4", ModalitiesInStudy="", NumberOfStudyRelatedInstances="", NumberOfStudyRelatedSeries="",
            NumberOfPatientRelatedStudies="", InstanceAvailability="",
        ),
    )  # fmt: skip
    assert elements(match, "ModalitiesInStudy") == ("CT", "PT")
    assert elements(match, "NumberOfStudyRelatedInstances") == (4,)
    assert elements(match, "NumberOfPatientRelatedStudies") == (5,)
    assert elements(match, "InstanceAvailability") == ("ONLINE",)


def test_trap_38_sequences_match_and_return_what_was_asked(archive: tuple[Tx, Any]) -> None:
    item = {tags.tag_of("RequestedProcedureID"): ("SH", ("R7",)), tags.tag_of("ScheduledProcedureStepID"): ("SH", ())}
    (match,) = ask(archive, identifier("SERIES", RequestAttributesSequence=(item,), SeriesInstanceUID=""))
    assert match.series_uid == f"{UID}.7.1"
    (found,) = elements(match, "RequestAttributesSequence")
    assert found == {
        tags.tag_of("RequestedProcedureID"): ("SH", ("R7",)),
        tags.tag_of("ScheduledProcedureStepID"): ("SH", ("S7",)),
    }
    (other,) = ask(archive, identifier("SERIES", SeriesInstanceUID=f"{UID}.7.1", RequestAttributesSequence=()))
    assert len(elements(other, "RequestAttributesSequence")) == 1
    (none,) = ask(archive, identifier("SERIES", SeriesInstanceUID=f"{UID}.6.1", RequestAttributesSequence=()))
    assert elements(none, "RequestAttributesSequence") == ()


def test_values_in_json_match_by_the_same_rules(archive: tuple[Tx, Any]) -> None:
    assert len(ask(archive, identifier("SERIES", OperatorsName="doe*"))) == sum(
        1 for number in range(45) if number % 3 and NAMES[number % 9].lower().startswith("doe")
    )
    assert len(ask(archive, identifier("STUDY", StudyComments="odd one"))) == 22
    assert len(ask(archive, identifier("STUDY", StudyComments="odd*"))) == 22


def test_relational_queries_use_keys_of_every_level(archive: tuple[Tx, Any]) -> None:
    assert [match.study_uid for match in ask(archive, identifier("STUDY", SOPInstanceUID=f"{UID}.9.1.1"))] == [
        f"{UID}.9"
    ]
    assert len(ask(archive, identifier("STUDY", Modality="PT"))) == 9
    (image,) = ask(archive, identifier("IMAGE", StudyInstanceUID=f"{UID}.9", PatientName="", NumberOfFrames=""))
    assert elements(image, "PatientName") == (NAMES[0],)
    assert elements(image, "NumberOfFrames") == (2,)


def test_patients_are_found_once(archive: tuple[Tx, Any]) -> None:
    found = ask(archive, identifier("PATIENT", PatientName="doe*", PatientID="", NumberOfPatientRelatedStudies=""))
    assert sorted(elements(match, "PatientID")[0] for match in found) == ["P000", "P001", "P007"]
    assert {elements(match, "NumberOfPatientRelatedStudies") for match in found} == {(5,)}


def test_combined_date_and_time_is_one_range(archive: tuple[Tx, Any]) -> None:
    keys_ = {tags.tag_of("StudyDate"): ("DA", ("20231231-20240101",)), tags.tag_of("StudyTime"): ("TM", ("2300-1000",))}
    combined = ask(archive, from_identifier(keys_, patient_root=False, combined_datetime=True))
    found = {
        (
            archive[1][int(m.study_uid.rsplit(".", 1)[1])]["study_date"],
            archive[1][int(m.study_uid.rsplit(".", 1)[1])]["study_time"],
        )
        for m in combined
    }
    assert ("20240101", "101500.25") not in found
    assert ("20231231", "2359") in found
    assert ("20240101", "000000") in found


def test_what_a_level_cannot_match_is_named(archive: tuple[Tx, Any]) -> None:
    assert search.unsupported(identifier("STUDY", KVP="120"), READER) == (tags.tag_of("KVP"),)
    assert search.unsupported(identifier("STUDY", OperatorsName="a*"), READER) == (tags.tag_of("OperatorsName"),)
    assert search.unsupported(identifier("SERIES", OperatorsName="a*"), READER) == ()


def test_actors_without_the_right_see_nothing(archive: tuple[Tx, Any]) -> None:
    for actor in (
        Actor("user", "2", "blind", TENANT, frozenset()),
        Actor("token", "3", "other", 2, frozenset({"study.read"}), scope=EVERYWHERE),
    ):
        for level in Level:
            assert list(search.search(archive[0], actor, Query(level))) == []
            assert search.count(archive[0], actor, Query(level)).number == 0
        assert search.study_list(archive[0], actor, {})["items"] == []
        with pytest.raises(Absent):
            search.study_by_id(archive[0], actor, archive[1][0]["id"])


def test_every_key_of_the_table_can_be_asked_and_returned(archive: tuple[Tx, Any]) -> None:
    for level in Level:
        assert ask(archive, Query(level, everything=True, return_keys=tuple(keys()), limit=2))
    for key in keys().values():
        if matching_of(key) in ("returned only", "sequence"):
            continue
        value = {"DA": "20240101-", "TM": "10-11", "IS": "1", "DS": "1", "US": "1", "UI": "1.2", "AS": "010Y"}.get(
            key.vr, "a*b?c"
        )
        condition = from_parameters(key.level, [(key.keyword, value)])
        ask(archive, condition)


def test_the_reference_page_names_every_key() -> None:
    page = search.reference()
    assert all(f"| {tags.text_of(tag)} |" in page for tag in keys())
