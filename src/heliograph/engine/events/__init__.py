"""Facts in the past tense, written in the transaction that made them true, served as an ordered feed.

`announce` writes an unnumbered row. One relay under an advisory lock numbers committed rows; the number is the cursor. A plain
sequence would not do: rows commit in another order than they draw numbers, and a reader would step over the late ones.

Old facts are trimmed from the front. The newest of them stays as a mark without content, so that a reader who stands before it is
told that facts were lost to it, however much later it comes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from heliograph.engine.db import Database, Tx
from heliograph.kit.errors import Absent
from heliograph.kit.time import now

CHANNEL = "heliograph_changes"
_LOCK = 0x48454C4A
_BATCH = 5000
_TRIMMED = "Trimmed"
_MOST_PORTIONS = 200


@dataclass(frozen=True, slots=True)
class Change:
    """One numbered fact; `subject` holds identifiers only."""

    number: int
    tenant_id: int
    kind: str
    subject: dict[str, Any]
    at: datetime


def announce(tx: Tx, tenant_id: int, kind: str, subject: dict[str, Any]) -> None:
    """Writes the fact into the outbox of this transaction."""
    tx.execute(
        "insert into outbox (tenant_id, kind, subject, at) values (%s, %s, %s, %s)",
        (tenant_id, kind, Jsonb(subject), now()),
    )


def changes(tx: Tx, tenant_id: int, after: int | None, limit: int) -> list[Change]:
    """Numbered facts after the cursor, or all that are kept, oldest first; Absent when the cursor does not stand in this feed: facts behind it were trimmed,
    or it comes from a later state than the one that was put back from a backup."""
    rows = tx.execute(
        "select number, tenant_id, kind, subject, at from outbox "
        "where tenant_id = %s and number > %s and kind <> %s order by number limit %s",
        (tenant_id, after or 0, _TRIMMED, limit),
    ).fetchall()
    # Looked at after the rows: what is trimmed from now on was still among them.
    if after is not None and after < beginning(tx):
        raise Absent(
            "facts after this cursor were trimmed: read what is stored anew, then follow from a call without `after`",
            code="cursor_gone",
        )
    if not rows and after is not None and after > last_number(tx):
        raise Absent(
            "the cursor is ahead of the feed, which was put back to an earlier state: read what is stored anew, then follow from a call "
            "without `after`",
            code="cursor_gone",
        )
    return [Change(*row) for row in rows]


def beginning(tx: Tx) -> int:
    """The cursor before the oldest fact that is kept."""
    row = tx.execute("select number, kind from outbox where number is not null order by number limit 1").fetchone()
    return int(row[0]) if row is not None and row[1] == _TRIMMED else 0


def trim(database: Database, keep_days: float, *, portion: int = _BATCH) -> int:
    """Takes facts older than this off the front of the feed, portion by portion so that nobody waits; the count. 0 days keep all."""
    if not keep_days:
        return 0
    before, count = now() - timedelta(days=keep_days), 0
    for _ in range(_MOST_PORTIONS):
        with database.transaction() as tx:
            done = _trim_once(tx, before, portion)
        count += done
        if done < portion - 1:  # the mark is one of them
            break
    return count


def _trim_once(tx: Tx, before: datetime, portion: int) -> int:
    """Only the front: a fact that is old enough but numbered behind a younger one waits for that one."""
    row = tx.execute(
        "with front as (select number, at from outbox where number is not null order by number limit %s) "
        "select max(number) from front where number < (select coalesce(min(number) filter (where at >= %s), max(number) + 1) from front)",
        (portion, before),
    ).fetchone()
    if row is None or row[0] is None:
        return 0
    tx.execute(
        "update outbox set kind = %s, subject = '{}' where number = %s and kind <> %s", (_TRIMMED, row[0], _TRIMMED)
    )
    return tx.execute("delete from outbox where number < %s", (row[0],)).rowcount


def last_number(tx: Tx) -> int:
    row = tx.execute("select coalesce(max(number), 0) from outbox").fetchone()
    assert row is not None
    return int(row[0])


def relay_once(database: Database) -> int:
    """Numbers what is committed and tells the listeners; the count. Does nothing while another relay holds the lock."""
    with database.transaction() as tx:
        got = tx.execute("select pg_try_advisory_xact_lock(%s)", (_LOCK,)).fetchone()
        if got != (True,):
            return 0
        done = tx.execute(
            "with due as (select id from outbox where number is null order by id limit %s), "
            "numbered as (select id, nextval('change_number') as n from (select id from due order by id) as o) "
            "update outbox set number = numbered.n from numbered where outbox.id = numbered.id",
            (_BATCH,),
        ).rowcount
        if done:
            tx.execute(f"notify {CHANNEL}")
        return done
