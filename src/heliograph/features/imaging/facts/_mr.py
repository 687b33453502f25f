"""Which kind of MR series it is: by its words, else by its physics."""

from __future__ import annotations

from collections.abc import Sequence

from heliograph.features.imaging.facts import _words
from heliograph.standards.dicom.geometry import Attributes

_SPECIAL = frozenset({"ADC", "PERFUSION", "DTI", "DWI", "SWI", "FMRI", "TOF", "FLOW"})


def family_of(of: Attributes, words: str, b_values: Sequence[int]) -> str:
    """T1, T2, FLAIR, STIR, PD, T2STAR, DWI, ADC, DTI, SWI, PERFUSION, TOF, FLOW, CINE, LGE, SSFP, MRCP, FMRI, LOC or nothing."""
    types = {text.upper() for text in of.texts("ImageType")}
    if "LOCALIZER" in types:
        return "LOC"
    if types & {"ADC", "EADC"}:
        return "ADC"
    if types & {"FA", "TENSOR"}:
        return "DTI"
    said = _words.meaning(_words.MR_FAMILIES, words)
    if types & {"DIFFUSION", "TRACEW", "TRACE"} and said not in _SPECIAL:
        return "DWI"
    if said:
        return _inversion(of, said)
    if any(value > 0 for value in b_values):
        return "DWI"
    return _by_physics(of)


def _inversion(of: Attributes, said: str) -> str:
    """A T2 with the time that nulls fluid is a FLAIR, with that of fat a STIR."""
    inversion, echo = of.number("InversionTime"), of.number("EchoTime")
    if said != "T2" or inversion is None or "IR" not in of.texts("ScanningSequence"):
        return said
    if inversion >= 1600 and (echo or 0) > 60:
        return "FLAIR"
    return "STIR" if 80 <= inversion <= 300 else said


def _by_physics(of: Attributes) -> str:
    echo, repetition, inversion = of.number("EchoTime"), of.number("RepetitionTime"), of.number("InversionTime")
    kinds = of.texts("ScanningSequence")
    if echo is None or repetition is None or echo <= 0:
        return ""
    if "IR" in kinds and inversion is not None:
        if 80 <= inversion <= 300 and repetition > 1500:
            return "STIR"
        if inversion >= 1600 and echo > 60:
            return "FLAIR"
    if "EP" in kinds and "SE" not in kinds and echo > 20 and repetition < 4000:
        return "FMRI"
    if "SE" in kinds:
        if echo <= 35:
            return "T1" if repetition <= 1200 else "PD"
        return "T2" if echo >= 60 and repetition >= 1500 else ""
    if "GR" in kinds and echo <= 12 and repetition <= 700:
        return "T1"
    return "T2STAR" if "GR" in kinds and echo >= 15 else ""


def is_fat_suppressed(of: Attributes, words: str) -> bool:
    options = {text.upper() for text in of.texts("ScanOptions")}
    return bool(options & {"FS", "FAT_SAT", "FATSAT", "SAT_GEMS_FS"}) or bool(_words.FAT_SUPPRESSED.search(words))
