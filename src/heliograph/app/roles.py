"""What each child process does: `python -m heliograph.app.roles ROLE`, settings as one JSON line on standard input."""

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heliograph.app.build import build, note_activity, prepare
from heliograph.engine import secrets, telemetry
from heliograph.engine.supervise import child_payload
from heliograph.kit.errors import HeliographError
from heliograph.kit.settings import Settings
from heliograph.services import Services


def main() -> None:
    role = sys.argv[1]
    lasting = role in _LASTING
    payload: dict[str, Any] = json.loads(child_payload() if lasting else sys.stdin.buffer.readline())
    values = payload["settings"]
    values["data"] = Path(values["data"])
    values["config"] = Path(values["config"]) if values["config"] else None
    settings, url = Settings(**values), payload["url"]
    telemetry.set_up(role)
    try:
        if role == "prepare":
            _prepare(settings, url, payload)
        else:
            _last(role, settings, url, payload)
    except HeliographError as error:
        raise SystemExit(f"heliograph {role}: {error.message}") from None


def _prepare(settings: Settings, url: str, payload: dict[str, Any]) -> None:
    from heliograph.app.greet import greeting

    prepare(settings, url)
    if secrets.is_wanted(settings):
        secrets.ensure(settings)
        secrets.door(settings, clients="optional").context()  # files that cannot be used are told before a door opens
    print(greeting(settings, url, demo=payload["demo"]), flush=True)


def _last(role: str, settings: Settings, url: str, payload: dict[str, Any]) -> None:
    _raise_file_limit()
    services = build(settings, url, role, connections=24)
    try:
        # A predecessor that was killed together with the database may have acknowledged what the index does not hold.
        if count := services.intake.recover():
            telemetry.fact("recovered", count=count)
        _LASTING[role](services, payload)
    finally:
        services.close()


def _raise_file_limit() -> None:
    """Thousands of silent connections must not use up the descriptors of the others (N2)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _http(services: Services, payload: dict[str, Any]) -> None:
    from heliograph.app.web import run

    run(services, payload["door"], payload["tls_door"])


def _dimse(services: Services, payload: dict[str, Any]) -> None:
    from heliograph.gateways.dimse.server import run

    run(services, payload["index"], payload["door"], payload["tls_door"])


def _worker(services: Services, _payload: dict[str, Any]) -> None:
    from heliograph.app.work import run

    run(services)
    note_activity(services, "application.stopped")  # told to stop: one that is killed says nothing


_LASTING: dict[str, Callable[[Services, dict[str, Any]], None]] = {"http": _http, "dimse": _dimse, "worker": _worker}


if __name__ == "__main__":
    main()
