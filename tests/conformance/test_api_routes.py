"""The JSON door: who may do what at every route, and how errors look."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conformance.api_routes import (
    ABSENT_UUID,
    BODIES,
    FOR_VIEWERS,
    PUBLIC,
    ROUTES,
    is_problem,
)
from tests.conformance.browsing import COOKIE, Browser, until
from tests.peers.heliograph import Server


def test_the_tables_of_this_file_know_every_route() -> None:
    assert set(BODIES) | PUBLIC | FOR_VIEWERS <= set(ROUTES) | {"POST /api/uploads"}
    with_body = {name for name in ROUTES if name.split()[0] in {"POST", "PATCH", "PUT"}}
    no_body = {"POST /api/uploads"} | {
        name
        for name in with_body
        if re.search(
            r"/(close|open|echo|link|acknowledge|end|is-patient/\{patient\}|reset|lock|active|totp|recovery|start|prove/passkey|fresh|audit/verify|\{verb\})$",
            name,
        )
    }
    assert with_body - no_body - PUBLIC == set(BODIES)


@pytest.mark.parametrize("name", sorted(set(ROUTES) - PUBLIC))
def test_without_credentials_every_route_asks_to_sign_in(nobody: httpx.Client, name: str) -> None:
    answer = nobody.request(name.split(maxsplit=1)[0], ROUTES[name], json=BODIES.get(name))
    is_problem(answer, 401, "not_signed_in")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("secret", ["hg_" + "x" * 43, "x", "Bearer Bearer", "../../etc/passwd", "\xe4"])
def test_wrong_credentials_are_none(nobody: httpx.Client, secret: str) -> None:
    for name, value in (
        ("Authorization", f"Bearer {secret}"),
        ("Authorization", f"Basic {secret}"),
        ("Cookie", f"{COOKIE}={secret}"),
    ):
        is_problem(nobody.get("/api/about", headers={name: value.encode("latin-1")}), 401)


@pytest.mark.parametrize("name", sorted(set(ROUTES) - PUBLIC - FOR_VIEWERS))
def test_a_viewer_is_refused_wherever_something_is_managed(viewer: Browser, name: str) -> None:
    is_problem(viewer.request(name.split(maxsplit=1)[0], ROUTES[name], json=BODIES.get(name)), 403, "not_allowed")


@pytest.mark.parametrize("name", sorted(name for name in set(ROUTES) - PUBLIC if not name.startswith("GET")))
def test_a_browser_without_the_csrf_token_is_refused_every_act(api_house: Server, admin: Browser, name: str) -> None:
    for token in ("", "wrong", admin.csrf[:-1]):
        answer = admin.request(
            name.split(maxsplit=1)[0], ROUTES[name], json=BODIES.get(name), headers={"X-CSRF-Token": token}
        )
        is_problem(answer, 403, "csrf")
    assert admin.get("/api/session").status_code == 200, "nothing of it was done"


# A name that the person chooses names something by being chosen.
@pytest.mark.parametrize(
    "name", sorted(name for name in ROUTES if "{" in name and not {"{tenant_id}", "{name}"} & set(name.split("/")))
)
def test_an_id_that_names_nothing_is_not_found(admin: Browser, name: str) -> None:
    is_problem(admin.request(name.split(maxsplit=1)[0], ROUTES[name], json=BODIES.get(name)), 404)


@pytest.mark.parametrize("wrong", ["-1", "0", "abc", "1e3", "9" * 40, "1%00", "%F0%9F%A9%BB", "1;drop table study"])
@pytest.mark.parametrize(
    "path", ["/api/studies/{}", "/api/studies/{}/manifest", "/api/series/{}/document", "/api/series/{}/thumbnail"]
)
def test_an_id_that_is_no_id_is_not_found_either(admin: Browser, path: str, wrong: str) -> None:
    is_problem(admin.get(path.format(wrong)), 404)


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/studies/1/nothing", "/api/nothing.json"])
def test_what_is_no_resource_is_not_found_and_never_a_page(admin: Browser, nobody: httpx.Client, path: str) -> None:
    assert admin.get(path, follow_redirects=True).status_code in {404, 405}
    answer = nobody.get(path, follow_redirects=True)
    assert answer.status_code in {401, 404}
    assert "text/html" not in answer.headers["content-type"]


# -- validation ------------------------------------------------------------------------------------------------

CANARY = "Kanarienvogel"


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/api/studies/search", {"date_from": CANARY}, "date_from"),
        ("POST", "/api/studies/search", {"state": CANARY}, "state"),
        ("POST", "/api/studies/search", {"sort": CANARY}, "sort"),
        ("POST", "/api/studies/search", {"limit": CANARY}, "limit"),
        ("POST", "/api/studies/search", {"patient_name": [CANARY]}, "patient_name"),
        ("POST", "/api/studies/search", {"patient_name": CANARY * 50}, "patient_name"),
        ("POST", "/api/studies/search", {"modalities": [CANARY + CANARY]}, "modalities"),
        ("POST", "/api/devices", {"aet": CANARY * 3}, "aet"),
        ("POST", "/api/devices", {"aet": "A\\" + CANARY}, "aet"),
        ("POST", "/api/devices", {"aet": "A", "port": CANARY}, "port"),
        ("POST", "/api/devices", {"aet": "A", "port": 70000}, "port"),
        ("POST", "/api/devices", {"aet": "A", "allow": [CANARY]}, "allow"),
        ("POST", "/api/nodes", {"name": CANARY, "aet": "A", "host": "h"}, "port"),
        ("POST", "/api/sends", {"study_id": "1", "node_id": CANARY}, "node_id"),
        ("POST", f"/api/nodes/{ABSENT_UUID}/retrieve", {"study_uid": CANARY}, "study_uid"),
        ("POST", "/api/users", {"name": CANARY, "roles": [CANARY]}, "roles"),
        ("POST", "/api/users", {"name": CANARY * 10}, "name"),
        ("POST", "/api/tokens", {"name": "t", "scopes": [CANARY]}, "scope"),
        ("POST", "/api/tokens", {"name": "t", "scopes": []}, "scope"),
        ("POST", "/api/where", {"text": CANARY * 100}, "text"),
        ("POST", "/api/session", {"name": [CANARY], "password": "x"}, "name"),
        ("POST", "/api/session/password", {"new": "short"}, "new"),
        ("POST", f"/api/quarantine/{ABSENT_UUID}/release", {"reason": ""}, "reason"),
        ("GET", f"/api/jobs?state={CANARY}", None, "state"),
        ("GET", f"/api/changes?after={CANARY}", None, "after"),
        ("GET", f"/api/quarantine/{CANARY}/file", None, "held_id"),
        ("PATCH", f"/api/users/{CANARY}", {}, "user_id"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 60 else "",
)
def test_a_wrong_value_names_its_field_and_is_never_repeated(
    admin: Browser, method: str, path: str, body: Any, field: str
) -> None:
    answer = admin.request(method, path, json=body)
    assert answer.status_code in {400, 422}, answer.text
    told = is_problem(answer, answer.status_code)
    assert field in told["detail"]
    assert CANARY not in answer.text


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"text": "' + CANARY.encode(), b"[1,2]", b'"text"', b"\xff\xfe", b"null", b"[" * 5000],
    ids=lambda value: value[:12].decode("latin-1") or "empty",
)  # fmt: skip
def test_a_body_that_is_no_json_is_refused_and_not_repeated(admin: Browser, content: bytes) -> None:
    answer = admin.post("/api/studies/search", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    is_problem(answer, answer.status_code)
    assert CANARY not in answer.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/studies/search", {"text": "a\0b"}), ("/api/studies/search", {"patient_id": "\0"}), ("/api/where", {"text": "a\0b"}),
        ("/api/session", {"name": "a\0b", "password": "x"}), ("/api/session", {"name": "a", "password": "\0"}), ("/api/session/link", {"link": "\0"}),
        ("/api/devices", {"aet": "A\0"}), ("/api/devices", {"aet": "A", "description": "\0"}), ("/api/users", {"name": "\0"}),
        ("/api/users", {"name": "good", "display_name": "\0"}), ("/api/tokens", {"name": "\0", "scopes": ["study.read"]}),
        ("/api/nodes", {"name": "\0", "aet": "A", "host": "h", "port": 1}), ("/api/nodes", {"name": "n", "aet": "A", "host": "\0", "port": 1}),
    ],
    ids=str,
)  # fmt: skip
def test_a_nul_in_a_text_is_refused_and_breaks_nothing(admin: Browser, path: str, body: Any) -> None:
    assert admin.post(path, json=body).status_code in {200, 400, 401, 422}
    assert admin.get("/api/about").status_code == 200


def test_an_upload_is_bounded_and_needs_a_length(admin: Browser, api_house: Server) -> None:
    answer = admin.post("/api/uploads", files=[("file", ("big.dcm", b"\0" * 5_100_000, "application/dicom"))])
    is_problem(answer, 413, "too_large")

    def endless() -> Iterator[bytes]:
        for _ in range(10):
            yield b"x" * 1000

    answer = admin.post("/api/uploads", content=endless(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    is_problem(answer, 411, "length_required")
    is_problem(admin.post("/api/uploads", files=[("other", ("a.dcm", b"x", "application/dicom"))]), 400, "no_file")
    until(lambda: not list((api_house.data / "spool").glob("upload-*")))  # nothing is left behind
