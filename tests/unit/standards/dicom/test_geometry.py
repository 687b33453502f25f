"""standards.dicom.geometry: letters, order, what disturbs a stack, and what a distance means."""

import math
from collections.abc import Sequence
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.standards.dicom import geometry
from heliograph.standards.dicom.geometry import Basis, Edges, Plane, Region, Spacing
from heliograph.standards.dicom.header import Header, scan
from heliograph.standards.dicom.image import FrameFacts, ImageSpec
from tests import data
from tests.unit.standards.dicom import making as make
from tests.unit.standards.dicom.imaging import opened_sample, sample, text, us

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def ds(tag: int, *values: float | str) -> bytes:
    return text(tag, "DS", "\\".join(f"{value:g}" if isinstance(value, float | int) else value for value in values))


def header(
    number: int | None = None,
    position: Sequence[float] | None = None,
    orientation: Sequence[float] | None = AXIAL,
    **more: bytes,
) -> Header:
    elements = {int(tag, 16): element for tag, element in more.items()}
    if number is not None:
        elements[0x00200013] = text(0x00200013, "IS", str(number))
    if position is not None:
        elements[0x00200032] = ds(0x00200032, *position)
        elements[0x00200037] = ds(0x00200037, *(orientation or ()))
    modality = elements.pop(0x00080060, text(0x00080060, "CS", "CT"))
    identity = make.identity().replace(text(0x00080060, "CS", "CT"), modality)
    return scan(make.file(identity + b"".join(elements[tag] for tag in sorted(elements))))


# -- letters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("orientation", "edges", "plane"),
    [
        (AXIAL, Edges("R", "L", "A", "P"), Plane.AXIAL),
        (CORONAL, Edges("R", "L", "H", "F"), Plane.CORONAL),
        (SAGITTAL, Edges("A", "P", "H", "F"), Plane.SAGITTAL),
        ((-1.0, 0.0, 0.0, 0.0, 1.0, 0.0), Edges("L", "R", "A", "P"), Plane.AXIAL),
        ((1.0, 0.0, 0.0, 0.0, 0.8, -0.6), Edges("R", "L", "AH", "PF"), Plane.AXIAL),
        ((1.0, 0.0, 0.0, 0.0, 0.995, 0.0998), Edges("R", "L", "A", "P"), Plane.AXIAL),
        ((0.7071, 0.7071, 0.0, 0.0, 0.0, -1.0), Edges("RA", "LP", "H", "F"), Plane.OBLIQUE),
    ],
)
def test_letters_and_plane(orientation: Sequence[float], edges: Edges, plane: Plane) -> None:
    assert geometry.plane_of(orientation) is plane
    got = geometry.edge_letters(orientation)
    assert [set(letters) for letters in (got.left, got.right, got.top, got.bottom)] == [
        set(letters) for letters in (edges.left, edges.right, edges.top, edges.bottom)
    ]


@pytest.mark.parametrize(
    "orientation",
    [None, (), AXIAL[:5], (0.0,) * 6, (2.0, 0, 0, 0, 1, 0), (1.0, 0, 0, 1, 0, 0), (math.nan, 0, 0, 0, 1, 0)],
)
def test_no_sound_orientation_means_no_letters(orientation: Sequence[float] | None) -> None:
    assert geometry.edge_letters(orientation) == Edges()
    assert geometry.plane_of(orientation) is None


def test_letters_of_projections() -> None:
    assert geometry.projection_letters(("L", "F")) == Edges("R", "L", "H", "F")
    assert geometry.projection_letters(("AL", "FP")) == Edges("PR", "AL", "HA", "FP")
    for wrong in ((), ("L",), ("L", "X"), ("L", "F", "P")):
        assert geometry.projection_letters(wrong) == Edges()


def test_letters_of_animals() -> None:
    assert geometry.edge_letters(AXIAL, quadruped=True) == Edges("RT", "LE", "V", "D")


angles = st.floats(-math.pi, math.pi)


@given(angles, angles, angles)
def test_opposite_edges_have_opposite_letters(a: float, b: float, c: float) -> None:
    orientation = rotation(a, b, c)[:, :2].T.reshape(-1).tolist()
    assert geometry.is_orientation(orientation)
    edges = geometry.edge_letters(orientation)
    swap = str.maketrans("LRPAHF", "RLAPFH")
    assert edges.left.translate(swap) == edges.right != ""
    assert edges.top.translate(swap) == edges.bottom != ""


def rotation(a: float, b: float, c: float) -> np.ndarray[Any, Any]:
    def about(i: int, j: int, angle: float) -> np.ndarray[Any, Any]:
        matrix = np.eye(3)
        matrix[[i, j], [i, j]] = math.cos(angle)
        matrix[i, j], matrix[j, i] = -math.sin(angle), math.sin(angle)
        return matrix

    return about(0, 1, a) @ about(1, 2, b) @ about(0, 2, c)


# -- order -------------------------------------------------------------------------------------------------------


