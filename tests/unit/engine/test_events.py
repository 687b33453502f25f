"""The change feed: numbers in the order of commits, whatever the order of the writing."""

import threading
import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest

from heliograph.engine.db import Database, Tx
from heliograph.engine.events import announce, beginning, changes, last_number, relay_once, trim
from heliograph.kit.errors import Absent


@pytest.fixture
def kind() -> str:
    """The database is shared with other tests: each looks for its own facts."""
    return f"Test{uuid.uuid4().hex}"


def numbered(database: Database, kind: str) -> list[tuple[int, int]]:
    """(number, n) of this test's facts in the order of the feed."""
    with database.transaction() as tx:
        return [(one.number, one.subject["n"]) for one in changes(tx, 1, 0, 1_000_000) if one.kind == kind]


def relay(database: Database) -> None:
    while relay_once(database):
        pass


def test_a_fact_stands_in_the_feed_once_it_is_committed_and_relayed(scratch: Database, kind: str) -> None:
    with scratch.transaction() as tx:
        announce(tx, 1, kind, {"n": 1})
    assert numbered(scratch, kind) == []
    relay(scratch)
    ((number, n),) = numbered(scratch, kind)
    assert n == 1
    with scratch.transaction() as tx:
        assert last_number(tx) >= number
        assert changes(tx, 2, 0, 1_000_000) == [], "another tenant sees nothing of it"


def test_what_is_rolled_back_never_happened(scratch: Database, kind: str) -> None:
    def fail(tx: Tx) -> None:
        announce(tx, 1, kind, {"n": 1})
        raise ValueError

    with pytest.raises(ValueError), scratch.transaction() as tx:
        fail(tx)
    relay(scratch)
    assert numbered(scratch, kind) == []


def test_a_transaction_that_wrote_first_and_commits_last_is_numbered_last(
    scratch: Database, scratch_url: str, kind: str
) -> None:
    """A reader whose cursor stands behind the quick one must not step over the slow one."""
    with psycopg.connect(scratch_url) as slow:
        announce(slow, 1, kind, {"n": 1})
        with scratch.transaction() as quick:
            announce(quick, 1, kind, {"n": 2})
        relay(scratch)
        ((cursor, n),) = numbered(scratch, kind)
        assert n == 2
        slow.commit()
    relay(scratch)
    assert [n for _, n in numbered(scratch, kind)] == [2, 1]
    with scratch.transaction() as tx:
        assert [one.subject["n"] for one in changes(tx, 1, cursor, 1000) if one.kind == kind] == [1]


