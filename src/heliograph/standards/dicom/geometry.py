"""Where an image lies in the patient and what a distance on it means (PS3.3 C.7.6.2, C.8.5.5, C.10.7.1.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from heliograph.standards.dicom._stack import (
    Attributes,
    Stack,
    display_order,
    frame_order,
    is_orientation,
    normal_of,
    position_along,
    stack_of,
)

__all__ = [
    "Attributes",
    "Basis",
    "Edges",
    "Plane",
    "Region",
    "Spacing",
    "Stack",
    "direction_letters",
    "display_order",
    "edge_letters",
    "frame_order",
    "is_orientation",
    "normal_of",
    "plane_of",
    "position_along",
    "projection_letters",
    "region_of",
    "regions",
    "spacing_of",
    "stack_of",
]

# -- letters -----------------------------------------------------------------------------------------------------

_HUMAN = (("L", "R"), ("P", "A"), ("H", "F"))
_QUADRUPED = (("LE", "RT"), ("D", "V"), ("CR", "CD"))
_OPPOSITE = {"L": "R", "R": "L", "P": "A", "A": "P", "H": "F", "F": "H"}
_FAINT = 0.1  # a share of a direction too small to be said


@dataclass(frozen=True, slots=True)
class Edges:
    """Letters at the edges of an unrotated image; empty where the object does not say."""

    left: str = ""
    right: str = ""
    top: str = ""
    bottom: str = ""


def direction_letters(direction: Sequence[float], *, quadruped: bool = False) -> str:
    """Where a unit vector of patient space points to, the strongest direction first: L, PH, LAF."""
    names = _QUADRUPED if quadruped else _HUMAN
    strongest = sorted(range(3), key=lambda axis: -abs(direction[axis]))
    return "".join(names[axis][0 if direction[axis] > 0 else 1] for axis in strongest if abs(direction[axis]) >= _FAINT)


def edge_letters(orientation: Sequence[float] | None, *, quadruped: bool = False) -> Edges:
    """From Image Orientation (Patient); no letters for directions that are not at right angles."""
    if orientation is None or not is_orientation(orientation):
        return Edges()
    row, column = orientation[:3], orientation[3:]
    return Edges(
        left=direction_letters([-value for value in row], quadruped=quadruped),
        right=direction_letters(row, quadruped=quadruped),
        top=direction_letters([-value for value in column], quadruped=quadruped),
        bottom=direction_letters(column, quadruped=quadruped),
    )


def projection_letters(patient_orientation: Sequence[str]) -> Edges:
    """From Patient Orientation of a projection image: directions of rows and of columns (C.7.6.1.1.1)."""
    if len(patient_orientation) != 2:
        return Edges()
    row, column = (value.strip().upper() for value in patient_orientation)
    if not all(letter in _OPPOSITE for letter in row + column):
        return Edges()
    return Edges(left=_opposite(row), right=row, top=_opposite(column), bottom=column)


def _opposite(letters: str) -> str:
    return "".join(_OPPOSITE[letter] for letter in letters)


class Plane(StrEnum):
    AXIAL = "axial"
    SAGITTAL = "sagittal"
    CORONAL = "coronal"
    OBLIQUE = "oblique"


def plane_of(orientation: Sequence[float] | None) -> Plane | None:
    """The anatomical plane that the slice is nearest to, oblique when more than 37 degrees from all; None when unknown."""
    if orientation is None or not is_orientation(orientation):
        return None
    weights = [abs(value) for value in normal_of(orientation)]
    strongest = max(range(3), key=weights.__getitem__)
    if weights[strongest] < 0.8:
        return Plane.OBLIQUE
    return (Plane.SAGITTAL, Plane.CORONAL, Plane.AXIAL)[strongest]


# -- what a distance means ---------------------------------------------------------------------------------------


class Basis(StrEnum):
    """Said beside every value that is measured."""

    PATIENT = "mm"
    CALIBRATED = "mm, calibrated"
    MAGNIFICATION = "mm, corrected for magnification"
    DETECTOR = "mm at detector"
    FILM = "mm on film"
    REGION = "by region"
    NONE = "px"


@dataclass(frozen=True, slots=True)
class Spacing:
    """Millimetres between the centres of adjacent rows and of adjacent columns, or None with the basis px or by region."""

    basis: Basis
    row_mm: float | None = None
    column_mm: float | None = None
    method: str = ""  # GEOMETRY, FIDUCIAL, or the description of the calibration


_CROSS_SECTIONAL = frozenset({"CT", "MR", "PT", "NM", "RTDOSE", "SEG", "OPT", "RWV", "M3D"})
_NO_SPACING = Spacing(Basis.NONE)


def spacing_of(header: Attributes) -> Spacing:
    """The spacing that may be used for measuring, and what it refers to (C.10.7.1.3)."""
    if header.sequence("SequenceOfUltrasoundRegions"):
        return Spacing(Basis.REGION)
    measured = _pair(header, "PixelSpacing") or _shared_spacing(header)
    detector = _pair(header, "ImagerPixelSpacing")
    if measured is not None:
        found = _by_pixel_spacing(header, measured, detector)
        if found is not None:
            return found
        detector = detector or measured  # not calibrated: the same plane under an older name
    if detector is not None:
        factor = header.number("EstimatedRadiographicMagnificationFactor")
        if factor is not None and 1.0 <= factor <= 10.0:
            return Spacing(Basis.MAGNIFICATION, detector[0] / factor, detector[1] / factor, f"{factor:g}")
        return Spacing(Basis.DETECTOR, *detector)
    film = _pair(header, "NominalScannedPixelSpacing")
    return Spacing(Basis.FILM, *film) if film is not None else _NO_SPACING


def _by_pixel_spacing(
    header: Attributes, measured: tuple[float, float], detector: tuple[float, float] | None
) -> Spacing | None:
    kind = header.text("PixelSpacingCalibrationType").upper()
    if kind in ("GEOMETRY", "FIDUCIAL"):
        return Spacing(Basis.CALIBRATED, *measured, kind)
    is_projection = header.text("Modality") not in _CROSS_SECTIONAL and not header.numbers("ImageOrientationPatient")
    if not is_projection:
        return Spacing(Basis.PATIENT, *measured)
    if detector is None or all(abs(one - other) <= 1e-4 * other for one, other in zip(measured, detector, strict=True)):
        return None
    return Spacing(Basis.CALIBRATED, *measured, header.text("PixelSpacingCalibrationDescription"))


def _pair(header: Attributes, keyword: str) -> tuple[float, float] | None:
    values = header.numbers(keyword)
    return (values[0], values[1]) if len(values) == 2 and min(values) > 0 else None


def _shared_spacing(header: Attributes) -> tuple[float, float] | None:
    for group in header.sequence("SharedFunctionalGroupsSequence")[:1]:
        for measures in group.sequence("PixelMeasuresSequence")[:1]:
            return _pair(measures, "PixelSpacing")
    return None


# Physical Units X/Y Direction (C.8.5.5.1.15)
_UNITS = ("", "%", "dB", "cm", "s", "Hz", "dB/s", "cm/s", "cm2", "cm2/s", "cm3", "cm3/s", "deg")


@dataclass(frozen=True, slots=True)
class Region:
    """One calibrated region of an ultrasound image; coordinates are pixels and belong to it, both ends included."""

    left: int
    top: int
    right: int
    bottom: int
    unit_x: str
    unit_y: str
    delta_x: float  # units per pixel
    delta_y: float
    kind: int  # Region Data Type: 1 tissue, 2 colour flow, 3 PW Doppler...

    @property
    def is_spatial(self) -> bool:
        """Lengths and areas make sense; elsewhere time or velocity stands on an axis."""
        return self.unit_x == self.unit_y == "cm" and self.delta_x != 0 and self.delta_y != 0

    @property
    def spacing(self) -> Spacing:
        if not self.is_spatial:
            return _NO_SPACING
        return Spacing(Basis.REGION, abs(self.delta_y) * 10, abs(self.delta_x) * 10)

    def holds(self, x: float, y: float) -> bool:
        return self.left <= x <= self.right and self.top <= y <= self.bottom


def regions(header: Attributes) -> tuple[Region, ...]:
    """The regions that are described well enough to be used."""
    found = []
    for item in header.sequence("SequenceOfUltrasoundRegions")[:64]:
        corners = [item.integer(f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
        deltas = item.number("PhysicalDeltaX"), item.number("PhysicalDeltaY")
        left, top, right, bottom = corners
        if left is None or top is None or right is None or bottom is None or right < left or bottom < top:
            continue
        units = [_unit(item.integer(f"PhysicalUnits{axis}Direction")) for axis in "XY"]
        kind = item.integer("RegionDataType") or 0
        found.append(Region(left, top, right, bottom, units[0], units[1], deltas[0] or 0.0, deltas[1] or 0.0, kind))
    return tuple(found)


def _unit(code: int | None) -> str:
    return _UNITS[code] if code is not None and 0 <= code < len(_UNITS) else ""


def region_of(found: Sequence[Region], points: Sequence[tuple[float, float]]) -> Region | None:
    """The smallest region that holds all points; None when they lie in different ones: never measure across."""
    holding = [region for region in found if points and all(region.holds(x, y) for x, y in points)]
    return min(holding, key=lambda region: (region.right - region.left) * (region.bottom - region.top), default=None)
