"""Options that every command has, and the settings they make."""

import argparse
from typing import Any

from heliograph.app.build import running
from heliograph.engine.db import Tx
from heliograph.features.access import Actor, console_actor
from heliograph.kit.settings import FIELDS, Settings, env_name, load

_WHERE = ("data", "database", "blobs", "config")
Commands = Any  # argparse keeps the class of add_subparsers' answer private


def command(
    commands: Commands, name: str, help_: str, description: str = "", example: str = ""
) -> argparse.ArgumentParser:
    """A subcommand with the settings' flags; `example` teaches by showing."""
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=help_,
        description=description or help_[0].upper() + help_[1:] + ".",
        epilog=f"example:\n  {example}" if example else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_settings(made, serving=name == "serve")
    return made


def add_settings(made: argparse.ArgumentParser, *, serving: bool) -> None:
    """`serve` takes every flag; the others need to know where the data is and learn the rest from a running server."""
    group = made.add_argument_group("settings (flag, then environment, then DIR/heliograph.toml, then default)")
    for field in FIELDS:
        if field.metadata["flag"] and (serving or field.name in _WHERE):
            default = "DIR/heliograph.toml" if field.name == "config" else field.default or "none"
            text = f"{field.metadata['doc']} [{env_name(field.name)}; {default}]".replace("%", "%%")
            group.add_argument(
                f"--{field.name.replace('_', '-')}", dest=field.name, metavar=field.name.upper(), help=text
            )


def add_tenant(made: argparse.ArgumentParser) -> None:
    """For commands that act in one organisation."""
    made.add_argument("--tenant", metavar="NAME", help="in which organisation; the first when not given")


def acting(tx: Tx, arguments: argparse.Namespace, name: str = "console") -> Actor:
    """Who runs the installation, in the organisation that the command names."""
    return console_actor(tx, getattr(arguments, "tenant", None), name)


def settings_of(arguments: argparse.Namespace, *, serving: bool = False) -> Settings:
    """The settings of a command; a server that runs on the data folder says what it was started with."""
    flags = {field.name: getattr(arguments, field.name, None) for field in FIELDS if field.metadata["flag"]}
    settings = load(flags)
    if serving:
        return settings
    return load(running(settings.data) | {name: value for name, value in flags.items() if value is not None})


def positive(text: str) -> float:
    """A number above nothing."""
    value = not_negative(text)
    if not value:
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def not_negative(text: str) -> float:
    """A number that can be counted to."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no number") from None
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return value


def objects(text: str) -> int:
    """Of an hour; 0 is any number."""
    return _whole(text, 2_000_000_000)


def size_bytes(text: str) -> int:
    """Of an hour; 0 is any number."""
    return _whole(text, 10**15)


def _whole(text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= most):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {most}; 0 is without a limit")
    return int(text)
