"""standards.dicom.render: grey levels against formulas written here and against DCMTK, colour, overlays, size, files."""

import io
import math
import subprocess
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import _codecs
from heliograph.standards.dicom.header import scan
from heliograph.standards.dicom.image import Cell, FrameFacts, ImageSpec, Overlay, Rescale, Window
from heliograph.standards.dicom.palette import Lut, Palette
from heliograph.standards.dicom.pixels import Decoded
from heliograph.standards.dicom.render import (
    View,
    default_window,
    encode,
    fitted,
    render_decoded,
    render_encoded,
    render_frame,
    thumbnail,
    thumbnail_of,
)
from tests import data
from tests.peers.programs import program
from tests.unit.standards.dicom import making as make
from tests.unit.standards.dicom.imaging import MPEG4, RLE, Picture, encapsulated, opened, opened_sample, sample

Array = np.ndarray[Any, Any]


def spec(rows: int, columns: int, **more: Any) -> ImageSpec:
    options: dict[str, Any] = {
        "samples": 1, "bits_allocated": 16, "bits_stored": 12, "high_bit": 11, "signed": False, "photometric": "MONOCHROME2",
    }  # fmt: skip
    return ImageSpec(rows, columns, **(options | more))


def shown(cells: Array, facts: FrameFacts | None = None, view: View | None = None, **more: Any) -> Array:
    described = spec(cells.shape[0], cells.shape[1], shared=facts or FrameFacts(), **more)
    return render_decoded(described, Decoded(cells, described.photometric), 0, view or View())


RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


# -- formulas of PS3.3 C.11.2.1.2, one value at a time -----------------------------------------------------------


def linear(x: float, c: float, w: float) -> float:
    if x <= c - 0.5 - (w - 1) / 2:
        return 0
    if x > c - 0.5 + (w - 1) / 2:
        return 255
    return ((x - (c - 0.5)) / (w - 1) + 0.5) * 255


def linear_exact(x: float, c: float, w: float) -> float:
    if x <= c - w / 2:
        return 0
    if x > c + w / 2:
        return 255
    return ((x - c) / w + 0.5) * 255


def sigmoid(x: float, c: float, w: float) -> float:
    return 255 / (1 + math.exp(min(700, -4 * (x - c) / w)))


FORMULAS = {"LINEAR": linear, "LINEAR_EXACT": linear_exact, "SIGMOID": sigmoid}


@pytest.mark.parametrize("function", FORMULAS)
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
@given(
    st.floats(-3000, 5000), st.floats(1, 6000), st.floats(-4, 4).filter(lambda s: abs(s) > 0.01), st.floats(-2000, 2000)
)
def test_windows_follow_their_formulas(
    function: str, photometric: str, center: float, width: float, slope: float, intercept: float
) -> None:
    facts = FrameFacts(rescale=Rescale(slope, intercept), windows=(Window(center, width, function),))
    got = shown(RAMP, facts, photometric=photometric).reshape(-1).astype(int)
    wanted = np.array([FORMULAS[function](x * slope + intercept, center, width) for x in range(0, 4096, 37)])
    if photometric == "MONOCHROME1":
        wanted = 255 - wanted
    assert np.abs(got[::37] - wanted).max() <= 1


def test_linear_of_width_one_is_a_threshold() -> None:
    got = shown(RAMP, FrameFacts(windows=(Window(100, 1),))).reshape(-1)
    assert (got[:100].max(), got[100:].min()) == (0, 255)


@given(hnp.arrays(np.int16, (7, 9)), st.floats(-500, 500), st.floats(1, 3000))
def test_few_and_many_pixels_go_the_same_way(values: Array, center: float, width: float) -> None:
    """Through a table of all values or directly: the same levels."""
    facts = FrameFacts(windows=(Window(center, width),))
    options = {"signed": True, "bits_stored": 16, "high_bit": 15}
    small = shown(values.view(np.uint16), facts, **options)
    tiled = shown(np.tile(values, (40, 40)).view(np.uint16), facts, **options)
    assert np.array_equal(np.tile(small, (40, 40)), tiled)


