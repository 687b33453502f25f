"""Acts that want a fresh proof: derived from the running application, so that a new route must say on which side it stands."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

from heliograph.gateways import api
from heliograph.gateways.http.auth import fresh_actor_of, fresh_session_of
from tests.conformance.api_routes import BODIES, ROUTES, database, is_problem
from tests.conformance.browsing import Browser
from tests.peers.heliograph import Server

PASSWORD = "correct horse battery"
_OWN = "the own session or account, which is proven in it or by it"
_QUESTION = "a question with a body: nothing is changed"
_CARE = "work of every minute; what it does can be undone and is on record"
_SHUTS = "takes rights away; whoever sees the need must not be stopped"
# Writing routes that are open without a fresh proof, and why that is right.
EVERYDAY: dict[str, str] = {
    **dict.fromkeys((
        "POST /api/session", "POST /api/session/link", "POST /api/session/second", "POST /api/session/passkey/start",
        "POST /api/session/passkey", "POST /api/session/password", "POST /api/session/prove", "POST /api/session/prove/passkey",
        "POST /api/session/lock", "POST /api/session/unlock", "POST /api/session/active", "DELETE /api/session",
        "PATCH /api/account/passkeys/{passkey_id}", "DELETE /api/account/sessions", "DELETE /api/account/sessions/{which}",
        "PUT /api/account/preferences/{name}",
    ), _OWN),
    **dict.fromkeys((
        "POST /api/hanging/protocols", "PATCH /api/hanging/protocols/{protocol_id}", "DELETE /api/hanging/protocols/{protocol_id}",
    ), "how pictures are laid out; what lies below holds again when it is taken away"),
    "POST /api/session/oidc/leave": "signed by the provider; ends sessions",
    **dict.fromkeys((
        "POST /api/studies/search", "POST /api/where", "POST /api/audit/search", "POST /api/audit/patient", "POST /api/policy/check",
        "POST /api/policy/explain", "POST /api/nodes/{node_id}/query", "POST /api/nodes/{node_id}/echo", "POST /api/devices/{device_id}/echo",
        "POST /api/audit/verify", "POST /api/glass/search", "POST /api/patients/find", "POST /api/policy/preview", "POST /api/policy/studies",
    ), _QUESTION),
    "POST /api/nodes/{node_id}/retrieve": "brings images in, as a modality does all day",
    "POST /api/uploads": "brings images in",
    "POST /api/sends/{send_id}/{verb}": "of a send that was asked for with a fresh proof",
    **dict.fromkeys((
        "POST /api/jobs/{job_id}/{verb}", "POST /api/alarms/{alarm_id}/acknowledge", "POST /api/quarantine/{held_id}/release",
        "PATCH /api/sites/{site_id}", "PATCH /api/departments/{department_id}", "POST /api/studies/{study_id}/ties", "POST /api/studies/{study_id}/ties/remove", "POST /api/studies/{study_id}/marks", "POST /api/glass/{glass_id}/review",
    ), _CARE),
    "POST /api/sites": "gives nobody anything before somebody is placed there",
    "POST /api/sites/{site_id}/departments": "gives nobody anything before somebody is placed there",
    "POST /api/glass": "an emergency; a reason is written and somebody reviews it",
    **dict.fromkeys((
        "POST /api/glass/{glass_id}/end", "DELETE /api/tokens/{token_id}", "DELETE /api/devices/wants-in/{caller_id}",
        "DELETE /api/users/{user_id}/sessions", "DELETE /api/users/{user_id}/sessions/{which}",
    ), _SHUTS),
}  # fmt: skip
# The issue names these by their kind; a change that takes the demand away from one is refused whatever EVERYDAY says.
NAMED = {
    "export": {"POST /api/sends", "GET /api/quarantine/{held_id}/file", "POST /api/rules", "POST /api/nodes"},
    "deletion": {"POST /api/quarantine/{held_id}/discard", "DELETE /api/devices/{device_id}", "DELETE /api/nodes/{node_id}"},
    "policy": {"POST /api/policy", "POST /api/patients/{patient}/restriction"},
    "roles": {
        "POST /api/users", "PATCH /api/users/{user_id}", "POST /api/users/{user_id}/place", "POST /api/devices/{device_id}/place", "POST /api/users/import", "POST /api/users/{user_id}/link",
        "POST /api/users/{user_id}/reset", "POST /api/tokens", "POST /api/stations",
    },
    "certificates": {"POST /api/devices/{device_id}/certificates", "POST /api/certificates/{fingerprint}/revoke"},
}  # fmt: skip


def _calls(dependant: Any) -> Iterator[Any]:
    yield dependant.call
    for one in dependant.dependencies:
        yield from _calls(one)


def _demands() -> dict[str, bool]:
    """Every route of the door, and whether it asks for a fresh proof."""
    found = {}
    for module in pkgutil.iter_modules(api.__path__):
        router = getattr(importlib.import_module(f"heliograph.gateways.api.{module.name}"), "router", None)
        for route in router.routes if router is not None else ():
            for method in getattr(route, "methods", ()):
                is_fresh = bool({fresh_actor_of, fresh_session_of} & set(_calls(route.dependant)))
                found[f"{method} /api{route.path}"] = is_fresh
    return found


DEMANDS = _demands()


def test_every_route_was_found() -> None:
    assert set(ROUTES) <= set(DEMANDS)


def test_every_writing_route_says_on_which_side_it_stands() -> None:
    writing = {name for name in DEMANDS if not name.startswith(("GET", "HEAD"))}
    unsaid = sorted(name for name in writing if not DEMANDS[name] and name not in EVERYDAY)
    assert not unsaid, f"these want FreshActorDep, or a line in EVERYDAY that says why not: {unsaid}"
    assert set(EVERYDAY) <= writing, "EVERYDAY names routes that are gone"
    assert not [name for name in EVERYDAY if DEMANDS[name]], "EVERYDAY names routes that ask for a fresh proof now"


@pytest.mark.parametrize("kind", sorted(NAMED))
def test_what_the_site_was_promised_asks_for_a_fresh_proof(kind: str) -> None:
    assert not [name for name in sorted(NAMED[kind]) if not DEMANDS[name]]


@pytest.fixture(scope="module")
def stale(api_house: Server) -> Iterator[Browser]:
    """An administrator with a password and a PIN, who showed who it is eleven hours ago."""
    made = api_house.client().post("/api/users", json={"name": "stale-admin", "roles": ["admin"]}).json()
    with Browser(api_house) as window:
        assert window.sign_in_by_link(made["link"]).status_code == 200
        assert window.post("/api/session/password", json={"new": PASSWORD}).status_code == 200
        assert window.request("PUT", "/api/account/pin", json={"pin": "271828"}).status_code == 204
        age(api_house, window)
        yield window


def age(house: Server, window: Browser, hours: int = 11) -> None:
    user = window.get("/api/session").json()["user"]["id"]
    with database(house) as connection:
        connection.execute(
            "update session set proven_at = now() - make_interval(hours => %s) where user_id = %s and revoked_at is null",
            (hours, user),
        )


@pytest.mark.parametrize("name", sorted(name for name, is_fresh in DEMANDS.items() if is_fresh and name in ROUTES))
def test_an_old_proof_opens_none_of_them(stale: Browser, name: str) -> None:
    answer = stale.request(name.split(maxsplit=1)[0], ROUTES[name], json=BODIES.get(name))
    is_problem(answer, 403, "step_up_needed")


def test_the_pin_opens_them_for_the_time_that_the_site_set(api_house: Server, stale: Browser) -> None:
    """access.step_up_minutes of this server is 600: eleven hours are too old, nine are not."""
    assert stale.get("/api/session").json()["session"]["step_up_minutes"] == 600
    is_problem(stale.post("/api/session/prove", json={"way": "pin", "value": "000000"}), 403, "proof_failed")
    is_problem(stale.post("/api/session/fresh"), 403, "step_up_needed")
    assert stale.post("/api/session/prove", json={"way": "pin", "value": "271828"}).status_code == 200
    assert stale.post("/api/session/fresh").status_code == 204
    age(api_house, stale, 9)
    assert stale.post("/api/session/fresh").status_code == 204
    age(api_house, stale)
    is_problem(stale.post("/api/session/fresh"), 403, "step_up_needed")
