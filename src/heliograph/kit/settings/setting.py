"""One setting: its default, its words, and where else it may be set."""

from dataclasses import field
from typing import Any

from heliograph.kit.errors import Invalid


def setting(default: Any, doc: str, *, toml: str = "", flag: bool = False, least: float = 0) -> Any:
    """`least` bounds a number from below."""
    return field(default=default, metadata={"doc": doc, "toml": toml, "flag": flag, "least": least})


def split_address(text: str, name: str) -> tuple[str, int]:
    """`host:port` as a pair; raises Invalid that names the setting."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or not 0 <= int(port) < 65536:
        raise Invalid(f"{name} must be host:port, for example 127.0.0.1:8080", code="bad_setting")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 an empty host means every interface


def one_of(called: str, word: str, *allowed: str) -> None:
    """Raises Invalid when a setting is none of the words that it may be; one of them may be empty, for not set."""
    if word not in allowed:
        said = [one for one in allowed if one]
        raise Invalid(f"{called} must be {', '.join(said[:-1])} or {said[-1]}", code="bad_setting")
