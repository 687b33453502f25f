"""N7: addresses that lead inside (OHIF CVE-2026-12473: `?url=` fetched with the clinician's token). The policy itself: tests/unit/engine/test_egress.py."""

import ast
import socket
from pathlib import Path

import httpx
import pytest

import heliograph
from tests.faults.security.conftest import Siege

WAYS_OUT = {"urllib.request", "httpx", "requests", "aiohttp", "urllib3", "http.client", "ldap3"}
ALLOWED = {
    "engine/egress.py": "the way out itself",
    "features/access/identity/oidc.py": "the provider that the settings name: no redirect is followed, the answer is bounded",
    "features/access/identity/directory.py": "the directory that the settings name: over TLS, no referral is followed, answers are bounded",
    "features/archive/alarms.py": "names the errors of a mail server and of the way out",
}


def test_there_is_one_way_out() -> None:
    """Who calls an address that a person gave goes through engine.egress; a new library that calls is seen here."""
    root = Path(heliograph.__path__[0])
    for file in root.rglob("*.py"):
        name = file.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert name in ALLOWED or not WAYS_OUT & set(names), f"{name} calls outside by itself"


@pytest.mark.parametrize("parameter", ["url", "requestURL", "bulkDataURI", "callback", "redirect", "next", "return_to"])
def test_an_address_in_a_request_is_not_called(siege: Siege, web: httpx.Client, parameter: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.3)
        address = f"http://[::ffff:127.0.0.1]:{listener.getsockname()[1]}/"
        for path in ("/", "/viewer", "/dicom-web/studies", "/api/studies/search", "/signin", "/api/session"):
            told = web.get(path, params={parameter: address})
            assert told.status_code < 500
            assert told.headers.get("location", "") == ""
            web.post(path, json={parameter: address})
        with pytest.raises(TimeoutError):
            listener.accept()
    assert siege.server.process is not None


def test_the_client_sends_its_cookie_nowhere_else(web: httpx.Client) -> None:
    """What the page may call is said to the browser: only where it came from."""
    policy = web.get("/").headers["content-security-policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["connect-src"] == "'self'"
    assert rules["default-src"] == "'none'"
    assert "http:" not in policy
    assert web.get("/").headers["referrer-policy"] == "no-referrer"
