"""Issue 3, acceptance 1: every route and stream as its owner and as everybody else. Threat N11 (IDOR). DIMSE: test_access_matrix_dimse."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from websockets.sync.client import connect

from heliograph.app.web import Front, application
from tests import phantoms
from tests.conformance.access_matrix import PUBLIC, TWIN, Canary, Route, body_for, routes, show, token, walk
from tests.conformance.api_routes import database, send
from tests.conformance.browsing import Browser, person, until
from tests.peers.heliograph import Server
from tests.phantoms import Shape
from tools.reference import _offline

CANARY = Shape(slices=2, rows=32, columns=32, seed=4711, patient="CANARY-4711", name="Canarina^Elvira", study=4711)
TWINS = Shape(slices=2, rows=24, columns=40, seed=4711, patient="CANARY-4711", name="Zwilling^Zoe", study=4711)
LATER = Shape(slices=2, rows=32, columns=32, seed=4711, patient="CANARY-4711", name="Canarina^Elvira", study=4712)
# Reading routes that must show the canary to its owner: fewer would mean that the matrix looks where nothing is.
SHOWN = {
    "POST /api/studies/search", "GET /api/studies/{study_id}", "GET /api/studies/{study_id}/manifest",
    "GET /api/series/{series_id}/document", "POST /api/where", "GET /api/sends", "GET /api/quarantine", "GET /api/quarantine/{held_id}/file",
    "GET /api/changes", "GET /dicom-web/studies", "GET /dicom-web/series", "GET /dicom-web/instances", "GET /dicom-web/studies/{study_uid}/series",
    "GET /dicom-web/studies/{study_uid}/instances", "GET /dicom-web/studies/{study_uid}/series/{series_uid}/instances",
    "GET /dicom-web/studies/{study_uid}", "GET /dicom-web/studies/{study_uid}/series/{series_uid}",
    "GET /dicom-web/studies/{study_uid}/series/{series_uid}/instances/{sop_uid}", "GET /dicom-web/studies/{study_uid}/metadata",
    "GET /dicom-web/studies/{study_uid}/series/{series_uid}/metadata",
    "GET /dicom-web/studies/{study_uid}/series/{series_uid}/instances/{sop_uid}/metadata",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class House:
    """The server, its canary, and who asks: name -> (client, status that every closed route answers)."""

    server: Server
    canary: Canary
    actors: dict[str, tuple[Any, int]]
    other_site: int


class Asking:
    """A client with fixed headers on the live server."""

    def __init__(self, client: httpx.Client, headers: dict[str, str]) -> None:
        self._client, self._headers = client, headers

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        return self._client.request(method, url, headers=self._headers, **options)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("matrix")
    config = folder / "quick.toml"
    config.write_text("[archive]\nseries_quiet_s = 1\nstudy_quiet_s = 1\n")
    with Server(folder / "data", options=("--config", str(config))) as server, closing(_client(server)) as client:
        for caller in ("CT1", "NORTH", "SOUTH"):
            server.add_device(caller)
        assert send(server, CANARY) == [0, 0]
        canary = _canary(server)
        with database(server) as connection:
            yield _house(server, client, canary, connection)


def _client(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.http, timeout=120, trust_env=False)


def _canary(server: Server) -> Canary:
    """A settled study with a held object, a send, and everything else that a path can name."""
    owner = server.client()
    held = [raw.replace(b"Canarina", b"Kanarina") for raw in phantoms.slices(CANARY)]
    assert owner.post("/api/uploads", files=[("file", ("1.dcm", held[0]))]).json()["held"] == 1
    study = until(lambda: [
        row for row in owner.post("/api/studies/search", json={"patient_id": CANARY.patient}).json()["items"] if row["state"] == "settled"
    ])[0]  # fmt: skip
    series = owner.get(f"/api/studies/{study['id']}").json()["series"][0]
    node = owner.post("/api/nodes", json={"name": "n", "aet": "N", "host": "127.0.0.1", "port": 9}).json()["id"]
    send_id = owner.post("/api/sends", json={"study_id": study["id"], "node_id": node}).json()["id"]
    rule = owner.post("/api/rules", json={"name": "r", "node_id": node, "enabled": False, "modalities": ["XX"]}).json()[
        "id"
    ]
    user = owner.post(
        "/api/users",
        json={"name": "matrix", "protocol_id": "01234567-89ab-7def-8123-456789abcd04", "roles": ["viewer"]},
    ).json()["id"]
    ids = {
        "study_id": study["id"], "series_id": series["id"], "patient": study["patient"]["id"], "study_uid": CANARY.study_uid,
        "series_uid": CANARY.series_uid, "sop_uid": CANARY.sop_uid(1), "frame": "1", "path": "7FE00010", "send_id": send_id, "node_id": node,
        "rule_id": rule, "user_id": user, "held_id": owner.get("/api/quarantine").json()["items"][0]["id"], "verb": "cancel",
        "device_id": owner.get("/api/devices").json()["items"][0]["id"], "token_id": owner.get("/api/tokens").json()["items"][0]["id"],
        "caller_id": "999999", "alarm_id": "01234567-89ab-7def-8123-456789abcd00", "job_id": "01234567-89ab-7def-8123-456789abcd01",
        "glass_id": "01234567-89ab-7def-8123-456789abcd02", "site_id": "1", "department_id": "999999", "fingerprint": "00" * 32, "event_id": "1", "passkey_id": "01234567-89ab-7def-8123-456789abcd03", "which": "999999", "name": "matrix", "protocol_id": "01234567-89ab-7def-8123-456789abcd04", "tenant_id": "2",
    }  # fmt: skip
    return Canary(ids, ("Canarina", "Kanarina", "Elvira"), (CANARY.patient, CANARY.study_uid, "ACC004711"))


def _house(server: Server, client: httpx.Client, canary: Canary, connection: Any) -> House:
    site = server.client().post("/api/sites", json={"name": "south"}).json()["id"]
    connection.execute("update device set site_ids = %s, site_id = %s where aet = 'SOUTH'", ([site], site))
    gone, away = person(server, "gone", "radiologist"), person(server, "away", "radiologist")
    out = person(server, "out", "radiologist")
    assert out.sign_out().status_code == 204
    server.client().patch(f"/api/users/{_user(server, 'gone')}", json={"disabled": True})
    reader = person(server, "south", "radiologist", "technologist")
    server.client().post(f"/api/users/{_user(server, 'south')}/place", json={"site_ids": [site]})
    connection.execute("update session set expires_at = now() where user_id::text = %s", (_user(server, "away"),))

    def bearer(**more: Any) -> tuple[Any, int]:
        return Asking(client, {"Authorization": f"Bearer {token(connection, **more)}"}), 0

    actors: dict[str, tuple[Any, int]] = {
        "owner": (Asking(client, server.headers), 0),
        "another role": (person(server, "referrer", "referrer", "guest", "researcher", "patient"), 0),
        "the privacy officer": (person(server, "officer", "privacy"), 0),
        "another site": (reader, 0),
        "a program of another site": bearer(sites=(site,)),
        "another organisation": (_organisation(server, client), 0),
        TWIN: (_twin(server), 0),
        "nobody": (Asking(client, {}), 401),
        "an expired token": (bearer(expired=True)[0], 401),
        "a revoked token": (bearer(revoked=True)[0], 401),
        "an expired session": (away, 401),
        "a signed-out session": (out, 401),
        "a disabled person": (gone, 401),
    }
    until(
        lambda: gone.get("/api/session").status_code == 401 and away.get("/api/session").status_code == 401,
        timeout_s=20,
    )
    return House(server, canary, actors, site)


def _organisation(server: Server, client: httpx.Client) -> Asking:
    """A program that may everything in an organisation that has nothing."""
    server.cli("tenant", "add", "--name", "empty", "--aet", "EMPTY")
    made = server.cli("token", "--tenant", "empty", "--name", "matrix", "--scope", "all").stdout.strip()
    return Asking(client, {"Authorization": f"Bearer {made}"})


def _twin(server: Server) -> Browser:
    """Who administers an organisation to which the same UIDs came, signed in as people of it do."""
    server.cli("tenant", "add", "--name", "twin", "--aet", "TWIN", "--host", "twin.test")
    server.cli(
        "device", "add", "--tenant", "twin", "--aet", "NORTH", "--host", "127.0.0.1", "--port", "104", "--allow", "echo,store,find,move,get"
    )  # fmt: skip
    assert send(server, TWINS, "NORTH", called="TWIN") == [0, 0]
    browser = Browser(server)
    browser.headers = {"Host": "twin.test"}
    link = server.cli(
        "user", "add", "--tenant", "twin", "--name", "admin", "--roles", "admin,radiologist,privacy"
    ).stdout
    assert "//twin.test:" in link
    assert browser.sign_in_by_link(link.strip().partition("link=")[2]).status_code == 200
    rows = until(lambda: browser.post("/api/studies/search", json={"patient_id": CANARY.patient}).json()["items"])
    assert [row["patient"]["name"] for row in rows] == [TWINS.name]
    return browser


def _user(server: Server, name: str) -> str:
    return str(next(user["id"] for user in server.client().get("/api/users").json()["items"] if user["name"] == name))


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[list[Route], list[str]]]:
    with _offline.services() as services:
        yield routes(application(services))


def _untouched(server: Server) -> tuple[Any, ...]:
    """What no stranger's request may have changed."""
    with database(server) as connection:
        row = connection.execute(
            "select (select jsonb_agg(jsonb_build_array(id, restriction, revision, instance_count, site_id)) from study where patient_id = %s and tenant_id = 1), "
            "(select jsonb_agg(jsonb_build_array(id, state) order by id) from held where tenant_id = 1), "
            "(select jsonb_agg(jsonb_build_array(id, requested_by) order by id) from send where tenant_id = 1), "
            "(select count(*) from study_tie where tenant_id = 1), (select count(*) from access_policy where tenant_id = 1), "
            "(select count(*) from user_patient up join app_user u on u.id = up.user_id where u.tenant_id = 1), "
            "(select count(*) from break_glass where tenant_id = 1), (select jsonb_agg(jsonb_build_array(t.*) order by t.id) from tenant t), (select jsonb_agg(jsonb_build_array(aet, allow, site_ids) order by aet) from device where tenant_id = 1), "
            "(select count(*) from remote_node where tenant_id = 1), (select count(*) from forward_rule where tenant_id = 1), "
            "(select jsonb_agg(jsonb_build_array(name, roles, everywhere, disabled_at is null) order by name) from app_user where tenant_id = 1), "
            "(select count(*) from api_token where tenant_id = 1 and revoked_at is null), (select count(*) from site where tenant_id = 1)",
            (CANARY.patient,),
        ).fetchone()
    assert row is not None
    return row