# -- which transformation ----------------------------------------------------------------------------------------


def test_a_chosen_window_and_table_rule_over_those_of_the_image() -> None:
    lut = Lut(0, np.linspace(4095, 0, 4096).astype(np.uint16), 12)
    facts = FrameFacts(windows=(Window(600, 100), Window(900, 10)), voi_luts=(lut,))
    stored = shown(RAMP, facts).reshape(-1)
    assert (stored[540], stored[660]) == (0, 255)
    chosen = shown(RAMP, facts, View(window=Window(2048, 4096, "LINEAR_EXACT"))).reshape(-1)
    assert abs(int(chosen[2048]) - 128) <= 1
    by_table = shown(RAMP, facts, View(voi_lut=0)).reshape(-1)
    assert (by_table[0], by_table[-1]) == (255, 0)
    with pytest.raises(Invalid, match="no such VOI LUT"):
        shown(RAMP, facts, View(voi_lut=1))


@pytest.mark.parametrize(("center", "width"), [(40, 0), (40, -5), (math.nan, 100), (40, math.inf)])
def test_impossible_windows_are_refused(center: float, width: float) -> None:
    with pytest.raises(Invalid, match="width above 0"):
        shown(RAMP, None, View(window=Window(center, width)))


def test_a_table_alone_is_applied() -> None:
    lut = Lut(1000, np.array([0, 50, 100, 255], np.uint16), 8)
    got = shown(RAMP, FrameFacts(rescale=Rescale(1, 900), voi_luts=(lut,))).reshape(-1)
    assert got[:105].tolist() == [0] * 101 + [50, 100, 255, 255]


def test_without_a_window_the_whole_range_is_shown_without_the_padding() -> None:
    cells = np.array([[0, 1000, 1500, 2000]], np.uint16)
    assert shown(cells, padding=(0, 0)).tolist() == [[0, 0, 128, 255]]
    assert shown(cells).tolist() == [[0, 128, 191, 255]]


def test_padding_of_an_inverted_image_does_not_glare() -> None:
    cells = np.array([[0, 1000, 2000]], np.uint16)
    facts = FrameFacts(windows=(Window(1500, 1000),))
    assert shown(cells, facts, photometric="MONOCHROME1").tolist()[0][0] == 255
    assert shown(cells, facts, photometric="MONOCHROME1", padding=(0, 0)).tolist()[0] == [0, 255, 0]


def test_eight_bit_images_without_a_window_stay_as_they_are() -> None:
    cells = np.array([[3, 90, 100]], np.uint8)
    assert shown(cells, bits_allocated=8, bits_stored=8, high_bit=7).tolist() == [[3, 90, 100]]


def test_a_flat_image_without_a_window_is_no_error() -> None:
    assert shown(np.full((3, 3), 700, np.uint16)).max() == 0


@pytest.mark.parametrize(("photometric", "inverse", "dark"), [
    ("MONOCHROME2", False, 0), ("MONOCHROME1", False, 255), ("MONOCHROME2", True, 255), ("MONOCHROME1", True, 255),
])  # fmt: skip
def test_presentation_inverts_once(photometric: str, inverse: bool, dark: int) -> None:
    got = shown(RAMP, photometric=photometric, inverse=inverse).reshape(-1)
    assert (got[0], got[-1]) == (dark, 255 - dark)
    again = shown(RAMP, None, View(invert=True), photometric=photometric, inverse=inverse).reshape(-1)
    assert again[0] == 255 - dark


