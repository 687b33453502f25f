"""What the pixels mean: CT numbers, uptake, diffusion and contrast where a tissue is known to be."""

import numpy as np
import pytest
from pydicom.dataset import FileDataset

from heliograph.demo._pet import HALF_LIFE_S
from tests.unit.demo.conftest import Hospital, pixels


def _at(found: list[FileDataset], point: tuple[float, float, float], half: int = 1) -> np.ndarray:
    """Rescaled values round a point of the patient, from the nearest axial slice."""
    ds = min(found, key=lambda d: abs(float(d.ImagePositionPatient[2]) - point[2]))
    column = (point[0] - float(ds.ImagePositionPatient[0])) / float(ds.PixelSpacing[1])
    row = (point[1] - float(ds.ImagePositionPatient[1])) / float(ds.PixelSpacing[0])
    r, c = round(row), round(column)
    values = pixels(ds)[r - half : r + half + 1, c - half : c + half + 1]
    return values * float(ds.get("RescaleSlope", 1)) + float(ds.get("RescaleIntercept", 0))


def test_the_bleed_is_dense_and_new(hospital: Hospital) -> None:
    now, before = hospital.files("ct-head-bleed", 3), hospital.files("ct-head-prior", 3)
    place = (-58.0, 2.0, 22.0)
    assert 58 <= _at(now, place).mean() <= 72
    assert 20 <= _at(before, place, 2).mean() <= 45
    assert 20 <= _at(now, (45.0, 2.0, 38.0), 3).mean() <= 45, "the other side is brain"


def test_head_tissues_have_their_ct_numbers(hospital: Hospital) -> None:
    found = hospital.files("ct-head-prior", 3)
    assert _at(found, (0.0, -120.0, 20.0)).mean() == pytest.approx(-1000, abs=15)
    slices = [pixels(d).astype(int) - 1024 for d in found]
    assert max(s.max() for s in slices) > 900, "skull"
    assert min(_at(found, (9.0, y, 20.0), 0).mean() for y in (-8.0, -4.0, 0.0)) < 18, "ventricle"


def test_chest_tissues_have_their_ct_numbers(hospital: Hospital) -> None:
    found = hospital.files("ct-chest", 2)
    assert -930 < np.median(_at(found, (80.0, -10.0, -30.0), 4)) < -780, "lung"
    assert 140 < _at(found, (24.0, 41.0, -40.0)).mean() < 235, "aorta with contrast, in pixels of 4 mm"
    assert {int(d.get((0x0028, 0x0120)).value) for d in found} == {-2000}
    assert pixels(found[0])[0, 0] == -2000, "outside the reconstruction circle"
    assert [float(c) for c in found[0].WindowCenter] == [-600, 40]


def test_uptake_is_calibrated_in_becquerel(hospital: Hospital) -> None:
    """SUV from dose, decay and weight: liver about two, tumour hot, every slice with its own slope."""
    found = hospital.files("pet-ct", 3)
    d = found[0]
    isotope = d.RadiopharmaceuticalInformationSequence[0]
    assert float(isotope.RadionuclideHalfLife) == pytest.approx(HALF_LIFE_S)

    def seconds(time: str) -> float:
        return int(time[:2]) * 3600 + int(time[2:4]) * 60 + float(time[4:])

    waited = (seconds(d.SeriesTime) - seconds(isotope.RadiopharmaceuticalStartTime)) % 86400
    dose = float(isotope.RadionuclideTotalDose) * 2 ** (-waited / HALF_LIFE_S)
    suv = float(d.PatientWeight) * 1000 / dose
    assert d.Units == "BQML"
    assert 1.5 < _at(found, (-50.0, -10.0, -160.0), 1).mean() * suv < 3.0
    assert len({str(x.RescaleSlope) for x in found}) > len(found) // 2
    liver = _at(found, (-50.0, -10.0, -160.0), 1).mean()
    assert _at(found, (-84.0, 24.0, -160.0), 1).max() > 1.25 * liver, "a metastasis is hot"


def test_mr_contrast_follows_the_sequence(hospital: Hospital) -> None:
    ventricle, white = (8.5, -6.0, 19.0), (26.0, 10.0, 36.0)

    def pair(series: int) -> tuple[float, float]:
        found = hospital.files("mr-brain", series)
        return float(_at(found, ventricle, 0).mean()), float(_at(found, white, 0).mean())

    t1, t2, flair = pair(2), pair(3), pair(4)
    assert t1[0] < t1[1], "fluid is dark in T1"
    assert t2[0] > t2[1], "fluid is bright in T2"
    assert flair[0] < flair[1], "fluid is suppressed in FLAIR"


def test_diffusion_series_carry_their_b_values(hospital: Hospital) -> None:
    found = hospital.files("mr-brain", 5)
    values = [float(d.DiffusionBValue) for d in found]
    assert sorted(set(values)) == [0, 500, 1000]
    assert values == sorted(values)
    infarct = (46.0, 12.0, 24.0)
    weighted = [d for d in found if d.DiffusionBValue == 1000]
    assert _at(weighted, infarct, 0).mean() > 1.25 * _at(weighted, (-46.0, 12.0, 24.0), 0).mean()
    adc = hospital.files("mr-brain", 6)
    assert 250 < _at(adc, infarct, 0).mean() < 700


def test_the_heart_beats(hospital: Hospital) -> None:
    d = hospital.files("us-heart", 1)[0]
    frames = pixels(d)
    assert frames.shape[0] == int(d.NumberOfFrames) > 5
    assert np.abs(frames[0].astype(int) - frames[len(frames) // 3].astype(int)).mean() > 1


def test_plain_films_say_how_to_look_at_them(hospital: Hospital) -> None:
    cr, dx = hospital.files("cr-chest", 1)[0], hospital.files("dx-chest-4", 1)[0]
    assert (cr.PhotometricInterpretation, dx.PhotometricInterpretation) == ("MONOCHROME1", "MONOCHROME2")
    assert dx.VOILUTFunction == "SIGMOID"
    rows, columns = pixels(cr).shape
    lung = pixels(cr)[rows // 2, columns // 4]
    spine = pixels(cr)[rows * 3 // 4, columns // 2]
    assert lung > spine, "in MONOCHROME1 dark is high"
