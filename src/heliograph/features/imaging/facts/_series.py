"""Facts of one series, from what its instances say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from heliograph.features.imaging.facts import _mr, _words
from heliograph.features.imaging.facts._kinds import PICTURES, kind_of
from heliograph.standards.dicom.geometry import Attributes, is_orientation, normal_of

FORMAT = 1
PROJECTIONS = frozenset({"MG", "CR", "DX", "RG", "IO", "PX", "XC", "OP", "OPT", "US", "XA", "RF", "NM", "ES"})
"""Kinds whose images are each for themselves: a view, a run, a clip."""
MOST_IMAGES = 64
_OBLIQUE = 0.8
_TEXT = 64
_TOMOSYNTHESIS = ("1.2.840.10008.5.1.4.1.1.13.1.3", "1.2.840.10008.5.1.4.1.1.13.1.4", "1.2.840.10008.5.1.4.1.1.13.1.5")
_NO_AGENT = frozenset({"", "NO", "NONE", "N", "NEIN", "NON", "0", "NO CONTRAST", "WITHOUT"})


def series_facts(
    instances: Sequence[Attributes], *, study_description: str = "", is_sample: bool = False
) -> dict[str, Any]:
    """What a hanging protocol may ask of a series. `instances` in display order; `is_sample` when they are not all of them.

    Words that are derived, never a name, a date or a description: the facts may be shown to who may see no patient.
    """
    first = instances[len(instances) // 2]
    modality = first.text("Modality")[:16]
    words = " ".join((first.text("SeriesDescription"), first.text("ProtocolName")))[:300]
    kind = _kind(first, modality)
    is_localizer = kind == "image" and _is_localizer(first, modality, words)
    body_part, stated, basis = body_part_of(
        first.text("BodyPartExamined"), words, study_description or first.text("StudyDescription")
    )
    return {
        "format": FORMAT,
        "sample": is_sample,
        "modality": modality,
        "kind": "localizer" if is_localizer else kind,
        "plane": _plane(first) if kind in PICTURES else "",
        "body_part": body_part,
        "body_part_stated": stated,
        "body_part_basis": basis,
        "laterality": _laterality(first, words),
        "contrast": _contrast(first, words),
        "phase": _phase(words) if modality in {"CT", "MR"} else "",
        "derived": first.texts("ImageType")[:1] == ("DERIVED",),
        "reformat": _reformat(first, words),
        "frame_of_reference": first.text("FrameOfReferenceUID")[:64],
        "thickness_mm": _rounded(_found(first, "SliceThickness", "PixelMeasuresSequence")),
        "rows": first.integer("Rows"),
        "columns": first.integer("Columns"),
        "dynamic": _dynamic(instances),
        **_of_modality(instances, first, modality, words),
        **_of_images(instances, modality, kind),
    }  # fmt: skip


def _of_modality(instances: Sequence[Attributes], first: Attributes, modality: str, words: str) -> dict[str, Any]:
    if modality == "MR":
        b_values = _b_values(instances)
        return {
            "family": _mr.family_of(first, words, b_values),
            "fat_suppressed": _mr.is_fat_suppressed(first, words),
            "b_values": b_values,
        }  # fmt: skip
    if modality == "CT":
        return {
            "kernel": kernel_of(
                first.text("ConvolutionKernel") or _nested(first, "ConvolutionKernel", "CTReconstructionSequence"),
                words,
            )
        }
    if modality in {"PT", "NM"}:
        corrected = first.texts("CorrectedImage")
        return {
            "attenuation_corrected": "ATTN" in corrected if first.texts("CorrectedImage") else _said_corrected(words)
        }
    return {}


def _said_corrected(words: str) -> bool | None:
    lower = words.lower()
    if any(word in lower for word in ("nac", "non-ac", "uncorrected", "no ac")):
        return False
    return True if " ac" in f" {lower}" else None


def _of_images(instances: Sequence[Attributes], modality: str, kind: str) -> dict[str, Any]:
    """Of projections each image for itself: one series may hold both sides and all views."""
    first = instances[len(instances) // 2]
    tomosynthesis = first.text("SOPClassUID") in _TOMOSYNTHESIS
    if modality not in PROJECTIONS or kind not in PICTURES:
        return {"tomosynthesis": tomosynthesis}
    images = [image_facts(instance) for instance in instances[:MOST_IMAGES]]
    views = sorted({image["view"] for image in images} - {""})
    return {
        "tomosynthesis": tomosynthesis,
        "views": views,
        "images": images,
        "images_capped": len(instances) > MOST_IMAGES,
    }


def image_facts(of: Attributes) -> dict[str, Any]:
    """One projection: which side, which view, and how its pixels lie in the patient."""
    words = " ".join(
        (of.text("SeriesDescription"), of.text("ProtocolName"), of.text("AcquisitionDeviceProcessingDescription"))
    )[:300]
    return {
        "sop_uid": of.text("SOPInstanceUID")[:64],
        "laterality": _laterality(of, words),
        "view": view_of(of, words),
        "orientation": [text[:8] for text in of.texts("PatientOrientation")[:2]],
        "tomosynthesis": of.text("SOPClassUID") in _TOMOSYNTHESIS,
        "for_presentation": of.text("PresentationIntentType").upper() != "FOR PROCESSING",
        "derived": of.texts("ImageType")[:1] == ("DERIVED",),
        "frames": of.integer("NumberOfFrames") or 1,
    }  # fmt: skip


def _kind(of: Attributes, modality: str) -> str:
    types = {text.upper() for text in of.texts("ImageType")}
    found = kind_of(of.text("SOPClassUID"), modality, has_pixels=of.integer("Rows") is not None)
    if found == "image" and types & {"SCREEN SAVE", "SCREENSHOT", "CAPTURE"}:
        return "capture"
    return found


def _is_localizer(of: Attributes, modality: str, words: str) -> bool:
    types = {text.upper() for text in of.texts("ImageType")}
    if "LOCALIZER" in types:
        return True
    return modality in {"CT", "MR", "PT"} and (
        of.text("ScanOptions").upper() == "SCOUT MODE" or bool(_words.LOCALIZER.search(words))
    )


def _phase(words: str) -> str:
    """Empty also when a name tells of several: that of a protocol, not of a series."""
    said = _words.meanings(_words.PHASES, words)
    return said[0] if len(said) == 1 else ""


def _found(of: Attributes, keyword: str, group: str) -> float | None:
    """An attribute of the data set, or of its shared, else its first frame's functional group (PS3.3 C.7.6.16)."""
    value = of.number(keyword)
    if value is not None:
        return value
    for functional in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for item in of.sequence(functional)[:1]:
            for inner in item.sequence(group)[:1]:
                if (value := inner.number(keyword)) is not None:
                    return value
    return None


