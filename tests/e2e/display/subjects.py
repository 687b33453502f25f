"""Kinds of picture whose every grey level the standard defines, with the numpy truth of each (PS3.3 C.7.6.3, C.11.1, C.11.2)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.sequence import Sequence

from tests.e2e.pictures import CT_IMAGE, DX_IMAGE, SECONDARY_CAPTURE, Pixels, lut_item

ROWS, COLUMNS = 64, 96
Levels = Callable[[Pixels, int], Pixels]


@dataclass(frozen=True, slots=True)
class Subject:
    """`frames` are stored values, one array a frame; `levels` makes of a frame what the screen must show, 0 to 255."""

    name: str
    frames: tuple[Pixels, ...]
    levels: Levels
    bits: int
    attributes: dict[str, Any] = field(default_factory=dict)
    sop_class: str = DX_IMAGE
    modality: str = "DX"
    native_only: bool = False
    lossless_only: bool = False

    @property
    def colour(self) -> bool:
        return self.frames[0].ndim == 3

    @property
    def signed(self) -> bool:
        return self.frames[0].dtype.kind == "i"


def _grid() -> tuple[Pixels, Pixels]:
    y, x = np.mgrid[:ROWS, :COLUMNS]
    return y, x


def ramp(bits: int = 12, step: int = 0) -> Pixels:
    """Rises along each row, a little from row to row: a picture that is shifted, turned or swapped by bytes differs everywhere."""
    y, x = _grid()
    span = 1 << bits
    values = (x * span // COLUMNS + y * max(1, span // 800) + step * span // 7) % span
    return values.astype(np.uint8 if bits <= 8 else np.uint16)


def signed_ramp(bits: int) -> Pixels:
    return (ramp(bits).astype(np.int32) - (1 << (bits - 1))).astype(np.int16)


def linear(values: Pixels, centre: float, width: float) -> Pixels:
    levels: Pixels = np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1) * 255
    return levels


def exact(values: Pixels, centre: float, width: float) -> Pixels:
    levels: Pixels = np.clip((values - centre) / width + 0.5, 0, 1) * 255
    return levels


def sigmoid(values: Pixels, centre: float, width: float) -> Pixels:
    levels: Pixels = 255 / (1 + np.exp(-4 * (values - centre) / width))
    return levels


def table(values: Pixels, lut: Pixels, first: int, bits: int) -> Pixels:
    levels: Pixels = lut[np.clip(values - first, 0, len(lut) - 1).astype(int)] / ((1 << bits) - 1) * 255
    return levels


def window(centre: float, width: float, **more: Any) -> dict[str, Any]:
    return {"WindowCenter": centre, "WindowWidth": width, **more}


def _as_float(stored: Pixels) -> Pixels:
    return stored.astype(float)


def _linear(centre: float, width: float, slope: float = 1, intercept: float = 0) -> Levels:
    return lambda stored, _: linear(_as_float(stored) * slope + intercept, centre, width)


S_CURVE = (65535 / (1 + np.exp((2048 - np.arange(4096)) / 300))).astype(np.uint16)
FALLING = (np.arange(4096)[::-1] * 2).astype(np.uint16)
EIGHT = (np.arange(256) ** 2 // 255).astype(np.uint16)


def _eight_bit_item() -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [256, 0, 8]
    item.add_new(0x00283006, "OW", EIGHT.astype("<u2").tobytes())
    return item


def _modality_item() -> Dataset:
    item = lut_item(FALLING, 0)
    item.ModalityLUTType = "US"
    return item


def grey() -> list[Subject]:
    twelve = (ramp(),)
    plain = window(2048, 1024)
    return [
        Subject("MONOCHROME2, LINEAR", twelve, _linear(2048, 1024), 12, plain),
        Subject(
            "MONOCHROME1, LINEAR", twelve, lambda s, _: 255 - linear(_as_float(s), 2048, 1024), 12,
            plain | {"PhotometricInterpretation": "MONOCHROME1"},
        ),
        Subject("narrow window", twelve, _linear(2000, 20), 12, window(2000, 20)),
        Subject("window of 1", twelve, lambda s, _: np.where(s > 1999.5, 255.0, 0.0), 12, window(2000, 1)),
        Subject(
            "LINEAR_EXACT", twelve, lambda s, _: exact(_as_float(s), 2048, 1024), 12, plain | {"VOILUTFunction": "LINEAR_EXACT"}
        ),
        Subject("SIGMOID", twelve, lambda s, _: sigmoid(_as_float(s), 2048, 1024), 12, plain | {"VOILUTFunction": "SIGMOID"}),
        Subject(
            "SIGMOID, MONOCHROME1", twelve, lambda s, _: 255 - sigmoid(_as_float(s), 2048, 1024), 12,
            plain | {"VOILUTFunction": "SIGMOID", "PhotometricInterpretation": "MONOCHROME1"},
        ),
        Subject(
            "VOI LUT, 16-bit entries", twelve, lambda s, _: table(s.astype(int), S_CURVE, 0, 16), 12,
            {"VOILUTSequence": [lut_item(S_CURVE, 0)]},
        ),
        Subject(
            "VOI LUT, 8-bit entries", (ramp(8),), lambda s, _: table(s.astype(int), EIGHT, 0, 8), 8,
            {"VOILUTSequence": [_eight_bit_item()]},
        ),
        Subject(
            "VOI LUT, first input negative", (signed_ramp(12),), lambda s, _: table(s.astype(int), S_CURVE, -2048, 16), 16,
            {"VOILUTSequence": [_signed_item()]},
        ),
        Subject(
            "modality LUT, LINEAR", twelve, lambda s, _: linear(FALLING[s.astype(int)].astype(float), 4096, 8192), 12,
            window(4096, 8192) | {"ModalityLUTSequence": [_modality_item()]}, lossless_only=True,
        ),
        Subject(
            "modality LUT, VOI LUT", twelve, lambda s, _: table(FALLING[s.astype(int)].astype(int), S_CURVE, 2000, 16), 12,
            {"ModalityLUTSequence": [_modality_item()], "VOILUTSequence": [lut_item(S_CURVE, 2000)]}, lossless_only=True,
        ),
        Subject(
            "fractional slope", twelve, _linear(100.25, 900.5, 0.5, -1024.5), 12,
            window(100.25, 900.5) | {"RescaleSlope": 0.5, "RescaleIntercept": -1024.5},
        ),
        Subject("no window, 8 bits", (ramp(8),), lambda s, _: _as_float(s), 8),
        Subject(
            "Presentation LUT Shape INVERSE", twelve, lambda s, _: 255 - linear(_as_float(s), 2048, 1024), 12,
            plain | {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
        ),
        Subject(
            "Presentation LUT Sequence", twelve, lambda s, _: _presented(linear(_as_float(s), 2048, 1024)), 12,
            plain | {"PresentationLUTSequence": [_presentation_item()]},
        ),
    ]  # fmt: skip


def _signed_item() -> Dataset:
    item = Dataset()
    item.add_new(0x00283002, "SS", [4096, -2048, 16])
    item.add_new(0x00283006, "OW", S_CURVE.astype("<u2").tobytes())
    return item


P_VALUES = (np.linspace(0, 1, 256) ** 1.5 * 65535).astype(np.uint16)


def _presentation_item() -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [256, 0, 16]
    item.add_new(0x00283006, "OW", P_VALUES.astype("<u2").tobytes())
    return item


def _presented(levels: Pixels) -> Pixels:
    """The output of the window, scaled to the inputs of the table, between whose entries nothing is said: a straight line."""
    out: Pixels = np.interp(levels, np.arange(256), P_VALUES) / 65535 * 255
    return out


def widths() -> list[Subject]:
    ct: dict[str, Any] = {"sop_class": CT_IMAGE, "modality": "CT"}
    hounsfield = {"RescaleSlope": 1, "RescaleIntercept": -1024, "RescaleType": "HU"}
    return [
        Subject("8 bits", (ramp(8),), _linear(128, 200), 8, window(128, 200)),
        Subject("10 bits", (ramp(10),), _linear(500, 700), 10, window(500, 700)),
        Subject("16 bits", (ramp(16),), _linear(32768, 60000), 16, window(32768, 60000)),
        Subject("signed 16 bits", (signed_ramp(16),), _linear(-500, 30000), 16, window(-500, 30000)),
        Subject("signed 12 bits", (signed_ramp(12),), _linear(-20, 2000), 12, window(-20, 2000)),
        Subject("CT, HU", (ramp(),), _linear(40, 400, 1, -1024), 12, window(40, 400) | hounsfield, **ct),
        Subject("CT, signed, HU", (signed_ramp(16) // 8,), _linear(40, 2000), 16, window(40, 2000) | {"RescaleSlope": 1, "RescaleIntercept": 0}, **ct),
        Subject("12 bits in the upper part", (ramp() << 4,), lambda s, _: linear(_as_float(s >> 4), 2048, 1024), 12, window(2048, 1024) | {"HighBit": 15}, native_only=True),
        Subject("1 bit", ((ramp(8) > 100).astype(np.uint8),), lambda s, _: _as_float(s) * 255, 1, native_only=True, sop_class=SECONDARY_CAPTURE, modality="OT"),
    ]  # fmt: skip


def _rgb() -> Pixels:
    y, x = _grid()
    channels = [x * 255 // (COLUMNS - 1), y * 255 // (ROWS - 1), 255 - (x + y) * 255 // (COLUMNS + ROWS)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def ybr_of(rgb: Pixels) -> Pixels:
    """YBR_FULL by PS3.3 C.7.6.3.1.2."""
    r, g, b = (rgb[..., index].astype(float) for index in range(3))
    y = 0.299 * r + 0.587 * g + 0.114 * b
    cb = -0.168736 * r - 0.331264 * g + 0.5 * b + 128
    cr = 0.5 * r - 0.418688 * g - 0.081312 * b + 128
    return np.clip(np.rint(np.stack([y, cb, cr], axis=-1)), 0, 255).astype(np.uint8)


def rgb_of(ybr: Pixels) -> Pixels:
    y, cb, cr = (ybr[..., index].astype(float) for index in range(3))
    cb, cr = cb - 128, cr - 128
    rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1)
    levels: Pixels = np.clip(np.rint(rgb), 0, 255)
    return levels


def _halved(ybr: Pixels) -> Pixels:
    """Two neighbours of a row share their colour, that of the left one (PS3.3 C.7.6.3.1.2)."""
    half = ybr.copy()
    half[:, 1::2, 1:] = half[:, 0::2, 1:]
    return half


def colour() -> list[Subject]:
    sc: dict[str, Any] = {"sop_class": SECONDARY_CAPTURE, "modality": "OT"}
    rgb, ybr = _rgb(), ybr_of(_rgb())
    same: Levels = lambda s, _: _as_float(s)  # noqa: E731 a value of the type
    from_ybr: Levels = lambda s, _: rgb_of(s)  # noqa: E731 a value of the type
    return [
        Subject("RGB", (rgb,), same, 8, **sc),
        Subject("RGB, planar", (rgb,), same, 8, {"PlanarConfiguration": 1}, native_only=True, **sc),
        Subject("YBR_FULL", (ybr,), from_ybr, 8, {"PhotometricInterpretation": "YBR_FULL"}, lossless_only=True, **sc),
        Subject(
            "YBR_FULL, planar", (ybr,), from_ybr, 8, {"PhotometricInterpretation": "YBR_FULL", "PlanarConfiguration": 1},
            native_only=True, **sc,
        ),
        Subject(
            "YBR_FULL_422", (_halved(ybr),), from_ybr, 8, {"PhotometricInterpretation": "YBR_FULL_422"}, native_only=True, **sc
        ),
        *palettes(),
    ]  # fmt: skip


def _palette(entries: dict[str, Pixels], first: int, bits: int, *, size: int = 0) -> dict[str, Any]:
    word = "<u2"
    found: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name, values in entries.items():
        found[f"{name}PaletteColorLookupTableDescriptor"] = [size or len(values), first, bits]
        found[f"{name}PaletteColorLookupTableData"] = values.astype(word).tobytes()
    return found


def _segments(stop: int) -> Pixels:
    """The same ramp as plain entries would hold: one discrete entry, then a straight line of 255 (PS3.3 C.7.9.2.1, .2)."""
    return np.array([0, 1, 0, 1, 255, stop], dtype=np.uint16)


def palettes() -> list[Subject]:
    sc: dict[str, Any] = {"sop_class": SECONDARY_CAPTURE, "modality": "OT", "lossless_only": True}
    entries = np.arange(256)
    wide = {"Red": entries * 257, "Green": (255 - entries) * 257, "Blue": np.full(256, 30000)}
    narrow = {name: values >> 8 for name, values in wide.items()}
    colours = np.stack([values >> 8 for values in wide.values()], axis=-1)
    shown: Levels = lambda s, _: colours[s.astype(int)].astype(float)  # noqa: E731 a value of the type
    segmented: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    stops = {"Red": 65535, "Green": 32768, "Blue": 10000}
    for name, stop in stops.items():
        segmented[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        segmented[f"Segmented{name}PaletteColorLookupTableData"] = _segments(stop).astype("<u2").tobytes()
    lines = np.stack([np.rint(np.arange(256) * stop / 255).astype(int) >> 8 for stop in stops.values()], axis=-1)
    sixteen = (ramp(8).astype(np.uint16) + 1000, {"Red": wide["Red"], "Green": wide["Green"], "Blue": wide["Blue"]})
    return [
        Subject("PALETTE COLOR, 16-bit entries", (ramp(8),), shown, 8, _palette(wide, 0, 16), **sc),
        Subject("PALETTE COLOR, 8-bit entries", (ramp(8),), shown, 8, _palette(narrow, 0, 8), **sc),
        Subject(
            "PALETTE COLOR, 16-bit pixels from 1000", (sixteen[0],),
            lambda s, _: colours[np.clip(s.astype(int) - 1000, 0, 255)].astype(float), 16, _palette(sixteen[1], 1000, 16), **sc,
        ),
        Subject("PALETTE COLOR, segmented", (ramp(8),), lambda s, _: lines[s.astype(int)].astype(float), 8, segmented, **sc),
    ]  # fmt: skip


def several() -> list[Subject]:
    """Objects of several frames, at last with windows and rescale of their own for each (PS3.3 C.7.6.16)."""
    three = tuple(ramp(12, step) for step in range(3))
    windows = [(1000, 500), (2048, 3000), (900, 700)]
    slopes = [(1.0, -1024.0), (0.5, 0.0), (2.0, -200.0)]
    frames = []
    for (centre, width), (slope, intercept) in zip(windows, slopes, strict=True):
        voi, value, frame = Dataset(), Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = centre, width
        value.RescaleSlope, value.RescaleIntercept, value.RescaleType = slope, intercept, "US"
        frame.FrameVOILUTSequence, frame.PixelValueTransformationSequence = Sequence([voi]), Sequence([value])
        frames.append(frame)

    def own(stored: Pixels, frame: int) -> Pixels:
        return linear(_as_float(stored) * slopes[frame][0] + slopes[frame][1], *windows[frame])

    return [
        Subject("multi-frame", three, _linear(2048, 1024), 12, window(2048, 1024), sop_class=SECONDARY_CAPTURE, modality="OT"),
        Subject(
            "enhanced, window and rescale per frame", three, own, 12,
            {"PerFrameFunctionalGroupsSequence": Sequence(frames), "SharedFunctionalGroupsSequence": Sequence([Dataset()])},
            sop_class="1.2.840.10008.5.1.4.1.1.2.1", modality="CT", lossless_only=True,
        ),
    ]  # fmt: skip


SUBJECTS = (*grey(), *widths(), *colour(), *several())
