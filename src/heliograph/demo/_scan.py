"""From painted tissue to CT numbers: resampling, quantum noise, stored values and the CT modules (PS3.3 A.3)."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from heliograph.demo._fields import Array, filtered_noise
from heliograph.demo._part10 import EXPLICIT, Instance
from heliograph.demo._study import Series, Study, decimal, grey, plane

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


def cubic(count: int, start: float, step: float, samples: int) -> Array:
    """A matrix that interpolates `samples` values at `count` positions (Catmull-Rom), edges repeated."""
    at = start + step * np.arange(count)
    base = np.floor(at).astype(int)
    t = at - base
    weights = np.stack(
        [
            ((-0.5 * t + 1) * t - 0.5) * t,
            (1.5 * t - 2.5) * t * t + 1,
            ((-1.5 * t + 2) * t + 0.5) * t,
            (0.5 * t - 0.5) * t * t,
        ]
    )
    matrix = np.zeros((count, samples), np.float32)
    for i in range(4):
        np.add.at(matrix, (np.arange(count), np.clip(base + i - 1, 0, samples - 1)), weights[i])
    return matrix


@dataclass(slots=True)
class Resampler:
    """From a model grid to an image grid with the same axes; outside the model there is `outside`."""

    model_x: Array
    model_y: Array
    image_x: Array
    image_y: Array
    outside: float = -1000.0
    across: Array = field(init=False)
    down: Array = field(init=False)

    def __post_init__(self) -> None:
        self.across, self.down = self._matrix(self.model_x, self.image_x), self._matrix(self.model_y, self.image_y)

    @staticmethod
    def _matrix(model: Array, image: Array) -> Array:
        step = float(model[1] - model[0])
        pitch = float(image[1] - image[0])
        matrix = cubic(len(image), float(image[0] - model[0]) / step, pitch / step, len(model))
        matrix[(image < model[0] - step) | (image > model[-1] + step)] = 0
        return matrix

    def __call__(self, model: Array) -> Array:
        return self.down @ (model - np.float32(self.outside)) @ self.across.T + np.float32(self.outside)


class Memory:
    """Planes computed once each, by whichever thread asks first, and kept as half floats while the study is made."""

    def __init__(self, make: Callable[[int], Array]) -> None:
        self._make = make
        self._locks: dict[int, threading.Lock] = {}
        self._found: dict[int, NDArray[np.float16]] = {}
        self._guard = threading.Lock()

    def __getitem__(self, index: int) -> NDArray[np.float16]:
        with self._guard:
            lock = self._locks.setdefault(index, threading.Lock())
        with lock:
            if index not in self._found:
                self._found[index] = self._make(index).astype(np.float16)
            return self._found[index]


class Grain:
    """Quantum noise with the texture of a reconstruction kernel: two tiles, shifted and mixed anew for every slice."""

    def __init__(self, rng: np.random.Generator, low: float, high: float, size: int = 640) -> None:
        self.size = size
        tiles = (filtered_noise(rng, (size, size), low, high, -0.5) * np.float32(np.sqrt(0.5)) for _ in range(2))
        self.tiles = [np.pad(tile, (0, 512), mode="wrap") for tile in tiles]

    def __call__(self, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        parts = []
        for tile in self.tiles:
            r, c = (int(k) for k in rng.integers(0, self.size, 2))
            parts.append(tile[r : r + shape[0], c : c + shape[1]])
        found: Array = parts[0] + parts[1]
        return found


@dataclass(frozen=True, slots=True)
class CtSeries:
    """How one axial CT series is described and stored."""

    number: int
    description: str
    count: int
    spacing_z: float
    thickness: float
    first_z: float
    fov_mm: float
    centre: tuple[float, float]
    kernel: str
    windows: tuple[tuple[str, int, int], ...]
    kvp: int = 120
    ma: int = 220
    exposure_ms: int = 750
    signed: bool = False
    circle: bool = False
    syntax: str = EXPLICIT
    matrix: int = 512
    model: str = "Phantom CT 64"
    contrast: str = ""
    frame_of_reference: str = "table"
    protocol: str = ""
    position: str = "HFS"
    z_up: bool = True

    def z_of(self, index: int) -> float:
        return self.first_z + index * self.spacing_z


def ct_series(study: Study, plan: CtSeries, hounsfield: Callable[[int], Array]) -> Series:
    """A series whose slice `index` has the CT numbers `hounsfield(index)`."""
    pixel = plan.fov_mm / plan.matrix
    shared = study.series(
        plan.number,
        "CT",
        plan.description,
        model=plan.model,
        after_s=20.0 * plan.number,
        frame_of_reference=plan.frame_of_reference,
    )
    grey(
        shared,
        (plan.matrix, plan.matrix),
        allocated=16,
        stored=12 if plan.syntax == EXPLICIT and not plan.signed else 16,
        signed=plan.signed,
    )
    _describe(shared, plan, pixel)
    corner = [c - (plan.matrix - 1) / 2 * pixel for c in plan.centre]

    def instance(index: int) -> Instance:
        ds = study.instance(CT_IMAGE, plan.number, index + 1, after_s=20.0 * plan.number + 0.05 * index)
        plane(ds, (*corner, plan.z_of(index)), location=plan.z_of(index))
        values = np.rint(hounsfield(index)) + 1024
        stored = np.clip(values, 0, 4095).astype(np.int16 if plan.signed else np.uint16)
        if plan.circle:
            stored[_outside_circle(plan.matrix)] = -2000 if plan.signed else 0
        return Instance(ds, [stored])

    return Series(plan.number, plan.count, shared, instance, plan.syntax)


def _outside_circle(matrix: int) -> NDArray[np.bool_]:
    at = np.arange(matrix) - (matrix - 1) / 2
    outside: NDArray[np.bool_] = (at[:, None] ** 2 + at[None, :] ** 2) > (matrix / 2) ** 2
    return outside


def _describe(ds: Dataset, plan: CtSeries, pixel: float) -> None:
    """CT Image, Image Plane, Contrast and VOI LUT modules."""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.AcquisitionNumber = 1
    ds.PatientPosition = plan.position
    ds.PixelSpacing = [decimal(pixel), decimal(pixel)]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.SliceThickness = decimal(plan.thickness)
    ds.SpacingBetweenSlices = decimal(abs(plan.spacing_z))
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    ds.WindowCenter = [str(c) for _, c, _ in plan.windows]
    ds.WindowWidth = [str(w) for _, _, w in plan.windows]
    ds.WindowCenterWidthExplanation = [name for name, _, _ in plan.windows]
    ds.KVP = str(plan.kvp)
    ds.XRayTubeCurrent, ds.ExposureTime = plan.ma, plan.exposure_ms
    ds.Exposure = plan.ma * plan.exposure_ms // 1000
    ds.ScanOptions = "HELICAL MODE"
    ds.DataCollectionDiameter = "500"
    ds.ReconstructionDiameter = decimal(plan.fov_mm)
    ds.GantryDetectorTilt, ds.TableHeight = "0", "142.5"
    ds.RotationDirection = "CW"
    ds.FilterType = "BODY FILTER"
    ds.ConvolutionKernel = plan.kernel
    ds.ProtocolName = plan.protocol or plan.description
    ds.SingleCollimationWidth, ds.TotalCollimationWidth, ds.SpiralPitchFactor = 0.625, 40.0, 0.984
    ds.CTDIvol = 42.0 if plan.fov_mm < 300 else 9.6
    if plan.contrast:
        ds.ContrastBolusAgent = plan.contrast
        ds.ContrastBolusRoute = "IV"
        ds.ContrastBolusVolume = "80"
    if plan.signed and plan.circle:
        ds.add_new(0x00280120, "SS", -2000)
    ds.BurnedInAnnotation = "NO"
    ds.LossyImageCompression = "00"
