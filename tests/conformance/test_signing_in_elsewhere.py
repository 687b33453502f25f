"""People of other houses, on one server: an OpenID provider (Authlib's) and a directory (Debian's slapd)."""

from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import ldap3
import pytest

from tests.conformance.api_routes import database, is_problem
from tests.conformance.browsing import COOKIE, Browser, until
from tests.peers.heliograph import Server
from tests.peers.openid import CLIENT, ORGANISATION, SECRET, Provider
from tests.peers.slapd import BASE, GROUPS, OUR_PASSWORD, OURS, PASSWORD, Slapd, uid

KEPT = "__Host-heliograph-oidc"
FAILED = "/signin#outside=failed"
PROVED, UNPROVED = "/proved#ok", "/proved#failed"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with Slapd(tmp_path_factory.mktemp("slapd") / "own") as running:
        yield running


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, provider: Provider, slapd: Slapd) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "ldap-password").write_text(OUR_PASSWORD + "\n")
    settings = {
        "OIDC_ISSUER": provider.issuer, "OIDC_CLIENT_ID": CLIENT, "OIDC_CLIENT_SECRET": SECRET, "OIDC_NEW_PEOPLE": "add",
        "OIDC_ROLES": "readers=radiologist, chiefs=admin, cameras=technologist, west=radiologist@clinic",
        "OIDC_SITES": "graz=Graz, all=*, west=main@clinic",
        "LDAP_URL": slapd.url, "LDAP_CA": str(slapd.ca), "LDAP_BASE": BASE, "LDAP_BIND_NAME": OURS,
        "LDAP_BIND_PASSWORD": f"file:{folder / 'ldap-password'}", "LDAP_GROUP_BASE": GROUPS, "LDAP_NESTED_GROUPS": "walk", "LDAP_NEW_PEOPLE": "add",
        "LDAP_ROLES": f"radiology=radiologist; all-doctors=viewer; cn=pacs-admins,{GROUPS}=admin; cleaning=viewer@clinic", "LDAP_SITES": "graz=Graz",
        "LDAP_RECHECK_MINUTES": "0.02", "LDAP_TIMEOUT_S": "30", "STEP_UP_MINUTES": "600", "IDLE_LOCK_MINUTES": "600",
    }  # fmt: skip
    env = {f"HELIOGRAPH_{key}": value for key, value in settings.items()}
    with Server(folder / "data", env=env) as running:
        made = running.client().post("/api/sites", json={"name": "Graz"})
        assert made.status_code == 201, made.text
        running.cli(
            "tenant", "add", "--name", "clinic", "--display", "Clinic West", "--aet", "CLINIC", "--host", ORGANISATION
        )
        yield running


def person_of(house: Server, **known: Any) -> dict[str, Any]:
    """The row of the only person of these values, with its places."""
    with database(house) as connection:
        rows = connection.execute(
            "select name, display_name, roles, everywhere, array(select name from site where id = any(u.site_ids)), outside from app_user u"
        ).fetchall()
    found = [
        dict(zip(("name", "display_name", "roles", "everywhere", "sites", "outside"), row, strict=True)) for row in rows
    ]
    (row,) = [one for one in found if all(one[key] == value for key, value in known.items())]
    return row


# -- OpenID Connect --------------------------------------------------------------------------------------------------


class Journey:
    """A browser on its way to the provider and back: to sign in, or to prove who it is in the session of a window."""

    def __init__(self, house: Server, proves: Browser | None = None, *, host: str = "") -> None:
        """`host`: under which name the browser sees us."""
        self.client = httpx.Client(base_url=house.http, timeout=120, trust_env=False)
        self.headers = {"Host": host} if host else {}
        self.session = "" if proves is None else f"; {COOKIE}={proves.cookie}"
        where = "/api/session/oidc/start" if proves is None else "/api/session/oidc/prove"
        own = {"Cookie": self.session.lstrip("; ")} if self.session else {}
        out = self.client.get(where, headers={**self.headers, **own})
        assert out.status_code == 303, out.text
        self.out = out.headers["location"]
        self.kept = SimpleCookie(out.headers["set-cookie"])[KEPT].value if "set-cookie" in out.headers else ""

    def back(self) -> str:
        return self.client.get(self.out).headers["location"]

    def arrive(self, address: str) -> httpx.Response:
        parts = urlsplit(address)
        where = f"{parts.path}?{parts.query}" if self.headers else address
        return self.client.get(where, headers={**self.headers, "Cookie": f"{KEPT}={self.kept}{self.session}"})


