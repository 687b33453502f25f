"""Documents, manifests and thumbnails of what is stored (safety guards 1 and 7)."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydicom import Dataset, dcmread

from heliograph.engine.blobs import Blobs, open_blobs
from heliograph.engine.children import Children
from heliograph.engine.db import Database
from heliograph.features.access import EVERYWHERE, Actor
from heliograph.features.archive import Outcome
from heliograph.features.imaging import Documents, SeriesDocument, series_thumbnail, study_manifest
from heliograph.kit.errors import Absent
from heliograph.kit.time import monotonic_s, now
from tests.phantoms import Shape, header, slices
from tests.unit.features.imaging.conftest import Put

NOBODY = Actor("user", "1", "nobody", 1, frozenset())


@pytest.fixture
def documents(scratch: Database, blobs: Blobs) -> Documents:
    return Documents(scratch, blobs)


def settle(scratch: Database, shape: Shape) -> None:
    with scratch.transaction() as tx:
        tx.execute("update series set settled_at = %s where series_uid = %s", (now(), shape.series_uid))


def instances(document: SeriesDocument) -> list[dict[str, Any]]:
    return list(json.loads(document.metadata("http://x/dicom-web")))


def test_a_document_says_what_the_objects_say(
    documents: Documents, actor: Actor, shape: Shape, stored: Outcome
) -> None:
    found = documents.find(actor, shape.study_uid, shape.series_uid)
    assert [entry.sop_uid for entry in found.entries] == [shape.sop_uid(n) for n in (1, 2, 3, 4)]
    for told, raw in zip(instances(found), slices(shape), strict=True):
        original = dcmread(io.BytesIO(raw))
        for element in original:
            tag = f"{element.tag:08X}"
            if element.keyword == "SpecificCharacterSet":
                assert told[tag]["Value"] == ["ISO_IR 192"], "JSON is UTF-8 (PS3.18 F.2)"
            elif tag == "7FE00010":
                assert told[tag]["BulkDataURI"].endswith(f"/instances/{original.SOPInstanceUID}/bulkdata/7FE00010")
            else:
                expected = element.to_json_dict(None, 1024)
                assert (told[tag]["vr"], told[tag].get("Value")) == (expected["vr"], expected.get("Value")), (
                    element.keyword
                )


def test_frames_are_ranges_of_the_stored_bytes(
    documents: Documents, blobs: Blobs, actor: Actor, shape: Shape, stored: Outcome
) -> None:
    from heliograph.standards.dicom.frames import FrameTable

    found = documents.find(actor, shape.study_uid, shape.series_uid)
    for entry, raw in zip(found.entries, slices(shape), strict=True):
        table = FrameTable.from_bytes(entry.frame_table)
        assert (
            table.read_frame(0, lambda o, n, entry=entry: blobs.read(entry.blob, o, n))
            == dcmread(io.BytesIO(raw)).PixelData
        )


def test_guard_7_a_document_follows_what_arrives(
    documents: Documents, scratch: Database, actor: Actor, shape: Shape, put: Put
) -> None:
    raw = slices(shape)
    put(raw[0])
    first = documents.find(actor, None, shape.series_uid)
    assert documents.find(actor, None, shape.series_uid) is first, "nothing new: nothing is made"
    put(raw[1])
    second = documents.find(actor, None, shape.series_uid)
    assert (len(first.entries), len(second.entries)) == (1, 2)
    assert second.revision > first.revision
    assert (first.settled, second.settled) == (False, False)
    settle(scratch, shape)
    third = documents.find(actor, None, shape.series_uid)
    assert (third.revision, third.settled) == (second.revision, True)
    assert third.etag != second.etag


def test_guard_1_a_replaced_object_makes_a_new_document(
    documents: Documents, scratch: Database, actor: Actor, shape: Shape, put: Put, stored: Outcome
) -> None:
    settle(scratch, shape)
    before = documents.find(actor, None, shape.series_uid)
    documents.write(stored.series_id or 0)
    changed = dcmread(io.BytesIO(slices(shape)[1]))
    changed.SeriesDescription = "CORRECTED"
    assert put(changed).kind == "newer"
    after = documents.find(actor, None, shape.series_uid)
    assert after.revision > before.revision
    assert after.entries[1].digest != before.entries[1].digest
    assert [one.get("0008103E", {}).get("Value") for one in instances(after)].count(["CORRECTED"]) == 1


def test_a_written_document_is_read_and_not_made_again(
    documents: Documents, scratch: Database, actor: Actor, shape: Shape, stored: Outcome, tmp_path: Path
) -> None:
    settle(scratch, shape)
    documents.write(stored.series_id or 0)
    made = documents.find(actor, None, shape.series_uid)

    nothing = open_blobs("file", tmp_path / "nothing")
    assert Documents(scratch, nothing).find(actor, None, shape.series_uid) == made, "the stored document has everything"
    nothing.close()


def test_a_late_job_does_not_overwrite_a_newer_document(
    documents: Documents, scratch: Database, shape: Shape, stored: Outcome
) -> None:
    documents.write(stored.series_id or 0)
    with scratch.transaction() as tx:
        tx.execute("update series_document set revision = revision + 5 where series_fk = %s", (stored.series_id,))
    documents.write(stored.series_id or 0)
    with scratch.transaction() as tx:
        revisions = tx.execute(
            "select d.revision - s.revision from series_document d join series s on s.id = d.series_fk where s.id = %s",
            (stored.series_id,),
        ).fetchone()
    assert revisions == (5,)


def test_who_may_not_read_finds_nothing(
    documents: Documents, scratch: Database, blobs: Blobs, actor: Actor, shape: Shape, stored: Outcome
) -> None:
    documents.find(actor, None, shape.series_uid)
    series_thumbnail(scratch, blobs, actor, stored.series_id or 0)
    other_tenant = Actor("token", "1", "x", 2, frozenset({"study.read"}), scope=EVERYWHERE)
    for who in (NOBODY, other_tenant):
        with pytest.raises(Absent):
            documents.find(who, None, shape.series_uid)
        with pytest.raises(Absent):
            documents.by_id(who, stored.series_id or 0)
        with pytest.raises(Absent):
            series_thumbnail(scratch, blobs, who, stored.series_id or 0)
        with scratch.transaction() as tx, pytest.raises(Absent):
            study_manifest(tx, who, stored.study_id or 0, blobs)
    with pytest.raises(Absent):
        documents.find(actor, "1.2.3", shape.series_uid)


def test_a_thumbnail_is_a_small_picture_of_this_revision(
    scratch: Database, blobs: Blobs, actor: Actor, shape: Shape, put: Put, stored: Outcome
) -> None:
    body, tag, study_id = series_thumbnail(scratch, blobs, actor, stored.series_id or 0)
    picture = Image.open(io.BytesIO(body))
    assert picture.format == "JPEG"
    assert max(picture.size) <= 128
    assert series_thumbnail(scratch, blobs, actor, stored.series_id or 0) == (body, tag, study_id)
    changed = dcmread(io.BytesIO(slices(shape)[2]))
    changed.PixelData = bytes(len(changed.PixelData))
    put(changed)
    again, later, _ = series_thumbnail(scratch, blobs, actor, stored.series_id or 0)
    assert later != tag
    assert again != body, "the middle slice is another one now"


def test_foreign_pixels_are_decoded_in_a_child(
    scratch: Database, blobs: Blobs, actor: Actor, stored: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a codec does to its process must not happen to the one that serves everybody."""

    def not_here(*_: object, **__: object) -> None:
        raise AssertionError("decoded in this process")

    monkeypatch.setattr("heliograph.standards.dicom.render.decode_cells", not_here)
    body, _, _ = series_thumbnail(scratch, blobs, actor, stored.series_id or 0)
    assert Image.open(io.BytesIO(body)).format == "JPEG"


