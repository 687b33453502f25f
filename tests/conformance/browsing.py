"""A browser without a screen: the session cookie and the CSRF token by hand, because a Secure cookie does not travel over plain HTTP."""

import time
from collections.abc import Callable
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from tests.peers.heliograph import Server

COOKIE = "__Host-heliograph"
Found = TypeVar("Found")


class Browser:
    """One person's window; several of them on one server are several people."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.cookie = ""
        self.csrf = ""
        self.headers: dict[str, str] = {}
        self._client = httpx.Client(base_url=server.http, timeout=120, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def request(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """As a page of ours sends it; None as a value of `headers` would leave one out, so give an empty text instead."""
        own = {"Cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}
        if self.csrf and method not in {"GET", "HEAD"}:
            own["X-CSRF-Token"] = self.csrf
        return self._client.request(method, path, headers={**self.headers, **own, **(headers or {})}, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def sign_in(self, name: str, password: str) -> httpx.Response:
        return self.taken(self.request("POST", "/api/session", json={"name": name, "password": password}))

    def sign_in_by_link(self, link: str) -> httpx.Response:
        return self.taken(self.request("POST", "/api/session/link", json={"link": link}))

    def sign_out(self) -> httpx.Response:
        return self.request("DELETE", "/api/session")

    def taken(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code == 200:
            self.cookie = SimpleCookie(answer.headers["set-cookie"])[COOKIE].value
            self.csrf = answer.json()["csrf"]
        return answer


def person(server: Server, name: str, *roles: str) -> Browser:
    """A new person of these roles, signed in by the one-time link."""
    made = server.client().post("/api/users", json={"name": name, "roles": list(roles)})
    assert made.status_code == 201, made.text
    browser = Browser(server)
    assert browser.sign_in_by_link(made.json()["link"]).status_code == 200
    return browser


def holds_after(look: Callable[[], bool], *, from_s: float = 3.0) -> None:
    """True for every question asked later than `from_s` from now, and asked all the time before: being asked keeps nothing alive."""
    deadline = time.monotonic() + from_s
    while time.monotonic() < deadline:
        look()
        time.sleep(0.05)
    assert look(), f"not so after {from_s:.0f} s"


def until(look: Callable[[], Found], *, timeout_s: float = 150.0, every_s: float = 0.1) -> Found:
    """What `look` finds, as soon as it is true."""
    deadline = time.monotonic() + timeout_s
    while not (seen := look()):
        assert time.monotonic() < deadline, f"it did not come to pass in {timeout_s:.0f} s"
        time.sleep(every_s)
    return seen


def study_row(server: Server, study_uid: str) -> dict[str, Any]:
    """The row of the study list."""
    answer = server.client().post("/api/studies/search", json={"text": study_uid}).raise_for_status().json()
    (row,) = answer["items"]
    return dict(row)