def come(house: Server, host: str = "") -> httpx.Response:
    journey = Journey(house, host=host)
    return journey.arrive(journey.back())


def window_of(house: Server, answer: httpx.Response, host: str = "") -> Browser:
    assert answer.headers["location"] == "/", answer.headers["location"]
    window = Browser(house)
    window.headers = {"Host": host} if host else {}
    window.cookie = next(
        SimpleCookie(one)[COOKIE].value for one in answer.headers.get_list("set-cookie") if one.startswith(COOKIE + "=")
    )
    window.csrf = window.get("/api/session").json()["csrf"]
    return window


def test_groups_give_roles_and_sites_and_follow_at_the_next_sign_in(house: Server, provider: Provider) -> None:
    provider.person = {
        "sub": "groups",
        "preferred_username": "gina",
        "name": "Gina Groups",
        "groups": ["Readers", "graz"],
    }
    with window_of(house, come(house)) as window:
        assert window.get("/api/session").json()["user"]["roles"] == ["radiologist"]
        assert window.get("/api/session").json()["session"]["way"] == "oidc"
    known = person_of(house, name="gina")
    assert (known["display_name"], known["roles"], known["everywhere"], known["sites"]) == (
        "Gina Groups", ["radiologist"], False, ["Graz"],
    )  # fmt: skip
    provider.person["groups"] = ["chiefs", "cameras"]
    come(house)
    known = person_of(house, name="gina")
    assert (known["roles"], known["everywhere"]) == (["admin", "technologist"], True)
    provider.person["groups"] = ["cameras", "all", "unknown"]
    come(house)
    known = person_of(house, name="gina")
    assert (known["roles"], known["everywhere"], known["sites"]) == (["technologist"], True, [])
    provider.person["groups"] = ["cameras"]
    come(house)
    assert person_of(house, name="gina")["everywhere"] is False, "what a group gave goes with the group"
    provider.person["groups"] = []
    assert come(house).headers["location"] == FAILED


def test_the_same_name_or_mail_is_not_the_same_person(house: Server, provider: Provider) -> None:
    made = house.client().post("/api/users", json={"name": "jane@hospital.test", "roles": ["admin"]})
    assert made.status_code == 201
    provider.person = {"sub": "jane-1", "email": "jane@hospital.test", "groups": ["readers"]}
    with window_of(house, come(house)) as window:
        assert window.get("/api/session").json()["user"]["roles"] == ["radiologist"]
        assert window.get("/api/session").json()["user"]["name"] != "jane@hospital.test"
    assert person_of(house, name="jane@hospital.test")["roles"] == ["admin"]
    provider.person = {**provider.person, "sub": "jane-2"}
    with window_of(house, come(house)) as other:
        second = other.get("/api/session").json()["user"]["id"]
    provider.person = {**provider.person, "sub": "jane-1", "email": "married@hospital.test"}
    with window_of(house, come(house)) as again:
        assert again.get("/api/session").json()["user"]["id"] != second


def test_a_code_counts_once_and_for_the_question_it_answered(house: Server, provider: Provider) -> None:
    provider.person = {"sub": "once", "preferred_username": "once", "groups": ["readers"]}
    first, second = Journey(house), Journey(house)
    back = first.back()
    code = parse_qs(urlsplit(back).query)["code"][0]
    state = parse_qs(urlsplit(second.out).query)["state"][0]
    # Somebody's code in another's journey: the proof of PKCE is of the other question.
    swapped = f"/api/session/oidc/callback?code={code}&state={state}"
    assert second.arrive(swapped).headers["location"] == FAILED
    assert "Code challenge failed" in provider.refused[-1]
    assert first.arrive(back).headers["location"] == "/", "the code itself was still good"
    third = Journey(house)
    state = parse_qs(urlsplit(third.out).query)["state"][0]
    spent = f"/api/session/oidc/callback?code={code}&state={state}"
    assert third.arrive(spent).headers["location"] == FAILED
    for query in (
        "",
        "?state=x",
        "?code=x",
        f"?state={state}&code=",
        "?error=access_denied&state=x",
        "?code=" + "x" * 6000,
    ):
        assert third.arrive("/api/session/oidc/callback" + query).headers["location"] == FAILED


