"""A head in millimetres: x to the patient's left, y to the back, z to the top; the origin lies between the thalami."""

from dataclasses import dataclass

import numpy as np

from heliograph.demo._fields import (
    Array,
    Place,
    Waves,
    coverage,
    ellipsoid,
    meet,
    nearest,
    rod,
    smoothstep,
    tube,
    union,
)
from heliograph.demo._tissue import Tissues


@dataclass(frozen=True, slots=True)
class Bleed:
    """An epidural lens under the skull: where its middle lies and how far it reaches."""

    centre: tuple[float, float, float] = (-58.0, -2.0, 22.0)
    radii: tuple[float, float, float] = (17.0, 38.0, 30.0)
    shift_mm: float = 7.0


@dataclass(frozen=True, slots=True)
class _Grain:
    """Textures on one plane."""

    cells: Array
    bumps: Array
    sheet: Array  # hardly changes from side to side
    leaf: Array


class Head:
    """One person's head; the seed changes folds and small asymmetries, not the plan."""

    def __init__(self, rng: np.random.Generator, *, atrophy: float = 0.4, bleed: Bleed | None = None) -> None:
        self.atrophy = atrophy
        self.bleed = bleed
        self.warp = [Waves(rng, 10, 55, 130) for _ in range(3)]
        self.gyri = Waves(rng, 34, 19, 30)
        self.bumps = Waves(rng, 16, 24, 60)
        self.folia = Waves(rng, 24, 5.5, 7.5, squash=(0.35, 1, 1))
        self.cells = Waves(rng, 40, 7, 13)

    def tissues(self, x: Array, y: Array, z: Array, softness: float = 1.0) -> Tissues:
        """Everything on one open-grid plane, from the air inwards."""
        wx, wy, wz = (1.6 * w.grid(x, y, z) for w in self.warp)
        ox, oy, oz = x + wx, y + wy, z + wz
        out = Tissues(ox.shape, softness)
        cavity = self._cavity(ox, oy, oz)
        grain = _Grain(
            self.cells.grid(x, y, z), self.bumps.grid(x, y, z), self.bumps.grid(x * 0.2, y, z), self.folia.grid(x, y, z)
        )
        face = self._face(out, (ox, oy, oz), cavity, grain)
        self._skull(out, (ox, oy, oz), cavity, face, grain)
        self._orbits(out, x, y, z)
        self._brain(out, (ox, oy, oz), cavity, grain)
        return out

    # ---- shells ----
    def _cavity(self, x: Array, y: Array, z: Array) -> Array:
        """Signed distance to the inside of the skull: the fossae and the vault."""
        broad = x / (1.0 + 0.0014 * np.clip(y, -80, 40))
        vault = ellipsoid((broad, y, z), (0, 2, 4), (67, 85, 72))
        floor = -9 - 5 * smoothstep(y, -35, -20) - 3 * smoothstep(y, 0, 30) - z
        vault = meet(vault, floor + 0 * vault, 8)
        side = np.sqrt(x * x + 4)
        middle = ellipsoid((side, y, z), (37, -20, -20), (26, 33, 22))
        back = ellipsoid((x, y, z), (0, 41, -34), (54, 43, 34))
        canal = rod((x, y, z), (0, 30, -60), (0, 30, -90), 13)
        return union(union(union(vault, middle, 6), back, 8), canal, 8)

    def _face(self, out: Tissues, at: Place, cavity: Array, grain: _Grain) -> Array:
        """Scalp, face and neck; returns the distance to the skin."""
        x, y, z = at
        skin = cavity - 13.5 + 1.5 * smoothstep(y, 40, 80)
        front = ellipsoid((x, y, z), (0, -38, -52), (63, 62, 62))
        brow = ellipsoid((x, y, z), (0, -66, -16), (50, 28, 22))
        nose = rod((x, y, z), (0, -96, -38), (0, -112, -62), 8, 13)
        neck = ellipsoid((x, y, z), (0, 26, -85), (64, 66, 60))
        skin = union(union(union(union(skin, front, 14), brow, 10), nose, 14), neck, 18)
        out.paint("skin", skin)
        out.paint("fat", skin + 1.8)
        # Muscles: temporalis beside the skull, masseter below, the neck behind.
        side = np.abs(x)
        temporal = ellipsoid((side, y, z), (66, -28, -14), (13, 30, 44))
        masseter = ellipsoid((side, y, z), (57, -42, -62), (11, 21, 28))
        pterygoid = ellipsoid((side, y, z), (37, -34, -52), (13, 15, 22))
        nape = ellipsoid((side, y, z), (24, 78, -74), (27, 25, 40))
        nape_side = ellipsoid((side, y, z), (52, 50, -84), (13, 24, 42))
        nape_deep = ellipsoid((x, y, z), (0, 66, -92), (56, 32, 40))
        palate = ellipsoid((x, y, z), (0, -30, -72), (20, 16, 28))
        tongue = ellipsoid((x, y, z), (0, -56, -106), (27, 34, 26))
        muscle = nearest(temporal, masseter, pterygoid, nape, nape_side, nape_deep, palate, tongue)
        out.paint("muscle", meet(muscle, skin + 3.5, 2), 1.6)
        lips = ellipsoid((side, y, z), (0, -88, -70), (30, 15, 26))
        mimic = np.abs(skin + 5.5 + 1.5 * grain.cells) - 1.1
        mimic = np.maximum(mimic, np.maximum(y + 30, z + 10))
        galea = np.maximum(np.abs(skin + 5.2) - 0.7, -z - 5)
        out.lay("muscle", coverage(np.minimum(np.maximum(lips, skin + 3), np.minimum(mimic, galea)), 2.2) * 0.75)
        tip = ellipsoid((side, y, z), (6, -103, -52), (9, 10, 16))
        out.lay("muscle", coverage(np.maximum(tip, skin + 1.5), 2) * 0.85)
        return skin

    def _skull(self, out: Tissues, at: Place, cavity: Array, face: Array, grain: _Grain) -> None:
        wx, wy, wz = at
        side = np.abs(wx)
        thick = 6.2 + 1.5 * smoothstep(wy, 35, 85) + 0.7 * grain.bumps
        thin_roof = smoothstep(-wy, 25, 40) * smoothstep(-wz, -12, 2)
        thick = thick * (1 - 0.6 * thin_roof)
        shell = np.maximum(cavity - thick, -cavity)
        petrous = rod((side, wy, wz), (12, -2, -34), (58, 22, -27), 9, 12)
        mastoid = ellipsoid((side, wy, wz), (57, 27, -44), (13, 16, 22))
        clivus = rod((wx, wy, wz), (0, -18, -22), (0, 10, -62), 7, 6)
        zygoma = tube(
            (side, wy, wz), [(46, -80, -46), (60, -62, -44), (67, -32, -42), (66, -12, -40)], [6, 3.5, 2.6, 3]
        )
        lateral = rod((side, wy, wz), (49, -72, -14), (47, -76, -48), 4.2)
        wing = rod((side, wy, wz), (44, -62, -30), (20, -42, -26), 2.0)
        nasal = rod((wx, wy, wz), (0, -88, -18), (0, -96, -40), 4.5, 3.5)
        maxilla = ellipsoid((side, wy, wz), (26, -68, -62), (23, 24, 22))
        condyle = rod((side, wy, wz), (50, -10, -42), (46, -22, -84), 6, 5)
        brow = tube((side, wy, wz), [(2, -88, -9), (24, -88, -14), (41, -80, -17), (50, -66, -22)], [5.5, 4.2, 4, 4])
        roof = np.maximum(
            np.abs(wz + 13 + 0.008 * (side - 30) ** 2 + 0.12 * (wy + 64)) - 1.3,
            np.maximum(np.abs(wy + 64) - 24, side - 48),
        )
        medial = np.maximum(
            np.abs(side - 16.5 - 0.05 * (wy + 62)) - 0.5, np.maximum(np.abs(wy + 60) - 23, np.abs(wz + 30) - 17)
        )
        dens = rod((wx, wy, wz), (0, 4, -74), (0, 8, -104), 5.5, 10)
        atlas = np.maximum(
            rod((wx, wy, wz), (0, 30, -78), (0, 30, -88), 20), -rod((wx, wy, wz), (0, 30, -74), (0, 30, -92), 13)
        )
        arches = rod((wx, wy, wz), (0, 46, -96), (0, 66, -102), 4, 5)
        jaw = tube((side, wy, wz), [(51, -22, -70), (50, -34, -96), (30, -72, -110), (0, -88, -112)], [5, 7, 7, 8])
        base = nearest(
            dens,
            atlas,
            arches,
            jaw,
            brow,
            roof,
            medial,
            petrous,
            mastoid,
            clivus,
            zygoma,
            lateral,
            wing,
            nasal,
            condyle,
        )
        base = np.minimum(base, np.maximum(maxilla, -maxilla - 2.4))
        sinus_wall = self._air_spaces(side, wx, wy, wz)
        base = np.minimum(base, np.maximum(sinus_wall - 1.5, -sinus_wall - 0.3))
        bone = np.maximum(np.maximum(np.minimum(shell, base), -cavity), face + 3)
        out.paint("cortical", bone)
        spongy = np.maximum(np.maximum(np.abs(cavity - thick * 0.5) - (thick - 4.0) * 0.5, 0.5 - cavity), -wz - 5)
        out.paint("diploe", spongy, 1.6)
        deep_petrous = np.minimum(petrous, clivus) + 3.2
        out.paint("diploe", np.maximum(deep_petrous, -cavity), 2)
        aerated = np.maximum(np.minimum(mastoid + 2.0, petrous + 5.5), 0.25 - np.abs(grain.cells) * 2.2)
        out.paint("air", np.maximum(aerated, 1.5 - cavity), 1.4)
        inner_ear = np.minimum(
            ellipsoid((side, wy, wz), (29, 8, -31), (3.4, 2.2, 2.6)),
            rod((side, wy, wz), (15, 8, -30), (25, 8, -31), 2.4),
        )
        out.paint("csf", inner_ear)
        out.paint("mucosa", sinus_wall + 0.2)
        out.paint("air", sinus_wall + 1.4 + 0.6 * grain.bumps)
        ear_canal = rod((side, wy, wz), (44, 6, -34), (84, 4, -36), 3.4)
        out.paint("air", ear_canal)

    def _air_spaces(self, side: Array, x: Array, y: Array, z: Array) -> Array:
        """Sinuses and nasal cavity as one distance, with the septa left standing."""
        frontal = ellipsoid((side, y - 0.002 * side * side, z), (11, -81, -3), (11, 5.5, 13))
        ethmoid = ellipsoid((side, y, z), (8, -60, -33), (9, 25, 14))
        walls = np.abs(np.mod(y + 0.3 * side + 2.0, 9.0) - 4.5) - 3.9
        ethmoid = np.maximum(ethmoid, walls)
        sphenoid = ellipsoid((side, y, z), (8, -24, -32), (10, 12, 10))
        maxillary = ellipsoid((side, y, z), (27, -66, -62), (17, 19, 17))
        nasal = ellipsoid((side, y, z), (8, -70, -60), (8, 28, 18))
        turbinate = ellipsoid((side, y, z), (9, -66, -60), (4.5, 20, 7))
        nasal = np.maximum(nasal, -turbinate)
        throat = ellipsoid((x, y, z), (0, -18, -76), (12, 8, 26))
        found = nearest(frontal, ethmoid, sphenoid, maxillary, nasal)
        return np.minimum(np.maximum(found, 0.8 - side), throat)

    def _orbits(self, out: Tissues, x: Array, y: Array, z: Array) -> None:
        side = np.abs(x)
        globe = ellipsoid((side, y, z), (31.5, -77, -33), (12.2, 12.4, 12.2))
        if float(np.min(globe)) > 40:
            return
        cone = union(
            ellipsoid((side, y, z), (31, -72, -33), (17.5, 16, 17)),
            rod((side, y, z), (29, -62, -33), (19, -38, -30), 14, 4),
            6,
        )
        out.paint("fat", cone)
        wide = 1.9
        for start, end in (
            ((42.5, -70, -33), (22, -40, -30)),
            ((20.0, -70, -33), (17, -40, -30)),
            ((31, -70, -21.5), (20, -40, -27)),
            ((31, -70, -44.5), (20, -40, -34)),
        ):
            middle = tuple((a + b) / 2 + c for a, b, c in zip(start, end, ((start[0] - 31) * 0.16, 0, 0), strict=True))
            muscle = tube(
                (side, y, z), [start, (middle[0], middle[1], middle[2]), end], [wide * 0.6, wide * 1.25, wide]
            )
            out.paint("muscle", muscle)
        nerve = tube((side, y, z), [(30.5, -65, -33), (25.5, -52, -32), (18, -38, -29)], [2.1, 2.0, 2.0])
        out.paint("muscle", nerve)
        lids = np.maximum(ellipsoid((side, y, z), (31.5, -79, -33), (16, 14.8, 13)), y + 82)
        out.paint("muscle", lids)
        out.paint("sclera", globe)
        out.paint("vitreous", globe + 1.4)
        out.paint("lens", ellipsoid((side, y, z), (31.5, -85.5, -33), (4.8, 2.2, 4.8)))

    # ---- brain ----
    def _brain(self, out: Tissues, at: Place, cavity: Array, grain: _Grain) -> None:
        x, y, z = at
        lens = None
        if self.bleed:
            lens = self._lens(x, y, z, cavity)
            x = x - self.bleed.shift_mm * np.exp(-(((x + 30) / 50) ** 2 + ((y + 2) / 48) ** 2 + ((z - 18) / 42) ** 2))
        depth = -cavity - 0.8
        if lens is not None:
            depth = np.minimum(depth, lens)
        out.paint("dura", cavity)
        out.paint("csf", 1.2 - depth)
        brain = self._brain_shape(x, y, z, depth, grain)
        self._cortex(out, (x, y, z), brain, depth, grain)
        self._inner(out, x, y, z, grain)
        self._cisterns(out, x, y, z)
        self._falx(out, x, y, z, depth)
        if lens is not None:
            out.paint("clot", np.maximum(lens, cavity + 0.6), 1.3)
            swirl = coverage(np.maximum(lens + 3, 1.2 - grain.bumps), 2.0)
            out.lay("fresh_clot", 0.5 * swirl)

    def _lens(self, x: Array, y: Array, z: Array, cavity: Array) -> Array:
        """A biconvex lens: the part of the rim of the cavity inside an ellipsoid, thickest in its middle."""
        assert self.bleed
        c, r = self.bleed.centre, self.bleed.radii
        across = np.sqrt(((y - c[1]) / r[1]) ** 2 + ((z - c[2]) / r[2]) ** 2)
        thick = r[0] * np.maximum(1 - across * across, -0.5)
        found: Array = np.maximum((-cavity - thick) * 0.85, x + 20)
        return found

    def _brain_shape(self, x: Array, y: Array, z: Array, depth: Array, grain: _Grain) -> Array:
        """Distance to the brain's surface: arachnoid space, Sylvian and interhemispheric fissures taken out."""
        wide = 0.6 + 1.4 * self.atrophy
        side = np.abs(x)
        brain = wide + 1.2 * smoothstep(-y, 30, 85) * self.atrophy - depth
        callosum = np.sqrt(((y - 3) / 38) ** 2 + ((z - 4) / 22) ** 2)
        gap = 7 * smoothstep(-callosum, -1.06, -0.94)
        fissure = 0.7 + 0.5 * wide * smoothstep(np.abs(y), 20, 70) + 0.4 * grain.sheet - side - gap
        brain = np.maximum(brain, fissure)
        bend = 3.5 * grain.bumps
        taper = 1 - 0.025 * np.abs(side - 50)
        stem = np.maximum(
            np.abs(y + 4 + 0.30 * (side - 40) - 0.45 * (z - 4) + bend) - (0.3 + 0.8 * wide) * taper,
            np.maximum(37 - side, np.abs(z - 2) - 15),
        )
        insula = ellipsoid((side - 0.010 * (y + 2) ** 2 + 0.35 * bend, y, z), (38.5, -2, 4), (0.5 + 0.9 * wide, 20, 13))
        found: Array = np.maximum(brain, -union(stem, insula, 2.5))
        return found

    def _cortex(self, out: Tissues, at: Place, brain: Array, depth: Array, grain: _Grain) -> None:
        x, y, z = at
        hindbrain = coverage(np.maximum(-18 - y, (z + 9) + 0.42 * np.abs(y - 46) * 0.5), 3)
        hindbrain = hindbrain * coverage(12 - y, 4)
        r = np.sqrt((x / 66) ** 2 + (y / 83) ** 2 + ((z - 4) / 70) ** 2) + np.float32(0.05)
        pull = 0.68 / r + 0.32
        folds = self.gyri.at(x * pull, y * pull, (z - 4) * pull)
        gy, gx = np.gradient(folds)
        spacing = max(float(np.abs(np.diff(c[:1], axis=1)).mean()) for c in np.broadcast_arrays(x, y, z))
        slope = np.sqrt(gx * gx + gy * gy) / np.float32(max(spacing, 1e-3))
        sulcus = np.abs(folds) / np.sqrt(slope * slope + np.float32(0.12**2))
        reach = 13 + 5 * grain.bumps + 4 * self.atrophy
        wide = (0.75 + 1.15 * self.atrophy) * (1 - np.clip((depth - 3) / np.maximum(reach, 4), 0, 1.6))
        opercula = ellipsoid((np.abs(x), y, z), (40, -2, 4), (9, 25, 17))  # the insula keeps its own fissure
        gap = np.maximum(sulcus - wide, 2 - opercula)
        out.paint("grey", brain)
        ribbon = np.minimum(-brain, sulcus - np.maximum(wide, -0.2)) - 3.0
        deep = smoothstep(depth - reach, 3, 12)
        ribbon = ribbon * (1 - deep) + (-brain - 3.0) * deep
        white = coverage(-ribbon, 1.5) * (1 - hindbrain)
        out.lay("white", white)
        out.lay("csf", coverage(gap, 0.9) * coverage(brain, 1) * (1 - hindbrain) * (depth < 30))
        cerebellum = coverage(brain + 4, 3) * hindbrain
        out.lay("white", cerebellum * smoothstep(grain.leaf, -0.2, 0.9) * 0.55)
        out.lay("csf", coverage(brain + 1, 2) * hindbrain * smoothstep(-grain.leaf, 1.2, 2.0) * 0.35)
        core = ellipsoid((np.abs(x), y, z), (19, 40, -36), (13, 12, 9))
        out.lay("white", coverage(core, 5) * 0.9)

    def _inner(self, out: Tissues, x: Array, y: Array, z: Array, grain: _Grain) -> None:
        side = np.sqrt(x * x + 1)
        grow = 0.72 + 0.75 * self.atrophy
        out.paint("white", ellipsoid((side, y, z), (16, 4, 12), (17, 34, 15)), 4)
        caudate = tube((side, y, z), [(13, -27, 6), (14.5, -20, 12), (18, -4, 20), (21, 14, 20)], [6, 6, 4, 2])
        lentiform = ellipsoid(
            (side * 0.94 - 0.34 * (y + 5) * 0.5, y * 0.94 + 0.12 * side, z), (25, -3, 3), (7.5, 16.5, 10.5)
        )
        thalamus = ellipsoid((side, y, z), (10.5, 9, 6), (9, 14, 9))
        out.paint("deep_grey", nearest(caudate, lentiform, thalamus), 1.8)
        pallidum = ellipsoid((side, y, z), (18.5, -3, 1), (4.5, 9, 6))
        out.paint("pallidum", pallidum, 2.5)
        ribbon = np.maximum(np.abs(side - 33.5 - 0.008 * (y + 2) ** 2) - 1.3, np.abs(y + 3) - 17)
        out.paint("grey", np.maximum(ribbon, np.abs(z - 4) - 11), 1.5)
        horns = tube(
            (side, y, z),
            [(13, -37, 7), (8.5, -22, 13), (8, -4, 20), (12, 14, 22), (22, 32, 14), (24, 50, 8), (20, 63, 6)],
            [r * grow for r in (3.6, 5.4, 5.4, 5.4, 7.6, 4.6, 1.6)],
            4,
        )
        horns = np.maximum(horns, -caudate - 0.5)
        temporal = tube((side, y, z), [(24, 32, 10), (33, 20, -7), (34, 0, -17)], [r * grow for r in (6, 2.6, 1.6)], 3)
        third = ellipsoid((x, y, z), (0, 1, -1), (1.8 * grow + 0.4, 13, 9))
        fourth = meet(ellipsoid((x, y, z), (0, 33, -34), (8, 6.5, 9)), np.abs(x) * 0.8 + (y - 39), 2)
        lateral = np.maximum(np.minimum(horns, temporal), 0.9 - np.abs(x))
        out.paint("csf", nearest(lateral, third, fourth))
        plexus = tube((side, y, z), [(13, 16, 19), (21, 31, 12), (24, 36, 6)], [1.3, 2.6, 1.4])
        out.paint("plexus", plexus + 0.35 * grain.leaf)
        calcified = ellipsoid((side, y, z), (22.0, 33, 11), (1.9, 2.2, 2.4))
        pineal = ellipsoid((x, y, z), (0, 22, 4), (2.2, 3.0, 2.2))
        out.paint("calcification", np.minimum(calcified, pineal) + 0.3 * grain.leaf)

    def _cisterns(self, out: Tissues, x: Array, y: Array, z: Array) -> None:
        side = np.sqrt(x * x + 1)
        midbrain = ellipsoid((side, y, z), (7, 11, -13), (11, 11, 11))
        pons = ellipsoid((x, y, z), (0, 16, -31), (17, 13, 14))
        medulla = rod((x, y, z), (0, 22, -42), (0, 29, -95), 8, 6.5)
        stem = union(union(midbrain, pons, 5), medulla, 6)
        ring = 1.6 + 1.3 * smoothstep(y, 4, 24)
        ambient = np.maximum(np.maximum(stem - ring, 3 - y - 0.3 * side), np.abs(z + 11) - 9)
        quad = ellipsoid((x, y, z), (0, 26, -5), (15, 5.5, 8))
        star = nearest(
            ellipsoid((x, y, z), (0, -9, -17), (11, 12, 9)),
            rod((side, y, z), (6, -14, -17), (26, -20, -14), 4.5, 2.2),
            rod((x, y, z), (0, -14, -16), (0, -30, -12), 3.5, 2),
            rod((side, y, z), (8, 0, -17), (17, 12, -15), 3.4, 2.6),
        )
        prepontine = np.maximum(ellipsoid((x, y, z), (0, 7, -32), (17, 10, 18)), -pons)
        angle = rod((side, y, z), (17, 12, -33), (27, 12, -33), 4.2, 3)
        magna = ellipsoid((x, y, z), (0, 60, -58), (10, 9, 9))
        around_cord = np.maximum(rod((x, y, z), (0, 28, -62), (0, 30, -99), 12), -medulla)
        out.paint("csf", nearest(ambient, quad, star, prepontine, angle, magna, around_cord) + 0.5, 2.0)
        out.paint("stem", stem + 0.4, 1.6)
        aqueduct = rod((x, y, z), (0, 19, -4), (0, 27, -26), 1.1, 1.6)
        out.paint("csf", aqueduct)
        chiasm = rod((side, y, z), (2, -12, -15), (14, 2, -11), 2.2)
        out.paint("stem", chiasm)
        circle = nearest(
            rod((x, y, z), (0, 1.5, -20), (0, 2.5, -44), 1.6),
            tube((side, y, z), [(10, -14, -22), (11, -14, -14), (22, -18, -12), (35, -15, -8)], [2.2, 1.9, 1.6, 1.3]),
            tube((side, y, z), [(9, -16, -13), (2.5, -29, -8), (1.8, -40, 6)], [1.4, 1.2, 1.0]),
            tube((side, y, z), [(1, 1, -18), (13, 8, -16), (18, 22, -10)], [1.4, 1.2, 1.0]),
        )
        out.paint("artery", circle)

    def _falx(self, out: Tissues, x: Array, y: Array, z: Array, depth: Array) -> None:
        ring = np.sqrt((y / 84) ** 2 + ((z - 4) / 70) ** 2)
        inside = np.where((y < -30) | (y > 30) | (z > 20), 0.52, 2.0).astype(np.float32)
        sheet = np.maximum(np.abs(x) - 0.65, (inside - ring) * 60)
        sheet = np.maximum(np.maximum(sheet, -depth), -8 - z)
        out.paint("dura", sheet)
        leaf = np.abs(z + 6 + 0.016 * x * x - 0.50 * np.maximum(46 - y, -30) * 0.55) - 0.6
        tent = np.maximum(np.maximum(leaf, -depth), np.maximum(14 - y, 15 - np.sqrt(x * x + (y - 12) ** 2)))
        out.lay("dura", coverage(tent) * 0.6)
        top = np.maximum(np.maximum(np.abs(x) * 0.9 + (depth - 8.5) * 0.55, -depth - 0.5), -z - 2)
        top = np.maximum(top, 0.62 - ring)
        out.paint("sinus_blood", np.maximum(top, -40 - y - 0.6 * z))
        transverse = np.maximum(np.abs(z + 8) - 3.2, np.maximum(depth - 4.0, np.maximum(34 - y, -depth - 0.5)))
        out.paint("sinus_blood", transverse)
