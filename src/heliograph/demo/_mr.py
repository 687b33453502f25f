"""MR of the brain from the same head as CT: signal equations over tissue constants, coil shading, Rician noise."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from pydicom.dataset import Dataset

from heliograph.demo._fields import Array, Waves, axis, blur, coverage, filtered_noise, level
from heliograph.demo._head import Head
from heliograph.demo._part10 import EXPLICIT, HTJ2K, JPEG_LS, Instance
from heliograph.demo._scan import Resampler
from heliograph.demo._study import Series, Study, decimal, grey, plane
from heliograph.demo._tissue import Tissues

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"

# proton density, T1 ms, T2 ms, diffusion in 1e-3 mm2/s at 3 T
CONSTANTS: dict[str, tuple[float, float, float, float]] = {
    "air": (0.0, 1000, 50, 0),
    "skin": (0.45, 700, 35, 0.6),
    "fat": (0.95, 360, 75, 0.05),
    "muscle": (0.75, 1350, 36, 1.2),
    "cortical": (0.03, 500, 10, 0),
    "diploe": (0.55, 420, 55, 0.1),
    "mucosa": (0.85, 1500, 90, 1.4),
    "csf": (1.0, 4200, 1900, 3.0),
    "vitreous": (1.0, 4000, 1600, 2.9),
    "sclera": (0.4, 900, 30, 0.5),
    "lens": (0.6, 1100, 30, 0.9),
    "dura": (0.35, 900, 35, 0.5),
    "grey": (0.83, 1450, 96, 0.82),
    "white": (0.71, 870, 76, 0.72),
    "deep_grey": (0.80, 1280, 82, 0.75),
    "pallidum": (0.76, 1080, 64, 0.72),
    "plexus": (0.85, 1500, 160, 1.3),
    "calcification": (0.1, 800, 20, 0.3),
    "stem": (0.75, 1000, 80, 0.74),
    "artery": (0.02, 1600, 60, 0),
    "clot": (0.8, 1200, 60, 0.6),
    "fresh_clot": (0.8, 1300, 80, 0.7),
    "sinus_blood": (0.05, 1600, 40, 0),
    "lesion": (0.86, 1600, 160, 1.3),
    "infarct": (0.84, 1550, 128, 0.42),
}


@dataclass(frozen=True, slots=True)
class Sequence:
    """One pulse sequence: times in milliseconds, geometry, and how it is named."""

    number: int
    name: str
    scanning: str
    variant: str
    tr: float
    te: float
    ti: float = 0.0
    flip: float = 90.0
    train: int = 1
    matrix: int = 256
    slices: int = 26
    spacing: float = 5.0
    thickness: float = 4.0
    fov: float = 230.0
    orientation: str = "axial"
    b: float = 0.0
    noise: float = 0.012
    syntax: str = EXPLICIT
    options: str = ""
    kind: str = "signal"
    acquisition: str = "2D"

    def signal(self, tissue: str) -> float:
        """Signal of a tissue (spin echo, gradient echo or inversion recovery; diffusion weighting last)."""
        density, t1, t2, diffusion = CONSTANTS[tissue]
        decay = np.exp(-self.te / t2)
        if self.scanning == "GR":
            a, e1 = np.deg2rad(self.flip), np.exp(-self.tr / t1)
            value = density * np.sin(a) * (1 - e1) / (1 - np.cos(a) * e1) * np.exp(-self.te / (t2 * 0.6))
            if self.ti:
                value = density * max(1 - 1.4 * np.exp(-self.ti / t1), 0.03) * np.exp(-self.te / t2)
                value *= 0.5 if tissue in ("fat", "diploe") else 1.0  # off resonance
        elif self.ti:
            value = density * abs(1 - 2 * np.exp(-self.ti / t1) + np.exp(-self.tr / t1)) * decay
        else:
            value = density * (1 - np.exp(-self.tr / t1)) * decay
        return float(value * np.exp(-self.b * diffusion / 1000))

    def table(self) -> Mapping[str, float]:
        if self.kind == "adc":
            return {name: 1000 * c[3] for name, c in CONSTANTS.items()}
        return {name: self.signal(name) for name in CONSTANTS}


T1 = Sequence(2, "T1 TSE TRA", "SE", "SK", 600, 9, matrix=320, noise=0.010)
T2 = Sequence(3, "T2 TSE TRA", "SE", "SK", 5200, 98, train=17, matrix=448, noise=0.009)
FLAIR = Sequence(4, "T2 FLAIR TRA", "IR", "SK", 9000, 118, ti=2500, train=19, matrix=320, noise=0.008, syntax=JPEG_LS)
DWI = Sequence(5, "EP2D DIFF TRA", "EP", "SK", 5800, 82, matrix=160, noise=0.014, options="DIFFUSION")
ADC = Sequence(6, "EP2D DIFF ADC", "EP", "SK", 5800, 82, matrix=160, kind="adc", options="DIFFUSION")
MPRAGE = Sequence(
    7,
    "T1 MPRAGE SAG",
    "GR",
    "MP",
    2300,
    2.3,
    ti=900,
    flip=8,
    slices=80,
    spacing=2.0,
    thickness=2.0,
    fov=256,
    orientation="sagittal",
    noise=0.010,
    acquisition="3D",
    syntax=HTJ2K,
)


AXIAL_MIDDLE = 16.0


class BrainScan:
    """A head in the magnet, with white matter spots and, on request, a fresh infarct."""

    def __init__(self, study: Study, grid_mm: float) -> None:
        atrophy = float(study.exam.option("atrophy", "0.3"))
        self.head = Head(study.rng("head", patient=True), atrophy=atrophy)
        rng = study.rng("spots", patient=True)
        count = int(study.exam.option("spots", "14"))
        angle, out = rng.uniform(0, 2 * np.pi, count), rng.uniform(0.35, 1, count)
        self.spots = [
            (float(24 * np.cos(a) * o + np.sign(np.cos(a)) * 8), float(42 * np.sin(a) * o), float(z), float(r))
            for a, o, z, r in zip(angle, out, rng.uniform(14, 40, count), rng.uniform(1.4, 3.6, count), strict=True)
        ]
        self.infarct = study.exam.option("infarct") == "yes"
        self.shade = Waves(rng, 8, 260, 420)
        self.x, self.y = axis(round(172 / grid_mm), grid_mm), axis(round(222 / grid_mm), grid_mm, -8)
        self.tables: dict[str, Mapping[str, float]] = {}
        self._axial: dict[int, dict[str, Array]] = {}
        self._locks: dict[int, threading.Lock] = {}
        self._guard = threading.Lock()

    def tissues(self, x: Array, y: Array, z: Array, softness: float) -> Tissues:
        found = self.head.tissues(x, y, z, softness)
        for cx, cy, cz, r in self.spots:
            if any(float(np.abs(v - c).min()) > 1.4 * r + 2 for v, c in ((x, cx), (y, cy), (z, cz))):
                continue
            far = np.sqrt((x - cx) ** 2 + ((y - cy) / 1.4) ** 2 + (z - cz) ** 2) - r
            found.lay("lesion", coverage(far, 2.0) * np.float32(0.85))
        if self.infarct:
            px, py, pz = x - 46, y - 12, z - 22
            far = np.sqrt((px / 1.3) ** 2 + (py / 1.6) ** 2 + pz**2) - 14 - 3 * self.head.bumps.grid(x, y, z)
            brain = found.share("grey", "white", "deep_grey")
            found.lay("infarct", coverage(far, 3.0) * brain)
        return found

    def axial(self, index: int) -> Mapping[str, Array]:
        """Noiseless images at one of the axial heights for every axial contrast, the slice profile sampled twice."""
        with self._guard:
            lock = self._locks.setdefault(index, threading.Lock())
        with lock:
            if index not in self._axial:
                self._axial[index] = self._axials(AXIAL_MIDDLE + index * T1.spacing)
            return self._axial[index]

    def _axials(self, z: float) -> dict[str, Array]:
        found: dict[str, Array] = {}
        for offset in (-0.22 * T1.thickness, 0.22 * T1.thickness):
            tissues = self.tissues(self.x[None, :], self.y[:, None], level(z + offset), 1.0)
            for name, table in self.tables.items():
                part = (tissues.values(table, texture=0.0) * np.float32(0.5)).astype(np.float16)
                found[name] = found[name] + part if name in found else part
        return found

    def sagittal(self, x: float, grid: tuple[Array, Array], table: Mapping[str, float]) -> Array:
        y, z = grid
        return self.tissues(level(x), y[None, :], z[:, None], 1.0).values(table, texture=0.0)


def mr_brain(study: Study) -> list[Series]:
    scan = BrainScan(study, max(float(study.exam.option("grid", "0.75")), 0.375 / study.scale))
    wanted = study.exam.option("sequences", "T1 T2 FLAIR DWI ADC MPRAGE").split()
    named = {"T1": T1, "T2": T2, "FLAIR": FLAIR, "DWI": DWI, "ADC": ADC, "MPRAGE": MPRAGE}
    plans = [named[name] for name in wanted]
    for plan in plans:
        if plan.orientation == "axial":
            scan.tables |= {f"{plan.number}/{b}": replace(plan, b=b).table() for b in _b_values(plan)}
    return [_series(study, scan, plan) for plan in plans]


def _b_values(plan: Sequence) -> tuple[float, ...]:
    return (0.0, 500.0, 1000.0) if plan.number == DWI.number else (0.0,)


def _series(study: Study, scan: BrainScan, plan: Sequence) -> Series:
    matrix, slices = study.pixels(plan.matrix), study.slices(plan.slices)
    pixel, sagittal = plan.fov / matrix, plan.orientation == "sagittal"
    b_values = _b_values(plan)
    shared = study.series(
        plan.number, "MR", plan.name, model="Phantom MR 3T", after_s=180.0 * plan.number, frame_of_reference="magnet"
    )
    grey(shared, (matrix, matrix), allocated=16, stored=16 if plan.syntax != EXPLICIT else 12)
    _describe(shared, plan, pixel)
    step = max(1.0, 0.5 / study.scale)
    across, down = (
        (axis(round(214 / step), step, -8), axis(round(228 / step), step, 2)) if sagittal else (scan.x, scan.y)
    )
    image_across, image_down = axis(matrix, pixel, -6 if sagittal else 0), axis(matrix, pixel, -14 if sagittal else -6)
    resample = Resampler(across, down, image_across, image_down, outside=0.0)
    gain = 1.0 if plan.kind == "adc" else _gain(plan)
    grain = filtered_noise(study.rng("grain", plan.number), (matrix * 2, matrix * 2), 0.0, 0.45)

    def place(index: int) -> float:
        return (0.0 if sagittal else AXIAL_MIDDLE) + (index - slices // 2 + (0.5 if sagittal else 0.0)) * plan.spacing

    def instance(index: int) -> Instance:
        at, b = place(index % slices), b_values[index // slices]
        ds = study.instance(MR_IMAGE, plan.number, index + 1, after_s=180.0 * plan.number + 0.5 * index)
        if sagittal:
            plane(ds, (at, float(image_across[0]), float(-image_down[0])), location=at)
            clean = resample(scan.sagittal(at, (across, -down), plan.table()))
        else:
            plane(ds, (float(image_across[0]), float(image_down[0]), at), location=at)
            model = scan.axial(index % slices - slices // 2)[f"{plan.number}/{b}"]
            clean = resample(model.astype(np.float32))
        _diffusion(ds, plan, b)
        values = _acquire(study, plan, (index, b), np.maximum(clean, 0), (scan, grain)) * gain
        return Instance(ds, [np.clip(np.rint(values), 0, 4095).astype(np.uint16)])

    window = (1400, 2200) if plan.kind == "adc" else _window(plan, gain)
    shared.WindowCenter, shared.WindowWidth = str(round(window[0])), str(round(window[1]))
    return Series(plan.number, slices * len(b_values), shared, instance, plan.syntax)


def _gain(plan: Sequence) -> float:
    return 1500.0 / max(plan.signal("white"), plan.signal("grey"), 0.4 * plan.signal("csf"))


def _window(plan: Sequence, gain: float) -> tuple[float, float]:
    high = max(plan.signal(t) for t in ("white", "grey", "csf" if plan.te > 60 and not plan.ti else "white")) * gain
    high = high * (1.0 if plan.te > 60 and not plan.ti else 1.6 if plan.scanning == "GR" else 1.25)
    if plan.number == DWI.number:
        high = plan.signal("csf") * gain * 0.6
    return high * 0.5, high * 1.02


def _acquire(
    study: Study, plan: Sequence, name: tuple[int, float], clean: Array, tools: tuple[BrainScan, Array]
) -> Array:
    """Coil shading, Gibbs ringing's softness, Rician noise."""
    scan, grain = tools
    rows, columns = clean.shape
    if plan.scanning == "EP":
        clean = blur(clean, 0.7)
    if plan.kind == "adc":
        noise = _tile(grain, study.rng("mr", plan.number, *name), clean.shape)
        found: Array = np.where(clean > 120, clean + 35 * noise, np.abs(8 * noise))
        return found
    u = axis(columns, 230.0 / columns)[None, :]
    v = axis(rows, 230.0 / rows)[:, None]
    shade = 1 + 0.05 * scan.shade.grid(u, v, level(name[0] * 4.0)) + 0.10 * ((u / 115) ** 2 + (v / 115) ** 2)
    rng = study.rng("mr", plan.number, *name)
    sigma = np.float32(plan.noise * 0.5 * _brightest(plan))
    real, imaginary = _tile(grain, rng, clean.shape), _tile(grain, rng, clean.shape)
    made: Array = np.sqrt((clean * shade + sigma * real) ** 2 + (sigma * imaginary) ** 2)
    return made


