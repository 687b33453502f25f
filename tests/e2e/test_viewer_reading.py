"""A reader's work at the viewer: open from the list, scroll, link, measure, turn, play, read what has no picture."""

from pathlib import Path

import numpy as np
import pytest

from tests import data
from tests.e2e.pictures import DX_IMAGE, US_MULTIFRAME, WINDOW, Study, as_only_of, ct_stack, ramp
from tests.e2e.reading import HOOK, PATIENCE_S, Reader

KINDS = (
    "ct/philips_head_5mm_28/I100.dcm",
    "mr/ge_axial_19/brain_010.dcm",
    "mr/MOVEKNEE.dcm",
    "mg/ge_ffdm.dcm",
    "cr/CR-ModalitySequenceLUT.dcm",
    "photo/VL5_J2KI.dcm",
    "syntax/ct_same_instance/JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm",
    "syntax/pattern/TestPattern_JPEG-Baseline_YBR422.dcm",
    "ct/CT0012.fragmented_no_bot_jpeg_baseline.51.dcm",
    "nm/NM-MONO2-16-13x-heart.dcm",
    "pm/parametric_map_double_float.dcm",
    "seg/liver.dcm",
)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_picture_is_seen(reader: Reader, tmp_path: Path, name: str) -> None:
    number = 220 + KINDS.index(name)
    study = Study(tmp_path, number, f"E2E-{number}")
    reader.store(as_only_of(study, data.named(name).path))
    reader.open(study.uid)
    assert reader.viewport()["status"] == "ready", reader.viewport()
    assert reader.viewport()["studyUid"] == study.uid
    screen = reader.canvas()
    assert int(screen.max()) - int(screen.min()) > 60, "the picture has light and dark"


def test_from_the_list_to_the_picture(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 201, "E2E-201", name="Zeppelin^Wanda")
    reader.store(ct_stack(study, 3))
    page = reader.page
    page.goto("/")
    page.get_by_role("textbox", name="Name, ID, accession or exam").fill("zeppelin wan")
    row = page.get_by_role("row").filter(has_text="Zeppelin, Wanda").first
    row.wait_for()
    row.dblclick()
    page.wait_for_url("**/study/*")
    reader.ready()
    assert reader.viewport()["studyUid"] == study.uid
    assert "Zeppelin, Wanda" in page.locator("section").filter(has_text="E2E-201").first.inner_text()


def test_scrolling_by_wheel_keys_and_bar(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 202, "E2E-202")
    reader.store(ct_stack(study))
    reader.open(study.uid)
    mouse = reader.page.mouse
    mouse.move(*reader.point_of(128, 128))
    mouse.wheel(0, 100)
    reader.comes_to(lambda: reader.viewport()["index"], 1)
    reader.page.keyboard.down("Shift")
    mouse.wheel(0, 100)
    reader.comes_to(lambda: reader.viewport()["index"], 6)
    reader.page.keyboard.up("Shift")
    reader.settle()
    assert reader.viewport()["index"] == 6
    reader.press("End")
    assert reader.viewport()["index"] == 11
    reader.press("Home", "ArrowDown", "ArrowDown")
    assert reader.viewport()["index"] == 2
    bar = reader.page.get_by_role("slider").first.bounding_box()
    reader.drag(
        (bar["x"] + bar["width"] / 2, bar["y"] + 4), (bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] - 1)
    )
    assert reader.viewport()["index"] == 11
    # The rest is fetched ahead, by and by.
    reader.comes_to(lambda: reader.viewport()["loaded"], 12)


