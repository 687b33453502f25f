"""Plain films: chest from the front and the side, hand."""

import threading
from functools import lru_cache
from itertools import pairwise

import numpy as np

from heliograph.demo._fields import Array, Waves, blur
from heliograph.demo._film import Film, marker, plate
from heliograph.demo._part10 import EXPLICIT, JPEG_2000, JPEG_LOSSLESS, JPEG_LS, RLE, Instance
from heliograph.demo._projection import CR_IMAGE, DX_IMAGE, Exposure, cr_image, dx_image, dx_region, request
from heliograph.demo._study import Series, Study, code
from heliograph.demo._xray_chest import Body, bodies, chest_film

_SYNTAX = {"": EXPLICIT, "jls": JPEG_LS, "j2k": JPEG_2000, "jll": JPEG_LOSSLESS, "rle": RLE}
_BODY_LOCK = threading.Lock()


@lru_cache(maxsize=3)
def _body(seed: int, girth: float, heart: float, effusion: float) -> Body:
    return bodies(np.random.default_rng(seed), girth=girth, heart=heart, effusion=effusion)


def body_of(study: Study) -> Body:
    option = study.exam.option
    with _BODY_LOCK:
        return _body(
            int(option("body", "1")) * 7919 + study.seed,
            float(option("girth", "1.0")),
            float(option("heart", "1.0")),
            float(option("effusion", "0")),
        )


