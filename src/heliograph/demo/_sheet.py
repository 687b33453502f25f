"""One axial plane to paint on, where every shape is evaluated only in the window that it can reach."""

from collections.abc import Sequence

import numpy as np

from heliograph.demo._fields import Array, Point, smoothstep
from heliograph.demo._tissue import Tissues, Window
from heliograph.demo._vessels import Tree


class Sheet:
    """An axial plane at height `z` with its tissues; x runs to the patient's left, y to the back."""

    def __init__(self, x: Array, y: Array, z: float, softness: float) -> None:
        self.x, self.y, self.z = x.reshape(1, -1), y.reshape(-1, 1), float(z)
        self.tissues = Tissues((self.y.shape[0], self.x.shape[1]), softness)
        self.softness = softness
        self._step = float(self.x[0, 1] - self.x[0, 0])

    def window(self, low: tuple[float, float], high: tuple[float, float]) -> Window | None:
        """The part of the plane between two corners."""
        found = []
        for values, lower, upper in ((self.y[:, 0], low[1], high[1]), (self.x[0], low[0], high[0])):
            first = int(np.floor((lower - float(values[0])) / self._step))
            last = int(np.ceil((upper - float(values[0])) / self._step)) + 1
            first, last = max(first, 0), min(last, len(values))
            if first >= last:
                return None
            found.append(slice(first, last))
        return found[0], found[1]

    def at(self, window: Window) -> tuple[Array, Array]:
        return self.x[:, window[1]], self.y[window[0]]

    def ellipsoid(
        self, tissue: str, centre: Point, radii: Point, *, softness: float | None = None, share: float = 1.0
    ) -> None:
        reach = (softness or self.softness) + 1
        pz = (self.z - centre[2]) / radii[2]
        if abs(self.z - centre[2]) > radii[2] + reach:
            return
        low = (centre[0] - radii[0] - reach, centre[1] - radii[1] - reach)
        window = self.window(low, (centre[0] + radii[0] + reach, centre[1] + radii[1] + reach))
        if window is None:
            return
        x, y = self.at(window)
        px, py = (x - centre[0]) / radii[0], (y - centre[1]) / radii[1]
        length = np.sqrt(px * px + py * py + np.float32(pz * pz)) + np.float32(1e-6)
        slope = np.sqrt((px / radii[0]) ** 2 + (py / radii[1]) ** 2 + (pz / radii[2]) ** 2) + np.float32(1e-6)
        self.tissues.paint(tissue, length * (length - 1) / slope, softness, window, share)

    def both(self, tissue: str, centre: Point, radii: Point, *, softness: float | None = None) -> None:
        """An ellipsoid and its mirror image."""
        self.ellipsoid(tissue, centre, radii, softness=softness)
        self.ellipsoid(tissue, (-centre[0], centre[1], centre[2]), radii, softness=softness)

    def rod(
        self, tissue: str, start: Sequence[float], end: Sequence[float], radii: tuple[float, float], wall: float = 0.0
    ) -> None:
        """A straight tube with round ends; `wall` grows it."""
        wide = max(radii) + wall
        reach = wide + self.softness + 0.5
        low_z, high_z = min(start[2], end[2]), max(start[2], end[2])
        if not low_z - reach < self.z < high_z + reach:
            return
        ax, ay, az = end[0] - start[0], end[1] - start[1], end[2] - start[2]
        if abs(az) > 1e-3:  # only the stretch whose height is near the plane matters
            t0, t1 = sorted(((self.z - reach - start[2]) / az, (self.z + reach - start[2]) / az))
            t0, t1 = max(t0, 0.0), min(t1, 1.0)
        else:
            t0, t1 = 0.0, 1.0
        xs, ys = (start[0] + t0 * ax, start[0] + t1 * ax), (start[1] + t0 * ay, start[1] + t1 * ay)
        window = self.window((min(xs) - reach, min(ys) - reach), (max(xs) + reach, max(ys) + reach))
        if window is None:
            return
        x, y = self.at(window)
        px, py, pz = x - start[0], y - start[1], self.z - start[2]
        norm = 1 / max(ax * ax + ay * ay + az * az, 1e-9)
        t = np.clip(px * (ax * norm) + py * (ay * norm) + np.float32(pz * az * norm), 0, 1)
        dx, dy, dz = px - t * ax, py - t * ay, pz - t * az
        distance = np.sqrt(dx * dx + dy * dy + dz * dz) - (radii[0] + wall + t * (radii[1] - radii[0]))
        self.tissues.paint(tissue, distance, None, window)

    def tube(
        self, tissue: str, path: Sequence[Point], radii: Sequence[float], *, wall: float = 0.0, mirror: bool = False
    ) -> None:
        for start, end, r0, r1 in zip(path[:-1], path[1:], radii[:-1], radii[1:], strict=True):
            self.rod(tissue, start, end, (r0, r1), wall)
            if mirror:
                self.rod(tissue, (-start[0], start[1], start[2]), (-end[0], end[1], end[2]), (r0, r1), wall)

    def tree(self, tissue: str, tree: Tree, *, shift: float = 0.0, scale: float = 1.0, least: float = 0.0) -> None:
        """The pieces of a tree that cross this plane; `shift` moves them by that many radii sideways."""
        for i in tree.near(self.z, self.softness):
            r = float(tree.radius[i])
            if r < least:
                continue
            start, end = tree.start[i], tree.end[i]
            if shift:
                offset = np.array([shift * r, -0.6 * shift * r, 0], np.float32)
                start, end = start + offset, end + offset
            self.rod(tissue, start, end, (r * scale, r * scale))


def between(value: Array, low: float, high: float, soft: float) -> Array:
    """One inside a range, falling to zero over `soft` on both sides."""
    found: Array = smoothstep(value, low - soft, low + soft) * (1 - smoothstep(value, high - soft, high + soft))
    return found
