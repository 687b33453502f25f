"""N11: identifiers of others, guessed and enumerated (OpenEMR CVE-2026-25927, DCMTK CVE-2026-52868). Every route by every actor: tests/conformance/test_access_matrix.py."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import psycopg
import pytest

from tests.conformance import access_matrix
from tests.faults.security import hostile
from tests.faults.security.conftest import MIB, Siege
from tests.faults.security.hostile import Identity, element
from tests.peers.association import EXPLICIT, Association
from tests.peers.heliograph import Server

FIND, GET = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.3"
NAME = "Forbidden^Fruit"


@dataclass(frozen=True, slots=True)
class Foreign:
    """A study of the first site, its owner, and two who may do everything, elsewhere."""

    who: Identity
    ids: dict[str, str]
    owner: httpx.Client
    strangers: tuple[httpx.Client, ...]


def _of_another_organisation(server: Server) -> str:
    """A token for everything there."""
    server.cli("tenant", "add", "--name", "elsewhere", "--aet", "ELSEWHERE")
    return server.cli("token", "--tenant", "elsewhere", "--name", "n11", "--scope", "all").stdout.strip()


@pytest.fixture(scope="module")
def foreign(besieged: Server) -> Iterator[Foreign]:
    who = Identity()
    data = hostile.head(who, name=NAME) + hostile.image() + hostile.pixels()
    hostile.store(besieged.dicom, [(who, data)])
    with besieged.client() as owner, psycopg.connect(besieged.database_url, autocommit=True) as connection:
        site = owner.post("/api/sites", json={"name": "elsewhere"}).json()["id"]
        besieged.add_device("ELSEWHERE")
        connection.execute("update device set site_ids = %s, site_id = %s where aet = 'ELSEWHERE'", ([site], site))
        tokens = access_matrix.token(connection, sites=(site,)), _of_another_organisation(besieged)
        (row,) = owner.post("/api/studies/search", json={"patient_id": who.patient}).json()["items"]
        series = owner.get(f"/api/studies/{row['id']}").json()["series"][0]
        node = owner.post("/api/nodes", json={"name": "away", "aet": "AWAY", "host": "127.0.0.1", "port": 9}).json()[
            "id"
        ]
        strangers = tuple(
            httpx.Client(
                base_url=besieged.http, headers={"Authorization": f"Bearer {one}"}, trust_env=False, timeout=120
            )
            for one in tokens
        )
        yield Foreign(
            who,
            {"study": row["id"], "series": series["id"], "patient": row["patient"]["id"], "node": node},
            owner,
            strangers,
        )
        for stranger in strangers:
            stranger.close()


def told(answer: httpx.Response, *names: str) -> tuple[int, str, str]:
    """All that an answer says, but for the name that was asked for and what differs every time."""
    text = answer.text
    for name in names:
        text = text.replace(name, "?")
    kept = {"content-type", "etag", "cache-control", "last-modified", "accept-ranges", "content-range", "location"}
    return answer.status_code, text, repr(sorted((k, v) for k, v in answer.headers.items() if k in kept))


def test_guessing_numbers_finds_nothing(siege: Siege, foreign: Foreign) -> None:
    """Around every number that there is, and numbers written in other ways: an answer of the same words as for one that names nothing."""
    for stranger in foreign.strangers:
        for kind, ends in (("studies", ("", "/manifest", "/held")), ("series", ("/document", "/thumbnail"))):
            there = foreign.ids["study" if kind == "studies" else "series"]
            for end in ends:
                nothing = told(stranger.get(f"/api/{kind}/987654321{end}"), "987654321")
                assert nothing[0] in {200, 404}
                for number in [there, *(str(n) for n in range(max(1, int(there) - 4), int(there)))]:
                    assert told(stranger.get(f"/api/{kind}/{number}{end}"), number) == nothing, (kind, end, number)
            for odd in (
                f"+{there}",
                f"0{there}",
                f"%20{there}",
                f"{there}.0",
                f"{there};a",
                f"{there}%00",
                f"./{there}",
                f"{there}/",
            ):
                answer = stranger.get(f"/api/{kind}/{odd}")
                assert answer.status_code in {400, 404, 405, 422} or not _knows(answer, foreign), (kind, odd)
        assert _same(
            stranger,
            "GET",
            f"/api/series/{foreign.ids['series']}/document?rev=1",
            "/api/series/987654321/document?rev=1",
        )
    assert siege.rise() < 64 * MIB


def test_guessing_uids_finds_nothing(siege: Siege, foreign: Foreign) -> None:
    """Whoever has seen a UID on a film, with every address below it, conditions and ranges of the owner included."""
    other = Identity()
    ends = ("", "/metadata", "/frames/1", "/frames/1/rendered", "/rendered", "/thumbnail", "/bulk/7FE00010")
    for end in ends:
        mine = foreign.owner.get(foreign.who.path + end, headers={"Accept": "*/*"})
        for stranger in foreign.strangers:
            for headers in (
                {}, {"Range": "bytes=0-9"}, {"If-None-Match": mine.headers.get("etag", "*")}, {"If-None-Match": "*"},
                {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
            ):  # fmt: skip
                asked = [
                    stranger.get(path + end, headers={"Accept": "*/*", **headers})
                    for path in (foreign.who.path, other.path)
                ]
                here, gone = (told(answer, *_uids(foreign.who if n == 0 else other)) for n, answer in enumerate(asked))
                assert here == gone, (end, headers)
                assert here[0] in {204, 404}, (end, headers, here)
    assert siege.rise() < 64 * MIB


def test_questions_tell_no_number_and_no_name(siege: Siege, foreign: Foreign) -> None:
    """Counts, sums, order and pages: what a stranger's question counts is what he may see. The owner's page goes on to nothing."""
    page = foreign.owner.post("/api/studies/search", json={"limit": 1}).json()
    assert page["next"]
    for stranger in foreign.strangers:
        for question in ({"patient_name": NAME}, {"text": "Forbidden"}, {"patient_id": foreign.who.patient}, {"limit": 1, "cursor": page["next"]},
                         {"sort": "patient_name", "descending": True}, {"state": "receiving"}, {}):  # fmt: skip
            answer = stranger.post("/api/studies/search", json=question)
            assert not _knows(answer, foreign), question
            if answer.status_code == 200:
                assert answer.json()["items"] == []
                assert "cursor" in question or answer.json()["count"] == 0, question  # a page holds its own count
        about = stranger.get("/api/about").json()["counts"]
        assert (about["studies"], about["instances"], about["held"]) == (0, 0, 0)
        assert not _knows(stranger.post("/api/where", json={"text": foreign.who.study}), foreign)
        assert _same(
            stranger, "POST", "/api/where", "/api/where", {"text": foreign.who.study}, {"text": Identity().study}
        )
        for level in ("studies", "series", "instances"):
            for key, value in (
                ("StudyInstanceUID", foreign.who.study),
                ("PatientName", "Forbidden*"),
                ("PatientID", foreign.who.patient),
            ):
                answer = stranger.get(f"/dicom-web/{level}", params={key: value, "includefield": "all"})
                assert answer.status_code == 204 or answer.json() == [], (level, key)
        assert not _knows(stranger.get("/api/changes", params={"after": 0, "limit": 500}), foreign)
        assert not _knows(stranger.post("/api/audit/search", json={}), foreign)
    assert siege.rise() < 64 * MIB


def test_acts_on_what_is_not_theirs_are_acts_on_nothing(siege: Siege, foreign: Foreign) -> None:
    acts = (
        ("POST", "/api/sends", {"study_id": "{study}", "node_id": "{node}"}),
        ("POST", "/api/studies/{study}/ties", {"tie": "reader", "subject": access_matrix.ABSENT_UUID}),
        ("POST", "/api/patients/{patient}/restriction", {"restriction": "vip"}),
    )
    for stranger in foreign.strangers:
        for method, path, body in acts:
            here, gone = (
                stranger.request(method, _fill(path, ids), json={key: _fill(value, ids) for key, value in body.items()})
                for ids in (foreign.ids, dict.fromkeys(foreign.ids, "987654321") | {"node": foreign.ids["node"]})
            )
            assert told(here, *foreign.ids.values()) == told(gone, "987654321"), (method, path, here.text)
            assert here.status_code >= 400
    assert foreign.owner.get(f"/api/studies/{foreign.ids['study']}").status_code == 200
    assert siege.rise() < 64 * MIB


def test_a_device_of_another_site_finds_and_takes_nothing(siege: Siege, foreign: Foreign) -> None:
    def asked(who: Identity) -> list[tuple[int, int]]:
        found = []
        wanted = [(FIND, (EXPLICIT,)), (GET, (EXPLICIT,)), (hostile.CT, (EXPLICIT,))]
        with Association.connect(
            siege.server.dicom, wanted, calling="ELSEWHERE", timeout=60, provided=[hostile.CT]
        ) as association:
            for level, uids in (
                ("STUDY", (who.study,)),
                ("SERIES", (who.study, who.series)),
                ("IMAGE", (who.study, who.series, who.sop)),
            ):
                tags = (0x0020000D, 0x0020000E, 0x00080018)
                keys = sorted(zip(tags, uids, strict=False))
                sop = b"".join(element(tag, "UI", uid) for tag, uid in keys if tag < 0x00100000)
                rest = b"".join(element(tag, "UI", uid) for tag, uid in keys if tag > 0x00100000)
                identifier = sop + element(0x00080052, "CS", level) + rest
                status, matches = association.find(FIND, identifier, EXPLICIT)
                answer, received = association.get(GET, identifier, EXPLICIT)
                found += [(status, len(matches)), (answer.status, len(received))]
        return found

    assert asked(foreign.who) == asked(Identity())
    assert siege.rise() < 64 * MIB


def _fill(text: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: ids[match[1]], text)


def _uids(who: Identity) -> tuple[str, ...]:
    return who.study, who.series, who.sop


def _same(stranger: httpx.Client, method: str, here: str, gone: str, *bodies: dict[str, str]) -> bool:
    answers = [
        stranger.request(method, path, **({"json": bodies[n]} if bodies else {})) for n, path in enumerate((here, gone))
    ]
    names = [word for body in bodies for word in body.values()]
    return told(answers[0], *names) == told(answers[1], *names)


def _knows(answer: httpx.Response, foreign: Foreign) -> bool:
    return any(word in answer.text for word in (NAME, foreign.who.patient, *_uids(foreign.who)))
