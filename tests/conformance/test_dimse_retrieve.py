"""C-MOVE and C-GET asked by foreign programs (PS3.4 C.4.2, C.4.3; traps 44 to 48; N8)."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage, ImplicitVRLittleEndian, MRImageStorage
from pynetdicom import build_role, evt
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from tests import data, phantoms
from tests.peers import dcmtk, part10, pynet
from tests.peers.heliograph import Server
from tests.phantoms import Shape

STUDY = Shape(12, rows=32, columns=32, seed=41, patient="R1", name="Retrieve^One")
MODEL = StudyRootQueryRetrieveInformationModelMove


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("retrieve")
    with Server(folder / "data") as running:
        for caller in ("DCMTK", "PYNET"):
            running.add_device(caller)
        phantoms.write_series(STUDY, folder / "study")
        assert dcmtk.storescu(running.dicom, folder / "study").code == 0
        yield running


@pytest.fixture(scope="module")
def sent() -> dict[str, bytes]:
    return {STUDY.sop_uid(number): part10.split(one).dataset for number, one in enumerate(phantoms.slices(STUDY), 1)}


def study(uid: str = STUDY.study_uid, **more: str) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = uid
    for keyword, value in more.items():
        setattr(identifier, keyword, value)
    return identifier


def registered(server: Server, receiver: pynet.StoreScp) -> pynet.StoreScp:
    server.add_device(receiver.dicom.aet, receiver.dicom.port, "echo")
    return receiver


def test_move_brings_every_object_bit_for_bit_with_right_counts(archive: Server, sent: dict[str, bytes]) -> None:
    with registered(archive, pynet.StoreScp(aet="MOVE1")) as receiver:
        done = pynet.move(archive.dicom, "MOVE1", study())
    assert (done.status, done.completed, done.failed, done.warning) == (0, 12, 0, 0)
    assert receiver.raw == sent


def test_trap_45_sub_operations_name_the_originator(archive: Server) -> None:
    seen: set[tuple[str, int]] = set()

    def note(event: Any) -> int:
        request = event.request
        seen.add((request.MoveOriginatorApplicationEntityTitle, request.MoveOriginatorMessageID))
        return 0x0000

    with registered(archive, pynet.StoreScp(aet="MOVE2", status=note)):
        pynet.move(archive.dicom, "MOVE2", study())
    assert seen == {("PYNET", 1)}


def test_trap_45_partial_failure_is_b000_with_the_failed_list(archive: Server) -> None:
    bad = {STUDY.sop_uid(2), STUDY.sop_uid(5)}

    def judge(event: Any) -> int:
        return 0xA900 if event.request.AffectedSOPInstanceUID in bad else 0x0000

    with registered(archive, pynet.StoreScp(aet="MOVE3", status=judge)):
        done = pynet.move(archive.dicom, "MOVE3", study())
    assert (done.status, done.completed, done.failed) == (0xB000, 10, 2)
    assert set(done.failed_uids) == bad


def test_trap_45_warnings_count_as_warnings(archive: Server) -> None:
    with registered(archive, pynet.StoreScp(aet="MOVE4", status=0xB007)):
        done = pynet.move(archive.dicom, "MOVE4", study())
    assert (done.status, done.completed, done.failed, done.warning) == (0xB000, 0, 0, 12)


def test_trap_45_destination_that_is_down_is_a702_with_all_failed(archive: Server) -> None:
    archive.add_device("DOWN", 9, "echo")
    done = pynet.move(archive.dicom, "DOWN", study())
    assert (done.status, done.completed, done.failed, len(done.failed_uids)) == (0xA702, 0, 12, 12)


def test_trap_45_no_match_is_success_without_an_association(archive: Server) -> None:
    archive.add_device("NOBODY", 9, "echo")
    done = pynet.move(archive.dicom, "NOBODY", study("1.2.3.4.5"))
    assert (done.status, done.completed, done.failed) == (0, 0, 0)


def test_n8_destination_that_is_not_registered_is_a801(archive: Server) -> None:
    assert pynet.move(archive.dicom, "EVIL", study()).status == 0xA801


@pytest.mark.parametrize(
    "identifier",
    [
        study(""),
        study("*"),
        study("1.2.*"),
        study("", PatientID="*"),
    ],
    ids=["empty", "star", "wildcard", "patient"],
)
def test_trap_47_empty_or_wild_unique_key_is_refused(archive: Server, identifier: Dataset) -> None:
    archive.add_device("ALL", 9, "echo")
    assert pynet.move(archive.dicom, "ALL", identifier).status == 0xA900


def test_trap_47_accession_number_with_empty_study_uid_works(archive: Server) -> None:
    with registered(archive, pynet.StoreScp(aet="MOVE5")) as receiver:
        done = pynet.move(archive.dicom, "MOVE5", study("", AccessionNumber="ACC000001"))
    assert (done.status, done.completed) == (0, 12)
    assert len(receiver.received) == 12


def test_lists_of_uids_at_every_level(archive: Server) -> None:
    wanted = [STUDY.sop_uid(1), STUDY.sop_uid(7)]
    with registered(archive, pynet.StoreScp(aet="MOVE6")) as receiver:
        identifier = study()
        identifier.QueryRetrieveLevel = "IMAGE"
        identifier.SeriesInstanceUID = STUDY.series_uid
        identifier.SOPInstanceUID = wanted
        assert pynet.move(archive.dicom, "MOVE6", identifier).completed == 2
        identifier = study()
        identifier.QueryRetrieveLevel = "SERIES"
        identifier.SeriesInstanceUID = [STUDY.series_uid, "1.2.3"]
        assert pynet.move(archive.dicom, "MOVE6", identifier).completed == 12
    assert set(wanted) <= set(receiver.raw)


def test_trap_46_cancel_of_a_move(archive: Server) -> None:
    def slow(_: Any) -> int:
        seen.append(1)
        if len(seen) == 2:
            association.send_c_cancel(1, None, MODEL)
        time.sleep(0.3)
        return 0x0000

    seen: list[int] = []
    with registered(archive, pynet.StoreScp(aet="SLOW", status=slow)):
        association = pynet.associate(archive.dicom, [build_context(MODEL)])
        try:
            responses = [response for response, _ in association.send_c_move(study(), "SLOW", MODEL)]
        finally:
            association.release()
    final = responses[-1]
    assert final.Status == 0xFE00
    assert 0 < final.NumberOfCompletedSuboperations < 12
    assert final.NumberOfCompletedSuboperations + final.NumberOfRemainingSuboperations == 12
    assert any(response.Status == 0xFF00 for response in responses)


def test_trap_46_requestor_that_goes_away_ends_the_sending(archive: Server) -> None:
    begun = threading.Event()

    def slow(_: Any) -> int:
        begun.set()
        time.sleep(0.2)
        return 0x0000

    with registered(archive, pynet.StoreScp(aet="GONE", status=slow)) as receiver:
        association = pynet.associate(archive.dicom, [build_context(MODEL)])
        association.dimse_timeout = 20  # so long its own side waits for an answer after the abort
        answers = association.send_c_move(study(), "GONE", MODEL)
        leaving = threading.Thread(target=lambda: begun.wait(150) and association.abort())
        leaving.start()
        list(answers)
        leaving.join()
        time.sleep(12 * 0.2 + 1)  # all of them would have come by now
        assert 0 < len(receiver.received) < 12


def test_trap_48_destination_that_takes_only_implicit_vr_gets_it_transcoded(archive: Server, tmp_path: Path) -> None:
    compressed = data.samples(transfer_syntax="JPEG 2000 Image Compression (Lossless Only)", modality="MR")[0].path
    assert dcmtk.storescu(archive.dicom, compressed, options=("-xv",)).code == 0
    parts = part10.split(compressed.read_bytes())
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "IMAGE"
    identifier.SOPInstanceUID = parts.sop_uid
    with registered(archive, pynet.StoreScp(aet="PLAIN", syntaxes=[ImplicitVRLittleEndian])) as receiver:
        done = pynet.move(archive.dicom, "PLAIN", identifier)
        assert (done.status, done.completed) == (0, 1)
        assert pynet.move(archive.dicom, "PLAIN", study()).completed == 12
    (first, *rest) = receiver.received
    assert {one.file_meta.TransferSyntaxUID for one in (first, *rest)} == {ImplicitVRLittleEndian}
    assert len(first.PixelData) == first.Rows * first.Columns * first.BitsAllocated // 8 * first.SamplesPerPixel
    assert first.pixel_array.max() > 0


def test_move_to_dcmtk(archive: Server, tmp_path: Path, sent: dict[str, bytes]) -> None:
    with dcmtk.Storescp(tmp_path / "in", aet="DCMTKIN") as receiver:
        archive.add_device("DCMTKIN", receiver.dicom.port, "echo")
        keys = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": STUDY.study_uid}
        assert dcmtk.movescu(archive.dicom, "DCMTKIN", keys).code == 0
        assert {part10.split(path.read_bytes()).dataset for path in receiver.files} == set(sent.values())


def test_get_by_dcmtk(archive: Server, tmp_path: Path, sent: dict[str, bytes]) -> None:
    keys = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": STUDY.study_uid}
    done = dcmtk.getscu(archive.dicom, keys, folder=tmp_path / "got")
    assert done.code == 0
    assert {part10.split(path.read_bytes()).dataset for path in done.files} == set(sent.values())


def test_get_by_patient_root(archive: Server, tmp_path: Path) -> None:
    keys = {"QueryRetrieveLevel": "PATIENT", "PatientID": "R1"}
    assert len(dcmtk.getscu(archive.dicom, keys, folder=tmp_path / "got", root="-P").files) == 12


def test_trap_44_get_without_a_context_for_the_class_fails_per_object(archive: Server) -> None:
    done = pynet.get(archive.dicom, study(), [(MRImageStorage, [ImplicitVRLittleEndian])])
    assert (done.status, done.completed, done.failed) == (0xA702, 0, 12)
    assert len(done.failed_uids) == 12


def test_trap_44_get_without_any_role_selection_is_tolerated(archive: Server) -> None:
    received: list[str] = []

    def keep(event: Any) -> int:
        received.append(event.request.AffectedSOPInstanceUID)
        return 0x0000

    model = StudyRootQueryRetrieveInformationModelGet
    association = pynet.associate(
        archive.dicom, [build_context(model), build_context(CTImageStorage)], handlers=[(evt.EVT_C_STORE, keep)]
    )
    try:
        # pynetdicom itself refuses to be provider without a role, so the context is opened by hand.
        for context in association.accepted_contexts:
            context._as_scp = True
        final = [response for response, _ in association.send_c_get(study(), model)][-1]
    finally:
        association.release()
    assert (final.Status, len(received)) == (0, 12)


def test_trap_46_cancel_of_a_get(archive: Server) -> None:
    received: list[str] = []

    def slow(event: Any) -> int:
        received.append(event.request.AffectedSOPInstanceUID)
        time.sleep(0.1)
        if len(received) == 3:
            event.assoc.send_c_cancel(1, None, model)
        return 0x0000

    model = StudyRootQueryRetrieveInformationModelGet
    association = pynet.associate(
        archive.dicom,
        [build_context(model), build_context(CTImageStorage)],
        handlers=[(evt.EVT_C_STORE, slow)],
        roles=[build_role(CTImageStorage, scp_role=True)],
    )
    try:
        final = [response for response, _ in association.send_c_get(study(), model)][-1]
    finally:
        association.release()
    assert final.Status == 0xFE00
    assert 3 <= len(received) < 12
