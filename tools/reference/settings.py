"""docs/reference/settings.md from kit.settings."""

import dataclasses
from pathlib import Path
from typing import Any

from heliograph.kit.settings import FIELDS, env_name
from tools.reference._markdown import block, code, page

_INTRO = """Every setting has one value for the whole installation. It comes from the first of these places that has it:

1. the flag on the command line, for the settings that have one;
2. the environment variable (an empty variable counts as not set);
3. the settings file: `DIR/heliograph.toml`, or the file named by `--config`;
4. the default.

A key in the settings file that is not listed here is an error, and so is a value of the wrong type. The message names the setting.
Sizes are in bytes, times in seconds unless the name says otherwise, addresses are `host:port`. `GET /api/settings` and the page About
show each value and where it came from. Settings are read when the server starts; a change needs a restart."""

_FLAGS = """`serve` takes every flag below. The other commands take `--data`, `--database`, `--blobs` and `--config`; a server that runs on
the same data folder tells them the rest."""


def render() -> str:
    groups: dict[str, list[Any]] = {}
    for field in FIELDS:
        groups.setdefault(_group(field), []).append(field)
    parts = [_INTRO, "## Example", block(_example(), "toml")]
    for name, fields in groups.items():
        parts.append(f"## {'Top level' if not name else f'[{name}]'}")
        if not name:
            parts.append(_FLAGS)
        parts += [_section(field) for field in fields]
    return page("Settings", *parts)


def title_of(field: "dataclasses.Field[Any]") -> str:
    """The heading of a setting: its TOML key, or its name when it has none."""
    return field.metadata["toml"] or field.name


def _group(field: "dataclasses.Field[Any]") -> str:
    key: str = field.metadata["toml"]
    return key.rpartition(".")[0]


def _section(field: "dataclasses.Field[Any]") -> str:
    facts = [
        f"Flag {code(f'--{field.name}')}" if field.metadata["flag"] else "No flag",
        f"environment {code(env_name(field.name))}",
        f"in the file {code(field.metadata['toml'])}"
        if field.metadata["toml"]
        else "not in the file: it names the file",
        _kind(field),
        f"default {_shown(field.default)}",
    ]
    return "\n\n".join([f"### {code(title_of(field))}", field.metadata["doc"], ", ".join(facts) + "."])


def _kind(field: "dataclasses.Field[Any]") -> str:
    if field.type is int:
        return "whole number"
    if field.type is float:
        return "number"
    return "text" if field.type is str else "path"


def _shown(value: object) -> str:
    if value is None:
        return "`DIR/heliograph.toml`, when it exists"
    if value == "":
        return "empty"
    return code(value) + (f" ({_in_units(value)})" if isinstance(value, int) and value >= 1 << 18 else "")


def _in_units(value: int) -> str:
    for shift, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if value >= 1 << shift:
            return f"{value / (1 << shift):g} {unit}"
    return f"{value} bytes"


def _example() -> str:
    lines = ["# DIR/heliograph.toml: only what differs from the defaults."]
    wanted: dict[str, dict[str, object]] = {
        "": {"http": "127.0.0.1:8080", "dicom": "0.0.0.0:11112", "aet": "HELIOGRAPH"},
        "site": {"name": "General Hospital", "timezone": "Europe/Vienna", "default_issuer": "GH"},
        "alarms": {"webhook": "https://alerts.example.org/heliograph"},
    }
    for group, values in wanted.items():
        lines += [""] if group else []
        lines += [f"[{group}]"] if group else []
        lines += [f"{key} = {_toml(value)}" for key, value in values.items()]
    return "\n".join(lines)


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str | Path) else str(value)
