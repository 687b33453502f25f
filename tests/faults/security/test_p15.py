"""P15: values that become formulas, columns, lines or keys where they are written down (CSV, logs)."""

import contextlib
import csv
import io
import re
from pathlib import Path

import httpx
import pytest

import heliograph
from heliograph.features.trail.sheets import cell
from tests.faults.security import hostile
from tests.faults.security.conftest import MIB, Siege
from tests.faults.security.hostile import Identity
from tests.peers.association import EXPLICIT, Association, Lost

TITLES = ["A\r\nB", "X\n2026-11-22", "A\x1b[31mRED", 'K" level=x', "A exit=0", "\x85NEXT", "=HYPERLINK(1)"]
LINE = re.compile(
    r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING|ERROR|CRITICAL) \S+ .*|Heliograph .*|  (Browser|DICOM|Sign in|Another) .*|  Another .*|heliograph: .*)?$"
)


@pytest.mark.parametrize("title", TITLES)
def test_a_title_with_line_breaks_writes_no_line(siege: Siege, title: str) -> None:
    before = len(siege.server.log.read_bytes())
    try:
        with Association.connect(siege.server.dicom, [(hostile.CT, (EXPLICIT,))], calling=title[:16]) as association:
            association.store(hostile.CT, Identity().sop, EXPLICIT, b"\0" * 20)
    except Lost:
        pass
    written = siege.server.log.read_bytes()[before:].decode(errors="replace")
    for line in written.split("\n"):
        assert LINE.match(line), repr(line)
        assert "\x1b" not in line
        assert "\r" not in line
    assert siege.rise() < 64 * MIB


def test_a_registered_title_is_made_of_its_characters(web: httpx.Client) -> None:
    """PS3.5 6.2: no backslash, no control character; at most sixteen."""
    for title in ("A\r\nB", "A\\B", "\x1b[31m", "a" * 17, "", "  ", "Ä"):
        told = web.post("/api/devices", json={"aet": title, "host": "127.0.0.1", "port": 104, "allow": ["echo"]})
        assert told.status_code in {400, 422}, (title, told.text)


FORMULAS = ["=HYPERLINK(1)", "+1+1", "-1|cmd", "@SUM(1)", " =1", "\t=1", "\uff1d1"]
# Where tables are written, each foreign cell through `cell`.
SHEETS = {"features/trail/sheets.py", "cli/people.py"}


def test_one_place_writes_tables_for_spreadsheets() -> None:
    """Whoever writes another quotes what begins with = + - @ and tabs, and tests it here."""
    root = Path(heliograph.__path__[0])
    for file in root.rglob("*.py"):
        text = file.read_text()
        if re.search(r"csv\.(writer|DictWriter)|import (writer|DictWriter)", text):
            assert file.relative_to(root).as_posix() in SHEETS, f"{file} writes CSV"
    for title in FORMULAS:
        assert cell(title).startswith("'"), title


def test_a_table_that_is_taken_along_calculates_nothing(siege: Siege, web: httpx.Client) -> None:
    """Titles, tokens, nodes and searches that are formulas, in the table of the audit log: every cell is text, every line has its columns."""
    for title in FORMULAS:
        with contextlib.suppress(Lost, UnicodeError):
            Association.connect(siege.server.dicom, [(hostile.CT, (EXPLICIT,))], calling=title[:16], timeout=20).abort()
        who = Identity()
        hostile.store(
            siege.server.dicom,
            [(who, hostile.head(who, name=title, patient=title) + hostile.image() + hostile.pixels())],
        )
        web.post("/api/nodes", json={"name": f"{title}\r\n=2", "aet": "X", "host": "127.0.0.1", "port": 9})
        web.post("/api/tokens", json={"name": title, "scopes": ["study.read"]})
        web.get(f"/dicom-web/studies/{who.study}/metadata")
    answer = web.post("/api/audit/search/sheet", json={})
    assert answer.status_code == 200, answer.text[:300]
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(lines) > 20
    assert {len(line) for line in lines} == {len(lines[0])}
    cells = {cell for line in lines for cell in line}
    assert not [cell for cell in cells if re.match(r"\s*[=+@\uff1d\uff0b\uff20-]", cell)]
    assert any("HYPERLINK" in cell for cell in cells), "nothing of it came into the table"
    assert siege.rise() < 64 * MIB


def test_a_request_line_and_its_headers_write_no_line(siege: Siege, web: httpx.Client) -> None:
    before = len(siege.server.log.read_bytes())
    for path in ("/api/%0d%0aFAKE", "/dicom-web/studies/%0aINFO%20http", "/api/studies/%1b%5b31m"):
        web.get(path, headers={"User-Agent": "x y=z", "X-Forwarded-For": "1.2.3.4 FAKE"})
    for line in siege.server.log.read_bytes()[before:].decode(errors="replace").split("\n"):
        assert LINE.match(line), repr(line)
        assert "FAKE" not in line
