"""The screens around the pictures: names keep off identities, lists go on, and a server that was away is missed and found again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.e2e.pictures import DX_IMAGE, WINDOW, Study, ct_stack, ramp
from tests.e2e.reading import HOOK, PATIENCE_S, Reader
from tests.peers.heliograph import Server

PATIENCE_MS = PATIENCE_S * 1000
_NAMED = """(label) => {
  const tip = document.querySelector('[role=tooltip]')
  return tip !== null && tip.style.left !== '' && tip.textContent.startsWith(label)
}"""
_COVERED = """() => {
  const a = document.querySelector('[role=tooltip]').getBoundingClientRect()
  const boxes = [...document.querySelectorAll('[data-identity]')].map((one) => [one.innerText, one.getBoundingClientRect()])
  const hit = ([, b]) => b.width > 0 && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
  return [boxes.length, boxes.filter(hit).map(([text]) => text)]
}"""


@pytest.mark.parametrize(("width", "language"), [(1280, "en"), (800, "en"), (1280, "ar")])
def test_guard_4_no_name_of_a_tool_covers_who_is_on_the_screen(
    reader: Reader, tmp_path: Path, width: int, language: str
) -> None:
    study = Study(tmp_path, 401, "E2E-401", name="Readable^Always")
    reader.store(ct_stack(study, 2))
    page = reader.page
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/about")
    page.evaluate("(code) => localStorage.setItem('heliograph.language', code)", language)
    reader.open(study.uid)
    reader.press("Shift+S")  # without the column of small pictures the panes begin at the rail
    buttons = [*page.locator("nav a").all(), *page.locator("[role=toolbar] button").all()[:12]]
    assert len(buttons) > 15
    for button in buttons:
        label = button.get_attribute("aria-label")
        button.hover()
        reader.until(_NAMED, label)
        seen, covered = page.evaluate(_COVERED)
        assert seen >= 2, "the bar and the corner of the pane say who it is"
        assert covered == [], label
    page.keyboard.press("Escape")
    page.mouse.move(width / 2, 500)
    page.get_by_role("tooltip").wait_for(state="detached", timeout=PATIENCE_MS)


def test_the_name_of_the_patient_is_whole_on_a_narrow_screen(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 402, "E2E-402", name="Featherstonehaugh^Alexandrina")
    reader.store(ct_stack(study, 1))
    reader.page.set_viewport_size({"width": 800, "height": 900})
    reader.open(study.uid)
    name = reader.page.locator("header [data-identity] strong")
    assert name.inner_text() == "Featherstonehaugh, Alexandrina"
    assert name.evaluate("(one) => one.scrollWidth <= one.clientWidth"), "nothing of it is cut"
    bar = reader.page.locator("[role=toolbar]").bounding_box()
    for button in reader.page.locator("[role=toolbar] button").all():
        box = button.bounding_box()
        assert box["x"] >= bar["x"], "every tool is on the screen"
        assert box["x"] + box["width"] <= 800


def test_guard_8_in_a_narrow_pane_the_side_stands_clear_of_the_corners(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 405, "E2E-405", name="Featherstonehaugh^Alexandrina")
    reader.store(
        study.write(
            DX_IMAGE, "DX", ramp(), ImageLaterality="R", ViewPosition="MLO", ImagerPixelSpacing=[0.2, 0.2], **WINDOW
        )
    )
    reader.page.set_viewport_size({"width": 800, "height": 900})
    reader.open(study.uid)
    if reader.page.locator("aside").count() == 0:
        reader.press("Shift+P")
    pane = reader.page.locator('[data-pane="0"]')
    reader.comes_to(lambda: pane.bounding_box()["width"] < 460, True)
    side = pane.get_by_test_id("side").bounding_box()
    for corner in (pane.get_by_test_id("topLeft"), pane.get_by_test_id("topRight")):
        box = corner.bounding_box()
        apart = side["x"] >= box["x"] + box["width"] or side["x"] + side["width"] <= box["x"]
        assert apart or side["y"] >= box["y"] + box["height"], (side, box)


CALLERS = 130


@pytest.fixture
def callers(server: Server) -> Iterator[str]:
    """Callers that nobody registered, the latest of all."""
    mark = "PAGED_"
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute(
            "insert into caller (tenant_id, aet, address, first_seen_at, last_seen_at, associations, stored_count, refused_count, proposals) "
            "select 1, %s || n, '10.9.8.7', now(), now() + interval '1 day' - make_interval(mins => n), 1, 0, 0, '{}' "
            "from generate_series(1, %s) n",
            (mark, CALLERS),
        )
        yield mark
        connection.execute("delete from caller where aet like %s", (mark + "%",))


def test_who_wants_in_goes_on_beyond_the_first_page(reader: Reader, callers: str) -> None:
    page = reader.page
    page.goto("/devices")
    wanting = page.get_by_role("region", name="Wants in")
    mine = wanting.get_by_role("listitem").filter(has_text=callers)
    reader.comes_to(mine.count, 100)
    wanting.get_by_role("button", name="Show older").click()
    reader.comes_to(mine.count, CALLERS)
    names = mine.locator("strong").all_inner_texts()
    assert names == [f"{callers}{number}" for number in range(1, CALLERS + 1)], "latest first, each once"


def _hold_frames(page: Any) -> Callable[[], None]:
    """Keeps every frame but the first of a stack on its way until the returned function is called."""
    held: list[Any] = []
    asked: list[str] = []
    is_free = False

    def hold(route: Any) -> None:
        asked.append(route.request.url)
        if is_free or len(asked) == 1 or route.request.url == asked[0]:
            route.continue_()
        else:
            held.append(route)

    def release() -> None:
        nonlocal is_free
        is_free = True
        for route in held:
            route.continue_()

    page.route("**/frames/*", hold)
    return release


@pytest.fixture
def window(browser: Any) -> Iterator[Callable[[Server], Any]]:
    """Makes a window of a person who came by a link of their own."""
    made: list[Any] = []

    def enter(server: Server) -> Any:
        context = browser.new_context(base_url=server.http, viewport={"width": 1440, "height": 900}, locale="en-GB")
        made.append(context)
        page = context.new_page()
        with page.expect_response("**/api/session/link", timeout=PATIENCE_MS) as answer:
            page.goto(server.sign_in_link())
        assert answer.value.status == 200
        return page

    yield enter
    for context in made:
        context.close()


def test_list_and_viewer_miss_the_server_and_come_back_by_themselves(
    fresh_server: Server, window: Callable[[Server], Any], tmp_path: Path
) -> None:
    study = Study(tmp_path, 403, "E2E-403", name="Zeppelin^Wanda")
    reader = Reader(window(fresh_server), fresh_server)
    reader.store(ct_stack(study, 6))
    listing = reader.page.context.new_page()
    listing.goto("/")
    listing.get_by_role("row").filter(has_text="Zeppelin, Wanda").wait_for(timeout=PATIENCE_MS)
    release = _hold_frames(reader.page)
    reader.open(study.uid)
    reader.press("2")
    reader.page.keyboard.press("End")
    fresh_server.stop()
    release()

    for page in (reader.page, listing):
        page.get_by_test_id("link-lost").wait_for(timeout=PATIENCE_MS)
    reader.page.get_by_role("alert").filter(has_text="by itself").wait_for(timeout=PATIENCE_MS)
    listing.get_by_role("textbox", name="Name, ID, accession or exam").fill("wanda")
    stale = listing.get_by_role("alert").filter(has_text="are of the one before")
    stale.wait_for(timeout=PATIENCE_MS)

    fresh_server.start()
    reader.until(f"() => {HOOK}.viewports()[0].status === 'ready'", timeout_s=2 * PATIENCE_S)
    reader.ready()
    seen = reader.viewport()
    assert (seen["index"], seen["voi"]["center"]) == (5, -600), "the same image, in the window that was chosen"
    stale.wait_for(state="detached", timeout=2 * PATIENCE_MS)
    listing.get_by_role("row").filter(has_text="Zeppelin, Wanda").wait_for(timeout=PATIENCE_MS)
    for page in (reader.page, listing):
        page.get_by_test_id("link-lost").wait_for(state="detached", timeout=2 * PATIENCE_MS)


def test_a_session_that_ends_while_somebody_scrolls_asks_for_a_sign_in(
    server: Server, window: Callable[[Server], Any], tmp_path: Path
) -> None:
    study = Study(tmp_path, 404, "E2E-404")
    reader = Reader(window(server), server)
    reader.store(ct_stack(study, 6))
    release = _hold_frames(reader.page)
    reader.open(study.uid)
    other = reader.page.context.new_page()
    other.goto("/about")
    other.get_by_role("button", name="Administrator").click()
    with other.expect_response(lambda answer: answer.request.method == "DELETE", timeout=PATIENCE_MS) as left:
        other.get_by_role("menuitem", name="Sign out").click()
    assert left.value.status == 204
    release()
    reader.page.get_by_text("Your session is over").wait_for(timeout=PATIENCE_MS)
    assert reader.page.locator("[data-identity]").count() == 0, "nothing of the patient stays on the screen"
