"""How an ultrasound machine sees a scene: speckle on beams, shadows, log compression, scan conversion, screen."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from heliograph.demo._fields import Array, filtered_noise

WIDE, TALL = 800, 600

# A scene gives, for points (u to the right, v deep, millimetres), the echo in dB, how much sound is lost behind each
# point, and where each point's tissue was at rest.
Scene = Callable[[Array, Array], tuple[Array, Array, Array, Array]]


@dataclass(slots=True)
class Probe:
    """Beams of a transducer: a sector from a point, a convex fan, or parallel lines; and where they lie on the screen."""

    kind: str
    depth: float
    angle: float = 75.0
    radius: float = 0.0
    width: float = 40.0
    beams: int = 224
    samples: int = 520
    centre: int = 400
    top: int = 56
    pixel: float = field(init=False)
    u: Array = field(init=False)
    v: Array = field(init=False)
    _beam: Array = field(init=False)
    _sample: Array = field(init=False)
    _inside: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.pixel = self.depth / 480.0
        beam, deep = np.linspace(-0.5, 0.5, self.beams)[:, None], np.linspace(0, self.depth, self.samples)[None, :]
        rows, columns = np.arange(TALL)[:, None], np.arange(WIDE)[None, :]
        x, y = (columns - self.centre) * self.pixel, (rows - self.top) * self.pixel
        if self.kind == "linear":
            self.u, self.v = (beam * self.width + 0 * deep).astype(np.float32), (deep + 0 * beam).astype(np.float32)
            across, along = x / self.width + 0 * y, y + 0 * x
        else:
            theta = np.deg2rad(self.angle) * beam
            self.u = ((self.radius + deep) * np.sin(theta)).astype(np.float32)
            self.v = ((self.radius + deep) * np.cos(theta) - self.radius).astype(np.float32)
            along = np.hypot(x, y + self.radius) - self.radius
            across = np.arctan2(x, y + self.radius) / np.deg2rad(self.angle)
        self._beam = ((across + 0.5) * (self.beams - 1)).astype(np.float32)
        self._sample = (along / self.depth * (self.samples - 1)).astype(np.float32)
        self._inside = (np.abs(across) <= 0.5) & (along >= 0) & (along <= self.depth)

    def convert(self, beams: Array) -> Array:
        """Scan conversion: from beams and samples to the screen."""
        b = np.clip(self._beam[self._inside], 0, self.beams - 1.001)
        s = np.clip(self._sample[self._inside], 0, self.samples - 1.001)
        b0, s0 = b.astype(np.intp), s.astype(np.intp)
        fb, fs = b - b0, s - s0
        flat = beams.ravel()
        at = b0 * self.samples + s0
        near = flat[at] * (1 - fs) + flat[at + 1] * fs
        far = flat[at + self.samples] * (1 - fs) + flat[at + self.samples + 1] * fs
        screen = np.zeros((TALL, WIDE), np.float32)
        screen[self._inside] = near * (1 - fb) + far * fb
        return screen


class Speckle:
    """A fixed field of unresolved scatterers, so that speckle moves with the tissue."""

    def __init__(self, rng: np.random.Generator, probe: Probe) -> None:
        self.probe = probe
        self.size = 1024
        self.step = probe.depth / probe.samples * 0.8
        real = filtered_noise(rng, (self.size, self.size), 0, 0.28)
        imaginary = filtered_noise(rng, (self.size, self.size), 0, 0.28)
        self.envelope = np.sqrt((real**2 + imaginary**2) * np.float32(0.5))

    def decibel(self, u: Array, v: Array) -> Array:
        """Echo variation at material points; beams are wider than pulses are long."""
        columns = np.rint(u / (self.step * 2.6)).astype(np.intp) % self.size
        rows = np.rint(v / self.step).astype(np.intp) % self.size
        found: Array = 20 * np.log10(self.envelope[rows, columns] + 0.02)
        return found


def bmode(probe: Probe, speckle: Speckle, scene: Scene, *, gain: float = 0.0, dynamic: float = 62.0) -> Array:
    """Grey levels on the screen, 0..255."""
    echo, loss, mu, mv = scene(probe.u, probe.v)
    behind = np.cumsum(loss, axis=1) * (probe.depth / probe.samples)
    level = echo + speckle.decibel(mu, mv) * 0.85 - behind + gain
    near = np.clip(probe.v / 6, 0, 1)
    beams = np.clip((level + dynamic) / dynamic, 0, 1) * (0.6 + 0.4 * near)
    beams = (beams + np.roll(beams, 1, 0) * 0.6 + np.roll(beams, -1, 0) * 0.6) / 2.2
    return probe.convert(beams.astype(np.float32)) * 255


class Screen:
    """The picture round the image: scale, grey bar, settings, trace."""

    def __init__(self, probe: Probe, title: str, lines: list[str]) -> None:
        self.probe = probe
        picture = Picture.new("RGB", (WIDE, TALL))
        draw = ImageDraw.Draw(picture)
        font, small = ImageFont.load_default(size=15), ImageFont.load_default(size=12)
        draw.text((14, 10), title, fill=(205, 215, 225), font=font)
        for i, line in enumerate(lines):
            draw.text((14, 40 + 16 * i), line, fill=(150, 165, 180), font=small)
        draw.text((probe.centre + 26, 32), "S", fill=(90, 200, 255), font=font)
        right = WIDE - 26
        for cm in range(int(probe.depth // 10) + 1):
            row = probe.top + cm * 10 / probe.pixel
            wide = 8 if cm % 5 == 0 else 4
            draw.line((right - wide, row, right, row), fill=(150, 165, 180))
            if cm and cm % 5 == 0:
                draw.text((right - 30, row - 8), str(cm), fill=(150, 165, 180), font=small)
        for i in range(200):
            shade = 255 - round(i * 255 / 199)
            draw.line((WIDE - 60, 60 + i, WIDE - 48, 60 + i), fill=(shade, shade, shade))
        self.base = np.array(picture)

    def show(self, grey: Array, tint: tuple[float, float, float] = (1.0, 1.0, 0.97)) -> NDArray[np.uint8]:
        found = self.base.copy()
        inside = grey > 0
        colour = np.clip(grey[inside][:, None] * np.array(tint, np.float32), 0, 255)
        found[inside] = np.maximum(found[inside], colour.astype(np.uint8))
        return found


def heart_trace(picture: NDArray[np.uint8], phase: float) -> None:
    """An electrocardiogram along the bottom with a mark at this moment."""
    columns = np.arange(120, 700)
    t = ((columns - 120) / 290.0) % 1.0
    wave = 3 * np.exp(-(((t - 0.16) / 0.03) ** 2)) - 4 * np.exp(-(((t - 0.235) / 0.009) ** 2))
    wave = wave + 26 * np.exp(-(((t - 0.26) / 0.011) ** 2)) - 7 * np.exp(-(((t - 0.29) / 0.011) ** 2))
    wave = wave + 6 * np.exp(-(((t - 0.52) / 0.05) ** 2))
    rows = np.rint(578 - wave).astype(int)
    for offset in (0, 1):
        picture[np.clip(rows + offset, 0, TALL - 1), columns] = (60, 220, 120)
    for a, b, c in zip(rows[:-1], rows[1:], columns[:-1], strict=True):
        picture[min(a, b) : max(a, b) + 1, c] = (60, 220, 120)
    mark = 120 + round((phase % 1.0) * 290)
    picture[545:590, mark : mark + 2] = (255, 210, 60)
