"""`python -m bench.ohif`: our viewer and OHIF 3.13.2, the same server, the same studies, the same browser; in one run."""

import argparse
import contextlib
import http.server
import os
import shutil
import statistics
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian

from bench import probe, report
from bench.report import ROOT, say
from bench.targets import CALLER, HeliographTarget
from tests import phantoms
from tests.conftest import CHROMIUM
from tests.peers import dcmtk
from tests.peers.ports import free_port
from tests.peers.programs import program
from tests.phantoms import Shape

VERSION: Final = "3.13.2"
RESULTS: Final = ROOT / "bench" / "results"
CT: Final = Shape(200, seed=31, patient="BENCH-CT", name="Bench^Ct")
NEXT: Final = Shape(200, seed=32, patient="BENCH-NEXT", name="Bench^Next")
FILM_SIDE: Final = 3036
FILM_UID: Final = f"{phantoms.ROOT_UID}.33.1"
LINE: Final = {"offline": False, "latency": 10, "downloadThroughput": 30e6 / 8, "uploadThroughput": 30e6 / 8}
SIZE: Final = {"width": 1440, "height": 900}
WAIT_MS: Final = 90_000
SCROLL_S: Final = 3.0
# OHIF's page asks our server at its own address, as a viewer of another house would: the browser is told to allow it, for both alike.
FLAGS: Final = [*CHROMIUM, "--disable-web-security"]

# From the beginning of the navigation to the first moment at which a row of a picture is not one colour. A canvas is looked at only
# after something was drawn on it: reading it back is dear.
_WATCH: Final = """
(() => {
  const drawn = new Set()
  const isPicture = (canvas) => canvas.width >= 200 && canvas.matches?.('canvas.cornerstone-canvas, [data-pane] canvas')
  for (const name of ['drawImage', 'putImageData']) {
    const real = CanvasRenderingContext2D.prototype[name]
    CanvasRenderingContext2D.prototype[name] = function (...given) {
      real.apply(this, given)
      if (window.__shown === undefined && isPicture(this.canvas)) drawn.add(this.canvas)
    }
  }
  const isLit = (canvas) => {
    if (canvas.hidden || getComputedStyle(canvas).visibility !== 'visible') return false
    const row = canvas.getContext('2d').getImageData(0, canvas.height >> 1, canvas.width, 1).data
    for (let at = 4; at < row.length; at += 4) if (row[at] !== row[0]) return true
    return false
  }
  const look = () => {
    if (window.__shown === undefined && (window.__also === undefined || window.__also())) {
      if ([...drawn].some(isLit)) window.__shown = performance.now()
      drawn.clear()
    }
    requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
  addEventListener('keydown', () => { window.__pressed = performance.now() }, true)
})()
"""
# Turns the wheel once in each frame of the screen and counts the pictures that were drawn.
_SCROLL: Final = """
async (seconds) => {
  const canvas = [...document.querySelectorAll('canvas.cornerstone-canvas')].find((one) => one.width > 200)
  let fresh = false, drawn = 0
  const newer = () => { fresh = true }
  const rendered = () => { if (fresh) { drawn += 1; fresh = false } }
  document.addEventListener('CORNERSTONE_STACK_NEW_IMAGE', newer, true)
  document.addEventListener('CORNERSTONE_IMAGE_RENDERED', rendered, true)
  const began = performance.now()
  let down = 1, count = 0
  while (performance.now() - began < seconds * 1000) {
    canvas.dispatchEvent(new WheelEvent('wheel', { deltaY: 100 * down, deltaMode: 0, bubbles: true, cancelable: true }))
    count += 1
    if (count % 150 === 0) down = -down
    await new Promise(requestAnimationFrame)
  }
  return drawn / ((performance.now() - began) / 1000)
}
"""
_SELECT: Final = (
    "(id) => [...document.querySelectorAll('[role=row]')].find((row) => row.textContent.includes(id)).click()"
)
_READY: Final = """async (ms) => {
  while (!window.__heliograph_viewer) await new Promise(requestAnimationFrame)
  await window.__heliograph_viewer.ready(ms)
}"""
_EXPECT: Final = """(uid) => {
  window.__also = () => {
    const one = window.__heliograph_viewer?.viewports()[0]
    return one?.studyUid === uid && one.status === 'ready'
  }
  window.__shown = undefined
}"""
_CONFIG: Final = """window.config = {
  routerBasename: null, extensions: [], modes: [], customizationService: {}, showStudyList: true, maxNumberOfWebWorkers: 2,
  investigationalUseDialog: { option: 'never' }, defaultDataSourceName: 'dicomweb',
  dataSources: [{ namespace: '@ohif/extension-default.dataSourcesModule.dicomweb', sourceName: 'dicomweb', configuration: {
    friendlyName: 'x', name: 'x', qidoRoot: 'SERVER/dicom-web', wadoRoot: 'SERVER/dicom-web', wadoUriRoot: 'SERVER/wado',
    qidoSupportsIncludeField: true, supportsReject: false, dicomUploadEnabled: false, imageRendering: 'wadors',
    thumbnailRendering: 'rendered', thumbnailRequestStrategy: 'fetch', enableStudyLazyLoad: true, supportsFuzzyMatching: false,
    supportsWildcard: true, singlepart: 'pdf,video,thumbnail', bulkDataURI: { enabled: true, relativeResolution: 'studies' },
    omitQuotationForMultipartRequest: true } }],
}"""


