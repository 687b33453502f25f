"""Short transactions that stand in each other's way: tried again in one place, and told in words when that does not help."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.errors import DeadlockDetected, UniqueViolation

from heliograph.engine.db import Database, Tx
from heliograph.kit.errors import Busy


@pytest.fixture
def pair(scratch: Database, scratch_url: str) -> str:
    """A table with two rows."""
    name = f"pair_{threading.get_ident()}_{id(scratch)}"
    with psycopg.connect(scratch_url, autocommit=True) as connection:
        connection.execute(f"drop table if exists {name}")
        connection.execute(f"create table {name} (id int primary key, n int)")
        connection.execute(f"insert into {name} values (1, 0), (2, 0)")
    return name


def test_two_that_take_locks_crosswise_both_get_done(scratch: Database, pair: str) -> None:
    together = threading.Barrier(2)
    tries: list[int] = []

    def crosswise(first: int, second: int) -> None:
        is_new = True

        def work(tx: Tx) -> None:
            nonlocal is_new
            tries.append(first)
            tx.execute(f"update {pair} set n = n + 1 where id = %s", (first,))
            if is_new:  # both hold their first row before either wants the other's
                is_new = False
                together.wait(60)
            tx.execute(f"update {pair} set n = n + 1 where id = %s", (second,))

        scratch.retried(work)

    with ThreadPoolExecutor(2) as pool:
        for told in [pool.submit(crosswise, 1, 2), pool.submit(crosswise, 2, 1)]:
            told.result(120)
    assert len(tries) > 2, "one of both was given up by the database and began again"
    with scratch.transaction() as tx:
        assert tx.execute(f"select n from {pair} order by id").fetchall() == [(2,), (2,)]


def test_what_goes_on_is_busy(scratch: Database) -> None:
    def work(_tx: Tx) -> None:
        raise DeadlockDetected

    with pytest.raises(Busy) as told:
        scratch.retried(work)
    assert told.value.code == "database_busy"


def test_a_race_is_tried_again_and_another_error_is_not(scratch: Database, pair: str) -> None:
    tries: list[int] = []

    def work(tx: Tx) -> int:
        tries.append(1)
        if len(tries) == 1:
            tx.execute(f"insert into {pair} values (1, 0)")
        return 7

    assert scratch.retried(work, races=(UniqueViolation,)) == 7
    assert len(tries) == 2
    tries.clear()
    with pytest.raises(UniqueViolation):
        scratch.retried(work)
    assert len(tries) == 1
