"""The numeric display suite: every pixel within one grey level of the numpy truth at 1:1, lossless encodings to the byte."""

import os
from pathlib import Path

from tests.e2e.display import page, suite
from tests.e2e.display.encodings import ENCODINGS
from tests.e2e.reading import Reader

LOSSY = {encoding.name for encoding in ENCODINGS if encoding.is_lossy}
# Nothing: a part, with every kind and every encoding in it; `whole`: all; `write`: all, and the page anew.
SUITE = os.environ.get("DISPLAY_SUITE", "")


def test_every_kind_of_picture_in_every_encoding(reader: Reader, tmp_path: Path) -> None:
    cells = suite.written(tmp_path, suite.chosen(whole=SUITE != ""))
    reader.store(cell.path for cell in cells)
    reader.open(suite.STUDY)
    results = suite.compared(cells, suite.walk(reader))
    wrong = [
        item for item in results if item.failure or item.largest > 1 or not (item.is_same or item.encoding in LOSSY)
    ]
    assert not wrong, "\n".join(map(str, wrong))
    if SUITE == "write":
        page.PATH.write_text(page.render(results), encoding="utf-8")
    assert page.disagreements(results) == [], "docs/reference/display.md is stale: run with DISPLAY_SUITE=write"
