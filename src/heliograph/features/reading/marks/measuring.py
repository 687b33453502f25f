"""What a mark measures, computed here from its points and the object's own header: the browser's figure is believed only when both agree."""

import math
from collections.abc import Sequence

from heliograph.features.reading.marks.model import Mark
from heliograph.standards.dicom.geometry import Attributes, Spacing, region_of, regions, spacing_of

Point = tuple[float, float]
# Both sides compute in double precision from the same points: what differs by more was not the same measurement.
_NEAR = 2e-3
_ANGLE_NEAR = 0.05
_GEOMETRIC = frozenset({"length", "angle", "long_axis", "short_axis", "area", "perimeter"})


def measured_here(mark: Mark, header: Attributes) -> dict[str, tuple[float, str]]:
    """Value and unit of every quantity that follows from the points alone: mm, mm2, deg; px and px2 where no scale is known."""
    spacing = _spacing(mark, header)
    scale, unit = ((spacing.row_mm, spacing.column_mm), "mm") if spacing else (_shape(header), "px")
    points = [(x * (scale[1] or 1.0), y * (scale[0] or 1.0)) for x, y in mark.points]
    return _quantities(mark.kind, points, unit)


def doubt(mark: Mark, header: Attributes) -> str:
    """Why what the browser has measured cannot be believed; "" when it can. A code, never a value."""
    here = measured_here(mark, header)
    for one in mark.measured:
        if one.name not in _GEOMETRIC:
            continue
        known = here.get(one.name)
        if known is None:
            return "not_of_this_kind"
        value, unit = known
        if unit != one.unit:
            return "unit_differs"
        near = _ANGLE_NEAR if unit == "deg" else max(_NEAR * abs(value), 1e-6)
        if abs(one.value - value) > near:
            return "value_differs"
    return ""


def _spacing(mark: Mark, header: Attributes) -> Spacing | None:
    found = regions(header)
    if found or header.sequence("SequenceOfUltrasoundRegions"):
        region = region_of(found, mark.points)
        spacing = region.spacing if region else None
    else:
        spacing = spacing_of(_of_frame(header, mark.image.frame) or header)
    return spacing if spacing and spacing.row_mm is not None else None


def _of_frame(header: Attributes, frame: int) -> Attributes | None:
    """The pixel measures of one frame of an enhanced object, where that has its own (C.7.6.16.2.1)."""
    groups = header.sequence("PerFrameFunctionalGroupsSequence")
    if not 1 <= frame <= len(groups):
        return None
    measures = groups[frame - 1].sequence("PixelMeasuresSequence")
    return _Framed(header, measures[0]) if measures else None


class _Framed:
    """An object seen through the functional groups of one frame."""

    __slots__ = ("_over", "_under")

    def __init__(self, under: Attributes, over: Attributes) -> None:
        self._under, self._over = under, over

    def _of(self, keyword: str) -> Attributes:
        return self._over if self._over.numbers(keyword) or self._over.text(keyword) else self._under

    def text(self, keyword: str) -> str:
        return self._of(keyword).text(keyword)

    def texts(self, keyword: str) -> tuple[str, ...]:
        return self._of(keyword).texts(keyword)

    def integer(self, keyword: str) -> int | None:
        return self._of(keyword).integer(keyword)

    def number(self, keyword: str) -> float | None:
        return self._of(keyword).number(keyword)

    def numbers(self, keyword: str) -> tuple[float, ...]:
        return self._of(keyword).numbers(keyword)

    def sequence(self, keyword: str) -> Sequence[Attributes]:
        return self._under.sequence(keyword)


def _shape(header: Attributes) -> tuple[float, float]:
    """Between rows, between columns: the shape of a pixel whose size is not known (C.7.6.3.1.7)."""
    ratio = header.numbers("PixelAspectRatio")
    return (ratio[0] / ratio[1], 1.0) if len(ratio) == 2 and min(ratio) > 0 else (1.0, 1.0)


def _quantities(kind: str, points: Sequence[Point], unit: str) -> dict[str, tuple[float, str]]:
    area_unit = f"{unit}2"
    match kind:
        case "length":
            return {"length": (_far(*points), unit)}
        case "angle":
            return _angle(points[0], points[1], points[2], points[1])
        case "cobb":
            return _angle(*points)
        case "bidirectional":
            axes = sorted((_far(points[0], points[1]), _far(points[2], points[3])), reverse=True)
            return {"long_axis": (axes[0], unit), "short_axis": (axes[1], unit)}
        case "ellipse":
            a, b = _far(points[0], points[1]) / 2, _far(points[2], points[3]) / 2
            return {
                "area": (math.pi * a * b, area_unit),
                "long_axis": (2 * max(a, b), unit),
                "short_axis": (2 * min(a, b), unit),
            }
        case "circle":
            radius = _far(*points)
            return {"area": (math.pi * radius**2, area_unit), "long_axis": (2 * radius, unit)}
        case "rectangle":
            (x0, y0), (x1, y1) = points
            width, height = abs(x1 - x0), abs(y1 - y0)
            return {"area": (width * height, area_unit), "perimeter": (2 * (width + height), unit)}
        case "freehand":
            ends = [*points[1:], points[0]]
            crossed = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(points, ends, strict=True))
            return {"area": (abs(crossed) / 2, area_unit), "perimeter": (sum(map(_far, points, ends)), unit)}
    return {}


def _far(one: Point, other: Point) -> float:
    return math.dist(one, other)


def _angle(a: Point, b: Point, c: Point, d: Point) -> dict[str, tuple[float, str]]:
    """Between the lines b->a and d->c; nothing when one of them has no length."""
    one, other = (a[0] - b[0], a[1] - b[1]), (c[0] - d[0], c[1] - d[1])
    sizes = math.hypot(*one) * math.hypot(*other)
    if sizes == 0:
        return {}
    cosine = (one[0] * other[0] + one[1] * other[1]) / sizes
    return {"angle": (math.degrees(math.acos(min(1.0, max(-1.0, cosine)))), "deg")}
