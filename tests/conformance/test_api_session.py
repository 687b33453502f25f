"""The JSON door: signing in, sessions, tokens and their scopes."""

import itertools
import re
import threading
import time

import httpx
import pytest

from tests import phantoms
from tests.conformance.api_routes import BODIES, ROUTES, database, is_problem
from tests.conformance.browsing import COOKIE, Browser, holds_after, person
from tests.peers import dicomweb
from tests.peers.heliograph import Server
from tests.peers.pace import soonest
from tests.phantoms import Shape


def _with_password(api_house: Server, name: str, password: str) -> None:
    with person(api_house, name, "viewer") as window:
        assert window.post("/api/session/password", json={"new": password}).status_code == 200


def test_a_one_time_link_works_once(api_house: Server) -> None:
    link = api_house.client().post("/api/users", json={"name": "once", "roles": ["viewer"]}).json()["link"]
    with Browser(api_house) as first, Browser(api_house) as second:
        body = first.sign_in_by_link(link)
        assert body.json()["user"]["name"] == "once"
        assert body.json()["user"]["must_set_password"] is True
        is_problem(second.sign_in_by_link(link), 401, "link_spent")
        is_problem(second.sign_in_by_link(link + "x"), 401, "link_spent")
        is_problem(second.sign_in_by_link(""), 401, "link_spent")


