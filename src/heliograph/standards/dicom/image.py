"""What decoding and displaying an image needs to know, gathered once from its attributes (PS3.3 C.7.6, C.11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom._source import BulkReader, HeaderSource, JsonSource, ScannedHeader, Source
from heliograph.standards.dicom.palette import Lut, Palette, read_lut, read_palette

MAX_FRAMES_DESCRIBED = 200_000
MAX_LUTS = 64
_SUPPLEMENTAL = ("COLOR", "MIXED")


class Cell(StrEnum):
    INTEGER = "integer"
    FLOAT = "float"
    DOUBLE = "double"


@dataclass(frozen=True, slots=True)
class Rescale:
    slope: float = 1.0
    intercept: float = 0.0
    kind: str = ""  # Rescale Type: HU, US, ...


@dataclass(frozen=True, slots=True)
class Window:
    center: float
    width: float
    function: str = "LINEAR"  # LINEAR, LINEAR_EXACT, SIGMOID
    explanation: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class FrameFacts:
    """What may differ from frame to frame: value transformation, windows, place in space."""

    rescale: Rescale | None = None
    modality_lut: Lut | None = None
    windows: tuple[Window, ...] = ()
    voi_luts: tuple[Lut, ...] = ()
    position: tuple[float, ...] | None = None
    orientation: tuple[float, ...] | None = None
    pixel_spacing: tuple[float, ...] | None = None
    slice_thickness: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """One overlay plane (C.9.2); `data` is None where the bits lie in the unused high bits of the pixel cells."""

    group: int
    rows: int
    columns: int
    origin: tuple[int, int]  # row and column of its first pixel in the image, from 1
    frames: int
    first_frame: int
    bit_position: int
    kind: str  # G graphics, R region of interest
    data: bytes | None


@dataclass(frozen=True, slots=True, eq=False)
class ImageSpec:
    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    photometric: str
    planar: bool = False
    frames: int = 1
    cell: Cell = Cell.INTEGER
    shared: FrameFacts = field(default_factory=FrameFacts)
    per_frame: tuple[FrameFacts, ...] = ()
    palette: Palette | None = None
    padding: tuple[int, int] | None = None  # lowest and highest stored value that is not image
    inverse: bool = False  # Presentation LUT Shape INVERSE
    overlays: tuple[Overlay, ...] = ()
    aspect: tuple[float, float] = (1.0, 1.0)  # height and width of a pixel on the screen

    @property
    def cell_bytes(self) -> int:
        return -(-self.bits_allocated // 8)

    @property
    def frame_cells(self) -> int:
        return self.rows * self.columns * self.samples

    @property
    def is_colour(self) -> bool:
        return self.samples == 3

    def frame(self, number: int) -> FrameFacts:
        """Facts of one frame (from 0): its own functional group over the shared one."""
        return self.per_frame[number] if number < len(self.per_frame) else self.shared

    def only(self, number: int) -> ImageSpec:
        """The spec with the facts of one frame for whatever number is asked: small to send to a child process."""
        return replace(self, shared=self.frame(number), per_frame=()) if self.per_frame else self

    def dtype(self) -> np.dtype[Any]:
        """Of the stored values, in native byte order."""
        if self.cell is not Cell.INTEGER:
            return np.dtype(np.float32 if self.cell is Cell.FLOAT else np.float64)
        return np.dtype(f"{'i' if self.signed else 'u'}{self.cell_bytes}")


def spec_from_header(header: ScannedHeader) -> ImageSpec:
    """From a scanned header (`standards.dicom.header.Header`)."""
    return _build(HeaderSource(header))


def spec_from_json(attributes: Mapping[str, Any], bulk: BulkReader | None = None) -> ImageSpec:
    """From a DICOM JSON object; without `bulk`, which fetches little-endian bytes by URI, such tables are absent."""
    return _build(JsonSource(attributes, bulk))


def _build(source: Source) -> ImageSpec:
    spec = _layout(source)
    spec = replace(
        spec,
        shared=_facts(source, spec, FrameFacts()),
        palette=_palette(source, spec),
        padding=_padding(source, spec),
        inverse=source.text("PresentationLUTShape").upper() == "INVERSE",
        overlays=_overlays(source),
        aspect=_aspect(source),
    )
    return _with_functional_groups(source, spec)


def _layout(source: Source) -> ImageSpec:
    rows, columns = source.integer("Rows") or 0, source.integer("Columns") or 0
    samples = source.integer("SamplesPerPixel") or 1
    allocated = source.integer("BitsAllocated") or 0
    if not (0 < rows <= 0xFFFF and 0 < columns <= 0xFFFF):
        raise Invalid("Rows and Columns do not describe an image", code="bad_pixel_attributes")
    cell = Cell.INTEGER
    if source.pixel_keyword != "PixelData":
        cell = Cell.FLOAT if source.pixel_keyword == "FloatPixelData" else Cell.DOUBLE
        allocated = 32 if cell is Cell.FLOAT else 64
    if not 1 <= samples <= 4 or allocated not in (1, 8, 16, 32, 64):
        raise Invalid(f"{samples} samples of {allocated} bits are not an image", code="bad_pixel_attributes")
    stored = source.integer("BitsStored") or 0
    stored = stored if 1 <= stored <= allocated else allocated
    high = source.integer("HighBit")
    high = stored - 1 if high is None or not stored - 1 <= high < allocated else high
    photometric = source.text("PhotometricInterpretation").upper()
    return ImageSpec(
        rows=rows,
        columns=columns,
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high,
        signed=cell is Cell.INTEGER and source.integer("PixelRepresentation") == 1,
        photometric=photometric or ("RGB" if samples == 3 else "MONOCHROME2"),
        planar=samples > 1 and source.integer("PlanarConfiguration") == 1,
        frames=max(1, source.integer("NumberOfFrames") or 1),
        cell=cell,
    )


def _facts(source: Source, spec: ImageSpec, inherited: FrameFacts, names: Iterable[str] = ()) -> FrameFacts:
    """The named attributes (or all) that stand at this level, over what the level above says."""
    values = {name: _FACTS[name](source, spec) for name in names or _FACTS}
    present = {name: value for name, value in values.items() if value is not None and value != ()}
    return replace(inherited, **present) if present else inherited


def _vector(source: Source, keyword: str, length: int) -> tuple[float, ...] | None:
    values = source.numbers(keyword)
    return values if len(values) == length else None


def _is_log_angiography(source: Source) -> bool:
    """Modality tables of XA and XRF images of logarithmic relation serve measurement, not display (C.8.7.1.1.2)."""
    relation = source.text("PixelIntensityRelationship").upper()
    return relation in ("LOG", "DISP") and source.text("SOPClassUID") in (
        "1.2.840.10008.5.1.4.1.1.12.1",
        "1.2.840.10008.5.1.4.1.1.12.2",
    )


def _rescale(source: Source) -> Rescale | None:
    slope, intercept = source.number("RescaleSlope"), source.number("RescaleIntercept")
    if (slope is None and intercept is None) or _is_log_angiography(source):
        return None
    if slope is None or slope == 0:
        slope = 1.0
    return Rescale(slope, intercept or 0.0, source.text("RescaleType"))


def _modality_lut(source: Source, spec: ImageSpec) -> Lut | None:
    if _is_log_angiography(source):
        return None
    for item in source.items("ModalityLUTSequence")[:1]:
        return _lut(item, signed=spec.signed)
    return None


def _voi_luts(source: Source, spec: ImageSpec) -> tuple[Lut, ...]:
    items = source.items("VOILUTSequence")[:MAX_LUTS]
    if not items:
        return ()
    rescale = _rescale(source)
    signed = spec.signed or (rescale is not None and rescale.intercept < 0)
    return tuple(lut for lut in (_lut(item, signed=signed) for item in items) if lut is not None)


def _lut(item: Source, *, signed: bool) -> Lut | None:
    descriptor = tuple(int(value) for value in item.numbers("LUTDescriptor"))
    data = item.raw("LUTData")
    if not data:
        return None
    return read_lut(descriptor, data, signed=signed, explanation=item.text("LUTExplanation"))


def _windows(source: Source) -> tuple[Window, ...]:
    centers, widths = source.numbers("WindowCenter"), source.numbers("WindowWidth")
    function = source.text("VOILUTFunction").upper() or "LINEAR"
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        function = "LINEAR"
    names = source.texts("WindowCenterWidthExplanation")
    pairs = zip(centers, widths, strict=False)
    return tuple(
        Window(center, width, function, names[index] if index < len(names) else "")
        for index, (center, width) in enumerate(pairs)
        if width > 0 and np.isfinite(center) and np.isfinite(width)
    )


_FACTS: dict[str, Callable[[Source, ImageSpec], Any]] = {
    "rescale": lambda source, _: _rescale(source),
    "modality_lut": _modality_lut,
    "windows": lambda source, _: _windows(source),
    "voi_luts": _voi_luts,
    "position": lambda source, _: _vector(source, "ImagePositionPatient", 3),
    "orientation": lambda source, _: _vector(source, "ImageOrientationPatient", 6),
    "pixel_spacing": lambda source, _: _vector(source, "PixelSpacing", 2),
    "slice_thickness": lambda source, _: source.number("SliceThickness"),
}
_MACROS: dict[str, tuple[str, ...]] = {
    "PixelValueTransformationSequence": ("rescale",),
    "FrameVOILUTSequence": ("windows", "voi_luts"),
    "PlanePositionSequence": ("position",),
    "PlaneOrientationSequence": ("orientation",),
    "PixelMeasuresSequence": ("pixel_spacing", "slice_thickness"),
}


_COLOURS = ("Red", "Green", "Blue")


def _palette(source: Source, spec: ImageSpec) -> Palette | None:
    supplemental = source.text("PixelPresentation").upper() in _SUPPLEMENTAL and spec.photometric == "MONOCHROME2"
    if spec.samples != 1 or not (spec.photometric == "PALETTE COLOR" or supplemental):
        return None
    descriptors = tuple(
        tuple(int(value) for value in source.numbers(f"{colour}PaletteColorLookupTableDescriptor"))
        for colour in _COLOURS
    )
    plain = tuple(source.raw(f"{colour}PaletteColorLookupTableData") or b"" for colour in _COLOURS)
    segmented = tuple(source.raw(f"Segmented{colour}PaletteColorLookupTableData") or b"" for colour in _COLOURS)
    if not all(descriptors) or not (all(plain) or all(segmented)):
        return None
    tables, is_segmented = (plain, False) if all(plain) else (segmented, True)
    red, green, blue = read_palette(descriptors, tables, segmented=is_segmented, signed=spec.signed)
    return Palette(red, green, blue, supplemental)


def _padding(source: Source, spec: ImageSpec) -> tuple[int, int] | None:
    value = source.integer("PixelPaddingValue")
    if value is None or spec.samples != 1 or spec.cell is not Cell.INTEGER:
        return None
    limit = source.integer("PixelPaddingRangeLimit")
    ends = [_as_stored(end, spec) for end in (value, value if limit is None else limit)]
    return min(ends), max(ends)


def _as_stored(value: int, spec: ImageSpec) -> int:
    """US and SS are confused by many writers: read the 16 bits as the pixels are (trap 17)."""
    span = 1 << max(16, spec.bits_allocated)
    if spec.signed:
        return (value + span // 2) % span - span // 2
    return value % span


def _aspect(source: Source) -> tuple[float, float]:
    for keyword in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing"):
        pair = _vector(source, keyword, 2)
        if pair and min(pair) > 0 and max(pair) / min(pair) <= 100:
            return pair[0], pair[1]
    return 1.0, 1.0


def _overlays(source: Source) -> tuple[Overlay, ...]:
    found = []
    for group in range(0x6000, 0x6020, 2):
        base = group << 16
        rows, columns = source.integer(base | 0x0010), source.integer(base | 0x0011)
        if not rows or not columns or not (0 < rows <= 0xFFFF and 0 < columns <= 0xFFFF):
            continue
        data = source.raw(base | 0x3000)
        frames = max(1, source.integer(base | 0x0015) or 1)
        if data is not None and len(data) * 8 < rows * columns * frames:
            continue
        origin = source.numbers(base | 0x0050)
        found.append(
            Overlay(
                group=group,
                rows=rows,
                columns=columns,
                origin=(int(origin[0]), int(origin[1])) if len(origin) == 2 else (1, 1),
                frames=frames,
                first_frame=max(1, source.integer(base | 0x0051) or 1),
                bit_position=source.integer(base | 0x0102) or 0,
                kind=source.text(base | 0x0040) or "G",
                data=data,
            )
        )
    return tuple(found)


def _with_functional_groups(source: Source, spec: ImageSpec) -> ImageSpec:
    """Shared and per-frame functional groups of enhanced objects (C.7.6.16)."""
    shared = spec.shared
    for group in source.items("SharedFunctionalGroupsSequence")[:1]:
        shared = _group_facts(group, spec, shared)
    groups = source.items("PerFrameFunctionalGroupsSequence")[: min(spec.frames, MAX_FRAMES_DESCRIBED)]
    per_frame = tuple(_group_facts(group, spec, shared) for group in groups)
    aspect = spec.aspect
    if aspect == (1.0, 1.0) and shared.pixel_spacing and min(shared.pixel_spacing) > 0:
        aspect = shared.pixel_spacing[0], shared.pixel_spacing[1]
    return replace(spec, shared=shared, per_frame=per_frame, aspect=aspect)


def _group_facts(group: Source, spec: ImageSpec, inherited: FrameFacts) -> FrameFacts:
    facts = inherited
    for macro, names in _MACROS.items():
        for item in group.items(macro)[:1]:
            facts = _facts(item, spec, facts, names)
    return facts


def overlay_bits(overlay: Overlay, frame: int) -> NDArray[np.bool_] | None:
    """The plane for one image frame (from 0), or None where the overlay has none for it."""
    index = frame - (overlay.first_frame - 1) if overlay.frames > 1 else 0
    if overlay.data is None or not 0 <= index < overlay.frames:
        return None
    pixels = overlay.rows * overlay.columns
    low, high = index * pixels, (index + 1) * pixels
    octets = np.frombuffer(overlay.data, np.uint8, count=-(-high // 8) - low // 8, offset=low // 8)
    bits = np.unpackbits(octets, bitorder="little")[low % 8 :][:pixels]
    return bits.reshape(overlay.rows, overlay.columns).astype(np.bool_)
