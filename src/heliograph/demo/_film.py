"""Projection radiographs: how much tissue lies along each ray, then what a plate makes of it."""

from collections.abc import Sequence

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from heliograph.demo._fields import Array, blur, resize


class Film:
    """An image plane in millimetres that adds up the thickness of what is drawn on it."""

    def __init__(self, left: float, top: float, pixel: float, shape: tuple[int, int]) -> None:
        self.left, self.top, self.pixel, self.shape = left, top, pixel, shape
        self.depth = np.zeros(shape, np.float32)

    def _window(self, low: Array, high: Array) -> tuple[slice, slice] | None:
        first = np.floor((low - (self.left, self.top)) / self.pixel).astype(int)
        last = np.ceil((high - (self.left, self.top)) / self.pixel).astype(int) + 1
        c0, c1 = max(int(first[0]), 0), min(int(last[0]), self.shape[1])
        r0, r1 = max(int(first[1]), 0), min(int(last[1]), self.shape[0])
        return (slice(r0, r1), slice(c0, c1)) if r0 < r1 and c0 < c1 else None

    def window(self, low: tuple[float, float], high: tuple[float, float]) -> tuple[slice, slice] | None:
        """The part of the film between two corners."""
        return self._window(np.array(low, np.float32), np.array(high, np.float32))

    def grid(self, window: tuple[slice, slice] = (slice(None), slice(None))) -> tuple[Array, Array]:
        rows, columns = np.arange(self.shape[0])[window[0]], np.arange(self.shape[1])[window[1]]
        u = (self.left + columns * self.pixel).astype(np.float32)[None, :]
        v = (self.top + rows * self.pixel).astype(np.float32)[:, None]
        return u, v

    def distance(
        self, canvas: Array, start: Array, end: Array, radii: tuple[float, float], weight: float = 1.0
    ) -> None:
        """Put the chord of a tapering solid tube on a canvas where it is longer than what is there."""
        wide = max(radii) + self.pixel
        window = self._window(np.minimum(start, end) - wide, np.maximum(start, end) + wide)
        if window is None:
            return
        u, v = self.grid(window)
        du, dv = float(end[0] - start[0]), float(end[1] - start[1])
        norm = 1 / max(du * du + dv * dv, 1e-9)
        pu, pv = u - float(start[0]), v - float(start[1])
        t = np.clip(pu * (du * norm) + pv * (dv * norm), 0, 1)
        far = np.sqrt((pu - t * du) ** 2 + (pv - t * dv) ** 2)
        r = radii[0] + t * (radii[1] - radii[0])
        chord = 2 * np.sqrt(np.maximum(r * r - far * far, 0)) * np.float32(weight)
        part = canvas[window]
        np.maximum(part, chord, out=part)

    def course(self, points: Array, radii: Sequence[float] | Array, weights: Sequence[float] | Array) -> Array:
        """A bent tube on a canvas of its own."""
        canvas = np.zeros(self.shape, np.float32)
        for i in range(len(points) - 1):
            self.distance(canvas, points[i], points[i + 1], (float(radii[i]), float(radii[i + 1])), float(weights[i]))
        return canvas

    def part(self, window: tuple[slice, slice]) -> "Film":
        """An empty film over a window of this one."""
        rows, columns = window
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        return Film(self.left + columns.start * self.pixel, self.top + rows.start * self.pixel, self.pixel, shape)

    def bone(
        self, points: Array, radii: Array, *, rind: float = 1.1, flat: float = 1.0, slant: Array | None = None
    ) -> None:
        """A hollow bent bone: a dense shell round a loose inside; `slant` lengthens rays that run along it."""
        wide = float(radii.max()) + 2 * self.pixel
        window = self._window(points.min(0) - wide, points.max(0) + wide)
        if window is None:
            return
        film = self.part(window)
        weights = np.full(len(points), flat, np.float32) if slant is None else slant * flat
        outer = film.course(points, radii, weights)
        inner = film.course(points, np.maximum(radii - rind, 0.3), weights * 0.96)
        self.depth[window] += outer - 0.72 * np.minimum(inner, outer)


def plate(depth: Array, shape: tuple[int, int], *, flatten: float = 0.35, crisp: float = 0.7) -> Array:
    """What image processing makes of attenuation: large differences tamed, edges lifted, 0 (air) to about 1."""
    small = resize(depth, (max(depth.shape[0] // 8, 8), max(depth.shape[1] // 8, 8)))
    broad = resize(blur(small, max(small.shape) / 22), (depth.shape[0], depth.shape[1]))
    fine = depth - blur(depth, 3.0)
    found: Array = depth - flatten * (broad - broad.mean()) + crisp * fine
    return resize(found, shape)


def marker(text: str, height: int) -> Array:
    """A lead letter as laid on the cassette, 0..1."""
    picture = Picture.new("L", (height * max(1, len(text)), int(height * 1.3)), 0)
    font = ImageFont.load_default(size=height)
    ImageDraw.Draw(picture).text((height * 0.15, 0), text, fill=255, font=font)
    return np.asarray(picture, np.float32) / 255
