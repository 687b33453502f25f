"""docs/reference/metrics.md from engine.telemetry."""

# ruff: noqa: SLF001 a metric tells its labels in no other way

from prometheus_client.metrics import MetricWrapperBase

from heliograph.engine import telemetry
from tools.reference._markdown import code, page, table

_INTRO = """`GET /metrics` answers in the Prometheus text format. From loopback it needs no sign-in; from elsewhere a token with the permission
`metrics.read`. The numbers are those of the HTTP process and begin at zero when it starts. Labels never hold patient data.

The Python client adds its own `python_*` and `process_*` metrics."""


def render() -> str:
    found = [one for one in vars(telemetry).values() if isinstance(one, MetricWrapperBase)]
    rows = [
        (code(name), one._type, ", ".join(code(label) for label in one._labelnames) or "none", one._documentation)
        for one in found
        for name in [one._name + ("_total" if one._type == "counter" else "")]
    ]
    return page("Metrics", _INTRO, table(("Name", "Kind", "Labels", "Meaning"), rows))