def test_windows_by_drag_and_by_key(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 203, "E2E-203")
    reader.store(ct_stack(study, 2))
    reader.open(study.uid)
    voi = reader.viewport()["voi"]
    assert (voi["center"], voi["width"]) == (80, 200)
    x, y = reader.point_of(128, 128)
    reader.drag((x, y), (x + 60, y + 30))
    dragged = reader.viewport()["voi"]
    assert dragged["width"] > voi["width"]
    assert dragged["center"] > voi["center"]
    reader.press("2")
    assert reader.viewport()["voi"] == {"kind": "window", "center": -600, "width": 1500, "fn": "LINEAR"}
    reader.press("0", "0")
    assert reader.viewport()["voi"]["width"] == 2000, "the second window of the object"
    reader.press("ArrowDown")
    assert reader.viewport()["voi"]["width"] == 2000, "the next image keeps it"
    before = reader.canvas().astype(int)
    reader.press("i")
    assert reader.viewport()["inverted"]
    inside = np.s_[before.shape[0] // 2, before.shape[1] // 2]
    assert abs(int(reader.canvas()[inside][0]) - (255 - int(before[inside][0]))) <= 1
    reader.press(" ")
    assert not reader.viewport()["inverted"]


def test_turning_and_flipping_move_the_letters(reader: Reader, tmp_path: Path) -> None:
    """Guard 8: letters follow the picture, and a mirrored picture says FLIPPED."""
    study = Study(tmp_path, 204, "E2E-204")
    reader.store(ct_stack(study, 1))
    reader.open(study.uid)
    assert reader.letters() == "A L P R"
    reader.press("r")
    assert reader.letters() == "R A L P"
    reader.press("r", "r", "r")
    reader.press("h")
    assert reader.letters() == "A R P L"
    assert "FLIPPED" in reader.page.inner_text('[data-testid="marks-0"]')
    reader.press("v")
    assert reader.letters() == "P R A L"
    assert "FLIPPED" not in reader.page.inner_text('[data-testid="marks-0"]'), "twice mirrored is turned"


def test_a_film_without_orientation_has_no_letters(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 205, "E2E-205")
    reader.store(study.write(DX_IMAGE, "DX", ramp(), ImagerPixelSpacing=[0.2, 0.2], **WINDOW))
    reader.open(study.uid)
    assert reader.letters() == "- - - -"


def test_measurements_say_their_basis(reader: Reader, tmp_path: Path) -> None:
    """Guard 11: millimetres by Pixel Spacing, at the detector, by an ultrasound region, or none."""
    slices = Study(tmp_path, 206, "E2E-206")
    film = Study(tmp_path, 207, "E2E-207")
    bare = Study(tmp_path, 208, "E2E-208")
    reader.store(
        ct_stack(slices, 1),
        film.write(DX_IMAGE, "DX", ramp(), ImagerPixelSpacing=[0.2, 0.2], **WINDOW),
        bare.write("1.2.840.10008.5.1.4.1.1.7", "OT", ramp(), **WINDOW),
    )
    for study, text, basis in ((slices, "50.0 mm", "spacing"), (film, "20.0 mm", "detector"), (bare, "100 px", "none")):
        reader.open(study.uid)
        reader.press("u", "d")
        reader.drag(reader.point_of(60, 100), reader.point_of(160, 100))
        (mark,) = reader.marks()
        assert mark["basis"] == basis
        assert mark["text"].split()[1] == text.split()[1]
        assert float(mark["text"].split()[0]) == pytest.approx(float(text.split()[0]), rel=0.012), "to a screen pixel"
    reader.press("w")
    reader.until("() => document.querySelector('.svg-layer').innerHTML.includes('not calibrated')")


def test_angle(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 209, "E2E-209")
    reader.store(ct_stack(study, 1))
    reader.open(study.uid)
    reader.press("a")
    reader.drag(reader.point_of(60, 60), reader.point_of(60, 180))
    x, y = reader.point_of(180, 180)
    reader.page.mouse.move(x, y, steps=5)
    reader.page.mouse.click(x, y)
    reader.settle()
    (mark,) = reader.marks()
    assert mark["value"] == pytest.approx(90, abs=1)


def test_two_planes_are_linked_by_position_and_by_lines(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 210, "E2E-210")
    reader.store(
        ct_stack(study, 12, series=1), ct_stack(study, 12, series=2, plane="sagittal"), ct_stack(study, 12, series=3)
    )
    reader.open(study.uid)
    reader.page.get_by_label("Layout").click()
    reader.page.get_by_role("button", name="2 × 2").click()
    reader.until(f"() => {HOOK}.viewports().filter((v) => v.status === 'ready').length === 3")
    reader.press("ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown")
    places = {
        report["pane"]: (report["seriesUid"][-1], report["index"])
        for report in reader.viewports()
        if report["seriesUid"]
    }
    assert places[0] == ("1", 4)
    assert places[2] == ("3", 4), "the same plane goes along, by position"
    assert places[1] == ("2", 0), "another plane does not"
    line = reader.page.locator('[data-pane="1"] [data-testid="reference-line"] line').first
    level = "(line) => line.getAttribute('y1') !== null && line.getAttribute('y1') === line.getAttribute('y2')"
    assert line.evaluate(level), "an axial slice is level in a sagittal picture"
    reader.press("g", "ArrowDown")
    indices = {report["pane"]: report["index"] for report in reader.viewports()}
    assert (indices[0], indices[2]) == (5, 4), "not linked any more"


def test_a_series_is_dragged_into_a_viewport(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 211, "E2E-211")
    reader.store(ct_stack(study, 2, series=1), ct_stack(study, 3, series=2))
    reader.open(study.uid)
    tiles = reader.page.locator("nav [draggable=true]")
    tiles.nth(1).drag_to(reader.page.locator('[data-pane="0"]'))
    reader.comes_to(lambda: reader.viewport()["seriesUid"], f"{study.uid}.2")
    reader.ready()
    assert reader.viewport()["seriesUid"] == f"{study.uid}.2"


_WATCH_PLAYING = """async () => {
  const seen = []
  const began = performance.now()
  await new Promise((done) => {
    const look = (now) => {
      seen.push([now, window.__heliograph_viewer.viewports()[0].index])
      const enough = now - began > 2000 && new Set(seen.map(([, index]) => index)).size > 5
      if (enough || now - began > 30000) done()
      else requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  })
  return seen
}"""


def test_cine_plays_by_the_clock(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 212, "E2E-212")
    y, x = np.mgrid[:120, :160]
    frames = np.stack([np.where(np.hypot(x - 80, y - 60) < 10 + number, 220, 20) for number in range(40)])
    reader.store(
        study.write(US_MULTIFRAME, "US", frames.astype(np.uint8), FrameTime="100", FrameIncrementPointer=0x00181063)
    )
    reader.open(study.uid)
    reader.until(f"() => {HOOK}.viewports()[0].loaded === 40")
    assert "10 fps" in reader.page.inner_text('[data-testid="cine-rate"]')
    reader.page.keyboard.press("c")
    reader.until(f"() => {HOOK}.viewports()[0].playing")
    seen = reader.page.evaluate(_WATCH_PLAYING)
    reader.page.keyboard.press("c")
    assert len({index for _, index in seen}) > 5, "it plays"
    # By the page's own clock: at each of its frames the picture is the one of that moment, or of the frame before. However many were
    # left out because drawing is slow, time is not stretched.
    (start, first), before = seen[0], seen[0][0]
    for now, index in seen:
        behind = ((now - start) / 100 - (index - first) + 20) % 40 - 20
        assert -1.1 < behind < 1.1 + (now - before) / 100, (now - start, first, index)
        before = now
    reader.until(f"() => !{HOOK}.viewports()[0].playing")
    stopped = reader.viewport()["index"]
    reader.page.wait_for_timeout(400)
    assert reader.viewport()["index"] == stopped


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sr/test-SR.dcm", "Structured report"),
        ("ecg/waveform_ecg.dcm", "Waveform"),
        ("doc/sample-pdf.dcm", "Document"),
        ("rt/rtplan.dcm", "Object without a picture"),
    ],
)
def test_what_has_no_picture_is_never_a_blank(reader: Reader, name: str, words: str) -> None:
    from pydicom import dcmread

    path = data.named(name).path
    reader.store(path)
    reader.open(str(dcmread(path, force=True).StudyInstanceUID), wait=False)
    panel = reader.page.get_by_text(words, exact=True).first
    panel.wait_for(timeout=PATIENCE_S * 1000)


