"""What a reader draws is kept as drawn: it outlives the page, others see it, and it says what numpy says."""

import json
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.reading import Reader
from tests.peers.heliograph import Server
from tests.phantoms import Shape, header, slices

SHAPE = Shape(5, rows=256, columns=256, seed=8800, patient="MARKS", name="Marks^Reader")
MM = 350 / 256


def _store(reader: Reader, shape: Shape, folder: Path) -> str:
    paths = []
    for number, raw in enumerate(slices(shape), start=1):
        paths.append(folder / f"{number}.dcm")
        paths[-1].write_bytes(raw)
    reader.store(paths)
    return reader.open(shape.study_uid)


def _kept(reader: Reader, keeping: str = "kept") -> None:
    reader.until(f"() => document.querySelector('[data-keeping]')?.dataset.keeping === '{keeping}'")


def _panel(reader: Reader) -> None:
    if (
        reader.page.query_selector("aside section [data-keeping]") is None
        and reader.page.query_selector("aside") is None
    ):
        reader.press("Shift+P")


def _on_server(server: Server, study_id: str) -> list[dict[str, Any]]:
    with server.client() as client:
        found = client.get(f"/api/studies/{study_id}/marks").raise_for_status().json()["items"]
    return [one for one in found if one["body"] is not None]


def _kinds(reader: Reader, study_id: str) -> list[str]:
    return sorted(one["body"]["kind"] for one in _on_server(reader.server, study_id))


def test_a_day_of_marks(reader: Reader, tmp_path: Path, browser: Any, signed_in: Any) -> None:
    # What an earlier attempt drew is kept, as it should be: each attempt has a study of its own.
    shape = replace(SHAPE, study=secrets.randbelow(10**8))
    study = _store(reader, shape, tmp_path)
    _panel(reader)
    # A length, by its key.
    reader.press("d")
    reader.drag(reader.point_of(60, 80), reader.point_of(160, 80))
    reader.comes_to(lambda: _kinds(reader, study), ["length"])
    (length,) = _on_server(reader.server, study)
    assert length["doubt"] == ""
    assert length["body"]["measured"][0]["value"] == pytest.approx(100 * MM, abs=MM / 2)
    # An ellipse: area and the values in it against numpy.
    reader.press("e")
    reader.drag(reader.point_of(128, 128), reader.point_of(158, 148))
    reader.comes_to(lambda: _kinds(reader, study), ["ellipse", "length"])
    ellipse = next(one for one in _on_server(reader.server, study) if one["body"]["kind"] == "ellipse")
    assert ellipse["doubt"] == ""
    _check_ellipse(shape, ellipse["body"])
    # A key image.
    reader.press("k")
    reader.comes_to(lambda: _kinds(reader, study), ["ellipse", "key", "length"])
    # The page is loaded again: all of it is there, at the same place, with the same words.
    before = reader.marks()
    reader.page.reload()
    reader.ready()
    reader.until(f"() => {{ const h = window.__heliograph_viewer; return h && h.marks().length === {len(before)} }}")
    assert sorted(reader.marks(), key=json.dumps) == sorted(before, key=json.dumps)
    _panel(reader)
    assert len(_on_server(reader.server, study)) == 3, "loading is not drawing"
    # Another window draws; this one sees it without being asked.
    context = browser.new_context(
        base_url=reader.server.http, storage_state=signed_in, viewport={"width": 1440, "height": 900}
    )
    other = Reader(context.new_page(), reader.server)
    other.open(shape.study_uid)
    other.press("a")
    _angle(other)
    reader.until(f"() => window.__heliograph_viewer.marks().length === {len(before) + 1}")
    context.close()
    # Delete, undo, redo, for what is kept too.
    reader.page.click("aside li[data-kind=length] button[aria-label]:last-child")
    reader.comes_to(lambda: len(_on_server(reader.server, study)), 3)
    reader.page.click('[data-pane="0"]', position={"x": 5, "y": 300})
    reader.press("Control+z")
    reader.comes_to(lambda: len(_on_server(reader.server, study)), 4)
    reader.press("Control+y")
    reader.comes_to(lambda: len(_on_server(reader.server, study)), 3)
    _kept(reader)
    reader.page.screenshot(path=_picture("marks-panel"))


def _angle(reader: Reader) -> None:
    mouse = reader.page.mouse
    for column, row in ((60, 160), (60, 200), (110, 200)):
        mouse.move(*reader.point_of(column, row), steps=4)
        mouse.down()
        mouse.up()
        reader.settle()


def _picture(name: str) -> Path:
    folder = Path(__file__).parents[1] / "out" / "marks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.png"


def _check_ellipse(shape: Shape, body: dict[str, Any]) -> None:
    values = {one["name"]: one for one in body["measured"]}
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = body["points"]
    centre = np.array([(ax + bx) / 2, (ay + by) / 2])
    u, v = np.array([(bx - ax) / 2, (by - ay) / 2]), np.array([(dx - cx) / 2, (dy - cy) / 2])
    assert values["area"]["unit"] == "mm2"
    assert values["area"]["value"] == pytest.approx(np.pi * np.linalg.norm(u) * np.linalg.norm(v) * MM * MM, rel=1e-6)
    number = int(body["image"]["sop_uid"].rpartition(".")[2])
    stored = np.frombuffer(list(slices(shape))[number - 1][-256 * 256 * 2 :], "<u2").reshape(256, 256).astype(float)
    truth = stored - 1024
    rows, columns = np.mgrid[:256, :256]
    inverse = np.linalg.inv(np.column_stack([u, v]))
    away = np.stack([columns - centre[0], rows - centre[1]], axis=-1) @ inverse.T
    inside = truth[(away**2).sum(axis=-1) <= 1]
    assert values["mean"]["unit"] == "[hnsf'U]"
    assert values["mean"]["value"] == pytest.approx(inside.mean(), abs=1e-3)
    assert values["deviation"]["value"] == pytest.approx(inside.std(), abs=1e-3)
    assert (values["least"]["value"], values["most"]["value"]) == (inside.min(), inside.max())


def test_header_of_the_phantom_is_what_these_tests_believe() -> None:
    made = header(SHAPE, 1)
    assert float(made.PixelSpacing[0]) == pytest.approx(MM, abs=1e-5)
