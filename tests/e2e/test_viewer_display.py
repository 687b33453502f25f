"""What the viewer says about pictures, and what it keeps to itself: splits, gaps, geometry, names, keys."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.pictures import CT_IMAGE, US_MULTIFRAME, Pixels, Study, ct_stack
from tests.e2e.reading import Reader

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"


def _diffusion(study: Study) -> list[Path]:
    """Two b-values of eight places, one of which is missing from both."""
    written = []
    for number, (place, b) in enumerate([(place, b) for place in range(8) if place != 4 for b in (0, 1000)]):
        pixels = np.full((64, 64), 100 + place * 20 + b // 10, np.uint16)
        written.append(
            study.write(
                MR_IMAGE, "MR", pixels, instance=number + 1, WindowCenter=200, WindowWidth=400, PixelSpacing=[2, 2],
                ImageOrientationPatient=[1, 0, 0, 0, 1, 0], ImagePositionPatient=[0, 0, 5 * place], DiffusionBValue=float(b),
                FrameOfReferenceUID=f"{study.uid}.99", SliceThickness=5,
            )
        )  # fmt: skip
    return written


def test_guard_7_a_series_of_two_b_values_is_two_stacks_and_says_what_is_missing(
    reader: Reader, tmp_path: Path
) -> None:
    study = Study(tmp_path, 300, "E2E-300")
    files = _diffusion(study)
    reader.store(files)
    reader.open(study.uid)
    tiles = reader.page.locator("nav [data-hangs]")
    assert tiles.count() == 2
    assert ["b 0" in tiles.nth(0).inner_text(), "b 1000" in tiles.nth(1).inner_text()] == [True, True]
    shown = set()
    for name in ("b 0", "b 1000"):
        reader.comes_to(lambda: reader.page.inner_text('[data-testid="stack-name"]'), name)
        assert reader.viewport()["count"] == 7
        for index in range(7):
            if index:
                reader.press("ArrowDown")
            shown.add(reader.viewport()["sopUid"])
        reader.press("PageDown")
    assert len(shown) == len(files), "count in = count shown"
    chip = reader.page.locator('[data-testid="arrangement"] button')
    assert chip.inner_text() == "1 slice missing"
    chip.click()
    assert "1 slice missing between" in reader.page.locator('[data-testid="arrangement"] li').inner_text()


def test_what_has_been_on_the_screen_is_marked_for_the_reader_alone(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 301, "E2E-301")
    reader.store(ct_stack(study, 6))
    reader.open(study.uid)
    left = '[data-testid="unseen"]'
    reader.comes_to(lambda: reader.page.inner_text(left), "5 not displayed")
    told: list[str] = []
    reader.page.on("request", lambda request: told.append(f"{request.method} {request.url} {request.post_data or ''}"))
    reader.press("ArrowDown", "ArrowDown")
    reader.comes_to(lambda: reader.page.inner_text(left), "3 not displayed")
    reader.press("End", "ArrowUp", "ArrowUp")
    reader.comes_to(lambda: reader.page.query_selector(left), None)
    assert [line for line in told if not line.startswith("GET") and study.uid in line] == []


def test_guard_12_teaching_mode_hides_whose_pictures_these_are(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 302, "E2E-302", name="Secretperson^Anna")
    clip = Study(tmp_path, 302, "E2E-302", name="Secretperson^Anna")
    pixels = np.full((3, 64, 64), 90, np.uint8)
    reader.store(
        ct_stack(study, 2),
        clip.write(US_MULTIFRAME, "US", pixels, series=2, FrameTime=50, InstitutionName="Hiddenhouse"),
    )
    reader.open(study.uid)
    secrets = (
        "Secretperson",
        "Anna",
        "E2E-302",
        "E302",
        "1970",
        "Hiddenhouse",
        "20.11.2026",
        "2026-11-20",
        "20 Nov 2026",
    )
    assert "Secretperson" in reader.page.inner_text("body")
    reader.press("Shift+T")
    for _ in range(2):
        text = reader.page.inner_text("body") + reader.page.title()
        assert [word for word in secrets if word in text] == []
        reader.press("PageDown")
    assert reader.page.inner_text('[data-testid="burnt"]') == "Names may be burnt into this image"
    reader.page.get_by_test_id("teaching-banner").get_by_role("button").click()
    assert "Secretperson" in reader.page.inner_text("body")


def test_keys_are_found_changed_kept_and_taken_along(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 303, "E2E-303")
    reader.store(ct_stack(study, 2))
    reader.open(study.uid)
    page = reader.page
    page.keyboard.press("?")
    search = page.get_by_role("textbox", name="Search keys")
    search.fill("invert")
    row = page.locator('[data-command="window.invert"]')
    row.wait_for()
    assert page.locator("[data-command]").count() == 1
    row.get_by_role("button").first.click()
    with page.expect_response("**/preferences/viewer.keys") as saved:
        page.keyboard.press("q")
    assert saved.value.status == 200
    assert row.locator("kbd").all_inner_texts() == ["Q"]
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as file").click()
    kept = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert (kept["window.invert"], kept["tool.window"]) == (["Q"], ["W"])
    page.keyboard.press("Escape")
    reader.open(study.uid)
    reader.press("q")
    assert reader.viewport()["inverted"]
    reader.press("i")
    assert reader.viewport()["inverted"], "the old key has no meaning any more"
    page.keyboard.press("?")
    kept["window.invert"] = ["W"]
    (tmp_path / "keys.json").write_text(json.dumps(kept), encoding="utf-8")
    page.locator('input[type="file"]').set_input_files(tmp_path / "keys.json")
    page.locator('[data-command="tool.window"]', has_text="also: Invert").wait_for()
    with page.expect_response(lambda answer: "viewer.keys" in answer.url and answer.request.method == "PUT"):
        page.get_by_role("button", name="All usual keys").click()
    page.keyboard.press("Escape")
    reader.press("i")
    assert not reader.viewport()["inverted"]


# -- geometry ------------------------------------------------------------------------------------------------------


SPACING = (0.7, 0.4)
DOTS = ((20, 30), (90, 150), (60, 40))
OBLIQUE = (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)


def _phantom() -> Pixels:
    """Three dots of different weight on black, each as wide as three pixels."""
    pixels = np.zeros((120, 180), np.uint16)
    for weight, (row, column) in enumerate(DOTS, start=1):
        pixels[row - 1 : row + 2, column - 1 : column + 2] = 1000 * weight
    return pixels


def _centres(screen: Pixels) -> list[tuple[float, float]]:
    """Where the dots are on the screen, by what is seen and not by what the viewer says: the darkest of them first."""
    grey = screen[..., 0].astype(int)
    found = []
    for low, high in ((60, 110), (140, 200), (230, 256)):
        rows, columns = np.nonzero((grey >= low) & (grey < high))
        # The flanks of brighter dots have these levels too; most of the pixels are those of the dot itself.
        middle = np.median(rows), np.median(columns)
        near = np.hypot(rows - middle[0], columns - middle[1]) < 14
        found.append((float(columns[near].mean()) + 0.5, float(rows[near].mean()) + 0.5))
    return found


def _truth(first: tuple[int, int], second: tuple[int, int]) -> float:
    return float(np.hypot((first[0] - second[0]) * SPACING[0], (first[1] - second[1]) * SPACING[1]))


WAYS = (
    ((), "H LP F RA", False),
    (("r",), "RA H LP F", False),
    (("h",), "H RA F LP", True),
    (("r", "v"), "LP H RA F", True),
)


@pytest.mark.parametrize(
    ("keys", "letters", "flipped"), WAYS, ids=lambda value: str(value) if isinstance(value, str) else ""
)
def test_guard_8_an_oblique_phantom_turned_and_mirrored_measures_true(
    reader: Reader, tmp_path: Path, keys: tuple[str, ...], letters: str, flipped: bool
) -> None:
    study = Study(tmp_path, 304, "E2E-304")
    where: dict[str, Any] = {"ImageOrientationPatient": list(OBLIQUE), "ImagePositionPatient": [-30, 12, 40]}
    path = study.write(
        CT_IMAGE, "CT", _phantom(), PixelSpacing=list(SPACING), FrameOfReferenceUID=f"{study.uid}.99", WindowCenter=1500.5,
        WindowWidth=3001, RescaleSlope=1, RescaleIntercept=0, RescaleType="HU", **where,
    )  # fmt: skip
    reader.store(path)
    reader.open(study.uid)
    reader.press(*keys)
    assert reader.letters() == letters
    assert ("FLIPPED" in reader.page.inner_text('[data-testid="marks-0"]')) == flipped
    box = reader.page.query_selector('[data-viewport="0"]').bounding_box()
    dots = [(box["x"] + x, box["y"] + y) for x, y in _centres(reader.canvas())]
    reader.press("d")
    reader.drag(dots[0], dots[1])
    (mark,) = reader.marks()
    assert (mark["basis"], mark["unit"]) == ("spacing", "mm")
    assert mark["value"] == pytest.approx(_truth(DOTS[0], DOTS[1]), abs=min(SPACING) / 2)
    # Away with the line: a press on its end would move it.
    reader.press("Control+z", "a")
    reader.drag(dots[0], dots[2])
    reader.page.mouse.move(*dots[1], steps=5)
    reader.page.mouse.click(*dots[1])
    reader.settle()
    angle = next(item for item in reader.marks() if item["kind"] == "angle")
    one, at, other = (np.array(dot) * SPACING for dot in (DOTS[0], DOTS[2], DOTS[1]))
    arms = one - at, other - at
    wanted = np.degrees(np.arccos(np.dot(*arms) / np.linalg.norm(arms[0]) / np.linalg.norm(arms[1])))
    half_a_pixel = np.degrees(min(SPACING) / 2 / min(map(np.linalg.norm, arms)))
    assert angle["value"] == pytest.approx(float(wanted), abs=float(half_a_pixel))


def test_a_tilted_gantry_is_told(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 305, "E2E-305")
    tilt = np.tan(np.radians(15))
    files = [
        study.write(
            CT_IMAGE, "CT", np.full((32, 32), 100 + place, np.uint16), instance=place + 1, PixelSpacing=[1, 1],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0], ImagePositionPatient=[0, round(5 * place * tilt, 6), 5 * place],
            FrameOfReferenceUID=f"{study.uid}.99", WindowCenter=100, WindowWidth=100,
        )
        for place in range(5)
    ]  # fmt: skip
    reader.store(files)
    reader.open(study.uid)
    assert reader.page.inner_text('[data-testid="arrangement"]') == "Gantry tilted by 15°"
