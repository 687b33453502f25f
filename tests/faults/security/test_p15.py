"""P15: values that become formulas, columns, lines or keys where they are written down (CSV, logs)."""

import ast
import re
from pathlib import Path

import httpx
import pytest

import heliograph
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


def test_nothing_writes_tables_for_spreadsheets() -> None:
    """No CSV leaves today. Whoever writes one quotes what begins with = + - @ and tabs, and tests it here."""
    for file in Path(heliograph.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if "csv" in names:
                text = file.read_text()
                assert "csv.writer" not in text, f"{file} writes CSV"
                assert "DictWriter" not in text, f"{file} writes CSV"


def test_a_request_line_and_its_headers_write_no_line(siege: Siege, web: httpx.Client) -> None:
    before = len(siege.server.log.read_bytes())
    for path in ("/api/%0d%0aFAKE", "/dicom-web/studies/%0aINFO%20http", "/api/studies/%1b%5b31m"):
        web.get(path, headers={"User-Agent": "x y=z", "X-Forwarded-For": "1.2.3.4 FAKE"})
    for line in siege.server.log.read_bytes()[before:].decode(errors="replace").split("\n"):
        assert LINE.match(line), repr(line)
        assert "FAKE" not in line
