"""The cases that the server's matcher and the browser's must answer alike. `python -m tests.unit.features.reading.hanging_cases` writes them anew."""

from __future__ import annotations

import json
import random
from dataclasses import astuple
from pathlib import Path
from typing import Any

from heliograph.features.reading.hanging import shipped
from heliograph.features.reading.hanging.matching import Study, arrange, holds, left_out, rank, stages

FILE = Path(__file__).parents[3] / "cases" / "hanging.json"
_CONSTRAINTS: list[dict[str, Any]] = [
    {"equals": "CT"}, {"equals": True}, {"equals": 1}, {"one_of": ["CT", 2]}, {"contains": "Thor"}, {"starts_with": "ct"},
    {"greater_than": 3}, {"less_than": 0.5}, {"exists": True}, {"exists": False}, {"equals": "PT", "negate": True}, {"contains": "İ"},
]  # fmt: skip
_VALUES: list[Any] = [
    "CT",
    "ct thorax",
    "",
    None,
    True,
    False,
    0,
    1,
    1.0,
    2,
    4.5,
    [],
    ["CT", "PT"],
    [1, "MR"],
    ["", None],
    [True],
    "STRASSE İ",
]
_MODALITIES: dict[str, list[dict[str, Any]]] = {
    "CT": [{"kernel": kernel, "plane": plane} for kernel in ("soft", "lung", "bone", "") for plane in ("axial", "coronal", "sagittal")],
    "MR": [{"family": family, "plane": plane} for family in ("T1", "T2", "FLAIR", "DWI", "ADC", "STIR", "SWI", "") for plane in ("axial", "sagittal")],
    "MG": [{"plane": ""}], "DX": [{"plane": ""}], "US": [{"plane": ""}], "XA": [{"plane": ""}], "NM": [{"plane": ""}], "PT": [{"plane": "axial", "attenuation_corrected": value} for value in (True, False)],
    "SR": [{"plane": ""}],
}  # fmt: skip
_REGIONS = ["CHEST", "HEAD", "ABDOMEN", "LSPINE", "BREAST", ""]


def table() -> list[list[Any]]:
    return [
        [constraint, value, holds(constraint, value)]
        for constraint in _CONSTRAINTS
        for value in [*_VALUES, ["x", *_VALUES[:2]]]
    ]


def study(seed: int, *, relation: str = "current", patient: str = "p", modality: str = "") -> Study:
    """Made up, and the same for a seed."""
    dice = random.Random(f"{seed}{relation}")
    kind = modality or dice.choice(list(_MODALITIES))
    series = [_series(dice, kind, number) for number in range(dice.randint(0, 8))]
    facts = {"modalities": sorted({one["modality"] for one in series} or {kind}), "body_part": dice.choice(_REGIONS), "views": [], "description": dice.choice(["CT Thorax", "MRT Kopf", ""])}  # fmt: skip
    return Study(f"{relation}{seed}", patient, relation, facts, series)


def _series(dice: random.Random, modality: str, number: int) -> dict[str, Any]:
    made = {
        "id": f"s{number}", "modality": modality, "kind": dice.choice(["image"] * 6 + ["localizer", "capture", "report"]), "contrast": dice.choice([True, False, None]),
        "derived": dice.random() < 0.2, "reformat": dice.choice(["", "", "mip"]), "frame_count": dice.choice([1, 3, 4, 60]), "number": number, "description": f"series {number}",
        "tomosynthesis": False, **dice.choice(_MODALITIES[modality]),
    }  # fmt: skip
    if modality in {"MG", "DX", "US", "XA", "NM"}:
        made["images"] = [
            {"sop_uid": f"1.{number}.{at}", "laterality": dice.choice("RL"), "view": dice.choice(["CC", "MLO", "PA", ""]), "tomosynthesis": False, "for_presentation": dice.random() < 0.8, "derived": False, "frames": dice.choice([1, 40])}
            for at in range(dice.randint(0, 4))
        ]  # fmt: skip
    return made


def told(one: Study) -> dict[str, Any]:
    return {
        "id": one.id,
        "patient": one.patient,
        "relation": one.relation,
        "facts": one.facts,
        "series": list(one.series),
    }


def _panes(document: dict[str, Any], stage: int, current: Study, priors: list[Study]) -> list[list[Any]]:
    return [list(astuple(pane)) for pane in arrange(document, stage, current, priors)]


def case(seed: int) -> dict[str, Any]:
    current = study(seed)
    modality = current.facts["modalities"][0]
    priors = [
        study(seed, relation="later", modality=modality), study(seed, relation="prior", patient="other", modality=modality),
        study(seed + 1, relation="prior", modality=modality), study(seed + 2, relation="prior", modality=modality),
    ][: seed % 5]  # fmt: skip
    dice = random.Random(seed)
    library = [(dice.choice(["shipped", "shipped", "site", "user"]), document) for document in shipped()]
    fits = rank(library, current, len(priors))
    best = next((fit.protocol for fit in fits if fit.fits), "")
    document = next((one for _, one in library if one["id"] == best), None)
    found = stages(document, current, priors) if document else []
    return {
        "layers": [layer for layer, _ in library],
        "current": told(current),
        "priors": [told(one) for one in priors],
        "rank": [[fit.protocol, fit.fits, fit.score] for fit in fits],
        "stages": found,
        "panes": [_panes(document, stage, current, priors) for stage in found] if document else [],
        "left_out": left_out(current, arrange(document, found[0], current, priors)) if document and found else [],
    }


def cases() -> dict[str, Any]:
    return {"holds": table(), "hangs": [case(seed) for seed in range(24)]}


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(cases(), ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