def test_who_signs_out_at_the_provider_is_signed_out_here(house: Server, provider: Provider) -> None:
    provider.person = {"sub": "leaver", "preferred_username": "leaver", "groups": ["readers"]}
    window = window_of(house, come(house))

    def leave(token: str) -> int:
        return httpx.post(
            f"{house.http}/api/session/oidc/leave", data={"logout_token": token}, timeout=120, trust_env=False
        ).status_code

    honest = provider.logout_token()
    head, claims, _ = honest.split(".")
    for wrong in (
        provider.logout_token(aud="somebody"), provider.logout_token(iss="https://elsewhere.test"), provider.logout_token(nonce="n"),
        provider.logout_token(events={}), provider.logout_token(events=None), provider.logout_token(sub=None), provider.logout_token(iat=1),
        provider.logout_token(iat=None), f"{head}.{claims}.", f"{head}.{claims}.{'A' * 342}", "rubbish",
    ):  # fmt: skip
        assert leave(wrong) == 400
    assert window.get("/api/session").status_code == 200
    assert leave(provider.logout_token(sub="somebody-else")) == 204
    assert window.get("/api/session").status_code == 200
    assert leave(honest) == 204
    is_problem(window.get("/api/session"), 401, "session_ended")
    window.cookie = ""
    gone = window.get("/api/session/oidc/end")
    assert gone.headers["location"].startswith(f"{provider.issuer}/end?client_id={CLIENT}&post_logout_redirect_uri=")


def prove(house: Server, window: Browser) -> str:
    """Where the small window stands in the end; it never brings a session of its own."""
    journey = Journey(house, proves=window)
    asked = {key: value[0] for key, value in parse_qs(urlsplit(journey.out).query).items()}
    assert (asked["prompt"], asked["max_age"]) == ("login", "0"), "a sign-in that the provider remembers is no proof"
    answer = journey.arrive(journey.back())
    assert not [one for one in answer.headers.get_list("set-cookie") if one.startswith(COOKIE + "=")]
    return answer.headers["location"]


def is_stale(window: Browser) -> bool:
    return window.post("/api/session/fresh").status_code == 403


@pytest.fixture
def prover(house: Server, provider: Provider) -> Iterator[Browser]:
    """Somebody of the provider without password, PIN, app or passkey, whose last proof is old."""
    provider.person = {"sub": "prover", "preferred_username": "prover", "groups": ["readers"]}
    with window_of(house, come(house)) as window:
        assert window.get("/api/session").json()["session"]["proves_by"] == ["oidc"]
        with database(house) as connection:
            connection.execute(
                "update session s set proven_at = now() - interval '1 day' from app_user u where u.id = s.user_id and u.name = 'prover'"
            )
        is_problem(window.post("/api/session/fresh"), 403, "step_up_needed")
        yield window
    provider.statement = provider.honest


def test_who_comes_from_a_provider_proves_there_again_who_it_is(house: Server, prover: Browser) -> None:
    assert prove(house, prover) == PROVED
    assert not is_stale(prover)
    assert prover.post("/api/session/lock").json()["session"]["state"] == "locked"
    assert prove(house, prover) == PROVED
    assert prover.get("/api/session").json()["session"]["state"] == "open"


def test_a_remembered_sign_in_another_person_and_another_session_prove_nothing(
    house: Server, provider: Provider, prover: Browser
) -> None:
    for twist in (
        lambda claims: claims | {"auth_time": claims["iat"] - 60},
        lambda claims: claims | {"auth_time": str(claims["iat"])},
        lambda claims: {key: value for key, value in claims.items() if key != "auth_time"},
        lambda claims: claims | {"sub": "somebody-else"},
    ):
        provider.statement = lambda claims, twist=twist: provider.honest(twist(claims))  # type: ignore[misc]  # the loop's own value
        assert prove(house, prover) == UNPROVED
        assert is_stale(prover)
    provider.statement = provider.honest
    provider.person = {**provider.person, "groups": []}
    assert prove(house, prover) == UNPROVED, "whose groups have no role any more proves nothing either"
    provider.person = {**provider.person, "groups": ["readers"]}
    with window_of(house, come(house)) as other:
        begun = Journey(house, proves=other)
        begun.session = f"; {COOKIE}={prover.cookie}"
        assert begun.arrive(begun.back()).headers["location"] == UNPROVED, "it was begun in another session"
        begun = Journey(house, proves=prover)
        back = begun.back()
        begun.kept = "x" * 32
        assert begun.arrive(back).headers["location"] == FAILED, "it was begun in another browser"
    assert is_stale(prover)
    assert httpx.get(f"{house.http}/api/session/oidc/prove", timeout=120, trust_env=False).status_code == 401
    with database(house) as connection:
        row = connection.execute(
            "select count(*) from audit_event where kind = 'session.proven' and outcome = 'refused' and detail->>'way' = 'oidc'"
        ).fetchone()
    assert row == (6,)