def _brightest(plan: Sequence) -> float:
    return max(plan.signal(t) for t in ("white", "grey")) * 2.2


def _tile(grain: Array, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    rows = (np.arange(shape[0]) + rng.integers(grain.shape[0])) % grain.shape[0]
    columns = (np.arange(shape[1]) + rng.integers(grain.shape[1])) % grain.shape[1]
    return grain[np.ix_(rows, columns)]


def _diffusion(ds: Dataset, plan: Sequence, b: float) -> None:
    if plan.options != "DIFFUSION":
        return
    if plan.kind == "adc":
        ds.ImageType = ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]
        return
    ds.ImageType = ["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE" if b == 0 else "TRACEW"]
    ds.DiffusionBValue = b
    ds.SequenceName = f"ep_b{round(b)}" if b == 0 else f"ep_b{round(b)}t"


def _describe(ds: Dataset, plan: Sequence, pixel: float) -> None:
    """MR Image and Image Plane modules."""
    if plan.options != "DIFFUSION":
        ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    ds.ImageOrientationPatient = [0, 1, 0, 0, 0, -1] if plan.orientation == "sagittal" else [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [decimal(pixel)] * 2
    ds.SliceThickness, ds.SpacingBetweenSlices = decimal(plan.thickness), decimal(plan.spacing)
    ds.PatientPosition, ds.AcquisitionNumber = "HFS", 1
    ds.ScanningSequence = (
        ["EP", "SE"]
        if plan.scanning == "EP"
        else (["GR", "IR"] if plan.ti and plan.scanning == "GR" else plan.scanning)
    )
    if plan.scanning == "IR":
        ds.ScanningSequence = ["SE", "IR"]
    ds.SequenceVariant = ["SK", "SP", "MP"] if plan.variant == "MP" else plan.variant
    ds.ScanOptions = "FS" if plan.options == "DIFFUSION" else ""
    ds.MRAcquisitionType = plan.acquisition
    ds.SequenceName = plan.name.lower().replace(" ", "_")[:16]
    ds.RepetitionTime, ds.EchoTime = decimal(plan.tr), decimal(plan.te)
    if plan.ti:
        ds.InversionTime = decimal(plan.ti)
    ds.EchoTrainLength = plan.train
    ds.FlipAngle = decimal(plan.flip)
    ds.MagneticFieldStrength, ds.ImagingFrequency, ds.ImagedNucleus = "3", "123.25", "1H"
    ds.NumberOfAverages, ds.EchoNumbers = "1", "1"
    ds.PercentSampling, ds.PercentPhaseFieldOfView = "100", "100"
    ds.PixelBandwidth = "220"
    ds.AcquisitionMatrix = [0, 256, 256, 0]
    ds.InPlanePhaseEncodingDirection = "ROW"
    ds.SAR = "0.4"
    ds.ReceiveCoilName, ds.TransmitCoilName = "HEAD_32", "BODY"
    ds.ProtocolName = plan.name
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"
