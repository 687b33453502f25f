"""Clinical guards of the viewer (docs/safety): each test names the trap that it holds shut."""

from pathlib import Path

import pytest

from heliograph.engine.blobs.segments import SegmentStore
from tests.conformance.api_routes import database
from tests.e2e.pictures import CT_IMAGE, Study, ct_stack, ramp
from tests.e2e.reading import HOOK, PATIENCE_S, Reader
from tests.peers.heliograph import Server

_SWITCH = (
    "(id) => { window.history.pushState({}, '', `/study/${id}`); window.dispatchEvent(new PopStateEvent('popstate')) }"
)
_WATCH = """() => {
  window.__seen = []
  const look = () => {
    const hook = window.__heliograph_viewer
    if (hook) for (const view of hook.viewports()) if (view.studyUid) window.__seen.push([hook.studyId, view.studyUid])
    requestAnimationFrame(look)
  }
  look()
}"""


def test_guard_4_fast_case_changes_on_a_slow_line_never_show_the_other_patient(reader: Reader, tmp_path: Path) -> None:
    one = Study(tmp_path, 301, "E2E-301", name="Case^One")
    two = Study(tmp_path, 302, "E2E-302", name="Case^Two")
    reader.store(ct_stack(one, 6), ct_stack(two, 6))
    ids = {reader.find(study.uid): study.uid for study in (one, two)}
    reader.open(one.uid)
    line = reader.page.context.new_cdp_session(reader.page)
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 40, "downloadThroughput": 4_000_000, "uploadThroughput": 1_000_000},
    )
    reader.page.evaluate(_WATCH)
    for change in range(200):
        reader.page.evaluate(_SWITCH, list(ids)[change % 2])
        # Both cases get short looks, that end while pictures are on their way, and long ones.
        reader.page.wait_for_timeout((0, 0, 20, 20, 80, 80, 400, 400)[change % 8])
    for study_id, study_uid in ids.items():
        reader.page.evaluate(_SWITCH, study_id)
        reader.until("(uid) => window.__seen.at(-1)?.[1] === uid", study_uid)
    seen = reader.page.evaluate("window.__seen")
    assert {shown for _, shown in seen} == set(ids.values()), "both cases were really on the screen"
    wrong = [pair for pair in seen if ids[pair[0]] != pair[1]]
    assert wrong == []


def test_guard_4_window_and_flip_do_not_go_to_the_next_case(reader: Reader, tmp_path: Path) -> None:
    one = Study(tmp_path, 303, "E2E-303")
    two = Study(tmp_path, 304, "E2E-304")
    reader.store(ct_stack(one, 2), ct_stack(two, 2))
    reader.open(one.uid)
    reader.press("2", "h", "r", "i", "d")
    reader.drag(reader.point_of(40, 40), reader.point_of(140, 40))
    assert reader.marks()
    reader.page.evaluate(_SWITCH, reader.find(two.uid))
    reader.until(f"(uid) => {HOOK}?.viewports()[0]?.studyUid === uid", two.uid)
    report = reader.viewport()
    assert (report["rotation"], report["flipHorizontal"], report["inverted"]) == (0, False, False)
    assert (report["voi"]["center"], report["voi"]["width"]) == (80, 200)
    reader.ready()
    assert reader.marks() == []


def test_guard_7_images_that_arrive_wait_for_the_reader(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 305, "E2E-305")
    files = ct_stack(study, 12)
    reader.store(files[:8])
    reader.open(study.uid)
    reader.press("End")
    before = reader.viewport()
    assert before["count"] == 8
    reader.store(files[8:])
    banner = reader.page.get_by_test_id("arrived-banner")
    # They may be counted while the last of them is still being stored.
    banner.filter(has_text="4 new images").wait_for(timeout=PATIENCE_S * 1000)
    now = reader.viewport()
    assert (now["count"], now["index"], now["sopUid"]) == (8, 7, before["sopUid"]), "nothing moves by itself"
    banner.get_by_role("button").click()
    reader.until(f"() => {HOOK}.viewports()[0].count === 12")
    reader.ready()
    assert reader.viewport()["sopUid"] == before["sopUid"], "still the same image"


def test_guard_7_count_received_is_count_shown(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 306, "E2E-306")
    stack = ct_stack(study, 5)
    more = [study.write(CT_IMAGE, "CT", ramp(), series=2, instance=number) for number in (1, 2, 3)]
    reader.store(stack, more)
    reader.open(study.uid)
    texts = reader.page.locator("nav [draggable=true]").all_inner_texts()
    assert ["5 images" in texts[0], "3 images" in texts[1]] == [True, True], texts


