"""Logs without patient data."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.engine.telemetry import fact, trouble

NAME = "Doe^Jane"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    import logging

    monkeypatch.setattr(logging.getLogger("heliograph"), "propagate", True)
    caplog.set_level(logging.INFO, logger="heliograph")
    return caplog


def lines(log: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in log.records if record.name == "heliograph"]


def test_a_fact_is_one_line_of_words_and_values(log: pytest.LogCaptureFixture) -> None:
    fact("process_died", process="worker", exit=-9)
    assert lines(log) == ["process_died process=worker exit=-9"]


def test_keys_that_are_not_listed_are_dropped(log: pytest.LogCaptureFixture) -> None:
    fact("something", patient=NAME, patient_name=NAME, value=NAME, detail=NAME, count=3)
    assert lines(log) == ["something count=3"]


@given(st.text(max_size=300))
def test_foreign_values_make_no_lines_and_no_keys_of_their_own(value: str) -> None:
    import logging

    seen: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    logger, keep = logging.getLogger("heliograph"), Keep()
    logger.addHandler(keep)
    before, logger.level = logger.level, logging.INFO
    try:
        fact("called", aet=value, code="x")
    finally:
        logger.removeHandler(keep)
        logger.setLevel(before)
    (line,) = seen
    assert len(line.splitlines()) == 1
    assert [word.partition("=")[0] for word in line.split(" ")] == ["called", "aet", "code"]
    assert len(line) < 160


def test_trouble_tells_class_and_place_and_not_the_text(log: pytest.LogCaptureFixture) -> None:
    try:
        int(NAME)
    except ValueError as error:
        trouble("request_failed", error, job=7)
    (line,) = lines(log)
    assert "error=ValueError" in line
    assert f"path={__name__}:" in line
    assert "job=7" in line
    assert NAME not in line


def test_what_libraries_log_or_warn_of_loses_its_values(tmp_path: Any) -> None:
    """In a process of its own, because logging is set up for the whole process."""
    program = f"""
import json, logging, warnings
from heliograph.engine import telemetry
telemetry.set_up("test")
logging.getLogger("uvicorn.error").error("Exception in application: {NAME}")
try:
    int("{NAME}")
except ValueError:
    logging.getLogger("procrastinate").exception("job failed with %s", "{NAME}")
warnings.warn("Invalid value for VR UI: '{NAME}'")
logging.warning("%s", "{NAME}")
telemetry.fact("fine", count=1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=240)
    said = done.stderr
    assert NAME not in said
    assert "Doe" not in said
    assert "fine count=1" in said
    assert "uvicorn.error" in said
    assert "procrastinate" in said
    assert "ValueError" in said, "what it was and where stays to be found"
    assert json.dumps(said).count("library") >= 3
