"""The series document as a value: splitting, storing, serving."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from heliograph.features.imaging.document import BASE, Entry, SeriesDocument, split_shared

TAGS = st.sampled_from(["00080005", "00080018", "00100010", "00200013", "00200032", "00280010", "00289999", "7FE00010"])
SCALARS = st.one_of(
    st.text(max_size=8), st.integers(-(2**31), 2**31), st.floats(allow_nan=False, allow_infinity=False), st.none()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TAGS, inner, max_size=3), max_leaves=6
)
ATTRIBUTES = st.fixed_dictionaries(
    {"vr": st.sampled_from(["LO", "PN", "DS", "SQ"])}, optional={"Value": st.lists(VALUES, max_size=3)}
)
MARK = "the-secret-of-this-document"
INSTANCES = st.lists(st.dictionaries(TAGS, ATTRIBUTES, max_size=6), max_size=6)
FACTS = st.tuples(
    st.integers(1, 2**60),
    st.none() | st.integers(-99, 2**31 - 1),
    st.integers(1, 9999),
    st.binary(max_size=40),
    st.binary(min_size=32, max_size=32),
)


def document(
    instances: list[dict[str, Any]], facts: list[Any] | None = None, *, revision: int = 3, settled: bool = True
) -> SeriesDocument:
    shared, own = split_shared(instances, MARK)
    entries = []
    for n, text in enumerate(own):
        number, order, frames, table, digest = facts[n] if facts else (n + 1, n, 1, b"", bytes(32))
        entries.append(
            Entry(
                number,
                f"1.2.3.{n}",
                "1.2.840.10008.5.1.4.1.1.2",
                order,
                frames,
                "1.2.840.10008.1.2.1",
                digest.hex(),
                1000 + n,
                f"1.{n}",
                text,
                table,
            )
        )
    return SeriesDocument("1.2", "1.2.3", revision, settled, shared, tuple(entries))


@given(INSTANCES)
def test_shared_and_own_attributes_together_are_the_originals(instances: list[dict[str, Any]]) -> None:
    made = document(instances)
    assert json.loads(made.metadata("http://x/dicom-web")) == instances
    shared = json.loads(b"{" + made.shared + b"}")
    for entry, original in zip(made.entries, instances, strict=True):
        own = json.loads(b"{" + entry.attributes + b"}")
        assert {**shared, **own} == original
        assert not set(shared) & set(own), "each attribute is written once"
        alone = made.instance_metadata(entry.sop_uid, "http://x/dicom-web")
        assert alone is not None
        assert json.loads(alone) == [original]


@given(INSTANCES)
def test_what_is_equal_in_all_is_shared(instances: list[dict[str, Any]]) -> None:
    shared, own = split_shared(instances, MARK)
    found = set(json.loads(b"{" + shared + b"}"))
    if len(instances) < 2:
        assert found == set()
        return
    texts = [{tag: json.dumps(value) for tag, value in one.items()} for one in instances]
    assert found == {tag for tag in texts[0] if all(one.get(tag) == texts[0][tag] for one in texts)}
    assert len(own) == len(instances)


@given(st.data(), INSTANCES, st.integers(0, 2**40), st.booleans())
def test_the_stored_form_gives_back_the_same_document(
    data: st.DataObject, instances: list[dict[str, Any]], revision: int, settled: bool
) -> None:
    facts = data.draw(st.lists(FACTS, min_size=len(instances), max_size=len(instances)))
    made = document(instances, facts, revision=revision, settled=settled)
    assert SeriesDocument.from_bytes(made.to_bytes()) == made


@given(INSTANCES)
def test_the_viewer_gets_the_same_attributes(instances: list[dict[str, Any]]) -> None:
    told = json.loads(document(instances).for_viewer("/dicom-web"))
    assert told["instance_count"] == len(told["instances"]) == len(instances)
    assert [{**told["shared"], **one["attributes"]} for one in told["instances"]] == instances
    assert (told["revision"], told["settled"]) == ("3", True)
    for n, one in enumerate(told["instances"]):
        assert one["frame_urls_base"] == f"/dicom-web/studies/1.2/series/1.2.3/instances/1.2.3.{n}/frames/"


def test_addresses_of_bulk_data_are_those_of_the_request() -> None:
    bulk = {
        "7FE00010": {
            "vr": "OW",
            "BulkDataURI": MARK + "/studies/1.2/series/1.2.3/instances/1.2.3.0/bulkdata/7FE00010",
        }
    }
    made = document([bulk, bulk | {"00200013": {"vr": "IS", "Value": [2]}}])
    for base in ("http://127.0.0.1:8080/dicom-web", "https://pacs.example/dicom-web"):
        for one in json.loads(made.metadata(base)):
            assert (
                one["7FE00010"]["BulkDataURI"] == f"{base}/studies/1.2/series/1.2.3/instances/1.2.3.0/bulkdata/7FE00010"
            )
    assert BASE not in made.for_viewer("/dicom-web")


def test_an_instance_of_another_series_is_not_there() -> None:
    assert document([{}]).instance_metadata("9.9.9", "") is None


def test_guard_1_the_entity_tag_changes_with_revision_and_with_settling() -> None:
    tags = {document([{}], revision=revision, settled=settled).etag for revision in (3, 4) for settled in (True, False)}
    assert len(tags) == 4


@given(st.text(max_size=40), st.sampled_from(["%HG-BASE%", "\x01", "\\u0001", "\\x01", "\x01/studies/1"]))
def test_no_text_of_an_object_is_taken_for_the_address(text: str, place: str) -> None:
    told = {
        "00104000": {"vr": "LT", "Value": [text + place + text]},
        "7FE00010": {"vr": "OW", "BulkDataURI": MARK + "/b"},
    }
    made = SeriesDocument.from_bytes(document([told, told | {"00200013": {"vr": "IS", "Value": [2]}}]).to_bytes())
    for served in (
        json.loads(made.metadata("http://x/dicom-web")),
        [json.loads(made.for_viewer("http://x/dicom-web"))["shared"]],
    ):
        for one in served:
            assert one["00104000"]["Value"] == [text + place + text]
            assert one["7FE00010"]["BulkDataURI"] == "http://x/dicom-web/b"
