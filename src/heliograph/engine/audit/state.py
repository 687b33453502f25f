"""How the log stands: what is sealed, signed and sent outside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from heliograph.engine.audit.verifier import read_checkpoint
from heliograph.engine.db import Tx

_MOST_WAITING = 10_000


@dataclass(frozen=True, slots=True)
class LogState:
    """`waiting` rows have no seal yet (no more than 10,000 are counted); `key` signed the newest checkpoint; `receivers` are outside."""

    log: str
    events: int
    waiting: int
    checkpoint: int
    checkpoint_size: int
    checkpoint_at: datetime | None
    key: str
    keys: int
    receivers: list[dict[str, Any]]


def log_state(tx: Tx) -> LogState:
    row = tx.execute(
        "select l.id::text, coalesce((select max(number) from audit_seal), 0), c.number, c.size, c.at, c.body, coalesce(c.settled, 0), "
        "(select count(*) from audit_key) from audit_log l left join "
        "(select number, size, at, body, settled from audit_checkpoint order by number desc limit 1) c on true"
    ).fetchone()
    assert row is not None
    log, events, number, size, at, body, settled, keys = row
    waiting = tx.execute(
        "select count(*) from (select 1 from audit_event e where e.id > %s and not exists "
        "(select 1 from audit_seal s where s.event_id = e.id) limit %s) as unsealed",
        (settled, _MOST_WAITING),
    ).fetchone()
    assert waiting is not None
    facts = read_checkpoint(body) if body else None
    return LogState(
        log, events, waiting[0], number or 0, size or 0, at, facts["key"] if facts else "", keys, _receivers(tx, events)
    )


def _receivers(tx: Tx, events: int) -> list[dict[str, Any]]:
    rows = tx.execute("select name, number, failing_since, error from audit_sent order by name")
    return [
        {"name": name, "sent": number, "waiting": max(0, events - number), "failing_since": since, "error": error}
        for name, number, since, error in rows
    ]
