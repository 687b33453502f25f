"""Slices in space: order, gaps, duplicates, tilt (PS3.3 C.7.6.2.1.1)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from heliograph.standards.dicom.image import ImageSpec

Vector = tuple[float, ...]
_SAME_DIRECTION = 0.9995  # cosine: within 1.8 degrees
_SAME_PLACE_MM = 0.01
_TILT_DEGREES = 0.5


class Attributes(Protocol):
    """What a scanned header or one of its items answers."""

    def text(self, keyword: str) -> str: ...
    def texts(self, keyword: str) -> tuple[str, ...]: ...
    def integer(self, keyword: str) -> int | None: ...
    def number(self, keyword: str) -> float | None: ...
    def numbers(self, keyword: str) -> tuple[float, ...]: ...
    def sequence(self, keyword: str) -> Sequence[Attributes]: ...


def is_orientation(orientation: Sequence[float] | None) -> bool:
    """Two finite unit vectors at a right angle; anything else must not be used, not even for letters."""
    if orientation is None or len(orientation) != 6 or not all(map(math.isfinite, orientation)):
        return False
    row, column = orientation[:3], orientation[3:]
    lengths = math.hypot(*row), math.hypot(*column)
    return all(abs(length - 1) < 0.01 for length in lengths) and abs(_dot(row, column)) < 0.01


def normal_of(orientation: Sequence[float]) -> Vector:
    """Row direction x column direction."""
    (a, b, c), (d, e, f) = orientation[:3], orientation[3:]
    return b * f - c * e, c * d - a * f, a * e - b * d


def position_along(orientation: Sequence[float], position: Sequence[float]) -> float:
    """Distance in mm of a slice from the origin along its normal."""
    return _dot(normal_of(orientation), position)


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(one * other for one, other in zip(left, right, strict=True))


@dataclass(frozen=True, slots=True)
class Stack:
    """What is remarkable about the slices of one orientation, by their index in stack order."""

    order: tuple[int, ...]  # indices into what was given
    spacing_mm: float | None  # median distance; None with fewer than two places
    gaps: tuple[int, ...] = ()  # the gap is behind this place in the order
    duplicates: tuple[int, ...] = ()  # at the same place as the one before
    tilt_degrees: float = 0.0  # between the normal and the line through the slice origins (gantry tilt)
    is_regular: bool = True  # evenly spaced and not sheared: may be shown as a volume as it is

    @property
    def is_tilted(self) -> bool:
        return self.tilt_degrees >= _TILT_DEGREES


def stack_of(orientation: Sequence[float], positions: Sequence[Sequence[float]]) -> Stack:
    """Order along the normal, and what disturbs a volume."""
    depths = [position_along(orientation, position) for position in positions]
    order = sorted(range(len(depths)), key=depths.__getitem__)
    steps = [depths[after] - depths[before] for before, after in pairwise(order)]
    real = sorted(step for step in steps if step > _SAME_PLACE_MM)
    if not real:
        return Stack(tuple(order), None, duplicates=tuple(range(1, len(order))), is_regular=len(order) <= 1)
    median = real[len(real) // 2]
    duplicates = tuple(index + 1 for index, step in enumerate(steps) if step <= _SAME_PLACE_MM)
    gaps = tuple(index for index, step in enumerate(steps) if step > 1.5 * median)
    tolerance = max(0.02 * median, _SAME_PLACE_MM)
    uneven = any(abs(step - median) > tolerance for step in real)
    tilt = _tilt(orientation, positions[order[0]], positions[order[-1]])
    return Stack(
        order=tuple(order),
        spacing_mm=median,
        gaps=gaps,
        duplicates=duplicates,
        tilt_degrees=tilt,
        is_regular=not (uneven or duplicates or tilt >= _TILT_DEGREES),
    )


def _tilt(orientation: Sequence[float], first: Sequence[float], last: Sequence[float]) -> float:
    line = tuple(end - begin for begin, end in zip(first, last, strict=True))
    length = math.hypot(*line)
    if length <= _SAME_PLACE_MM:
        return 0.0
    cosine = max(-1.0, min(1.0, _dot(normal_of(orientation), line) / length))
    return math.degrees(math.acos(cosine))


# -- order of instances and frames -------------------------------------------------------------------------------

_DIMENSIONS = (
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "AcquisitionNumber",
    "EchoNumbers",
    "EchoTime",
    "DiffusionBValue",
    "TriggerTime",
    "InversionTime",
    "AcquisitionTime",
    "ContentTime",
)


def display_order(headers: Sequence[Attributes | None]) -> list[int]:
    """Indices of the instances of a series as a person scrolls through them.

    By place along the common normal when all slices have one orientation, in the direction in which the instance
    numbers rise; several slices at one place (phases, echoes, b-values) make volumes one after another; otherwise
    by instance number. Unreadable instances (None) come last.
    """
    known = [index for index, header in enumerate(headers) if header is not None]
    rest = [index for index, header in enumerate(headers) if header is None]
    facts = [_Placed.of(index, headers[index]) for index in known]
    ordered = _by_place(facts) or sorted(facts, key=_Placed.by_number)
    return [fact.index for fact in ordered] + rest


@dataclass(frozen=True, slots=True)
class _Placed:
    index: int
    number: int | None
    depth: float | None
    orientation: Vector | None
    header: Attributes

    @classmethod
    def of(cls, index: int, header: Any) -> _Placed:
        orientation, position = header.numbers("ImageOrientationPatient"), header.numbers("ImagePositionPatient")
        is_placed = is_orientation(orientation) and len(position) == 3
        return cls(
            index,
            header.integer("InstanceNumber"),
            position_along(orientation, position) if is_placed else None,
            orientation if is_placed else None,
            header,
        )

    def by_number(self) -> tuple[bool, int, str, int]:
        return self.number is None, self.number or 0, self.header.text("ContentTime"), self.index


def _by_place(facts: list[_Placed]) -> list[_Placed] | None:
    if len(facts) < 2 or any(fact.depth is None for fact in facts):
        return None
    normal = normal_of(facts[0].orientation or ())
    if any(_dot(normal, normal_of(fact.orientation or ())) < _SAME_DIRECTION for fact in facts):
        return None
    volumes = _volumes(facts)
    if volumes is None:
        return None
    downwards = _falls(facts)
    return [
        fact for volume in volumes for fact in sorted(volume, key=lambda fact: fact.depth or 0.0, reverse=downwards)
    ]


def _said(keyword: str) -> Callable[[_Placed], str]:
    return lambda fact: fact.header.text(keyword)


def _volumes(facts: list[_Placed]) -> list[list[_Placed]] | None:
    """One volume when every place is taken once; else divided by the first attribute that makes it so."""
    if _places_differ(facts):
        return [facts]
    for keyword in _DIMENSIONS:
        groups = _grouped(facts, _said(keyword))
        if len(groups) > 1 and all(_places_differ(group) for group in groups):
            return groups
    return None


def _grouped(facts: Iterable[_Placed], key: Callable[[_Placed], str]) -> list[list[_Placed]]:
    groups: dict[str, list[_Placed]] = {}
    for fact in facts:
        groups.setdefault(key(fact), []).append(fact)
    return [groups[name] for name in sorted(groups, key=_natural)]


def _natural(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return math.inf, text


def _places_differ(facts: Sequence[_Placed]) -> bool:
    depths = sorted(fact.depth or 0.0 for fact in facts)
    return all(after - before > _SAME_PLACE_MM for before, after in pairwise(depths))


def _falls(facts: Sequence[_Placed]) -> bool:
    """Whether the places fall while the instance numbers rise."""
    numbered = sorted((fact.number, fact.depth or 0.0) for fact in facts if fact.number is not None)
    falling = sum(after[1] < before[1] for before, after in pairwise(numbered))
    return falling * 2 > len(numbered) - 1


def frame_order(spec: ImageSpec) -> list[int]:
    """Frames of an enhanced object by place where that is unambiguous, else as stored."""
    stored = list(range(spec.frames))
    facts = spec.per_frame
    if len(facts) != spec.frames or spec.frames < 2:
        return stored
    orientation = facts[0].orientation
    if orientation is None or not is_orientation(orientation):
        return stored
    normal, depths = normal_of(orientation), []
    for fact in facts:
        if fact.position is None or fact.orientation is None or not is_orientation(fact.orientation):
            return stored
        if _dot(normal, normal_of(fact.orientation)) < _SAME_DIRECTION:
            return stored
        depths.append(_dot(normal, fact.position))
    ranked = sorted(stored, key=depths.__getitem__)
    if any(depths[after] - depths[before] <= _SAME_PLACE_MM for before, after in pairwise(ranked)):
        return stored
    falling = sum(after < before for before, after in pairwise(depths))
    return ranked[::-1] if falling * 2 > len(depths) - 1 else ranked
