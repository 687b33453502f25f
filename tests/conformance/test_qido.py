"""QIDO-RS (PS3.18 10.6) asked by hand and by dicomweb-client; the requests that OHIF makes, exactly (traps 30-38, 57, 60)."""

import json
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom import Dataset
from pydicom.sequence import Sequence

from tests import phantoms
from tests.peers.dicomweb import stow
from tests.peers.heliograph import Server
from tests.phantoms import Shape

MULLER = Shape(3, rows=16, columns=16, seed=71, patient="QI-1", name="Müller^Jürgen", study=1)
DOE = Shape(2, rows=16, columns=16, seed=72, patient="QI-2", name="Doe^Jane", study=1, series=1)
DOE_MR = Shape(1, rows=16, columns=16, seed=72, patient="QI-2", name="Doe^Jane", study=1, series=2)
ODD = Shape(1, rows=16, columns=16, seed=73, patient="QI-3", name="O'Neil [x]%_^Al", study=1)
OURS = ("PatientID", "QI-?")
ROOT = "/dicom-web"


def objects() -> Iterator[bytes]:
    for shape in (MULLER, DOE, DOE_MR, ODD):
        for number in range(1, shape.slices + 1):
            ds = phantoms.header(shape, number)
            ds.SpecificCharacterSet = "ISO_IR 192"
            if shape is DOE_MR:
                ds.Modality, ds.SeriesDescription = "MR", "T2"
                item = Dataset()
                item.RequestedProcedureID, item.ScheduledProcedureStepID = "RP-9", "SPS-9"
                ds.RequestAttributesSequence = Sequence([item])
            if shape is ODD:
                ds.StudyDate, ds.StudyTime, ds.AccessionNumber = "20251231", "235900", ""
            ds.PixelData = bytes(512)
            ds["PixelData"].VR = "OW"
            yield phantoms.file_bytes(ds)


