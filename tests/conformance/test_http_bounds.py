"""What the HTTP door takes from strangers before it knows them, and the face of its answers."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.conformance.browsing import Browser
from tests.peers.heliograph import Server

MIB = 1 << 20


def test_a_question_of_megabytes_is_refused_unread(nobody: httpx.Client) -> None:
    """P2: the framework reads a whole body before it asks who sent it."""
    answer = nobody.post("/api/session", content=b"[" * (2 * MIB), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


def test_a_question_without_stated_length_is_refused_when_it_grows(nobody: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b" " * MIB

    try:
        answer = nobody.post("/api/session", content=endless(), headers={"Content-Type": "application/json"})
    except httpx.TransportError:
        return  # the connection was closed in the middle of the flood: refused all the same
    assert answer.status_code == 413


def test_a_question_nested_without_end_is_refused(nobody: httpx.Client) -> None:
    """P12."""
    answer = nobody.post("/api/session", content=b"[" * 100_000, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}


def test_a_stated_length_of_a_terabyte_takes_no_memory(api_house: Server) -> None:
    """P2: nothing is allocated by what a header says."""
    host, _, port = api_house.http.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=120) as wire:
        wire.sendall(b"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Length: 1099511627776\r\n\r\n")
        assert wire.recv(4096).startswith(b"HTTP/1.1 413")


def test_answers_about_patients_are_not_kept_by_the_browser(viewer: Browser) -> None:
    """Safety guard 1: what one person saw is not shown to the next at the same browser."""
    for answer in (
        viewer.request("GET", "/api/session"),
        viewer.request("POST", "/api/studies/search", json={}),
        viewer.request("GET", "/api/studies/1"),
    ):
        assert answer.headers["cache-control"] == "private, no-cache", answer.url
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/studies/5"])
def test_head_is_answered_as_get_without_its_body(nobody: httpx.Client, path: str) -> None:
    """RFC 9110 9.1: GET and HEAD are what every server supports; probes of load balancers use HEAD."""
    get, head = nobody.get(path), nobody.head(path)
    assert (head.status_code, head.content) == (get.status_code, b"") == (200, b"")


def test_a_method_that_is_not_allowed_names_those_that_are(nobody: httpx.Client) -> None:
    """RFC 9110 15.5.6."""
    answer = nobody.put("/healthz")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/%00", "/" + "a" * 5000, "/assets/%00.js", "/" + "a/" * 3000, "/%ff%fe"])
def test_a_strange_address_is_a_page_or_absent(nobody: httpx.Client, path: str) -> None:
    assert nobody.get(path).status_code in {200, 404}
