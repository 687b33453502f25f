"""The picture that is painted before the drawing library is there: the same picture, of the same case, with nothing older."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from tests import data
from tests.e2e.pictures import DX_IMAGE, WINDOW, Study, as_only_of, ct_stack, grey_levels, ramp
from tests.e2e.reading import HOOK, PATIENCE_S, Reader

_FIRST = """(pane) => {
  const canvas = document.querySelector(`[data-first="${pane}"]`)
  if (canvas.hidden || canvas.width === 0) return null
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
  let text = ''
  for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode.apply(null, data.subarray(at, at + 32768))
  return [canvas.width, canvas.height, btoa(text)]
}"""
_SWITCH = (
    "(id) => { window.history.pushState({}, '', `/study/${id}`); window.dispatchEvent(new PopStateEvent('popstate')) }"
)


def _hold_library(reader: Reader) -> Callable[[], None]:
    """Keeps the drawing library from the page until the returned function is called, though it may ask for it later still."""
    held: list[Any] = []
    is_free = False

    def hold(route: Any) -> None:
        if is_free:
            route.continue_()
        else:
            held.append(route)

    def release() -> None:
        nonlocal is_free
        is_free = True
        for route in held:
            route.continue_()

    reader.page.route("**/assets/drawing-*.js", hold)
    return release


SAMPLES = {
    "CT JPEG-LS": "syntax/ct_same_instance/JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm",
    "CT JPEG 2000": "syntax/ct_same_instance/JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90.dcm",
    "CT JPEG lossless": "syntax/ct_same_instance/JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70.dcm",
    "CT RLE": "syntax/ct_same_instance/RLELosslessTransferSyntax_1.2.840.10008.1.2.5.dcm",
    "colour": "syntax/pattern/TestPattern_RGB.dcm",
    "colour JPEG": "syntax/pattern/TestPattern_JPEG-Baseline_YBR422.dcm",
    "colour JPEG 2000": "robust/GDCMJ2K_TextGBR.dcm",
    "colour JPEG-LS": "syntax/pattern/TestPattern_JPEG-LS-NearLossless.dcm",
    "palette": "syntax/pattern/TestPattern_Palette_16.dcm",
}
KINDS = ("CT", "MONOCHROME1", *SAMPLES)


def _store(reader: Reader, folder: Path, kind: str) -> Study:
    number = 400 + KINDS.index(kind)
    study = Study(folder, number, f"E2E-{number}")
    if kind == "CT":
        reader.store(ct_stack(study, 3))
    elif kind in SAMPLES:
        reader.store(as_only_of(study, data.named(SAMPLES[kind]).path))
    else:
        film: dict[str, Any] = {**WINDOW, "PhotometricInterpretation": kind, "ImagerPixelSpacing": [0.2, 0.2]}
        reader.store(study.write(DX_IMAGE, "DX", ramp(), **film))
    return study


def _edge(reader: Reader, shape: tuple[int, ...]) -> Any:
    """Screen pixels that the picture covers in part: the library mixes them with the black around it, the painter does not."""
    report = reader.viewport()
    left, top = reader.page.evaluate(f"{HOOK}.pointOf(0, -0.5, -0.5)")
    right, bottom = reader.page.evaluate(f"{HOOK}.pointOf(0, {report['columns'] - 0.5}, {report['rows'] - 0.5})")
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    return np.minimum.reduce([abs(x - left), abs(x - right), abs(y - top), abs(y - bottom)]) < 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_picture_is_the_one_the_library_draws(reader: Reader, tmp_path: Path, kind: str) -> None:
    study = _store(reader, tmp_path, kind)
    release = _hold_library(reader)
    reader.open(study.uid, wait=False)
    reader.until(f"() => !!{HOOK}")
    assert reader.page.evaluate(f"{HOOK}.shown({PATIENCE_S * 1000})")
    assert not reader.page.evaluate(f"{HOOK}.ready(200)"), "the library is not there"
    width, height, data = reader.page.evaluate(_FIRST, 0)
    first = np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)[..., :3].astype(int)
    # With the name of whose it is.
    reader.page.locator('[data-pane="0"]').filter(has_text="E2E-").wait_for(timeout=PATIENCE_S * 1000)
    release()
    reader.ready()
    assert reader.page.evaluate(_FIRST, 0) is None, "the library's picture has taken its place"
    last = reader.canvas().astype(int)
    assert first.shape == last.shape
    off = np.where(_edge(reader, first.shape), 0, np.abs(first - last).max(axis=2))
    assert int(last.max()) - int(last.min()) > 150
    assert float((off > 1).mean()) < 0.0005, (int(off.max()), float((off > 1).mean()))


def test_scrolling_before_the_library_is_there_is_kept(reader: Reader, tmp_path: Path) -> None:
    study = Study(tmp_path, 352, "E2E-352")
    reader.store(ct_stack(study, 6))
    release = _hold_library(reader)
    reader.open(study.uid, wait=False)
    reader.until(f"() => !!{HOOK}")
    assert reader.page.evaluate(f"{HOOK}.shown({PATIENCE_S * 1000})")
    for _ in range(3):
        reader.page.keyboard.press("ArrowDown")
    reader.until(f"() => {HOOK}.viewports()[0].picture !== null && {HOOK}.viewports()[0].index === 3")
    release()
    reader.ready()
    assert reader.viewport()["index"] == 3


def test_guard_1_a_replaced_object_is_never_shown_with_its_old_pixels(reader: Reader, tmp_path: Path) -> None:
    """Guard 1: replaced from the same source while the study is open; shown on request, after a change of case, and after re-opening."""
    study, other = Study(tmp_path, 353, "E2E-353"), Study(tmp_path, 354, "E2E-354")
    files = ct_stack(study, 3)
    reader.store(files, ct_stack(other, 2))
    study_id, other_id = reader.open(study.uid), reader.find(other.uid)
    old = grey_levels(files[0])
    assert reader.compare(old).beyond_one == 0
    for value in (1040, 1150):
        new = _replaced(files[0], value)
        reader.store(files[0])
        banner = reader.page.get_by_test_id("arrived-banner")
        banner.wait_for(timeout=PATIENCE_S * 1000)
        if value == 1040:
            banner.get_by_role("button").click()
            reader.until("() => !document.querySelector('[data-testid=arrived-banner]')")
        else:
            reader.page.evaluate(_SWITCH, other_id)
            reader.until(f"(uid) => {HOOK}?.viewports()[0]?.studyUid === uid", other.uid)
            reader.page.evaluate(_SWITCH, study_id)
            reader.until(f"(uid) => {HOOK}?.viewports()[0]?.studyUid === uid", study.uid)
        reader.ready()
        assert reader.viewport()["index"] == 0
        assert reader.compare(new).beyond_one == 0, value
        assert reader.compare(old).beyond_one > 1000, "the two can be told apart"
        reader.open(study.uid)
        assert reader.compare(new).beyond_one == 0, "after re-opening"


def _replaced(path: Path, value: int) -> Any:
    """The same object with another content, as a modality sends after a correction; its grey levels."""
    ds = dcmread(path)
    ds.PixelData = np.full((ds.Rows, ds.Columns), value, np.uint16).tobytes()
    ds.save_as(path)
    return grey_levels(path)


_SCRIPT = b"<script>top.__ran = 1; parent.__ran = 1; window.__ran = 1; fetch('/api/session?from=document')</script>"
_PDF = (
    b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\('x'\\); this.submitForm\\('/api/session?from=document'\\);)>>>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)
HOSTILE = {
    "a page that says it is a PDF": b"<!doctype html><html><body>" + _SCRIPT + b"</body></html>",
    "a PDF that is a page as well": b"%PDF-1.7\n" + _SCRIPT + b"\n%%EOF",
    "a PDF with a script": _PDF,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_nothing_in_a_document_runs_in_our_origin(reader: Reader, tmp_path: Path, what: str) -> None:
    study = Study(tmp_path, 360 + list(HOSTILE).index(what), f"E2E-36{list(HOSTILE).index(what)}")
    path = _document(study, tmp_path, HOSTILE[what])
    reader.store(path)
    asked: list[str] = []
    said: list[str] = []

    def answer(dialog: Any) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    reader.page.on("dialog", answer)
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.open(study.uid, wait=False)
    reader.page.get_by_text("Document", exact=True).first.wait_for(timeout=PATIENCE_S * 1000)
    links = reader.page.locator("a[href^='blob:']")
    if what.startswith("a page"):
        reader.page.get_by_text("The document could not be loaded.").first.wait_for(timeout=PATIENCE_S * 1000)
    else:
        links.first.wait_for(timeout=PATIENCE_S * 1000)
    reader.page.wait_for_timeout(1500)
    assert not any(frame.evaluate("() => window.__ran === 1") for frame in reader.page.frames if _is_ours(frame.url))
    assert said == []
    assert [url for url in asked if "from=document" in url] == []
    assert reader.page.locator("iframe, object, embed").count() == 0, "documents open in a window of their own"
    assert links.count() == (0 if what.startswith("a page") else 1)
    if links.count() == 1:
        assert links.first.get_attribute("rel") == "noopener noreferrer"


def _is_ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1", "blob:http://127.0.0.1"))


def _document(study: Study, folder: Path, content: bytes) -> Path:
    """An Encapsulated PDF object (PS3.3 A.45.1) around these bytes."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = EncapsulatedPDFStorage, f"{study.uid}.7.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study.uid, f"{study.uid}.7"
    ds.PatientName, ds.PatientID = "Doc^Ument", study.uid[-16:]
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "DOC", 1, 1
    ds.StudyDate, ds.StudyTime, ds.PatientBirthDate, ds.PatientSex = "20261120", "101500", "", ""
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    ds.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    path = folder / "document.dcm"
    ds.file_meta = _meta(ds)
    ds.save_as(path, enforce_file_format=True)
    return path


def _meta(ds: Dataset) -> Any:
    from pydicom.dataset import FileMetaDataset

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta
