"""CT of the trunk: chest with contrast in thin and thick slices, and short abdomens."""

from functools import partial

import numpy as np

from heliograph.demo._documents import report
from heliograph.demo._fields import Array, axis
from heliograph.demo._part10 import EXPLICIT, HTJ2K, JPEG_2000, RLE, Instance
from heliograph.demo._scan import CT_IMAGE, CtSeries, Grain, Memory, Resampler, ct_series, cubic
from heliograph.demo._study import Series, Study, decimal, grey, plane
from heliograph.demo._torso import Nodule, Torso

HOUNSFIELD = {
    "air": -1000.0,
    "skin": 40.0,
    "fat": -100.0,
    "muscle": 56.0,
    "soft": 40.0,
    "cortical": 820.0,
    "marrow": 190.0,
    "spongy": 195.0,
    "cartilage": 105.0,
    "arm_bone": 820.0,
    "arm_marrow": 195.0,
    "disc": 85.0,
    "lung": -862.0,
    "myocardium": 98.0,
    "blood": 172.0,
    "vein": 160.0,
    "artery": 175.0,
    "aorta": 178.0,
    "aortic_wall": 60.0,
    "portal": 150.0,
    "bronchus": 40.0,
    "oesophagus": 42.0,
    "thyroid": 130.0,
    "node": 60.0,
    "csf": 12.0,
    "cord": 40.0,
    "nodule": 45.0,
    "fluid": 10.0,
    "liver": 106.0,
    "metastasis": 60.0,
    "hot_node": 50.0,
    "bone_lesion": 320.0,
    "spleen": 116.0,
    "gut_wall": 60.0,
    "gut_content": 22.0,
    "stool": -15.0,
    "bile": 8.0,
    "pancreas": 88.0,
    "kidney": 172.0,
    "medulla": 140.0,
    "urine": 5.0,
    "prostate": 50.0,
}
PLAIN = HOUNSFIELD | {
    "myocardium": 45.0,
    "blood": 42.0,
    "vein": 42.0,
    "artery": 42.0,
    "aorta": 42.0,
    "portal": 42.0,
    "thyroid": 95.0,
    "liver": 58.0,
    "spleen": 50.0,
    "gut_wall": 42.0,
    "pancreas": 42.0,
    "kidney": 34.0,
    "medulla": 30.0,
}
LUNG = ("LUNG", -600, 1500)
MEDIASTINUM = ("MEDIASTINUM", 40, 400)
BODY = ("ABDOMEN", 50, 350)
FOV = 380.0
PLANE_MM = 2.5


class TorsoScan:
    """The noiseless trunk on planes, seen on an image grid with the table under it."""

    def __init__(
        self,
        torso: Torso,
        matrix: int,
        fov: float,
        *,
        grid_mm: float,
        plane_mm: float = PLANE_MM,
        contrast: bool = True,
        half: tuple[float, float] = (184, 128),
    ) -> None:
        self.torso, self.plane_mm, self.grid_mm = torso, plane_mm, grid_mm
        self.values = HOUNSFIELD if contrast else PLAIN
        self.x, self.y = axis(round(2 * half[0] / grid_mm), grid_mm), axis(round(2 * half[1] / grid_mm), grid_mm, 2)
        pixel = fov / matrix
        self.image_x, self.image_y = axis(matrix, pixel), axis(matrix, pixel, 8)
        self.resample = Resampler(self.x, self.y, self.image_x, self.image_y)
        self.planes = Memory(self.model)
        self.table = self._table()

    def model(self, index: int) -> Array:
        return self.torso.tissues(self.x, self.y, index * self.plane_mm, self.grid_mm * 1.3).values(self.values)

    def _table(self) -> Array:
        """The couch: a thin shell with foam inside, bent under the back."""
        x, y = self.image_x[None, :], self.image_y[:, None]
        top = y - (128 - 0.00075 * x * x)
        wide = np.clip((205 - np.abs(x)) / 3, 0, 1)
        shell = np.clip(1.2 - np.abs(top), 0, 1) + np.clip(1.2 - np.abs(top - 24 + 0.0002 * x * x), 0, 1)
        foam = np.clip(0.5 + top, 0, 1) * np.clip(24.5 - top, 0, 1)
        found: Array = wide * (shell * 720 + foam * 38)
        return found

    def at(self, z: float) -> Array:
        place = z / self.plane_mm
        low = int(np.floor(place + 1e-6))
        share = np.float32(place - low)
        model = self.planes[low].astype(np.float32)
        if share > 1e-3:
            model = model * (1 - share) + self.planes[low + 1].astype(np.float32) * share
        image = self.resample(model)
        found: Array = image + self.table * np.clip((-700 - image) / 200, 0, 1)
        return found