def test_a_modality_table_comes_before_the_window() -> None:
    table = Lut(0, (np.arange(4096) // 2 + 10).astype(np.uint16), 16)
    facts = FrameFacts(modality_lut=table, windows=(Window(1034, 2048, "LINEAR_EXACT"),))
    got = shown(RAMP, facts).reshape(-1)
    wanted = [linear_exact(x // 2 + 10, 1034, 2048) for x in range(4096)]
    assert np.abs(got - np.array(wanted)).max() <= 1


def test_real_numbers_and_their_gaps() -> None:
    values = np.array([[0.0, 0.25, 0.5, np.nan, np.inf, 1.0]], np.float32)
    options: dict[str, Any] = {"cell": Cell.FLOAT, "bits_allocated": 32, "bits_stored": 32, "high_bit": 31}
    got = shown(values, FrameFacts(windows=(Window(0.5, 1.0),)), **options)
    assert got.tolist() == [[0, 64, 128, 0, 255, 255]]
    assert shown(values, **options).tolist() == [[0, 64, 128, 0, 255, 255]]


@given(hnp.arrays(np.int32, (5, 5)))
def test_cells_of_thirty_two_bits(values: Array) -> None:
    got = shown(values.view(np.uint32), bits_allocated=32, bits_stored=32, high_bit=31, signed=True)
    low, high = float(values.min()), float(values.max())
    wanted = (values - low) / (high - low) * 255 if high > low else np.zeros((5, 5))
    assert np.abs(got - wanted).max() <= 1


def test_the_default_window_of_an_image() -> None:
    described = spec(1, 3)
    facts = FrameFacts(rescale=Rescale(2, -10))
    assert default_window(described, facts, np.array([[5, 10, 105]], np.uint16)) == Window(100, 200, "LINEAR_EXACT")
    assert default_window(described, FrameFacts(voi_luts=(Lut(0, np.array([1], np.uint16), 8),)), RAMP) is None


# -- DCMTK as an independent renderer ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "view", "error"),
    [
        ("ct/CT_small.dcm", ["+Ww", "40", "400"], View(window=Window(40, 400)), 1),
        ("ct/philips_head_5mm_28/I10.dcm", ["+Wi", "1"], View(), 1),
        ("ct/philips_head_5mm_28/I10.dcm", ["+Ww", "40", "80", "+Wfs"], View(window=Window(40, 80, "SIGMOID")), 1),
        ("mr/ge_axial_19/brain_010.dcm", ["+Ww", "600", "1200"], View(window=Window(600, 1200)), 1),
        ("dx/dx_image.dcm", ["+Wi", "1"], View(), 1),
        ("cr/CR-ModalitySequenceLUT.dcm", ["+Ww", "2000", "3000"], View(window=Window(2000, 3000)), 1),
        ("syntax/lut/mlut_18.dcm", ["+Ww", "500", "900"], View(window=Window(500, 900)), 1),
        ("syntax/lut/vlut_04.dcm", ["+Wl", "1"], View(voi_lut=0), 1),
        ("mg/ge_ffdm.dcm", ["+Wl", "2"], View(voi_lut=1), 1),
        ("us/OBXXXX1A.dcm", [], View(), 1),
        ("us/US-YBR_FULL_422-EVRLE.dcm", [], View(), 2),
        ("syntax/pattern/TestPattern_Palette.dcm", [], View(), 0),
        ("syntax/pattern/TestPattern_Palette_16.dcm", [], View(), 1),
        ("syntax/pattern/TestPattern_RGB.dcm", [], View(), 0),
    ],
)
def test_samples_look_as_dcmtk_shows_them(
    name: str, options: list[str], view: View, error: int, tmp_path: Path
) -> None:
    source, out = sample(name), tmp_path / "out.png"
    plain = tmp_path / "plain.dcm"
    if scan(source.read_bytes()).pixel_length is None:
        subprocess.run([program("dcmdjpeg"), str(source), str(plain)], check=True, capture_output=True)
        source = plain
    command = [program("dcmj2pnm"), "+on", "-O", "-S", *options, str(source), str(out)]
    subprocess.run(command, check=True, capture_output=True)
    found = opened_sample(name)
    got = render_frame(found.spec, found.frame(), found.table.transfer_syntax, 0, view)
    wanted = np.asarray(Image.open(out))
    assert got.shape == wanted.shape
    assert np.abs(got.astype(int) - wanted).max() <= error


# -- colour ------------------------------------------------------------------------------------------------------


def colour(samples: Array, photometric: str, **more: Any) -> Array:
    options: dict[str, Any] = {"bits_allocated": 8, "bits_stored": 8, "high_bit": 7} | more
    described = spec(*samples.shape[:2], photometric=photometric, **options, samples=samples.shape[2])
    return render_decoded(described, Decoded(samples, photometric))


@given(hnp.arrays(np.uint8, (4, 5, 3)))
def test_ybr_by_the_formula_of_the_standard(ybr: Array) -> None:
    y, cb, cr = (ybr[..., channel].astype(float) for channel in range(3))
    rgb = [y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128), y + 1.772 * (cb - 128)]
    wanted = np.clip(np.stack(rgb, axis=-1), 0, 255)
    assert np.abs(colour(ybr, "YBR_FULL") - wanted).max() <= 0.51


def test_partial_range_ybr() -> None:
    assert colour(np.array([[[16, 128, 128], [235, 128, 128]]], np.uint8), "YBR_PARTIAL_422").tolist() == [
        [[0, 0, 0], [255, 255, 255]]
    ]


def test_deeper_colour_keeps_its_high_bits() -> None:
    deep = np.array([[[0xFFFF, 0x8000, 0x00FF]]], np.uint16)
    got = colour(deep, "RGB", bits_allocated=16, bits_stored=16, high_bit=15)
    assert got.tolist() == [[[255, 128, 0]]]


def test_colours_that_nobody_can_show() -> None:
    with pytest.raises(Invalid, match="cannot be shown"):
        colour(np.zeros((2, 2, 3), np.uint8), "HSV")


def test_supplemental_palette_colours_only_its_values() -> None:
    table = Lut(100, np.array([0, 65535], np.uint16), 16)
    black = Lut(100, np.array([0, 0], np.uint16), 16)
    facts = FrameFacts(windows=(Window(50, 100, "LINEAR_EXACT"),))
    got = shown(
        np.array([[0, 50, 100, 101]], np.uint16), facts, palette=Palette(table, black, black, supplemental=True)
    )
    assert got.tolist() == [[[0, 0, 0], [128, 128, 128], [0, 0, 0], [255, 0, 0]]]


def test_a_palette_image_as_pydicom_shows_it() -> None:
    found = opened_sample("us/US-PAL-8-10x-echo.dcm")
    dataset = pydicom.dcmread(data.ROOT / "us/US-PAL-8-10x-echo.dcm")
    wanted = pydicom.pixels.apply_color_lut(dataset.pixel_array[4], dataset) >> 8
    assert np.array_equal(render_frame(found.spec, found.frame(4), found.table.transfer_syntax, 4), wanted)


# -- overlays, crop, size ----------------------------------------------------------------------------------------


def test_overlays_are_drawn_only_when_asked_and_clipped_to_the_image() -> None:
    plane = np.ones((2, 3), np.uint8)
    packed = np.packbits(plane.reshape(-1), bitorder="little").tobytes()
    inside = Overlay(0x6000, 2, 3, (2, 2), 1, 1, 0, "G", packed)
    outside = Overlay(0x6002, 2, 3, (0, 4), 1, 1, 0, "G", packed)
    cells = np.zeros((4, 5), np.uint8)
    options: dict[str, Any] = {"bits_allocated": 8, "bits_stored": 8, "high_bit": 7, "overlays": (inside, outside)}
    assert shown(cells, **options).max() == 0
    wanted = np.zeros((4, 5), np.uint8)
    wanted[1:3, 1:4] = 255
    wanted[0:1, 3:5] = 255
    assert np.array_equal(shown(cells, None, View(overlays=True), **options), wanted)


def test_overlays_of_a_real_image_in_planes_and_in_cells() -> None:
    found = opened_sample("syntax/lut/ovly_p01.dcm")
    bare = render_frame(found.spec, found.frame(), found.table.transfer_syntax)
    drawn = render_frame(found.spec, found.frame(), found.table.transfer_syntax, 0, View(overlays=True))
    cells = np.frombuffer(found.frame(), "<u2").reshape(512, 512)
    assert drawn[(cells >> 15) & 1 == 1].min() == 255
    assert drawn[(cells >> 14) & 1 == 1].min() == 255
    changed = drawn != bare
    assert 0 < changed.sum() < changed.size / 4
    assert (drawn[changed] == 255).all()


def test_crop_and_flip() -> None:
    cells = np.arange(12, dtype=np.uint8).reshape(3, 4)
    options: dict[str, Any] = {"bits_allocated": 8, "bits_stored": 8, "high_bit": 7}
    assert shown(cells, None, View(crop=(1, 0, 2, 2)), **options).tolist() == [[1, 2], [5, 6]]
    both = View(crop=(1, 0, 2, 2), flip_horizontal=True, flip_vertical=True)
    assert shown(cells, None, both, **options).tolist() == [[6, 5], [2, 1]]
    for crop in ((0, 0, 5, 1), (-1, 0, 1, 1), (0, 0, 0, 1), (3, 2, 2, 1)):
        with pytest.raises(Invalid, match="not inside"):
            shown(cells, None, View(crop=crop), **options)


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 2000), st.integers(1, 2000), st.floats(0.1, 10))
def test_a_picture_fits_its_viewport_and_keeps_its_proportions(w: int, h: int, vw: int, vh: int, tall: float) -> None:
    width, height = fitted(w, h, (vw, vh), (tall, 1.0))
    assert 1 <= width <= vw
    assert 1 <= height <= vh
    assert width == vw or height == vh
    scale = min(vw / w, vh / (h * tall))
    assert abs(width - max(1, w * scale)) <= 0.5
    assert abs(height - max(1, h * tall * scale)) <= 0.5


