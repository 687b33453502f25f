"""N19: stuffed credentials, stolen sessions, forged requests. No CVE stands for the class: every product with a sign-in page meets it."""

import secrets
import statistics
import threading
import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from tests.peers.heliograph import Server

COOKIE = "__Host-heliograph"
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Addresses come from a proxy here, so that one machine can be many."""
    env = {"HELIOGRAPH_TRUSTED_PROXY": "127.0.0.1", "HELIOGRAPH_LOCK_ADDRESS_TRIES": "12"}
    with Server(tmp_path_factory.mktemp("stuffed") / "data", env=env) as running:
        yield running


@pytest.fixture
def client(house: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=house.http, timeout=120, trust_env=False) as made:
        yield made


def an_address() -> str:
    return f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"


def a_person(house: Server, client: httpx.Client) -> str:
    """With a password; the name."""
    name = f"person-{secrets.token_hex(4)}"
    made = house.client().post("/api/users", json={"name": name, "roles": ["viewer"]}).json()
    came = client.post("/api/session/link", json={"link": made["link"]}, headers={"X-Forwarded-For": an_address()})
    headers = {"Cookie": cookie_of(came), "X-CSRF-Token": came.json()["csrf"]}
    assert client.post("/api/session/password", json={"new": PASSWORD}, headers=headers).status_code == 200
    return name


def cookie_of(answer: httpx.Response) -> str:
    return f"{COOKIE}={SimpleCookie(answer.headers['set-cookie'])[COOKIE].value}"


def sign_in(client: httpx.Client, name: str, password: str, address: str, **headers: str) -> httpx.Response:
    body = {"name": name, "password": password}
    return client.post("/api/session", json=body, headers={"X-Forwarded-For": address, **headers})


def told(answer: httpx.Response) -> tuple[Any, ...]:
    """Everything that an answer says, but for its time of day."""
    left_out = {"date", "content-length"}
    return (
        answer.status_code,
        answer.text,
        tuple(sorted((k, v) for k, v in answer.headers.items() if k not in left_out)),
    )


def test_one_account_from_many_addresses_is_closed_and_opens_for_nobody(house: Server, client: httpx.Client) -> None:
    name = a_person(house, client)
    answers = {told(sign_in(client, name, f"guess {n}", an_address())) for n in range(10)}
    assert len(answers) == 1
    assert sign_in(client, name, PASSWORD, an_address()).status_code == 401, "the right one too"
    link = house.client().post("/api/users", json={"name": f"other-{name}", "roles": ["viewer"]}).json()["link"]
    assert client.post("/api/session/link", json={"link": link}).status_code == 200, "others come in"


def test_many_accounts_from_one_address_close_the_address_alone(house: Server, client: httpx.Client) -> None:
    name, address = a_person(house, client), an_address()
    for number in range(12):
        assert sign_in(client, f"stuffed-{number}", "password1", address).status_code == 401
    neighbour = address.removesuffix("1") + "ffff"
    for account, source in (("stuffed-12", address), (name, address), (name, neighbour)):
        told = sign_in(client, account, PASSWORD, source)
        assert told.status_code == 429, "who has one address of a network has 2^64"
        assert int(told.headers["retry-after"]) > 0
    assert sign_in(client, name, PASSWORD, an_address()).status_code == 200


def test_guesses_in_the_same_moment_are_no_more_than_eight(house: Server, client: httpx.Client) -> None:
    """The right password is the last of many that come in the same moment; counting must come before looking."""
    name = a_person(house, client)
    for _ in range(8):
        sign_in(client, name, "wrong", an_address())
    statuses: list[int] = []

    def guess() -> None:
        with httpx.Client(base_url=house.http, timeout=120, trust_env=False) as own:
            statuses.append(sign_in(own, name, PASSWORD, an_address()).status_code)

    threads = [threading.Thread(target=guess) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [401] * 6


def test_neither_answer_nor_time_tells_which_names_there_are(house: Server, client: httpx.Client) -> None:
    """The means of two kinds of name by turns: a name without hashing would answer fifty times as fast. Medians, against busy moments."""
    known = [a_person(house, client) for _ in range(3)]
    seconds: dict[bool, list[float]] = {True: [], False: []}
    answers = set()
    for turn in range(12):
        for is_known in (True, False):
            name = known[turn % 3] if is_known else f"nobody-{secrets.token_hex(4)}"
            began = time.perf_counter()
            answers.add(told(sign_in(client, name, "wrong password", an_address())))
            seconds[is_known].append(time.perf_counter() - began)
    assert len(answers) == 1
    here, there = statistics.median(seconds[True]), statistics.median(seconds[False])
    assert max(here, there) < 2.5 * min(here, there)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://127.0.0.1:1"]
)
def test_a_page_of_another_site_signs_nobody_in(house: Server, client: httpx.Client, origin: str) -> None:
    name = a_person(house, client)
    answer = sign_in(client, name, PASSWORD, an_address(), Origin=origin)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    assert "set-cookie" not in answer.headers
    assert sign_in(client, name, PASSWORD, an_address(), Origin=house.http).status_code == 200


def test_a_form_cannot_sign_in(house: Server, client: httpx.Client) -> None:
    """A form of another site may send text/plain without asking first: JSON in it is not read."""
    name = a_person(house, client)
    body = f'{{"name": "{name}", "password": "{PASSWORD}", "x": "="}}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = client.post("/api/session", content=body, headers={"Content-Type": kind})
        assert answer.status_code in {415, 422}, kind


def test_a_stolen_cookie_is_seen_and_ended(house: Server, client: httpx.Client) -> None:
    name = a_person(house, client)
    thief, owner = (sign_in(client, name, PASSWORD, an_address(), **{"User-Agent": who}) for who in ("thief", "owner"))
    stolen = {"Cookie": cookie_of(thief)}
    own = {"Cookie": cookie_of(owner), "X-CSRF-Token": owner.json()["csrf"]}
    listed = client.get("/api/account", headers=own).json()["sessions"]
    (row,) = [one for one in listed if one["agent"] == "thief"]
    assert client.delete(f"/api/account/sessions/{row['id']}", headers=own).status_code == 204
    assert client.get("/api/session", headers=stolen).status_code == 401
    assert client.get("/api/studies/1", headers=stolen).status_code == 401
    assert client.get("/api/session", headers=own).status_code == 200


def test_the_cookie_and_its_page_are_out_of_reach(house: Server, client: httpx.Client) -> None:
    answer = sign_in(client, a_person(house, client), PASSWORD, an_address())
    (header,) = answer.headers.get_list("set-cookie")
    words = {word.strip().lower() for word in header.split(";")[1:]}
    assert header.startswith(f"{COOKIE}=")
    assert words >= {"path=/", "secure", "httponly", "samesite=lax"}
    assert not any(word.startswith("domain") for word in words)
    token = SimpleCookie(header)[COOKIE].value
    assert token not in answer.text
    assert token not in house.log.read_text(errors="replace")


def test_a_locked_screen_answers_nothing_but_its_person(house: Server, client: httpx.Client) -> None:
    came = sign_in(client, a_person(house, client), PASSWORD, an_address())
    own = {"Cookie": cookie_of(came), "X-CSRF-Token": came.json()["csrf"]}
    assert client.post("/api/session/lock", headers=own).json()["session"]["state"] == "locked"
    for method, path in (
        ("POST", "/api/studies/search"),
        ("GET", "/api/account"),
        ("GET", "/dicom-web/studies"),
        ("GET", "/api/about"),
    ):
        body = {"json": {}} if method == "POST" else {}
        answer = client.request(method, path, headers=own, **body)  # type: ignore[arg-type]  # a keyword of httpx each
        assert (answer.status_code, answer.json()["code"]) == (403, "locked"), path
    wrong = {"way": "password", "value": "wrong"}
    for _ in range(8):
        assert client.post("/api/session/unlock", json=wrong, headers=own).json()["code"] == "proof_failed"
    right = {"way": "password", "value": PASSWORD}
    assert client.post("/api/session/unlock", json=right, headers=own).json()["code"] == "proof_failed", (
        "guessed too often"
    )
    assert client.request("DELETE", "/api/session", headers=own).status_code == 204