def test_people_of_a_second_organisation_come_to_its_own_host_name(house: Server, provider: Provider) -> None:
    """Out from its name and back to it; a group gives a role in the organisation that its pair names, and in no other."""
    provider.person = {"sub": "petra", "preferred_username": "petra", "name": "Petra West", "groups": ["west"]}
    assert come(house).headers["location"] == FAILED, "the group means nothing in the first organisation"
    journey = Journey(house, host=ORGANISATION)
    back = parse_qs(urlsplit(journey.out).query)["redirect_uri"][0]
    assert urlsplit(back).hostname == ORGANISATION
    with window_of(house, journey.arrive(journey.back()), ORGANISATION) as west:
        session = west.get("/api/session").json()
        assert (session["user"]["roles"], session["site"]["name"]) == (["radiologist"], "Clinic West")
        assert _where(house, "petra") == [("clinic", ["main"])]
        provider.person["groups"] = ["readers", "west"]
        with window_of(house, come(house)) as ours:
            own = ours.get("/api/session").json()
            assert own["user"]["id"] != session["user"]["id"], "one person there, two accounts here"
            assert own["site"]["name"] != "Clinic West"
            assert _where(house, "petra") == [("clinic", ["main"]), ("default", [])]
        provider.person["groups"] = ["readers"]
        assert come(house, ORGANISATION).headers["location"] == FAILED
    assert _refused(house) >= {("clinic", "oidc"), ("default", "oidc")}, "told to the organisation that was meant"


def _where(house: Server, name: str) -> list[tuple[str, list[str]]]:
    with database(house) as connection:
        return connection.execute(
            "select t.name, array(select s.name from site s where s.id = any(u.site_ids)) from app_user u join tenant t on t.id = u.tenant_id "
            "where u.name = %s order by 1",
            (name,),
        ).fetchall()


def _refused(house: Server) -> set[tuple[str, str]]:
    with database(house) as connection:
        return set(
            connection.execute(
                "select distinct t.name, e.detail->>'way' from audit_event e join tenant t on t.id = e.tenant_id "
                "where e.kind = 'signed_in' and e.outcome = 'refused'"
            ).fetchall()
        )


# -- the directory ---------------------------------------------------------------------------------------------------


def test_the_password_of_the_directory_signs_in_with_its_groups(house: Server) -> None:
    with Browser(house) as window:
        came = window.sign_in("reader", PASSWORD)
        assert (came.status_code, came.json()["user"]["roles"], came.json()["session"]["way"]) == (
            200,
            ["radiologist"],
            "ldap",
        )
        assert came.json()["session"]["proves_by"] == ["password"]
        known = person_of(house, name="reader")
        assert (known["display_name"], known["sites"], known["everywhere"]) == ("Rita Reader", ["Graz"], False)
        assert known["outside"].startswith(f"ldap:{BASE}#")
        is_problem(window.post("/api/session/prove", json={"way": "password", "value": "wrong"}), 403, "proof_failed")
        is_problem(window.post("/api/session/prove", json={"way": "password", "value": ""}), 403, "proof_failed")
        assert window.post("/api/session/prove", json={"way": "password", "value": PASSWORD}).status_code == 200
        is_problem(window.post("/api/session/password", json={"new": "long enough for it"}), 403, "password_elsewhere")
    with Browser(house) as window:
        assert window.sign_in("nested", PASSWORD).json()["user"]["roles"] == ["viewer"], (
            "by a group in a group in a group"
        )


def test_wrong_passwords_unknown_names_and_missing_roles(house: Server) -> None:
    with Browser(house) as window:
        told = {
            window.sign_in(name, word).text
            for name, word in (("reader", "wrong"), ("nobody-at-all", PASSWORD), ("reader", ""), ("admin", "x"))
        }
        assert len(told) == 1
        is_problem(window.sign_in("cleaner", PASSWORD), 401, "outside_unknown")