def _nested(of: Attributes, keyword: str, group: str) -> str:
    for functional in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for item in of.sequence(functional)[:1]:
            for inner in item.sequence(group)[:1]:
                if text := inner.text(keyword):
                    return text
    return ""


def orientation_of(of: Attributes) -> tuple[float, ...]:
    found = of.numbers("ImageOrientationPatient")
    if found:
        return found
    for functional in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for item in of.sequence(functional)[:1]:
            for inner in item.sequence("PlaneOrientationSequence")[:1]:
                if found := inner.numbers("ImageOrientationPatient"):
                    return found
    return ()


def _plane(of: Attributes) -> str:
    orientation = orientation_of(of)
    if not is_orientation(orientation):
        return ""
    sizes = [abs(value) for value in normal_of(orientation)]
    if max(sizes) < _OBLIQUE:
        return "oblique"
    return ("sagittal", "coronal", "axial")[sizes.index(max(sizes))]


def body_part_of(stated: str, words: str, study_words: str) -> tuple[str, str, str]:
    """(region, what the object states, where the region is from). The object is wrong often enough (about one in seven) that words
    that name one region and only one are believed before it; both are kept."""
    coded = stated.upper().replace(" ", "").replace("_", "")
    own = _words.CODED_PARTS.get(coded)
    if own is None:
        own = _words.meaning(_words.BODY_PARTS, stated)
    for source, text in (("series", words), ("study", study_words[:300])):
        said = _words.meanings(_words.BODY_PARTS, text)
        if said and (own in said or not own or len(set(said)) == 1):
            region = own if own in said else said[0]
            return region, coded[:16], "both" if region == own else source
    return own, coded[:16], "stated" if own else ""


def _laterality(of: Attributes, words: str) -> str:
    for keyword in ("ImageLaterality", "Laterality", "FrameLaterality"):
        value = of.text(keyword).upper()[:1]
        if value in {"R", "L", "B"}:
            return value
    sides = _words.meanings(_words.SIDES, words)
    return sides[0] if len(sides) == 1 else ""


