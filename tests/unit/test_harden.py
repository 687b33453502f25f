"""Every line of the hardening guide names something that exists: a command that parses, a setting with that value, an address, a role."""

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliograph.app.web import application
from heliograph.cli import parser
from heliograph.features.access.model import ROLES
from heliograph.kit.errors import HeliographError
from heliograph.kit.settings import FIELDS, load
from tests.conformance.access_matrix import routes
from tools.reference import _offline

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "howto" / "harden.md").read_text(encoding="utf-8")
SETTINGS = {field.metadata["toml"] or field.name: field.name for field in FIELDS}
# What belongs to the operating system, to PostgreSQL or to S3, and the placeholder for the data folder.
FOREIGN = {"DIR", "timedatectl", "ulimit -c", "sslmode=verify-full", "admin", "chmod 700 DIR"}
IS = re.compile(r"`([a-z_.]+)` (?:is|fits the rooms, at most) (?:not )?`?([\w.:]+?)`?(?: or less)?[ .,:(]")


def lines() -> list[str]:
    """The lines to tick off, each whole, and the numbered ones."""
    return [line for line in PAGE.splitlines() if line.startswith("- [ ] ") or re.match(r"\d\. ", line)]


def codes(line: str) -> list[str]:
    return re.findall(r"`([^`]+)`", line)


def known_places() -> Iterator[str]:
    with _offline.services() as services:
        found, _ = routes(application(services))
    yield from (route.path for route in found)


PLACES = set(known_places())


def is_there(code: str) -> bool:
    if code in FOREIGN or code in ROLES or code in SETTINGS or code in PLACES:
        return True
    if code.startswith("heliograph "):
        return parses(shlex.split(code)[1:])
    if code.startswith("--"):  # a flag of some command, perhaps with its value
        return _is_flag(shlex.split(code))
    if code.startswith("DIR/"):
        others = (path for path in (ROOT / "docs").rglob("*.md") if path.name != "harden.md")
        return any(code.removeprefix("DIR/") in path.read_text("utf-8") for path in others)
    return _is_value(code)


def parses(words: list[str]) -> bool:
    """Whole, or as the name of a command whose arguments are left out."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            parser().parse_args(words)
        except SystemExit:
            return "invalid choice" not in said.getvalue() and "unrecognized" not in said.getvalue()
    return True


def _is_flag(words: list[str]) -> bool:
    reference = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")
    return re.search(rf"`{re.escape(words[0])}\b", reference) is not None


def _is_value(code: str) -> bool:
    """The value that another code of the same page gives to a setting."""
    return bool(re.search(rf"`[a-z_.]+` (?:is|stays at) `{re.escape(code)}`", PAGE))


@pytest.mark.parametrize("line", lines())
def test_a_line_names_what_exists(line: str) -> None:
    assert codes(line), "nothing in it can be done"
    assert not [code for code in codes(line) if not is_there(code)]


def test_values_are_ones_that_the_settings_take(tmp_path: Path) -> None:
    """`dimse.plaintext` is `pinned`: as the environment would say it."""
    from heliograph.kit.settings import env_name

    said = [
        (name, value) for name, value in IS.findall(PAGE) if name in SETTINGS and value not in {"empty", "not", "set"}
    ]
    assert len(said) >= 6
    for name, value in said:
        field = SETTINGS[name]
        text = f"{value}:8080" if value.count(".") == 3 else value
        try:
            load({"data": str(tmp_path)}, {env_name(field): text})
        except HeliographError as error:
            raise AssertionError(f"{name} = {value}: {error.message}") from error


def test_what_is_wrong_would_be_seen() -> None:
    assert not is_there("heliograph defend")
    assert not is_there("dimse.unknown")
    assert not is_there("/api/nothing")
    assert not is_there("DIR/nothing-of-this-name")
