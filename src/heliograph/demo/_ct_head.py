"""CT of the head: scout, thin slices, thick slices; with an epidural bleed or, in the prior, without."""

from functools import partial

import numpy as np

from heliograph.demo._documents import report
from heliograph.demo._fields import Array, axis, blur, ellipsoid, level
from heliograph.demo._head import Bleed, Head
from heliograph.demo._part10 import EXPLICIT, JPEG_LS, Instance
from heliograph.demo._scan import CT_IMAGE, CtSeries, Grain, Memory, Resampler, ct_series, cubic
from heliograph.demo._study import Series, Study, decimal, grey, plane

HOUNSFIELD = {
    "air": -1000.0,
    "skin": 45.0,
    "fat": -95.0,
    "muscle": 55.0,
    "cortical": 1250.0,
    "diploe": 620.0,
    "mucosa": 35.0,
    "csf": 5.0,
    "vitreous": 8.0,
    "sclera": 42.0,
    "lens": 85.0,
    "dura": 55.0,
    "grey": 38.0,
    "white": 29.0,
    "deep_grey": 39.0,
    "pallidum": 37.0,
    "plexus": 45.0,
    "calcification": 190.0,
    "stem": 32.0,
    "artery": 42.0,
    "clot": 66.0,
    "fresh_clot": 50.0,
    "sinus_blood": 55.0,
    "lesion": 24.0,
}
BRAIN = ("BRAIN", 40, 80)
SUBDURAL = ("SUBDURAL", 75, 215)
BONE = ("BONE", 500, 2500)
FOV = 240.0
CENTRE = (0.0, -6.0)
FIRST_Z = -47.0


class HeadScan:
    """The noiseless head on planes a few millimetres apart; slices lie between them and mix their neighbours."""

    def __init__(self, head: Head, matrix: int, grid_mm: float, plane_mm: float) -> None:
        self.head = head
        self.plane_mm = plane_mm
        self.x = axis(round(168 / grid_mm), grid_mm)
        self.y = axis(round(224 / grid_mm), grid_mm, -8)
        pixel = FOV / matrix
        self.image_x, self.image_y = axis(matrix, pixel, CENTRE[0]), axis(matrix, pixel, CENTRE[1])
        self.resample = Resampler(self.x, self.y, self.image_x, self.image_y)
        self.planes = Memory(self._plane)
        self.holder = self._holder()

    def _plane(self, index: int) -> Array:
        z = level(FIRST_Z + index * self.plane_mm)
        return self.head.tissues(self.x[None, :], self.y[:, None], z, 1.0).values(HOUNSFIELD)

    def _holder(self) -> Array:
        """The head rest: a thin carbon shell behind the head."""
        x, y = self.image_x[None, :], self.image_y[:, None]
        bowl = ellipsoid((x, y, level(0)), (0, -12, 0), (97, 119, 400))
        wall = np.clip(1.4 - np.abs(bowl), 0, 1) * np.clip((y - 28) / 6, 0, 1)
        foam = np.clip(0.5 - bowl, 0, 1) * np.clip((y - 34) / 6, 0, 1)
        return wall * 640 + foam * 42

    def at(self, z: float) -> Array:
        """CT numbers at a height, mixed from the two planes around it."""
        place = (z - FIRST_Z) / self.plane_mm
        low = int(np.floor(place))
        share = np.float32(place - low)
        model = self.planes[low].astype(np.float32)
        if share > 1e-3:
            model = model * (1 - share) + self.planes[low + 1].astype(np.float32) * share
        image = self.resample(model)
        found: Array = image + self.holder * np.clip((-700 - image) / 200, 0, 1)
        return found


def _noisy(study: Study, grain: Grain, sigma: float, name: tuple[str, int], clean: Array) -> Array:
    noise = grain(study.rng("grain", *name), clean.shape)
    body = blur(clean[::8, ::8], 2) > -600
    loud = np.where(np.repeat(np.repeat(body, 8, 0), 8, 1)[: clean.shape[0], : clean.shape[1]], 1.0, 0.75)
    return clean + noise * np.float32(sigma) * loud.astype(np.float32)


