"""Chest radiographs: soft tissue summed from the torso, bones and vessels drawn sharply on top."""

import threading
from dataclasses import dataclass, field

import numpy as np

from heliograph.demo._ct_torso import HOUNSFIELD
from heliograph.demo._fields import Array, axis
from heliograph.demo._film import Film, plate
from heliograph.demo._scan import cubic
from heliograph.demo._skeleton import COLLAR, VERTEBRA_MM, spine_size, spine_y
from heliograph.demo._torso import Torso

# per millimetre, for a hardened 120 kV beam; what is not named is soft tissue
_NOT_SOFT = {"air": 0.0, "fat": 0.0146, "lung": 0.0030, "cortical": 0.0330, "marrow": 0.0205, "spongy": 0.0215}
ATTENUATION = dict.fromkeys(HOUNSFIELD, 0.0165) | _NOT_SOFT
_FRONT = ATTENUATION | {"arm_bone": 0.0300, "arm_marrow": 0.0205}
_SIDE = ATTENUATION | {"arm_bone": 0.0120, "arm_marrow": 0.0120, "muscle": 0.0162}  # arms are held up
_BONE = 0.019
_STEP_Z = 3.4
_GRID = 2.0
TOP, BOTTOM = 140.0, -190.0
EDGE = 126.0  # where the film begins


