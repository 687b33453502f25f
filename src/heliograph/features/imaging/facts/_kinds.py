"""What a SOP class is to somebody who hangs it (PS3.4 B.5)."""

from __future__ import annotations

_STORAGE = "1.2.840.10008.5.1.4.1.1."

_EXACT = {
    "104.1": "document", "104.2": "document", "104.3": "model", "104.4": "model", "104.5": "model",
    "66": "registration", "66.1": "registration", "66.2": "registration", "66.3": "registration", "66.4": "segmentation",
    "66.5": "segmentation", "66.6": "segmentation", "66.7": "segmentation", "66.8": "segmentation", "67": "registration", "68.1": "model",
    "30": "parametric", "77.1.1.1": "video", "77.1.2.1": "video", "77.1.4.1": "video",
    "77.1.6": "slide", "88.59": "keyobject", "88.67": "dose", "88.68": "dose", "88.73": "dose", "88.76": "dose",
    "481.2": "rtdose", "481.3": "structures", "481.5": "plan", "481.8": "plan", "481.4": "plan", "481.6": "plan", "481.7": "plan", "481.9": "plan",
    "6.1": "image", "3.1": "image",
}  # fmt: skip
_BEGINS = (("88.", "report"), ("11.", "presentation"), ("9.", "waveform"), ("38.", "protocol"), ("7", "capture"))
_BY_MODALITY = {
    "SR": "report", "PR": "presentation", "KO": "keyobject", "SEG": "segmentation", "RTSTRUCT": "structures", "RTPLAN": "plan",
    "RTDOSE": "rtdose", "RTRECORD": "plan", "REG": "registration", "FID": "registration", "DOC": "document", "ECG": "waveform", "HD": "waveform",
    "EPS": "waveform", "AU": "waveform", "RWV": "registration", "ANN": "presentation", "PLAN": "plan", "M3D": "model", "SM": "slide", "RESP": "waveform", "EEG": "waveform",
}  # fmt: skip

PICTURES = frozenset({"image", "localizer", "capture", "parametric", "slide", "video", "rtdose"})
"""Kinds that have pixels to look at."""
_VIDEO = "1.2.840.10008.1.2.4.10"


def kind_of(sop_class_uid: str, modality: str, *, has_pixels: bool, transfer_syntax_uid: str = "") -> str:
    """image, capture (somebody's screen), localizer is decided elsewhere; report, document, waveform and what else is no picture."""
    if transfer_syntax_uid.startswith(_VIDEO):
        return "video"
    kind = _EXACT.get(sop_class_uid.removeprefix(_STORAGE), "")
    if not kind and sop_class_uid.startswith(_STORAGE):
        rest = sop_class_uid.removeprefix(_STORAGE)
        kind = next(
            (named for begin, named in _BEGINS if rest.startswith(begin) and (begin != "7" or rest in _CAPTURES)), ""
        )
    if kind == "capture" and modality not in {"OT", "SC", ""}:
        kind = "capture"
    if kind:
        return kind
    if has_pixels:
        return "image"
    return _BY_MODALITY.get(modality, "other")


_CAPTURES = frozenset({"7", "7.1", "7.2", "7.3", "7.4"})