def test_many_writers_and_two_relays_give_every_fact_one_number_in_order(scratch: Database, kind: str) -> None:
    stop = threading.Event()

    def write(writer: int) -> None:
        for n in range(30):
            with scratch.transaction() as tx:
                announce(tx, 1, kind, {"n": writer * 1000 + n})

    def keep_relaying() -> None:
        while not stop.is_set():
            relay_once(scratch)

    relays = [threading.Thread(target=keep_relaying) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in (*relays, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in relays:
        thread.join()
    relay(scratch)
    found = numbered(scratch, kind)
    assert sorted(n for _, n in found) == sorted(writer * 1000 + n for writer in range(4) for n in range(30))
    assert len({number for number, _ in found}) == 120
    for writer in range(4):
        own = [n for _, n in found if n // 1000 == writer]
        assert own == sorted(own), "the facts of one writer keep their order"


def test_one_relay_at_a_time(scratch: Database, scratch_url: str, kind: str) -> None:
    with scratch.transaction() as tx:
        announce(tx, 1, kind, {"n": 1})
    with psycopg.connect(scratch_url) as other:
        other.execute("select pg_advisory_xact_lock(%s)", (0x48454C4A,))
        assert relay_once(scratch) == 0
        other.rollback()
    relay(scratch)
    assert len(numbered(scratch, kind)) == 1


def test_pages_by_cursor_hold_every_fact_once(scratch: Database, kind: str) -> None:
    with scratch.transaction() as tx:
        start = last_number(tx)
        for n in range(25):
            announce(tx, 1, kind, {"n": n})
    relay(scratch)
    seen, after = [], start
    while True:
        with scratch.transaction() as tx:
            page = changes(tx, 1, after, 4)
        if not page:
            break
        after = page[-1].number
        seen += [one.subject["n"] for one in page if one.kind == kind]
    assert seen == list(range(25))


def test_listeners_are_told_that_there_is_something_new(scratch: Database, scratch_url: str, kind: str) -> None:
    with psycopg.connect(scratch_url, autocommit=True) as listener:
        listener.execute("listen heliograph_changes")
        with scratch.transaction() as tx:
            announce(tx, 1, kind, {"n": 1})
        relay(scratch)
        assert next(listener.notifies(timeout=60)).channel == "heliograph_changes"


# -- what is old -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def feed(new_url: Callable[[], str]) -> Iterator[Database]:
    """A database of our own: what is trimmed there is missed by no other test."""
    database = Database(new_url(), name="tests-feed")
    database.open()
    yield database
    database.close()


@pytest.fixture
def own(feed: Database) -> Database:
    """An empty feed."""
    with feed.transaction() as tx:
        tx.execute("truncate outbox")
        tx.execute("select setval('change_number', 1, false)")
    return feed


def aged(database: Database, *days: float) -> None:
    """Facts that are so many days old, numbered in this order."""
    with database.transaction() as tx:
        for n, age in enumerate(days, 1):
            announce(tx, 1, "Old", {"n": n})
            tx.execute(
                "update outbox set at = now() - make_interval(secs => %s) where subject = %s",
                (age * 86400, f'{{"n": {n}}}'),
            )
    relay(database)


def kept(database: Database, after: int | None) -> list[int]:
    with database.transaction() as tx:
        return [one.subject["n"] for one in changes(tx, 1, after, 1000)]


def test_old_facts_leave_the_feed_in_portions_and_a_reader_behind_them_is_told(own: Database) -> None:
    aged(own, *[40.0] * 7, *[1.0] * 3)
    assert kept(own, 0) == kept(own, None) == list(range(1, 11))
    trim(own, 30, portion=3)
    assert kept(own, None) == [8, 9, 10]
    with own.transaction() as tx:
        end = beginning(tx)
        assert tx.execute("select count(*) from outbox").fetchone() == (4,), "three facts and the mark"
    assert kept(own, end) == [8, 9, 10], "who has read all that is gone misses nothing"
    assert kept(own, end + 1) == [9, 10]
    for behind in (0, end - 1):
        with pytest.raises(Absent) as told:
            kept(own, behind)
        assert told.value.code == "cursor_gone"
    assert trim(own, 30, portion=3) == 0


def test_a_feed_that_was_trimmed_to_nothing_still_tells_who_missed_something(own: Database) -> None:
    aged(own, 40, 40)
    trim(own, 30)
    assert kept(own, None) == []
    with own.transaction() as tx:
        end = last_number(tx)
        assert beginning(tx) == end
    assert kept(own, end) == []
    with pytest.raises(Absent):
        kept(own, end - 1)
    aged(own, 0)
    assert kept(own, end) == [1], "numbers go on"


def test_only_the_front_is_trimmed_and_zero_days_keep_all(own: Database) -> None:
    aged(own, 40, 1, 40)
    assert trim(own, 0) == 0
    assert kept(own, 0) == [1, 2, 3]
    trim(own, 30)
    assert kept(own, None) == [2, 3], "no hole"


def test_a_feed_of_which_nothing_was_trimmed_begins_at_zero_whatever_its_first_number(own: Database) -> None:
    """Numbers that were drawn by a relay that failed are no lost facts."""
    with own.transaction() as tx:
        tx.execute("select nextval('change_number') from generate_series(1, 5)")
    aged(own, 1, 1)
    assert kept(own, 0) == [1, 2]


def test_a_cursor_from_a_later_state_is_told_that_it_is_ahead(own: Database) -> None:
    """The archive was put back from a backup: such a reader would step over what happens now."""
    aged(own, 1, 1)
    with own.transaction() as tx:
        last = last_number(tx)
    assert kept(own, last) == []
    with pytest.raises(Absent) as told:
        kept(own, last + 1)
    assert told.value.code == "cursor_gone"