@pytest.fixture(scope="module")
def web(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        answer = stow(client, objects())
        assert answer.status_code == 200, answer.text
        yield client


def ask(web: httpx.Client, path: str, *parameters: tuple[str, str]) -> list[dict[str, Any]]:
    answer = web.get(ROOT + path, params=list(parameters), headers={"Accept": "application/dicom+json"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/dicom+json")
    found: list[dict[str, Any]] = answer.json()
    return found


def values(found: list[dict[str, Any]], tag: str) -> list[Any]:
    return [one[tag].get("Value", [None])[0] for one in found]


def patients(found: list[dict[str, Any]]) -> set[str]:
    return set(values(found, "00100020"))


# -- OHIF, request by request (viewer notes 5.3) -----------------------------------------------------------------


def test_ohif_study_list(web: httpx.Client) -> None:
    answer = web.get(
        f"{ROOT}/studies?limit=101&offset=0&fuzzymatching=false&includefield=00081030,00080060,00080090,00100030",
        headers={"Accept": "application/dicom+json"},
    )
    assert answer.status_code == 200
    one = next(found for found in answer.json() if found["0020000D"]["Value"] == [DOE.study_uid])
    assert one["00081030"]["Value"] == ["CT load"]
    assert one["00100010"]["Value"] == [{"Alphabetic": "Doe^Jane"}]
    assert sorted(one["00080061"]["Value"]) == ["CT", "MR"]
    assert one["00201206"]["Value"] == [2]
    assert one["00201208"]["Value"] == [3]
    assert one["00081190"]["Value"][0].endswith(f"/dicom-web/studies/{DOE.study_uid}")


def test_ohif_priors_of_a_patient(web: httpx.Client) -> None:
    found = ask(web, "/studies", ("00100020", "QI-2"), ("limit", "101"), ("offset", "0"))
    assert values(found, "0020000D") == [DOE.study_uid]


def test_ohif_one_study(web: httpx.Client) -> None:
    found = ask(
        web, "/studies", ("limit", "101"), ("offset", "0"), ("fuzzymatching", "false"),
        ("includefield", "00081030,00080060,00080090,00100030"), ("StudyInstanceUID", DOE.study_uid),
    )  # fmt: skip
    assert len(found) == 1


def test_ohif_series_of_a_study(web: httpx.Client) -> None:
    found = ask(web, f"/studies/{DOE.study_uid}/series", ("includefield", "00080021,00080031,0008103E,00200011"))
    assert values(found, "00200011") == [1, 2]
    assert values(found, "00080060") == ["CT", "MR"]
    assert values(found, "0008103E") == ["AXIAL 1", "T2"]
    assert values(found, "00201209") == [2, 1]


# -- levels --------------------------------------------------------------------------------------------------------


def test_instances_of_a_series_in_their_order(web: httpx.Client) -> None:
    found = ask(web, f"/studies/{MULLER.study_uid}/series/{MULLER.series_uid}/instances")
    assert values(found, "00200013") == [1, 2, 3]
    assert values(found, "00280010") == [16, 16, 16]
    assert set(values(found, "00083002")) == {"1.2.840.10008.1.2.1"}
    assert set(values(found, "00080056")) == {"ONLINE"}


@pytest.mark.parametrize(("path", "count"), [("/series", 4), ("/instances", 7), ("/studies", 3)])
def test_top_level_resources_know_the_levels_above(web: httpx.Client, path: str, count: int) -> None:
    found = ask(web, path, OURS)
    assert len(found) == count
    assert patients(found) == {"QI-1", "QI-2", "QI-3"}
    assert all("0020000D" in one for one in found)


def test_instances_of_a_study_carry_their_series(web: httpx.Client) -> None:
    found = ask(web, f"/studies/{DOE.study_uid}/instances")
    assert set(values(found, "0020000E")) == {DOE.series_uid, DOE_MR.series_uid}


def test_foreign_study_and_series_together_find_nothing(web: httpx.Client) -> None:
    assert ask(web, f"/studies/{DOE.study_uid}/series/{MULLER.series_uid}/instances") == []


def test_trap_57_nothing_found_is_an_empty_list(web: httpx.Client) -> None:
    assert ask(web, "/studies", ("PatientID", "NOBODY")) == []


# -- matching ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ([("PatientName", "doe*")], {"QI-2"}),
        ([("PatientName", "MULLER^JURGEN")], {"QI-1"}),
        ([("PatientName", "müller*")], {"QI-1"}),
        ([("PatientName", "*[x]%_*")], {"QI-3"}),
        ([("PatientName", "*jane")], {"QI-2"}),
        ([("PatientName", "jane doe"), ("fuzzymatching", "true")], {"QI-2"}),
        ([("PatientName", "ju mul"), ("fuzzymatching", "true")], {"QI-1"}),
        ([("PatientName", "D?e^J*")], {"QI-2"}),
        ([("StudyDate", "20260301")], {"QI-1", "QI-2"}),
        ([("StudyDate", "20251201-20251231")], {"QI-3"}),
        ([("StudyDate", "-20251231")], {"QI-3"}),
        ([("StudyDate", "20260101-")], {"QI-1", "QI-2"}),
        ([("StudyTime", "2300-0100")], {"QI-3"}),
        ([("StudyTime", "101500-101600")], {"QI-1", "QI-2"}),
        ([("ModalitiesInStudy", "MR")], {"QI-2"}),
        ([("ModalitiesInStudy", "MR,US")], {"QI-2"}),
        ([("ModalitiesInStudy", "M*")], {"QI-2"}),
        ([("StudyInstanceUID", f"{MULLER.study_uid},{ODD.study_uid}")], {"QI-1", "QI-3"}),
        ([("StudyInstanceUID", f"{MULLER.study_uid}\\{ODD.study_uid}")], {"QI-1", "QI-3"}),
        ([("AccessionNumber", '""'), ("emptyvaluematching", "true")], {"QI-3"}),
        ([("Modality", "MR")], {"QI-2"}),
        ([("SeriesInstanceUID", MULLER.series_uid)], {"QI-1"}),
        ([("SOPInstanceUID", MULLER.sop_uid(2))], {"QI-1"}),
        ([("ReferringPhysicianName", "REFERRING^D*")], {"QI-1", "QI-2", "QI-3"}),
        ([("StudyDescription", "CT l*")], {"QI-1", "QI-2", "QI-3"}),
        ([("StudyDescription", "ct l*")], set()),
        ([("PatientBirthDate", "19600102"), ("PatientSex", "O")], {"QI-1", "QI-2", "QI-3"}),
    ],
)
def test_matching_of_studies(web: httpx.Client, parameters: list[tuple[str, str]], expected: set[str]) -> None:
    assert patients(ask(web, "/studies", OURS, *parameters)) == expected


def test_trap_38_attributes_of_the_request(web: httpx.Client) -> None:
    found = ask(web, "/series", OURS, ("RequestAttributesSequence.RequestedProcedureID", "RP-9"))
    assert values(found, "0020000E") == [DOE_MR.series_uid]
    item = found[0]["00400275"]["Value"][0]
    assert item["00401001"]["Value"] == ["RP-9"]
    assert ask(web, "/series", OURS, ("00400275.00401001", "RP-8")) == []
    included = ask(web, "/series", ("SeriesInstanceUID", DOE_MR.series_uid), ("includefield", "00400275"))
    assert included[0]["00400275"]["Value"][0]["00400009"]["Value"] == ["SPS-9"]


def test_attributes_that_only_the_objects_know(web: httpx.Client) -> None:
    path = f"/studies/{MULLER.study_uid}/series/{MULLER.series_uid}/instances"
    found = ask(web, path, ("includefield", "ImagePositionPatient,KVP,00091001"))
    assert [one["00200032"]["Value"] for one in found] == [[-175, -175, float(number)] for number in (1, 2, 3)]
    assert found[0]["00180060"]["Value"] == [120]
    assert found[0]["00091001"] == {"vr": "UN"}
    matched = ask(web, path, ("SliceLocation", "2"))
    assert values(matched, "00080018") == [MULLER.sop_uid(2)]
    assert ask(web, path, ("ConvolutionKernel", "B60*")) == []


def test_everything_that_the_archive_knows(web: httpx.Client) -> None:
    found = ask(web, "/studies", ("PatientID", "QI-1"), ("includefield", "all"))
    assert found[0]["00101010"]["Value"] == ["066Y"]


@pytest.mark.parametrize(
    "parameters",
    [
        [("NoSuchAttribute", "1")],
        [("StudyDate", "soon")],
        [("limit", "x")],
        [("SliceThickness", "1")],
        [("PatientName", "*a" * 100)],
    ],
)
def test_what_cannot_be_matched_is_refused_and_never_ignored(
    web: httpx.Client, parameters: list[tuple[str, str]]
) -> None:
    answer = web.get(f"{ROOT}/studies", params=parameters)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 400


# -- paging --------------------------------------------------------------------------------------------------------


def test_trap_60_a_capped_list_says_so(web: httpx.Client) -> None:
    whole = ask(web, "/instances", OURS)
    pages = [ask(web, "/instances", OURS, ("limit", "3"), ("offset", str(offset))) for offset in (0, 3, 6, 9)]
    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert values([one for page in pages for one in page], "00080018") == values(whole, "00080018")


def test_the_total_is_told(web: httpx.Client) -> None:
    answer = web.get(f"{ROOT}/instances", params=[OURS, ("limit", "2")])
    assert answer.headers["x-total-count"] == "7"
    assert len(answer.json()) == 2
    assert web.get(f"{ROOT}/studies", params=[("PatientID", "QI-2")]).headers["x-total-count"] == "1"


def test_order_by(web: httpx.Client) -> None:
    found = ask(web, "/studies", OURS, ("orderby", "-PatientID"))
    assert values(found, "00100020") == ["QI-3", "QI-2", "QI-1"]


# -- doors and forms -----------------------------------------------------------------------------------------------


def test_media_types(web: httpx.Client) -> None:
    for accept, status in (("*/*", 200), ("application/json", 200), ("application/dicom+xml", 406), ("nonsense", 400)):
        answer = web.get(f"{ROOT}/studies", params=[OURS], headers={"Accept": accept})
        assert answer.status_code == status, accept


def test_nobody_searches_without_a_name(server: Server, web: httpx.Client) -> None:
    assert httpx.get(f"{server.http}{ROOT}/studies", trust_env=False, timeout=120).status_code == 401


def test_a_token_without_the_scope_is_refused(server: Server, web: httpx.Client) -> None:
    token = server.cli("token", "--name", "storer", "--scope", "study.store").stdout.strip()
    answer = httpx.get(
        f"{server.http}{ROOT}/studies", headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=120
    )
    assert answer.status_code == 403


def test_injection_is_data(web: httpx.Client) -> None:
    for text in ("'; drop table study; --", "%", "_", "a\\b", "a' or '1'='1", "$1", "{}"):
        assert ask(web, "/studies", ("PatientID", text)) == []
        ask(web, "/studies", ("PatientName", text + "*"))
        ask(web, "/studies", ("StudyDescription", text))


# -- by a foreign client -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(server: Server, web: httpx.Client) -> DICOMwebClient:
    return DICOMwebClient(url=f"{server.http}{ROOT}", headers=server.headers)


def test_dicomweb_client_searches_all_levels(client: DICOMwebClient) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        studies = client.search_for_studies(search_filters={"PatientID": "QI-2"}, fields=["StudyDescription"])
        assert [one["0020000D"]["Value"][0] for one in studies] == [DOE.study_uid]
        series = client.search_for_series(DOE.study_uid, search_filters={"Modality": "MR"})
        assert len(series) == 1
        instances = client.search_for_instances(DOE.study_uid, DOE.series_uid, limit=1)
        assert len(instances) == 1
        assert Dataset.from_json(json.dumps(instances[0])).Rows == 16
        assert client.search_for_studies(search_filters={"PatientID": "NOBODY"}) == []
        assert len(client.search_for_instances(search_filters={"PatientID": "QI-1"})) == 3
