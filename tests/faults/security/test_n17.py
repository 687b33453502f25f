"""N17: faults of token libraries. Authlib CVE-2025-59420 (unknown critical header), CVE-2026-28802 (`alg: none`), CVE-2026-28498; PyJWT
CVE-2026-32597, CVE-2026-48524 (random key ids make the keys be fetched each time), CVE-2026-48525; joserfc CVE-2026-27932 (a password
key that costs minutes). Each statement comes through the real flow, from a provider that says what an attacker would."""

import hmac
import json
import time
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from heliograph.features.access.identity import oidc
from heliograph.features.access.identity.oidc import OidcSettings
from heliograph.kit.errors import NotSignedIn
from tests.peers.heliograph import Server
from tests.peers.openid import CLIENT, SECRET, Provider, b64

COOKIE = "__Host-heliograph"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Server]:
    env = {
        "HELIOGRAPH_OIDC_ISSUER": provider.issuer, "HELIOGRAPH_OIDC_CLIENT_ID": CLIENT, "HELIOGRAPH_OIDC_CLIENT_SECRET": SECRET,
        "HELIOGRAPH_OIDC_ROLES": "readers=radiologist", "HELIOGRAPH_OIDC_NEW_PEOPLE": "add",
    }  # fmt: skip
    with Server(tmp_path_factory.mktemp("oidc") / "data", env=env) as running:
        yield running


@pytest.fixture(autouse=True)
def _honest(provider: Provider) -> Iterator[None]:
    provider.statement = provider.honest
    yield
    provider.statement = provider.honest


def come(house: Server, *, other_browser: bool = False, twice: bool = False) -> httpx.Response:
    """A browser goes out and comes back; what our callback answered."""
    with httpx.Client(base_url=house.http, timeout=120, trust_env=False) as client:
        out = client.get("/api/session/oidc/start")
        assert out.status_code == 303
        kept = "" if other_browser else SimpleCookie(out.headers["set-cookie"])["__Host-heliograph-oidc"].value
        back = client.get(out.headers["location"]).headers["location"]
        cookies = {"Cookie": f"__Host-heliograph-oidc={kept}"}
        answer = client.get(back, headers=cookies)
        return client.get(back, headers=cookies) if twice else answer


def is_in(house: Server, answer: httpx.Response) -> bool:
    if answer.headers["location"] != "/":
        assert answer.headers["location"] == "/signin#outside=failed"
        assert COOKIE + "=" not in answer.headers.get("set-cookie", "")
        return False
    cookie = next(
        SimpleCookie(c)[COOKIE].value for c in answer.headers.get_list("set-cookie") if c.startswith(COOKIE + "=")
    )
    who = httpx.get(f"{house.http}/api/session", headers={"Cookie": f"{COOKIE}={cookie}"}, timeout=120, trust_env=False)
    return bool(who.json()["user"]["roles"] == ["radiologist"])


def test_an_honest_provider_signs_a_person_in(house: Server, provider: Provider) -> None:
    assert is_in(house, come(house))
    assert is_in(house, come(house)), "and the same person again"
    users = [one for one in house.client().get("/api/users").json()["items"] if one["directory"] == "oidc"]
    assert [one["name"] for one in users] == ["other-house"]


