"""N8: taking studies away by C-MOVE and C-GET (Aplite, Black Hat EU 2023): only to whom is registered, only by whom may."""

import contextlib
import json
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conformance.browsing import Browser, until
from tests.faults.security import hostile
from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import CT, Identity, element
from tests.faults.security.neighbour import store_s
from tests.peers import Dicom
from tests.peers.association import EXPLICIT, Association, Lost, Rejected, command
from tests.peers.heliograph import Server

MOVE, GET, FIND = "1.2.840.10008.5.1.4.1.2.2.2", "1.2.840.10008.5.1.4.1.2.2.3", "1.2.840.10008.5.1.4.1.2.2.1"
_GREEDY, _MODEST = 48, 40  # associations of one address, objects of another


def _study(siege: Siege) -> Identity:
    who = Identity()
    assert hostile.store(siege.server.dicom, [(who, hostile.honest(who))])[0].status == 0
    return who


def _identifier(who: Identity) -> bytes:
    return element(0x00080052, "CS", "STUDY") + element(0x0020000D, "UI", who.study)


@pytest.mark.parametrize("destination", ["NOBODY", "HELIOGRAPH", "*", "", "H%", "hostile", "127.0.0.1", "' or 1=1 --"])
def test_a_move_to_whom_nobody_registered_moves_nothing(siege: Siege, destination: str) -> None:
    who = _study(siege)
    with Association.connect(siege.server.dicom, [(MOVE, (EXPLICIT,))], calling="HOSTILE", timeout=30) as association:
        words = command([
            (0x00000002, MOVE.encode() + b"\0"), (0x00000100, struct.pack("<H", 0x0021)), (0x00000110, struct.pack("<H", 1)),
            (0x00000600, destination.ljust(16).encode()), (0x00000700, struct.pack("<H", 0)), (0x00000800, struct.pack("<H", 1)),
        ])  # fmt: skip
        context = association.contexts[MOVE, EXPLICIT]
        association.send_raw(
            association.fragments(context, words, is_command=True)
            + association.fragments(context, _identifier(who), is_command=False)
        )
        answer = association.read_answer()
        assert answer.status == 0xA801, f"{answer.status:04x}"


@pytest.mark.parametrize("model", [MOVE, GET, FIND])
def test_a_caller_that_nobody_registered_may_not_ask(siege: Siege, model: str) -> None:
    """It may store at most, and learns nothing of what is there."""
    assert not _accepted(siege, model, "STRANGER")


def test_a_device_takes_by_get_what_it_may_and_all_of_it_is_on_record(siege: Siege) -> None:
    who = _study(siege)
    with Association.connect(
        siege.server.dicom, [(GET, (EXPLICIT,)), (CT, (EXPLICIT,))], calling="HOSTILE", timeout=30, provided=[CT]
    ) as association:
        answer, received = association.get(GET, _identifier(who), EXPLICIT)
    assert answer.status == 0
    assert list(received) == [who.sop]
    siege.server.cli(
        "device", "add", "--aet", "ONLYSTORES", "--host", "127.0.0.1", "--port", "104", "--allow", "echo,store"
    )
    assert not _accepted(siege, GET, "ONLYSTORES")


def _accepted(siege: Siege, model: str, calling: str) -> bool:
    """Whether a caller is given a context to ask in; being rejected as a whole is no as well."""
    try:
        association = Association.connect(siege.server.dicom, [(model, (EXPLICIT,))], calling=calling, timeout=30)
    except Lost:
        return False
    with contextlib.closing(association):
        return bool(association.contexts)


# -- limits -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One whose limits are a hundredth of what they are as installed."""
    folder = tmp_path_factory.mktemp("bounded")
    (folder / "small.toml").write_text(
        "[dimse]\nprocesses = 1\nnew_per_minute = 30\nhourly_instances = 20\n[web]\nrequests_per_minute = 30\n"
        "hourly_instances = 30\n[access]\nlock_address_tries = 12\n"
    )
    with Server(folder / "data", options=("--config", str(folder / "small.toml"))) as server:
        server.add_device("HOSTILE")
        yield server


