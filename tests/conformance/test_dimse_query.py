"""C-FIND asked by foreign programs (PS3.4 C.4.1; traps 22, 30 to 37, 46)."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
)

from tests import phantoms
from tests.peers import dcmtk, pynet
from tests.peers.heliograph import Server
from tests.phantoms import Shape

STUDIES = (
    Shape(3, rows=16, columns=16, seed=31, patient="Q1", name="Müller^Jürgen", study=1),
    Shape(2, rows=16, columns=16, seed=32, patient="Q2", name="Doe^Jane", study=2),
    Shape(40, rows=8, columns=8, seed=33, patient="Q3", name="O'Neil [x]%_^Al", study=3),
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("query")
    with Server(folder / "data") as running:
        for caller in ("DCMTK", "PYNET"):
            running.add_device(caller)
        for shape in STUDIES:
            phantoms.write_series(shape, folder / str(shape.seed))
            assert dcmtk.storescu(running.dicom, folder / str(shape.seed)).code == 0
        yield running


def names(found: list[Dataset]) -> set[str]:
    return {str(one.PatientID) for one in found}


@pytest.mark.parametrize(
    ("keys", "patients"),
    [
        ({}, {"Q1", "Q2", "Q3"}),
        ({"PatientName": "*"}, {"Q1", "Q2", "Q3"}),
        ({"PatientName": "doe*"}, {"Q2"}),
        ({"PatientName": "MULLER^*"}, {"Q1"}),
        ({"PatientName": "D?e^Jane"}, {"Q2"}),
        ({"PatientID": "Q1"}, {"Q1"}),
        ({"PatientID": "Q?"}, {"Q1", "Q2", "Q3"}),
        ({"StudyDate": "20260301"}, {"Q1", "Q2", "Q3"}),
        ({"StudyDate": "20260302-"}, set()),
        ({"StudyDate": "-20260301"}, {"Q1", "Q2", "Q3"}),
        ({"ModalitiesInStudy": "CT"}, {"Q1", "Q2", "Q3"}),
        ({"ModalitiesInStudy": "MR"}, set()),
        ({"StudyInstanceUID": f"{STUDIES[0].study_uid}\\{STUDIES[1].study_uid}"}, {"Q1", "Q2"}),
        ({"AccessionNumber": "ACC000002"}, {"Q2"}),
    ],
    ids=lambda value: str(value if isinstance(value, dict) else sorted(value)),  # the same in every worker
)
def test_study_level_matching(archive: Server, tmp_path: Path, keys: dict[str, str], patients: set[str]) -> None:
    asked = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "", "PatientID": "", "PatientName": "", **keys}
    assert names(dcmtk.findscu(archive.dicom, asked, folder=tmp_path / "out")) == patients


def test_trap_37_computed_attributes(archive: Server, tmp_path: Path) -> None:
    asked = {
        "QueryRetrieveLevel": "STUDY", "StudyInstanceUID": STUDIES[0].study_uid, "ModalitiesInStudy": "", "NumberOfStudyRelatedSeries": "",
        "NumberOfStudyRelatedInstances": "", "InstanceAvailability": "", "SOPClassesInStudy": "",
    }  # fmt: skip
    (found,) = dcmtk.findscu(archive.dicom, asked, folder=tmp_path / "out")
    assert found.ModalitiesInStudy == "CT"
    assert (found.NumberOfStudyRelatedSeries, found.NumberOfStudyRelatedInstances) == (1, 3)
    assert found.RetrieveAETitle == archive.dicom.aet
    assert found.InstanceAvailability == "ONLINE"


def test_every_level_of_both_models(archive: Server, tmp_path: Path) -> None:
    study, series = STUDIES[0].study_uid, STUDIES[0].series_uid
    levels = [
        ("-P", {"QueryRetrieveLevel": "PATIENT", "PatientID": "Q*", "PatientName": ""}, 3),
        ("-P", {"QueryRetrieveLevel": "STUDY", "PatientID": "Q1", "StudyInstanceUID": ""}, 1),
        ("-S", {"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": study, "SeriesInstanceUID": "", "Modality": ""}, 1),
        (
            "-S",
            {
                "QueryRetrieveLevel": "IMAGE",
                "StudyInstanceUID": study,
                "SeriesInstanceUID": series,
                "SOPInstanceUID": "",
                "InstanceNumber": "",
            },
            3,
        ),
    ]
    for number, (root, keys, count) in enumerate(levels):
        assert len(dcmtk.findscu(archive.dicom, keys, folder=tmp_path / str(number), root=root)) == count


def test_trap_36_level_spelt_as_images_and_missing(archive: Server) -> None:
    asked = Dataset()
    asked.QueryRetrieveLevel = "IMAGES"
    asked.SeriesInstanceUID = STUDIES[1].series_uid
    asked.SOPInstanceUID = ""
    assert len(pynet.find(archive.dicom, asked)[1]) == 2
    del asked.QueryRetrieveLevel
    assert len(pynet.find(archive.dicom, asked)[1]) == 2


def test_trap_34_group_lengths_in_the_request_are_not_returned(archive: Server) -> None:
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    asked.add_new(0x00080000, "UL", 0)
    asked.add_new(0x00100000, "UL", 0)
    asked.PatientID = "Q1"
    status, (found,) = pynet.find(archive.dicom, asked)
    assert status == 0
    assert 0x00080000 not in found
    assert 0x00100000 not in found


def test_trap_35_asked_and_absent_comes_back_empty(archive: Server) -> None:
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    asked.PatientID = "Q1"
    asked.OtherPatientNames = ""
    asked.PatientComments = ""
    _, (found,) = pynet.find(archive.dicom, asked)
    assert "PatientComments" in found
    assert not found.PatientComments


@pytest.mark.parametrize(("comments", "pending"), [("", 0xFF00), ("not a key of this level", 0xFF01)])
def test_a_key_that_cannot_match_is_told_with_each_match(archive: Server, comments: str, pending: int) -> None:
    """PS3.4 C.4.1.1.4: the value is passed over, FF01 says so."""
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    asked.PatientID = "Q1"
    asked.ImageComments = comments
    association = pynet.associate(archive.dicom, [build_context(StudyRootQueryRetrieveInformationModelFind)])
    try:
        answers = list(association.send_c_find(asked, StudyRootQueryRetrieveInformationModelFind))
    finally:
        association.release()
    assert [int(status.Status) for status, _ in answers] == [pending, 0x0000]


def test_trap_22_answer_in_a_character_set_that_holds_the_name(archive: Server) -> None:
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    asked.PatientID = "Q1"
    asked.PatientName = ""
    for wanted in ("ISO_IR 192", "ISO_IR 100", "ISO_IR 6", None):
        if wanted:
            asked.SpecificCharacterSet = wanted
        elif "SpecificCharacterSet" in asked:
            del asked.SpecificCharacterSet
        _, (found,) = pynet.find(archive.dicom, asked)
        assert str(found.PatientName) == "Müller^Jürgen"


def test_trap_31_wildcard_and_pattern_characters_are_literal(archive: Server, tmp_path: Path) -> None:
    asked = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "", "PatientID": "", "PatientName": "O'Neil [x]%_^*"}
    assert names(dcmtk.findscu(archive.dicom, asked, folder=tmp_path / "a")) == {"Q3"}
    asked["PatientName"] = "%"
    assert names(dcmtk.findscu(archive.dicom, asked, folder=tmp_path / "b")) == set()


def test_bad_level_is_refused_with_a900(archive: Server) -> None:
    asked = Dataset()
    asked.QueryRetrieveLevel = "BOTTOM"
    asked.PatientID = "Q1"
    assert pynet.find(archive.dicom, asked)[0] == 0xA900


def test_trap_46_cancel_ends_with_fe00(archive: Server) -> None:
    asked = Dataset()
    asked.QueryRetrieveLevel = "IMAGE"
    asked.SOPInstanceUID = ""
    association = pynet.associate(archive.dicom, [build_context(StudyRootQueryRetrieveInformationModelFind)])
    statuses = []
    try:
        for number, (status, _) in enumerate(
            association.send_c_find(asked, StudyRootQueryRetrieveInformationModelFind)
        ):
            statuses.append(int(status.Status))
            if number == 0:
                association.send_c_cancel(1, None, StudyRootQueryRetrieveInformationModelFind)
        asked.QueryRetrieveLevel = "STUDY"
        asked.StudyInstanceUID = ""
        again = [
            int(one.Status)
            for one, _ in association.send_c_find(asked, StudyRootQueryRetrieveInformationModelFind, msg_id=2)
        ]
    finally:
        association.release()
    assert statuses[-1] in {0xFE00, 0x0000}, "a cancel may come after the last match"
    assert again[-1] == 0, "the association goes on"


def test_cancel_of_another_message_is_passed_over(archive: Server) -> None:
    asked = Dataset()
    asked.QueryRetrieveLevel = "IMAGE"
    asked.SOPInstanceUID = ""
    association = pynet.associate(archive.dicom, [build_context(StudyRootQueryRetrieveInformationModelFind)])
    try:
        association.send_c_cancel(77, None, StudyRootQueryRetrieveInformationModelFind)
        answers = list(association.send_c_find(asked, StudyRootQueryRetrieveInformationModelFind))
    finally:
        association.release()
    assert (int(answers[-1][0].Status), len(answers)) == (0, 46)


def test_several_queries_at_once(archive: Server) -> None:
    asked = Dataset()
    asked.QueryRetrieveLevel = "PATIENT"
    asked.PatientID = "Q*"
    results: list[int] = []

    def ask() -> None:
        found = pynet.find(archive.dicom, asked, model=PatientRootQueryRetrieveInformationModelFind)[1]
        results.append(len(found))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert results == [3] * 6


def test_a_caller_that_nobody_registered_may_store_but_not_query(archive: Server) -> None:
    assert pynet.echo(archive.dicom, calling="STRANGER") == 0
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    asked.PatientID = "Q1"
    with pytest.raises(pynet.NoAssociation):
        pynet.find(archive.dicom, asked, calling="STRANGER")
