"""Ultrasound: a beating heart as a cine loop, stills of liver, kidney, gall bladder and a neck artery with flow."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from heliograph.demo._echo import TALL, WIDE, Probe, Scene, Screen, Speckle, bmode, heart_trace
from heliograph.demo._fields import Array, Waves, coverage, ellipsoid, level, nearest, rod, smoothstep, union
from heliograph.demo._part10 import EXPLICIT, JPEG_BASELINE, RLE, Instance
from heliograph.demo._study import Series, Study, colour, items

US_IMAGE = "1.2.840.10008.5.1.4.1.1.6.1"
US_CINE = "1.2.840.10008.5.1.4.1.1.3.1"
BEAT_MS = 900.0
_FLAT = level(0)


def _mix(base: Array, distance: Array, value: float | Array, soft: float = 1.5) -> Array:
    found: Array = base + coverage(distance, soft) * (value - base)
    return found


class Heart:
    """An apical four chamber view: the apex near the probe, the left ventricle to the right."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.broad = Waves(rng, 12, 40, 90)

    @staticmethod
    def squeeze(phase: float) -> float:
        """Contraction, 0 at rest to 1 at the end of systole."""
        t = phase % 1.0
        if t < 0.40:
            return float(np.sin(np.pi / 2 * t / 0.40) ** 2)
        if t < 0.62:
            return float(np.cos(np.pi / 2 * (t - 0.40) / 0.22) ** 2)
        return 0.12 * float(np.sin(np.pi * (t - 0.78) / 0.12) ** 2) * -1.0 if 0.78 < t < 0.90 else 0.0

    def at(self, phase: float) -> Scene:
        s = self.squeeze(phase)
        opened = 1.0 - min(1.0, max(s, 0.0) * 2.2) if not 0.05 < phase % 1.0 < 0.45 else 0.0
        opened *= 0.75 + 0.25 * float(np.cos(2 * np.pi * (phase - 0.6) * 2))

        def scene(u: Array, v: Array) -> tuple[Array, Array, Array, Array]:
            lift = 13 * s
            ring = 104 - lift
            grow = smoothstep(v, 10, ring)
            lv = ellipsoid((u, v, _FLAT), (17, 64 - 0.45 * lift, 0), (20 * (1 - 0.30 * s), 43 * (1 - 0.13 * s), 100))
            rv = ellipsoid(
                (u + 0.16 * (v - 70), v, _FLAT), (-25, 73 - 0.45 * lift, 0), (14.5 * (1 - 0.22 * s), 33, 100)
            )
            la = ellipsoid((u, v, _FLAT), (19, ring + 23 + 0.3 * lift, 0), (22, 22 + 0.3 * lift, 100))
            ra = ellipsoid((u, v, _FLAT), (-25, ring + 21 + 0.3 * lift, 0), (20, 20 + 0.3 * lift, 100))
            doors = (((19, ring, 0), (16.5, 9, 100)), ((-25, ring, 0), (14.5, 9, 100)))
            mitral, tricuspid = (ellipsoid((u, v, _FLAT), c, r) for c, r in doors)
            blood = nearest(union(union(lv, la, 6), mitral, 4), union(union(rv, ra, 6), tricuspid, 4))
            muscle = np.minimum(lv - 10.5 * (1 + 0.35 * s), rv - 6)
            atrial = np.minimum(la, ra) - 3.5
            outer = union(muscle, atrial, 8)
            mv = v + lift * grow * coverage(outer, 12)
            texture = 3.5 * self.broad.at(u, v, _FLAT)
            echo = -33 + texture - 0.05 * (v - 60)
            echo = _mix(echo, outer - 4.0, -8.0, 3)
            echo = _mix(echo, outer - 1.2, -21 + 0.6 * texture, 2)
            fibres = 2.5 * np.cos(0.9 * lv + 0.4 * texture)
            echo = _mix(echo, muscle, -19 + fibres + 0.6 * texture, 2)
            echo = _mix(echo, blood, -56.0 + 0.5 * texture, 2.4)
            echo = np.maximum(echo, -14 - 9 * np.abs(np.maximum(lv, blood) + 0.5) + 0.02 * v)
            echo = self._valves(echo, u, v, ring, opened)
            far = 3.0 * smoothstep(np.abs(u) - 0.55 * v, 0, 25)
            loss = np.full(u.shape, 0.06, np.float32) + 0.05 * smoothstep(np.abs(u) - 0.62 * v, 0, 10)
            return echo - far, loss, u, mv

        return scene

    @staticmethod
    def _valves(echo: Array, u: Array, v: Array, ring: float, opened: float) -> Array:
        """Leaflets that swing from the ring into the ventricle."""
        for hinge, inward, size in ((1.0, 1, 17.0), (37.0, -1, 14.0), (-8.0, -1, 13.0), (-42.0, 1, 14.0)):
            angle = np.deg2rad(12 + 66 * opened)
            tip = (hinge + inward * size * float(np.cos(angle)), ring - 2 - size * float(np.sin(angle)))
            leaf = rod((u, v, _FLAT), (hinge, ring, 0), (tip[0], tip[1], 0), 1.1, 0.9)
            echo = _mix(echo, leaf, -7.0, 1.6)
            echo = _mix(echo, ellipsoid((u, v, _FLAT), (hinge, ring, 0), (2.6, 2.2, 50)), -8.0, 2)
        return echo


