"""A whole body bone scan: two detectors, counts with Poisson noise (PS3.3 A.5)."""

import numpy as np
from pydicom.dataset import Dataset

from heliograph.demo._fields import Array, blur
from heliograph.demo._film import Film
from heliograph.demo._part10 import EXPLICIT, Instance
from heliograph.demo._skeleton import COLLAR, VERTEBRA_MM
from heliograph.demo._study import Series, Study, code, decimal, grey, items
from heliograph.demo._torso import Torso

NM_IMAGE = "1.2.840.10008.5.1.4.1.1.20"
PIXEL = 2.26
TOP_MM = 470.0


def bone_scan(study: Study) -> list[Series]:
    rows, columns = study.pixels(864), study.pixels(256)
    pixel = PIXEL * 256 / columns
    ds = study.series(1, "NM", "WB bone ANT POST", model="Phantom NM 2", after_s=3 * 3600.0)
    grey(ds, (rows, columns), allocated=16, stored=16)
    _describe(study, ds, pixel)

    def instance(_: int) -> Instance:
        made = study.instance(NM_IMAGE, 1, 1, after_s=3 * 3600.0)
        counts = [_detector(study, front, (rows, columns), pixel) for front in (True, False)]
        made.CountsAccumulated = int(sum(int(c.sum()) for c in counts))
        made.WindowCenter, made.WindowWidth = "22", "44"
        return Instance(made, counts)

    return [Series(1, 1, ds, instance, EXPLICIT)]


def _describe(study: Study, ds: Dataset, pixel: float) -> None:
    """NM Image, Multi-frame, Isotope, Detector, Whole Body."""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"]
    ds.NumberOfFrames = 2
    ds.FrameIncrementPointer = [0x00540010, 0x00540020]
    ds.EnergyWindowVector, ds.DetectorVector = [1, 1], [1, 2]
    ds.NumberOfEnergyWindows, ds.NumberOfDetectors = 1, 2
    ds.PixelSpacing = [decimal(pixel)] * 2
    ds.ActualFrameDuration = 960000
    ds.ScanVelocity, ds.WholeBodyTechnique, ds.ScanLength = "2.2", "1PS", 1950
    energy = Dataset()
    limits = Dataset()
    limits.EnergyWindowLowerLimit, limits.EnergyWindowUpperLimit = "126.45", "154.55"
    energy.EnergyWindowName, energy.EnergyWindowRangeSequence = "Tc99m", items(limits)
    ds.EnergyWindowInformationSequence = items(energy)
    isotope = Dataset()
    isotope.RadionuclideCodeSequence = items(code("72454002", "SCT", "^99m^Technetium"))
    isotope.RadiopharmaceuticalStartTime = f"{study.started:%H%M%S}.00"
    isotope.RadionuclideTotalDose = "612"
    isotope.Radiopharmaceutical = "HDP"
    ds.RadiopharmaceuticalInformationSequence = items(isotope)
    detectors = []
    for view in (("272460009", "Anterior"), ("272461008", "Posterior")):
        detector = Dataset()
        detector.CollimatorGridName, detector.CollimatorType = "LEHR", "PARA"
        detector.FieldOfViewShape, detector.FieldOfViewDimensions = "RECTANGLE", [540, 400]
        detector.ZoomFactor = ["1", "1"]
        detector.ViewCodeSequence = items(code(view[0], "SCT", view[1]))
        front = view[1] == "Anterior"
        detector.ImageOrientationPatient = [1, 0, 0, 0, 0, -1] if front else [-1, 0, 0, 0, 0, -1]
        detector.ImagePositionPatient = [decimal(-289.0 if front else 289.0), "0", decimal(TOP_MM)]
        detectors.append(detector)
    ds.DetectorInformationSequence = items(*detectors)
    gravity = code("102538003", "SCT", "recumbent")
    gravity.PatientOrientationModifierCodeSequence = items(code("40199007", "SCT", "supine"))
    ds.PatientOrientationCodeSequence = items(gravity)
    ds.PatientGantryRelationshipCodeSequence = items(code("102540008", "SCT", "headfirst"))
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"


def _detector(study: Study, front: bool, shape: tuple[int, int], pixel: float) -> Array:
    """Expected counts from bones near the detector, blurred and made Poisson."""
    film = Film(-shape[1] / 2 * pixel, -TOP_MM, pixel, shape)
    flesh = _flesh(film)
    _bones(film, front)
    for u, v, r, hot in ((-62.0, 120.0, 4.5, 26.0), (74.0, 300.0, 6.0, 30.0), (14.0, 46.0, 4.0, 22.0)):
        film.distance(film.depth, np.array([u, v]), np.array([u + 4, v + 3]), (r, r), hot / 8)
    sharp = film.depth * 0.9 + flesh * 0.035
    mean = blur(sharp, 1.25 * PIXEL / pixel + 0.4) * (1.0 if front else 1.12)
    noisy = study.rng("counts", front).poisson(np.clip(mean, 0, None))
    image: Array = noisy.astype(np.uint16)
    return image if front else np.ascontiguousarray(image[:, ::-1])