def test_the_directory_opens_no_account_of_ours(house: Server) -> None:
    """There is an `admin` there too: its password opens an account of its own, with what its groups give."""
    with Browser(house) as window:
        came = window.sign_in("admin", PASSWORD)
        assert (came.status_code, came.json()["user"]["roles"]) == (200, ["radiologist"])
        assert came.json()["user"]["name"].startswith("admin ")
    assert person_of(house, name="admin")["roles"] == ["admin"]


def test_the_directory_signs_people_in_to_a_second_organisation(house: Server) -> None:
    """At its host name, or by `name@organisation` at any; who has no group of it is not known there."""
    with Browser(house) as window, Browser(house) as named, Browser(house) as stranger:
        window.headers = stranger.headers = {"Host": ORGANISATION}
        came = window.sign_in("cleaner", PASSWORD)
        assert (came.status_code, came.json()["user"]["roles"], came.json()["site"]["name"]) == (
            200,
            ["viewer"],
            "Clinic West",
        )
        assert _where(house, "cleaner") == [("clinic", ["main"])], "its only site"
        same = named.sign_in("cleaner@clinic", PASSWORD)
        assert same.json()["user"]["id"] == came.json()["user"]["id"]
        is_problem(named.sign_in("cleaner", PASSWORD), 401, "outside_unknown")
        is_problem(stranger.sign_in("reader", PASSWORD), 401, "outside_unknown")
        is_problem(stranger.sign_in("cleaner", "wrong"), 401, "sign_in_failed")
        assert window.post("/api/studies/search", json={}).json()["items"] == []


def test_who_is_disabled_or_loses_the_role_there_is_signed_out_here(house: Server, slapd: Slapd) -> None:
    with Browser(house) as locked, Browser(house) as chief:
        assert locked.sign_in("locked", PASSWORD).status_code == 200
        assert chief.sign_in("chief", PASSWORD).json()["user"]["roles"] == ["admin"]
        slapd.change(uid("locked"), {"pwdAccountLockedTime": [(ldap3.MODIFY_REPLACE, ["000001010000Z"])]})
        until(lambda: locked.get("/api/session").status_code == 401)
        assert chief.get("/api/session").status_code == 200
        slapd.change(f"cn=radiology,{GROUPS}", {"member": [(ldap3.MODIFY_ADD, [uid("chief")])]})
        slapd.change(f"cn=pacs-admins,{GROUPS}", {"member": [(ldap3.MODIFY_REPLACE, [uid("cleaner")])]})
        until(lambda: chief.get("/api/session").json()["user"]["roles"] == ["radiologist"])
        assert person_of(house, name="chief")["everywhere"] is False
        slapd.change(uid("chief"), None)
        until(lambda: chief.get("/api/session").status_code == 401)
    with database(house) as connection:
        rows = connection.execute(
            "select detail->>'cause' from audit_event where kind = 'user.left_directory' order by id"
        ).fetchall()
    assert [row[0] for row in rows] == ["gone or disabled", "gone or disabled"]


def test_while_both_are_away_our_own_administrators_come_in(house: Server, slapd: Slapd, provider: Provider) -> None:
    """The last of this file: it takes the other houses away."""
    with Browser(house) as reader, Browser(house) as window:
        assert reader.sign_in("reader", PASSWORD).status_code == 200
        assert window.sign_in_by_link(house.sign_in_link().partition("link=")[2]).status_code == 200
        assert window.post("/api/session/password", json={"new": PASSWORD + " of ours"}).status_code == 200
        slapd.stop()
        provider.__exit__()
        with Browser(house) as again:
            assert again.sign_in("admin", PASSWORD + " of ours").json()["user"]["roles"] == ["admin"]
            is_problem(again.sign_in("reader", PASSWORD), 503, "directory_down")
            is_problem(again.sign_in("admin", "wrong"), 503, "directory_down")
            assert Journey(house).out in {FAILED} or "code_challenge" in Journey(house).out
        assert come_back_failed(house)
        assert reader.get("/api/session").status_code == 200, "nobody is signed out because the directory is away"


def come_back_failed(house: Server) -> bool:
    """Back from a provider that is gone: our own sign-in page."""
    journey = Journey(house)
    state = parse_qs(urlsplit(journey.out).query).get("state", ["x"])[0]
    return journey.arrive(f"/api/session/oidc/callback?code=x&state={state}").headers["location"] == FAILED