@given(angles, angles, st.permutations(range(9)), st.booleans(), st.floats(0.2, 8))
def test_slices_lie_in_the_order_of_space_whatever_their_numbers(
    a: float, b: float, order: list[int], downwards: bool, step: float
) -> None:
    turn = rotation(a, b, 0.3)
    orientation = [round(value, 6) for value in turn[:, :2].T.reshape(-1).tolist()]
    numbers = {place: (8 - place if downwards else place) for place in range(9)}
    numbers[3], numbers[4] = numbers[4], numbers[3]  # one pair numbered the wrong way round
    headers: list[Header | None] = [
        header(numbers[place], [round(value, 4) for value in turn[:, 2] * place * step], orientation) for place in order
    ]
    got = [order[index] for index in geometry.display_order(headers)]
    assert got == (list(range(8, -1, -1)) if downwards else list(range(9)))


def test_phases_make_volumes_one_after_another() -> None:
    headers: list[Header | None] = [
        header(number, (0, 0, place * 2.0), **{"00200100": text(0x00200100, "IS", str(phase))})
        for number, (place, phase) in enumerate([(p, f) for p in range(4) for f in (2, 10, 1)])
    ]
    ordered = [headers[index] for index in geometry.display_order(headers)]
    got = [
        (one.integer("TemporalPositionIdentifier"), one.numbers("ImagePositionPatient")[2]) for one in ordered if one
    ]
    assert got == [(phase, place * 2.0) for phase in (1, 2, 10) for place in range(4)]


@pytest.mark.parametrize(
    "headers",
    [
        [header(3), header(1), header(2)],
        [header(3, (0, 0, 1)), header(1, (0, 0, 2)), header(2)],
        [header(3, (0, 0, 1)), header(1, (0, 0, 2), CORONAL), header(2, (0, 0, 3))],
        [header(3, (0, 0, 1)), header(1, (0, 0, 1)), header(2, (0, 0, 1))],
    ],
)
def test_without_one_stack_the_numbers_rule(headers: list[Header | None]) -> None:
    assert geometry.display_order(headers) == [1, 2, 0]


def test_missing_numbers_and_unreadable_instances_come_last() -> None:
    assert geometry.display_order([None, header(), header(7), header(5)]) == [3, 2, 1, 0]
    assert geometry.display_order([]) == []


@pytest.mark.parametrize(
    ("folder", "first"),
    [("ct/philips_head_5mm_28", 1), ("mr/ge_axial_19", 2), ("ct/ge_liver_3slice", 1), ("ct/philips_head_tilt.zip", 1)],
)
def test_the_order_of_real_series_is_that_of_their_numbers(folder: str, first: int) -> None:
    headers = series(folder)[::-1]
    got = [headers[index].integer("InstanceNumber") for index in geometry.display_order(headers)]
    assert got == list(range(first, first + len(headers)))


def series(folder: str) -> list[Header]:
    return [scan(Path(path).read_bytes()) for path in data.folder(folder)]


def test_frames_of_an_enhanced_object_go_by_place() -> None:
    def spec(*depths: float | None) -> ImageSpec:
        facts = tuple(
            FrameFacts(position=None if depth is None else (0.0, 0.0, depth), orientation=AXIAL) for depth in depths
        )
        return ImageSpec(2, 2, 1, 16, 16, 15, False, "MONOCHROME2", frames=len(depths), per_frame=facts)

    assert geometry.frame_order(spec(1, 3, 2, 4)) == [0, 2, 1, 3]
    assert geometry.frame_order(spec(9, 7, 8, 1)) == [0, 2, 1, 3]
    assert geometry.frame_order(spec(1, 3, 3, 4)) == [0, 1, 2, 3]
    assert geometry.frame_order(spec(3, None, 1)) == [0, 1, 2]
    assert geometry.frame_order(opened_sample("ct/eCT_Supplemental.dcm").spec) == [0, 1]


# -- stacks ------------------------------------------------------------------------------------------------------


def test_an_even_stack() -> None:
    found = geometry.stack_of(AXIAL, [(0, 0, 6), (0, 0, 2), (0, 0, 4)])
    assert (found.order, found.spacing_mm, found.gaps, found.duplicates) == ((1, 2, 0), 2, (), ())
    assert found.is_regular
    assert not found.is_tilted


def test_gaps_and_duplicates() -> None:
    found = geometry.stack_of(AXIAL, [(0, 0, z) for z in (0, 2, 2, 4, 8, 10)])
    assert (found.spacing_mm, found.gaps, found.duplicates) == (2, (3,), (2,))
    assert not found.is_regular


def test_one_slice_and_slices_at_one_place() -> None:
    assert geometry.stack_of(AXIAL, [(0, 0, 5)]).is_regular
    found = geometry.stack_of(AXIAL, [(0, 0, 5)] * 3)
    assert (found.spacing_mm, found.duplicates, found.is_regular) == (None, (1, 2), False)


def test_the_tilt_of_a_gantry() -> None:
    headers = series("ct/philips_head_tilt.zip")
    positions = [one.numbers("ImagePositionPatient") for one in headers]
    found = geometry.stack_of(headers[0].numbers("ImageOrientationPatient"), positions)
    stated = headers[0].number("GantryDetectorTilt")
    assert stated is not None
    assert found.tilt_degrees == pytest.approx(abs(stated), abs=0.01)
    assert found.is_tilted
    assert not found.is_regular
    assert found.gaps == ()


