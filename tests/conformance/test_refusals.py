"""What somebody tries and may not is on record (IHE ITI TF-2 3.20: security alerts), with who and without names of patients."""

from typing import Any

import psycopg

from tests.conformance.browsing import Browser, person
from tests.peers.heliograph import Server


def refused(house: Server, since: int) -> list[tuple[Any, ...]]:
    with psycopg.connect(house.database_url) as connection:
        return connection.execute(
            "select kind, actor->>'name', subject, detail from audit_event where id > %s and outcome = 'refused' order by id",
            (since,),
        ).fetchall()


def last(house: Server) -> int:
    with psycopg.connect(house.database_url) as connection:
        row = connection.execute("select coalesce(max(id), 0) from audit_event").fetchone()
        assert row is not None
        return int(row[0])


def test_an_act_that_is_not_allowed_is_audited_once_a_minute(api_house: Server) -> None:
    since = last(api_house)
    with person(api_house, "meddler", "viewer") as window:
        for _ in range(3):
            assert window.get("/api/users").status_code == 403
        assert window.post("/api/devices", json={"aet": "MINE"}).status_code == 403
    found = [(row[0], row[2]["route"]) for row in refused(api_house, since) if row[1] == "meddler"]
    assert [kind for kind, _ in found] == ["act.refused"] * 2
    assert [route.split("/")[-1] for _, route in found] == ["users", "devices"]


def test_a_sign_in_link_that_nobody_gave_is_audited(api_house: Server) -> None:
    since = last(api_house)
    with Browser(api_house) as window:
        assert window.post("/api/session/link", json={"link": "made-up"}).status_code == 401
    assert ("signed_in", "", {}, {"way": "link"}) in refused(api_house, since)
