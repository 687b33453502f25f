"""Smooth shapes and textures in millimetres: signed distances, their edge coverage, and seeded random fields."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float32]
Point: TypeAlias = tuple[float, float, float]


def axis(count: int, spacing: float, centre: float = 0.0) -> Array:
    """Positions of `count` sample centres around `centre`."""
    return ((np.arange(count) - (count - 1) / 2) * spacing + centre).astype(np.float32)


def coverage(distance: Array, softness: float = 1.0) -> Array:
    """The part of a sample that lies inside a shape, from the signed distance of its centre (partial volume)."""
    return np.clip(np.float32(0.5) - distance / np.float32(softness), 0, 1)


def smoothstep(value: Array, low: float, high: float) -> Array:
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return t * t * (3 - 2 * t)


def union(a: Array, b: Array, blend: float) -> Array:
    """Union of two distances, rounded over `blend` millimetres."""
    h = np.maximum(np.float32(blend) - np.abs(a - b), 0) / np.float32(blend)
    return np.minimum(a, b) - h * h * np.float32(blend * 0.25)


def meet(a: Array, b: Array, blend: float) -> Array:
    """Intersection of two distances, rounded over `blend` millimetres."""
    return -union(-a, -b, blend)


def ellipsoid(x: Array, y: Array, z: Array, centre: Point, radii: Point) -> Array:
    """Approximate signed distance to an ellipsoid, exact to first order at its surface."""
    px, py, pz = (x - centre[0]) / radii[0], (y - centre[1]) / radii[1], (z - centre[2]) / radii[2]
    qx, qy, qz = px * px, py * py, pz * pz
    length = np.sqrt(qx + qy + qz) + np.float32(1e-6)
    slope = np.sqrt(qx / radii[0] ** 2 + qy / radii[1] ** 2 + qz / radii[2] ** 2) + np.float32(1e-6)
    found: Array = length * (length - 1) / slope
    return found


def rod(x: Array, y: Array, z: Array, start: Point, end: Point, radius: float, end_radius: float | None = None) -> Array:
    """Signed distance to a straight tube with round ends whose radius changes along its length."""
    ax, ay, az = (e - s for s, e in zip(start, end, strict=True))
    px, py, pz = x - start[0], y - start[1], z - start[2]
    t = np.clip((px * ax + py * ay + pz * az) / max(ax * ax + ay * ay + az * az, 1e-9), 0, 1)
    dx, dy, dz = px - t * ax, py - t * ay, pz - t * az
    found: Array = np.sqrt(dx * dx + dy * dy + dz * dz)
    grow = 0.0 if end_radius is None else end_radius - radius
    return found - (radius + t * grow) if grow else found - radius


def tube(x: Array, y: Array, z: Array, path: Sequence[Point], radii: Sequence[float], blend: float = 2.0) -> Array:
    """Signed distance to a bent tube through `path`."""
    found: Array | None = None
    for start, end, r0, r1 in zip(path[:-1], path[1:], radii[:-1], radii[1:], strict=True):
        part = rod(x, y, z, start, end, r0, r1)
        found = part if found is None else union(found, part, blend)
    assert found is not None
    return found


class Waves:
    """A random smooth field of variance one: a sum of plane waves whose lengths lie in a band."""

    def __init__(
        self, rng: np.random.Generator, count: int, shortest: float, longest: float, *, squash: Point = (1, 1, 1)
    ) -> None:
        direction = rng.normal(size=(count, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        length = np.exp(rng.uniform(np.log(shortest), np.log(longest), size=(count, 1)))
        self.k = (direction * (2 * np.pi / length) * np.array(squash)).astype(np.float32)
        self.phase = rng.uniform(0, 2 * np.pi, size=count).astype(np.float32)
        self.amplitude = np.float32(np.sqrt(2 / count))

    def at(self, x: Array, y: Array, z: Array) -> Array:
        """The field at any points."""
        total = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y), np.shape(z)), np.float32)
        for (kx, ky, kz), phase in zip(self.k, self.phase, strict=True):
            total += np.cos(kx * x + (ky * y + (kz * z + phase)))
        return total * self.amplitude

    def grid(self, x: Array, y: Array, z: Array) -> Array:
        """The field on an open grid: one of x, y, z runs along rows, one along columns, one is a single value."""
        down = np.zeros((1, len(self.phase)), np.float32)
        across = np.zeros((len(self.phase), 1), np.float32) + self.phase[:, None]
        for k, p in zip(self.k.T, (x, y, z), strict=True):
            values = np.asarray(p, np.float32)
            if values.ndim == 2 and values.shape[1] == 1 and values.shape[0] > 1:
                down = down + values * k[None, :]
            else:
                across = across + k[:, None] * values.reshape(1, -1)
        left = np.concatenate([np.cos(down), np.sin(down)], axis=1)
        right = np.concatenate([np.cos(across), -np.sin(across)], axis=0)
        found: Array = (left @ right) * self.amplitude
        return found


def filtered_noise(
    rng: np.random.Generator, shape: tuple[int, int], low: float, high: float, slope: float = 0.0
) -> Array:
    """Periodic noise of variance one whose spectrum falls as frequency**-slope between two cut-offs (cycles a pixel)."""
    fy = np.fft.fftfreq(shape[0])[:, None]
    fx = np.fft.rfftfreq(shape[1])[None, :]
    f = np.sqrt(fx * fx + fy * fy)
    gain = np.exp(-((f / high) ** 2)) * (1 - np.exp(-((f / max(low, 1e-6)) ** 2)))
    gain *= np.where(f > 0, np.maximum(f, 1e-6) ** -slope, 0)
    spectrum = np.fft.rfft2(rng.standard_normal(shape, np.float32)) * gain
    noise = np.fft.irfft2(spectrum, s=shape)
    return (noise / noise.std()).astype(np.float32)


def resize(image: Array, shape: tuple[int, int]) -> Array:
    """Bilinear resampling to another number of samples over the same extent."""
    for dim in (0, 1):
        n, m = image.shape[dim], shape[dim]
        if n == m:
            continue
        at = np.clip((np.arange(m, dtype=np.float32) + 0.5) * (n / m) - 0.5, 0, n - 1)
        low = np.minimum(at.astype(np.intp), n - 2)
        weight = (at - low).astype(np.float32)
        weight = weight[:, None] if dim == 0 else weight[None, :]
        image = np.take(image, low, dim) * (1 - weight) + np.take(image, low + 1, dim) * weight
    return image


def blur(image: Array, sigma: float) -> Array:
    """Gaussian smoothing, separable, edges repeated."""
    reach = max(1, round(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    for dim in (0, 1):
        pad = [(reach, reach) if d == dim else (0, 0) for d in (0, 1)]
        wide = np.pad(image, pad, mode="edge")
        total = np.zeros_like(image, np.float32)
        for i, weight in enumerate(kernel):
            window = wide[i : i + image.shape[0]] if dim == 0 else wide[:, i : i + image.shape[1]]
            total += weight * window
        image = total
    return image