def test_keys_sheet_and_names(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 213, "E2E-213")
    reader.store(ct_stack(study, 2))
    reader.open(study.uid)
    picture = reader.page.get_by_role("application")
    reader.comes_to(lambda: picture.get_attribute("aria-label"), "CT axial, image 1 of 2, W 200 L 80")
    reader.page.keyboard.press("?")
    sheet = reader.page.get_by_role("region", name="Keys")
    sheet.wait_for()
    reader.page.keyboard.press("Escape")
    sheet.wait_for(state="detached")
    for button in reader.page.locator('[role="toolbar"] button').all():
        assert button.get_attribute("aria-label"), "every tool has a name"


_STILL = """() => document.getAnimations().every((one) => {
  return one.playState === 'finished' || one.effect.getComputedTiming().endTime === Infinity
})"""


def test_no_accessibility_fault_that_axe_knows(reader: Reader, tmp_path: Path) -> None:
    axe = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
    study = Study(tmp_path, 214, "E2E-214")
    older = Study(tmp_path, 215, "E2E-214", date="20240301")
    reader.store(ct_stack(study, 2), ct_stack(older, 2))
    reader.open(study.uid)
    reader.page.evaluate(axe.read_text(encoding="utf-8"))
    for keys in ((), ("Shift+P",), ("?",)):
        reader.press(*keys)
        # Half faded in, words have less contrast than they will have.
        reader.until(_STILL)
        found = reader.page.evaluate("axe.run('main', { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })")
        faults = [(fault["id"], [node["html"][:160] for node in fault["nodes"]]) for fault in found["violations"]]
        assert faults == [], keys
    reader.press("?")
    reader.page.locator("[role=toolbar] button").first.hover()
    reader.page.get_by_role("tooltip").first.wait_for(timeout=PATIENCE_S * 1000)
    reader.until(_STILL)
    found = reader.page.evaluate("axe.run('[role=tooltip]', { runOnly: ['color-contrast'] })")
    assert [fault["id"] for fault in found["violations"]] == [], "names of tools can be read"
    assert found["passes"], "the name was there to be judged"


def test_undo_and_delete_of_a_measurement(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 216, "E2E-216")
    reader.store(ct_stack(study, 1))
    reader.open(study.uid)
    reader.press("d")
    reader.drag(reader.point_of(60, 100), reader.point_of(160, 100))
    assert len(reader.marks()) == 1
    reader.press("Control+z")
    assert reader.marks() == []
    reader.press("Control+y")
    assert len(reader.marks()) == 1
    reader.press("Delete")
    assert reader.marks() == []
