"""What a page of another site can do with a person's browser, and what our answers let a browser do with them (issue: CSP, cookies, CSRF, documents)."""

import contextlib
import re
import socket
from collections.abc import Iterator
from http.cookies import SimpleCookie

import httpx
import pytest
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

from heliograph.app.web import application
from tests.conformance.access_matrix import Route, filled, routes
from tests.faults.security import hostile
from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import Identity, element
from tests.peers import dicomweb
from tests.peers.heliograph import Server
from tools.reference import _offline

COOKIE = "__Host-heliograph"
EVIL = "https://evil.example"


@pytest.fixture(scope="module")
def person(besieged: Server) -> Iterator[httpx.Client]:
    """An administrator's browser, as a page of another site would make it send: the cookie, and no token."""
    link = besieged.sign_in_link().partition("link=")[2]
    came = httpx.post(f"{besieged.http}/api/session/link", json={"link": link}, trust_env=False, timeout=120)
    value = SimpleCookie(came.headers["set-cookie"])[COOKIE].value
    with httpx.Client(
        base_url=besieged.http, headers={"Cookie": f"{COOKIE}={value}"}, trust_env=False, timeout=120
    ) as made:
        assert made.get("/api/session").status_code == 200
        yield made


def _everything() -> list[Route]:
    with _offline.services() as services:
        found, _ = routes(application(services))
    return found


def _address(route: Route) -> str:
    """With words that name nothing."""
    names = re.findall(r"\{(\w+)", route.path)
    return filled(route, {name: "1" if "frame" in name else "2.25.1" for name in names})


def test_every_answer_is_what_it_says_and_for_us_alone(siege: Siege, web: httpx.Client, person: httpx.Client) -> None:
    """Every route, asked for by nobody, with a token and with a cookie: no guessing of types, no other origin, no word about the server."""
    seen = 0
    for route in _everything():
        if route.method not in {"GET", "HEAD", "POST"} or route.path in {"/{path:path}"}:
            continue
        for client in (web, person):
            answer = client.request(route.method, _address(route), headers={"Origin": EVIL})
            seen += 1
            kind = answer.headers.get("content-type", "")
            assert "access-control-allow-origin" not in answer.headers, route
            assert answer.headers.get("x-content-type-options") == "nosniff" or answer.status_code in {204, 303, 304}, (
                route,
                answer.status_code,
            )
            assert "server" not in answer.headers, route
            assert EVIL not in answer.text, route
            if kind.startswith("text/html") or route.path.startswith(("/api", "/dicom-web")):
                assert "default-src 'none'" in answer.headers["content-security-policy"], route
    assert seen > 100


def test_a_page_of_another_site_changes_nothing(siege: Siege, person: httpx.Client) -> None:
    """Every writing route with the cookie that a browser adds by itself, as forms and as what scripts may send without asking (Fetch 2.2)."""
    bodies = (
        ("text/plain", b"{}"),
        ("application/x-www-form-urlencoded", b"a=b"),
        ("multipart/form-data; boundary=x", b"--x--"),
    )
    for route in _everything():
        if route.method in {"GET", "HEAD"} or route.path.startswith("/api/session"):
            continue
        for kind, body in bodies:
            answer = person.request(
                route.method,
                _address(route),
                content=body,
                headers={"Content-Type": kind, "Origin": EVIL, "Sec-Fetch-Site": "cross-site"},
            )
            assert 400 <= answer.status_code < 500, (route, kind, answer.status_code)
            if answer.status_code not in {404, 405, 415, 422, 411, 400}:
                assert _code(answer) == "csrf", (route, answer.text[:200])


def _code(answer: httpx.Response) -> str:
    """Of a problem document, or of the outcome that FHIR has in its place."""
    told = answer.json()
    return str(told["issue"][0]["details"]["coding"][0]["code"] if "issue" in told else told["code"])


def test_an_object_is_not_stored_by_a_page_of_another_site(
    siege: Siege, web: httpx.Client, person: httpx.Client
) -> None:
    who = Identity()
    body, kind = dicomweb.multipart([hostile.part10(hostile.honest(who), who)])
    told = person.post("/dicom-web/studies", content=body, headers={"Content-Type": kind, "Origin": EVIL})
    assert (told.status_code, told.json()["code"]) == (403, "csrf")
    assert web.get(who.path + "/metadata").status_code == 404


def test_asking_first_is_answered_with_no(siege: Siege, web: httpx.Client) -> None:
    """A preflight (CORS), and methods that nobody needs."""
    for path in ("/api/users", "/dicom-web/studies", "/api/session", "/"):
        for method in ("OPTIONS", "TRACE", "CONNECT", "TRACK", "PROPFIND"):
            with contextlib.suppress(httpx.HTTPError):
                answer = web.request(method, path, headers={"Origin": EVIL, "Access-Control-Request-Method": "POST"})
                assert answer.status_code in {400, 404, 405, 501}, (method, path, answer.status_code)
                assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_stream_is_not_opened_from_another_site(siege: Siege, person: httpx.Client) -> None:
    address = siege.server.http.replace("http", "ws") + "/api/stream"
    for origin in (EVIL, "null", "http://127.0.0.1:1", None):
        with pytest.raises((InvalidStatus, InvalidHandshake)):
            connect(
                address, origin=origin, additional_headers={"Cookie": person.headers["Cookie"]}, open_timeout=60
            ).close()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "x\ty", ""])
def test_a_borrowed_host_name_leads_nobody_away(siege: Siege, host: str) -> None:
    """No answer repeats it, in an address or anywhere else."""
    for path in (
        "/api/studies/",
        "/api",
        "/dicom-web/studies/",
        "/signin",
        "//evil.example/",
        "/api/session/oidc/start",
        "/api/nothing/",
    ):
        with socket.create_connection(("127.0.0.1", siege.server.http_port), timeout=30) as wire:
            wire.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n".encode()
            )
            told = b""
            with contextlib.suppress(ConnectionError):
                while piece := wire.recv(65536):
                    told += piece
        assert b"evil.example" not in told.lower(), path
        assert not re.search(rb"(?i)^location: (https?:)?//", told, re.MULTILINE), path


def test_a_document_that_is_a_page_is_a_file(siege: Siege, web: httpx.Client, person: httpx.Client) -> None:
    """HTML, SVG and a PDF with a script, each as an encapsulated document: what a browser is given is no page of our origin."""
    for kind, sop_class in (
        ("text/html", "1.2.840.10008.5.1.4.1.1.104.1"),
        ("image/svg+xml", "1.2.840.10008.5.1.4.1.1.104.1"),
        ("text/XML", "1.2.840.10008.5.1.4.1.1.104.2"),
    ):
        who = Identity()
        page = b"<html><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/><script>alert(1)</script></html>"
        data = (
            hostile.head(who, sop_class=sop_class) + element(0x00420011, "OB", page) + element(0x00420012, "LO", kind)
        )
        assert hostile.store(siege.server.dicom, [(who, data)], sop_class=sop_class)[0].status == 0
        for end in ("", "/rendered", "/bulkdata/00420011"):
            for accept in ("*/*", "text/html,application/xhtml+xml", kind):
                answer = person.get(who.path + end, headers={"Accept": accept})
                if b"<script>" in answer.content:
                    if not answer.headers["content-type"].startswith("application/pdf"):  # with nosniff it is no page
                        policy = answer.headers["content-security-policy"]
                        assert {"default-src 'none'", "sandbox"} <= set(policy.split("; ")), (end, accept)
                    assert answer.headers["x-content-type-options"] == "nosniff"