def test_beyond_what_a_device_may_take_in_an_hour_it_is_refused_and_that_is_told(bounded: Server) -> None:
    studies = [Identity() for _ in range(3)]
    objects = [(who, hostile.honest(who)) for first in studies for who in (first, *(Identity(first) for _ in range(9)))]
    assert {answer.status for answer in hostile.store(bounded.dicom, objects)} == {0}
    with _taking(bounded) as association:
        taken = [association.get(GET, _identifier(who), EXPLICIT) for who in studies]
        moved = association.move(MOVE, _identifier(studies[0]), "HOSTILE", EXPLICIT)
    assert [(answer.status, len(received)) for answer, received in taken] == [(0, 10), (0, 10), (0xA702, 0)]
    assert "in an hour" in taken[2][0].comment
    assert moved.status == 0xA702
    bounded.cli(
        "device",
        "add",
        "--aet",
        "HOSTILE",
        "--host",
        "127.0.0.1",
        "--port",
        "104",
        "--allow",
        "echo,store,find,move,get",
        "--hourly-instances",
        "25",
    )
    with _taking(bounded) as association:
        answer, received = association.get(GET, _identifier(studies[2]), EXPLICIT)
    assert (answer.status, len(received)) == (0xB000, 5), (
        "what was left of its own limit went, the rest is named as failed"
    )
    with bounded.client() as client:
        told = client.get("/api/limits").json()
    (volume,) = told["volumes"]
    assert told["limits"]["token_hourly_instances"] == 30
    assert (volume["aet"], volume["instances"], volume["most_instances"]) == ("HOSTILE", 25, 25)
    assert [(one["what"], one["who"], one["count"]) for one in told["items"]] == [("volume", "HOSTILE", 3)]


@contextlib.contextmanager
def _taking(server: Server) -> Iterator[Association]:
    with Association.connect(
        server.dicom,
        [(GET, (EXPLICIT,)), (MOVE, (EXPLICIT,)), (CT, (EXPLICIT,))],
        calling="HOSTILE",
        timeout=60,
        provided=[CT],
    ) as association:
        yield association


def test_an_address_that_calls_without_end_is_turned_away_and_no_other(bounded: Server) -> None:
    came, refused, began = 0, "", time.monotonic()
    for _ in range(1000):
        try:
            Association.connect(bounded.dicom, calling="HOSTILE", timeout=60).abort()
            came += 1
        except Rejected as rejected:
            refused = str(rejected)
            break
    assert came <= 31 + (time.monotonic() - began) / 2, "30 at once, and what the time gives back"
    assert refused == "result 2, source 3, reason 2", "transient, local limit exceeded (PS3.8 9.3.4)"
    wire = socket.create_connection(("127.0.0.1", bounded.dicom.port), 60, source_address=("127.0.0.2", 0))
    with Association.connect(bounded.dicom, calling="NEIGHBOUR", timeout=60, wire=wire) as neighbour:
        assert neighbour.echo() == 0


def test_a_program_that_asks_without_end_is_told_to_wait_and_no_other_is(bounded: Server) -> None:
    headers = {"Authorization": f"Bearer {bounded.cli('token', '--name', 'greedy', '--scope', 'all').stdout.strip()}"}
    with httpx.Client(base_url=bounded.http, headers=headers, trust_env=False, timeout=60) as greedy:
        answers = [greedy.get("/api/about") for _ in range(200)]
        over = [answer for answer in answers if answer.status_code != 200]
        assert 30 <= len(answers) - len(over) < 200
        assert {(answer.status_code, answer.json()["code"]) for answer in over} == {(429, "too_many_requests")}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in over)
        assert greedy.get("/dicom-web/studies").status_code in {200, 204}, "images and their lists are not counted"
    with bounded.client() as other:
        told = until(
            lambda: [one for one in other.get("/api/limits").json()["items"] if one["what"] == "requests"], every_s=0.5
        )
        assert [one["who"] for one in told] == ["greedy"]
        metrics = httpx.get(f"{bounded.http}/metrics", trust_env=False, timeout=60).text
    assert 'heliograph_limited_total{what="requests"}' in metrics


