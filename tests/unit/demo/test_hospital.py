"""The generator: the same seed gives the same bytes, an interrupted run continues, names survive their character sets."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pydicom
import pytest

from heliograph import demo
from heliograph.demo._study import Study
from heliograph.demo._write import write_study
from heliograph.demo.catalogue import exams
from heliograph.kit.errors import Conflict, Invalid
from tests.unit.demo.conftest import EXAMS, SCALE, TODAY, Hospital

SMALL = ("ct-head-2", "us-abdomen-3", "letter")


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.rglob("*.dcm"))
    }


def _make(folder: Path, **changes: object) -> demo.Summary:
    wanted: dict[str, object] = {"today": TODAY, "scale": 0.1, "only": SMALL, "processes": 1}
    return demo.generate(folder, **(wanted | changes))  # type: ignore[arg-type]  # keywords of generate


def test_same_seed_gives_same_bytes_in_threads_and_in_children(tmp_path: Path) -> None:
    _make(tmp_path / "a")
    _make(tmp_path / "b", processes=2)
    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")
    assert len(_digests(tmp_path / "a")) >= 5


def test_another_seed_or_day_gives_other_uids(tmp_path: Path) -> None:
    uids = [
        {s.study_uid for s in _make(tmp_path / str(i), only=("letter",), **change).studies}
        for i, change in enumerate(({}, {"seed": 2}, {"today": TODAY + timedelta(days=1)}, {"scale": 0.2}))
    ]
    assert len(set.union(*uids)) == 4
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in set.union(*uids))


def test_finished_studies_are_left_alone_and_keep_the_first_day(tmp_path: Path) -> None:
    first = _make(tmp_path)
    before = {f: f.stat().st_mtime_ns for f in tmp_path.rglob("*.dcm")}
    again = _make(tmp_path, today=TODAY + timedelta(days=3))
    assert {f: f.stat().st_mtime_ns for f in tmp_path.rglob("*.dcm")} == before
    assert again.today == first.today == TODAY
    assert [s.made for s in first.studies] == [True] * 3
    assert [s.made for s in again.studies] == [False] * 3


class _StopError(Exception):
    pass


@pytest.mark.parametrize("processes", [1, 2])
def test_interrupted_run_continues(tmp_path: Path, processes: int) -> None:
    whole = _make(tmp_path / "whole")

    def stop(done: int, _: int) -> None:
        if done >= 2:
            raise _StopError

    with pytest.raises(_StopError):
        _make(tmp_path / "cut", progress=stop, processes=processes)
    assert len(list((tmp_path / "cut").glob("[!.]*"))) < 3
    _make(tmp_path / "cut", processes=processes)
    assert _digests(tmp_path / "cut") == _digests(tmp_path / "whole")
    assert not list((tmp_path / "cut").glob(".*.partial"))
    assert whole.instances == len(_digests(tmp_path / "cut"))


@pytest.mark.parametrize("processes", [1, 2])
def test_progress_grows_to_the_total(tmp_path: Path, processes: int) -> None:
    seen: list[tuple[int, int]] = []
    summary = _make(tmp_path, progress=lambda done, total: seen.append((done, total)), processes=processes)
    done = [d for d, _ in seen]
    assert done == sorted(done)
    assert seen[-1] == (summary.instances, summary.instances)
    assert {t for _, t in seen} == {summary.instances}


def test_studies_are_handed_over_one_by_one_and_complete(tmp_path: Path) -> None:
    for study in demo.studies(tmp_path, today=TODAY, scale=0.1, only=SMALL, processes=1):
        found = [pydicom.dcmread(f, stop_before_pixels=True) for f in study.folder.rglob("*.dcm")]
        assert len(found) == study.instances > 0
        assert {d.StudyInstanceUID for d in found} == {study.study_uid}
        assert {d.AccessionNumber for d in found} == {study.accession_number}


def test_a_folder_belongs_to_one_seed_and_scale(tmp_path: Path) -> None:
    _make(tmp_path, only=("letter",))
    with pytest.raises(Conflict):
        _make(tmp_path, only=("letter",), seed=2)
    with pytest.raises(Conflict):
        _make(tmp_path, only=("letter",), scale=0.5)


def test_unknown_exam_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="ct-toe"):
        _make(tmp_path, only=("letter", "ct-toe"))


def test_the_catalogue_looks_like_a_hospital() -> None:
    found = exams(1)
    assert len({e.key for e in found}) == len(found) >= 40
    assert len({e.patient.issuer for e in found}) >= 3
    assert sum(e.minutes_ago < 24 * 60 for e in found) >= 12, "the list looks alive: exams of today"
    assert any(365 <= e.minutes_ago / (24 * 60) <= 3 * 366 for e in found), "there are priors"
    by_id: dict[str, set[str]] = {}
    for e in found:
        by_id.setdefault(e.patient.patient_id, set()).add(e.patient.issuer)
    assert any(len(issuers) > 1 for issuers in by_id.values()), "one patient ID under two issuers (another person)"


def test_no_two_objects_share_a_uid(hospital: Hospital) -> None:
    uids = [pydicom.dcmread(f, stop_before_pixels=True).SOPInstanceUID for f in hospital.folder.rglob("*.dcm")]
    assert len(uids) == len(set(uids)) == hospital.summary.instances
    assert {s.key for s in hospital.summary.studies} == set(EXAMS)
    assert SCALE < 1


def test_names_survive_their_character_sets(tmp_path: Path) -> None:
    """Every patient's name is read back as written, whatever the Specific Character Set (PS3.5 6.1)."""
    charsets = set()
    for exam in {e.patient.key: e for e in exams(1)}.values():
        write_study(tmp_path, Study(replace(exam, kind="letter"), 1, TODAY))
        ds = pydicom.dcmread(next((tmp_path / exam.key).rglob("*.dcm")))
        assert str(ds.PatientName) == exam.patient.name
        charsets.add(str(ds.SpecificCharacterSet))
    assert len(charsets) >= 9