def _contrast(of: Attributes, words: str) -> bool | None:
    """None when nothing says so. What is written of the series itself is believed before the agent, which stands in the whole study."""
    if of.text("Modality") not in {"CT", "MR"}:
        return None
    without, with_ = bool(_words.WITHOUT_CONTRAST.search(words)), bool(_words.WITH_CONTRAST.search(words))
    if without != with_:
        return with_
    agent = of.text("ContrastBolusAgent").upper()
    return None if agent in _NO_AGENT and not of.sequence("ContrastBolusAgentSequence") else True


def kernel_of(kernel: str, words: str) -> str:
    """soft, lung or bone: by what makers call their kernels, then by the words of the series."""
    name = kernel.upper().strip()
    if name[:2] in {"BL", "BS"} and name[2:4].isdigit():
        return "lung" if name.startswith("BL") else "soft"
    letters = name.rstrip("0123456789\\ FSHD").rstrip("0123456789")
    digits = "".join(character for character in name[len(letters) :] if character.isdigit())[:2]
    if letters in {"B", "BR", "BV", "HR", "H", "I", "J", "QR", "UR", "HC", "HV", "BF", "BP"} and digits:
        return "soft" if int(digits) < 50 else "lung" if int(digits) < 58 else "bone"
    if letters == "FC" and digits:
        return "soft" if int(digits) < 30 else "bone" if int(digits) < 50 or int(digits) >= 80 else "lung"
    if name in {"A", "B", "C"}:
        return "soft"
    if name in {"D", "E", "YD", "YE"}:
        return "bone"
    if name in {"L", "YA", "YB", "YC"}:
        return "lung"
    return _words.meaning(_words.KERNEL_WORDS, name) or _words.meaning(_words.KERNEL_WORDS, words)


_MG_VIEWS = {"R-10242": "CC", "R-10226": "MLO", "R-10224": "ML", "R-10228": "LM", "R-10230": "LMO", "399162004": "CC", "399368009": "MLO", "399260004": "ML", "399352003": "LM"}  # fmt: skip


def view_of(of: Attributes, words: str) -> str:
    """CC, MLO, ML...; PA, AP, LL; empty when nothing says it."""
    for item in of.sequence("ViewCodeSequence")[:1]:
        if found := _MG_VIEWS.get(item.text("CodeValue")):
            return found
    value = of.text("ViewPosition").upper().replace(" ", "")[:8]
    if value in {"LAT", "LATERAL", "RL", "RLD", "LLD"}:
        return "LL"
    if value:
        return value
    if of.text("Modality") == "MG":
        upper = words.upper()
        return next((view for view in ("MLO", "CC", "LMO", "XCC", "ML", "LM") if view in upper), "")
    return _words.meaning(_words.VIEWS, words)


def _reformat(of: Attributes, words: str) -> str:
    types = {text.upper() for text in of.texts("ImageType")}
    lower = words.lower()
    if "MIP" in types or "MAX_IP" in types or "PROJECTION IMAGE" in types or " mip" in f" {lower}":
        return "mip"
    if types & {"REFORMATTED", "CSA MPR", "CURVED_MPR"} or types >= {"DERIVED", "MPR"} or " mpr" in f" {lower}":
        return "mpr"
    return "vr" if "VOLUME_RENDER" in types or "3D" in types else ""


def _b_values(instances: Sequence[Attributes]) -> list[int]:
    found: set[int] = set()
    for instance in instances:
        value = instance.number("DiffusionBValue")
        values = [value] if value is not None else _frame_b_values(instance)
        found.update(round(number) for number in values if 0 <= number < 100_000)
        if len(found) >= 64:
            break
    return sorted(found)[:64]


def _frame_b_values(of: Attributes) -> list[float]:
    return [
        value
        for frame in of.sequence("PerFrameFunctionalGroupsSequence")[:4096]
        for item in frame.sequence("MRDiffusionSequence")[:1]
        if (value := item.number("DiffusionBValue")) is not None
    ]


def _dynamic(instances: Sequence[Attributes]) -> int:
    """How many times the same places were taken: phases, echoes, b-values; 1 when each place has one picture."""
    places: dict[tuple[float, ...], int] = {}
    for instance in instances:
        position = instance.numbers("ImagePositionPatient")
        orientation = instance.numbers("ImageOrientationPatient")
        if len(position) == 3:
            key = tuple(round(value, 2) for value in (*position, *orientation))
            places[key] = places.get(key, 0) + 1
    if not places:
        return max((instance.integer("NumberOfTemporalPositions") or 1) for instance in instances)
    return max(1, min(10_000, round(len(instances) / len(places))))


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 2)
