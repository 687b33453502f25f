"""Spine and shoulder girdle of the torso, and the course of its ribs."""

import numpy as np

from heliograph.demo._fields import Array, Point, meet, smoothstep
from heliograph.demo._sheet import Sheet

_SPINE_Z = (-380, -340, -300, -240, -180, -120, -60, 0, 60, 120, 190)
_SPINE_Y = (60, 42, 33, 35, 43, 49, 52, 50, 43, 26, 14)
VERTEBRA_MM = 23.0
COLLAR: list[Point] = [(16, -66, 58), (55, -66, 74), (100, -34, 96), (138, -14, 104)]


def table(z: Array | float, heights: tuple[int, ...], values: tuple[int, ...]) -> Array:
    return np.asarray(np.interp(z, heights, values), np.float32)


def spine_size(z: float) -> float:
    return float(np.interp(z, (-330, -200, 0, 150), (1.3, 1.15, 1.0, 0.72)))


def spine_y(z: Array | float) -> Array:
    return table(z, _SPINE_Z, _SPINE_Y)


def rib_course(k: int) -> tuple[float, float, float]:
    """Of rib `k`: its height at the spine, how far it falls on the way round, and the angle where its bone ends."""
    drop = float(np.interp(k, (1, 2, 4, 8, 10, 12), (34, 58, 76, 92, 84, 60)))
    ends = float(np.interp(k, (1, 2, 3, 7, 10, 11, 12), (2.45, 2.45, 2.5, 2.42, 2.2, 1.75, 1.3)))
    return (5 - k) * VERTEBRA_MM + 9, drop, ends


def paint_spine(sheet: Sheet, strands: Array, without: frozenset[str]) -> None:
    """Vertebrae and discs, canal and cord, arches, spinous and transverse processes, muscles beside them."""
    z, out = sheet.z, sheet.tissues
    if z < -372:
        return
    middle = float(spine_y(z))
    big = spine_size(z)
    window = sheet.window((-75, middle - 30), (75, middle + 66))
    if window is None:
        return
    x, y = sheet.at(window)
    side = np.abs(x)
    grain = strands[window]
    inner = np.sqrt(((side - 27 * big) / 26) ** 2 + ((y - middle - 44 * big) / 18) ** 2)
    if z > -345:
        out.paint("muscle", (inner - 1) * 18 + 0.6 * grain, 2.0, window)
    if "spine" in without:
        out.paint("soft", np.sqrt((x / (17 * big)) ** 2 + ((y - middle) / (14 * big)) ** 2) * 14 - 14, 2, window)
        return
    phase = (z / VERTEBRA_MM) % 1.0  # 0 and 1 are the middles of the bodies
    from_middle = min(phase, 1 - phase) * VERTEBRA_MM
    waist = 1 - 0.10 * np.cos(np.pi * min(from_middle / 10, 1.0)) ** 2
    rx, ry = 17.0 * big * waist, 13.5 * big * waist
    px, py = x / rx, (y - middle) / ry
    flat = np.where(y > middle, 1.25, 1.0).astype(np.float32)
    body = (np.sqrt(px * px + (py * flat) ** 2) - 1) * ry
    disc = from_middle - 8.6
    if disc < 1.5:
        out.paint("cortical", np.maximum(body, np.float32(disc)), None, window)
        inside = np.maximum(body + 1.1, np.float32(disc + 1.2))
        out.paint("spongy", inside + 0.5 * grain, None, window)
    if disc > -1:
        out.paint("disc", np.maximum(body - 0.5, np.float32(-disc)), None, window)
    canal_y = middle + 20.5 * big
    canal = np.sqrt((x / 1.2) ** 2 + (y - canal_y) ** 2) - 8.0 * big
    arch = np.maximum(canal - 4.6, -canal)
    arch = np.maximum(arch, middle + 8 - y)
    laminar = 1 - abs(phase - 0.35) * 2.2 if phase < 0.8 else 0.1
    gap = (1 - laminar) * 9 - 3
    out.paint("cortical", np.maximum(arch, np.float32(gap)), None, window)
    out.paint("spongy", np.maximum(arch + 1.6, np.float32(gap + 1)), None, window)
    joint = np.sqrt((side - 15 * big) ** 2 + (y - canal_y - 4) ** 2) - 6.0
    out.paint("cortical", np.maximum(joint, np.float32((abs(phase - 0.5) - 0.25) * 20)), None, window)
    spur = np.maximum(side - 2.6, np.maximum(canal_y + 7 - y, y - canal_y - 31 * big))
    spur = np.maximum(spur, np.float32((abs(phase - 0.62) - 0.34) * 20))
    if z > -340:
        out.paint("cortical", spur, None, window)
        out.paint("spongy", spur + 1.4, None, window)
    wing = np.sqrt((y - canal_y - 2 + 0.1 * side) ** 2 + np.float32(((phase - 0.2) * 16) ** 2)) - 4.6
    wing = np.maximum(wing, np.maximum(12 - side, side - 34))
    out.paint("cortical", wing, None, window)
    out.paint("spongy", wing + 1.4, None, window)
    out.paint("fat", canal, None, window)
    out.paint("csf", canal + 1.6, None, window)
    if z > -215:
        cord = np.sqrt((x / 1.25) ** 2 + (y - canal_y) ** 2) - 4.0
        out.paint("cord", cord, None, window)