def _kidney(waves: Waves) -> Scene:
    def scene(u: Array, v: Array) -> tuple[Array, Array, Array, Array]:
        texture = waves.at(u, v, _FLAT)
        echo = -26 + 1.6 * texture - 0.02 * v
        echo = _mix(echo, 9 - v, -18 + 3 * np.cos(v * 1.9 + texture), 3)
        for start, end, r in (((-40, 62), (6, 40), 3.6), ((-30, 30), (22, 24), 2.4), ((-14, 84), (-50, 98), 4.2)):
            vessel = rod((u, v, _FLAT), (*start, 0), (*end, 0), r, r * 0.6)
            echo = _mix(echo, np.abs(vessel) - 0.8, -17.0, 1.4)
            echo = _mix(echo, vessel, -58.0, 1.5)
        pu, pv = 0.94 * (u - 20) + 0.34 * (v - 92), -0.34 * (u - 20) + 0.94 * (v - 92)
        kidney = ellipsoid((pu, pv, _FLAT), (0, 0, 0), (50, 23, 100)) + 0.6 * texture
        echo = _mix(echo, np.abs(kidney) - 1.1, -11.0, 2)
        echo = _mix(echo, kidney + 1, -31 + 1.2 * texture, 1.6)
        for i in range(-3, 4):
            pyramid = ellipsoid((pu, pv, _FLAT), (i * 12.5, -11 if i % 2 else 10, 0), (4.8, 5.4, 100))
            echo = _mix(echo, pyramid, -40.0, 3)
        sinus = ellipsoid((pu, pv, _FLAT), (2, 0, 0), (32, 8.5, 100)) + 1.6 * texture
        echo = _mix(echo, sinus, -15 + 2 * texture, 4)
        arc = np.abs(np.hypot(u + 18, v - 42) - 92) - 1.4
        echo = _mix(echo, np.maximum(arc, 60 - v), -4.0, 2)
        return echo, np.full(u.shape, 0.045, np.float32), u, v

    return scene


def _gall_bladder(waves: Waves) -> Scene:
    def scene(u: Array, v: Array) -> tuple[Array, Array, Array, Array]:
        texture = waves.at(u, v, _FLAT)
        echo = -25 + 1.6 * texture - 0.03 * v
        echo = _mix(echo, 9 - v, -17 + 3 * np.cos(v * 1.9 + texture), 3)
        pu, pv = 0.9 * (u - 4) + 0.43 * (v - 62), -0.43 * (u - 4) + 0.9 * (v - 62)
        wide = 15 + 0.09 * pu
        gall = (np.sqrt((pu / 40) ** 2 + (pv / wide) ** 2) - 1) * wide
        echo = _mix(echo, np.abs(gall) - 1.2, -12.0, 2)
        echo = _mix(echo, gall, -66.0, 1.6)
        echo = echo + 9 * coverage(np.abs(pu) - 30, 10) * smoothstep(pv, 14, 20) * (1 - smoothstep(pv, 30, 60))
        stone = ellipsoid((pu, pv, _FLAT), (18, 9.5, 0), (5.2, 4.0, 100))
        echo = _mix(echo, stone, -2.0 - 1.5 * (v - 70), 1.2)
        vessel = rod((u, v, _FLAT), (-58, 100, 0), (-8, 84, 0), 5.0, 4.0)
        echo = _mix(echo, np.abs(vessel) - 0.9, -14.0, 1.4)
        echo = _mix(echo, vessel, -60.0, 1.5)
        loss = np.full(u.shape, 0.05, np.float32) + 12 * coverage(stone, 0.8)
        return echo, loss, u, v

    return scene