@pytest.mark.parametrize("viewport", [(0, 10), (10, -1), (100_000, 10)])
def test_impossible_viewports_are_refused(viewport: tuple[int, int]) -> None:
    with pytest.raises(Invalid, match="viewport"):
        shown(RAMP, None, View(viewport=viewport))


def test_smaller_pictures_average_fine_lines_instead_of_dropping_them() -> None:
    lines = np.zeros((512, 512), np.uint8)
    lines[:, ::2] = 200
    small = shown(lines, None, View(viewport=(64, 64)), bits_allocated=8, bits_stored=8, high_bit=7)
    assert small.shape == (64, 64)
    assert np.abs(small.astype(int) - 100).max() <= 6


# -- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("media_type", "name"),
    [("image/jpeg", "JPEG"), ("image/png", "PNG"), ("image/gif", "GIF"), ("image/jp2", "JPEG2000")],
)
@pytest.mark.parametrize("shape", [(32, 40), (32, 40, 3)])
def test_pictures_are_files_that_others_open(media_type: str, name: str, shape: tuple[int, ...]) -> None:
    picture = np.broadcast_to(np.linspace(0, 255, 40).astype(np.uint8).reshape((40,) + (1,) * (len(shape) - 2)), shape)
    picture = np.ascontiguousarray(picture)
    again = Image.open(io.BytesIO(encode(picture, media_type, 95)))
    assert again.format == name
    mode = "RGB" if len(shape) == 3 else "L"
    assert np.abs(np.asarray(again.convert(mode)).astype(int) - picture).max() <= (4 if name in ("JPEG", "GIF") else 0)


