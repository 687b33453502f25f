"""The grey-scale pipeline: modality, VOI, presentation (PS3.4 N.2, PS3.3 C.11)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom.image import Cell, FrameFacts, ImageSpec, Window
from heliograph.standards.dicom.palette import Lut

Array = NDArray[Any]
Levels = NDArray[np.uint8]
_WHITE = 255.0
_MAX_TABLE = 65_536


def modality_values(facts: FrameFacts, stored: Array) -> Array:
    """Stored values -> modality values, such as HU (C.11.1)."""
    if facts.modality_lut is not None:
        return facts.modality_lut.apply(stored).astype(np.float64)
    if facts.rescale is not None:
        return stored * np.float64(facts.rescale.slope) + np.float64(facts.rescale.intercept)
    return stored.astype(np.float64)


def windowed(values: Array, window: Window) -> Array:
    """Modality values -> 0..255 as real numbers, by the VOI LUT function of the window (C.11.2.1.2, C.11.2.1.3)."""
    center, width = window.center, window.width
    if window.function == "SIGMOID":
        exponent = np.clip(-4.0 * (values - center) / width, -700.0, 700.0)
        return np.asarray(_WHITE / (1.0 + np.exp(exponent)))
    if window.function == "LINEAR" and width >= 1:  # narrower ones are only possible for real numbers, as LINEAR_EXACT
        center, width = center - 0.5, width - 1.0
    if width == 0:  # a threshold
        return np.where(values <= center, 0.0, _WHITE)
    return np.clip(((values - center) / width + 0.5) * _WHITE, 0.0, _WHITE)


def grey_levels(
    spec: ImageSpec, facts: FrameFacts, stored: Array, *, window: Window | None = None, voi_lut: int | None = None
) -> Levels:
    """Stored values -> what a monitor shows, 0 black to 255 white.

    `window` and `voi_lut` choose; otherwise the first window, the first VOI LUT, or the whole range of the frame.
    """
    image = _unpadded(spec, stored)
    voi = _voi(spec, facts, stored if image is None else stored[image], window, voi_lut)
    inverted = spec.inverse or spec.photometric == "MONOCHROME1"

    def levels(values: Array) -> Levels:
        shown = voi(modality_values(facts, values))
        if values.dtype.kind == "f":
            shown = np.nan_to_num(shown, nan=0.0)
        return np.rint(_WHITE - shown if inverted else shown).astype(np.uint8)

    result = _mapped(stored, levels)
    if inverted and image is not None:  # what is not image stays dark, or it glares around a mammogram
        result = np.where(image, result, np.uint8(0))
    return result


def _mapped(stored: Array, levels: Callable[[Array], Levels]) -> Levels:
    """Through a table of all values that occur, where that is less work."""
    if stored.dtype.kind in "iu" and stored.size:
        low, high = int(stored.min()), int(stored.max())
        if high - low < min(_MAX_TABLE, stored.size):
            table = levels(np.arange(low, high + 1, dtype=np.int64))
            if stored.dtype.itemsize > 2:
                return np.asarray(table[(stored - stored.dtype.type(low)).astype(np.uint16)])
            return np.asarray(table[(stored.astype(np.int32) - low)])
    return levels(stored)


def _unpadded(spec: ImageSpec, stored: Array) -> NDArray[np.bool_] | None:
    """Which pixels are image; None when all are."""
    if spec.cell is not Cell.INTEGER:
        finite = np.isfinite(stored)
        return None if finite.all() else finite
    if spec.padding is None:
        return None
    low, high = spec.padding
    padded = np.asarray(stored >= low) & np.asarray(stored <= high)
    return ~padded if padded.any() and not padded.all() else None


def _voi(
    spec: ImageSpec, facts: FrameFacts, image: Array, window: Window | None, voi_lut: int | None
) -> Callable[[Array], Array]:
    if window is not None:
        if not (math.isfinite(window.center) and math.isfinite(window.width) and window.width > 0):
            raise Invalid("a window has a finite center and a width above 0", code="bad_window")
        return _by_window(spec, window)
    if voi_lut is not None:
        if not 0 <= voi_lut < len(facts.voi_luts):
            raise Invalid("the image has no such VOI LUT", code="no_such_lut")
        return _by_lut(facts.voi_luts[voi_lut])
    if facts.windows:
        return _by_window(spec, facts.windows[0])
    if facts.voi_luts:
        return _by_lut(facts.voi_luts[0])
    return _whole_range(spec, facts, image)


def _by_window(spec: ImageSpec, window: Window) -> Callable[[Array], Array]:
    """The half unit that LINEAR shifts by means nothing for real numbers (C.11.2.1.2.2)."""
    if spec.cell is not Cell.INTEGER and window.function == "LINEAR":
        window = replace(window, function="LINEAR_EXACT")
    return lambda values: windowed(values, window)


def _by_lut(lut: Lut) -> Callable[[Array], Array]:
    return lambda values: lut.apply(values) * (_WHITE / lut.top)


def _whole_range(spec: ImageSpec, facts: FrameFacts, image: Array) -> Callable[[Array], Array]:
    if spec.bits_stored <= 8 and not spec.signed and facts.rescale is None and facts.modality_lut is None:
        low, high = 0.0, float((1 << spec.bits_stored) - 1)
    elif image.size:
        ends = modality_values(facts, np.array([image.min(), image.max()]))
        if facts.modality_lut is not None:
            table = facts.modality_lut.values
            ends = np.array([table.min(), table.max()], np.float64)
        low, high = float(ends.min()), float(ends.max())
    else:
        low, high = 0.0, 1.0
    span = high - low if np.isfinite(high - low) and high > low else 1.0
    return lambda values: np.nan_to_num(np.clip((values - low) / span * _WHITE, 0.0, _WHITE), nan=0.0)


def default_window(spec: ImageSpec, facts: FrameFacts, stored: Array) -> Window | None:
    """The window that a viewer starts with: the first stored one, or the range of the frame; None when a LUT rules."""
    if facts.windows:
        return facts.windows[0]
    if facts.voi_luts:
        return None
    image = _unpadded(spec, stored)
    values = modality_values(facts, stored if image is None else stored[image])
    if not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    return Window((low + high) / 2, max(high - low, 1.0), "LINEAR_EXACT")