def paint_shoulder(sheet: Sheet, around: tuple[Array, Array, Array], strands: Array, without: frozenset[str]) -> None:
    """Collar bones, shoulder blades and, near the top, the heads of the arms (raised)."""
    z, out = sheet.z, sheet.tissues
    wall, angle, skin = around
    bulk = float(smoothstep(np.asarray(z), 5, 60))
    if bulk > 0:
        side = np.abs(sheet.x)
        inner = 62 + 26 * (1 - bulk) + 0.010 * (sheet.y - 20) ** 2 - 0.12 * sheet.y
        mass = meet(np.maximum(skin + 8, 16 - wall), (inner - side) * 0.7, 10)
        hollow = np.sqrt(((side - 124) / 22) ** 2 + ((sheet.y - 12) / 17) ** 2 + ((z - 40) / 48) ** 2)
        mass = np.maximum(mass, (1 - hollow) * 22)
        out.paint("muscle", mass, 3, share=0.96)
        cleft = np.mod(0.75 * sheet.y + 0.45 * side + 3.5 * strands + 0.004 * (side - 120) ** 2, 26.0)
        cleft = np.abs(cleft - 13) - 0.7
        out.paint("fat", np.maximum(cleft, mass + 2), 2, share=0.6)
        sheet.tube("artery", [(90, -4, 92), (120, -2, 96), (160, 0, 118)], [3.4, 3.2, 3.0], mirror=True)
        sheet.tube("vein", [(84, -16, 92), (118, -12, 94), (160, -8, 114)], [4.4, 4.0, 3.6], mirror=True)
    reach = float(np.interp(z, (-75, -40, 60, 95), (0.0, 0.25, 0.85, 0.55)))
    if reach > 0:
        away = 19 + 5 * smoothstep(angle, 0.9, 1.5)
        blade = np.maximum(np.abs(wall - away) - 1.9, np.abs(angle - 0.72 - reach * 0.5) * 70 - reach * 35)
        blade = np.maximum(blade, skin + 5)
        middle, half = 0.72 + reach * 0.5, reach * 0.5 + 0.28
        belly = 13 * np.maximum(1 - ((angle - middle) / half) ** 2, -0.5)
        out.paint("muscle", np.maximum(np.abs(wall - away) - belly, skin + 5), 2.5, share=0.95)
        out.paint("cortical", blade)
        out.paint("marrow", blade + 1.5, share=0.8)
    if "collar" not in without:
        sheet.tube("cortical", COLLAR, [9, 5.5, 5.5, 6], mirror=True)
        sheet.tube("marrow", COLLAR, [7, 3.4, 3.4, 4], mirror=True)
    sheet.both("muscle", (138, 0, 108), (28, 34, 36))
    sheet.both("arm_bone", (136, 4, 112), (21, 21, 23))
    sheet.both("arm_marrow", (136, 4, 112), (19, 19, 21))