# -- spacing -----------------------------------------------------------------------------------------------------

PIXEL = {"00280030": ds(0x00280030, 0.5, 0.25)}
DETECTOR = {"00181164": ds(0x00181164, 0.2, 0.1)}
FACTOR = {"00181114": ds(0x00181114, 1.25)}
DX = {"00080060": text(0x00080060, "CS", "DX")}


def spacing(**elements: bytes) -> Spacing:
    return geometry.spacing_of(header(**elements))


@pytest.mark.parametrize(
    ("elements", "wanted"),
    [
        ({}, Spacing(Basis.NONE)),
        (PIXEL, Spacing(Basis.PATIENT, 0.5, 0.25)),
        (DX | DETECTOR, Spacing(Basis.DETECTOR, 0.2, 0.1)),
        (DX | DETECTOR | FACTOR, Spacing(Basis.MAGNIFICATION, 0.16, 0.08, "1.25")),
        (DX | DETECTOR | {"00280030": ds(0x00280030, 0.2, 0.1)}, Spacing(Basis.DETECTOR, 0.2, 0.1)),
        (DX | PIXEL | DETECTOR, Spacing(Basis.CALIBRATED, 0.5, 0.25)),
        (DX | PIXEL, Spacing(Basis.DETECTOR, 0.5, 0.25)),
        (
            DX | PIXEL | DETECTOR | FACTOR | {"00280A02": text(0x00280A02, "CS", "FIDUCIAL")},
            Spacing(Basis.CALIBRATED, 0.5, 0.25, "FIDUCIAL"),
        ),
        (DX | {"00182010": ds(0x00182010, 0.1, 0.1)}, Spacing(Basis.FILM, 0.1, 0.1)),
        ({"00280030": ds(0x00280030, 0, 0.25)}, Spacing(Basis.NONE)),
        ({"00280030": ds(0x00280030, 0.25)}, Spacing(Basis.NONE)),
        (DX | DETECTOR | {"00181114": ds(0x00181114, 0)}, Spacing(Basis.DETECTOR, 0.2, 0.1)),
    ],
)
def test_what_a_distance_refers_to(elements: dict[str, bytes], wanted: Spacing) -> None:
    got = spacing(**elements)
    assert (got.basis, got.method) == (wanted.basis, wanted.method)
    assert (got.row_mm, got.column_mm) == pytest.approx((wanted.row_mm, wanted.column_mm)) or got == wanted


def region(corners: Sequence[int], units: Sequence[int], deltas: Sequence[float]) -> bytes:
    tags = (0x00186018, 0x0018601A, 0x0018601C, 0x0018601E)
    body = us(0x00186014, 1)
    body += b"".join(make.explicit(tag, "UL", pack("<L", value)) for tag, value in zip(tags, corners, strict=True))
    body += us(0x00186024, units[0]) + us(0x00186026, units[1])
    body += make.explicit(0x0018602C, "FD", pack("<d", deltas[0])) + make.explicit(
        0x0018602E, "FD", pack("<d", deltas[1])
    )
    return make.open_item(body)


def test_regions_of_ultrasound() -> None:
    element = make.open_sequence(
        0x00186011,
        region((0, 0, 99, 99), (3, 3), (0.05, -0.05)),
        region((100, 0, 199, 99), (4, 7), (0.01, 2.0)),
        region((10, 10, 49, 49), (3, 3), (0.02, 0.02)),
        region((9, 9, 2, 2), (3, 3), (1, 1)),
    )
    found = header(**{"00186011": element})
    assert geometry.spacing_of(found).basis is Basis.REGION
    tissue, doppler, zoom = geometry.regions(found)
    assert (tissue.unit_x, tissue.is_spatial, tissue.spacing) == ("cm", True, Spacing(Basis.REGION, 0.5, 0.5))
    assert (doppler.unit_x, doppler.unit_y, doppler.is_spatial) == ("s", "cm/s", False)
    assert doppler.spacing == Spacing(Basis.NONE)
    assert geometry.region_of((tissue, doppler, zoom), [(20, 20), (90, 90)]) == tissue
    assert geometry.region_of((tissue, doppler, zoom), [(20, 20), (30, 30)]) == zoom
    assert geometry.region_of((tissue, doppler, zoom), [(20, 20), (150, 20)]) is None
    assert geometry.region_of((), [(1, 1)]) is None


def test_regions_of_a_real_image() -> None:
    found = geometry.regions(scan(sample("us/OBXXXX1A.dcm").read_bytes()))
    assert [one.is_spatial for one in found] == [True, False]
    assert found[0] == Region(120, 60, 800, 518, "cm", "cm", 0.02622878766196998, 0.02622878766196998, 1)


def test_spacing_of_an_enhanced_object() -> None:
    found = geometry.spacing_of(scan(sample("ct/eCT_Supplemental.dcm").read_bytes()))
    assert found.basis is Basis.PATIENT
    assert found.row_mm is not None
    assert found.row_mm > 0