def _neck(waves: Waves) -> Scene:
    def scene(u: Array, v: Array) -> tuple[Array, Array, Array, Array]:
        texture = waves.at(u * 2, v * 2, _FLAT)
        echo = -24 + 2 * texture + 3 * np.cos(1.5 * v + 0.12 * u + 0.6 * texture)
        echo = _mix(echo, 3 - v, -12.0, 2)
        tilt = v - 0.06 * u - 0.0016 * u * u
        for middle, half, wall in ((18.6, 3.5, -7.0), (9.6, 2.3, -15.0)):
            vessel = np.abs(tilt - middle) - half
            echo = _mix(echo, np.abs(vessel - 0.35) - 0.24, wall, 0.4)
            echo = _mix(echo, vessel, -62.0, 0.5)
            echo = _mix(echo, np.abs(vessel + 0.42) - 0.08, -20.0, 0.3)
        plaque = ellipsoid((u, tilt, _FLAT), (6, 22.2, 0), (5.5, 1.3, 50))
        echo = _mix(echo, plaque, -17 + 2 * texture, 0.7)
        return echo, np.full(u.shape, 0.10, np.float32), u, v

    return scene


def _flow(picture: NDArray[np.uint8], probe: Probe, speckle: Speckle) -> None:
    """Colour flow in a slanted box over the artery: red towards the probe."""

    def lumen(u: Array, v: Array) -> tuple[Array, Array, Array, Array]:
        tilt = v - 0.06 * u - 0.0016 * u * u
        narrow = np.exp(-(((u - 6) / 5) ** 2))
        half = 3.1 - 0.9 * narrow
        shift = 0.35 * narrow
        place = (tilt - 18.6 + shift) / half
        speed = np.clip(1 - place**2, 0, 1) * (0.62 + 0.42 * narrow)
        box = (np.abs(u - 0.35 * (v - 18.6)) < 12.5) & (v > 13.5) & (v < 24)
        return speed * box, u, u, v

    speed = probe.convert(lumen(probe.u, probe.v)[0])
    grain = probe.convert(speckle.decibel(probe.u, probe.v))
    on = speed > 0.10
    value = np.clip(speed + 0.012 * grain, 0, 1)[on][:, None]
    ramp = np.array([[90, 0, 0], [225, 30, 0], [255, 150, 0], [255, 235, 90]], np.float32)
    at = np.linspace(0, 1, 4)
    rgb = np.stack([np.interp(value[:, 0], at, ramp[:, c]) for c in range(3)], axis=1)
    picture[on] = rgb.astype(np.uint8)
    corners = [(-12.5, 13.5), (12.5, 13.5), (12.5, 24), (-12.5, 24)]
    for (u0, v0), (u1, v1) in zip(corners, corners[1:] + corners[:1], strict=True):
        t = np.linspace(0, 1, 600)
        v = v0 + (v1 - v0) * t
        u = u0 + (u1 - u0) * t + 0.35 * (v - 18.6)
        rows = np.rint(probe.top + v / probe.pixel).astype(int)
        columns = np.rint(probe.centre + u / probe.pixel).astype(int)
        picture[rows, columns] = (235, 235, 235)
    for i in range(120):
        shade = [np.interp(i / 119, at, ramp[::-1, c]) for c in range(3)]
        picture[320 + i, 740:752] = np.array(shade, np.uint8)


def _region(probe: Probe, rows: int = TALL) -> Dataset:
    """US Region Calibration: centimetres a pixel inside the image (PS3.3 C.8.5.5)."""
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 2
    half = round(300 if probe.kind != "linear" else probe.width / probe.pixel / 2)
    region.RegionLocationMinX0, region.RegionLocationMinY0 = max(probe.centre - half, 0), probe.top
    region.RegionLocationMaxX1 = min(probe.centre + half, WIDE - 1)
    region.RegionLocationMaxY1 = min(probe.top + 480, rows - 1)
    region.ReferencePixelX0, region.ReferencePixelY0 = probe.centre - region.RegionLocationMinX0, 0
    region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection = 3, 3
    region.ReferencePixelPhysicalValueX, region.ReferencePixelPhysicalValueY = 0.0, 0.0
    region.PhysicalDeltaX, region.PhysicalDeltaY = probe.pixel / 10, probe.pixel / 10
    return region


def _shared(study: Study, number: int, description: str, probe: Probe, photometric: str) -> Dataset:
    ds = study.series(number, "US", description, model="Phantom US 9", after_s=45.0 * number)
    colour(ds, (TALL, WIDE), photometric)
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.SequenceOfUltrasoundRegions = items(_region(probe))
    ds.TransducerType = {"sector": "SECTOR_PHASED", "convex": "CURVED LINEAR", "linear": "LINEAR"}[probe.kind]
    ds.UltrasoundColorDataPresent = 0
    ds.BurnedInAnnotation = "NO"
    ds.PatientOrientation = ""
    return ds


