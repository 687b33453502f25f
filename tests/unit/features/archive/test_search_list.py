"""The study list of the browser: filters, free text, sorting, pages (acceptance 3; guard 7)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.engine.db import Tx
from heliograph.features.archive.search import priors, series_of_study, study_by_id, study_list
from heliograph.kit.errors import Absent, Invalid
from heliograph.standards.dicom import names
from tests.unit.features.archive.test_search import READER, WAYS, archive, take

__all__ = ["archive"]
Archive = tuple[Tx, list[dict[str, Any]]]


def uids(found: dict[str, Any]) -> list[str]:
    return [item["study_uid"] for item in found["items"]]


def test_rows_have_what_the_contract_names(archive: Archive) -> None:
    (row,) = study_list(archive[0], READER, {"accession_number": "A0002"})["items"]
    assert set(row) == {
        "id", "study_uid", "patient", "study_date", "study_time", "timezone_offset", "accession_number", "description", "modalities",
        "body_part", "institution", "referring_physician", "series_count", "instance_count", "bytes", "state", "received_at",
        "last_received_at", "held_count", "unverified", "source", "prior_count", "revision", "restriction",
    }  # fmt: skip
    assert set(row["patient"]) == {"id", "name", "patient_id", "issuer", "birth_date", "sex"}
    assert row["received_at"].endswith("Z")
    (series,) = series_of_study(archive[0], READER, int(row["id"]))
    assert series["document_url"] == f"/api/series/{series['id']}/document?rev={series['revision']}"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"text": "mull"}, {2}),
        ({"text": "MÜLLER jurg"}, {2}),
        ({"text": "schadel"}, None),
        ({"text": "j"}, {0, 1, 2}),
        ({"text": "do"}, {0, 1, 7}),
        ({"text": "山田"}, {3}),
        ({"text": "P004"}, {4}),
        ({"text": "p004"}, {4}),
        ({"text": "zzz"}, set()),
        ({"patient_name": "doe j"}, {0, 1}),
        ({"patient_name": "doe^j*"}, {0, 1}),
        ({"patient_id": "P00"}, set(range(9))),
        ({"patient_id": "*03"}, {3}),
    ],
)
def test_narrowing_by_words(archive: Archive, filters: dict[str, str], expected: set[int] | None) -> None:
    found = study_list(archive[0], READER, filters, limit=500)
    patients = {int(item["patient"]["patient_id"][1:]) for item in found["items"]}
    if expected is None:
        assert {item["description"] for item in found["items"]} == {"MR Schädel"}
    else:
        assert patients == expected
    assert found["count"] == len(found["items"])
    assert found["count_is_exact"]


def test_narrowing_by_date_modality_and_state(archive: Archive) -> None:
    dated = study_list(archive[0], READER, {"date_from": "20240101", "date_to": "20240131"})
    assert {item["study_date"] for item in dated["items"]} == {"20240101", "20240131"}
    assert all("US" in item["modalities"] for item in study_list(archive[0], READER, {"modalities": ["US"]})["items"])
    assert study_list(archive[0], READER, {"state": "receiving"})["items"] == []
    assert len(study_list(archive[0], READER, {"state": "settled"})["items"]) == 45


def test_a_study_by_its_uid_in_the_search_box(archive: Archive) -> None:
    wanted = archive[1][5]["study_uid"]
    assert uids(study_list(archive[0], READER, {"text": wanted})) == [wanted]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize(
    "sort", ["received_at", "study_date", "patient_name", "patient_id", "accession_number", "modality", "instances"]
)
def test_pages_by_cursor_hold_every_row_once_and_in_order(archive: Archive, sort: str, descending: bool) -> None:
    whole = uids(study_list(archive[0], READER, {}, sort=sort, descending=descending, limit=500))
    assert len(whole) == len(set(whole)) == 45
    paged: list[str] = []
    cursor = None
    while True:
        found = study_list(archive[0], READER, {}, sort=sort, descending=descending, cursor=cursor, limit=7)
        paged += uids(found)
        assert (found["count"], found["count_is_exact"]) == (45, True)
        cursor = found["next"]
        if cursor is None:
            break
    assert paged == whole
    backwards = uids(study_list(archive[0], READER, {}, sort=sort, descending=not descending, limit=500))
    assert backwards == whole[::-1]


SORTS = ("received_at", "study_date", "patient_name", "patient_id", "accession_number", "modality", "instances")
WORDS = st.sampled_from(
    ["j", "do", "doe", "mull", "P004", "A00", "schadel", "ct tho", "zzz", "山", "doe j", "ana maria", "[x]%"]
)
FILTERS = st.fixed_dictionaries({}, optional={
    "text": WORDS, "patient_name": st.sampled_from(["doe", "d*", "j", "*m*", "doe^j*", "山田"]),
    "patient_id": st.sampled_from(["P00", "P004", "*3"]), "accession_number": st.sampled_from(["A", "A001", "*2"]),
    "modalities": st.sampled_from([["CT"], ["MR", "US"], ["SR"], ["XX"]]), "date_from": st.sampled_from(["20240101", "20240131"]),
    "date_to": st.sampled_from(["20240101", "20240228"]), "state": st.sampled_from(["settled", "receiving", "held"]),
})  # fmt: skip


def _holds(item: dict[str, Any], text: str) -> bool:
    held = [item["patient"]["name"], item["patient"]["patient_id"], item["accession_number"], item["description"]]
    folded = " " + " ".join(map(names.fold, held))
    return all((word if len(word) > 2 else f" {word}") in folded for word in names.fold(text).split(" "))


@pytest.mark.parametrize("way", WAYS)
@given(FILTERS, st.sampled_from(SORTS), st.booleans())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_way_gives_the_same_pages(
    archive: Archive, way: str, filters: dict[str, Any], sort: str, descending: bool
) -> None:
    """What is found without words, in one page, is what any way must find page by page."""
    plain = {key: value for key, value in filters.items() if key != "text"}
    found = study_list(archive[0], READER, plain, sort=sort, descending=descending, limit=500)["items"]
    text = str(filters.get("text", ""))
    numbered = sum(char.isdigit() for char in text) >= 3
    expected = [
        item["study_uid"] for item in found
        if (item["patient"]["patient_id"].startswith(text) or item["accession_number"].startswith(text) if numbered else _holds(item, text))
    ]  # fmt: skip
    paged: list[str] = []
    cursor = None
    with pytest.MonkeyPatch.context() as patch:
        take(patch, WAYS[way])
        while True:
            page = study_list(archive[0], READER, filters, sort=sort, descending=descending, cursor=cursor, limit=4)
            paged += uids(page)
            assert not page["count_is_exact"] or page["count"] == len(expected)
            cursor = page["next"]
            if cursor is None:
                break
    assert paged == expected


@pytest.mark.parametrize(
    ("filters", "more"),
    [
        ({"state": "gone"}, {}),
        ({"colour": "red"}, {}),
        ({"date_from": "yesterday"}, {}),
        ({"patient_id": "*a" * 99}, {}),
        ({}, {"sort": "price"}),
        ({}, {"cursor": "nonsense"}),
        ({}, {"cursor": "e30"}),
        ({}, {"cursor": "WyJ4IiwgdHJ1ZSwgW10sIDEsIHRydWVd"}),
    ],
)
def test_what_the_list_does_not_know_is_refused(
    archive: Archive, filters: dict[str, Any], more: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        study_list(archive[0], READER, filters, **more)


def test_guard_7_only_an_earlier_study_is_a_prior(archive: Archive) -> None:
    """Patient P000 has studies of five dates, one of them without a date."""
    rows = sorted(
        (row for row in archive[1] if row["patient_id"] == "P000"),
        key=lambda row: (row["study_date"], row["study_time"]),
    )
    latest, undated = rows[-1], rows[0]
    assert undated["study_date"] == ""
    found = priors(archive[0], READER, latest["id"])
    assert [row["study_date"] for row in found] == sorted((row["study_date"] for row in rows[1:-1]), reverse=True)
    assert {row["relation"] for row in found} == {"prior"}
    assert study_by_id(archive[0], READER, latest["id"])["prior_count"] == len(found) == 3
    assert priors(archive[0], READER, undated["id"]) == []
    first = rows[1]
    everything = priors(archive[0], READER, first["id"], later=True)
    assert sorted(row["relation"] for row in everything) == ["later", "later", "later", "undated"]


def test_what_is_not_there_is_absent(archive: Archive) -> None:
    for function in (study_by_id, series_of_study, priors):
        with pytest.raises(Absent):
            function(archive[0], READER, 10**12)
