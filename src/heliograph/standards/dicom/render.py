"""A frame as a person sees it: grey or colour, overlays, crop, size, JPEG or PNG (PS3.4 N.2, PS3.18 8.3.5).

Pure functions with picklable arguments, for a child process that may be killed and recycled.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom._colour import to_rgb
from heliograph.standards.dicom._fragments import Read
from heliograph.standards.dicom._grey import default_window, grey_levels, modality_values, windowed
from heliograph.standards.dicom.frames import Kind, PixelHeader, frame_table
from heliograph.standards.dicom.image import ImageSpec, Overlay, Window, overlay_bits, spec_from_header
from heliograph.standards.dicom.pixels import Decoded, decode_cells, stored_values

__all__ = [
    "MEDIA_TYPES",
    "View",
    "default_window",
    "encode",
    "fitted",
    "middle_frame",
    "modality_values",
    "render_decoded",
    "render_encoded",
    "render_frame",
    "thumbnail",
    "thumbnail_of",
    "windowed",
]

Picture = NDArray[np.uint8]
MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/jp2")
MAX_SIDE = 16_384
THUMBNAIL_SIDE = 128
# A small file may announce a huge image. Thumbnails are made in the processes that serve everybody, and take eight times this.
THUMBNAIL_BUDGET = 128 << 20


@dataclass(frozen=True, slots=True)
class View:
    """What of a frame to show and how; everything left out follows the image."""

    window: Window | None = None
    voi_lut: int | None = None  # number of the item of the VOI LUT Sequence, from 0
    overlays: bool = False
    crop: tuple[int, int, int, int] | None = None  # left, top, width, height in image pixels
    flip_horizontal: bool = False
    flip_vertical: bool = False
    viewport: tuple[int, int] | None = None  # width, height that the picture must fit into
    invert: bool = False


_AS_STORED = View()


def render_frame(
    spec: ImageSpec, frame: bytes, transfer_syntax: str, number: int = 0, view: View = _AS_STORED
) -> Picture:
    """One frame (`number` counts from 0 and selects its functional groups) as (rows, columns) or (rows, columns, 3)."""
    return render_decoded(spec, decode_cells(spec, frame, transfer_syntax), number, view)


def render_encoded(
    spec: ImageSpec,
    frame: bytes,
    transfer_syntax: str,
    number: int = 0,
    view: View = _AS_STORED,
    *,
    media_type: str = "image/jpeg",
    quality: int = 90,
) -> bytes:
    """render_frame and encode in one call, for a child process."""
    return encode(render_frame(spec, frame, transfer_syntax, number, view), media_type, quality)


def render_decoded(spec: ImageSpec, decoded: Decoded, number: int = 0, view: View = _AS_STORED) -> Picture:
    picture = _shown(spec, decoded, number, view)
    if view.overlays:
        picture = _burn_overlays(spec, decoded, picture, number)
    if view.invert:
        picture = np.uint8(255) - picture
    picture = _cropped(picture, view)
    if view.viewport is not None:
        width, height = fitted(picture.shape[1], picture.shape[0], view.viewport, spec.aspect)
        picture = resized(picture, width, height)
    return np.ascontiguousarray(picture)


def _shown(spec: ImageSpec, decoded: Decoded, number: int, view: View) -> Picture:
    stored = stored_values(spec, decoded)
    facts = spec.frame(number)
    if spec.samples > 1:
        return to_rgb(spec, stored, decoded.photometric)
    palette = spec.palette
    if decoded.photometric == "PALETTE COLOR" and palette is not None:
        return palette.apply(stored)
    grey = grey_levels(spec, facts, stored, window=view.window, voi_lut=view.voi_lut)
    if palette is None or not palette.supplemental:
        return grey
    coloured = palette.covers(stored)
    return np.where(coloured[..., np.newaxis], palette.apply(stored), grey[..., np.newaxis])


def _burn_overlays(spec: ImageSpec, decoded: Decoded, picture: Picture, number: int) -> Picture:
    shown = picture.copy()
    for overlay in spec.overlays:
        bits = _plane(spec, decoded, overlay, number)
        if bits is None:
            continue
        top, left = overlay.origin[0] - 1, overlay.origin[1] - 1
        bits = bits[max(0, -top) :, max(0, -left) :]
        target = shown[max(0, top) :, max(0, left) :][: bits.shape[0], : bits.shape[1]]
        target[bits[: target.shape[0], : target.shape[1]]] = 255
    return shown


def _plane(spec: ImageSpec, decoded: Decoded, overlay: Overlay, number: int) -> NDArray[np.bool_] | None:
    if overlay.data is not None:
        return overlay_bits(overlay, number)
    cells = decoded.cells
    outside = not spec.high_bit + 1 - spec.bits_stored <= overlay.bit_position <= spec.high_bit
    if decoded.coded is not None or cells.ndim != 2 or not outside or overlay.bit_position >= spec.bits_allocated:
        return None
    return np.asarray((cells >> cells.dtype.type(overlay.bit_position)) & 1, np.bool_)


def _cropped(picture: Picture, view: View) -> Picture:
    if view.crop is not None:
        left, top, width, height = view.crop
        rows, columns = picture.shape[:2]
        if width < 1 or height < 1 or left < 0 or top < 0 or left + width > columns or top + height > rows:
            raise Invalid("the region is not inside the image", code="bad_region")
        picture = picture[top : top + height, left : left + width]
    if view.flip_horizontal:
        picture = picture[:, ::-1]
    return picture[::-1] if view.flip_vertical else picture


def fitted(
    width: int, height: int, viewport: tuple[int, int], aspect: tuple[float, float] = (1.0, 1.0)
) -> tuple[int, int]:
    """The largest size of true proportions inside the viewport; `aspect` is height and width of a pixel."""
    if not all(1 <= side <= MAX_SIDE for side in viewport):
        raise Invalid(f"a viewport has sides of 1 to {MAX_SIDE} pixels", code="bad_viewport")
    true_width, true_height = width * aspect[1], height * aspect[0]
    scale = min(viewport[0] / true_width, viewport[1] / true_height)
    sides = round(true_width * scale), round(true_height * scale)
    return min(max(1, sides[0]), viewport[0]), min(max(1, sides[1]), viewport[1])


def resized(picture: Picture, width: int, height: int) -> Picture:
    """Another size; every source pixel counts when it gets smaller, so that fine lines do not flicker or vanish."""
    if picture.shape[1] == width and picture.shape[0] == height:
        return picture
    enlarging = width >= picture.shape[1] and height >= picture.shape[0]
    kind = Image.Resampling.BICUBIC if enlarging else Image.Resampling.LANCZOS
    source = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(source.resize((width, height), kind, reducing_gap=3.0))


def encode(picture: Picture, media_type: str = "image/jpeg", quality: int = 90) -> bytes:
    """A rendered picture as a file."""
    if not 1 <= quality <= 100:
        raise Invalid("quality is a number from 1 to 100", code="bad_quality")
    if media_type == "image/jpeg":
        options: dict[str, Any] = {"level": quality}
        if picture.ndim == 3:
            options["subsampling"] = "444" if quality >= 85 else "420"
        return bytes(imagecodecs.jpeg8_encode(picture, **options))
    if media_type == "image/png":
        return bytes(imagecodecs.png_encode(picture, level=4))
    if media_type == "image/jp2":
        return bytes(imagecodecs.jpeg2k_encode(picture, level=0, codecformat="JP2", reversible=True))
    if media_type == "image/gif":
        out = io.BytesIO()
        Image.fromarray(picture).save(out, "GIF")
        return out.getvalue()
    raise Invalid("pictures are made as JPEG, PNG, GIF or JPEG 2000", code="bad_media_type")


def thumbnail(
    spec: ImageSpec, frame: bytes, transfer_syntax: str, number: int = 0, side: int = THUMBNAIL_SIDE
) -> bytes:
    """A square JPEG with the frame inside, in true proportions on black."""
    decoded = decode_cells(spec, frame, transfer_syntax, budget=THUMBNAIL_BUDGET)
    picture = render_decoded(spec, decoded, number, View(viewport=(side, side)))
    square = np.zeros((side, side, *picture.shape[2:]), np.uint8)
    top, left = (side - picture.shape[0]) // 2, (side - picture.shape[1]) // 2
    square[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return encode(square, "image/jpeg", 80)


def thumbnail_of(header: PixelHeader, read: Read, size: int, side: int = THUMBNAIL_SIDE) -> bytes | None:
    """Thumbnail of the middle frame of an object; None for what has no picture: SR, PDF, waveforms, video."""
    found = middle_frame(header, read, size)
    return None if found is None else thumbnail(*found, side)


def middle_frame(header: PixelHeader, read: Read, size: int) -> tuple[ImageSpec, bytes, str, int] | None:
    """What `thumbnail` takes, nothing of it decoded; None for what has no picture: SR, PDF, waveforms, video."""
    if header.pixel_tag is None:
        return None
    table = frame_table(header, read, size)
    if table.kind is Kind.VIDEO:
        return None
    number = min(table.frames // 2, max(0, table.available - 1))
    spec = spec_from_header(header)  # type: ignore[arg-type]  # reads nothing that a PixelHeader has not
    return replace(spec, overlays=()), table.read_frame(number, read), table.transfer_syntax, number
