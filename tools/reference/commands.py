"""docs/reference/cli.md from heliograph.cli.parser()."""

# ruff: noqa: SLF001 argparse tells its arguments in no other way

import argparse
import re
from collections.abc import Iterator

from heliograph.cli import parser
from tools.reference._markdown import block, code, page, table

_INTRO = """Every command works while the server runs on the data folder and when it is stopped; then the embedded database is started for
the time of the command. `heliograph COMMAND --help` prints the same as this page.

Exit status: 0 done, 1 it could not be done or something is wrong (the reason is printed on standard error), 2 wrong usage."""

Commands = Iterator[tuple[str, argparse.ArgumentParser]]


def render() -> str:
    top = parser()
    parts = [_INTRO, block(top.epilog or "", "text")]
    parts += [_section(name, made) for name, made in commands(top)]
    return page("Command line", *parts)


def commands(made: argparse.ArgumentParser, words: tuple[str, ...] = ()) -> Commands:
    """Every command that does something, in the order of its help, as (`heliograph device add`, its parser)."""
    below = [action for action in made._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield " ".join(("heliograph", *words)), made
    for action in below:
        for name, inner in action.choices.items():
            yield from commands(inner, (*words, name))


def _section(name: str, made: argparse.ArgumentParser) -> str:
    parts = [f"## {code(name)}", made.description or "", block(_usage(name, made), "text")]
    arguments: list[argparse.Action] = []
    settings: list[argparse.Action] = []
    for group in made._action_groups:
        for action in group._group_actions:
            if not isinstance(action, argparse._HelpAction):
                (settings if _is_settings(group) else arguments).append(action)
    if arguments:
        parts.append(table(("Argument", "Meaning"), [(_name(action), _meaning(action)) for action in arguments]))
    if settings:
        links = ", ".join(code(f"--{action.dest}") for action in settings)
        parts.append(f"Settings: {links} ([what they mean](settings.md#top-level)).")
    if made.epilog:
        parts += [
            "Example:",
            block(re.sub(r" {2,}(?=heliograph )", "\n", made.epilog.removeprefix("example:\n")), "sh"),
        ]
    return "\n\n".join(part for part in parts if part)


def _usage(name: str, made: argparse.ArgumentParser) -> str:
    """Argparse wraps its own to the width of the terminal, and its settings are told below."""
    words = [name]
    for group in made._action_groups:
        if _is_settings(group):
            continue
        for action in group._group_actions:
            if isinstance(action, argparse._HelpAction):
                continue
            shown = _name(action).strip("`")
            words.append(
                (shown if action.required else f"[{shown}]") + (f" [{shown} ...]" if action.nargs == "+" else "")
            )
    return " ".join([*words, "[settings]"])


def _is_settings(group: argparse._ArgumentGroup) -> bool:
    return (group.title or "").startswith("settings")


def _name(action: argparse.Action) -> str:
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if not action.option_strings:
        return code(metavar)
    flag = action.option_strings[-1]
    return code(flag if action.nargs == 0 else f"{flag} {metavar}")


def _meaning(action: argparse.Action) -> str:
    text = (action.help or "").replace("%%", "%")
    needed = "required" if action.required and action.option_strings else ""
    return "; ".join(part for part in (text, needed) if part)
