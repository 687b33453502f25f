"""Hanging facts of real objects of many makers, of words in many languages, and how they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from heliograph.engine.blobs import Blobs
from heliograph.engine.db import Database
from heliograph.features.access import Actor
from heliograph.features.archive import Outcome
from heliograph.features.imaging import Documents, study_manifest, write_facts
from heliograph.features.imaging.facts import JsonSet, body_part_of, kernel_of, relevance, series_facts, study_facts
from heliograph.kit.time import now
from heliograph.standards.dicom.header import scan
from heliograph.standards.dicom.json import to_json
from tests.data import named
from tests.phantoms import Shape, header
from tests.unit.features.imaging.conftest import Put

REAL = [
    ("ct/philips_head_5mm_28/I10.dcm", {"modality": "CT", "kind": "image", "plane": "axial", "body_part": "HEAD", "body_part_stated": "BRAIN", "kernel": "soft", "phase": "native", "thickness_mm": 5.0}),
    ("ct/philips_head_scout/I10.dcm", {"kind": "localizer", "body_part": "HEAD"}),
    ("ct/philips_head_examcard/I10.dcm", {"kind": "capture"}),
    ("ct/ge_liver_3slice/01.dcm", {"kind": "image", "plane": "axial", "body_part": "ABDOMEN", "kernel": "soft"}),
    ("ct/explicit_VR-UN.dcm", {"body_part": "ABDOMEN", "body_part_stated": "PANCREAS"}),
    ("mr/ge_axial_19/brain_018.dcm", {"family": "PD", "plane": "axial", "body_part": "HEAD", "kind": "image", "reformat": ""}),
    ("cr/RG3_J2KR.dcm", {"body_part": "LEG", "body_part_stated": "EXTREMITY", "laterality": "R", "views": ["AP"]}),
    ("dicomdir/77654033/CR1/6154", {"body_part": "CSPINE", "views": ["LL"]}),
    ("pt/ge_fdg_suv.dcm", {"body_part": "WHOLEBODY", "attenuation_corrected": True}),
    ("nm/NM-MONO2-16-13x-heart.dcm", {"body_part": "HEART", "kind": "image"}),
    ("robust/GH178.dcm", {"kind": "capture", "phase": ""}),
    ("sr/reportsi.dcm", {"kind": "report"}),
    ("seg/liver.dcm", {"kind": "segmentation"}),
    ("rt/rtdose.dcm", {"kind": "rtdose"}),
    ("pr/PR000000.dcm", {"kind": "presentation"}),
    ("sm/sm_image.dcm", {"kind": "slide"}),
    ("xa/rubo_coronary_96f.dcm", {"modality": "XA", "kind": "image"}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "expected"), REAL)
def test_real_objects_say_what_they_are(path: str, expected: Mapping[str, Any]) -> None:
    data = named(path).path.read_bytes()
    facts = series_facts([scan(data)])
    assert {name: facts.get(name) for name in expected} == expected


@pytest.mark.parametrize("path", [path for path, _ in REAL])
def test_the_document_and_the_header_give_the_same_facts(path: str) -> None:
    data = named(path).path.read_bytes()
    found = scan(data)
    told = JsonSet(to_json(data, found, bulk=lambda place: place))
    assert series_facts([told]) == series_facts([found])


@pytest.mark.parametrize(
    ("stated", "words", "study", "expected"),
    [
        ("CHEST", "Kopf nativ", "", ("HEAD", "CHEST", "series")),
        ("CHEST", "", "MRT Lendenwirbelsäule", ("LSPINE", "CHEST", "study")),
        ("", "CT Thorax Abdomen", "", ("CHEST", "", "series")),
        ("ABDOMEN", "CT Thorax Abdomen", "", ("ABDOMEN", "ABDOMEN", "both")),
        ("HEAD", "T1 chest and abdomen", "", ("HEAD", "HEAD", "stated")),
        ("", "胸部CT平扫", "", ("CHEST", "", "series")),
        ("", "", "", ("", "", "")),
        ("KNEE", "axial pd", "", ("KNEE", "KNEE", "stated")),
    ],
)
def test_the_region_is_by_words_where_they_are_clear(
    stated: str, words: str, study: str, expected: tuple[str, ...]
) -> None:
    assert body_part_of(stated, words, study) == expected


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("t1_mprage_sag", "T1"), ("T2_TSE_ax FS", "T2"), ("ep2d_diff_b1000_ADC", "ADC"), ("DWI b1000", "DWI"), ("AX T2 FLAIR", "FLAIR"),
        ("SAG STIR", "STIR"), ("3D TOF MRA", "TOF"), ("SWI_Images", "SWI"), ("PDW_SPAIR cor", "PD"), ("3-plane loc", "LOC"), ("t2*_gre", "T2STAR"),
        ("DTI 32dir FA", "DTI"), ("perfusion rCBV", "PERFUSION"), ("haste cor", "T2"), ("PD FS", "PD"), ("zzz", ""),
    ],
)  # fmt: skip
def test_an_mr_series_is_known_by_its_words(description: str, expected: str) -> None:
    assert series_facts([_said(SeriesDescription=description, Modality="MR")])["family"] == expected


def test_an_mr_series_without_words_is_known_by_its_physics() -> None:
    def family(**said: Any) -> str:
        return str(series_facts([_said(Modality="MR", **said)])["family"])

    assert family(ScanningSequence="SE", EchoTime=12, RepetitionTime=500) == "T1"
    assert family(ScanningSequence="SE", EchoTime=95, RepetitionTime=4000) == "T2"
    assert family(ScanningSequence="SE", EchoTime=15, RepetitionTime=3000) == "PD"
    assert family(ScanningSequence="IR", EchoTime=110, RepetitionTime=9000, InversionTime=2500) == "FLAIR"
    assert family(ScanningSequence="IR", EchoTime=40, RepetitionTime=4000, InversionTime=160) == "STIR"
    assert family(DiffusionBValue=800) == "DWI"


@pytest.mark.parametrize(
    ("kernel", "words", "expected"),
    [("B30f", "", "soft"), ("B70f", "", "bone"), ("Br36d", "", "soft"), ("Bl57d", "", "lung"), ("LUNG", "", "lung"), ("BONEPLUS", "", "bone"),
     ("FC08", "", "soft"), ("FC51", "", "lung"), ("FC30", "", "bone"), ("UB", "Weichteil", "soft"), ("", "Lungenfenster", "lung"), ("?", "", "")],
)  # fmt: skip
def test_a_kernel_is_soft_lung_or_bone(kernel: str, words: str, expected: str) -> None:
    assert kernel_of(kernel, words) == expected


@pytest.mark.parametrize(
    ("description", "agent", "expected"),
    [("T1 post Gd", "", True), ("T1 pre", "GADAVIST", False), ("T1 ax", "GADAVIST", True), ("T1 ax", "NONE", None), ("T1 ax", "", None), ("ohne KM", "", None), ("Thorax +KM", "", True)],
)  # fmt: skip
def test_contrast_is_by_the_words_of_the_series_before_the_agent(
    description: str, agent: str, expected: bool | None
) -> None:
    assert series_facts([_said(Modality="MR", SeriesDescription=description, ContrastBolusAgent=agent)])["contrast"] is expected  # fmt: skip


def test_each_mammogram_is_for_itself() -> None:
    images = [
        _said(Modality="MG", Rows=8, SOPClassUID="1.2.840.10008.5.1.4.1.1.1.2", SOPInstanceUID=f"1.2.{n}", ImageLaterality=side, ViewPosition=view, PatientOrientation=["P", "L"])
        for n, (side, view) in enumerate([("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO")])
    ]  # fmt: skip
    facts = series_facts(images)
    assert [(one["laterality"], one["view"], one["orientation"]) for one in facts["images"]] == [
        ("R", "CC", ["P", "L"]), ("L", "CC", ["P", "L"]), ("R", "MLO", ["P", "L"]), ("L", "MLO", ["P", "L"]),
    ]  # fmt: skip
    assert facts["views"] == ["CC", "MLO"]
    assert study_facts({}, [facts])["laterality"] == "B"


def test_places_that_were_taken_again_and_again_are_counted() -> None:
    def at(z: int, b: int) -> JsonSet:
        return _said(Modality="MR", ImagePositionPatient=[0, 0, z], DiffusionBValue=b)

    facts = series_facts([at(z, b) for z in range(3) for b in (0, 500, 1000)])
    assert (facts["dynamic"], facts["b_values"]) == (3, [0, 500, 1000])


@pytest.mark.parametrize(
    ("here", "there", "years", "least", "most", "reason"),
    [
        (("CT", "CHEST", ""), ("CT", "CHEST", ""), 0.5, 80, 100, "same_body_part"),
        (("CT", "CHEST", ""), ("CT", "HEAD", ""), 0.5, 0, 39, "other_body_part"),
        (("DX", "KNEE", "L"), ("DX", "KNEE", "R"), 0.5, 0, 60, "other_side"),
        (("DX", "KNEE", "L"), ("CR", "KNEE", "L"), 8, 60, 100, "same_side"),
        (("MG", "BREAST", "B"), ("US", "BREAST", "L"), 1, 60, 100, "similar_modality"),
        (("MR", "", ""), ("MR", "HEAD", ""), None, 40, 40, "unknown_body_part"),
    ],
)
def test_another_study_is_as_relevant_as_its_kind_region_side_and_date(
    here: tuple[str, ...], there: tuple[str, ...], years: float | None, least: int, most: int, reason: str
) -> None:
    def study(of: tuple[str, ...]) -> dict[str, Any]:
        return {"modalities": [of[0]], "body_part": of[1], "laterality": of[2]}

    found = relevance(study(here), study(there), years)
    assert least <= found["score"] <= most
    assert reason in found["reasons"]


def test_facts_are_in_the_manifest_before_and_after_settling(
    scratch: Database, blobs: Blobs, actor: Actor, shape: Shape, stored: Outcome
) -> None:
    with scratch.transaction() as tx:
        before = study_manifest(tx, actor, stored.study_id or 0, blobs)
        assert tx.execute("select count(*) from series_facts where series_fk = %s", (stored.series_id,)).fetchone() == (0,)  # fmt: skip
    assert before["series"][0]["facts"] | {"sample": None} == before["series"][0]["facts"] | {"sample": None}
    assert (before["series"][0]["facts"]["sample"], before["series"][0]["facts"]["plane"]) == (True, "axial")
    with scratch.transaction() as tx:
        tx.execute("update series set settled_at = %s where id = %s", (now(), stored.series_id))
    document = Documents(scratch, blobs).write(stored.series_id or 0)
    assert document is not None
    write_facts(scratch, stored.series_id or 0, document)
    with scratch.transaction() as tx:
        after = study_manifest(tx, actor, stored.study_id or 0, blobs)
    assert after["series"][0]["facts"] == before["series"][0]["facts"] | {"sample": False}
    assert after["hanging"]["modalities"] == ["CT"]


def test_an_earlier_study_of_the_person_comes_with_its_series_and_a_later_one_does_not(
    scratch: Database, blobs: Blobs, actor: Actor, shape: Shape, put: Put, stored: Outcome
) -> None:
    for study, day in ((2, "20250301"), (3, "20270301")):
        made = header(replace(shape, study=study, slices=1), 1)
        made.StudyDate, made.PixelData = day, bytes(2 * shape.rows * shape.columns)
        put(made)
    with scratch.transaction() as tx:
        told = study_manifest(tx, actor, stored.study_id or 0, blobs)
    by_relation = {row["relation"]: row for row in told["priors"]}
    assert set(by_relation) == {"prior", "later"}
    assert by_relation["prior"]["series"][0]["facts"]["modality"] == "CT"
    assert "series" not in by_relation["later"], "a later study is never hung as a prior (safety guard 7)"


def _said(**values: Any) -> JsonSet:
    from pydicom import Dataset

    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return JsonSet(made.to_json_dict())