def test_no_route_shows_or_gives_a_stranger_anything(house: House, running: tuple[list[Route], list[str]]) -> None:
    before = _untouched(house.server)
    found = walk(running[0], house.canary, house.actors, body_for)
    assert not found.leaks, "\n".join(found.leaks)
    assert _untouched(house.server) == before, "a stranger's request changed something"


def test_the_owner_is_shown_what_strangers_are_not(house: House, running: tuple[list[Route], list[str]]) -> None:
    assert show(running[0], house.canary, house.actors["owner"][0], body_for) >= SHOWN


def test_a_planted_leak_is_caught(house: House, running: tuple[list[Route], list[str]]) -> None:
    """A route that forgets the policy, beside all others: the matrix finds it by itself, and says which."""
    planted = FastAPI()

    @planted.get("/api/studies/{study_id}/leak")
    def leak(study_id: str) -> dict[str, str]:
        return {"name": CANARY.name} if study_id == house.canary.ids["study_id"] else {"name": ""}

    with _offline.services() as services:
        front = application(services)
        front.app.router.routes[0:0] = planted.router.routes[-1:]
        named, _ = routes(front)
        assert {route.name for route in named} - {route.name for route in running[0]} == {
            "GET /api/studies/{study_id}/leak"
        }
    leaking = [route for route in named if route.path.endswith("/leak")]
    client = TestClient(planted)
    found = walk(leaking, house.canary, {"another site": (client, 0), "nobody": (client, 401)}, body_for)
    assert {line.partition(":")[0] for line in found.leaks} == {
        "GET /api/studies/{study_id}/leak as another site", "GET /api/studies/{study_id}/leak as nobody",
    }  # fmt: skip


