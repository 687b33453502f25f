"""From the navigation to visible pixels, and to a viewer with all its tools, in Debian's Chromium with a software renderer."""

import statistics
import time

from bench.steps import Scene
from bench.targets import CALLER, HeliographTarget
from tests.conftest import CHROMIUM
from tests.peers import dcmtk
from tests.peers.programs import program

HOOK = "() => Boolean(window.__heliograph_viewer)"
SHOWN = "async (ms) => await window.__heliograph_viewer.shown(ms)"
READY = "async (ms) => await window.__heliograph_viewer.ready(ms)"
REPORT = "() => window.__heliograph_viewer.viewports().map((one) => one.status)"
WAIT_MS = 60_000


def first_image_ms(target: HeliographTarget, scene: Scene, *, rounds: int) -> dict[str, float]:
    """A series of 250 slices: the first visit of a browser that knows nothing, and the next one with a warm cache."""
    from playwright.sync_api import sync_playwright

    target.start(fresh=True)
    try:
        done = dcmtk.storescu(target.dicom, scene.corpus.large_folder / "1", calling=CALLER)
        if done.code != 0:
            raise AssertionError(done.text[-2000:])
        target.wait_settled(scene.corpus.study_uid)
        with target.server.client() as client:
            rows = (
                client.post("/api/studies/search", json={"text": scene.corpus.study_uid})
                .raise_for_status()
                .json()["items"]
            )
        viewer = f"{target.http}/study/{rows[0]['id']}"
        times: dict[str, list[float]] = {}
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program("chromium-headless-shell"), args=CHROMIUM)
            for _ in range(rounds):
                context = browser.new_context(viewport={"width": 1440, "height": 900})
                page = context.new_page()
                with page.expect_response("**/api/session/link"):
                    page.goto(target.server.sign_in_link())
                for visit in ("new browser", "warm browser"):
                    page.goto("about:blank")
                    began = time.perf_counter()
                    page.goto(viewer, wait_until="commit")
                    page.wait_for_function(HOOK, timeout=WAIT_MS)
                    shown = page.evaluate(SHOWN, WAIT_MS)
                    times.setdefault(f"first image, {visit}", []).append((time.perf_counter() - began) * 1000)
                    ready = page.evaluate(READY, WAIT_MS)
                    times.setdefault(f"all tools, {visit}", []).append((time.perf_counter() - began) * 1000)
                    if not (shown and ready) or "failed" in page.evaluate(REPORT):
                        raise AssertionError(f"no picture: {page.evaluate(REPORT)}")
                context.close()
            browser.close()
        return {name: statistics.median(taken) for name, taken in times.items()}
    finally:
        target.stop()