def film(path: Path) -> None:
    """A plate of 3036 x 3036 with 12 bits and the noise of one."""
    random = np.random.default_rng(3)
    y, x = np.mgrid[:FILM_SIDE, :FILM_SIDE].astype(np.float32)
    shade = 2048 + 1100 * np.sin(x / 310) * np.cos(y / 270)
    cells = np.clip(shade + random.normal(0, 12, shade.shape), 0, 4095).astype(np.uint16)
    ds = phantoms.header(Shape(1, rows=FILM_SIDE, columns=FILM_SIDE, seed=33, patient="BENCH-CR", name="Bench^Cr"), 1)
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "RescaleIntercept",
        "RescaleSlope",
        "RescaleType",
    ):
        if keyword in ds:
            delattr(ds, keyword)
    ds.SOPClassUID, ds.Modality, ds.PixelSpacing = UID("1.2.840.10008.5.1.4.1.1.1"), "CR", [0.1, 0.1]
    ds.Rows = ds.Columns = FILM_SIDE
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.WindowCenter, ds.WindowWidth = 2048, 4096
    ds.PixelData = cells.tobytes()
    written = Dataset(ds)
    written.file_meta = FileMetaDataset()
    written.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written.file_meta.MediaStorageSOPClassUID, written.file_meta.MediaStorageSOPInstanceUID = (
        ds.SOPClassUID,
        ds.SOPInstanceUID,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    dcmwrite(path, written, enforce_file_format=True)


def package(folder: Path) -> Path:
    """The built application, from the package registry once."""
    dist = folder / "package" / "dist"
    if not dist.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm") or os.fspath(ROOT / ".venv" / "bin" / "npm")
        name = f"ohif-app-{VERSION}.tgz"
        if not (folder / name).exists():
            subprocess.run([npm, "pack", f"@ohif/app@{VERSION}"], cwd=folder, check=True, capture_output=True)
        with tarfile.open(folder / name) as archive:
            archive.extractall(folder, filter="data")
    return dist


@contextlib.contextmanager
def ohif(dist: Path, server: str) -> Iterator[str]:
    """OHIF at the root of an origin of its own; files as they are in the package, kept by the browser for ever as a site would do."""

    class Files(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=os.fspath(dist))

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def end_headers(self) -> None:
            self.send_header("Cache-Control", "max-age=31536000")
            super().end_headers()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/app-config.js":
                body = _CONFIG.replace("SERVER", server).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/javascript")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
            if "." not in path.rpartition("/")[2]:
                self.path = "/index.html"
            super().do_GET()

    port = free_port()
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", port), Files)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        serving.shutdown()


@dataclass(slots=True)
class Bench:
    target: HeliographTarget
    playwright: Any
    peer: str = ""
    rounds: int = 5
    cookies: list[Any] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    figures: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, what: str, who: str, value: float) -> None:
        self.figures.setdefault(what, {}).setdefault(who, []).append(value)
        say(f"  {who:<11} {what:<40} {value:8.0f}")

    def sign_in(self) -> None:
        with self.browser() as (context, page):
            with page.expect_response("**/api/session/link"):
                page.goto(self.target.server.sign_in_link())
            self.cookies = context.cookies()

    @contextlib.contextmanager
    def browser(self, *, peer: bool = False) -> Iterator[tuple[Any, Any]]:
        """A browser that knows nothing but who asks."""
        launched = self.playwright.chromium.launch(executable_path=program("chromium-headless-shell"), args=FLAGS)
        headers = self.target.headers if peer else {}
        context = launched.new_context(viewport=SIZE, extra_http_headers=headers)
        if self.cookies and not peer:
            context.add_cookies(self.cookies)
        context.add_init_script(_WATCH)
        if peer:  # the tour of the first visit lies over the picture
            context.add_init_script("localStorage.setItem('shownTours', JSON.stringify(['basicViewerTour']))")
        page = context.new_page()
        try:
            yield context, page
        finally:
            launched.close()

    def address(self, study_uid: str, *, peer: bool) -> str:
        if peer:
            return f"{self.peer}/viewer?StudyInstanceUIDs={study_uid}"
        return f"{self.target.http}/study/{self.ids[study_uid]}"

    def shown(self, page: Any) -> float:
        """Milliseconds since the navigation."""
        deadline = time.monotonic() + WAIT_MS / 1000
        while (at := page.evaluate("() => window.__shown")) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"no picture at {page.url}")
            page.wait_for_timeout(20)
        return float(at)


