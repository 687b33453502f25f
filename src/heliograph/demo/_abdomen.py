"""Abdomen and pelvis of the torso: walls, organs, gut, bones."""

from typing import Protocol

import numpy as np

from heliograph.demo._fields import Array, Point, coverage, meet, smoothstep, union
from heliograph.demo._sheet import Sheet


class Trunk(Protocol):
    """What the abdomen must know of the body it lies in."""

    girth: float
    upright: bool
    bowel_seed: int

    def dome(self, x: Array, y: Array) -> Array: ...


def paint_abdomen(body: Trunk, sheet: Sheet, at: tuple[Array, Array], skin: Array, wall: Array, strands: Array) -> None:
    """Everything under the diaphragm down to the pelvis; nothing above it."""
    z, out = sheet.z, sheet.tissues
    if z > -85:
        return
    x, y = at
    fat_mm = float(np.interp(z, (-420, -330, -220, -120), (26, 20, 17, 14))) * body.girth
    shell = skin + fat_mm
    chest = float(smoothstep(np.asarray(z), -235, -170))
    cavity = shell + 11.0 if chest < 0.01 else np.maximum(shell + 2, wall) * chest + (shell + 11.0) * (1 - chest)
    dome = body.dome(x, y)
    under = np.maximum(cavity, z - dome + 2)
    if chest < 0.99:
        _wall(sheet, x, y, shell, (cavity, 1 - chest))
    out.paint("fat", under, 1.5)
    out.lay("soft", coverage(under + 3, 3) * smoothstep(-np.abs(strands), -0.13, 0.0) * 0.22)
    _organs(sheet, (x, y), under, strands, upright=body.upright)
    _gut(body, sheet, under)
    _backs(sheet)


def _wall(sheet: Sheet, x: Array, y: Array, shell: Array, cavity: tuple[Array, float]) -> None:
    """The belly's muscle layers: flat ones at the sides, the straight pair in front, none behind the pelvis."""
    inner, share = cavity
    out, side = sheet.tissues, np.abs(x)
    behind = float(smoothstep(np.asarray(-sheet.z), 300, 350)) * 60
    muscle = np.maximum(np.maximum(shell, -inner - 3), y - 70 + behind)
    front = y + 62 < 0
    seam = np.where(front, np.minimum(np.abs(side - 62) - 2.2, side - 2.0), np.float32(9))
    out.paint("muscle", np.maximum(muscle, -seam), 1.8, share=share)
    layers = np.abs(np.mod(shell, 4.4) - 2.2) - 0.25
    out.paint("fat", np.maximum(np.maximum(layers, muscle + 0.6), 66 - side), 1.6, share=share * 0.55)


