"""Settings from flags, environment, `heliograph.toml` and defaults, and what their owner calls each."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heliograph.kit.errors import Invalid
from heliograph.kit.settings.installation import FIELDS, Settings, check


def env_name(field_name: str) -> str:
    return "HELIOGRAPH_" + field_name.upper()


def load(flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from all four places; raises Invalid that names the wrong setting and where it stands."""
    environ = os.environ if environ is None else environ
    flags = {k: v for k, v in (flags or {}).items() if v is not None}
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for f in FIELDS:
        if f.name in flags:
            values[f.name], sources[f.name] = flags[f.name], "flag"
        elif environ.get(env_name(f.name), "") != "":
            values[f.name], sources[f.name] = environ[env_name(f.name)], "environment"
    data = Path(values.get("data", Settings.__dataclass_fields__["data"].default)).expanduser()
    path = Path(values["config"]) if values.get("config") else data / "heliograph.toml"
    for name, value in _from_toml(path, required=bool(values.get("config"))).items():
        if name not in values:
            values[name], sources[name] = value, "file"
    made = {name: _convert(name, value, sources[name]) for name, value in values.items()}
    made["data"] = data.absolute()
    settings = Settings(**made, sources={f.name: sources.get(f.name, "default") for f in FIELDS})
    check(settings)
    return settings


def _from_toml(path: Path, *, required: bool) -> dict[str, Any]:
    if not path.is_file():
        if required:
            raise Invalid(f"the settings file {path} does not exist", code="bad_setting")
        return {}
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path.name} is not valid TOML: {error}", code="bad_setting") from error
    known = {f.metadata["toml"]: f.name for f in FIELDS if f.metadata["toml"]}
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{inner}": v for inner, v in value.items()}
        else:
            flat[key] = value
    unknown = sorted(set(flat) - set(known))
    if unknown:
        raise Invalid(
            f"{path.name}: unknown setting {unknown[0]}; docs/reference/settings.md lists all", code="bad_setting"
        )
    return {known[key]: value for key, value in flat.items()}


def _convert(name: str, value: Any, source: str) -> Any:
    kind = Settings.__dataclass_fields__[name].type
    try:
        if isinstance(value, (bool, dict, list)):
            raise TypeError
        if kind is int:
            return int(value)
        if kind is float:
            return float(value)
        if kind is str:
            return str(value)
        return Path(value)
    except (TypeError, ValueError) as error:
        wanted = "a whole number" if kind is int else "a number" if kind is float else "a text"
        raise Invalid(f"{_called(name, source)} must be {wanted}", code="bad_setting") from error


def _called(name: str, source: str) -> str:
    """What the person who set it calls it: the key of the file, the variable, or the flag."""
    if source == "environment":
        return env_name(name)
    if source == "flag":
        return f"--{name}"
    return f"{Settings.__dataclass_fields__[name].metadata['toml']} (file)"


def secret_of(value: str) -> str:
    """A secret setting: itself, or the first line of the file that it names. Raises Invalid when the file cannot be read."""
    if not value.startswith("file:"):
        return value
    try:
        return Path(value.removeprefix("file:")).read_text("utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        raise Invalid("the file of a secret setting cannot be read", code="bad_setting") from None
