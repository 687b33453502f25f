"""Colour samples and palettes to 8-bit RGB (PS3.3 C.7.6.3.1.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom.image import ImageSpec

Array = NDArray[Any]
Rgb = NDArray[np.uint8]


def to_rgb(spec: ImageSpec, samples: Array, photometric: str) -> Rgb:
    """Three or four samples per pixel, as decoded, to RGB of 8 bits."""
    octets = _to_octets(samples, spec.bits_stored)
    match photometric:
        case "RGB":
            return np.ascontiguousarray(octets[..., :3])
        case "YBR_FULL" | "YBR_FULL_422":
            return ybr_to_rgb(octets, luma=(0.0, 1.0), chroma=1.0)
        case "YBR_PARTIAL" | "YBR_PARTIAL_422" | "YBR_PARTIAL_420":
            return ybr_to_rgb(octets, luma=(16.0, 255.0 / 219.0), chroma=255.0 / 224.0)
        case "ARGB" if octets.shape[2] == 4:
            return np.ascontiguousarray(octets[..., 1:])
        case "CMYK" if octets.shape[2] == 4:
            ink = octets.astype(np.uint16)
            return ((255 - ink[..., :3]) * (255 - ink[..., 3:]) // 255).astype(np.uint8)
        case _:
            raise Invalid("this photometric interpretation cannot be shown", code="undecodable")


def _to_octets(samples: Array, bits: int) -> Rgb:
    if bits == 8:
        return samples.astype(np.uint8, copy=False)
    if bits > 8:
        return (samples >> (bits - 8)).astype(np.uint8)
    return (samples.astype(np.uint16) * 255 // ((1 << bits) - 1)).astype(np.uint8)


# contributions of Cb and Cr to R, G, B
_CHROMA = np.array([[0.0, -0.114 * 1.772 / 0.587, 1.772], [1.402, -0.299 * 1.402 / 0.587, 0.0]], np.float32)


def ybr_to_rgb(ybr: Rgb, *, luma: tuple[float, float], chroma: float) -> Rgb:
    """ITU-R BT.601, from tables of each component's contribution."""
    steps = np.arange(256, dtype=np.float32)
    light = (steps - np.float32(luma[0])) * np.float32(luma[1])
    tints = (steps - np.float32(128.0)) * np.float32(chroma)
    rgb = np.empty(ybr.shape, np.uint8)
    y = light[ybr[..., 0]]
    for channel in range(3):
        value = y.copy()
        for component in range(2):
            weight = _CHROMA[component, channel]
            if weight:
                value += (tints * weight)[ybr[..., component + 1]]
        rgb[..., channel] = np.clip(np.rint(value), 0, 255)
    return rgb