def cold(bench: Bench) -> None:
    """An empty profile, a server that has just started, a settled study."""
    for number in range(bench.rounds):
        for peer in (number % 2 == 0, number % 2 == 1):
            bench.target.stop()
            bench.target.start()
            with bench.browser(peer=peer) as (_, page):
                page.goto(bench.address(CT.study_uid, peer=peer), wait_until="commit")
                bench.add("cold first image, ms", _name(peer), bench.shown(page))


def over_a_line(bench: Bench) -> None:
    """The plate over 30 Mbit/s and 10 ms; the program is there, the study has never been seen."""
    for _ in range(bench.rounds):
        with bench.browser() as (context, page):
            page.goto(bench.target.http, wait_until="load")
            _warm_list(page)
            _slow(context, page)
            page.evaluate(_SELECT, "BENCH-CR")
            page.evaluate(_EXPECT, FILM_UID)
            page.keyboard.press("Enter")
            bench.add(
                "3036 x 3036 over 30 Mbit/s, first, ms",
                _name(False),
                bench.shown(page) - page.evaluate("() => window.__pressed"),
            )
            page.evaluate(_READY, WAIT_MS)
            whole = page.evaluate("() => performance.now() - window.__pressed")
            bench.add("3036 x 3036 over 30 Mbit/s, whole, ms", _name(False), whole)
        with bench.browser(peer=True) as (context, page):
            page.goto(bench.address(CT.study_uid, peer=True), wait_until="commit")
            bench.shown(page)
            _slow(context, page)
            page.goto(bench.address(FILM_UID, peer=True), wait_until="commit")
            bench.add("3036 x 3036 over 30 Mbit/s, first, ms", _name(True), bench.shown(page))


def next_case(bench: Bench) -> None:
    """From the key to the picture of the next case, which was brought in while the one before it was read."""
    for _ in range(bench.rounds):
        with bench.browser() as (_, page):
            page.goto(bench.target.http, wait_until="load")
            _warm_list(page)
            page.evaluate(_SELECT, NEXT.patient)
            page.keyboard.press("Enter")
            page.evaluate(_READY, WAIT_MS)
            page.wait_for_timeout(6000)
            page.evaluate(_EXPECT, CT.study_uid)
            page.keyboard.press("n")
            bench.add("warm next case, ms", _name(False), bench.shown(page) - page.evaluate("() => window.__pressed"))
        with bench.browser(peer=True) as (_, page):
            page.goto(bench.address(CT.study_uid, peer=True), wait_until="commit")
            bench.shown(page)
            page.wait_for_timeout(6000)
            page.goto(bench.address(NEXT.study_uid, peer=True), wait_until="commit")
            bench.add("warm next case, ms", _name(True), bench.shown(page))


def scroll(bench: Bench) -> None:
    """A turn of the wheel in each frame, when the whole stack is in memory."""
    for peer in (False, True):
        with bench.browser(peer=peer) as (_, page):
            page.goto(bench.address(CT.study_uid, peer=peer), wait_until="commit")
            bench.shown(page)
            if not peer:
                page.evaluate(_READY, WAIT_MS)
            page.wait_for_timeout(15_000)
            for _ in range(3):
                bench.add("scroll of 200 slices, images/s", _name(peer), page.evaluate(_SCROLL, SCROLL_S))


