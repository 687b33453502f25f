"""A large film on a slow line: a smaller picture first, which says so and tells no values, then every pixel as it is (guard 11)."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.conformance.api_routes import database
from tests.e2e.pictures import DX_IMAGE, Study, ct_stack, grey_levels
from tests.e2e.reading import HOOK, PATIENCE_S, Reader

_LOOK = """() => [...document.querySelectorAll('[data-pane="0"] canvas')]
  .filter((canvas) => !canvas.hidden && canvas.width > 0 && getComputedStyle(canvas).visibility === 'visible')
  .map((canvas) => {
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
    let sum = 0
    for (let at = 0; at < data.length; at += 4) sum += data[at]
    return sum / (data.length / 4)
  })"""


def film(seed: int, rows: int = 2304, columns: int = 1920) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Twelve bits with noise in them: more bytes than a first look takes, and a place for every pixel."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    shade = 2048 + 900 * np.sin(x / 150) * np.cos(y / 210)
    return np.clip(shade + random.normal(0, 24, (rows, columns)), 0, 4095).astype(np.uint16)


def _copied(reader: Reader, study_uid: str, images: int) -> None:
    """Until the archive has copies of all of them: the series must settle first."""
    study_id = reader.find(study_uid)
    deadline = time.monotonic() + 2 * PATIENCE_S
    with reader.server.client() as client:
        while True:
            row = client.get(f"/api/studies/{study_id}/manifest").raise_for_status().json()["series"][0]
            if row["copies_url"] is not None and len(client.get(row["copies_url"]).json()["items"]) == images:
                return
            assert time.monotonic() < deadline, "no copies were made"
            time.sleep(0.3)


def test_guard_11_a_large_film_shows_a_smaller_picture_first_and_says_so(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 480, "E2E-480")
    paths = [
        study.write(
            DX_IMAGE, "OT", film(number), instance=number, WindowCenter=2048, WindowWidth=4096, ImagerPixelSpacing=[0.14, 0.14]
        )
        for number in (1, 2)
    ]  # fmt: skip
    reader.store(paths)
    _copied(reader, study.uid, 2)
    held: list[Any] = []
    asked: list[str] = []

    def hold(route: Any) -> None:
        span = route.request.headers.get("range", "")
        asked.append(span)
        if span.startswith("bytes=0-"):
            route.continue_()
        else:
            held.append(route)

    reader.page.route("**/copy/**", hold)
    reader.open(study.uid, wait=False)
    for number, path in enumerate(paths):
        if number > 0:
            reader.page.keyboard.press("ArrowDown")
        reader.until(
            f"(n) => ({HOOK}?.viewports()[0]?.reduction ?? 0) > 0 && {HOOK}.viewports()[0].index === n", number
        )
        badge = '[data-pane="0"] [data-testid="reduced"]'
        assert reader.page.inner_text(badge) == "Reduced resolution"
        report = reader.viewport()
        assert (report["rows"], report["columns"]) == (2304 >> report["reduction"], 1920 >> report["reduction"])
        assert reader.page.evaluate(f"{HOOK}.probe(0, 400, 300)") is None, "nothing is measured on a smaller picture"
        reader.until(f"() => {HOOK}.viewports()[0].status === 'ready'")
        seen = reader.page.evaluate(_LOOK)
        assert len(seen) == 1, "one picture is on the screen"
        assert seen[0] > 20, "and it is not black"
        _release(reader, held, f"/instances/{study.uid}.1.{number + 1}/")
        reader.ready()
        assert reader.page.query_selector(badge) is None
        error = reader.compare(grey_levels(path))
        assert (error.largest <= 1, error.beyond_one) == (True, 0)
        reader.press("=")
    assert sum(one.startswith("bytes=0-") for one in asked) >= 2, asked
    assert not any(one == "" for one in asked[:2]), "the whole is asked for behind its beginning"


def _release(reader: Reader, held: list[Any], image: str) -> None:
    """Lets the rest of one image through, as soon as it is asked for; what is fetched ahead of the next one stays held."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := [route for route in held if image in route.request.url]):
        assert time.monotonic() < deadline, "the rest was never asked for"
        reader.page.wait_for_timeout(20)
    for route in found:
        held.remove(route)
        route.continue_()


def test_the_next_case_of_the_list_is_there_before_it_is_opened(reader: Reader, tmp_path: Path) -> None:
    """And nobody is said to have opened it before: it is read ahead, and opened when the reader turns to it."""
    later, first = Study(tmp_path, 481, "E2E-481"), Study(tmp_path, 482, "E2E-482")
    reader.store(ct_stack(later, 3))
    reader.store(ct_stack(first, 3))
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url.partition(reader.server.http)[2]))
    reader.page.goto("/")
    reader.page.get_by_role("row").filter(has_text="E2E-482").first.click()
    reader.page.keyboard.press("Enter")
    reader.ready()
    assert reader.viewport()["studyUid"] == first.uid
    ahead = f"/api/studies/{reader.find(later.uid)}/manifest?ahead=true"
    deadline = time.monotonic() + PATIENCE_S
    while not any(f"/studies/{later.uid}/" in url and "/frames/" in url for url in asked):
        assert time.monotonic() < deadline, asked
        reader.page.wait_for_timeout(50)
    assert ahead in asked
    assert _opened(reader, later.uid) == 0
    before = asked.count(next(url for url in asked if f"/studies/{later.uid}/" in url and "/frames/" in url))
    reader.page.keyboard.press("n")
    reader.until(f"(uid) => {HOOK}?.viewports()[0]?.studyUid === uid", later.uid)
    reader.ready()
    assert before == 1
    assert _opened(reader, later.uid) == 1
    reader.page.keyboard.press("Shift+N")
    reader.until(f"(uid) => {HOOK}?.viewports()[0]?.studyUid === uid", first.uid)


def _opened(reader: Reader, study_uid: str) -> int:
    with database(reader.server) as connection:
        row = connection.execute(
            "select count(*) from audit_event where kind = 'study.opened' and subject->>'study_uid' = %s", (study_uid,)
        ).fetchone()
    assert row is not None
    return int(row[0])