def test_pixels_that_kill_their_decoder_are_tried_once_a_revision(
    scratch: Database, blobs: Blobs, actor: Actor, stored: Outcome
) -> None:
    closed = Children()
    closed.close()  # every work dies
    assert series_thumbnail(scratch, blobs, actor, stored.series_id or 0, children=closed)[0] == b""
    assert series_thumbnail(scratch, blobs, actor, stored.series_id or 0)[0] == b"", "not again with every page"


def test_a_series_without_pictures_has_a_document_and_no_thumbnail(
    documents: Documents, scratch: Database, blobs: Blobs, actor: Actor, shape: Shape, put: Put
) -> None:
    made: Dataset = header(replace(shape, slices=1), 1)
    for keyword in ("Rows", "Columns", "BitsAllocated", "PixelSpacing"):
        delattr(made, keyword)
    outcome = put(made)
    found = documents.find(actor, None, shape.series_uid)
    assert (len(found.entries), found.entries[0].frame_table) == (1, b"")
    for _ in range(2):
        assert series_thumbnail(scratch, blobs, actor, outcome.series_id or 0)[0] == b""


def test_the_manifest_counts_what_is_there(
    scratch: Database, blobs: Blobs, actor: Actor, shape: Shape, put: Put, stored: Outcome
) -> None:
    forged = dcmread(io.BytesIO(slices(shape)[0]))
    forged.SeriesDescription = "FORGED"
    assert put(forged, "ELSEWHERE").kind == "held"
    with scratch.transaction() as tx:
        told = study_manifest(tx, actor, stored.study_id or 0, blobs)
    assert (told["instance_count"], told["study"]["instance_count"]) == (4, 4)
    assert [one["instance_count"] for one in told["series"]] == [4]
    assert [one["reason_code"] for one in told["held"]] == ["same_uid_other_content"]
    assert told["priors"] == []
    with scratch.transaction() as tx, pytest.raises(Absent):
        study_manifest(tx, actor, 10**12, blobs)


