"""The documentation says what the code does: generated pages are fresh, links lead somewhere, commands parse."""

import argparse
import ast
import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from heliograph.cli import parser
from heliograph.features.access.model import DEVICE_RIGHTS, ROLES, Permission
from heliograph.kit.settings import FIELDS, env_name
from tools import docs as generator
from tools.reference import commands, events, permissions, problems, settings

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "heliograph"
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "SECURITY.md"])
LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def headings(page: Path) -> set[str]:
    return {found.replace("`", "") for found in HEADING.findall(text_of(page))}


# -- generated pages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(generator.PAGES))
def test_generated_page_is_fresh(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert text_of(REFERENCE / name) == generator.PAGES[name](), "run `make docs`"


def test_no_page_of_the_reference_is_left_over() -> None:
    assert {path.name for path in REFERENCE.iterdir()} == set(generator.PAGES) | generator.MEASURED


def test_check_notices_a_page_that_was_changed_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(generator, "FOLDER", tmp_path)
    monkeypatch.setattr(generator, "PAGES", {"metrics.md": generator.PAGES["metrics.md"]})
    assert generator.stale() == ["metrics.md"]
    assert generator.write() == ["metrics.md"]
    assert generator.stale() == []
    (tmp_path / "metrics.md").write_text("# Metrics\n", encoding="utf-8")
    (tmp_path / "forgotten.md").write_text("x", encoding="utf-8")
    assert generator.stale() == ["metrics.md", "forgotten.md"]


def test_every_setting_has_its_heading_and_names() -> None:
    page = text_of(REFERENCE / "settings.md")
    assert {settings.title_of(field) for field in FIELDS} <= headings(REFERENCE / "settings.md")
    assert not [field.name for field in FIELDS if f"`{env_name(field.name)}`" not in page]
    assert not [field.name for field in FIELDS if field.metadata["flag"] and f"`--{field.name}`" not in page]


def test_every_command_has_its_heading() -> None:
    assert {name for name, _ in commands.commands(parser())} <= headings(REFERENCE / "cli.md")


def test_every_permission_role_and_right_is_explained() -> None:
    page = text_of(REFERENCE / "permissions.md")
    anchors = set(ANCHOR.findall(page))
    assert set(get_args(Permission)) == anchors == set(permissions.MEANING)
    assert not [role for role in ROLES if f" {role} |" not in page]
    assert set(DEVICE_RIGHTS) == set(permissions.RIGHTS)


def announced() -> Iterator[tuple[str, str]]:
    """(place, kind) of every fact that the source announces."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name == "announce":
                    kinds = [one.value for one in ast.walk(node.args[2]) if isinstance(one, ast.Constant)]
                    texts = [kind for kind in kinds if isinstance(kind, str) and kind[:1].isupper()]
                    assert texts, f"{named(path)}:{node.lineno} announces a kind that cannot be read from the source"
                    yield from ((f"{named(path)}:{node.lineno}", kind) for kind in texts)


def test_every_announced_event_is_in_the_table_of_its_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    tables = events.tables()
    known = {kind for table in tables.values() for kind in table}
    found = list(announced())
    assert not [f"{place} {kind}" for place, kind in found if kind not in known], "add it to the feature's events.py"
    assert not known - {kind for _, kind in found}, "nobody announces it any more"
    assert {kind.lower() for kind in known} == set(ANCHOR.findall(text_of(REFERENCE / "events.md")))


def test_every_error_code_is_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found a second way: by the text of the source, not by its tree."""
    monkeypatch.chdir(ROOT)
    page = set(ANCHOR.findall(text_of(REFERENCE / "problems.md")))
    written = {code for path in SOURCE.rglob("*.py") for code in re.findall(r'\bcode="([a-z0-9_]+)"', text_of(path))}
    assert len(written) > 100
    assert not written - page
    assert {one.code for one in problems.problems()} <= page


# -- links ---------------------------------------------------------------------------------------------------------


def slug(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {slug(found) for found in HEADING.findall(text_of(page))} | set(ANCHOR.findall(text_of(page)))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(FENCE.sub("", text_of(page))):
        if target.startswith(("http://", "https://")):
            continue
        place, _, anchor = target.partition("#")
        file = (page.parent / place).resolve() if place else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        waiting += [(page.parent / target.partition("#")[0]).resolve() for target in LINK.findall(text_of(page))]
    assert not [named(page) for page in PAGES if page.resolve() not in {one.resolve() for one in seen}]


# -- commands in the text ------------------------------------------------------------------------------------------


def command_lines(page: Path) -> Iterator[str]:
    """Command lines of the page's code blocks: whole lines of sh, lines behind a prompt of console."""
    for language, body in FENCE.findall(text_of(page)):
        lines = body.replace("\\\n", " ").splitlines()
        if language == "console":
            yield from (line[2:] for line in lines if line.startswith("$ "))
        elif language == "sh":
            yield from lines


def heliograph_commands(line: str) -> Iterator[list[str]]:
    """The arguments of every `heliograph ...` in a line of the shell, also inside $(...)."""
    for found in re.finditer(r"(?:^|[(/;|&] ?|\bdo )heliograph (?=[a-z])([^|;)>&]*)", line):
        yield shlex.split(found.group(1), comments=True)


def test_commands_are_found_where_they_stand() -> None:
    lines = 'T=$(heliograph token --name a --scope all) && .venv/bin/heliograph where "Doe^Jane" | head # heliograph x'
    assert list(heliograph_commands(lines))[:2] == [["token", "--name", "a", "--scope", "all"], ["where", "Doe^Jane"]]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_in_the_text_parse(page: Path) -> None:
    wrong = []
    for line in command_lines(page):
        for words in heliograph_commands(line):
            said = io.StringIO()
            try:
                with contextlib.redirect_stderr(said):
                    parser().parse_args(words)
            except SystemExit:
                wrong.append(f"heliograph {shlex.join(words)}: {said.getvalue().strip().splitlines()[-1:]}")
    assert not wrong


def test_the_how_tos_show_commands() -> None:
    """So that the test above cannot pass by finding nothing."""
    counts = {named(page): sum(len(list(heliograph_commands(line))) for line in command_lines(page)) for page in PAGES}
    assert not [name for name, count in counts.items() if "/howto/" in name and count == 0]
    assert sum(counts.values()) > 50


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_words_of_make_exist(page: Path) -> None:
    known = set(re.findall(r"^([a-z][a-z-]*):", text_of(ROOT / "Makefile"), re.MULTILINE))
    used = set(re.findall(r"`make ([a-z-]+)", text_of(page)))
    used |= {words[1] for line in command_lines(page) if (words := line.split())[:1] == ["make"] and len(words) > 1}
    assert not used - known


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_page_names_a_place_of_the_workshop(page: Path) -> None:
    assert not re.findall(r"/work/|/tmp/|/home/|/root/", text_of(page))


def test_settings_files_in_the_text_load(tmp_path: Path) -> None:
    """Every TOML block of the pages is a valid settings file."""
    from heliograph.kit.settings import load

    blocks = [body for page in PAGES for language, body in FENCE.findall(text_of(page)) if language == "toml"]
    assert blocks
    for number, body in enumerate(blocks):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "heliograph.toml").write_text(body, encoding="utf-8")
        load({"data": str(folder)}, {})


def test_the_parser_is_argparse() -> None:
    """commands.py reads its insides; another parser would leave cli.md empty."""
    assert isinstance(parser(), argparse.ArgumentParser)
    assert len(list(commands.commands(parser()))) > 10