def test_a_route_that_the_matrix_cannot_fill_is_a_failure() -> None:
    with _offline.services() as services:
        front: Front = application(services)
        front.app.mount("/forgotten", FastAPI())
        with pytest.raises(AssertionError, match="forgotten"):
            routes(front)


def test_what_is_public_is_named(running: tuple[list[Route], list[str]]) -> None:
    assert {route.name for route in running[0]} >= PUBLIC
    assert running[1] == ["/api/stream"], "a further stream wants its test below"


def test_the_stream_tells_nobody_of_a_study_that_is_not_there_for_him(house: House) -> None:
    listeners = {
        name: client for name, (client, closed) in house.actors.items() if not closed and name != "the privacy officer"
    }
    sockets = {name: _listen(house.server, client) for name, client in listeners.items()}
    try:
        assert send(house.server, LATER) == [0, 0]
        new = until(
            lambda: (
                house.server.client().post("/api/studies/search", json={"patient_id": CANARY.patient}).json()["count"]
                == 2
            )
        )
        assert new
        heard = {name: _heard(socket, 6.0 if name == "owner" else 0.5) for name, socket in sockets.items()}
    finally:
        for socket in sockets.values():
            socket.close()
    assert any(one["kind"] == "study.arrived" for one in heard.pop("owner"))
    # Long work is the organisation's: its ids are told to who may see jobs.
    about = {
        name: [one for one in told if "id" in one and one["kind"] != "job.changed"] for name, told in heard.items()
    }
    twins = {row["id"] for row in house.actors[TWIN][0].post("/api/studies/search", json={}).json()["items"]}
    about[TWIN] = [one for one in about[TWIN] if one["id"] not in twins]
    assert not {name: told for name, told in about.items() if told}