def test_a_flood_of_one_peer_keeps_no_other_waiting(tmp_path: Path) -> None:
    """One address stores over many associations as fast as it is answered; what another brings meanwhile waits for its turn, not for the
    queue. Measured against each other, so that a busy machine slows both."""
    over, taken = threading.Event(), list[float]()

    def flood(to: Dicom) -> None:
        with Association.connect(to, [(CT, (EXPLICIT,))], calling="HOSTILE", timeout=120) as sender:
            while not over.is_set():
                taken.append(store_s(sender))

    with Server(tmp_path / "data", env={"HELIOGRAPH_DIMSE_PROCESSES": "1"}) as server:
        server.add_device("HOSTILE")
        threads = [threading.Thread(target=flood, args=(server.dicom,)) for _ in range(_GREEDY)]
        for thread in threads:
            thread.start()
        try:
            until(lambda: len(taken) > 2 * _GREEDY)
            words = [
                "tests.faults.security.neighbour",
                server.dicom.host,
                str(server.dicom.port),
                "127.0.0.2",
                str(_MODEST),
            ]
            done = subprocess.run(
                [sys.executable, "-m", *words], capture_output=True, text=True, timeout=240, check=False
            )
        finally:
            over.set()
            for thread in threads:
                thread.join(120)
        assert done.returncode == 0, done.stderr[-2000:]
    greedy, modest = statistics.median(taken), statistics.median(json.loads(done.stdout))
    assert modest < 0.7 * greedy, f"{modest * 1000:.0f} ms beside {greedy * 1000:.0f} ms of the flood"


# -- programs ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def program(server: Server, name: str, *limits: str) -> Iterator[httpx.Client]:
    token = server.cli("token", "--name", name, "--scope", "all", *limits).stdout.strip()
    headers = {"Authorization": f"Bearer {token}", "Accept": 'multipart/related; type="*/*"; transfer-syntax=*'}
    with httpx.Client(base_url=f"{server.http}/dicom-web", headers=headers, trust_env=False, timeout=60) as client:
        yield client


def test_beyond_what_a_program_may_take_in_an_hour_it_is_told_to_wait(bounded: Server) -> None:
    """Whole studies, instances, pictures and frames, the fast lane of frames too; nothing ends in its middle, and no other program feels it."""
    firsts = [Identity() for _ in range(3)]
    objects = [(who, hostile.honest(who)) for first in firsts for who in (first, *(Identity(first) for _ in range(9)))]
    assert {answer.status for answer in hostile.store(bounded.dicom, objects)} == {0}
    with program(bounded, "puller", "--hourly-instances", "15") as puller, program(bounded, "neighbour") as neighbour:
        assert puller.get(f"/studies/{firsts[0].study}").status_code == 200
        whole = puller.get(f"/studies/{firsts[1].study}")
        assert_used_up(whole)
        sops = [who for who, _ in objects[10:20]]
        ways = ["", "/frames/1", "/rendered", "/frames/1", "/bulkdata/7FE00010"]
        singles = [puller.get(_path(who) + way, headers=_any(way)) for who, way in zip(sops, ways, strict=False)]
        assert [one.status_code for one in singles] == [200] * 5
        for way in ways:
            assert_used_up(puller.get(_path(sops[9]) + way, headers=_any(way)))
        assert neighbour.get(f"/studies/{firsts[1].study}").status_code == 200, "30, as the settings say"
        assert puller.get("/studies", headers={"Accept": "application/dicom+json"}).status_code == 200, (
            "what is there may be asked"
        )
    with bounded.client() as client:
        told = until(
            lambda: [one for one in client.get("/api/limits").json()["token_volumes"] if one["instances"] == 15],
            every_s=0.5,
        )
        assert [(one["name"], one["most_instances"]) for one in told] == [("puller", 15)]
        hits = [one for one in client.get("/api/limits").json()["items"] if one["who"] == "puller"]
        assert [(one["what"], one["count"]) for one in hits] == [("volume", 6)]
        rows = client.post("/api/audit/search", json={"kinds": ["retrieve.refused"], "actor": "puller"}).json()["items"]
        assert [(one["detail"]["reason"], one["outcome"]) for one in rows] == [("volume", "refused")]


