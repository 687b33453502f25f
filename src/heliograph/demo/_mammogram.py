"""Mammograms, four views for presentation: fat, glandular tissue in fractal clouds, ligaments, ducts, a mass, calcium."""

import numpy as np
from numpy.typing import NDArray

from heliograph.demo._fields import Array, coverage, filtered_noise, resize, smoothstep
from heliograph.demo._film import Film, marker
from heliograph.demo._part10 import JPEG_LOSSLESS, Instance
from heliograph.demo._projection import MG_IMAGE, Exposure, dx_image
from heliograph.demo._study import Series, Study, code, decimal, items

ROWS, COLUMNS, PIXEL = 3328, 2560, 0.07
_VIEWS = (("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO"))
_VIEW_CODES = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}


class Breast:
    """One compressed breast on a plate of half the pixels; the chest wall is at u = 0, the nipple to the right."""

    def __init__(self, study: Study, side: str, view: str, rows: int, columns: int) -> None:
        self.rng = study.rng("breast", side, view)
        own = study.rng("breasts", patient=True)
        self.view = view
        self.pixel = PIXEL * ROWS / rows
        self.film = Film(0.0, 0.0, self.pixel, (rows, columns))
        self.u, self.v = self.film.grid()
        self.size = float(own.uniform(0.95, 1.05))
        self.density = float(study.exam.option("density", "0.45"))
        self.mass = side == "L" and study.exam.option("mass", "yes") == "yes"
        tall = rows * self.pixel
        self.nipple = (92.0 * self.size, tall * (0.50 if view == "CC" else 0.56))

    def edge(self) -> Array:
        """Distance inside the skin, millimetres."""
        u, v = self.u, self.v
        reach, middle = self.nipple
        up, down = (86.0, 86.0) if self.view == "CC" else (165.0, 96.0)
        half = np.where(v < middle, up, down).astype(np.float32) * self.size
        across = np.abs(v - middle) / half
        bulge = 2.1 if self.view == "CC" else 1.75
        r = ((np.maximum(u, 0) / reach) ** bulge + across**2.2) ** np.float32(1 / 2.1) + np.float32(1e-5)
        body = (1 - r) * reach * 0.92
        cap = np.sqrt(((u - reach + 3.0) / 6.5) ** 2 + ((v - middle) / 5.0) ** 2)
        found: Array = np.maximum(body, (1 - cap) * 6)
        return found

    def muscle(self) -> Array:
        """Distance inside the pectoral muscle, which only the oblique view shows."""
        if self.view == "CC":
            return np.full((1, 1), -50, np.float32)
        line = 58 - self.u * 1.0 - 0.42 * self.v + 0.0008 * (self.v - 40) ** 2
        return line.astype(np.float32)

    def image(self) -> Array:
        """Attenuation beyond fat, with the skin line and everything inside, about 0..1; negative is air."""
        edge, shape = self.edge(), self.film.shape
        reach, middle = self.nipple
        inside = np.clip(edge, 0, None)
        thick = 1 - np.exp(-inside / 7.0)
        clouds = filtered_noise(self.rng, shape, 0.0006, 0.5, 1.55)
        broad = filtered_noise(self.rng, (256, 192), 0.004, 0.05, 1.0)
        broad = resize(broad, shape)
        cone = np.sqrt(((self.u - reach * 0.50) / (reach * 0.44)) ** 2 + ((self.v - middle) / (58 * self.size)) ** 2)
        home = 1 - smoothstep(cone + 0.20 * broad, 0.35, 1.25)
        gland = smoothstep(clouds * 0.75 + 1.5 * home + 0.35 * broad, 0.55 - self.density, 2.4 - self.density) * home
        gland = gland * (1 + 0.30 * clouds * home)
        image = 0.24 * thick + 0.05 * (1 - self.u / reach) * thick + 0.36 * gland * thick
        image = image + self._threads(thick, home)
        muscle = self.muscle()
        stripes = 0.02 * clouds
        image = image + coverage(-muscle, 5.0) * (0.36 + stripes - 0.35 * image) * coverage(-edge, 1)
        image = image + 0.11 * np.exp(-(((edge - 0.9) / 0.9) ** 2))
        image = image + self._ducts() * thick
        if self.mass:
            image = image + self._lesion(clouds)
        image = image + self._grains()
        return np.where(edge > 0, image, -0.2 + 0.2 * np.exp(np.minimum(edge, 0) / 0.4)).astype(np.float32)

    def _threads(self, thick: Array, home: Array) -> Array:
        """Cooper's ligaments and vessels: thin bent lines."""
        shape = self.film.shape
        total = np.zeros(shape, np.float32)
        for low, high, height in ((0.004, 0.014, 0.15), (0.008, 0.03, 0.11), (0.02, 0.07, 0.06)):
            field = resize(filtered_noise(self.rng, (shape[0] // 2, shape[1] // 2), low * 2, high * 2), shape)
            line = np.exp(-np.abs(field) * 11)
            gate = resize(filtered_noise(self.rng, (128, 96), 0.01, 0.1), shape)
            total += np.float32(height) * line * smoothstep(gate, -0.3, 0.9)
        return total * thick * (0.30 + 0.70 * home)

    def _ducts(self) -> Array:
        """Ducts fanning out behind the nipple and a few vessels."""
        film = Film(0.0, 0.0, self.pixel * 2, (self.film.shape[0] // 2, self.film.shape[1] // 2))
        reach, middle = self.nipple
        for start, heading, r, steps in [
            *(((reach - 2, middle), np.pi + a, 0.55, 30) for a in np.linspace(-0.75, 0.75, 11)),
            *(((2.0, middle + d), self.rng.uniform(-0.3, 0.3), 0.75, 44) for d in (-52, -20, 38)),
        ]:
            place, angle = np.array(start, np.float32), float(heading)
            for _ in range(steps):
                angle += float(self.rng.normal(0, 0.10))
                further = place + 1.8 * np.array([np.cos(angle), np.sin(angle)], np.float32)
                film.distance(film.depth, place, further, (r, r), 0.5)
                place = further
        return resize(film.depth, self.film.shape) * np.float32(0.12)

    def _lesion(self, clouds: Array) -> Array:
        """A spiculated mass, upper outer quadrant."""
        reach, middle = self.nipple
        cu, cv = reach * 0.46, middle - (24 if self.view == "CC" else 34)
        du, dv = self.u - cu, self.v - cv
        far, angle = np.sqrt(du * du + dv * dv), np.arctan2(dv, du)
        phases = self.rng.uniform(0, 2 * np.pi, 6)
        waves = [np.cos((7 + 3 * i) * angle + np.float32(p)) for i, p in enumerate(phases)]
        spikes = np.sum(waves, axis=0) / np.float32(3.4)
        core = coverage(far - 5.4 - 0.9 * spikes + 0.5 * clouds, 2.6) * 0.30
        rays = np.exp(-((far / 13) ** 2)) * smoothstep(spikes, 0.55, 1.2) * 0.16
        found: Array = core + rays * (far > 4)
        return found

    def _grains(self) -> Array:
        """A cluster of fine calcium and a few round ones."""
        image = np.zeros(self.film.shape, np.float32)
        reach, middle = self.nipple
        cluster = self.rng.normal((reach * 0.52, middle - 26 if self.view == "CC" else middle - 36), 2.6, (17, 2))
        lone = self.rng.normal((reach * 0.55, middle + 12), 22, (5, 2))
        for i, (cu, cv) in enumerate([*(cluster if self.mass else cluster[:0]), *lone]):
            r = float(self.rng.uniform(0.10, 0.26)) if i < 17 and self.mass else float(self.rng.uniform(0.3, 0.7))
            window = self.film.window((cu - 2, cv - 2), (cu + 2, cv + 2))
            if window is None:
                continue
            u, v = self.film.grid(window)
            far = np.sqrt((u - cu) ** 2 + ((v - cv) * self.rng.uniform(0.8, 1.2)) ** 2)
            image[window] += np.float32(0.42) * coverage(far - r, 0.16)
        return image


def mammogram(study: Study) -> list[Series]:
    divide = int(study.exam.option("divide", "1"))
    rows, columns = study.pixels(ROWS // divide), study.pixels(COLUMNS // divide)
    return [_view(study, i + 1, side, view, (rows, columns)) for i, (side, view) in enumerate(_VIEWS)]


def _view(study: Study, number: int, side: str, view: str, shape: tuple[int, int]) -> Series:
    name = f"{side} {view}"
    pixel = PIXEL * ROWS / shape[0]
    ds = study.series(number, "MG", name, model="Phantom MG 2430", after_s=50.0 * number)
    dx_image(ds, shape, pixel, 12, Exposure(29, 84.0, 1100, 660))
    ds.DetectorType = "DIRECT"
    ds.ImageLaterality, ds.OrganExposed = side, "BREAST"
    ds.AnatomicRegionSequence = items(code("76752008", "SCT", "Breast"))
    value, meaning = _VIEW_CODES[view]
    projection = code(value, "SCT", meaning)
    projection.ViewModifierCodeSequence = items()
    ds.ViewCodeSequence = items(projection)
    ds.ViewPosition = view
    ds.PositionerType = "MAMMOGRAPHIC"
    ds.PositionerPrimaryAngle = "0" if view == "CC" else ("-45" if side == "R" else "45")
    ds.PatientOrientation = [
        ("P" if side == "R" else "A"),
        ("L" if side == "R" else "R") if view == "CC" else "FR" if side == "L" else "FL",
    ]
    ds.BreastImplantPresent, ds.PartialView = "NO", "NO"
    ds.CompressionForce, ds.BodyPartThickness = "92", "54"
    ds.DistanceSourceToPatient, ds.EstimatedRadiographicMagnificationFactor = "640", "1.03125"
    ds.AnodeTargetMaterial, ds.FilterMaterial, ds.FocalSpots = "TUNGSTEN", "RHODIUM", "0.3"
    ds.OrganDose = decimal(0.0142)
    ds.WindowCenter, ds.WindowWidth = ["1650", "1850"], ["2500", "1800"]
    ds.WindowCenterWidthExplanation = ["NORMAL", "HARDER"]

    def instance(_: int) -> Instance:
        made = study.instance(MG_IMAGE, number, 1, after_s=50.0 * number)
        return Instance(made, [picture(study, side, view, shape)])

    return Series(number, 1, ds, instance, JPEG_LOSSLESS)


def picture(study: Study, side: str, view: str, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """Stored values; the left breast has its chest wall on the left of the image, the right one on the right."""
    half = Breast(study, side, view, shape[0] // 2, shape[1] // 2).image()
    image = resize(half, shape)
    noise = filtered_noise(study.rng("quanta", side, view), (1024, 1024), 0, 0.6)
    tiled = np.tile(noise, (shape[0] // 1024 + 1, shape[1] // 1024 + 1))[: shape[0], : shape[1]]
    stored: NDArray[np.uint16] = np.rint(np.clip(image * 2900 + 520 + tiled * 14, 0, 4095)).astype(np.uint16)
    stored[image < -0.03] = 0
    label = marker(f"{side} {view}"[::1], max(shape[0] // 40, 8))
    top, left = shape[0] // 30, round(shape[1] * 0.74)
    part = stored[top : top + label.shape[0], left : left + label.shape[1]]
    label = (label[: part.shape[0], : part.shape[1]] * 3600).astype(np.uint16)
    if side == "R":
        stored = np.ascontiguousarray(stored[:, ::-1])
        left = round(shape[1] * 0.06)
        part = stored[top : top + label.shape[0], left : left + label.shape[1]]
    else:
        part = stored[top : top + label.shape[0], left : left + label.shape[1]]
    np.maximum(part, label, out=part)
    return stored
