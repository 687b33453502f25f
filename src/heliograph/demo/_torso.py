"""A torso in millimetres, painted plane by plane: x to the left, y to the back, z up; the origin is at the carina."""

from dataclasses import dataclass

import numpy as np

from heliograph.demo._abdomen import paint_abdomen, paint_pelvis
from heliograph.demo._fields import FAR, Array, Point, Waves, coverage, meet, smoothstep, union
from heliograph.demo._sheet import Sheet, between
from heliograph.demo._skeleton import paint_shoulder, paint_spine, rib_course, spine_y, table
from heliograph.demo._tissue import Tissues, Window
from heliograph.demo._vessels import Tree, grow

_Z = (-520, -460, -400, -340, -280, -220, -160, -100, -40, 20, 60, 90, 120, 150, 190)
_WIDE = (168, 176, 178, 168, 152, 148, 150, 154, 159, 163, 168, 170, 158, 96, 64)
_DEEP = (92, 104, 112, 110, 107, 110, 114, 117, 116, 107, 91, 82, 72, 64, 62)
_MIDDLE = (4, 2, 2, 2, 2, 2, 2, 1, 0, 2, 10, 16, 18, 13, 8)
_CAGE_Z = (-230, -190, -150, -100, -60, -20, 20, 50, 75, 95, 106)
_CAGE_WIDE = (118, 126, 131, 133, 130, 124, 112, 94, 73, 47, 18)
_CAGE_DEEP = (84, 87, 88, 91, 90, 86, 77, 66, 53, 36, 14)
_CAGE_MIDDLE = (4, 3, 2, 1, 2, 4, 8, 13, 18, 23, 26)


@dataclass(frozen=True, slots=True)
class Nodule:
    centre: Point
    radius: float
    tissue: str = "nodule"