def _lead(image: Array, text: str, value: float, *, at: tuple[float, float] = (0.05, 0.05)) -> None:
    """Lay a side letter on the film, burnt in as on every real one."""
    letter = marker(text, max(8, image.shape[0] // 34))
    r, c = round(at[0] * image.shape[0]), round(at[1] * image.shape[1])
    part = image[r : r + letter.shape[0], c : c + letter.shape[1]]
    letter = letter[: part.shape[0], : part.shape[1]]
    part += letter * (np.float32(value) - part)


def chest(study: Study) -> list[Series]:
    """CR (MONOCHROME1) or DX (MONOCHROME2, sigmoid VOI) chest; one or two views."""
    option = study.exam.option
    digital = option("modality") == "DX"
    rows, columns = (int(v) for v in option("matrix", "2000x2400").split("x"))
    shape = (study.pixels(rows), study.pixels(columns))
    pixel = 352.0 / shape[1]
    views = [False, True] if option("lateral", "yes") == "yes" else [False]
    syntax = _SYNTAX[option("syntax")]

    def film(lateral: bool) -> Array:
        image = chest_film(body_of(study), lateral, pixel, shape, study.rng("film", lateral))
        image = tone(image)
        _lead(image, "L", 1.0, at=(0.05, 0.93))
        return image

    found = []
    for i, lateral in enumerate(views):
        name = "LAT" if lateral else "PA"
        model = "Phantom DX 3543" if digital else "Phantom CR 30"
        ds = study.series(i + 1, "DX" if digital else "CR", f"Chest {name}", model=model, after_s=60 * i)
        exposure = Exposure(125, 3.2 if lateral else 1.6, 9 if lateral else 5)
        ds.PatientOrientation = ["P", "F"] if lateral else ["L", "F"]
        ds.AcquisitionNumber = 1
        request(study, ds, "CXR2", study.exam.description)
        if digital:
            dx_image(ds, shape, pixel, 14 if syntax == EXPLICIT else 12, exposure)
            view = code("399173006", "SCT", "left lateral") if lateral else code("399348003", "SCT", "postero-anterior")
            dx_region(ds, code("43799004", "SCT", "Chest"), "U", view, "LL" if lateral else "PA")
        else:
            cr_image(ds, shape, pixel, "LL" if lateral else "PA", exposure)
        found.append(Series(i + 1, 1, ds, _Shot(study, i + 1, lateral, digital, film, syntax), syntax))
    return found


def tone(image: Array) -> Array:
    """The plate's tone curve: the body spread over 0..1, its ends bent like film."""
    small = image[::8, ::8]
    low, high = (float(v) for v in np.percentile(small[small > 0.12], (1.5, 99.3)))
    t = (image - np.float32(low)) / np.float32(high - low)
    found: Array = 0.5 + 0.45 * np.tanh(1.5 * (t - 0.5)) / np.tanh(np.float32(0.75))
    return found


class _Shot:
    """The one image of a chest series."""

    def __init__(self, study: Study, number: int, lateral: bool, digital: bool, film: object, syntax: str) -> None:
        self.study, self.number, self.lateral, self.digital, self.syntax = study, number, lateral, digital, syntax
        assert callable(film)
        self.film = film

    def __call__(self, _: int) -> Instance:
        made = self.study.instance(
            DX_IMAGE if self.digital else CR_IMAGE, self.number, 1, after_s=60 * (self.number - 1)
        )
        image: Array = self.film(self.lateral)
        if self.digital:
            top = 16383 if self.syntax == EXPLICIT else 4095
            made.WindowCenter, made.WindowWidth = str(round(top * 0.5)), str(round(top * 0.85))
            made.WindowCenterWidthExplanation = "STANDARD"
            made.VOILUTFunction = "SIGMOID"
            stored = np.rint(image * top)
        else:
            made.WindowCenter, made.WindowWidth = "2048", "3900"
            top = 4095
            stored = np.rint(4095 - image * 4095)
        stored = np.clip(stored, 0, top)
        return Instance(made, [stored.astype(np.uint16)])


# ---- hand ----
_RAYS = (  # base of the metacarpal, head, then the ends of the phalanges; millimetres, a right hand on the plate
    ((-20.0, 14.0), (-44.0, -14.0), (-60.0, -38.0), (-72.0, -62.0)),
    ((-11.0, 4.0), (-20.0, -58.0), (-25.0, -100.0), (-27.0, -124.0), (-28.0, -143.0)),
    ((1.0, 2.0), (0.0, -62.0), (0.0, -108.0), (0.0, -137.0), (0.0, -157.0)),
    ((11.0, 4.0), (18.0, -55.0), (22.0, -97.0), (24.0, -124.0), (25.0, -143.0)),
    ((19.0, 8.0), (33.0, -46.0), (41.0, -79.0), (45.0, -98.0), (48.0, -115.0)),
)
_CARPALS = (
    (-17.0, 25.0, 6.5, 9.0),
    (-8.0, 16.0, 6.0, 6.5),
    (2.5, 17.0, 7.0, 10.5),
    (13.5, 18.0, 7.0, 8.0),
    (-13.0, 38.0, 8.5, 7.0),
    (1.0, 36.0, 7.5, 7.0),
    (13.0, 34.0, 6.5, 7.0),
    (17.0, 31.0, 4.5, 5.0),
)


def hand(study: Study) -> list[Series]:
    """One dorsopalmar film of a hand."""
    shape = (study.pixels(1600), study.pixels(1200))
    pixel = 180.0 / shape[1]
    right = study.exam.option("side", "R") == "R"
    syntax = _SYNTAX[study.exam.option("syntax")]
    ds = study.series(1, "DX", "Hand PA", model="Phantom DX 2430")
    dx_image(ds, shape, pixel, 12, Exposure(52, 2.0, 20, 1100))
    view = code("399348003", "SCT", "postero-anterior")
    dx_region(ds, code("85562004", "SCT", "Hand"), "R" if right else "L", view, "PA")
    ds.PatientOrientation = ["L", "F"] if right else ["R", "F"]

    def instance(_: int) -> Instance:
        made = study.instance(DX_IMAGE, 1, 1, after_s=0)
        image = _hand_film(study, shape, pixel)
        if not right:
            image = image[:, ::-1]
        _lead(image, "R" if right else "L", 0.95, at=(0.05, 0.84))
        made.WindowCenter, made.WindowWidth = "1700", "3000"
        made.WindowCenterWidthExplanation = "STANDARD"
        return Instance(made, [np.clip(np.rint(image * 3600 + 60), 0, 4095).astype(np.uint16)])

    return [Series(1, 1, ds, instance, syntax)]


def _profile(count: int, base: float, waist: float, head: float) -> Array:
    """Radii along a long bone: flared ends, slim middle."""
    at = np.linspace(0, 1, count)
    found: Array = np.interp(at, (0, 0.16, 0.5, 0.82, 1), (base, base * 0.9, waist, head * 0.88, head)).astype(
        np.float32
    )
    return found


def _line(start: Array, end: Array, count: int, bow: float = 0.0) -> Array:
    t = np.linspace(0, 1, count, dtype=np.float32)[:, None]
    along = end - start
    across = np.array([-along[1], along[0]], np.float32) * bow
    found: Array = start + along * t + across * np.sin(np.pi * t)
    return found


def _hand_film(study: Study, shape: tuple[int, int], pixel: float) -> Array:
    rng = study.rng("hand", patient=True)
    film = Film(-90 + 4, -182, pixel * 2, (shape[0] // 2, shape[1] // 2))
    flesh = np.zeros(film.shape, np.float32)
    size = float(rng.uniform(0.94, 1.06))
    for i, ray in enumerate(_RAYS):
        joints = np.array(ray, np.float32) * size
        for j, (start, end) in enumerate(pairwise(joints)):
            along = (end - start) / np.linalg.norm(end - start)
            last = j == len(joints) - 2
            wide = (5.4 - 0.5 * j) * (1.12 if i == 0 else 0.86 if i == 4 else 1.0)
            radii = _profile(24, wide * 1.12, wide * 0.62, wide * (0.62 if last else 1.0))
            first, final = start + along * (radii[0] * 0.8 + 0.8), end - along * (radii[-1] * 0.8 + 0.8)
            film.bone(_line(first, final, 24, 0.02), radii, rind=1.4, flat=0.85)
            if last:
                tuft = np.array([end - along * 3.4, end - along * 2.0], np.float32)
                film.bone(tuft, np.array([2.4, 3.2], np.float32), rind=0.9, flat=0.7)
            film.distance(flesh, start, end, (14.0, 11.0) if j == 0 else (10.2 - 1.1 * j, 9.2 - 1.1 * j), 0.9)
    for centre in np.linspace(-20, 20, 9):
        start, end = np.array([centre * 1.15, -22], np.float32), np.array([centre * 1.0, 36], np.float32)
        film.distance(flesh, start * size, end * size, (15, 14), 0.95)
    film.distance(flesh, np.array([-22.0, 18]) * size, np.array([-44.0, -16]) * size, (15, 11), 1.0)
    for x in np.linspace(-15, 15, 7):
        film.distance(flesh, np.array([x, 40]) * size, np.array([x * 1.1, 80]) * size, (15, 18), 1.0)
    _wrist(film, size)
    u, v = film.grid()
    grain = Waves(rng, 60, 1.2, 3.5).grid(u, v, np.asarray(0, np.float32))
    film.depth *= 1 + 0.07 * grain
    depth = blur(flesh, 5) * 0.019 + film.depth * 0.056
    image = plate(depth, shape, flatten=0.15, crisp=1.1) / 1.25
    noise = study.rng("quanta").standard_normal(shape, np.float32)
    return image + noise * np.float32(0.008)


def _wrist(film: Film, size: float) -> None:
    for x, y, rx, ry in _CARPALS:
        tall = ry > rx
        reach = abs(ry - rx)
        offset = np.array([0.15 * reach, reach]) if tall else np.array([reach, 0.1 * reach])
        points = np.stack([np.array([x, y]) - offset, np.array([x, y]), np.array([x, y]) + offset]).astype(np.float32)
        r = min(rx, ry)
        film.bone(points * size, np.array([r * 0.92, r * 1.02, r * 0.9], np.float32) * size, rind=1.0, flat=0.9)
    radius = _line(np.array([-9.0, 52]), np.array([-13.0, 110]), 20)
    radii = np.interp(np.linspace(0, 1, 20), (0, 0.2, 0.6, 1), (12, 11, 8, 7)).astype(np.float32)
    film.bone(radius * size, radii, rind=1.6, flat=0.6)
    ulna = _line(np.array([17.0, 50]), np.array([13.0, 110]), 20)
    radii = np.interp(np.linspace(0, 1, 20), (0, 0.2, 0.6, 1), (6.5, 6.5, 5.5, 6)).astype(np.float32)
    film.bone(ulna * size, radii, rind=1.5, flat=0.8)
    spur = np.array([[-20.0, 50], [-21.0, 43]], np.float32)
    film.bone(spur * size, np.array([3.6, 2.2], np.float32), rind=0.8)
    spur = np.array([[21.0, 48], [22.0, 42]], np.float32)
    film.bone(spur * size, np.array([2.6, 1.8], np.float32), rind=0.8)