def us_heart(study: Study) -> list[Series]:
    """One cine loop of a heart beat, JPEG baseline."""
    probe = Probe("sector", 165, angle=78)
    count = study.slices(45)
    ds = _shared(study, 1, "Apical four chamber", probe, "YBR_FULL_422")
    ds.NumberOfFrames = count
    ds.FrameTime, ds.CineRate, ds.RecommendedDisplayFrameRate = "20", 50, 50
    ds.FrameIncrementPointer = 0x00181063
    ds.PreferredPlaybackSequencing = 0
    ds.HeartRate = 67
    ds.LossyImageCompression, ds.LossyImageCompressionRatio = "01", "12"
    ds.LossyImageCompressionMethod = "ISO_10918_1"

    def instance(_: int) -> Instance:
        made = study.instance(US_CINE, 1, 1, after_s=45)
        heart, speckle = Heart(study.rng("heart")), Speckle(study.rng("speckle"), probe)
        screen = Screen(
            probe, "Adult Echo", ["TIS 0.8  MI 1.2", "S5-1", "50 Hz", "16.5 cm", "2D  62%  C 50", "P Low  HGen"]
        )
        frames = []
        for i in range(count):
            phase = i * 20.0 / BEAT_MS
            picture = screen.show(bmode(probe, speckle, heart.at(phase), gain=1))
            heart_trace(picture, phase)
            frames.append(picture)
        return Instance(made, frames)

    return [Series(1, 1, ds, instance, JPEG_BASELINE)]


_STILLS: dict[str, tuple[str, str, Callable[[Waves], Scene], dict[str, Any]]] = {
    "kidney": ("Right kidney long", "convex", _kidney, {"depth": 140, "angle": 62, "radius": 55}),
    "gall": ("Gall bladder", "convex", _gall_bladder, {"depth": 130, "angle": 62, "radius": 55}),
    "carotid": ("Carotid bifurcation", "linear", _neck, {"depth": 34, "width": 40}),
}


def us_stills(study: Study) -> list[Series]:
    """Stills in one series each; the artery has colour flow."""
    found = []
    syntax = RLE if study.exam.option("syntax") == "rle" else EXPLICIT
    for number, name in enumerate(study.exam.option("views", "kidney gall").split(), 1):
        title, kind, scene, shape = _STILLS[name]
        probe = Probe(kind, **shape)
        ds = _shared(study, number, title, probe, "RGB")
        ds.UltrasoundColorDataPresent = int(name == "carotid")
        ds.LossyImageCompression = "00"
        found.append(Series(number, 1, ds, _Still(study, number, (title, scene, probe, name)), syntax))
    return found


def _turned(rng: np.random.Generator, scene: Scene) -> Scene:
    """The same organs in another body: shifted, stretched, leaning a little."""
    du, dv = rng.normal(0, 5), rng.normal(0, 3)
    su, sv, lean = rng.uniform(0.88, 1.12), rng.uniform(0.92, 1.1), rng.normal(0, 0.06)

    def turned(u: Array, v: Array) -> tuple[Array, Array, Array, Array]:
        moved = (u + np.float32(lean) * v) * np.float32(su) + np.float32(du)
        echo, loss, _, _ = scene(moved, v * np.float32(sv) + np.float32(dv))
        return echo, loss, u, v

    return turned


class _Still:
    def __init__(self, study: Study, number: int, what: tuple[str, Callable[[Waves], Scene], Probe, str]) -> None:
        self.study, self.number, self.what = study, number, what

    def __call__(self, _: int) -> Instance:
        title, scene, probe, name = self.what
        rng = self.study.rng("still", name)
        speckle = Speckle(rng, probe)
        screen = Screen(
            probe, title, ["TIS 0.4  MI 0.9", "C5-2" if probe.kind == "convex" else "L12-3", "31 Hz", "2D  58%  C 56"]
        )
        view = scene(Waves(rng, 30, 8, 40))
        convex = probe.kind == "convex"
        echo = bmode(probe, speckle, _turned(rng, view) if convex else view, gain=-7 if convex else -9, dynamic=58)
        picture = screen.show(echo)
        if name == "carotid":
            _flow(picture, probe, speckle)
        made = self.study.instance(US_IMAGE, self.number, 1, after_s=45.0 * self.number)
        return Instance(made, [picture])
