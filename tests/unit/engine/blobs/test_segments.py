"""Segments keep what was synced, and nothing that is torn."""

import os
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.engine.blobs import open_blobs, segments
from heliograph.engine.blobs.segments import HEAD_BYTES, NOTE_BYTES
from heliograph.kit.errors import Absent, Broken, Busy


def store(folder, **options):
    return open_blobs("file", folder, **options)


def write(writer, prefix, chunks, note=b"n"):
    writer.begin()
    if prefix:
        writer.prefix(prefix)
    for chunk in chunks:
        writer.write(chunk)
    written = writer.finish(note)
    writer.sync()
    writer.keep()
    return written


@given(
    st.lists(st.tuples(st.binary(max_size=300), st.lists(st.binary(max_size=3000), max_size=4)), min_size=1, max_size=8)
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_whole_and_by_range(tmp_path_factory, objects):
    blobs = store(tmp_path_factory.mktemp("b"))
    writer = blobs.writer()
    kept = [(write(writer, prefix, chunks), prefix + b"".join(chunks)) for prefix, chunks in objects]
    for written, data in kept:
        assert blobs.read(written.ref) == data
        assert blobs.size(written.ref) == len(data)
        half = len(data) // 2
        assert blobs.read(written.ref, half, 10) == data[half : half + 10]
    writer.close()
    blobs.close()


def test_what_else_lies_in_the_folder_stops_nobody(tmp_path):
    """A desktop's index, a deleted file that a network disk still holds, a person's copy."""
    blobs = store(tmp_path / "blobs")
    writer = blobs.writer()
    kept = write(writer, b"", [b"pixels"])
    writer.close()
    blobs.leave()
    blobs.close()
    folder = next(path.parent for path in (tmp_path / "blobs").rglob("*.part"))
    for name in (".DS_Store", ".nfs000001", "notes.txt", "copy of it.seg", "mine.open", "yours.part", "0.seg"):
        (folder / name).write_bytes(b"something else")
    blobs = store(tmp_path / "blobs")
    assert blobs.recover(lambda _: None, lambda: None) == 0
    assert list(blobs.refs()) == [kept.ref]
    writers = [blobs.writer() for _ in range(2)]  # one takes up what was laid down, one makes a new segment
    for number, writer in enumerate(writers):
        writer.begin()
        writer.write(b"%d" % number)
    for number, writer in enumerate(writers):
        written = writer.finish(b"n")
        writer.sync()
        writer.keep()
        assert blobs.read(written.ref) == b"%d" % number
        writer.close()
    assert (folder / "yours.part").read_bytes() == b"something else"
    blobs.close()


def test_what_is_lost_is_missing_and_never_another_object(tmp_path):
    """Guard 1: a segment that is lost gives its place to nobody."""
    blobs = store(tmp_path / "blobs")
    writer = blobs.writer()
    lost = [write(writer, b"", [b"old patient"]) for _ in range(3)]
    writer.close()
    blobs.close()
    for path in [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]:
        path.unlink()
    blobs = store(tmp_path / "blobs")
    writer = blobs.writer()
    kept = [write(writer, b"", [b"new patient"]) for _ in range(3)]
    assert all(blobs.read(one.ref) == b"new patient" for one in kept)
    for one in lost:
        with pytest.raises(Broken, match="missing"):
            blobs.read(one.ref)
    writer.close()
    blobs.close()


def test_digest_is_over_the_data_set_alone(tmp_path):
    import hashlib

    writer = store(tmp_path).writer()
    assert write(writer, b"prefix", [b"data ", b"set"]).sha256 == hashlib.sha256(b"data set").digest()


def test_a_discarded_blob_gives_its_place_to_the_next(tmp_path):
    blobs = store(tmp_path)
    writer = blobs.writer()
    writer.begin()
    writer.write(b"x" * 2000)
    first = writer.finish(b"")
    writer.sync()
    writer.discard()
    second = write(writer, b"", [b"y" * 10])
    assert first.ref.split(".")[1] == second.ref.split(".")[1]
    assert blobs.read(second.ref) == b"y" * 10


def recovered(folder):
    blobs = store(folder)
    found = []
    blobs.recover(found.append, lambda: None)
    return blobs, found


def test_recovery_finds_every_synced_record_and_seals(tmp_path):
    blobs = store(tmp_path)
    writer = blobs.writer()
    written = [write(writer, b"p", [bytes([i]) * 700], b"note %d" % i) for i in range(5)]
    writer.close()
    blobs.close()
    again, found = recovered(tmp_path)
    assert [record.written for record in found] == written
    assert [record.note for record in found] == [b"note %d" % i for i in range(5)]
    assert [path.suffix for path in (tmp_path / "blobs").glob("*/*")] == [".seg"]
    assert again.read(written[3].ref) == b"p" + b"\x03" * 700


@pytest.mark.parametrize("damage", ["payload", "head", "cut"])
def test_a_torn_last_record_is_left_out_and_the_others_stay(tmp_path, damage):
    blobs = store(tmp_path)
    writer = blobs.writer()
    written = [write(writer, b"", [bytes([i + 1]) * 5000]) for i in range(3)]
    writer.close()
    blobs.close()
    path = next((tmp_path / "blobs").glob("*/*.open"))
    start = int(written[2].ref.split(".")[1], 16)
    with path.open("r+b") as file:
        if damage == "cut":
            file.truncate(start + 100)
        else:
            file.seek(start + 4000 if damage == "payload" else start - HEAD_BYTES)
            file.write(b"\xff")
    again, found = recovered(tmp_path)
    assert [record.written.ref for record in found] == [w.ref for w in written[:2]]
    assert again.read(written[1].ref) == b"\x02" * 5000


def test_rot_in_the_middle_costs_one_record_and_not_those_behind(tmp_path):
    blobs = store(tmp_path)
    writer = blobs.writer()
    written = [write(writer, b"", [bytes([i + 1]) * 5000]) for i in range(4)]
    writer.close()
    blobs.close()
    path = next((tmp_path / "blobs").glob("*/*.open"))
    with path.open("r+b") as file:
        file.seek(int(written[1].ref.split(".")[1], 16) + 77)
        file.write(b"\xff")
    again, found = recovered(tmp_path)
    assert [record.written.ref for record in found] == [written[i].ref for i in (0, 2, 3)]
    assert again.read(written[3].ref) == b"\x04" * 5000


def test_an_object_that_looks_like_records_makes_none(tmp_path):
    blobs = store(tmp_path)
    writer = blobs.writer()
    write(writer, b"", [b"real"])
    path = next((tmp_path / "blobs").glob("*/*.open"))
    record = path.read_bytes()[HEAD_BYTES : 3 * HEAD_BYTES]
    forged = bytes(16) + record[16:]
    writer.begin()
    writer.write(b"x" * 3 * HEAD_BYTES + forged * 3)
    writer.finish(b"")
    writer.discard()
    short = write(writer, b"", [b"short"])
    writer.close()
    blobs.close()
    assert [r.written.ref for r in recovered(tmp_path)[1]][-1] == short.ref


def test_a_lying_head_never_leads_outside_the_segment(tmp_path):
    blobs = store(tmp_path)
    writer = blobs.writer()
    write(writer, b"", [b"a" * 600])
    writer.close()
    blobs.close()
    path = next((tmp_path / "blobs").glob("*/*.open"))
    with path.open("r+b") as file:
        file.seek(HEAD_BYTES + 16)
        file.write(struct.pack("<Q", 2**63))
    assert recovered(tmp_path)[1] == []


def test_a_segment_that_a_living_process_writes_is_left_alone(tmp_path):
    blobs = store(tmp_path)
    writer = blobs.writer()
    write(writer, b"", [b"a"])
    assert recovered(tmp_path)[1] == []
    assert [path.suffix for path in (tmp_path / "blobs").glob("*/*")] == [".open"]


def test_a_full_segment_is_sealed_when_the_index_is_back_and_stops_nobody_before(tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 4096)
    blobs = store(tmp_path)
    away = [True]

    def durable():
        if away[0]:
            raise Busy("the database does not answer")

    def suffixes():
        return sorted(path.suffix for path in (tmp_path / "blobs").glob("*/*"))

    blobs.on_seal = durable
    writer = blobs.writer()
    kept = [write(writer, b"", [bytes([number]) * 5000]) for number in range(3)]
    assert suffixes() == [".open"]
    away[0] = False
    kept.append(write(writer, b"", [b"\x03" * 5000]))
    assert suffixes() == [".seg"]
    assert [blobs.read(one.ref) for one in kept] == [bytes([number]) * 5000 for number in range(4)]
    writer.close()
    blobs.close()


def test_no_room_is_said_before_the_disk_is_full(tmp_path):
    free = os.statvfs(tmp_path)
    blobs = store(tmp_path, reserve_bytes=free.f_bavail * free.f_frsize * 2)
    with pytest.raises(Busy, match="nearly full"):
        blobs.writer().begin()


def test_a_deleted_blob_reads_as_nothing_of_what_it_was(tmp_path):
    blobs = store(tmp_path)
    writer = blobs.writer()
    written = write(writer, b"", [b"secret" * 4000])
    kept = write(writer, b"", [b"kept" * 100])
    blobs.delete(written.ref)
    assert b"secret" not in blobs.read(written.ref)
    assert blobs.read(kept.ref) == b"kept" * 100


@pytest.mark.parametrize("ref", ["", "x", "1.2", "zz.0.1", "1.2.3.4"])
def test_unknown_refs_are_absent(tmp_path, ref):
    with pytest.raises(Absent):
        store(tmp_path).read(ref)


def test_a_missing_file_is_broken_and_not_absent(tmp_path):
    with pytest.raises(Broken):
        store(tmp_path).read("77.200.10")


def test_the_note_is_bounded(tmp_path):
    writer = store(tmp_path).writer()
    writer.begin()
    with pytest.raises(Broken):
        writer.finish(b"x" * (NOTE_BYTES + 1))


def test_a_segment_that_was_laid_down_needs_no_recovery_and_is_taken_up_again(tmp_path):
    blobs = store(tmp_path)
    writer = blobs.writer()
    first = write(writer, b"", [b"a" * 600])
    writer.close()
    blobs.leave()
    again, found = recovered(tmp_path)
    assert found == []
    writer = again.writer()
    second = write(writer, b"", [b"b" * 600])
    assert second.ref.split(".")[0] == first.ref.split(".")[0]
    assert again.read(first.ref) == b"a" * 600
    assert again.read(second.ref) == b"b" * 600
    writer.close()
    again.close()
    _, found = recovered(tmp_path)
    assert [record.written.ref for record in found] == [first.ref, second.ref]
