"""How long a person or a workstation waits for an answer, asked at the real doors of the real server."""

import io
import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from pydicom import Dataset, dcmwrite

from bench.scaling.people import Examination
from bench.targets import CALLER
from tests.peers.association import IMPLICIT, Association
from tests.peers.heliograph import Server

FIND = "1.2.840.10008.5.1.4.1.2.2.1"
ASKS = 150
WARM_UP = 10


def _spread(times: list[float]) -> dict[str, float]:
    cut = statistics.quantiles(times, n=20)
    return {"p50_ms": statistics.median(times), "p95_ms": cut[18], "worst_ms": max(times)}


def _timed(ask: Callable[[], object]) -> dict[str, float]:
    for _ in range(WARM_UP):
        ask()
    times = []
    for _ in range(ASKS):
        began = time.perf_counter()
        ask()
        times.append((time.perf_counter() - began) * 1000)
    return _spread(times)


def _people(studies: int) -> Iterator[Examination]:
    dice = random.Random(studies)
    while True:
        yield Examination(dice.randrange(studies))


def _browser(client: httpx.Client, studies: int) -> dict[str, dict[str, float]]:
    """The study list as the web client asks for it."""
    people = _people(studies)

    def ask(body: dict[str, Any]) -> list[Any]:
        answer = client.post("/api/studies/search", json={"limit": 100, **body})
        items: list[Any] = answer.raise_for_status().json()["items"]
        return items

    def must(body: dict[str, Any]) -> None:
        assert ask(body), f"nothing found for {sorted(body)}"

    def family() -> str:
        return next(people).name.partition("^")[0]

    def given_part() -> str:
        return next(people).name.partition("^")[2][:4]

    return {
        "list, newest first": _timed(lambda: must({"sort": "received_at", "descending": True})),
        "list, by patient name": _timed(lambda: must({"sort": "patient_name", "descending": False})),
        "list, one modality": _timed(lambda: must({"modalities": ["MR"]})),
        "list, one week": _timed(lambda: must({"date_from": "20240101", "date_to": "20240107"})),
        "search box, family name": _timed(lambda: must({"text": family()})),
        "search box, first four letters": _timed(lambda: must({"text": family()[:4]})),
        "search box, part of a given name": _timed(lambda: must({"text": given_part()})),
        "search box, nobody": _timed(lambda: ask({"text": "zzqqxx"})),
        "name, family and given": _timed(lambda: must({"patient_name": next(people).name})),
        "patient ID": _timed(lambda: must({"patient_id": next(people).patient_id})),
        "accession number": _timed(lambda: must({"accession_number": next(people).accession_number})),
    }


def _identifier(**keys: str) -> bytes:
    ds = Dataset()
    ds.QueryRetrieveLevel = "STUDY"
    for keyword in (
        "PatientName",
        "PatientID",
        "StudyInstanceUID",
        "StudyDate",
        "AccessionNumber",
        "ModalitiesInStudy",
    ):
        setattr(ds, keyword, keys.get(keyword, ""))
    if any(not str(value).isascii() for value in keys.values()):
        ds.SpecificCharacterSet = "ISO_IR 192"
    out = io.BytesIO()
    dcmwrite(out, ds, implicit_vr=True, little_endian=True)
    return out.getvalue()


def _workstation(server: Server, studies: int) -> dict[str, dict[str, float]]:
    """C-FIND at study level on one association."""
    people = _people(studies)
    with Association.connect(server.dicom, [(FIND, (IMPLICIT,))], calling=CALLER) as association:

        def must(**keys: str) -> None:
            status, found = association.find(FIND, _identifier(**keys))
            assert status == 0, f"{status:04x}"
            assert found, f"nothing found for {sorted(keys)}"

        return {
            "C-FIND, patient ID": _timed(lambda: must(PatientID=next(people).patient_id)),
            "C-FIND, accession number": _timed(lambda: must(AccessionNumber=next(people).accession_number)),
            "C-FIND, study UID": _timed(lambda: must(StudyInstanceUID=next(people).study_uid)),
            "C-FIND, whole name": _timed(lambda: must(PatientName=next(people).name)),
            "C-FIND, FAMILY* of one day": _timed(lambda: _of_one_day(must, next(people))),
        }


def _of_one_day(must: Callable[..., None], one: Examination) -> None:
    must(PatientName=one.name.partition("^")[0] + "*", StudyDate=one.day.strftime("%Y%m%d"))


def search_times(server: Server, studies: int) -> dict[str, dict[str, float]]:
    server.add_device(CALLER)
    with server.client() as client:
        return {**_browser(client, studies), **_workstation(server, studies)}