def _listen(server: Server, client: Any) -> Any:
    headers = (
        {"Authorization": client._headers["Authorization"]}
        if isinstance(client, Asking)
        else {"Cookie": f"__Host-heliograph={client.cookie}"}
    )
    return connect(
        server.http.replace("http", "ws") + "/api/stream",
        additional_headers=headers,
        origin=server.http,
        proxy=None,  # type: ignore[arg-type]
    )


def _heard(socket: Any, wait_s: float) -> list[dict[str, Any]]:
    """What came until the study's arrival, or for a while."""
    found: list[dict[str, Any]] = []
    while not any(one["kind"] == "study.arrived" for one in found):
        try:
            found.append(json.loads(socket.recv(timeout=wait_s)))
        except TimeoutError:
            break
    return found


def test_what_a_device_of_another_site_brings_is_kept_at_its_site(house: House) -> None:
    shape = Shape(slices=1, rows=32, columns=32, seed=99, patient="SOUTHERN", name="South^Pole")
    assert send(house.server, shape, "SOUTH") == [0]
    reader: Browser = house.actors["another site"][0]
    rows = until(lambda: reader.post("/api/studies/search", json={"patient_id": "SOUTHERN"}).json()["items"])
    assert rows[0]["patient"]["patient_id"] == "SOUTHERN"


def test_counts_are_of_what_is_there(house: House) -> None:
    reader: Browser = house.actors["another site"][0]
    with database(house.server) as connection:
        row = connection.execute("select count(*) from study where site_id = %s", (house.other_site,)).fetchone()
    assert row is not None
    assert reader.get("/api/about").json()["counts"]["studies"] == row[0]
    assert reader.post("/api/studies/search", json={}).json()["count"] == row[0]
