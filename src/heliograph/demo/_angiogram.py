"""A coronary angiogram: contrast runs through a beating tree over spine, ribs and diaphragm (PS3.3 A.14)."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from heliograph.demo._fields import Array, blur, ellipsoid, filtered_noise, level, smoothstep
from heliograph.demo._film import Film
from heliograph.demo._part10 import JPEG_LOSSLESS, Instance
from heliograph.demo._study import Series, Study, decimal, grey
from heliograph.demo._vessels import Tree, grow

XA_IMAGE = "1.2.840.10008.5.1.4.1.1.12.1"
FIELD_MM = 150.0
FRAME_MS = 66.67


def angiogram(study: Study) -> list[Series]:
    """One run of the left coronary artery and one of the right."""
    return [_run(study, 1, "LCA RAO 30 CAU 20", left=True), _run(study, 2, "RCA LAO 30", left=False)]


def _run(study: Study, number: int, name: str, *, left: bool) -> Series:
    size, frames = study.pixels(512), study.slices(46)
    ds = study.series(number, "XA", name, model="Phantom XA 20", after_s=120.0 * number)
    grey(ds, (size, size), allocated=8, stored=8)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    ds.NumberOfFrames = frames
    ds.FrameTime, ds.CineRate, ds.RecommendedDisplayFrameRate = decimal(FRAME_MS), 15, 15
    ds.FrameIncrementPointer = 0x00181063
    ds.PixelIntensityRelationship = "DISP"
    ds.KVP, ds.XRayTubeCurrent, ds.ExposureTime, ds.RadiationSetting = "78", 640, 7, "GR"
    ds.AveragePulseWidth, ds.TypeOfFilters = "6.8", "NONE"
    ds.FieldOfViewShape, ds.IntensifierSize = "RECTANGLE", "200"
    ds.FieldOfViewDimensions = [200, 200]
    ds.ImagerPixelSpacing = [decimal(FIELD_MM * 1.35 / size)] * 2
    ds.DistanceSourceToDetector, ds.DistanceSourceToPatient = "1080", "800"
    ds.EstimatedRadiographicMagnificationFactor = "1.35"
    ds.PositionerMotion = "STATIC"
    ds.PositionerPrimaryAngle, ds.PositionerSecondaryAngle = ("-30", "-20") if left else ("30", "0")
    ds.ContrastBolusAgent, ds.ContrastBolusRoute = "Iopromide 370", "IA"
    ds.PatientOrientation = ["L", "F"]
    ds.AcquisitionNumber = number
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"
    ds.WindowCenter, ds.WindowWidth = "128", "256"

    def instance(_: int) -> Instance:
        made = study.instance(XA_IMAGE, number, 1, after_s=120.0 * number)
        return Instance(made, Scene(study, number, size, left=left).frames(frames))

    return Series(number, 1, ds, instance, JPEG_LOSSLESS)


class Scene:
    def __init__(self, study: Study, number: int, size: int, *, left: bool) -> None:
        self.size, self.left = size, left
        self.rng = study.rng("run", number)
        self.film = Film(-FIELD_MM / 2, -FIELD_MM / 2, FIELD_MM / size, (size, size))
        self.tree = self._tree()
        self.arrival = self._arrivals()
        self.noise = filtered_noise(self.rng, (size * 2, size * 2), 0.0, 0.33)
        self.background = self._background()

    def _tree(self) -> Tree:
        """Tips on the front of an ellipsoid, seen from an angle."""
        count = 34 if self.left else 20
        a = self.rng.uniform(0, 2 * np.pi, count * 3)
        h = self.rng.uniform(-0.9, 0.55, count * 3)
        ring = np.sqrt(1 - h * h)
        points = np.stack([44 * ring * np.cos(a), 40 * ring * np.sin(a), 50 * h], axis=1)
        keep = (points[:, 0] > -18) if self.left else (points[:, 0] < 10)
        tips = points[keep][:count].astype(np.float32)
        if self.left:
            tips[:, 0] += 6
        root = (-16.0, -6.0, 36.0) if self.left else (-8.0, -16.0, 36.0)
        return grow(self.rng, root, tips, tip_radius=0.5, power=2.5, step=4.0, wander=0.45)

    def _arrivals(self) -> Array:
        """Path length from the root to each piece."""
        known = {tuple(np.round(self.tree.start[0], 3)): 0.0}
        found = np.zeros(len(self.tree.radius), np.float32)
        waiting = list(range(len(found)))
        for _ in range(400):
            later = []
            for i in waiting:
                key = tuple(np.round(self.tree.start[i], 3))
                if key in known:
                    found[i] = known[key]
                    length = float(np.linalg.norm(self.tree.end[i] - self.tree.start[i]))
                    known[tuple(np.round(self.tree.end[i], 3))] = float(found[i]) + length
                else:
                    later.append(i)
            if not later or len(later) == len(waiting):
                break
            waiting = later
        return found

    def _background(self) -> Array:
        """Attenuation of what does not move."""
        u, v = self.film.grid()
        broad = blur(filtered_noise(self.rng, (64, 64), 0.01, 0.12), 1)
        depth = 1.15 + 0.10 * np.kron(broad, np.ones((self.size // 64 + 1,) * 2, np.float32))[: self.size, : self.size]
        depth = blur(depth.astype(np.float32), self.size / 50)
        spine = smoothstep(u, 24, 34) * (1 - smoothstep(u, 58, 68))
        bodies = 0.10 + 0.10 * np.cos(2 * np.pi * v / 27) ** 8
        depth = depth + spine * (0.30 + bodies)
        dome = v - (44 + 0.006 * (u + 30) ** 2)
        depth = depth + 0.55 * smoothstep(dome, -1.5, 4)
        lung = 1 - smoothstep(ellipsoid((u, v, level(0)), (-4, 0, 0), (58, 62, 100)), -8, 8)
        depth = depth - 0.35 * (1 - lung)
        ribs = Film(self.film.left, self.film.top, self.film.pixel, self.film.shape)
        for i in range(-1, 6):
            t = np.linspace(0, 1, 30)
            points = np.stack([-80 + 160 * t, -70 + 26 * i + 30 * np.sin(np.pi * t) + 10 * t], axis=1)
            ribs.bone(points.astype(np.float32), np.full(30, 5.0, np.float32), rind=1.0)
        found: Array = depth + blur(ribs.depth, 1.2) * 0.010
        return found

    def _catheter(self) -> Array:
        canvas = np.zeros(self.film.shape, np.float32)
        t = np.linspace(0, 1, 60)
        end = (-16.0, -36.0) if self.left else (-8.0, -36.0)
        bend = 34 if self.left else 22
        u = end[0] + 26 * t**0.7 + bend * np.sin(np.pi * t) * (1 - t)
        v = end[1] - 46 * t + 22 * np.sin(np.pi * t) ** 2 * (1 - t)
        points = np.stack([u, v], axis=1).astype(np.float32)
        for a, b in pairwise(points):
            self.film.distance(canvas, a, b, (1.05, 1.05))
        return canvas

    def frames(self, count: int) -> list[NDArray[np.uint8]]:
        catheter = self._catheter() * 0.11
        found = []
        for i in range(count):
            seconds = i * FRAME_MS / 1000 * (46 / count if count < 46 else 1)
            beat = 0.5 - 0.5 * np.cos(2 * np.pi * seconds / 0.85)
            canvas = np.zeros(self.film.shape, np.float32)
            self._fill(canvas, seconds, float(beat))
            edges = blur(canvas, 0.8) * 0.34
            depth = self.background + catheter + edges
            value = 255 * np.exp(-0.62 * depth) * 1.42
            r, c = (int(k) for k in self.rng.integers(0, self.size, 2))
            noise = self.noise[r : r + self.size, c : c + self.size]
            value = value + noise * (2.2 + 0.02 * value)
            found.append(np.clip(np.rint(value), 0, 255).astype(np.uint8))
        return found

    def _fill(self, canvas: Array, seconds: float, beat: float) -> None:
        """Draw what contrast has reached: 120 mm/s in, washed out from the root after two seconds."""
        squeeze = np.array([1 - 0.10 * beat, 1 - 0.10 * beat, 1 - 0.07 * beat], np.float32)
        shift = np.array([2.5 * beat, 0, -3.0 * beat], np.float32)
        start, end = self.tree.start * squeeze + shift, self.tree.end * squeeze + shift
        flat_start = np.stack([start[:, 0] + 0.35 * start[:, 1], -start[:, 2]], axis=1)
        flat_end = np.stack([end[:, 0] + 0.35 * end[:, 1], -end[:, 2]], axis=1)
        for i in range(len(self.arrival)):
            since = seconds - 0.25 - float(self.arrival[i]) / 120
            strength = min(1.0, max(since / 0.25, 0.0)) * min(1.0, max((2.0 - since) / 0.7, 0.06 if since > 0 else 0.0))
            if strength > 0.03:
                r = float(self.tree.radius[i])
                self.film.distance(canvas, flat_start[i], flat_end[i], (r, r), strength)
