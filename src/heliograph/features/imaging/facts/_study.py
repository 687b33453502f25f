"""Facts of a whole study, and how near another study of the same person is to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from heliograph.features.imaging.facts import _words
from heliograph.features.imaging.facts._kinds import PICTURES
from heliograph.features.imaging.facts._series import body_part_of

Facts = Mapping[str, Any]
_NEIGHBOURS = {
    frozenset({"CHEST", "HEART"}), frozenset({"ABDOMEN", "PELVIS"}), frozenset({"CHEST", "ABDOMEN"}), frozenset({"HEAD", "NECK"}),
    frozenset({"SPINE", "CSPINE"}), frozenset({"SPINE", "TSPINE"}), frozenset({"SPINE", "LSPINE"}), frozenset({"NECK", "CSPINE"}),
}  # fmt: skip
_KIN = ({"CR", "DX", "RG"}, {"PT", "CT", "NM"}, {"CT", "MR"}, {"MG", "US"}, {"XA", "RF"})


def study_facts(row: Mapping[str, Any], series: Sequence[Facts]) -> dict[str, Any]:
    """What a protocol may ask of a study: its kinds of picture, its region by the vote of its series, its sides."""
    pictures = [facts for facts in series if facts.get("kind") in PICTURES]
    regions = Counter(
        facts["body_part"] for facts in pictures if facts.get("body_part") and facts.get("kind") != "capture"
    )
    stated = body_part_of(str(row.get("body_part") or ""), str(row.get("description") or ""), "")[0]
    region = max(regions.items(), key=lambda item: (item[1], item[0] == stated, item[0]))[0] if regions else stated
    return {
        "modalities": sorted({facts["modality"] for facts in pictures if facts["kind"] != "capture"} or set(row.get("modalities") or ())),
        "body_part": region,
        "body_parts": sorted(regions),
        "laterality": _sides(pictures),
        "planes": sorted({facts["plane"] for facts in pictures if facts.get("plane")}),
        "families": sorted({facts["family"] for facts in pictures if facts.get("family")}),
        "kernels": sorted({facts["kernel"] for facts in pictures if facts.get("kernel")}),
        "views": sorted({view for facts in pictures for view in facts.get("views", ())}),
        "tomosynthesis": any(facts.get("tomosynthesis") for facts in pictures),
        "contrast": any(facts.get("contrast") for facts in pictures),
        "series_count": len(series),
        "picture_count": len(pictures),
    }  # fmt: skip


def _sides(pictures: Sequence[Facts]) -> str:
    sides = {facts.get("laterality", "") for facts in pictures}
    for facts in pictures:
        sides.update(image["laterality"] for image in facts.get("images", ()))
    sides.discard("")
    return "B" if len(sides) > 1 else next(iter(sides), "")


def relevance(current: Facts, other: Facts, years: float | None) -> dict[str, Any]:
    """How much another study of the person is worth beside this one: 0 to 100, with the reasons. The date decides among equals."""
    score, reasons = 0, []
    mine, theirs = set(current["modalities"]), set(other["modalities"])
    if mine & theirs:
        score, reasons = score + 40, ["same_modality"]
    elif any(mine & kin and theirs & kin for kin in _KIN):
        score, reasons = score + 20, ["similar_modality"]
    here, there = current["body_part"], other["body_part"]
    if here and here == there:
        score, reasons = score + 40, [*reasons, "same_body_part"]
    elif here and there and frozenset({here, there}) in _NEIGHBOURS:
        score, reasons = score + 20, [*reasons, "near_body_part"]
    elif not here or not there:
        reasons = [*reasons, "unknown_body_part"]
    else:
        score, reasons = score - 30, [*reasons, "other_body_part"]
    sides = {current["laterality"], other["laterality"]}
    if sides == {"L", "R"}:
        score, reasons = score - 40, [*reasons, "other_side"]
    elif len(sides) == 1 and sides & {"L", "R"}:
        score, reasons = score + 10, [*reasons, "same_side"]
    if years is not None:
        score += max(0, round(10 - 2 * abs(years)))
        if abs(years) <= 1:
            reasons = [*reasons, "recent"]
    return {"score": max(0, min(100, score)), "reasons": reasons}


def facts_of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Of a study of which nothing else is known yet: what its row in the index says."""
    region = body_part_of(str(row.get("body_part") or ""), str(row.get("description") or ""), "")[0]
    sides = _words.meanings(_words.SIDES, str(row.get("description") or ""))
    return {
        "modalities": list(row.get("modalities") or ()),
        "body_part": region,
        "laterality": sides[0] if len(sides) == 1 else "B" if sides else "",
    }  # fmt: skip