def _line(film: Film, points: list[tuple[float, float]], radii: list[float], weight: float = 1.0) -> None:
    canvas = np.zeros(film.shape, np.float32)
    for a, b, r0, r1 in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
        film.distance(canvas, np.array(a, np.float32), np.array(b, np.float32), (r0, r1), weight)
    film.depth += np.minimum(canvas, 16)


def _flesh(film: Film) -> Array:
    part = Film(film.left, film.top, film.pixel, film.shape)
    canvas = part.depth
    for a, b, r0, r1 in (
        ((0, -330), (0, -270), 78, 70),
        ((0, -250), (0, -140), 58, 70),
        ((-70, -60), (-60, 300), 95, 95),
        ((70, -60), (60, 300), 95, 95),
        ((-90, 300), (-96, 640), 86, 60),
        ((90, 300), (96, 640), 86, 60),
        ((-96, 640), (-100, 1350), 62, 38),
        ((96, 640), (100, 1350), 62, 38),
        ((-176, -90), (-214, 240), 46, 38),
        ((176, -90), (214, 240), 46, 38),
        ((-214, 240), (-226, 520), 38, 26),
        ((214, 240), (226, 520), 38, 26),
    ):
        part.distance(canvas, np.array(a, np.float32), np.array(b, np.float32), (float(r0), float(r1)), 0.5)
    return canvas


def _bones(film: Film, front: bool) -> None:
    rng = np.random.default_rng(5)
    torso = Torso(rng, branches=4)
    spine = 0.62 if front else 1.15
    _line(film, [(0, -345), (0, -325)], [76, 72], 0.10)
    _line(film, [(0, -395), (0, -330), (0, -290)], [52, 74, 50], 0.05)
    _line(film, [(-26, -262), (0, -240), (26, -262)], [13, 15, 13], 0.35 if front else 0.12)
    for k in range(-17, 11):
        z = -k * VERTEBRA_MM
        wide = 13.0 + max(0, -k) * 0.5
        _line(film, [(-wide * 0.5, z), (wide * 0.5, z)], [8.5, 8.5], 0.85 * spine)
    for side in (-1, 1):
        for k in range(1, 13):
            points = torso.rib(k, side, 26)
            near = (points[:, 1] < 20) if front else (points[:, 1] > -20)
            flat = [(float(p[0]), float(-p[2])) for p, keep in zip(points, near, strict=True) if keep]
            if len(flat) > 1:
                _line(film, flat, [5.0] * len(flat), 0.75)
        collar = [(side * p[0], -p[2]) for p in COLLAR]
        _line(film, collar, [6.0] * 4, 0.7 if front else 0.25)
        _line(film, [(side * 120, -72), (side * 104, 40)], [9, 5], 0.3 if front else 0.8)
        _line(film, [(side * 168, -92), (side * 186, -30), (side * 208, 220)], [17, 10, 13], 0.5)
        _line(film, [(side * 208, 232), (side * 222, 470)], [12, 8], 0.42)
        _line(film, [(side * 224, 490), (side * 232, 590)], [20, 14], 0.12)
        _line(film, [(side * 34, 340), (side * 62, 320), (side * 112, 306)], [15, 13, 10], 0.85)
        _line(film, [(side * 112, 306), (side * 96, 380), (side * 88, 416)], [10, 12, 20], 0.6)
        _line(film, [(side * 80, 424), (side * 40, 440), (side * 10, 442)], [11, 8, 9], 0.6)
        _line(film, [(side * 40, 480), (side * 70, 440)], [9, 11], 0.5)
        _line(film, [(side * 90, 416), (side * 124, 450), (side * 112, 560), (side * 94, 820)], [20, 17, 11, 18], 0.42)
        _line(film, [(side * 94, 836), (side * 96, 900), (side * 100, 1210)], [21, 12, 10], 0.45)
        _line(film, [(side * 100, 1220), (side * 112, 1300)], [15, 20], 0.25)
    if front:
        _line(film, [(0, -50), (0, 92)], [17, 12], 0.55)
    _line(film, [(0, 340), (0, 400)], [34, 14], 0.35 if front else 0.75)
    for side in (-1, 1):
        _line(film, [(side * 58, 195), (side * 64, 255)], [20, 20], 0.14 if front else 0.36)
    _line(film, [(-8, 418), (10, 424)], [24, 24], 0.8)
