"""A reader at the viewer: opens studies in a real browser and sees what is on the screen."""

import base64
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from tests.e2e.pictures import Pixels
from tests.peers.heliograph import Server

HOOK = "window.__heliograph_viewer"
# Nothing here is a measure of speed: a condition that will come true may take as long as a busy machine needs.
PATIENCE_S = 60.0
_DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
_CANVAS = """(pane) => {
  const canvas = document.querySelector(`[data-viewport="${pane}"] canvas`)
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
  let text = ''
  for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode.apply(null, data.subarray(at, at + 32768))
  return [canvas.width, canvas.height, btoa(text)]
}"""


@dataclass(frozen=True, slots=True)
class Error:
    """How far the screen is from the truth, in grey levels."""

    largest: float
    beyond_one: int
    compared: int


class Reader:
    """Works the viewer in a signed-in window."""

    def __init__(self, page: Any, server: Server) -> None:
        self.page = page
        self.server = server

    def store(self, *paths: Path | Iterable[Path]) -> None:
        """Takes files into the archive by STOW-RS; what contradicts the archive is held, as a modality would find."""
        files = [item for path in paths for item in ([path] if isinstance(path, Path) else path)]
        parts = [b"--HG\r\nContent-Type: application/dicom\r\n\r\n" + file.read_bytes() + b"\r\n" for file in files]
        kind = 'multipart/related; type="application/dicom"; boundary=HG'
        with self.server.client() as client:
            answer = client.post(
                "/dicom-web/studies", content=b"".join([*parts, b"--HG--\r\n"]), headers={"Content-Type": kind}
            )
        assert answer.status_code in {200, 202, 409}, answer.text

    def find(self, study_uid: str) -> str:
        """The id by which the browser knows a study."""
        with self.server.client() as client:
            cursor: str | None = None
            while True:
                body = {"limit": 500} | ({} if cursor is None else {"cursor": cursor})
                answer = client.post("/api/studies/search", json=body).raise_for_status().json()
                for row in answer["items"]:
                    if row["study_uid"] == study_uid:
                        return str(row["id"])
                cursor = answer["next"]
                assert cursor is not None, "the study is not in the list"

    def until(self, condition: str, argument: Any = None, *, timeout_s: float = PATIENCE_S) -> None:
        """Polls an expression in the page; the page's own policy forbids the driver to wait there."""
        deadline = time.monotonic() + timeout_s
        while not self.page.evaluate(condition, argument):
            assert time.monotonic() < deadline, condition
            self.page.wait_for_timeout(50)

    def comes_to(self, read: Callable[[], Any], wanted: Any) -> None:
        """Until a reading of the screen is this: the machine decides when it comes, not what comes."""
        deadline = time.monotonic() + PATIENCE_S
        while (seen := read()) != wanted:
            assert time.monotonic() < deadline, f"{seen!r} is not {wanted!r}"
            self.page.wait_for_timeout(50)

    def open(self, study_uid: str, *, wait: bool = True) -> str:
        study_id = self.find(study_uid)
        self.page.goto(f"/study/{study_id}", timeout=PATIENCE_S * 1000)
        self.page.wait_for_selector("main[data-status]", timeout=PATIENCE_S * 1000)
        if wait:
            self.ready()
        return study_id

    def ready(self) -> None:
        """Until every pane shows the image that was asked for, on the canvas."""
        self.until(f"() => !!{HOOK}")
        assert self.page.evaluate(f"{HOOK}.ready({PATIENCE_S * 1000})"), self.viewports()

    def settle(self) -> None:
        """Until what the reader did is on the screen: the page has answered already, two more frames are drawn."""
        self.page.evaluate(_DRAWN)
        self.ready()

    def viewports(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self.page.evaluate(f"{HOOK}?.viewports() ?? []"))

    def viewport(self, pane: int = 0) -> dict[str, Any]:
        return next(report for report in self.viewports() if report["pane"] == pane)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def hanging(self) -> int:
        """Which of the small pictures at the side is in the pane, counted from the first."""
        marks = "() => [...document.querySelectorAll('nav [data-hangs]')].findIndex((tile) => tile.dataset.hangs === 'true')"
        return int(self.page.evaluate(marks))

    def point_of(self, column: float, row: float, pane: int = 0) -> tuple[float, float]:
        """Where the centre of a pixel lies in the window."""
        box = self.page.query_selector(f'[data-viewport="{pane}"]').bounding_box()
        x, y = self.page.evaluate(f"{HOOK}.pointOf({pane}, {column}, {row})")
        return box["x"] + x, box["y"] + y

    def drag(self, start: tuple[float, float], *ends: tuple[float, float], button: str = "left") -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down(button=button)
        for end in ends:
            mouse.move(*end, steps=6)
        mouse.up(button=button)
        self.settle()

    def canvas(self, pane: int = 0) -> Pixels:
        width, height, text = self.page.evaluate(_CANVAS, pane)
        pixels: Pixels = np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[..., :3]
        return pixels

    def compare(self, truth: Pixels, pane: int = 0) -> Error:
        """Shows the picture at 1:1 and compares every pixel of it that is on the screen with `truth`."""
        self.press("u")
        screen = self.canvas(pane)
        x, y = self.page.evaluate(f"{HOOK}.pointOf({pane}, 0, 0)")
        assert (round(x % 1, 6), round(y % 1, 6)) == (0.5, 0.5), "at 1:1 pixel centres lie on pixel centres"
        left, top = math.floor(x), math.floor(y)
        levels = truth if truth.ndim == 3 else np.repeat(truth[..., None], 3, axis=2)
        rows = slice(max(top, 0), min(top + levels.shape[0], screen.shape[0]))
        columns = slice(max(left, 0), min(left + levels.shape[1], screen.shape[1]))
        wanted = levels[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        off = np.abs(screen[rows, columns].astype(float) - wanted)
        return Error(float(off.max()), int((off > 1).sum()), int(off.size))

    def probe(self, column: int, row: int, pane: int = 0) -> str:
        """The words that stand on the screen while the pointer is on a pixel."""
        self.page.mouse.move(*self.point_of(column, row, pane))
        line = f'[data-pane="{pane}"] [data-testid="probe"]'
        self.comes_to(lambda: self.page.inner_text(line).partition(":")[0], f"{column}, {row}")
        return str(self.page.inner_text(line))

    def letters(self, pane: int = 0) -> str:
        """Letters at the top, right, bottom and left edge."""
        found = [
            self.page.query_selector(f'[data-pane="{pane}"] [data-testid="{edge}"]')
            for edge in ("edgeTop", "edgeRight", "edgeBottom", "edgeLeft")
        ]
        return " ".join("-" if element is None else element.inner_text() for element in found)

    def marks(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self.page.evaluate(f"{HOOK}.marks()"))
