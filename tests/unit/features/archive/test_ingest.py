"""What becomes of an object: new, identical, newer, held (DESIGN 3; traps 24 to 29; safety guard 3)."""

import threading

import pytest
from pydicom.uid import ImplicitVRLittleEndian

from tests.phantoms import Shape, file_bytes


def counts(database, study_uid):
    with database.transaction() as tx:
        return tx.execute(
            "select instance_count, series_count, held_count, bytes, modalities, sop_classes, revision, settled_at from study where study_uid = %s",
            (study_uid,),
        ).fetchone()


def blob_of(database, sop_uid):
    with database.transaction() as tx:
        return tx.execute(
            "select blob, version, sha256, prefix_bytes from instance where sop_uid = %s", (sop_uid,)
        ).fetchone()


def test_new_objects_count_at_every_level(put, slice_of, shape, scratch):
    sizes = []
    for number in (1, 2, 3):
        raw = file_bytes(slice_of(shape, number))
        sizes.append(len(raw))
        assert put(raw).kind == "new"
    instances, series, held, size, modalities, classes, revision, settled = counts(scratch, shape.study_uid)
    assert (instances, series, held, size) == (3, 1, 0, sum(sizes))
    assert modalities == ["CT"]
    assert classes == ["1.2.840.10008.5.1.4.1.1.2"]
    assert revision == 3
    assert settled is None


def test_bytes_come_back_as_they_were_sent(put, slice_of, shape, scratch, intake):
    raw = file_bytes(slice_of(shape, 1))
    put(raw)
    assert intake.blobs.read(blob_of(scratch, shape.sop_uid(1))[0]) == raw


def test_trap_25_identical_resend_is_success_and_adds_nothing(put, slice_of, shape, scratch):
    raw = file_bytes(slice_of(shape, 1))
    assert put(raw).kind == "new"
    before = counts(scratch, shape.study_uid)
    again = put(raw, source="CT2")
    assert again.kind == "identical"
    assert not again.keeps_blob
    assert counts(scratch, shape.study_uid) == before


def test_same_object_in_another_transfer_syntax_is_identical(put, slice_of, shape):
    put(slice_of(shape, 1))
    other = slice_of(shape, 1)
    raw = file_bytes(other)
    other.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    import io

    from pydicom import dcmwrite

    out = io.BytesIO()
    dcmwrite(out, other, enforce_file_format=True, implicit_vr=True, little_endian=True)
    assert out.getvalue() != raw
    assert put(out.getvalue(), source="OTHER").kind == "identical"


def test_trap_24_other_content_from_the_same_source_becomes_current_and_the_older_stays(
    put, slice_of, shape, scratch, intake
):
    first = file_bytes(slice_of(shape, 1))
    put(first)
    changed = slice_of(shape, 1)
    changed.SeriesDescription = "CORRECTED"
    second = file_bytes(changed)
    assert put(second).kind == "newer"
    blob, version, *_ = blob_of(scratch, shape.sop_uid(1))
    assert version == 2
    assert intake.blobs.read(blob) == second
    with scratch.transaction() as tx:
        rows = tx.execute(
            "select v.version, v.blob from instance_version v join instance i on i.id = v.instance_fk where i.sop_uid = %s",
            (shape.sop_uid(1),),
        ).fetchall()
    assert [row[0] for row in rows] == [1]
    assert intake.blobs.read(rows[0][1]) == first
    assert counts(scratch, shape.study_uid)[0] == 1
    assert counts(scratch, shape.study_uid)[3] == len(second)


def test_sending_the_older_version_again_does_not_turn_the_clock_back(put, slice_of, shape, scratch):
    first = file_bytes(slice_of(shape, 1))
    put(first)
    changed = slice_of(shape, 1)
    changed.SeriesDescription = "CORRECTED"
    put(changed)
    assert put(first).kind == "identical"
    assert blob_of(scratch, shape.sop_uid(1))[1] == 2


def test_trap_24_other_content_from_another_source_is_held_and_the_study_says_so(put, slice_of, shape, scratch):
    put(slice_of(shape, 1), source="CT1")
    changed = slice_of(shape, 1)
    changed.SeriesDescription = "FORGED"
    outcome = put(changed, source="ELSEWHERE")
    assert (outcome.kind, outcome.reason) == ("held", "same_uid_other_content")
    assert counts(scratch, shape.study_uid)[2] == 1
    assert blob_of(scratch, shape.sop_uid(1))[1] == 1


def test_same_uid_in_another_study_is_held(put, slice_of, shape):
    put(slice_of(shape, 1))
    other = slice_of(Shape(**{**vars_of(shape), "study": 2}), 1)
    other.SOPInstanceUID = shape.sop_uid(1)
    assert put(other).reason == "same_uid_other_study"


def test_same_series_in_another_study_is_held_and_makes_no_empty_study(put, slice_of, shape, scratch):
    put(slice_of(shape, 1))
    other_shape = Shape(**{**vars_of(shape), "study": 2})
    other = slice_of(other_shape, 1)
    other.SeriesInstanceUID = shape.series_uid
    assert put(other).reason == "series_in_other_study"
    assert counts(scratch, other_shape.study_uid) is None


@pytest.mark.parametrize(
    ("attribute", "value"), [("PatientName", "Somebody^Else"), ("PatientBirthDate", "19991231"), ("PatientSex", "F")]
)
def test_guard_3_same_identifier_with_other_demographics_is_held(put, slice_of, shape, attribute, value):
    first = slice_of(shape, 1)
    first.PatientSex = "M"
    put(first)
    other = slice_of(Shape(**{**vars_of(shape), "study": 2}), 1)
    other.PatientSex = "M"
    setattr(other, attribute, value)
    outcome = put(other)
    assert (outcome.kind, outcome.reason) == ("held", "patient_differs")


