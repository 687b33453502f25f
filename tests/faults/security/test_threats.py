"""The table of threats says what is tested, and nothing else."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
TABLE = (ROOT / "docs" / "explanation" / "threats.md").read_text("utf-8")
ROW = re.compile(r"^\| ([PN]\d+) .*\|$", re.MULTILINE)
LINK = re.compile(r"\]\(\.\./\.\./(tests/faults/security/test_\w+\.py)\)")


def test_every_row_names_a_test_of_its_own_and_it_is_there() -> None:
    for row in ROW.finditer(TABLE):
        name = f"test_{row[1][0].lower()}{int(row[1][1:]):02d}"
        found = LINK.findall(row[0])
        assert any(name in link for link in found), row[1]
        assert all((ROOT / link).is_file() for link in found), row[1]


def test_every_test_of_a_threat_is_in_the_table() -> None:
    linked = {Path(link).name for link in LINK.findall(TABLE)}
    assert {path.name for path in HERE.glob("test_[pn][0-9]*.py")} - linked == set()


def test_every_test_of_a_threat_says_which_one_it_is() -> None:
    for path in HERE.glob("test_[pn][0-9]*.py"):
        row = path.stem.removeprefix("test_")[:3]
        assert re.match(rf'^"""{row[0].upper()}0?{int(row[1:])}\b', path.read_text("utf-8")), path.name
