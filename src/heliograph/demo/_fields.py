"""Smooth shapes and textures in millimetres: signed distances, their edge coverage, and seeded random fields."""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]  # float32 throughout; numpy's stubs lose track of it
Point: TypeAlias = tuple[float, float, float]
Place: TypeAlias = tuple[Array, Array, Array]


def axis(count: int, spacing: float, centre: float = 0.0) -> Array:
    """Positions of `count` sample centres around `centre`."""
    return ((np.arange(count) - (count - 1) / 2) * spacing + centre).astype(np.float32)


def level(value: float) -> Array:
    """One coordinate for a whole plane."""
    return np.asarray(value, np.float32)


def coverage(distance: Array, softness: float = 1.0) -> Array:
    """The part of a sample that lies inside a shape, from the signed distance of its centre (partial volume)."""
    share: Array = np.clip(np.float32(0.5) - distance / np.float32(softness), 0, 1)
    return share


def smoothstep(value: Array, low: float, high: float) -> Array:
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    found: Array = t * t * (3 - 2 * t)
    return found


def union(a: Array, b: Array, blend: float) -> Array:
    """Union of two distances, rounded over `blend` millimetres."""
    h = np.maximum(np.float32(blend) - np.abs(a - b), 0) / np.float32(blend)
    found: Array = np.minimum(a, b) - h * h * np.float32(blend * 0.25)
    return found


def meet(a: Array, b: Array, blend: float) -> Array:
    """Intersection of two distances, rounded over `blend` millimetres."""
    return -union(-a, -b, blend)


FAR = np.float32(40)
_REACH = 26.0


def nearest(*distances: Array) -> Array:
    """Union of distances of any broadcastable shapes, without rounding."""
    return reduce(np.minimum, distances)


def _window(arrays: Place, low: Point, high: Point) -> slice | None:
    """The rows of a plane that come near a box; None where none does. What lies outside is at least `FAR` away."""
    rows = max(a.shape[0] if a.ndim == 2 else 1 for a in arrays)
    near = np.ones(rows, bool)
    for values, lower, upper in zip(arrays[1:], low[1:], high[1:], strict=True):
        first = values[:, 0] if values.ndim == 2 else values.reshape(1)
        if values.ndim == 2 and abs(values[0, -1] - values[0, 0]) > _REACH:
            continue  # it runs along the columns
        near = near & (first > lower - _REACH) & (first < upper + _REACH)
    if near.all():
        return slice(0, rows)
    found = np.flatnonzero(near)
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else None


def _windowed(shape: Callable[[Array, Array, Array], Array], at: Place, low: Point, high: Point) -> Array:
    """Evaluate a shape only on the rows near its box."""
    x, y, z = (np.asarray(v, np.float32) for v in at)
    window = _window((x, y, z), low, high)
    if window is None:
        return np.asarray(FAR)
    whole = np.broadcast_shapes(x.shape, y.shape, z.shape)
    if window == slice(0, whole[0]) or len(whole) < 2:
        return shape(x, y, z)
    found = np.full(whole, FAR)
    found[window] = shape(*(v[window] if v.ndim == 2 and v.shape[0] > 1 else v for v in (x, y, z)))
    return found


def ellipsoid(at: Place, centre: Point, radii: Point) -> Array:
    """Approximate signed distance to an ellipsoid, exact to first order at its surface."""

    def shape(x: Array, y: Array, z: Array) -> Array:
        px, py, pz = (x - centre[0]) / radii[0], (y - centre[1]) / radii[1], (z - centre[2]) / radii[2]
        qx, qy, qz = px * px, py * py, pz * pz
        length = np.sqrt(qx + qy + qz) + np.float32(1e-6)
        slope = np.sqrt(qx / radii[0] ** 2 + qy / radii[1] ** 2 + qz / radii[2] ** 2) + np.float32(1e-6)
        found: Array = length * (length - 1) / slope
        return found

    low = (0.0, centre[1] - radii[1], centre[2] - radii[2])
    return _windowed(shape, at, low, (0.0, centre[1] + radii[1], centre[2] + radii[2]))


def rod(at: Place, start: Point, end: Point, radius: float, end_radius: float | None = None) -> Array:
    """Signed distance to a straight tube with round ends whose radius changes along its length."""
    ax, ay, az = (e - s for s, e in zip(start, end, strict=True))
    norm = 1 / max(ax * ax + ay * ay + az * az, 1e-9)

    def shape(x: Array, y: Array, z: Array) -> Array:
        px, py, pz = x - start[0], y - start[1], z - start[2]
        t = np.clip(px * (ax * norm) + py * (ay * norm) + pz * (az * norm), 0, 1)
        dx, dy, dz = px - t * ax, py - t * ay, pz - t * az
        found: Array = np.sqrt(dx * dx + dy * dy + dz * dz)
        grow = 0.0 if end_radius is None else end_radius - radius
        return found - (radius + t * grow) if grow else found - radius

    wide = max(radius, end_radius or 0)
    low = (0.0, min(start[1], end[1]) - wide, min(start[2], end[2]) - wide)
    return _windowed(shape, at, low, (0.0, max(start[1], end[1]) + wide, max(start[2], end[2]) + wide))


def tube(at: Place, path: Sequence[Point], radii: Sequence[float], blend: float = 2.0) -> Array:
    """Signed distance to a bent tube through `path`."""
    found: Array | None = None
    for start, end, r0, r1 in zip(path[:-1], path[1:], radii[:-1], radii[1:], strict=True):
        part = rod(at, start, end, r0, r1)
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
    spectrum = np.fft.rfft2(rng.standard_normal(shape, np.float32)) * gain.astype(np.float32)
    noise = np.fft.irfft2(spectrum, s=shape)
    found: Array = (noise / noise.std()).astype(np.float32)
    return found


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


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep numpy's matrix products on the calling thread: the makers run in parallel themselves."""
    calls = _openblas()
    if calls is None:
        yield
        return
    read, write = calls
    before = read()
    write(1)
    try:
        yield
    finally:
        write(before)


def _openblas() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """The thread switches of the OpenBLAS that comes in numpy's wheel, where there is one."""
    folder = Path(np.__file__).parent.parent / "numpy.libs"
    for path in sorted(folder.glob("libscipy_openblas*")):
        try:
            library = ctypes.CDLL(str(path))
            return library.scipy_openblas_get_num_threads64_, library.scipy_openblas_set_num_threads64_
        except (OSError, AttributeError):
            continue
    return None