def test_colours_of_a_jpeg_stay() -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[:] = (200, 30, 60)
    again = np.asarray(Image.open(io.BytesIO(encode(picture, "image/jpeg", 92))))
    assert np.abs(again.astype(int) - picture).max() <= 4


def test_a_lower_quality_is_smaller() -> None:
    found = opened_sample("ct/philips_head_5mm_28/I100.dcm")
    arguments = (found.spec, found.frame(), found.table.transfer_syntax)
    assert len(render_encoded(*arguments, quality=20)) < len(render_encoded(*arguments, quality=90)) / 2
    with pytest.raises(Invalid, match="quality"):
        render_encoded(*arguments, quality=0)
    with pytest.raises(Invalid, match="JPEG, PNG"):
        render_encoded(*arguments, media_type="image/tiff")


def test_a_child_process_renders() -> None:
    found = opened_sample("ct/eCT_Supplemental.dcm")
    arguments = (found.spec.only(1), found.frame(1), found.table.transfer_syntax)
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        made = pool.submit(render_encoded, *arguments).result()
    assert made == render_encoded(found.spec, found.frame(1), found.table.transfer_syntax, 1)


# -- thumbnails --------------------------------------------------------------------------------------------------


def test_a_thumbnail_is_square_and_true_to_proportions() -> None:
    found = opened_sample("ct/philips_head_scout/I10.dcm")
    picture = np.asarray(
        Image.open(io.BytesIO(thumbnail(found.spec, found.frame(), found.table.transfer_syntax, side=128)))
    )
    assert picture.shape == (128, 128)
    height = 128 * found.spec.rows * found.spec.aspect[0] / (found.spec.columns * found.spec.aspect[1])
    margin = int((128 - height) / 2) - 8
    assert margin > 0
    assert picture[:margin].max() <= 8
    assert picture[64].max() > 60