def ct_head(study: Study) -> list[Series]:
    prior = study.exam.option("bleed") != "yes"
    thick_only = study.exam.option("thick_only") == "yes"
    matrix = study.pixels(512)
    atrophy = float(study.exam.option("atrophy", "0.25"))
    bleed = None if prior else Bleed()
    scan = HeadScan(
        Head(study.rng("head", patient=True), atrophy=atrophy, bleed=bleed),
        matrix,
        max(float(study.exam.option("grid", "0.65")), 0.3 / study.scale),
        4.0 if thick_only else 2.0,
    )
    grain = Grain(study.rng("grain"), 0.02, 0.21)
    compressed = EXPLICIT if not prior else JPEG_LS
    thin_count, thick_count = study.slices(120), study.slices(24)
    middle = FIRST_Z + 60
    protocol = "Head routine"

    def thin(index: int) -> Array:
        z = middle + (index - thin_count // 2) + 0.5
        return _noisy(study, grain, 5.5, ("thin", index), scan.at(z))

    def thick(index: int) -> Array:
        z = middle + 5.0 * (index - thick_count // 2) + 2.5
        clean = sum((scan.at(z + d) for d in (-1.5, 0.5, 2.5)), np.float32(0)) / np.float32(3)
        return _noisy(study, grain, 2.7, ("thick", index), np.asarray(clean, np.float32))

    plan = partial(
        CtSeries, fov_mm=FOV, centre=CENTRE, matrix=matrix, protocol=protocol, model="Phantom CT 64", syntax=compressed
    )
    found = [_scout(study, scan.head, protocol)]
    if not thick_only:
        found.append(
            ct_series(
                study,
                plan(
                    number=2,
                    description="Head 1.0 H30",
                    count=thin_count,
                    spacing_z=1.0,
                    thickness=1.0,
                    first_z=middle - thin_count // 2 + 0.5,
                    kernel="H30s",
                    windows=(BRAIN, SUBDURAL, BONE),
                ),
                thin,
            )
        )
    found.append(
        ct_series(
            study,
            plan(
                number=3,
                description="Head 5.0 H30",
                count=thick_count,
                spacing_z=5.0,
                thickness=5.0,
                first_z=middle - 5 * (thick_count // 2) + 2.5,
                kernel="H30s",
                windows=(BRAIN, SUBDURAL),
            ),
            thick,
        )
    )
    if study.exam.option("report") == "yes":
        found.append(_report(study, thick_count // 2 + 1))
    return found


def _report(study: Study, slice_number: int) -> Series:
    findings = (
        "Lens shaped dense collection under the right parietal bone, up to 17 mm thick.",
        "The midline is pushed to the left by about 5 mm. The right lateral ventricle is narrowed.",
        "No fracture in this phantom. Sinuses and mastoid cells are clear.",
    )
    reference = (CT_IMAGE, study.uid("instance", 3, slice_number), study.uid("series", 3))
    return report(study, 90, findings, "Epidural haematoma on the right, new since the prior.", references=(reference,))


def _scout(study: Study, head: Head, protocol: str) -> Series:
    """A lateral localizer: the head summed along x, as an image of y by z."""
    rows, columns, pixel = study.pixels(240), study.pixels(280), 1.0 / min(study.scale, 1.0)
    ds = study.series(1, "CT", "Scout lateral", model="Phantom CT 64", frame_of_reference="table")
    grey(ds, (rows, columns), allocated=16, stored=12)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    ds.AcquisitionNumber, ds.PatientPosition = 1, "HFS"
    ds.PixelSpacing = [decimal(pixel)] * 2
    ds.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    ds.SliceThickness = "1"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    ds.WindowCenter, ds.WindowWidth = "250", "1500"
    ds.KVP, ds.XRayTubeCurrent, ds.ExposureTime, ds.Exposure = "120", 40, 2500, 100
    ds.ScanOptions, ds.ConvolutionKernel, ds.ProtocolName = "SCOUT MODE", "T20s", protocol
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"
    top, front = 97.0, -8.0 - (columns - 1) / 2 * pixel

    def instance(_: int) -> Instance:
        made = study.instance(CT_IMAGE, 1, 1)
        plane(made, (0.0, front, top), location=0.0)
        step = 3.0 * pixel
        x, y = axis(round(170 / step), step), axis(round(columns * pixel / (1.6 * pixel)), 1.6 * pixel, -8)
        lines = []
        for z in top - np.arange(0, rows * pixel, step):
            hu = head.tissues(x[None, :], y[:, None], level(z), 2.0).values(HOUNSFIELD)
            lines.append(((hu + 1000) * (step / 1000)).sum(1))
        across = cubic(columns, (front - float(y[0])) / (1.6 * pixel), 1 / 1.6, len(y))
        image = cubic(rows, 0.0, pixel / step, len(lines)) @ np.array(lines, np.float32) @ across.T
        noise = study.rng("scout").normal(0, 6, image.shape)
        hu = 6.0 * image - 700 + noise
        return Instance(made, [np.clip(np.rint(hu) + 1024, 0, 4095).astype(np.uint16)])

    return Series(1, 1, ds, instance)