class Torso:
    """One person's trunk; `girth` widens it, `heart` swells the heart, `nodules` lie in the lungs."""

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        girth: float = 1.0,
        heart: float = 1.0,
        nodules: tuple[Nodule, ...] = (),
        branches: int = 380,
        effusion: float = 0.0,
        without: frozenset[str] = frozenset(),
        upright: bool = False,
        lesions: tuple[Nodule, ...] = (),
    ) -> None:
        self.lesions = lesions
        self.without, self.upright = without, upright
        self.girth, self.heart, self.nodules, self.effusion = girth, heart, nodules, effusion
        self.bumps = [Waves(rng, 12, 60, 150) for _ in range(2)]
        self.strands = Waves(rng, 40, 9, 24)
        self.fine = Waves(rng, 60, 4, 9)
        self.bowel_seed = int(rng.integers(2**31))
        self.trees: list[tuple[str, Tree]] = []
        for side in (-1, 1):
            for name, root in (("artery", (42.0, 8.0, -14.0)), ("vein", (34.0, 6.0, -40.0))):
                tips = self._inside_lung(rng, side, branches)
                self.trees.append(
                    (name, grow(rng, (side * root[0], root[1], root[2]), tips, tip_radius=0.62, power=2.35))
                )

    # ---- distances, for planes and for single points ----
    def skin(self, x: Array, y: Array, z: Array | float) -> Array:
        wide, deep = table(z, _Z, _WIDE) * self.girth, table(z, _Z, _DEEP) * self.girth
        px, py = np.abs(x) / wide, np.abs(y - table(z, _Z, _MIDDLE)) / deep
        r = (px**2.5 + py**2.5) ** np.float32(0.4) + np.float32(1e-6)
        found: Array = (r - 1) * np.minimum(deep, wide) * (1 + 0.12 * px)
        return found

    def cage(self, x: Array, y: Array, z: Array | float) -> tuple[Array, Array]:
        """Distance outwards from the pleura, and the angle from the spine (0) round to the sternum (pi)."""
        wide, deep = table(z, _CAGE_Z, _CAGE_WIDE), table(z, _CAGE_Z, _CAGE_DEEP)
        px, py = np.abs(x) / wide, (y - table(z, _CAGE_Z, _CAGE_MIDDLE)) / deep
        r = np.sqrt(px * px + py * py) + np.float32(1e-6)
        slope = np.sqrt((px / wide) ** 2 + (py / deep) ** 2) + np.float32(1e-6)
        return r * (r - 1) / slope, np.arctan2(px, py)

    def dome(self, x: Array, y: Array) -> Array:
        """Height of the diaphragm."""
        right = -99 - 0.0052 * (x + 64) ** 2 - 0.0085 * (y + 12) ** 2
        left = -110 - 0.0058 * (x - 64) ** 2 - 0.0085 * (y + 12) ** 2
        return np.maximum(right, left)

    def pericardium(self, x: Array, y: Array, z: Array | float) -> Array:
        s = self.heart
        u, v, w = self._heart_axes(x, y, z)
        apex = self._ball(u - 8, v, w, (60 * s, 44 * s, 45 * s))
        base = self._ball(x + 16, y + 18, z + 56, (31 * s, 36, 44))
        return union(apex, base, 14)

    @staticmethod
    def _heart_axes(x: Array, y: Array, z: Array | float) -> tuple[Array, Array, Array]:
        """Coordinates along the long axis of the heart and across it."""
        px, py, pz = x - 14, y + 24, z + 60
        u = 0.70 * px - 0.52 * py - 0.49 * pz
        v = 0.60 * px + 0.80 * py + 0.01 * pz
        w = 0.39 * px - 0.30 * py + 0.87 * pz
        return u, v, w

    @staticmethod
    def _ball(u: Array, v: Array, w: Array | float, radii: Point) -> Array:
        a, b, c = u / radii[0], v / radii[1], w / radii[2]
        length = np.sqrt(a * a + b * b + c * c) + np.float32(1e-6)
        slope = np.sqrt((a / radii[0]) ** 2 + (b / radii[1]) ** 2 + (c / radii[2]) ** 2) + np.float32(1e-6)
        found: Array = length * (length - 1) / slope
        return found

    def mediastinum(self, x: Array, y: Array, z: Array | float) -> Array:
        pedicle = self._ball(x - 3, y + 6, z - 12, (31, 33, 74))
        upper = self._ball(x - 1, y - 6, z - 90, (29, 30, 62))
        sy = spine_y(z)
        spine = np.sqrt((x / 1.25) ** 2 + (y - sy - 4) ** 2) - 19
        behind = np.maximum(np.abs(x) - 15, sy - y - 8)
        aorta = np.sqrt((x - 24) ** 2 + (y - 41) ** 2) - 15 + 40 * smoothstep(np.asarray(z, np.float32), 20, 40)
        hila = self._ball(np.abs(x) - 36, y - 10, z + 24, (22, 16, 26))
        found = union(self.pericardium(x, y, z) - 2.5, union(pedicle, upper, 12), 12)
        front = meet(np.abs(x - 3) - 3 - 0.22 * np.maximum(-34 - y, 0), 0.5 * (y + 16), 8)
        found = union(found, front, 10)
        return union(union(union(found, np.minimum(spine, behind), 8), aorta, 8), hila, 10)

    def lung(self, x: Array, y: Array, z: Array | float) -> Array:
        return self._lung(x, y, z, self.mediastinum(x, y, z))

    def _lung(self, x: Array, y: Array, z: Array | float, mediastinum: Array) -> Array:
        wall, _ = self.cage(x, y, z)
        above = (self.dome(x, y) - z) * np.float32(0.75)
        return meet(meet(wall, above, 5), -mediastinum, 5)

    def _inside_lung(self, rng: np.random.Generator, side: int, count: int) -> Array:
        """Random points in one lung, a little denser towards its surface."""
        p = rng.uniform((8, -95, -170), (132, 95, 104), (count * 14, 3)).astype(np.float32)
        p[:, 0] *= side
        inside = self.lung(p[:, 0], p[:, 1], p[:, 2]) < -5
        return p[inside][:count]

    # ---- painting ----
    def rib(self, k: int, side: int, count: int = 56) -> Array:
        """Points along the middle of a rib from the spine to the end of its bone."""
        top, drop, ends = rib_course(k)
        angle = np.linspace(0.16, ends, count)
        z = top - drop * np.sin(angle / 2) ** 2
        wide, deep = table(z, _CAGE_Z, _CAGE_WIDE) + 4.6, table(z, _CAGE_Z, _CAGE_DEEP) + 4.6
        y = table(z, _CAGE_Z, _CAGE_MIDDLE) + deep * np.cos(angle)
        found: Array = np.stack([side * wide * np.sin(angle), y, z], axis=1).astype(np.float32)
        return found

    def tissues(self, x: Array, y: Array, z: float, softness: float = 1.0) -> Tissues:
        """Everything on one axial plane."""
        sheet = Sheet(x, y, z, softness)
        warp = [1.8 * b.grid(sheet.x, sheet.y, np.asarray(z, np.float32)) for b in self.bumps]
        wx, wy = sheet.x + warp[0], sheet.y + warp[1]
        skin = self.skin(wx, wy, z)
        strands = self.strands.grid(sheet.x, sheet.y, np.asarray(z, np.float32))
        out = sheet.tissues
        out.paint("skin", skin)
        out.paint("fat", skin + 1.9)
        out.lay("muscle", coverage(skin + 4, 3) * smoothstep(np.abs(strands) * -1, -0.16, 0.0) * 0.16)
        wall, angle = self.cage(wx, wy, z)
        if z > -240:
            self._chest_wall(sheet, (wx, wy), skin, wall, angle, strands)
        paint_abdomen(self, sheet, (wx, wy), skin, wall, strands)
        if z > -185:
            self._thorax(sheet, wx, wy, wall, strands)
        paint_spine(sheet, strands, self.without)
        if z < -285:
            paint_pelvis(sheet, skin, strands)
        if z > -75:
            paint_shoulder(sheet, (wall, angle, skin), strands, self.without)
        for lesion in self.lesions:
            r = lesion.radius
            sheet.ellipsoid(lesion.tissue, lesion.centre, (r, r * 0.85, r * 1.1))
        return out

    def _chest_wall(
        self, sheet: Sheet, at: tuple[Array, Array], skin: Array, wall: Array, angle: Array, strands: Array
    ) -> None:
        """Muscle layers outside the ribs, then ribs, cartilage and sternum in the wall."""
        z, out = sheet.z, sheet.tissues
        low = float(smoothstep(np.asarray(-z), 150, 235))
        thick = 7.0 * between(angle, 0.55, 2.0, 0.25)
        pectoral = float(smoothstep(np.asarray(z), -60, 0)) * 13
        thick = thick + pectoral * between(angle, 1.75, 2.85, 0.22)
        thick = thick + float(smoothstep(np.asarray(z), -120, 20)) * 9 * between(angle, 0.5, 1.35, 0.3)
        thick = thick + 7 * (1 - smoothstep(angle, 0.3, 0.8)) + 5.0
        body = np.maximum(wall - 8.5 - thick * (1 - 0.8 * low), skin + 5.5)
        body = np.maximum(body, 1.0 - wall)
        out.paint("muscle", body, 1.6)
        layers = np.abs(np.mod(wall + 1.4 * strands, 11.0) - 7.5) - 0.75
        out.paint("fat", np.maximum(np.maximum(layers, 9.8 - wall), body + 1.2), 1.8, share=0.75)
        out.paint("muscle", np.maximum(wall - 8.5, -0.2 - wall), 1.4)
        out.paint("fat", np.maximum(np.abs(wall - 4.5) - 0.9, -wall), 1.6, share=0.6)
        if "ribs" not in self.without:
            self._ribs(sheet, wall, angle)
        x, y = at
        front = table(z, _CAGE_Z, _CAGE_MIDDLE) - table(z, _CAGE_Z, _CAGE_DEEP)
        if -95 < z < 62:
            wide = float(np.interp(z, (-95, -82, -40, 20, 35, 62), (1, 9, 17, 15, 25, 21)))
            plate = meet(np.abs(x) - wide, np.abs(y - front + 7.5) - 5.2, 4)
            plate = np.maximum(plate, abs(z - 18) * -1 + 1.2) if abs(z - 18) < 1.2 else plate
            out.paint("cortical", plate)
            out.paint("marrow", plate + 1.6)

    def _ribs(self, sheet: Sheet, wall: Array, angle: Array) -> None:
        z, out = sheet.z, sheet.tissues
        shell = np.abs(wall - 4.6)
        near = shell < 10
        if not near.any():
            return
        for k in range(1, 13):
            top, drop, ends = rib_course(k)
            reach = min(ends, np.pi)
            if not top - drop * np.sin(reach / 2) ** 2 - 40 < z < top + 12:
                continue
            s = np.sin(angle / 2)
            height = top - drop * s * s
            along = smoothstep(angle, 0.0, 0.6) * (1 - smoothstep(angle, 2.2, 2.9))
            dz = (z - height) * (1 - 0.28 * along)
            rib = np.sqrt((dz / 6.4) ** 2 + (shell / 3.9) ** 2)
            rib = (rib - 1) * 4.4
            bone = np.maximum(rib, (angle - ends) * 60)
            out.paint("cortical", bone)
            out.paint("marrow", bone + 1.25)
            if k <= 10:
                rise = smoothstep(angle, ends, np.pi) * float(np.interp(k, (1, 3, 7, 10), (4, 16, 62, 70)))
                dz = (z - height - rise) * 0.8
                soft = (np.sqrt((dz / 5.6) ** 2 + (shell / 4.2) ** 2) - 1) * 4.4
                out.paint("cartilage", np.maximum(soft, (ends - angle) * 60))

    def _thorax(self, sheet: Sheet, x: Array, y: Array, wall: Array, strands: Array) -> None:
        """Mediastinal fat, heart, great vessels, then the lungs with their trees."""
        z, out = sheet.z, sheet.tissues
        dome = self.dome(x, y)
        above = np.maximum(wall, dome - z - 3)
        out.paint("fat", above, 1.5)
        window = sheet.window((-92, -104), (96, 104))
        assert window is not None
        near = (x[window], y[window])
        mediastinum = np.full(x.shape, FAR)
        mediastinum[window] = self.mediastinum(*near, z)
        lung = self._lung(x, y, z, mediastinum)
        pericardium = self.pericardium(*near, z)
        floor = dome[window] - z - 1
        heart_room = np.maximum(pericardium, floor)
        out.paint("fat", heart_room, None, window)
        out.paint("muscle", np.maximum(np.abs(pericardium) - 0.7, floor), None, window, 0.5)
        self._heart(sheet, near, pericardium, floor, window)
        self._vessels(sheet)
        diaphragm = np.maximum(np.abs(dome - z) * 0.8 - 1.6, wall)
        out.paint("muscle", diaphragm, share=0.9)
        out.paint("lung", lung, 1.0)
        if self.effusion:
            level = coverage((16 - self.effusion) - y - 0.35 * (z + 95) * -1 + 30 - 0.012 * x * x * 0.2, 2)
            out.lay("fluid", coverage(lung, 1) * level * (x > 0))
        fissure = np.abs(z + 30 - 0.85 * (y - 10) + 4 * strands * 0.25) - 0.5
        out.paint("soft", np.maximum(fissure * 0.8, lung + 1), share=0.35)
        out.textures["lung"] = (
            14 * strands + 0.22 * (y + 20) + 12 * self.fine.grid(sheet.x, sheet.y, np.asarray(z, np.float32))
        )
        if "trees" not in self.without:
            self._trees(sheet)
        self._airway(sheet)
        for nodule in self.nodules:
            self._nodule(sheet, nodule)

    def _trees(self, sheet: Sheet) -> None:
        for name, tree in self.trees:
            sheet.tree("artery" if name == "artery" else "vein", tree)
        for name, tree in self.trees:
            if name == "artery":
                sheet.tree("bronchus", tree, shift=1.9, scale=1.0, least=1.7)
                sheet.tree("air", tree, shift=1.9, scale=0.66, least=1.7)

    def _nodule(self, sheet: Sheet, nodule: Nodule) -> None:
        c, r = nodule.centre, nodule.radius
        if abs(sheet.z - c[2]) > r * 2.4:
            return
        window = sheet.window((c[0] - 3 * r, c[1] - 3 * r), (c[0] + 3 * r, c[1] + 3 * r))
        if window is None:
            return
        x, y = sheet.at(window)
        dx, dy, dz = x - c[0], y - c[1], sheet.z - c[2]
        far = np.sqrt(dx * dx + dy * dy + dz * dz)
        spikes = self.strands.at(dx / (far + 1) * 9, dy / (far + 1) * 9, np.asarray(dz * 9, np.float32) / (far + 1))
        edge = far - r * (1 + 0.13 * spikes + 0.55 * np.maximum(spikes - 0.9, 0))
        sheet.tissues.paint(nodule.tissue, edge, 1.2, window)

    def _heart(self, sheet: Sheet, at: tuple[Array, Array], pericardium: Array, floor: Array, window: Window) -> None:
        """Chambers and their walls, each kept inside the pericardium."""
        z, s, (x, y) = sheet.z, self.heart, at
        if not -125 < z < 10:
            return
        u, v, w = self._heart_axes(x, y, z)
        inside = np.maximum(pericardium + 2.0, floor + 2)
        left = self._ball(u - 16 * s, v - 10 * s, w, (46 * s, 31 * s, 33 * s))
        right = self._ball(u - 8, v + 17, w - 2, (46 * s, 22, 38))
        septal = np.maximum(right, -left)
        atrium = self._ball(x + 30, y + 14, z + 56, (21, 25, 30))
        behind = self._ball(x - 2, y - 14, z + 38, (33, 15, 21))
        cavity = self._ball(u - 10 * s, v - 10 * s, w, (38 * s, 20 * s, 22 * s))
        ridge = self._ball(u - 14, v - 22, w - 8, (16, 6, 5))
        cavity = np.maximum(cavity, -np.minimum(ridge, self._ball(u - 14, v + 4, w + 16, (16, 5, 6))))
        for tissue, distance, softness in (
            ("myocardium", np.maximum(septal - 1.5, inside), 1.4),
            ("blood", np.maximum(septal + 2.2, inside + 1.5), 1.6),
            ("blood", np.maximum(atrium, inside), 1.6),
            ("blood", np.maximum(behind, inside - 4), 1.6),
            ("myocardium", np.maximum(left, inside), 1.4),
            ("blood", np.maximum(cavity, inside + 2), 1.6),
        ):
            sheet.tissues.paint(tissue, distance, softness, window)

    def _vessels(self, sheet: Sheet) -> None:
        """Great vessels, oesophagus, nodes, thyroid."""
        tube = sheet.tube
        tube("vein", [(-24, -20, 58), (-25, -18, 10), (-25, -16, -34)], [8.5, 9.5, 10])
        tube("vein", [(-24, -20, 56), (8, -30, 50), (32, -24, 68), (60, -18, 96)], [6, 6, 6, 5.5])
        tube("vein", [(-24, -20, 56), (-32, -20, 74), (-58, -18, 96)], [7, 6, 5.5])
        tube("vein", [(-28, -14, 70), (-30, -6, 150), (-32, -4, 200)], [5.5, 6, 6])
        tube("vein", [(32, -16, 70), (30, -6, 150), (32, -4, 200)], [5, 5.5, 5.5])
        tube("vein", [(-14, 44, -170), (-11, 44, -20), (-12, 34, 6), (-23, 4, 12)], [2.8, 3.4, 3.6, 4])
        wall = "aortic_wall"
        arch: list[Point] = [
            (4, -14, -40),
            (-10, -22, -14),
            (-9, -20, 12),
            (0, -8, 31),
            (13, 12, 35),
            (23, 32, 22),
            (25, 40, -4),
        ]
        down: list[Point] = [(25, 40, -4), (23, 42, -70), (12, 36, -130), (5, 24, -190), (3, 14, -300)]
        for name, grow_by in ((wall, 1.3), ("aorta", 0.0)):
            tube(name, arch, [14.5, 15.5, 15, 14, 13, 12.5, 12], wall=grow_by)
            tube(name, down, [12, 11.5, 11, 10, 8.5], wall=grow_by)
        tube("aorta", [(-3, -10, 34), (-16, -8, 62), (-24, -4, 90), (-20, 0, 200)], [5.5, 5.2, 3.6, 3.2])
        tube("aorta", [(8, 2, 36), (15, 2, 80), (20, 0, 200)], [3.6, 3.4, 3.2])
        tube("aorta", [(17, 16, 34), (24, 14, 72), (52, 6, 96), (90, 0, 92)], [4.8, 4.4, 4, 3.6])
        tube("aorta", [(-24, -4, 88), (-52, 4, 98), (-90, 0, 94)], [4.2, 4, 3.6])
        tube("artery", [(24, -34, -40), (18, -30, -18), (12, -14, -8)], [14, 14, 13])
        tube("artery", [(12, -14, -9), (-14, -4, -14), (-42, 8, -14)], [12, 11, 8])
        tube("artery", [(12, -14, -8), (28, 4, -2), (42, 10, -12), (46, 16, -40)], [12, 11, 9, 7])
        tube("artery", [(-42, 8, -14), (-46, 14, -44)], [8, 6.5])
        for side in (-1, 1):
            tube("vein", [(side * 20, 12, -40), (side * 34, 6, -40)], [7, 6])
        tube("vein", [(-26, -8, -70), (-24, 0, -100), (-22, 12, -150)], [11, 11, 10.5])
        path: list[Point] = [(3, 28, 200), (4, 32, 80), (5, 36, 0), (9, 32, -80), (20, 10, -128)]
        tube("oesophagus", path, [6.5, 6.5, 7, 7, 8])
        tube("air", [(2.5, 27, 120), (4.5, 33, 10)], [1.5, 1.3])
        sheet.both("thyroid", (17, -10, 132), (10, 12, 24))
        for node in ((-18, 6, 14), (-14, -10, 26), (12, -24, 22), (4, 22, -14), (-32, 2, 2), (20, 6, 8)):
            sheet.ellipsoid("node", node, (4.2, 3.2, 6.0))

    def _airway(self, sheet: Sheet) -> None:
        windpipe: list[Point] = [(0, 6, 205), (0, 9, 100), (1, 15, 40), (2, 20, 4)]
        right: list[Point] = [(2, 20, 4), (-20, 20, -16), (-36, 18, -30), (-46, 22, -52)]
        left: list[Point] = [(2, 20, 4), (26, 25, -20), (42, 25, -32), (48, 28, -54)]
        for name, grow_by in (("bronchus", 1.6), ("air", 0.0)):
            sheet.tube(name, windpipe, [8.2, 8.6, 8.8, 9.0], wall=grow_by)
            sheet.tube(name, right, [8, 7, 5.4, 3.6], wall=grow_by)
            sheet.tube(name, left, [7.6, 6.2, 5.2, 3.4], wall=grow_by)
            sheet.rod(name, (-22, 20, -18), (-46, 16, -6), (4.6, 3.4), grow_by)
            sheet.rod(name, (40, 25, -30), (54, 10, -22), (4.2, 3.0), grow_by)