def _organs(sheet: Sheet, at: tuple[Array, Array], under: Array, strands: Array, *, upright: bool) -> None:
    x, y = at
    z, out = sheet.z, sheet.tissues

    def ball(centre: Point, radii: Point) -> Array:
        px, py, pz = (x - centre[0]) / radii[0], (y - centre[1]) / radii[1], np.float32((z - centre[2]) / radii[2])
        length = np.sqrt(px * px + py * py + pz * pz) + np.float32(1e-6)
        slope = np.sqrt((px / radii[0]) ** 2 + (py / radii[1]) ** 2 + (pz / radii[2]) ** 2) + np.float32(1e-6)
        found: Array = length * (length - 1) / slope
        return found

    for side, height in ((-1, -232), (1, -222)):
        sheet.ellipsoid("fat", (side * 64, 52, height), (40, 36, 64), softness=3)
    if z > -260:
        right = ball((-66, -2, -150), (84, 88, 82))
        left = ball((8, -42, -138), (72, 36, 30))
        liver = meet(union(right, left, 24), (under + 1) * 0.7, 3)
        liver = np.maximum(liver, -ball((-8, 18, -190), (34, 30, 44)))
        liver = np.maximum(liver, -ball((-64, 56, -236), (40, 34, 66)))
        out.paint("liver", liver, 1.3)
        tree: list[tuple[list[Point], list[float]]] = [
            ([(-18, 0, -172), (-34, -8, -160), (-70, -2, -150), (-104, 12, -146)], [7, 6, 4, 2]),
            ([(-34, -8, -160), (-58, -36, -150), (-74, -58, -146)], [5, 3.5, 2]),
            ([(-34, -8, -160), (0, -36, -146), (34, -48, -140)], [4.5, 3.5, 2]),
            ([(-70, -2, -150), (-84, 38, -158), (-92, 56, -166)], [3.5, 2.6, 1.6]),
            ([(-24, 4, -108), (-58, 2, -118), (-96, 6, -130)], [5, 4, 2]),
            ([(-24, 4, -108), (-40, -32, -122), (-52, -62, -134)], [5, 4, 2]),
            ([(-24, 4, -108), (4, -34, -120)], [4, 2]),
        ]
        for path, radii in tree:
            sheet.tube("portal", path, radii)
        spleen = meet(ball((100, 42, -150), (26, 42, 50)), under + 2.5, 3)
        spleen = np.maximum(spleen, -ball((70, 26, -150), (26, 30, 50)))
        out.paint("spleen", spleen, 1.3)
        stomach = meet(union(ball((62, -8, -146), (38, 40, 34)), ball((30, -44, -190), (44, 24, 28)), 24), under + 3, 3)
        stomach = np.maximum(stomach, -liver + 0.5)
        out.paint("gut_wall", stomach, 1.4)
        inside = stomach + 4.0 + 0.5 * strands
        out.paint("gut_content", inside, 1.4)
        out.paint("air", np.maximum(inside, np.float32(-136 - z) if upright else y + 22), 1.2)
        sheet.ellipsoid("bile", (-52, -52, -212), (15, 17, 32))
    sheet.tube("pancreas", [(-24, -14, -214), (-4, -18, -200), (24, -4, -190), (70, 28, -172)], [13, 9, 9, 7])
    sheet.tube("portal", [(-20, -4, -176), (-2, -8, -200), (30, 4, -188), (76, 34, -164)], [7, 5.5, 4.5, 4])
    sheet.tube("vein", [(-22, 12, -150), (-18, 18, -230), (-14, 16, -300)], [10.5, 10, 9])
    for side, height in ((-1, -232), (1, -222)):
        sheet.ellipsoid("kidney", (side * 62, 50, height), (27, 24, 54))
        sheet.ellipsoid("medulla", (side * 58, 48, height), (16, 14, 40), softness=5)
        sheet.ellipsoid("fat", (side * 47, 46, height), (15, 9, 26), softness=3)
        sheet.tube("vein", [(side * 46, 44, height), (side * 10, 18, height + 12)], [4, 5])
        sheet.tube("kidney", [(side * 34, 36, height + 62), (side * 46, 44, height + 46)], [3, 3.6])
    for side in (-1, 1):
        sheet.tube("aorta", [(3, 14, -300), (side * 26, 24, -355), (side * 52, -22, -420)], [7, 5.5, 5])
        sheet.tube("aorta", [(side * 52, -22, -420), (side * 66, -52, -450), (side * 70, -46, -530)], [5, 4.8, 4.6])
        sheet.tube("vein", [(-12, 18, -305), (side * 30, 34, -360), (side * 46, -14, -425)], [7, 6, 6])
        sheet.tube("vein", [(side * 46, -14, -425), (side * 58, -48, -455), (side * 60, -40, -530)], [6, 5.8, 5.4])