def _name(peer: bool) -> str:
    return "OHIF" if peer else "Heliograph"


def _warm_list(page: Any) -> None:
    """The list is there, and the viewer's code has come in an idle moment."""
    page.wait_for_selector("[role=row]")
    page.wait_for_timeout(5000)


def _slow(context: Any, page: Any) -> None:
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", LINE)


BARS: Final[dict[str, tuple[str, Callable[[float, float], bool]]]] = {
    "cold first image, ms": ("3x sooner", lambda own, peer: peer >= 3 * own),
    "warm next case, ms": ("250 ms", lambda own, _: own <= 250),
    "3036 x 3036 over 30 Mbit/s, first, ms": ("500 ms", lambda own, _: own <= 500),
    "scroll of 200 slices, images/s": ("25/s", lambda own, _: own >= 25),
}


def table(bench: Bench) -> str:
    lines = ["| what | OHIF | Heliograph | spread of ours | bar | |", "|---|---:|---:|---:|---:|---|"]
    for what, found in bench.figures.items():
        own = found.get("Heliograph", [])
        peer = found.get("OHIF", [])
        middle = statistics.median(own)
        theirs = f"{statistics.median(peer):,.0f}" if peer else "-"
        bar, holds = BARS.get(what, ("", lambda *_: True))
        said = "" if not bar else "holds" if holds(middle, statistics.median(peer) if peer else 0.0) else "missed"
        lines.append(f"| {what} | {theirs} | {middle:,.0f} | {min(own):,.0f} to {max(own):,.0f} | {bar} | {said} |")
    return "\n".join(lines)


STEPS: Final = {"cold": cold, "line": over_a_line, "next": next_case, "scroll": scroll}


def load(target: HeliographTarget, corpus: Path) -> None:
    """The studies, settled, and the copies of the plate made."""
    target.start(fresh=True)
    for shape in (CT, NEXT):
        phantoms.write_series(shape, corpus / shape.patient)
    film(corpus / "film" / "1.dcm")
    for folder in (
        "film",
        CT.patient,
        NEXT.patient,
    ):  # the list shows what came last first: the two CT stand beside each other
        done = dcmtk.storescu(target.dicom, corpus / folder, calling=CALLER)
        if done.code != 0:
            raise AssertionError(done.text[-2000:])
    for study_uid in (CT.study_uid, NEXT.study_uid, FILM_UID):
        target.wait_settled(study_uid)


def ids(target: HeliographTarget) -> dict[str, str]:
    with target.server.client() as client:
        rows = client.post("/api/studies/search", json={}).raise_for_status().json()["items"]
        found = {row["study_uid"]: row["id"] for row in rows}
        deadline = time.monotonic() + 60
        while not client.get(f"/api/studies/{found[FILM_UID]}/manifest").json()["series"][0]["copies_url"]:
            if time.monotonic() > deadline:
                raise AssertionError("the plate got no copy")
            time.sleep(0.5)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ohif", description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "bench" / "out" / "ohif")
    parser.add_argument("--only", default="", help=f"of {', '.join(STEPS)}, by comma")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--publish", action="store_true", help="write bench/results/ohif.md and docs/performance.md")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    steps = [step for name, step in STEPS.items() if not options.only or name in options.only.split(",")]
    dist = package(options.work / "package")
    with dcmtk.Storescp(options.work / "moved", aet="BENCHSCP", options=("+B",)) as receiver:
        target = HeliographTarget(options.work / "server", receiver.dicom)
        try:
            load(target, options.work / "corpus")
            found = ids(target)
            with sync_playwright() as playwright, ohif(dist, target.http) as peer:
                bench = Bench(target, playwright, peer, options.rounds, ids=found)
                bench.sign_in()
                for step in steps:
                    step(bench)
        finally:
            target.stop()
            shutil.rmtree(options.work / "server", ignore_errors=True)
    machine = ", ".join(f"{key} {value}" for key, value in probe.machine().items())
    text = f"{time.strftime('%Y-%m-%d')}, OHIF {VERSION}, median of {options.rounds}; {machine}.\n\n{table(bench)}"
    print(text, flush=True)
    if options.publish:
        (RESULTS / "ohif.md").write_text(f"# Our viewer and OHIF\n\n{text}\n")
        report.publish(ROOT / "docs" / "performance.md", text, "ohif")


if __name__ == "__main__":
    main()