def test_pixels_that_cannot_be_framed_say_why(
    documents: Documents, actor: Actor, put: Put, shape: Shape, caplog: pytest.LogCaptureFixture
) -> None:
    whole = next(iter(slices(shape)))
    broken = dcmread(io.BytesIO(whole))
    broken.BitsAllocated = 13
    put(broken)
    found = documents.find(actor, shape.study_uid, shape.series_uid)
    entry = SeriesDocument.from_bytes(found.to_bytes()).entries[0]
    assert entry.frame_table == b""
    assert entry.problem
    assert json.loads(found.for_viewer("/dicom-web"))["instances"][0]["problem"] == entry.problem
    assert instances(found)[0]["0020000D"]["Value"] == [shape.study_uid], "its attributes are served"


def test_one_lost_object_leaves_the_others_to_be_seen_and_nothing_of_it_is_kept(
    documents: Documents, actor: Actor, stored: Outcome, shape: Shape, scratch: Database, blobs: Blobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def move(change: str) -> None:
        with scratch.transaction() as tx:
            tx.execute(f"update instance set blob = {change} where sop_uid = %s", (shape.sop_uid(2),))

    move("'ffff' || blob")  # a segment that is not there
    settle(scratch, shape)
    assert stored.series_id is not None
    documents.write(stored.series_id)
    series_thumbnail(scratch, blobs, actor, stored.series_id)
    found = documents.find(actor, shape.study_uid, shape.series_uid)
    problems = {entry.sop_uid: entry.problem for entry in found.entries}
    assert problems == {shape.sop_uid(n): "blob_missing" if n == 2 else "" for n in (1, 2, 3, 4)}
    told = {one["00080018"]["Value"][0]: one for one in instances(found)}
    assert told[shape.sop_uid(2)]["0020000D"]["Value"] == [shape.study_uid], "who looks for it learns that it is there"
    assert told[shape.sop_uid(2)]["00080016"]["Value"] == [found.entries[0].sop_class_uid]
    move("substr(blob, 5)")  # the copy of it was put back
    mended = Documents(scratch, blobs).find(actor, shape.study_uid, shape.series_uid)
    assert {entry.problem for entry in mended.entries} == {""}, "the damaged one was not stored"
    monkeypatch.setattr("heliograph.features.imaging.documents.monotonic_s", lambda: monotonic_s() + 31)
    late = documents.find(actor, shape.study_uid, shape.series_uid)
    assert {entry.problem for entry in late.entries} == {""}, "and is not remembered for long"


def test_a_fault_while_framing_is_told_without_values(
    documents: Documents, actor: Actor, stored: Outcome, shape: Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def fails(*_: object) -> None:
        raise ZeroDivisionError("a value of the object")

    monkeypatch.setattr("heliograph.standards.dicom.frames.frame_table", fails)
    monkeypatch.setattr("heliograph.engine.telemetry.fact", lambda event, **values: told.append(f"{event} {values}"))
    found = documents.find(actor, shape.study_uid, shape.series_uid)
    assert {entry.problem for entry in found.entries} == {"frame_table_failed"}
    assert len(told) == 4
    assert all(line.startswith("frame_table_failed") and "ZeroDivisionError" in line for line in told)
    assert not any("a value of the object" in line for line in told)
