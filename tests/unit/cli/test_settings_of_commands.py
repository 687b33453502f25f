"""How a command finds its settings: flags, and what a server on the same folder was started with."""

import json
from pathlib import Path

import pytest

from heliograph.cli import main, parser
from heliograph.cli._options import settings_of
from heliograph.kit.settings import Settings


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA", "HTTP", "DICOM", "AET", "DATABASE", "BLOBS", "CONFIG"):
        monkeypatch.delenv(f"HELIOGRAPH_{name}", raising=False)


def settings(*words: str, serving: bool = False) -> Settings:
    return settings_of(parser().parse_args(words), serving=serving)


def told(data: Path, **values: str) -> None:
    """What a running server leaves for commands."""
    (data / "run").mkdir(parents=True)
    (data / "run" / "settings.json").write_text(json.dumps(values), encoding="utf-8")


def test_a_command_learns_from_the_server(tmp_path: Path) -> None:
    told(tmp_path, http="127.0.0.1:9000", dicom="127.0.0.1:9001", aet="SITE", database="embedded", blobs="s3://a/b")
    made = settings("where", "x", "--data", str(tmp_path))
    assert (made.http, made.aet, made.blobs) == ("127.0.0.1:9000", "SITE", "s3://a/b")


def test_a_flag_of_the_command_beats_the_server(tmp_path: Path) -> None:
    told(tmp_path, blobs="s3://a/b")
    assert settings("where", "x", "--data", str(tmp_path), "--blobs", "file").blobs == "file"


def test_serve_does_not_take_over_what_the_last_one_had(tmp_path: Path) -> None:
    told(tmp_path, http="127.0.0.1:9000")
    assert settings("serve", "--data", str(tmp_path), serving=True).http == "127.0.0.1:8080"


@pytest.mark.parametrize("left", ["", "{", '["x"]', '{"nonsense": "1"}'])
def test_a_damaged_note_of_the_server_is_passed_over(tmp_path: Path, left: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "settings.json").write_text(left, encoding="utf-8")
    assert settings("where", "x", "--data", str(tmp_path)).http == "127.0.0.1:8080"


def test_a_wrong_setting_ends_the_command_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "heliograph.toml").write_text("[site]\nnmae = 1\n", encoding="utf-8")
    assert main(["doctor", "--data", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("heliograph: heliograph.toml: unknown setting site.nmae")
    assert "Traceback" not in said.err
