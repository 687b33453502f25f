"""Makes docs/reference from the code. `--check` writes nothing and ends with 1 when a page is stale."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tools.reference import (  # noqa: E402 the path stands first
    api,
    audit,
    commands,
    conformance,
    events,
    jobs,
    licences,
    metrics,
    permissions,
    problems,
    settings,
)

FOLDER = ROOT / "docs" / "reference"
PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings.render,
    "cli.md": commands.render,
    "openapi.json": api.openapi,
    "dicomweb.openapi.json": api.dicomweb_openapi,
    "api.md": api.render,
    "events.md": events.render,
    "jobs.md": jobs.render,
    "permissions.md": permissions.render,
    "problems.md": problems.render,
    "metrics.md": metrics.render,
    "audit-messages.md": audit.render,
    "conformance.md": conformance.render,
    "query-keys.md": conformance.query_keys,
    "licences.md": licences.render,
}


# Measured on the screen: a test writes it, and fails when it is not what is seen (tests/e2e/test_display.py).
MEASURED = {"display.md"}


def stale() -> list[str]:
    """Pages on disk that differ from what the code says now, and files there that no page makes."""
    os.chdir(ROOT)
    differing = [name for name, render in PAGES.items() if _read(FOLDER / name) != render()]
    return differing + [path.name for path in sorted(FOLDER.glob("*")) if path.name not in PAGES.keys() | MEASURED]


def write() -> list[str]:
    """Writes what differs; the names."""
    os.chdir(ROOT)
    FOLDER.mkdir(parents=True, exist_ok=True)
    changed = []
    for name, render in PAGES.items():
        text = render()
        if _read(FOLDER / name) != text:
            (FOLDER / name).write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing; exit status 1 when a page is stale")
    if arguments.parse_args().check:
        found = stale()
        for name in found:
            print(f"docs/reference/{name} is stale: run `make docs`")
        return 1 if found else 0
    for name in write():
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