def test_of_many_who_hold_the_same_link_one_comes_in(api_house: Server) -> None:
    link = api_house.client().post("/api/users", json={"name": "race", "roles": ["viewer"]}).json()["link"]
    statuses: list[int] = []

    def try_it() -> None:
        with Browser(api_house) as window:
            statuses.append(window.sign_in_by_link(link).status_code)

    threads = [threading.Thread(target=try_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 401, 401, 401, 401, 401]


def test_the_cookie_belongs_to_this_host_and_no_script_reads_it(api_house: Server) -> None:
    link = api_house.client().post("/api/users", json={"name": "flags", "roles": ["viewer"]}).json()["link"]
    with Browser(api_house) as window:
        answer = window.sign_in_by_link(link)
        (header,) = answer.headers.get_list("set-cookie")
        name, _, rest = header.partition("=")
        words = {word.strip().lower().partition("=")[0] for word in rest.split(";")[1:]}
        assert name.startswith("__Host-")
        assert words >= {"secure", "httponly", "path", "samesite"}
        assert "domain" not in words
        assert re.search(r"samesite=(lax|strict)", header, re.IGNORECASE)
        assert re.search(r"path=/(;|$)", header, re.IGNORECASE)
        assert len(window.cookie) >= 40
        assert window.cookie not in answer.text, "the token is in the cookie alone"
        signed_out = window.sign_out()
        assert re.search(r"max-age=0|expires=Thu, 01 Jan 1970", signed_out.headers["set-cookie"], re.IGNORECASE)
        assert "cache" in signed_out.headers["clear-site-data"]


def test_eight_failures_lock_a_name_and_nothing_tells_which_names_there_are(api_house: Server) -> None:
    password = "correct horse battery"
    _with_password(api_house, "locked-out", password)
    with Browser(api_house) as window:
        assert window.sign_in("locked-out", password).status_code == 200
    answers: dict[str, list[tuple[int, str]]] = {}
    for name in ("locked-out", "nobody-of-this-name"):
        with Browser(api_house) as window:
            for _ in range(8):
                answer = window.sign_in(name, "wrong password")
                answers.setdefault(name, []).append((answer.status_code, answer.text))
            answer = window.sign_in(name, password)
            answers[name].append((answer.status_code, answer.text))
    assert answers["locked-out"] == answers["nobody-of-this-name"]
    assert {status for status, _ in answers["locked-out"]} == {401}, "the ninth time even the right password is refused"
    with person(api_house, "not-locked", "viewer") as other:
        assert other.get("/api/session").status_code == 200, "others are not concerned"


def test_an_unknown_name_takes_as_long_as_a_wrong_password(api_house: Server) -> None:
    """Within a factor of three; a name that costs no hashing would answer a hundred times as fast."""
    assert soonest(lambda: _unlike(api_house, next(_pairs)), 3, tries=4) < 3


_pairs = itertools.count(1)


def _unlike(api_house: Server, pair: int) -> float:
    """How many times longer the slower of the two kinds of name takes, of the best of seven each."""
    _with_password(api_house, f"slow-{pair}", "correct horse battery")
    names = (f"slow-{pair}", f"never-heard-of-{pair}")
    best = dict.fromkeys(names, 99.0)
    with Browser(api_house) as window:
        for _ in range(7):  # by turns, so that a busy moment of the machine concerns both; after eight a name is locked
            for name in names:
                began = time.perf_counter()
                window.sign_in(name, "wrong password")
                best[name] = min(best[name], time.perf_counter() - began)
    return max(best.values()) / min(best.values())


def test_changing_the_password_needs_the_old_one_and_ends_other_sessions(api_house: Server) -> None:
    first, second = "first password of mine", "second password of mine"
    _with_password(api_house, "changer", first)
    with Browser(api_house) as here, Browser(api_house) as there:
        assert here.sign_in("changer", first).status_code == there.sign_in("changer", first).status_code == 200
        is_problem(here.post("/api/session/password", json={"new": second, "current": "wrong"}), 403, "wrong_password")
        is_problem(here.post("/api/session/password", json={"new": "short", "current": first}), 400, "weak_password")
        assert here.post("/api/session/password", json={"new": second, "current": first}).status_code == 200
        assert here.get("/api/session").status_code == 200
        holds_after(lambda: there.get("/api/session").status_code == 401)
        is_problem(there.sign_in("changer", first), 401)
        assert there.sign_in("changer", second).status_code == 200


def test_a_session_is_not_a_token_and_a_token_is_not_a_session(
    api_house: Server, nobody: httpx.Client, admin: Browser
) -> None:
    # Both are used as what they are first: what is remembered of one must not pass for the other.
    assert admin.get("/api/about").status_code == 200
    assert nobody.get("/api/about", headers=api_house.headers).status_code == 200
    is_problem(nobody.get("/api/about", headers={"Authorization": f"Bearer {admin.cookie}"}), 401)
    is_problem(nobody.get("/api/about", headers={"Cookie": f"{COOKIE}={api_house.token}"}), 401)
    is_problem(nobody.get("/api/session", headers=api_house.headers), 401, "no_session")


@pytest.mark.parametrize(
    ("scope", "allowed", "refused"),
    [
        ("study.read", ["POST /api/studies/search", "GET /api/about", "QIDO"], ["POST /api/devices", "GET /api/users", "GET /api/changes", "STOW", "GET /api/devices"]),
        ("study.store", ["STOW"], ["POST /api/studies/search", "QIDO", "GET /api/quarantine", "POST /api/tokens"]),
        ("changes.read", ["GET /api/changes"], ["POST /api/studies/search", "QIDO", "STOW", "GET /api/jobs"]),
        ("device.read", ["GET /api/devices", "GET /api/devices/wants-in"], ["POST /api/devices", "QIDO"]),
        ("user.manage", ["GET /api/users", "GET /api/tokens"], ["POST /api/studies/search", "GET /api/settings"]),
    ],
)  # fmt: skip
def test_a_token_may_what_its_scopes_say(
    api_house: Server, nobody: httpx.Client, scope: str, allowed: list[str], refused: list[str]
) -> None:
    token = api_house.client().post("/api/tokens", json={"name": scope, "scopes": [scope]}).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    (raw,) = phantoms.slices(Shape(1, rows=4, columns=4, seed=3000, patient="SCOPES"))

    def ask(what: str) -> int:
        if what == "QIDO":
            return nobody.get("/dicom-web/studies", headers=headers).status_code
        if what == "STOW":
            body, kind = dicomweb.multipart([raw])
            return nobody.post(
                "/dicom-web/studies", content=body, headers={**headers, "Content-Type": kind}
            ).status_code
        return nobody.request(
            what.split(maxsplit=1)[0], ROUTES[what], json=BODIES.get(what), headers=headers
        ).status_code

    assert {what: ask(what) for what in allowed} == dict.fromkeys(allowed, 200)
    assert {what: ask(what) for what in refused} == dict.fromkeys(refused, 403)


def test_an_expired_token_is_none(api_house: Server, nobody: httpx.Client) -> None:
    token = (
        api_house.client()
        .post("/api/tokens", json={"name": "brief", "scopes": ["study.read"], "days": 1})
        .json()["token"]
    )
    headers = {"Authorization": f"Bearer {token}"}
    assert nobody.get("/api/about", headers=headers).status_code == 200
    with database(api_house) as connection:
        connection.execute("update api_token set expires_at = now() - interval '1 second' where name = 'brief'")
    holds_after(lambda: nobody.get("/api/about", headers=headers).status_code == 401)
