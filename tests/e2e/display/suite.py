"""Walks through every object of the suite in one window and reads what is on the canvas."""

import base64
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.uid import UID

from tests.e2e.display.encodings import BASE, ENCODINGS, Cell, Encoding, write
from tests.e2e.display.subjects import SUBJECTS, Subject
from tests.e2e.pictures import ROOT_UID, Pixels
from tests.e2e.reading import PATIENCE_S, Reader

STUDY = f"{ROOT_UID}.900"

# Shows stack after stack at 1:1, and takes of each image the part of the canvas on which it lies.
_WALK = """async (patience) => {
  const hook = () => window.__heliograph_viewer
  const frame = () => new Promise((done) => requestAnimationFrame(done))
  const press = (key) => window.dispatchEvent(new KeyboardEvent('keydown', { key, code: key === 'u' ? 'KeyU' : key, bubbles: true }))
  const settle = async () => {
    await frame()
    const ok = await hook().ready(patience)
    await frame()
    return ok
  }
  const read = () => {
    const report = hook().viewports().find((item) => item.pane === 0)
    const shown = { sopUid: report.sopUid, frame: report.frame, status: report.status, failure: report.failure, index: report.index }
    if (report.status !== 'ready') return { ...shown, url: report.url }
    const canvas = document.querySelector('[data-viewport="0"] canvas')
    const [x, y] = hook().pointOf(0, 0, 0)
    const data = canvas.getContext('2d').getImageData(Math.floor(x), Math.floor(y), report.columns, report.rows).data
    let text = ''
    for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode.apply(null, data.subarray(at, at + 32768))
    return { ...shown, at: [x % 1, y % 1], rows: report.rows, columns: report.columns, data: btoa(text) }
  }
  const seen = []
  const url = () => hook().viewports().find((item) => item.pane === 0)?.url
  // True when a key has brought something else.
  const moves = async (key) => {
    const before = url()
    press(key)
    await settle()
    return url() !== before
  }
  await settle()
  while (await moves('PageUp'));
  for (;;) {
    press('u')
    await settle()
    const { count } = hook().viewports()[0]
    for (let index = 0; index < count; index += 1) {
      if (index > 0) {
        press('ArrowDown')
        await settle()
      }
      seen.push(read())
    }
    if (!(await moves('PageDown'))) return seen
  }
}"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One image on the screen, as far as it lies on the canvas."""

    sop_uid: str
    frame: int
    failure: str
    pixels: Pixels


@dataclass(frozen=True, slots=True)
class Result:
    """How far a cell is from the truth, in grey levels, and whether it is the picture that the uncompressed object gives."""

    subject: str
    encoding: str
    largest: float
    is_same: bool
    failure: str = ""


def chosen(*, whole: bool) -> Iterator[tuple[Subject, Encoding]]:
    """Every pair that can be, or of each subject the plain one and two more, so that all encodings come again and again."""
    for number, subject in enumerate(SUBJECTS):
        possible = [encoding for encoding in ENCODINGS if encoding.holds(subject)]
        others = possible[1:]
        picked = (
            others if whole or len(others) < 3 else [others[(number * 2 + step) % len(others)] for step in range(2)]
        )
        for encoding in (BASE, *picked):
            yield subject, encoding


def written(folder: Path, pairs: Iterable[tuple[Subject, Encoding]]) -> list[Cell]:
    """One series for each subject, one object for each encoding."""
    cells = []
    for subject, encoding in pairs:
        series, instance = SUBJECTS.index(subject) + 1, ENCODINGS.index(encoding) + 1
        ds = Dataset()
        ds.SpecificCharacterSet = "ISO_IR 192"
        ds.StudyInstanceUID, ds.SeriesInstanceUID = STUDY, f"{STUDY}.{series}"
        ds.SOPInstanceUID = UID(f"{STUDY}.{series}.{instance}")
        ds.StudyDate, ds.StudyTime, ds.AccessionNumber = "20261120", "083000", "E900"
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Display^Suite", "E2E-900", "19700105", "O"
        ds.SeriesNumber, ds.InstanceNumber, ds.SeriesDescription = series, instance, subject.name
        cells.append(write(deepcopy(subject), encoding, ds, folder / f"{series}-{instance}.dcm"))
    return cells


def walk(reader: Reader) -> list[Seen]:
    """Everything that the open study shows, in the order of the reader's keys; in a small window, which is soon drawn."""
    reader.page.set_viewport_size({"width": 640, "height": 400})
    found: list[dict[str, Any]] = reader.page.evaluate(_WALK, PATIENCE_S * 1000)
    return [_seen(item) for item in found]


def _seen(item: dict[str, Any]) -> Seen:
    if item["status"] != "ready":
        return Seen(
            str(item.get("sopUid")), int(item.get("frame") or 0), f"{item['failure']} at {item['index']}", np.zeros(0)
        )
    assert item["at"] == [0.5, 0.5], "at 1:1 pixel centres lie on pixel centres"
    pixels = np.frombuffer(base64.b64decode(item["data"]), np.uint8).reshape(item["rows"], item["columns"], 4)[..., :3]
    return Seen(item["sopUid"], item["frame"], "", pixels)


def compared(cells: list[Cell], seen: list[Seen]) -> list[Result]:
    """Every frame of every cell against its truth, and against the same subject uncompressed."""
    pictures = {(item.sop_uid, item.frame): item.pixels for item in seen if item.failure == ""}
    plain = {cell.subject.name: cell.sop_uid for cell in cells if cell.encoding is BASE}
    results = []
    for cell in cells:
        errors, same = [], True
        for number, truth in enumerate(cell.truth, start=1):
            shown = pictures.get((cell.sop_uid, number))
            if shown is None:
                errors, same = [float("inf")], False
                break
            low, high = (levels if levels.ndim == 3 else np.repeat(levels[..., None], 3, axis=2) for levels in truth)
            errors.append(float(np.maximum(low - shown, shown - high).clip(0).max()))
            twin = pictures.get((plain[cell.subject.name], number))
            same = same and twin is not None and bool((twin == shown).all())
        failure = "" if max(errors) != float("inf") else "not shown"
        results.append(Result(cell.subject.name, cell.encoding.name, max(errors), same, failure))
    return results
