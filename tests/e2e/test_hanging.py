"""Stories of hanging: how studies come up, what goes with them, and how a reader makes them come up otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import hangings
from tests.e2e.reading import HOOK, Reader

_AXES = "wcag2a wcag2aa wcag21aa wcag22aa"


def _hung(reader: Reader) -> list[tuple[str, int]]:
    """Of each pane, in order: the last number of the series, and the image."""
    reports = sorted(reader.viewports(), key=lambda report: report["pane"])
    return [((report["seriesUid"] or "").rpartition(".")[2], report["index"]) for report in reports if report["status"] == "ready"]  # fmt: skip


def _window(reader: Reader, pane: int) -> tuple[float, float]:
    voi = reader.viewport(pane)["voi"]
    return voi["center"], voi["width"]


def _marks(reader: Reader, pane: int) -> str:
    return str(reader.page.inner_text(f'[data-testid="marks-{pane}"]'))


@pytest.fixture
def shot(request: pytest.FixtureRequest, reader: Reader) -> Any:
    folder = Path(request.config.rootpath) / "tests" / "out" / "hanging"
    folder.mkdir(parents=True, exist_ok=True)
    return lambda name: reader.page.screenshot(path=folder / f"{name}.png")


def test_a_chest_hangs_by_what_its_series_are(reader: Reader, tmp_path: Path, shot: Any) -> None:
    """Soft and lung with their windows, the prior one key away, a later study never (guards 4, 7; BIR: sets side by side)."""
    now, before = hangings.chest(410, "20260301"), hangings.chest(411, "20250101")
    later = hangings.chest(412, "20260401")
    reader.store(*(hangings.write(study, tmp_path) for study in (now, before, later)))
    reader.open(now.uid)
    assert [series for series, _ in _hung(reader)] == ["2", "3", "4"], "soft, lung, coronal; no scout"
    assert (_window(reader, 0), _window(reader, 1)) == ((50, 350), (-600, 1500))
    shot("chest")
    reader.press("ArrowDown", "ArrowDown")
    assert [index for _, index in _hung(reader)][:2] == [2, 2], "the same frame of reference is scrolled together"
    assert reader.page.locator('[data-pane="2"] [data-testid="reference-line"]').count() == 1
    assert reader.page.locator('[data-pane="2"] [data-testid="reference-end"]').count() == 2, "first and last image"
    _with_prior(reader, now.uid, before.uid, shot)
    _explained(reader, shot)


def _with_prior(reader: Reader, now: str, before: str, shot: Any) -> None:
    reader.press(".")
    reader.until(f"() => {HOOK}.viewports().filter((v) => v.status === 'ready').length === 2")
    reader.settle()
    assert {report["studyUid"] for report in reader.viewports()} == {now, before}, "the later study hangs nowhere"
    assert "PRIOR" in _marks(reader, 1)
    assert "14 months" in _marks(reader, 1)
    shot("chest-with-prior")
    reader.press("ArrowDown", "ArrowDown")
    assert _hung(reader) == [("2", 2), ("2", 0)], "another frame of reference is not"
    reader.press("Shift+G", "ArrowDown")
    assert _hung(reader) == [("2", 3), ("2", 1)], "until the reader says where they belong together"
    reader.press(",")
    assert [series for series, _ in _hung(reader)] == ["2", "3", "4"]
    reader.page.mouse.move(*reader.point_of(40, 45))
    reader.press("x")
    assert reader.page.get_by_test_id("space-cursor").count() == 3, "3D cursor: every pane of the frame of reference"
    assert _hung(reader)[2] == ("4", 6), "the coronal that passes through the point"
    reader.press("Escape")
    assert reader.page.get_by_test_id("space-cursor").count() == 0


def _explained(reader: Reader, shot: Any) -> None:
    reader.page.get_by_role("button", name="Hanging protocol: CT chest").click()
    reader.page.get_by_role("menuitem", name="Why this hang").click()
    sheet = reader.page.get_by_role("region", name="Why this hang")
    text = sheet.inner_text()
    assert "CT chest" in text
    assert "body_part" in text
    assert "by “lung”" in text
    shot("explain")
    reader.press("Escape")
    assert sheet.count() == 0


def test_breasts_hang_back_to_back_and_equally_large(reader: Reader, tmp_path: Path, shot: Any) -> None:
    now, before = (
        hangings.mammogram(420, "20260301"),
        hangings.mammogram(421, "20250101", ImagerPixelSpacing=[0.4, 0.4]),
    )
    reader.store(*(hangings.write(study, tmp_path) for study in (now, before)))
    reader.open(now.uid)
    assert [series for series, _ in _hung(reader)] == ["1", "2", "3", "4"], "RCC LCC over RMLO LMLO"
    assert [reader.viewport(pane)["flipHorizontal"] for pane in range(4)] == [False, False, False, True]
    assert "FLIPPED" in _marks(reader, 3), "guard 8"
    assert [reader.letters(pane)[-1] for pane in range(4)] == ["A", "P", "A", "P"], "chest walls meet in the middle"
    for pane, column in ((0, 119), (1, 0), (2, 119), (3, 119)):
        box = reader.page.query_selector(f'[data-viewport="{pane}"]').bounding_box()
        middle = box["x"] + (box["width"] if pane % 2 == 0 else 0)
        assert abs(reader.point_of(column, 80, pane)[0] - middle) < 4, (
            "the edge of the picture is at the edge of the pane"
        )
    shot("mammography")
    reader.press(".")
    reader.until(f"() => {HOOK}.viewports().filter((v) => v.status === 'ready').length === 4")
    reader.settle()
    assert [reader.viewport(pane)["studyUid"] for pane in range(4)] == [now.uid, now.uid, before.uid, before.uid]
    per_mm = [
        reader.viewport(pane)["zoom"] / spacing for pane, spacing in zip(range(4), (0.5, 0.5, 0.4, 0.4), strict=True)
    ]
    assert max(per_mm) - min(per_mm) < 1e-6, "from detectors of two kinds as large as each other"
    shot("mammography-with-prior")


def test_a_brain_and_what_the_reader_makes_of_it(reader: Reader, tmp_path: Path, shot: Any) -> None:
    """Layouts, swapping, what was not displayed, saving what is seen; the next case begins as its rules say (guard 4)."""
    one, two = hangings.brain(430, "20260301"), hangings.brain(431, "20260302")
    reader.store(hangings.write(one, tmp_path), hangings.write(two, tmp_path))
    reader.open(one.uid)
    assert [series for series, _ in _hung(reader)] == ["6", "5", "4", "2", "3", "7"], "T1 T2 FLAIR DWI ADC T1 post"
    assert "2 series not displayed" in reader.page.get_by_test_id("not-shown").inner_text()
    shot("brain")
    _rearranged(reader, shot)
    reader.open(two.uid)
    assert [series for series, _ in _hung(reader)] == ["6", "5", "4", "2", "3", "7"], "nothing is carried over"
    reader.page.get_by_label("Layout").click()
    reader.page.get_by_role("button", name="1 × 2", exact=True).click()
    reader.settle()
    assert [series for series, _ in _hung(reader)] == ["6", "5"]
    reader.page.get_by_role("button", name="Hanging protocol:").click()
    reader.page.get_by_role("menuitem", name="Save what I see").click()
    reader.page.get_by_label("Name").fill("Brain in two")
    shot("save")
    reader.page.get_by_role("button", name="Save", exact=True).click()
    reader.page.get_by_text("“Brain in two” saved").wait_for()
    reader.open(one.uid)
    assert [series for series, _ in _hung(reader)] == ["6", "5"], "the saved rule hangs another study of the kind"
    assert reader.page.get_by_role("button", name="Hanging protocol: Brain in two").is_visible()
    _taken_away(reader, shot)


def _rearranged(reader: Reader, shot: Any) -> None:
    reader.page.locator('[data-pane="0"]').hover()
    reader.page.get_by_test_id("grip-0").drag_to(reader.page.locator('[data-pane="1"]'))
    reader.comes_to(lambda: [series for series, _ in _hung(reader)][:2], ["5", "6"])
    reader.page.get_by_label("Layout").click()
    shot("layouts")
    reader.page.get_by_role("button", name="One large, two beside").click()
    reader.settle()
    assert [series for series, _ in _hung(reader)] == ["5", "6", "4"]
    boxes = [reader.page.locator(f'[data-pane="{pane}"]').bounding_box() for pane in range(3)]
    assert boxes[0]["height"] > 1.9 * boxes[1]["height"]
    assert boxes[0]["width"] > 1.9 * boxes[1]["width"]
    reader.page.get_by_role("button", name="Hanging protocol:").click()
    reader.page.get_by_role("menuitem", name="Back to the protocol").click()
    reader.settle()
    assert [series for series, _ in _hung(reader)] == ["6", "5", "4", "2", "3", "7"]


def _taken_away(reader: Reader, shot: Any) -> None:
    page = reader.page
    page.goto("/hanging")
    page.get_by_role("button", name="Brain in two").click()
    page.get_by_role("button", name="Try them").click()
    page.get_by_role("table", name="Tried on stored studies").wait_for()
    shot("studio")
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Brain in two").wait_for(state="detached")


def test_a_second_window_follows_the_first(reader: Reader, tmp_path: Path) -> None:
    """A browser that tells of no other screens opens a plain window; it shows the same case, also the next one (guard 4)."""
    one, two = (replace(hangings.chest(440 + n, f"2026030{n}"), patient=f"BESIDE{n}") for n in (1, 2))
    reader.store(hangings.write(one, tmp_path), hangings.write(two, tmp_path))
    study = reader.open(two.uid)
    with reader.page.expect_popup() as came:
        reader.page.get_by_role("button", name="Use the other screens").click()
    beside = Reader(came.value, reader.server)
    beside.ready()
    assert study in beside.page.url
    assert beside.page.get_by_test_id("beside").inner_text() == "Second window of this case"
    reader.press("ArrowDown", "ArrowDown")
    beside.comes_to(lambda: beside.viewport(0)["index"], 2)
    other = reader.open(one.uid)
    beside.comes_to(lambda: other in beside.page.url, True)
    beside.ready()
    assert {report["studyUid"] for report in beside.viewports() if report["studyUid"]} == {one.uid}
    reader.page.close()
    beside.page.get_by_text("The first window was closed.").wait_for()
    beside.page.close()
