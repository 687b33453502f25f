"""How far the log has been sent outside, by the name of the receiver."""

from dataclasses import dataclass
from datetime import datetime

from heliograph.engine.db import Tx
from heliograph.kit.time import now


@dataclass(frozen=True, slots=True)
class Sent:
    """`failing_since` is None while the receiver takes what it is sent."""

    number: int = 0
    failing_since: datetime | None = None
    error: str = ""


def sent(tx: Tx, name: str) -> Sent:
    row = tx.execute("select number, failing_since, error from audit_sent where name = %s", (name,)).fetchone()
    return Sent(*row) if row else Sent()


def has_taken(tx: Tx, name: str, number: int) -> None:
    """The receiver has everything up to this number."""
    tx.execute(
        "insert into audit_sent (name, number) values (%s, %s) on conflict (name) do update "
        "set number = greatest(audit_sent.number, excluded.number), failing_since = null, error = ''",
        (name, number),
    )


def does_not_take(tx: Tx, name: str, error: str) -> None:
    tx.execute(
        "insert into audit_sent (name, failing_since, error) values (%s, %s, %s) on conflict (name) do update "
        "set failing_since = coalesce(audit_sent.failing_since, excluded.failing_since), error = excluded.error",
        (name, now(), error[:200]),
    )


def waiting(tx: Tx, name: str) -> int:
    """How many sealed rows the receiver has not got."""
    row = tx.execute(
        "select coalesce((select max(number) from audit_seal), 0) - coalesce((select number from audit_sent where name = %s), 0)",
        (name,),
    ).fetchone()
    assert row is not None
    return int(row[0])