def test_frames_of_the_fast_lane_are_counted_and_a_program_may_be_given_more(bounded: Server) -> None:
    who = Identity()
    assert [answer.status for answer in hostile.store(bounded.dicom, [(who, hostile.honest(who))])] == [0]
    with program(bounded, "viewer") as viewer:
        answers = [viewer.get(_path(who) + "/frames/1") for _ in range(60)]
        assert [one.status_code for one in answers] == [200] * 30 + [429] * 30
        assert_used_up(answers[-1])
        with bounded.client() as client:
            (token,) = [one for one in client.get("/api/tokens").json()["items"] if one["name"] == "viewer"]
            assert client.patch(f"/api/tokens/{token['id']}", json={"hourly_instances": 0}).status_code == 200
        until(lambda: viewer.get(_path(who) + "/frames/1").status_code == 200, every_s=1.0)


def _path(who: Identity) -> str:
    return f"/studies/{who.study}/series/{who.series}/instances/{who.sop}"


def _any(way: str) -> dict[str, str]:
    return {"Accept": "*/*"} if way in {"/rendered", "/bulkdata/7FE00010"} else {}


def assert_used_up(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (429, "volume_used_up")
    assert 1 <= int(answer.headers["retry-after"]) <= 3600 + 300


# -- sign-ins ---------------------------------------------------------------------------------------------------------


def test_an_address_that_fails_to_sign_in_is_told_to_wait_and_no_other_is(bounded: Server) -> None:
    """By whatever way and name: password, link, second factor, passkey. What succeeds counts for nothing."""
    made = bounded.client().post("/api/users", json={"name": "jane", "roles": ["viewer"]}).json()
    with Browser(bounded) as first:
        assert first.sign_in_by_link(made["link"]).status_code == 200
        assert first.post("/api/session/password", json={"new": "a password of jane's"}).status_code == 200
    ways: list[tuple[str, dict[str, Any]]] = [
        ("", {"name": "jane", "password": "wrong"}), ("", {"name": "nobody", "password": "wrong"}), ("/link", {"link": "wrong"}),
        ("/second", {"second": "wrong", "way": "totp", "value": "000000"}), ("/passkey", {"step": "wrong", "answer": {}}),
    ]  # fmt: skip
    right = {"name": "jane", "password": "a password of jane's"}
    with _from("127.0.0.3", bounded) as guesser, _from("127.0.0.4", bounded) as house:
        for _ in range(15):
            assert house.post("/api/session", json=right).status_code == 200
        failed = [guesser.post(f"/api/session{way}", json=body).status_code for way, body in (ways * 3)[:12]]
        assert failed == [401] * 12
        told = [guesser.post(f"/api/session{way}", json=body) for way, body in [*ways, ("", right)]]
        assert {(one.status_code, one.json()["code"], one.json()["detail"]) for one in told} == {
            (429, "too_many_sign_ins", "too many sign-ins from this address have failed")
        }, "the same for all: nobody learns which names there are"
        assert all(200 <= int(one.headers["retry-after"]) <= 300 for one in told)
        assert house.post("/api/session", json=right).status_code == 200
    with bounded.client() as client:
        hits = until(
            lambda: [one for one in client.get("/api/limits").json()["items"] if one["what"] == "sign_ins"], every_s=0.5
        )
    assert [(one["address"], one["count"]) for one in hits] == [("127.0.0.3", 6)]


@contextlib.contextmanager
def _from(address: str, server: Server) -> Iterator[httpx.Client]:
    """A browser on another machine, without cookies."""
    with httpx.Client(base_url=server.http, transport=httpx.HTTPTransport(local_address=address), timeout=60) as client:
        yield client
