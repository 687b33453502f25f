"""Facts in the past tense, written in the transaction that made them true, served as an ordered feed.

`announce` writes an unnumbered row. One relay under an advisory lock numbers committed rows; the number is the cursor. A plain
sequence would not do: rows commit in another order than they draw numbers, and a reader would step over the late ones.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from heliograph.engine.db import Database, Tx
from heliograph.kit.time import now

CHANNEL = "heliograph_changes"
_LOCK = 0x48454C4A
_BATCH = 5000


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


def changes(tx: Tx, tenant_id: int, after: int, limit: int) -> list[Change]:
    """Numbered facts after the cursor, oldest first."""
    rows = tx.execute(
        "select number, tenant_id, kind, subject, at from outbox "
        "where tenant_id = %s and number > %s order by number limit %s",
        (tenant_id, after, limit),
    )
    return [Change(*row) for row in rows]


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