def _gut(body: Trunk, sheet: Sheet, under: Array) -> None:
    """Colon frame and small bowel loops, kept where they do not leave the cavity."""
    if not -430 < sheet.z < -150:
        return
    rng = np.random.default_rng(body.bowel_seed)
    frame: list[Point] = [
        (-92, 8, -372),
        (-100, 6, -300),
        (-94, -8, -246),
        (-50, -62, -236),
        (10, -74, -240),
        (66, -50, -206),
        (100, 10, -196),
        (104, 18, -290),
        (94, 14, -350),
        (52, 8, -384),
        (22, -6, -372),
        (4, 30, -392),
        (0, 44, -440),
    ]
    dense = _rounded(frame, 4)
    radii = [17 + 4 * float(np.sin(i * 1.9)) for i in range(len(dense))]
    sheet.tube("gut_wall", dense, radii)
    sheet.tube("stool", dense, [r - 2.6 for r in radii])
    up: list[Point] = [(p[0], p[1] - 7, p[2]) for p in dense]
    sheet.tube("air", up, [max(r - 10.5, 1) for r in radii])
    path = _rounded(_loops(rng), 4)
    for i in range(0, len(path) - 4, 4):
        part = path[i : i + 5]
        r = 11.5 + 2.0 * float(np.sin(i * 0.37))
        sheet.tube("gut_wall", part, [r] * 5)
        sheet.tube("gut_content" if (i // 40) % 3 else "gut_wall", part, [r - 2.2] * 5)
    outside = np.clip(under + 3, 0, 1)
    if outside.any():
        sheet.tissues.layers = [
            (n, s * (1 - outside[w]) if n in ("gut_wall", "gut_content", "stool") else s, w)
            for n, s, w in sheet.tissues.layers
        ]


def _loops(rng: np.random.Generator) -> list[Point]:
    """Way points of the small bowel: random places in the belly, each followed by the nearest one not yet visited."""
    left = rng.uniform(-1, 1, (220, 3))
    left = left[(left**2).sum(1) < 1][:90] * (78, 44, 84) + (2, -30, -312)
    place, found = left[np.argmax(left[:, 2])], []
    while len(left):
        at = int(np.argmin(((left - place) ** 2).sum(1)))
        place = left[at]
        found.append((float(place[0]), float(place[1]), float(place[2])))
        left = np.delete(left, at, axis=0)
    return found


def _rounded(path: list[Point], pieces: int) -> list[Point]:
    """More points on a smooth curve through a path."""
    at = np.arange(len(path))
    fine = np.linspace(0, len(path) - 1, (len(path) - 1) * pieces + 1)
    found = [np.interp(fine, at, [p[i] for p in path]) for i in range(3)]
    kernel = np.ones(5) / 5
    smooth = [np.convolve(np.pad(f, 2, mode="edge"), kernel, mode="valid") for f in found]
    return [(float(a), float(b), float(c)) for a, b, c in zip(*smooth, strict=True)]


def _backs(sheet: Sheet) -> None:
    """Psoas, quadratus and the straight muscles of the belly."""
    sheet.tube(
        "muscle", [(30, 42, -190), (40, 36, -270), (52, 26, -340), (66, -14, -410)], [8, 15, 18, 15], mirror=True
    )
    sheet.tube("muscle", [(66, 66, -200), (72, 62, -300)], [9, 13], mirror=True)


def paint_pelvis(sheet: Sheet, skin: Array, strands: Array) -> None:
    """Hip bones, sacrum, thigh bones, the muscles round them, bladder and rectum."""
    z = sheet.z
    _pelvic_muscles(sheet, skin, strands)
    if z > -412:
        back: Point = (
            float(np.interp(z, (-410, -370, -330, -298), (78, 52, 50, 74))),
            float(np.interp(z, (-410, -370, -330, -298), (26, 60, 66, 50))),
            z,
        )
        front: Point = (
            float(np.interp(z, (-410, -370, -330, -298), (96, 108, 126, 112))),
            float(np.interp(z, (-410, -370, -330, -298), (-14, -34, -44, -10))),
            z,
        )
        bend: Point = ((back[0] + front[0]) / 2 + 8, (back[1] + front[1]) / 2 + 6, z)
        thick = float(np.interp(z, (-410, -385, -350, -298), (12, 8, 5, 4)))
        for name, less in (("cortical", 0.0), ("spongy", 1.8)):
            sheet.tube(name, [back, bend, front], [thick + 3 - less, thick - 0.8 - less, thick - less], mirror=True)
    for name, less in (("cortical", 0.0), ("spongy", 2.0)):
        sheet.both(name, (88, 2, -416), (32 - less, 31 - less, 30 - less))
        if name == "spongy":
            sheet.both("cartilage", (90, 2, -417), (25.5, 25.5, 25.5))
            sheet.both("cortical", (90, 2, -417), (23.5, 23.5, 23.5))
            sheet.both("spongy", (90, 2, -417), (21.8, 21.8, 21.8))
        sheet.tube(
            name, [(92, 2, -420), (120, 8, -442), (128, 8, -450)], [13 - less, 14 - less, 16 - less], mirror=True
        )
        shaft = 15 - less if name == "cortical" else 7.5
        sheet.tube(name, [(126, 6, -452), (116, 2, -530)], [shaft, shaft], mirror=True)
        sheet.tube(
            name, [(76, -18, -424), (40, -42, -432), (7, -46, -440)], [10 - less, 8 - less, 9 - less], mirror=True
        )
        sheet.tube(
            name, [(7, -46, -440), (30, -20, -470), (58, 22, -476)], [8 - less, 7 - less, 10 - less], mirror=True
        )
        sheet.tube(name, [(80, 26, -430), (62, 34, -470)], [12 - less, 14 - less], mirror=True)
        for i in range(5):
            height, deep = -345 - 17 * i, (46, 60, 72, 78, 76)[i]
            wide, thick = (46, 42, 34, 25, 15)[i], (19, 18, 15, 11, 8)[i]
            sheet.ellipsoid(name, (0, deep, height), (wide - less, thick - less, 13 - less))
    sheet.ellipsoid("gut_wall", (0, 40, -440), (20, 18, 40))
    sheet.ellipsoid("stool", (0, 40, -440), (15, 13, 36))
    sheet.ellipsoid("gut_wall", (0, -14, -424), (43, 35, 34))
    sheet.ellipsoid("urine", (0, -14, -424), (39, 31, 30))
    sheet.ellipsoid("prostate", (0, 4, -458), (22, 17, 18))


def _pelvic_muscles(sheet: Sheet, skin: Array, strands: Array) -> None:
    """Buttocks and hips as one mass outside the hip bones, cleft into its muscles."""
    z, out = sheet.z, sheet.tissues
    x, y = sheet.x, sheet.y
    side = np.abs(x)
    fat_mm = float(np.interp(z, (-480, -400, -330, -290), (20, 24, 24, 30)))
    inner = np.sqrt((side / 92) ** 2 + ((y + 8) / float(np.interp(z, (-440, -330), (44, 70)))) ** 2)
    mass = meet(np.maximum(skin + fat_mm, (1 - inner) * 60), (10 + 0.3 * np.maximum(-y, 0) - side), 14)
    mass = meet(mass, -40 - 0.0 * side + (-y) - float(np.interp(z, (-440, -340, -290), (10, -34, -70))), 16)
    out.paint("muscle", mass, 2)
    cleft = np.mod(0.7 * side - 0.9 * y + 4 * strands, 30.0)
    out.paint("fat", np.maximum(np.abs(cleft - 15) - 0.9, mass + 2), 2, share=0.6)
    sheet.tube("muscle", [(92, 6, -320), (96, -26, -400), (98, -42, -450)], [13, 17, 16], mirror=True)
    sheet.tube("muscle", [(60, -8, -330), (78, -30, -420), (96, -20, -460)], [12, 17, 14], mirror=True)
    sheet.tube("muscle", [(46, -36, -440), (62, -30, -480)], [14, 24], mirror=True)
    sheet.tube("muscle", [(50, 20, -425), (64, 30, -480)], [12, 24], mirror=True)
    sheet.tube("muscle", [(26, 56, -380), (60, 44, -410), (112, 16, -425)], [6, 11, 7], mirror=True)