def loudness(clean: Array, step: int = 16) -> Array:
    """How noise grows towards the middle of a body: more where less radiation comes through."""
    small = np.clip(clean[::step, ::step] + 1000, 0, 1400) / 1000
    rows = small.sum(1, keepdims=True) / max(float(small.sum(1).max()), 1e-3)
    inside = np.float32(0.55) + 0.45 * rows * (small > 0.03)
    found: Array = np.repeat(np.repeat(inside, step, 0), step, 1)[: clean.shape[0], : clean.shape[1]]
    return found.astype(np.float32)


def ct_chest(study: Study) -> list[Series]:
    matrix = study.pixels(512)
    nodules: tuple[Nodule, ...] = (Nodule((-64, -22, 36), 7.0), Nodule((72, 30, -62), 3.0))
    if study.exam.option("prior") == "yes":
        nodules = (Nodule((-64, -22, 36), 4.0),)
    torso = Torso(study.rng("torso", patient=True), nodules=nodules)
    scan = TorsoScan(torso, matrix, FOV, grid_mm=max(float(study.exam.option("grid", "0.9")), 0.45 / study.scale))
    step = float(study.exam.option("step", "5"))
    sharp, soft = Grain(study.rng("sharp"), 0.05, 0.32), Grain(study.rng("soft"), 0.02, 0.2)
    count, thick_count = study.slices(224), study.slices(round(280 / step))
    first = -35.0 - 1.25 * (count // 2) + 0.625
    first_thick = -35.0 - step * (thick_count // 2) + 2.5

    def thin(index: int) -> Array:
        clean = scan.at(first + 1.25 * index)
        found: Array = clean + 26 * loudness(clean) * sharp(study.rng("thin", index), clean.shape)
        return found

    def thick(index: int) -> Array:
        z = first_thick + step * index
        clean = (scan.at(z - 1.25) + scan.at(z + 1.25)) * np.float32(0.5)
        return clean + 9.5 * loudness(clean) * soft(study.rng("thick", index), clean.shape)

    plan = partial(
        CtSeries, fov_mm=FOV, centre=(0.0, 8.0), matrix=matrix, protocol="Chest with contrast", model="Phantom CT 128"
    )
    plan = partial(plan, contrast="Iohexol 350", circle=True, signed=True, ma=280, exposure_ms=500)
    found = []
    if study.exam.option("thick_only") != "yes":
        found.append(_scout(study, scan))
        found.append(
            ct_series(
                study,
                plan(
                    number=2,
                    description="Chest 1.25 lung",
                    count=count,
                    spacing_z=1.25,
                    thickness=1.25,
                    first_z=first,
                    kernel="LUNG",
                    windows=(LUNG, MEDIASTINUM),
                ),
                thin,
            )
        )
    found.append(
        ct_series(
            study,
            plan(
                number=3,
                description=f"Chest {step:.1f} mediastinum",
                count=thick_count,
                spacing_z=step,
                thickness=step,
                first_z=first_thick,
                kernel="STANDARD",
                windows=(MEDIASTINUM, LUNG),
                syntax=HTJ2K,
                signed=False,
                circle=False,
            ),
            thick,
        )
    )
    if study.exam.option("report") == "yes":
        reference = (CT_IMAGE, study.uid("instance", 3, thick_count // 2 + 1), study.uid("series", 3))
        findings = ("Solid spiculated nodule in the right upper lobe.", "No enlarged lymph node, no effusion.")
        conclusion = "Nodule on the right, larger than a year ago."
        found.append(
            report(study, 90, findings, conclusion, measures=[("Length", 14.0, "mm")], references=(reference,))
        )
    return found


def _scout(study: Study, scan: TorsoScan) -> Series:
    """A frontal localizer: the planes summed from front to back."""
    step, lines = scan.plane_mm, study.slices(116)
    pixel = 1.0 / min(study.scale, 1.0)
    columns, rows = study.pixels(380), round(lines * step / pixel)
    ds = study.series(1, "CT", "Scout frontal", model="Phantom CT 128", frame_of_reference="table")
    grey(ds, (rows, columns), allocated=16, stored=12)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    ds.AcquisitionNumber, ds.PatientPosition = 1, "HFS"
    ds.PixelSpacing = [decimal(pixel)] * 2
    ds.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    ds.SliceThickness = "1"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    ds.WindowCenter, ds.WindowWidth = "100", "1300"
    ds.KVP, ds.XRayTubeCurrent, ds.ExposureTime, ds.Exposure = "120", 30, 3000, 90
    ds.ScanOptions, ds.ConvolutionKernel, ds.ProtocolName = "SCOUT MODE", "SCOUT", "Chest with contrast"
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"
    middle = round(-35.0 / step)
    top = (middle + lines // 2) * step

    def instance(_: int) -> Instance:
        made = study.instance(CT_IMAGE, 1, 1)
        plane(made, (-(columns - 1) / 2 * pixel, 0.0, top), location=0.0)
        sums = []
        for i in range(lines):
            hu = scan.planes[middle + lines // 2 - i].astype(np.float32)
            sums.append((hu + 1000).sum(0) * (scan.grid_mm / 1000))
        across = cubic(
            columns, (-(columns - 1) / 2 * pixel - float(scan.x[0])) / scan.grid_mm, pixel / scan.grid_mm, len(scan.x)
        )
        image = cubic(rows, 0.0, pixel / step, lines) @ np.array(sums, np.float32) @ across.T
        noisy = 6.0 * image - 900 + study.rng("scout").normal(0, 8, image.shape)
        return Instance(made, [np.clip(np.rint(noisy) + 1024, 0, 4095).astype(np.uint16)])

    return Series(1, 1, ds, instance)


def ct_abdomen(study: Study) -> list[Series]:
    """A short abdomen in thick slices, one series."""
    matrix = study.pixels(512)
    girth = float(study.exam.option("girth", "1.04"))
    contrast = study.exam.option("contrast", "yes") == "yes"
    scan = TorsoScan(
        Torso(study.rng("torso", patient=True), girth=girth, branches=40),
        matrix,
        400,
        grid_mm=max(1.2, 0.6 / study.scale),
        contrast=contrast,
    )
    grain = Grain(study.rng("grain"), 0.02, 0.2)
    count = study.slices(int(study.exam.option("slices", "26")))
    first = float(study.exam.option("first", "-300"))
    syntax = {"rle": RLE, "j2k": JPEG_2000, "htj2k": HTJ2K}.get(study.exam.option("syntax"), EXPLICIT)

    def slab(index: int) -> Array:
        clean = scan.at(first + 7.5 * index)
        found: Array = clean + 11 * loudness(clean) * grain(study.rng("slab", index), clean.shape)
        return found

    plan = CtSeries(
        number=2,
        description="Abdomen 7.5",
        count=count,
        spacing_z=7.5,
        thickness=7.5,
        first_z=first,
        fov_mm=400,
        centre=(0.0, 8.0),
        kernel="B30f",
        windows=(BODY,),
        matrix=matrix,
        contrast="Iohexol 300" if contrast else "",
        syntax=syntax,
        protocol="Abdomen",
        ma=240,
        exposure_ms=500,
    )
    return [ct_series(study, plan, slab)]