def test_guard_7_an_earlier_study_is_prior_and_a_newer_one_is_later(reader: Reader, tmp_path: Path) -> None:
    now = Study(tmp_path, 307, "E2E-307", date="20261120")
    before = Study(tmp_path, 308, "E2E-307", date="20250915")
    after = Study(tmp_path, 309, "E2E-307", date="20261122")
    reader.store(ct_stack(now, 2), ct_stack(before, 2), ct_stack(after, 2))
    reader.open(now.uid)
    if not reader.page.get_by_text("Other studies of this patient").is_visible():
        reader.press("Shift+P")
    reader.comes_to(reader.page.locator("aside li").count, 2)
    rows = reader.page.locator("aside li").all_inner_texts()
    assert any("PRIOR" in row and "14 months" in row for row in rows), rows
    assert any("LATER" in row and "2 days" in row for row in rows), rows
    # The earlier one hangs beside by itself, the later one never does.
    reader.until(f"() => {HOOK}.viewports().filter((v) => v.status === 'ready').length === 2")
    shown = {report["studyUid"]: report["pane"] for report in reader.viewports()}
    assert set(shown) == {now.uid, before.uid}
    assert "PRIOR" in reader.page.inner_text(f'[data-testid="marks-{shown[before.uid]}"]')
    assert "PRIOR" not in reader.page.inner_text(f'[data-testid="marks-{shown[now.uid]}"]')


def test_guard_2_a_study_with_held_objects_says_so(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 310, "E2E-310", name="Held^Anna")
    reader.store(ct_stack(study, 3))
    other = Study(tmp_path / "other", 310, "E2E-310", name="Entirely^Different")
    reader.store(ct_stack(other, 4)[3])
    reader.open(study.uid)
    banner = reader.page.get_by_test_id("held-banner")
    banner.wait_for(timeout=PATIENCE_S * 1000)
    assert "held" in banner.inner_text()
    banner.get_by_role("button", name="Details").click()
    # With the difference.
    banner.filter(has_text="Entirely").wait_for(timeout=PATIENCE_S * 1000)


def test_a_damaged_image_is_counted_and_not_shown_and_the_others_are(reader: Reader, tmp_path: Path) -> None:
    """A wrong pixel hurts somebody (N21). It is the first of its series, which must not keep the others from the screen."""
    study = Study(tmp_path, 390, "E2E-390")
    reader.store(ct_stack(study, 3))
    first = _first_shown(reader, study.uid)
    _flip(reader.server, first)
    try:
        assert reader.server.verify().returncode == 1
        reader.page.wait_for_timeout(1500)
        reader.open(study.uid, wait=False)
        assert "1 image is damaged" in reader.page.get_by_test_id("damaged-banner").inner_text(
            timeout=PATIENCE_S * 1000
        )
        reader.page.get_by_text("Damaged, not shown").wait_for(timeout=PATIENCE_S * 1000)
        reader.press("ArrowDown")
        reader.until(f"() => {HOOK}.viewports()[0].status === 'ready'")
    finally:
        _flip(reader.server, first)
        reader.server.verify()


def _first_shown(reader: Reader, study_uid: str) -> str:
    with reader.server.client() as client:
        (series,) = client.get(f"/api/studies/{reader.find(study_uid)}").json()["series"]
        shown = client.get(f"/api/series/{series['id']}/document").json()["instances"]
    return str(shown[0]["sop_uid"])


def _flip(server: Server, sop_uid: str) -> None:
    """One bit of the pixels of an image, where it lies."""
    with database(server) as connection:
        row = connection.execute("select blob, size_bytes from instance where sop_uid = %s", (sop_uid,)).fetchone()
    assert row is not None
    path, start, _ = SegmentStore(server.data / "blobs").locate(row[0])
    with path.open("r+b") as file:
        file.seek(start + row[1] - 300)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("language", ["en", "de", "es", "zh", "ar"])
def test_the_viewer_speaks_every_language_and_mirrors(reader: Reader, tmp_path: Path, language: str) -> None:
    study = Study(tmp_path, 311, "E2E-311")
    reader.store(ct_stack(study, 2))
    reader.page.goto("/about")
    reader.page.evaluate("(code) => localStorage.setItem('heliograph.language', code)", language)
    reader.open(study.uid)
    assert reader.page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
    words = reader.page.inner_text("main") + str(
        reader.page.locator("[role=toolbar] button").first.get_attribute("aria-label")
    )
    assert "action." not in words
    assert "overlay." not in words
    if language != "en":
        assert reader.page.locator("[role=toolbar] button").first.get_attribute("aria-label") != "Window"
    column = reader.page.locator("nav").last.bounding_box()
    pane = reader.page.locator('[data-pane="0"]').bounding_box()
    assert (column["x"] > pane["x"]) == (language == "ar"), "the series column stands where reading begins"
    assert reader.letters() == "A L P R", "the patient is never mirrored"


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_said_in_the_console(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 312, "E2E-312")
    reader.store(ct_stack(study, 4))
    said: list[str] = []
    asked: list[str] = []
    reader.page.on(
        "console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None
    )
    reader.page.on("pageerror", lambda error: said.append(str(error)))
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.open(study.uid)
    reader.press("End", "r", "u", "i")
    reader.comes_to(lambda: reader.viewport()["loaded"], 4)
    reader.page.wait_for_timeout(500)
    assert said == []
    assert [url for url in asked if not url.startswith((reader.server.http, "blob:", "data:"))] == []
