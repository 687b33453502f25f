"""A database that is away: who waits how long, and what the HTTP door says."""

import time

import pytest
from fastapi import FastAPI
from psycopg.errors import DeadlockDetected
from starlette.testclient import TestClient

from heliograph.engine.db import Database
from heliograph.gateways.http import problem
from heliograph.gateways.http.problems import add_error_handlers
from heliograph.kit.errors import Busy
from tests.peers.ports import free_port


def test_a_database_that_is_away_is_busy_within_the_patience() -> None:
    database = Database(f"postgresql://nobody@127.0.0.1:{free_port()}/none", name="tests-away")
    database.open()
    database.wait_at_most(0.3)
    began = time.monotonic()
    with pytest.raises(Busy) as caught, database.transaction():
        pass
    assert time.monotonic() - began < 15, "twenty seconds are what a pool waits that was told nothing"
    database.close()
    answer = problem(caught.value)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_statement_that_the_server_says_nothing_to_is_busy_and_its_connection_is_given_up(scratch_url: str) -> None:
    database = Database(scratch_url, name="tests-hanging", max_connections=2)
    database.open()
    with database.transaction() as tx:
        assert tx.execute("select pg_sleep(0.3)").fetchone() is not None, "who sets no limit waits"
    database.silent_at_most(0.2)
    began = time.monotonic()
    with pytest.raises(Busy) as caught, database.transaction() as tx:
        tx.execute("select pg_sleep(40)")
    assert caught.value.code in {"database_down", "database_busy"}
    assert time.monotonic() - began < 30, "it waited for the answer"
    database.silent_at_most(60)
    with database.transaction() as tx:
        assert tx.execute("select 1").fetchone() == (1,)
    database.close()


def test_a_person_is_never_shown_a_deadlock() -> None:
    app = FastAPI()
    add_error_handlers(app)

    @app.get("/")
    def page() -> None:
        raise DeadlockDetected("Process 7119 waits for ShareLock on transaction 760")

    answer = TestClient(app).get("/")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_busy")
    assert int(answer.headers["Retry-After"]) >= 1
    assert "Process" not in answer.text
