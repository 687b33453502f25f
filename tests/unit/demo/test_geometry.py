"""Where the pixels are: spacing of slices, orientation, shared frames of reference, calibrated regions (PS3.3 C.7.6.2)."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from tests.unit.demo.conftest import Hospital, pixels


def _normal(ds: Dataset) -> np.ndarray:
    row, column = np.array(ds.ImageOrientationPatient[:3], float), np.array(ds.ImageOrientationPatient[3:], float)
    return np.cross(row, column)


@pytest.mark.parametrize(
    ("exam", "series", "gap"),
    [
        ("ct-head-bleed", 2, 1.0),
        ("ct-head-bleed", 3, 5.0),
        ("ct-chest", 2, 1.25),
        ("ct-chest", 3, 5.0),
        ("ct-abdomen-2", 2, 7.5),
        ("mr-brain", 2, 5.0),
        ("mr-brain", 7, 2.0),
        ("pet-ct", 2, 4.0),
        ("pet-ct", 3, 4.0),
    ],
)
def test_slices_are_equally_spaced_and_say_so(hospital: Hospital, exam: str, series: int, gap: float) -> None:
    found = hospital.files(exam, series)
    normal = _normal(found[0])
    assert np.linalg.norm(normal) == pytest.approx(1)
    along = [float(np.dot(normal, np.array(d.ImagePositionPatient, float))) for d in found]
    assert np.allclose(np.abs(np.diff(along)), gap, atol=1e-4)
    assert len({np.sign(s) for s in np.diff(along)}) == 1
    for d in found:
        assert float(d.SpacingBetweenSlices) == pytest.approx(gap)
        across = np.array(d.ImagePositionPatient, float) - np.array(found[0].ImagePositionPatient, float)
        assert np.allclose(across - np.dot(across, normal) * normal, 0, atol=1e-4)
        assert list(d.ImageOrientationPatient) == list(found[0].ImageOrientationPatient)


def test_series_of_one_study_share_a_frame_of_reference(hospital: Hospital) -> None:
    for exam, series in (("ct-head-bleed", (1, 2, 3)), ("mr-brain", (2, 3, 4, 5, 6, 7)), ("pet-ct", (2, 3))):
        assert len({hospital.files(exam, n)[0].FrameOfReferenceUID for n in series}) == 1
    first = hospital.files("ct-head-bleed", 2)[0].FrameOfReferenceUID
    assert first != hospital.files("ct-head-prior", 2)[0].FrameOfReferenceUID


def test_pet_and_ct_slices_lie_on_the_same_planes(hospital: Hospital) -> None:
    ct, pet = hospital.files("pet-ct", 2), hospital.files("pet-ct", 3)
    assert [float(d.ImagePositionPatient[2]) for d in ct] == [float(d.ImagePositionPatient[2]) for d in pet]


def test_field_of_view_is_the_same_whatever_the_matrix(hospital: Hospital) -> None:
    for exam, series, width in (
        ("ct-head-bleed", 2, 240),
        ("ct-chest", 2, 380),
        ("pet-ct", 2, 500),
        ("pet-ct", 3, 560),
    ):
        d = hospital.files(exam, series)[0]
        assert float(d.PixelSpacing[1]) * d.Columns == pytest.approx(width)


def test_ultrasound_is_calibrated_in_centimetres(hospital: Hospital) -> None:
    region = hospital.files("us-heart", 1)[0].SequenceOfUltrasoundRegions[0]
    assert (region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection) == (3, 3)
    tall = region.RegionLocationMaxY1 - region.RegionLocationMinY0
    assert tall * region.PhysicalDeltaY == pytest.approx(16.5, abs=0.1)


def test_mammogram_views_are_back_to_back(hospital: Hospital) -> None:
    """The chest wall lies on the right of a right breast's image and on the left of a left one's (C.7.6.1.1.1)."""
    for number, side in ((1, "R"), (2, "L"), (3, "R"), (4, "L")):
        d = hospital.files("mg-screening", number)[0]
        assert d.ImageLaterality == side
        assert d.PatientOrientation[0] == ("P" if side == "R" else "A")
        image = pixels(d)
        left, right = (image[:, :20] > 0).mean(), (image[:, -20:] > 0).mean()
        assert (right > left) == (side == "R")
