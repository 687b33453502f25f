"""Logs without patient data, and counters.

One line per fact: `event key=value`. Values are identifiers, counts and codes; names, identifiers of patients and free text of
objects never come here, so `fact` takes only keys that are listed.
"""

import logging
import sys

from prometheus_client import Counter, Gauge, Histogram

_KEYS = frozenset({
    "address", "aet", "association", "bytes", "code", "count", "door", "error", "exit", "host", "job", "kind", "ms", "name", "number", "path",
    "pid", "port", "process", "reason", "ref", "role", "seconds", "signal", "state", "status", "what",
})  # fmt: skip

OBJECTS = Counter("heliograph_objects_total", "Objects that came in, by door and outcome.", ["door", "outcome"])
BYTES_IN = Counter("heliograph_received_bytes_total", "Bytes that came in, by door.", ["door"])
ASSOCIATIONS = Gauge("heliograph_associations", "Open DICOM associations.", multiprocess_mode="livesum")
LIMITED = Counter(
    "heliograph_limited_total", "Requests that were refused because they were too many, by limit.", ["what"]
)
REQUESTS = Histogram("heliograph_http_seconds", "Seconds of HTTP requests, by route and status.", ["route", "status"])

_log = logging.getLogger("heliograph")


def set_up(process: str) -> None:
    """Logs of this process to standard error, one line a fact."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(asctime)s %(levelname)s {process} %(message)s"))
    _log.handlers[:] = [handler]
    _log.setLevel(logging.INFO)
    _log.propagate = False
    others = logging.StreamHandler(sys.stderr)
    others.setFormatter(_Guarded(process))
    logging.getLogger().handlers[:] = [others]
    logging.captureWarnings(capture=True)


class _Guarded(logging.Formatter):
    """What libraries log: their name and place alone, because their messages and exceptions may carry values of objects."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else "-"
        where = f"{record.name}:{record.funcName}:{record.lineno}"
        return f"{self.formatTime(record)} {record.levelname} {self._process} library {where} error={error}"


def fact(event: str, *, level: int = logging.INFO, **values: object) -> None:
    """Logs one fact; keys that are not listed are dropped."""
    words = [f"{key}={_plain(value)}" for key, value in values.items() if key in _KEYS]
    _log.log(level, "%s", " ".join([event, *words]))


def trouble(event: str, error: BaseException, **values: object) -> None:
    """Logs an unexpected error by its class and place; its text may hold foreign data and stays out."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else "?"
    fact(event, level=logging.ERROR, error=type(error).__name__, path=where, **values)


def _plain(value: object) -> str:
    """Line breaks and blanks in foreign values (an AE title) must not make new lines or keys."""
    text = str(value)[:120]
    return "".join(c if c.isprintable() and c not in ' "' else "_" for c in text)
