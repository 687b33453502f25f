"""The tables of threats and doors say what is tested and what is there, and nothing else."""

import argparse
import ast
import re
from pathlib import Path

import heliograph
from heliograph.app.web import application
from heliograph.cli import parser
from heliograph.gateways.dimse.services import Service
from tests.conformance.access_matrix import routes
from tools.reference import _offline

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


# -- the table of doors ----------------------------------------------------------------------------------------------

DOOR = re.compile(r"^\| (?:(stream|DIMSE|command|listens|calls) )?`([^`]+)` \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
CALLING = {
    "httpx",
    "smtplib",
    "http.client",
    "urllib.request",
    "obstore",
    "ldap3",
    "requests",
    "aiohttp",
    "telnetlib",
    "ftplib",
    "paramiko",
}
CALLS = {
    "create_connection",
    "open_connection",
    "open_unix_connection",
    "getaddrinfo",
    "connect",
    "connect_ex",
    "sendto",
}
LISTENS = {"bind", "listen", "create_server", "start_server", "start_unix_server"}


def _documented() -> set[tuple[str, str]]:
    return {(kind, name) for kind, name, _, _ in DOOR.findall(TABLE)}


def _group(path: str) -> str:
    """Addresses that begin with the same two words are one door: who may use them is decided route by route in the matrix (N11)."""
    words = path.split("/")
    return "/".join(words[:3]) if words[1] in {"api", "dicom-web", "fhir"} else path


def _routes() -> set[tuple[str, str]]:
    with _offline.services() as services:
        found, sockets = routes(application(services))
    return {("", _group(route.path)) for route in found} | {("stream", path) for path in sockets}


def _commands() -> set[tuple[str, str]]:
    (choices,) = [action.choices for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return {("command", name) for name in choices}


def _sockets(root: Path) -> set[tuple[str, str]]:
    """Modules that open a way out or in, by what they import and call."""
    found = set()
    for file in root.rglob("*.py"):
        place, text = file.relative_to(root).as_posix(), file.read_text("utf-8")
        for node in ast.walk(ast.parse(text)):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            names |= {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
            called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
            if any(name == one or name.startswith(f"{one}.") for name in names for one in CALLING) or called in CALLS:
                found.add(("calls", place))
            is_signing_in = called == "bind" and "import ldap3" in text
            if called in LISTENS and not is_signing_in:
                found.add(("listens", place))
    return found


def test_every_door_of_the_program_stands_in_the_table_and_no_other() -> None:
    there = _routes() | _commands() | _sockets(Path(heliograph.__path__[0]))
    there |= {("DIMSE", service.value) for service in Service}
    assert there - _documented() == set(), "a door without its threats: docs/explanation/threats.md, Doors"
    assert _documented() - there == set(), "these doors are gone"


def test_every_door_names_threats_that_there_are() -> None:
    known = {row[1] for row in ROW.finditer(TABLE)}
    rows = DOOR.findall(TABLE)
    assert len(rows) > 50
    for _, name, who, threats in rows:
        assert who.strip(), name
        assert threats.strip(), name
        assert set(threats.strip().split(", ")) <= known, (name, threats)


def test_every_threat_of_the_list_has_its_row() -> None:
    """P1 to P15, N1 to N14, N16 to N19, N21 and N22; HL7 (N15) has no door yet, N20, N23 and N24 belong to what is not built yet."""
    wanted = {f"P{n}" for n in range(1, 16)} | {f"N{n}" for n in (*range(1, 15), *range(16, 20), 21, 22)}
    assert {row[1] for row in ROW.finditer(TABLE)} >= wanted
    assert {path.name for path in HERE.glob("test_[pn]??.py")} >= {
        f"test_{one[0].lower()}{int(one[1:]):02d}.py" for one in wanted
    }


def test_a_new_door_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text("import socket\nsocket.create_connection(('127.0.0.1', 9))\n")
    (tmp_path / "open.py").write_text("import asyncio\nasyncio.start_server(print, port=9)\n")
    (tmp_path / "web.py").write_text("def f():\n    from httpx import get\n")
    assert _sockets(tmp_path) == {("calls", "new.py"), ("listens", "open.py"), ("calls", "web.py")}
    assert _group("/api/studies/{study_id}/leak") == "/api/studies"
    assert _group("/debug") == "/debug"