def test_the_answer_belongs_to_the_browser_that_asked_and_counts_once(house: Server) -> None:
    assert not is_in(house, come(house, other_browser=True))
    assert not is_in(house, come(house, twice=True))
    with httpx.Client(base_url=house.http, timeout=120, trust_env=False) as client:
        out = client.get("/api/session/oidc/start").headers["location"]
    asked = {key: value[0] for key, value in parse_qs(urlsplit(out).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 32
    assert len(asked["nonce"]) >= 32


def _unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    return ".".join((b64(json.dumps(header)), b64(json.dumps(claims)), b64(signature)))


def _by_public_key(provider: Provider, claims: dict[str, Any]) -> str:
    """HS256 with what everybody knows: the public key as the shared secret."""
    signed = f"{b64(json.dumps({'alg': 'HS256', 'kid': 'first'}))}.{b64(json.dumps(claims))}"
    return f"{signed}.{b64(hmac.digest(provider.key.as_pem(private=False), signed.encode(), 'sha256'))}"


def _own_key(claims: dict[str, Any], **more: Any) -> str:
    key = RSAKey.generate_key(2048)
    return jwt.encode({"alg": "RS256", "kid": "first", **more}, claims, key)


TWISTS: dict[str, Callable[[Provider, dict[str, Any]], str]] = {
    "alg none": lambda _p, c: _unsigned({"alg": "none"}, c),
    "alg nOnE": lambda _p, c: _unsigned({"alg": "nOnE", "kid": "first"}, c),
    "no alg": lambda _p, c: _unsigned({"kid": "first"}, c),
    "signature cut off": lambda p, c: p.honest(c).rpartition(".")[0] + ".",
    "public key as secret": _by_public_key,
    "empty secret": lambda _p, c: jwt.encode({"alg": "HS256"}, c, OctKey.import_key(b"\0" * 32)),
    "critical header": lambda p, c: jwt.encode({"alg": "RS256", "kid": "first", "crit": ["exp"], "exp": 1}, c, p.key, registry=None),
    "unencoded payload": lambda _p, c: _unsigned({"alg": "RS256", "kid": "first", "b64": False, "crit": ["b64"]}, c, b"x"),
    "key in header": lambda _p, c: _own_key(c, jwk=RSAKey.generate_key(2048).as_dict(private=False)),
    "key elsewhere": lambda _p, c: _own_key(c, jku="http://127.0.0.1:9/keys"),
    "other key, known id": lambda _p, c: _own_key(c),
    "encrypted": lambda _p, _c: ".".join([b64(json.dumps({"alg": "RSA-OAEP", "enc": "A256GCM"})), "x", "x", "x", "x"]),
    "password key": lambda _p, _c: ".".join([b64(json.dumps({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31 - 1, "p2s": "x"})), "x", "x", "x", "x"]),
    "header no object": lambda _p, c: ".".join((b64("[]"), b64(json.dumps(c)), "x")),
    "header deep": lambda _p, c: ".".join((b64("[" * 5000), b64(json.dumps(c)), "x")),
    "a million bytes": lambda p, c: p.honest({**c, "more": "x" * 200_000}),
    "other issuer": lambda p, c: p.honest({**c, "iss": c["iss"] + "/"}),
    "other audience": lambda p, c: p.honest({**c, "aud": "somebody"}),
    "many audiences": lambda p, c: p.honest({**c, "aud": [CLIENT, "somebody"]}),
    "old": lambda p, c: p.honest({**c, "exp": c["iat"] - 3600}),
    "of tomorrow": lambda p, c: p.honest({**c, "iat": c["iat"] + 86400, "exp": c["exp"] + 86400}),
    "no end": lambda p, c: p.honest({k: v for k, v in c.items() if k != "exp"}),
    "other question": lambda p, c: p.honest({**c, "nonce": "x" * 32}),
    "no question": lambda p, c: p.honest({k: v for k, v in c.items() if k != "nonce"}),
    "nobody": lambda p, c: p.honest({**c, "sub": ""}),
}  # fmt: skip


@pytest.mark.parametrize("twist", sorted(TWISTS))
def test_a_statement_that_is_not_quite_it_opens_nothing(house: Server, provider: Provider, twist: str) -> None:
    try:
        provider.statement = lambda claims: TWISTS[twist](provider, claims)
        assert not is_in(house, come(house)), twist
    finally:
        provider.statement = provider.honest


def test_who_has_no_group_with_a_role_stays_outside(house: Server, provider: Provider) -> None:
    before = dict(provider.person)
    try:
        provider.person = {"sub": "77", "preferred_username": "stranger", "groups": ["cleaners"]}
        assert not is_in(house, come(house))
        # The name of somebody who stands here already opens no account of that name.
        provider.person = {"sub": "78", "preferred_username": "admin", "groups": ["readers"]}
        assert is_in(house, come(house))
    finally:
        provider.person = before
    names = {one["name"]: one["roles"] for one in house.client().get("/api/users").json()["items"]}
    assert names["admin"] == ["admin"]
    assert "stranger" not in names


def test_random_key_ids_fetch_the_keys_once_a_minute_and_others_come_in(house: Server, provider: Provider) -> None:
    assert is_in(house, come(house))
    before, began = provider.fetched_keys, time.monotonic()
    for number in range(20):
        provider.statement = lambda claims, n=number: (
            _own_key(claims, kid=f"random-{n}")
            if n < 3
            else _unsigned({"alg": "RS256", "kid": f"r{n}"}, claims, b"x" * 256)
        )  # type: ignore[misc]  # the loop's own values
        assert not is_in(house, come(house))
    provider.statement = provider.honest
    assert is_in(house, come(house))
    assert provider.fetched_keys - before <= 1 + (time.monotonic() - began) // 60


def test_ten_thousand_key_ids_are_one_fetch(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same at full count, at the class that the server keeps for its life; the clock stands still."""
    ours = oidc.Provider(OidcSettings(provider.issuer, CLIENT, SECRET))
    at, clock = int(time.time()), 1000.0
    monkeypatch.setattr(oidc, "monotonic_s", lambda: clock)
    claims = {"iss": provider.issuer, "aud": CLIENT, "iat": at, "exp": at + 300, "nonce": "n", "sub": "42"}
    assert ours.statement(provider.honest(claims), nonce="n").subject == "42"
    before = provider.fetched_keys
    for number in range(10_000):
        with pytest.raises(NotSignedIn):
            ours.statement(_unsigned({"alg": "RS256", "kid": f"random-{number}"}, claims, b"x" * 256), nonce="n")
    assert provider.fetched_keys == before
    assert ours.statement(provider.honest(claims), nonce="n").subject == "42"
    clock += 61
    with pytest.raises(NotSignedIn):
        ours.statement(_unsigned({"alg": "RS256", "kid": "later"}, claims, b"x" * 256), nonce="n")
    assert provider.fetched_keys == before + 1


def test_a_new_key_is_taken_after_a_minute_and_the_old_one_is_none_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rotation at the provider; the clock of our side is ours."""
    with Provider() as theirs:
        ours = oidc.Provider(OidcSettings(theirs.issuer, CLIENT, SECRET))
        at, clock = int(time.time()), 1000.0
        monkeypatch.setattr(oidc, "monotonic_s", lambda: clock)
        claims = {"iss": theirs.issuer, "aud": CLIENT, "iat": at, "exp": at + 300, "nonce": "n", "sub": "42"}
        before = theirs.honest(claims)
        assert ours.statement(before, nonce="n").subject == "42"
        theirs.rotate("second")
        with pytest.raises(NotSignedIn):
            ours.statement(theirs.honest(claims), nonce="n")
        clock += 61
        assert ours.statement(theirs.honest(claims), nonce="n").subject == "42"
        with pytest.raises(NotSignedIn):
            ours.statement(before, nonce="n")