def thumbnail_file(content: bytes) -> bytes | None:
    header = scan(content)
    return thumbnail_of(header, lambda offset, length: content[offset : offset + length], len(content))


@pytest.mark.parametrize("name", ["sr/sr_document.dcm", "ecg/waveform_ecg.dcm", "rt/rtstruct.dcm", "rt/rtplan.dcm"])
def test_what_has_no_picture_has_no_thumbnail(name: str) -> None:
    assert thumbnail_file(sample(name).read_bytes()) is None


def test_video_has_no_thumbnail() -> None:
    assert thumbnail_file(Picture(allocated=8, frames=20).file(encapsulated(b"ab"), MPEG4)) is None


def test_the_thumbnail_of_many_frames_is_the_middle_one() -> None:
    frames = [_codecs.encode_rle(np.full((40, 40), value, np.uint8)) for value in (10, 20, 200, 40, 50)]
    content = Picture(rows=40, columns=40, allocated=8, frames=5).file(encapsulated(*frames), RLE)
    made = thumbnail_file(content)
    assert made is not None
    assert abs(int(np.asarray(Image.open(io.BytesIO(made)))[64, 64]) - 200) <= 3
    cut = Picture(rows=40, columns=40, allocated=8, frames=50).file(encapsulated(*frames), RLE)
    assert thumbnail_file(cut) is not None


@pytest.mark.parametrize(
    "row", [row for row in data.all_dicom() if not row.name.startswith(("dicomdir/", "robust/"))], ids=str
)
def test_every_sample_with_pixels_has_a_thumbnail(row: data.Sample) -> None:
    content = row.read()
    if scan(content).pixel_tag is None:
        assert thumbnail_file(content) is None
        return
    found = opened(content)
    number = found.table.frames // 2
    made = thumbnail(replace(found.spec), found.frame(number), found.table.transfer_syntax, number)
    assert Image.open(io.BytesIO(made)).size == (128, 128)


def test_a_region_of_a_hostile_image_does_not_cost_its_claimed_size() -> None:
    content = Picture(rows=65535, columns=65535, allocated=8, frames=9).file(make.explicit(0x7FE00010, "OB", bytes(10)))
    with pytest.raises(Invalid):
        thumbnail_file(content)