@dataclass(slots=True)
class Body:
    """A torso summed along y and along x once, and kept."""

    torso: Torso
    _sums: tuple[Array, Array] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sums(self) -> tuple[Array, Array]:
        """Rows from the top down: attenuation seen from the front, and from the side."""
        with self._lock:
            if self._sums is None:
                x, y = axis(188, _GRID), axis(132, _GRID, 2)
                front, side = [], []
                for z in np.arange(TOP, BOTTOM - 1, -_STEP_Z):
                    tissues = self.torso.tissues(x, y, float(z), 2.4)
                    front.append(tissues.values(_FRONT, texture=1.6e-5).sum(0) * _GRID)
                    side.append(tissues.values(_SIDE, texture=1.6e-5).sum(1) * _GRID)
                self._sums = np.array(front, np.float32), np.array(side, np.float32)
            return self._sums

    def view(self, lateral: bool, pixel: float, shape: tuple[int, int]) -> Array:
        """Attenuation on a film whose middle is the middle of the chest."""
        base = self.sums()[1 if lateral else 0]
        u0 = -(shape[1] - 1) / 2 * pixel + (2.0 if lateral else 0.0)
        start = axis(132, _GRID, 2)[0] if lateral else axis(188, _GRID)[0]
        across = cubic(shape[1], (u0 - float(start)) / _GRID, pixel / _GRID, base.shape[1])
        down = cubic(shape[0], (TOP - EDGE) / _STEP_Z, pixel / _STEP_Z, base.shape[0])
        film = Film(u0, -EDGE, pixel, shape)
        self._bones(film, lateral)
        bone = film.depth * _BONE
        film.depth = np.zeros(shape, np.float32)
        self._trees(film, lateral)
        found: Array = down @ base @ across.T + bone + film.depth * 0.027
        return found

    @staticmethod
    def _project(points: Array, lateral: bool) -> Array:
        return np.stack([points[:, 1] if lateral else points[:, 0], -points[:, 2]], axis=1)

    def _bones(self, film: Film, lateral: bool) -> None:
        beam = 0 if lateral else 1
        for side in (-1, 1):
            for k in range(1, 13):
                points = self.torso.rib(k, side)
                along = np.gradient(points, axis=0)
                along /= np.linalg.norm(along, axis=1, keepdims=True)
                slant = 1 / np.sqrt(np.maximum(1 - along[:, beam] ** 2, 0.1))
                thick = np.interp(np.linspace(0, 1, len(points)), (0, 0.1, 0.7, 1), (4.6, 5.6, 6.4, 6.0))
                flat = self._project(points, lateral)
                half = len(points) // 2
                for part in (slice(0, half + 1), slice(half, None)):
                    film.bone(flat[part], thick[part].astype(np.float32), flat=0.62, slant=slant[part])
            collar = np.array(COLLAR, np.float32) * (side, 1, 1)
            at, fine = np.arange(4), np.linspace(0, 3, 25)
            collar = np.stack([np.interp(fine, at, collar[:, i]) for i in range(3)], axis=1)
            thick = np.interp(fine, at, (8, 5.5, 5.5, 6)).astype(np.float32)
            film.bone(self._project(collar, lateral), thick, rind=1.8, flat=0.9)

        for k in range(-11, 7):
            self._vertebra(film, k * VERTEBRA_MM, lateral)

    @staticmethod
    def _vertebra(film: Film, z: float, lateral: bool) -> None:
        """Body with end plates, then arch and processes."""
        big = spine_size(z)
        middle = float(spine_y(z)) if lateral else 0.0
        half = (13.5 if lateral else 17.0) * big
        window = film.window((middle - half - 6, -z - 14), (middle + half + 6, -z + 14))
        if window is not None:
            u, v = film.grid(window)
            dz = v + z
            wide = half * (0.92 + 0.08 * (dz / 10) ** 2)
            inside = np.clip(0.5 - (np.abs(u - middle) - wide) / 0.8, 0, 1)
            tall = 9.4 + 0.5 * ((u - middle) / half) ** 2
            inside = inside * np.clip(0.5 - (np.abs(dz) - tall) / 0.9, 0, 1)
            chord = np.sqrt(np.maximum(1 - ((u - middle) / (wide + 1)) ** 2, 0.05))
            plates = np.exp(-(((np.abs(dz) - tall + 0.7) / 0.8) ** 2)) + 0.45 * np.exp(
                -(((np.abs(u - middle) - wide + 0.8) / 0.8) ** 2)
            )
            film.depth[window] += inside * (5.0 * big * chord + 3.6 * plates)

        def rod(a: tuple[float, float], b: tuple[float, float], r0: float, r1: float) -> None:
            ends = np.array([a, b], np.float32)
            film.bone(ends, np.array([r0, r1], np.float32), rind=1.2, flat=0.55)

        if lateral:
            rod((middle + 12 * big, -z - 3), (middle + 22 * big, -z - 2), 3.6, 3.8)
            rod((middle + 22 * big, -z - 9), (middle + 20 * big, -z + 8), 3.6, 3.4)
            rod((middle + 27 * big, -z + 2), (middle + 47 * big, -z + 15), 3.2, 4.2)
            return
        for side in (-1, 1):
            rod((side * 12.5 * big, -z - 4), (side * 12.5 * big, -z - 1), 3.2, 3.2)
            rod((side * 15 * big, -z - 3), (side * 31 * big, -z - 6), 3.4, 4.0)
        rod((0, -z + 5), (0, -z + 15), 2.4, 3.6)

    def _trees(self, film: Film, lateral: bool) -> None:
        for _, tree in self.torso.trees:
            start, end = self._project(tree.start, lateral), self._project(tree.end, lateral)
            canvas = np.zeros(film.shape, np.float32)
            for i in range(len(tree.radius)):
                r = float(tree.radius[i])
                if r > 0.5:
                    film.distance(canvas, start[i], end[i], (r, r))
            film.depth += canvas


def chest_film(body: Body, lateral: bool, pixel: float, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Processed attenuation, 0 for air to about 1 for the densest part, with the plate's noise."""
    half = (shape[0] // 2, shape[1] // 2)
    depth = body.view(lateral, pixel * 2, half)
    found = plate(depth, shape) / (5.6 if lateral else 4.2)
    quanta = rng.standard_normal(shape, np.float32) * (0.004 + 0.004 * np.clip(found, 0, 1.2))
    return found + quanta + 0.5 * np.roll(quanta, 1, axis=1)


def bodies(rng: np.random.Generator, *, girth: float, heart: float, effusion: float) -> Body:
    hidden = frozenset({"ribs", "trees", "collar", "spine"})
    return Body(Torso(rng, girth=girth, heart=heart, effusion=effusion, branches=460, without=hidden, upright=True))