@pytest.mark.parametrize("name", ["LOAD^PHANTOM", "load^phantom^^", "Phantom^Load", "Lòad^Phantom"])
def test_trap_26_spelling_of_a_name_is_no_other_person(put, slice_of, shape, name):
    put(slice_of(shape, 1))
    other = slice_of(Shape(**{**vars_of(shape), "study": 2}), 1)
    other.SpecificCharacterSet = "ISO_IR 192"
    other.PatientName = name
    assert put(other).kind == "new"


@pytest.mark.parametrize("placeholder", ["", "0", "TEST", "UNKNOWN", "***", "000000"])
def test_guard_3_placeholder_identifiers_never_join_two_people(put, slice_of, shape, placeholder, scratch):
    first = slice_of(shape, 1)
    first.PatientID = placeholder
    second_shape = Shape(**{**vars_of(shape), "study": 2})
    second = slice_of(second_shape, 1)
    second.PatientID, second.PatientName = placeholder, "Somebody^Else"
    assert put(first).kind == put(second).kind == "new"
    with scratch.transaction() as tx:
        rows = tx.execute(
            "select distinct patient_fk from study where study_uid in (%s, %s)",
            (shape.study_uid, second_shape.study_uid),
        ).fetchall()
    assert len(rows) == 2


def test_guard_3_the_same_identifier_of_two_issuers_is_two_people(put, slice_of, shape, scratch):
    put(slice_of(shape, 1), issuer="HOUSE")
    other_shape = Shape(**{**vars_of(shape), "study": 2})
    other = slice_of(other_shape, 1)
    other.PatientName = "Somebody^Else"
    assert put(other, source="media:disk", issuer="media:disk").kind == "new"
    with scratch.transaction() as tx:
        rows = tx.execute(
            "select issuer, patient_fk from study where study_uid in (%s, %s) order by 1",
            (shape.study_uid, other_shape.study_uid),
        ).fetchall()
    assert [row[0] for row in rows] == ["HOUSE", "media:disk"]
    assert rows[0][1] != rows[1][1]


def test_object_under_another_patient_of_the_same_study_is_held(put, slice_of, shape, scratch):
    put(slice_of(shape, 1))
    other = slice_of(shape, 2)
    other.PatientID = "SOMEBODY-ELSE"
    outcome = put(other)
    assert (outcome.kind, outcome.reason) == ("held", "study_of_other_patient")
    assert counts(scratch, shape.study_uid)[2] == 1


@pytest.mark.parametrize("attribute", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [("", "missing_identifier"), ("1.2.x", "bad_identifier"), ("../../etc/passwd", "bad_identifier")],
)
def test_trap_27_missing_and_bad_identifiers_are_held_with_the_reason(put, slice_of, shape, attribute, value, reason):
    data = slice_of(shape, 1)
    raw_value = getattr(data, attribute)
    raw = file_bytes(data)
    replacement = value.encode()[:64]
    # The data set is changed byte by byte, because a good writer refuses to write such values.
    marker = raw_value.encode() + (b"\0" if len(raw_value) % 2 else b"")
    position = raw.rindex(marker)
    changed = raw[:position] + replacement.ljust(len(marker), b" ") + raw[position + len(marker) :]
    outcome = put(changed)
    assert outcome.kind == "held"
    assert outcome.reason in {reason, "bad_identifier" if value else reason}


def test_bytes_that_are_not_dicom_are_kept_and_held(put, scratch, intake):
    raw = b"GET / HTTP/1.1\r\n\r\n" * 100
    outcome = put(raw)
    assert (outcome.kind, outcome.reason) == ("held", "unparseable")
    with scratch.transaction() as tx:
        row = tx.execute("select blob, reason from held where id = %s", (outcome.held_id,)).fetchone()
    assert intake.blobs.read(row[0]) == raw
    assert "not a DICOM" in row[1]


def test_truncated_object_is_held(put, slice_of, shape):
    raw = file_bytes(slice_of(shape, 1))
    assert put(raw[:-20]).reason == "truncated"


def test_sending_a_held_object_again_does_not_hold_it_twice(put, slice_of, shape, scratch):
    raw = file_bytes(slice_of(shape, 1))[:-20]
    first, second = put(raw), put(raw)
    assert first.held_id == second.held_id


def test_uid_of_the_command_that_differs_is_held(put, slice_of, shape):
    assert put(slice_of(shape, 1), expected="1.2.3").reason == "command_differs"


def test_trap_28_missing_numbers_and_dates_are_stored(put, slice_of, shape, scratch):
    data = slice_of(shape, 1)
    del data.StudyDate, data.StudyTime, data.SeriesNumber, data.InstanceNumber
    data.SOPClassUID = "1.2.826.0.1.3680043.9.7433.1.1"
    assert put(data).kind == "new"


def test_the_same_object_through_many_doors_at_once_is_stored_once(intake, actor, slice_of, shape, scratch):
    from tests.unit.features.archive.conftest import feed

    raw = [file_bytes(slice_of(shape, number)) for number in (1, 2, 3)]
    kinds: list[str] = []

    def sender(name: str) -> None:
        with intake.arrival(actor, "dimse", "CT1") as delivery:
            for _ in range(3):
                kinds.extend(feed(delivery, one).kind for one in (raw if name < "c" else reversed(raw)))

    threads = [threading.Thread(target=sender, args=(name,)) for name in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(kinds)) == ["identical", "new"], kinds
    assert kinds.count("new") == 3
    assert kinds.count("identical") == len(kinds) - 3
    assert counts(scratch, shape.study_uid)[0] == 3


def vars_of(shape):
    return {name: getattr(shape, name) for name in shape.__dataclass_fields__}
