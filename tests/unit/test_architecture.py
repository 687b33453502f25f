"""The shape of the house, checked where import contracts cannot see: sizes, names, clocks, commits, and the map in the docs."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "heliograph"
FILE_LINES = 600
FUNCTION_LINES = 80
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "misc", "manager", "core", "types"}

# Each waiver has a reason; the list is meant to stay short.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}

# Folders in which a transaction may end: the doors, the job runner, the composition root, and the pool itself.
COMMIT_PLACES = ("gateways/", "engine/jobs/", "engine/jobs.py", "engine/db/", "app.py", "app/")
CLOCK_AND_CHANCE = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("uuid", "uuid1"),
    ("uuid", "uuid4"),
    ("uuid", "uuid7"),
}


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def calls(path: Path) -> Iterator[tuple[int, str, str]]:
    """(line, owner, name) of every call; the owner is the last word before the dot, or empty."""
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case (
                ast.Attribute(value=ast.Name(id=owner), attr=name)
                | ast.Attribute(value=ast.Attribute(attr=owner), attr=name)
            ):
                yield node.lineno, owner, name
            case ast.Attribute(attr=name) | ast.Name(id=name):
                yield node.lineno, "", name


def test_files_stay_within_600_lines() -> None:
    sizes = {
        named(path): len(path.read_bytes().splitlines()) for path in python_files("src", "tests", "tools", "bench")
    }
    web = ROOT / "web" / "src"
    for path in [*web.rglob("*.ts"), *web.rglob("*.tsx")] if web.is_dir() else []:
        if ".gen." not in path.name and "generated" not in path.parts:
            sizes[named(path)] = len(path.read_bytes().splitlines())
    too_long = {name: lines for name, lines in sizes.items() if lines > FILE_LINES and name not in LONG_FILES}
    assert not too_long, "split these into a package of the same name"
    assert not {name for name in LONG_FILES if sizes.get(name, 0) <= FILE_LINES}, "these need no waiver any more"


def test_functions_stay_within_80_lines() -> None:
    too_long, waived = {}, set()
    for path in python_files("src", "tests", "tools", "bench"):
        for function in functions(path):
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            name = f"{named(path)}:{function.name}"
            if lines > FUNCTION_LINES and name in LONG_FUNCTIONS:
                waived.add(name)
            elif lines > FUNCTION_LINES:
                too_long[name] = lines
    assert not too_long
    assert waived == set(LONG_FUNCTIONS), "some waivers are not needed any more"


def test_waiver_lists_stay_short() -> None:
    assert len(LONG_FILES) + len(LONG_FUNCTIONS) <= 10


def test_names_tell_what_is_inside() -> None:
    bad = [
        named(path)
        for path in [*SOURCE.rglob("*"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")]
        if path.stem.strip("_") in FORBIDDEN_NAMES and path.name != "__pycache__"
    ]
    assert not bad


def test_only_doors_and_the_job_runner_end_a_transaction() -> None:
    bad = []
    for path in python_files("src"):
        inside = path.relative_to(SOURCE).as_posix()
        if inside.startswith(COMMIT_PLACES):
            continue
        bad += [f"{named(path)}:{line}" for line, _owner, name in calls(path) if name in {"commit", "rollback"}]
    assert not bad, "features write inside the transaction they are given"


def test_only_kit_asks_what_time_it_is_or_throws_dice() -> None:
    """`demo` may use random with a seed: its hospital is the same every time."""
    bad = []
    for path in python_files("src"):
        inside = path.relative_to(SOURCE).as_posix()
        if inside.startswith("kit/"):
            continue
        for line, owner, name in calls(path):
            clock = (owner, name) in CLOCK_AND_CHANCE or (name in {"uuid4", "utcnow"} and not owner)
            dice = owner == "random" and not inside.startswith("demo/")
            if clock or dice:
                bad.append(f"{named(path)}:{line} {owner}.{name}")
    assert not bad


def test_every_package_says_what_it_is() -> None:
    silent = [named(path) for path in SOURCE.rglob("__init__.py") if not ast.get_docstring(tree_of(path))]
    assert not silent


def test_modules_of_the_package_say_what_they_are() -> None:
    silent = [
        named(path)
        for path in python_files("src")
        if path.name != "__init__.py" and "versions" not in path.parts and not ast.get_docstring(tree_of(path))
    ]
    assert not silent


def test_nothing_is_left_unfinished() -> None:
    words = re.compile(r"#.*\b(TODO|FIXME|HACK)\b|raise NotImplementedError")
    bad = [
        f"{named(path)}:{number}"
        for path in python_files("src", "tools", "bench")
        for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if words.search(text)
    ]
    assert not bad


def test_type_ignores_carry_a_code() -> None:
    bare = re.compile(r"#\s*type:\s*ignore(?!\[)")
    bad = [
        f"{named(path)}:{number}"
        for path in python_files("src", "tools")
        for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if bare.search(text)
    ]
    assert not bad


def test_unit_tests_mirror_the_package() -> None:
    """tests/unit/engine/blobs/... belongs to src/heliograph/engine/blobs/...: a folder of tests for nothing is a moved room."""
    own = ROOT / "tests" / "unit"
    lost = [
        named(folder)
        for folder in own.rglob("*")
        if folder.is_dir()
        and folder.name != "__pycache__"
        and not (SOURCE / folder.relative_to(own)).exists()
        and not (SOURCE / folder.relative_to(own)).with_suffix(".py").exists()
        and any(folder.glob("test_*.py"))
    ]
    assert not lost


def documented_rooms() -> dict[str, str]:
    """Room -> what it owns, from the table in docs/architecture.md."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9_.]+)` \| (.+) \|$", page, flags=re.MULTILINE)
    return dict(rows)


def on_disk(room: str) -> bool:
    place = SOURCE / room.replace(".", "/")
    return (place / "__init__.py").exists() or place.with_suffix(".py").exists()


@pytest.mark.skipif(not (ROOT / "docs" / "architecture.md").exists(), reason="docs/architecture.md is not there")
def test_the_map_in_the_docs_is_the_disk() -> None:
    rooms = documented_rooms()
    assert rooms, "the table of rooms is gone from docs/architecture.md"
    assert not [room for room in rooms if not on_disk(room)], "documented, but not on disk"
    parents = ("gateways", "features", "engine", "standards")
    existing = {
        f"{parent}.{child.stem}"
        for parent in parents
        for child in (SOURCE / parent).iterdir()
        if (child.is_dir() and (child / "__init__.py").exists())
        or (child.suffix == ".py" and not child.name.startswith("_"))
    }
    existing |= {
        child.name for child in SOURCE.iterdir() if (child / "__init__.py").exists() and child.name not in parents
    }
    assert not existing - rooms.keys(), "on disk, but not documented"
