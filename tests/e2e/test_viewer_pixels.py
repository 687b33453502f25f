"""What the screen shows is what the object says: grey levels on the canvas, values under the pointer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels.processing import apply_color_lut

from tests import data
from tests.e2e.pictures import (
    DX_IMAGE,
    FILMS,
    SECONDARY_CAPTURE,
    WINDOW,
    Film,
    Study,
    as_only_of,
    ct_stack,
    grey_levels,
    lut_item,
    modality_values,
    ramp,
)
from tests.e2e.reading import Reader


def test_ct_grey_levels_are_within_one_of_the_window(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 101, "E2E-101")
    files = ct_stack(study)
    reader.store(files)
    reader.open(study.uid)
    for index in (0, 5, 11):
        reader.press("Home", *["ArrowDown"] * index)
        assert reader.viewport()["index"] == index
        error = reader.compare(grey_levels(files[index]))
        assert error.compared > 150_000
        assert error.beyond_one == 0, error


@pytest.mark.parametrize("film", FILMS, ids=lambda film: film.what)
def test_plain_film_grey_levels_follow_the_voi_function(reader: Reader, tmp_path: Path, film: Film) -> None:
    """The released drawing library turns an image with a VOI LUT Function white; a control without it is right."""
    study = Study(tmp_path, 110 + FILMS.index(film), f"E2E-11{FILMS.index(film)}")
    path = study.write(DX_IMAGE, "DX", ramp(), ImagerPixelSpacing=[0.2, 0.2], **film.attributes)
    reader.store(path)
    reader.open(study.uid)
    error = reader.compare(grey_levels(path))
    assert error.beyond_one == 0, (film.what, error)


def test_modality_lut_comes_before_the_window(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 120, "E2E-120")
    table = (np.arange(4096)[::-1] * 2).astype(np.uint16)
    item = lut_item(table, 0)
    item.ModalityLUTType = "US"
    path = study.write(
        DX_IMAGE, "DX", ramp(), ModalityLUTSequence=[item], WindowCenter=4096, WindowWidth=8192, ImagerPixelSpacing=[0.2, 0.2]
    )  # fmt: skip
    reader.store(path)
    reader.open(study.uid)
    values = table[dcmread(path).pixel_array].astype(float)
    wanted = np.clip((values - 4095.5) / 8191 + 0.5, 0, 1) * 255
    assert reader.compare(wanted).beyond_one == 0


def test_signed_pixels_and_wide_cells_keep_their_sign(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 121, "E2E-121")
    values = (ramp().astype(np.int32) - 2048).astype(np.int16)
    path = study.write(DX_IMAGE, "DX", values, WindowCenter=0, WindowWidth=2000, ImagerPixelSpacing=[0.2, 0.2])
    reader.store(path)
    reader.open(study.uid)
    assert reader.compare(grey_levels(path)).beyond_one == 0


def test_colour_and_sixteen_bit_palettes_are_exact(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 122, "E2E-122")
    y, x = np.mgrid[:256, :256]
    rgb = np.stack([x, y, 255 - x], axis=-1).astype(np.uint8)
    entries = np.arange(256)
    channels = {"Red": entries * 257, "Green": (255 - entries) * 257, "Blue": np.full(256, 30000)}
    palette: dict[str, Any] = {
        **{f"{name}PaletteColorLookupTableDescriptor": [256, 0, 16] for name in channels},
        **{f"{name}PaletteColorLookupTableData": table.astype("<u2").tobytes() for name, table in channels.items()},
        "PhotometricInterpretation": "PALETTE COLOR",
    }
    reader.store(
        study.write(SECONDARY_CAPTURE, "OT", rgb, series=1),
        study.write(SECONDARY_CAPTURE, "OT", x.astype(np.uint8), series=2, **palette),
    )
    reader.open(study.uid)
    assert reader.compare(rgb.astype(float)).largest == 0
    reader.press("PageDown")
    wanted = np.stack([x, 255 - x, np.full_like(x, 30000 >> 8)], axis=-1).astype(float)
    assert reader.compare(wanted).largest == 0


COLOURED = (
    "syntax/SC_rgb_rle_16bit_2frame.dcm",
    "syntax/SC_rgb_rle_32bit_2frame.dcm",
    "syntax/SC_ybr_full_422_uncompressed.dcm",
    "syntax/pattern/TestPattern_RGB.dcm",
    "syntax/pattern/TestPattern_Palette_16.dcm",
    "us/US-PAL-8-10x-echo.dcm",
    "us/gdcm-US-ALOKA-16.dcm",
)


@pytest.mark.parametrize("name", COLOURED)
def test_real_colour_is_the_same_to_the_last_bit(reader: Reader, tmp_path: Path, name: str) -> None:
    """RLE beyond eight bits, subsampled YBR, palettes of 8 and 16 bits, one of them in segments."""
    number = 130 + COLOURED.index(name)
    path = as_only_of(Study(tmp_path, number, f"E2E-{number}"), data.named(name).path)
    ds = dcmread(path)
    reader.store(path)
    reader.open(ds.StudyInstanceUID)
    assert reader.viewport()["sopUid"] == ds.SOPInstanceUID
    first = ds.pixel_array[0] if int(ds.get("NumberOfFrames", 1)) > 1 else ds.pixel_array
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        first = apply_color_lut(first, ds)
    bits = first.itemsize * 8 if first.max() > 255 else 8
    wanted = (first >> (bits - 8))[..., :3]
    assert reader.compare(wanted.astype(float)).largest == 0


REAL = (
    "ct/philips_head_5mm_28/I100.dcm",
    "ct/CT_small.dcm",
    "mr/ge_axial_19/brain_010.dcm",
    "mr/MR_small_RLE.dcm",
    "mr/MR_small_bigendian.dcm",
    "dx/dx_image.dcm",
    "syntax/lut/test16signed.dcm",
)


@pytest.mark.parametrize("name", REAL)
def test_value_under_the_pointer_is_the_objects(reader: Reader, tmp_path: Path, name: str) -> None:
    number = 140 + REAL.index(name)
    path = as_only_of(Study(tmp_path, number, f"E2E-{number}"), data.named(name).path)
    ds, values = dcmread(path), modality_values(path)
    reader.store(path)
    reader.open(ds.StudyInstanceUID)
    rows, columns = values.shape
    assert reader.viewport()["sopUid"] == ds.SOPInstanceUID
    for row, column in [(0, 0), (rows - 1, columns - 1), (rows // 2, columns // 2), (rows // 3, columns // 5), (3, 7)]:
        words = reader.probe(column, row)
        place, _, value = words.partition(": ")
        assert place == f"{column}, {row}"
        assert float(value.split()[0]) == pytest.approx(float(values[row, column]), abs=0.01)
        assert (" HU" in words) == (ds.Modality == "CT" and "RescaleSlope" in ds), words


def _index_of(reader: Reader, sop_uid: str) -> int:
    """Looks through every series until this object is on the screen. The archive may hold more of the study, in any order, from
    tests that stored their files before; what opens need not be the first of it."""
    while _moves(reader, "PageUp"):
        pass
    while True:
        reader.press("Home")
        for index in range(reader.viewport()["count"]):
            if index > 0:
                reader.press("ArrowDown")
            if reader.viewport()["sopUid"] == sop_uid:
                return index
        assert _moves(reader, "PageDown"), "the object is in no series of the study"


def _moves(reader: Reader, key: str) -> bool:
    before = reader.hanging()
    reader.press(key)
    return reader.hanging() != before


def test_an_object_is_found_whatever_else_of_its_study_was_stored_before(reader: Reader) -> None:
    """Maps computed from an image come with the number of its series, and a report in the series itself."""
    names = (
        "pm/parametric_map_double_float.dcm",
        "ct/CT_small.dcm",
        "pm/parametric_map_float.dcm",
        "sr/sr_document.dcm",
    )
    paths = [data.named(name).path for name in names]
    for path in paths:
        reader.store(path)
    reader.open(str(dcmread(paths[1]).StudyInstanceUID))
    for path in paths[:3]:
        index = _index_of(reader, str(dcmread(path, stop_before_pixels=True).SOPInstanceUID))
        assert reader.viewport()["index"] == index


def test_units_are_not_claimed(reader: Reader, tmp_path: Path) -> None:
    """Guard 11: a screen capture that calls itself CT has no HU; a plain film has none either."""
    study = Study(tmp_path, 123, "E2E-123")
    capture = study.write(SECONDARY_CAPTURE, "CT", ramp(), RescaleSlope=1, RescaleIntercept=-1024, **WINDOW)
    reader.store(capture)
    reader.open(study.uid)
    value = int(dcmread(capture).pixel_array[10, 10]) - 1024
    assert reader.probe(10, 10) == f"10, 10: {value}"
