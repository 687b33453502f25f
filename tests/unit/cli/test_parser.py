"""The command line: it teaches, and it refuses what it does not know."""

import argparse
from collections.abc import Iterator

import pytest

from heliograph import __version__
from heliograph.cli import main, parser
from heliograph.kit.settings import FIELDS

EXPECTED = {
    "serve", "version", "import", "export", "device", "user", "token", "where", "doctor", "verify", "backup", "restore",
}  # fmt: skip


def all_parsers(
    made: argparse.ArgumentParser, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    yield words, made
    for action in made._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from all_parsers(inner, (*words, name))


PARSERS = dict(all_parsers(parser()))
LEAVES = {words: made for words, made in PARSERS.items() if made.get_default("run") is not None}


def test_every_command_of_the_issue_is_there() -> None:
    assert {words[0] for words in PARSERS if words} >= EXPECTED


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_help_teaches(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert LEAVES[words].description
    assert said.startswith(f"usage: heliograph {' '.join(words)}")
    assert "HELIOGRAPH_DATA" in said


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_command_takes_the_data_folder(words: tuple[str, ...]) -> None:
    flags = {flag for action in LEAVES[words]._actions for flag in action.option_strings}
    wanted = {f"--{field.name.replace('_', '-')}" for field in FIELDS if field.metadata["flag"]}
    assert flags >= (wanted if words == ("serve",) else {"--data", "--database", "--blobs", "--config"})


def test_every_argument_is_explained() -> None:
    silent = [
        f"heliograph {' '.join(words)} {action.option_strings or action.dest}"
        for words, made in LEAVES.items()
        for action in made._actions
        if not action.help and action.option_strings
    ]
    assert not silent


def test_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "usage: heliograph" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["serve", "--nonsense"], ["nonsense"], ["token"], ["device", "add"], ["import"]])
def test_wrong_usage_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "heliograph" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["-1", "1.5", "2000000001", "many"])
@pytest.mark.parametrize("words", [["token", "--name", "n", "--scope", "all"], ["device", "add", "--aet", "A"]])
def test_a_limit_that_is_none_is_refused_by_its_name(
    words: list[str], value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([*words, f"--hourly-instances={value}"])
    assert "--hourly-instances: must be a whole number from 0 to 2000000000" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"heliograph {__version__}\n"
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith(f"heliograph {__version__} (schema ")
