"""The sealer: numbers committed audit rows, chains them, keeps the tree over them, and signs checkpoints.

Rows are written in the transaction of the act and never touched again, so the act pays nothing for this. One process at a time
seals, under an advisory lock. Rows commit in another order than they draw their ids, so a row is looked for among all ids above
`settled`: every id up to there is sealed, or was drawn by a transaction that ended without it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from heliograph.engine import telemetry
from heliograph.engine.audit import witness
from heliograph.engine.audit.keys import SigningKey, next_key, signing_key, take_over
from heliograph.engine.audit.receipts import instant
from heliograph.engine.audit.tree import stored_tree
from heliograph.engine.audit.verifier import (
    CLOCK_BACK,
    KEY_CHANGED,
    Tree,
    canonical,
    chain_hash,
    chain_start,
    change_text,
    checkpoint_digest,
    checkpoint_text,
    leaf_hash,
)
from heliograph.engine.db import Database, Tx
from heliograph.kit.time import now

_LOCK = 0x48454C4B
_BATCH = 2000
_CHECKPOINT_EVENTS = 1000
_CHECKPOINT = timedelta(seconds=60)
_AHEAD = timedelta(seconds=5)
COLUMNS = "id, tenant_id, at, kind, outcome, actor, subject, detail"


def sealed_row(number: int, sealed_at: datetime, row: tuple[Any, ...]) -> dict[str, Any]:
    """What is hashed of an event: `row` as COLUMNS say."""
    event_id, tenant, at, kind, outcome, actor, subject, detail = row
    return {
        "n": number, "sealed_at": instant(sealed_at), "id": event_id, "tenant": tenant, "at": instant(at), "kind": kind,
        "outcome": outcome, "actor": actor, "subject": subject, "detail": detail,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Edge:
    """Where the log ends."""

    log_id: str
    number: int
    chain: bytes
    sealed_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Last:
    """The newest checkpoint."""

    number: int = 0
    size: int = 0
    at: datetime | None = None
    settled: int = 0
    digest: str = ""


class Sealer:
    """What one process remembers between two rounds; all of it can be read again from the tables."""

    def __init__(self, database: Database, data: Path, *, further_witness: str = "") -> None:
        self._database = database
        self._keys = data / "keys"
        self.witnesses = [data / "audit" / "checkpoints", *([Path(further_witness)] if further_witness else [])]
        self._key: SigningKey | None = None
        self._former: SigningKey | None = None
        self._tree: Tree | None = None
        self._settled = 0
        self._seen: tuple[datetime, int] | None = None
        self._witnessed = 0

    def seal_once(self, *, checkpoint: bool = False) -> int:
        """Seals what is committed; the count. Does nothing while another process seals. `checkpoint` signs at once what is new."""
        count = 0
        while True:
            try:
                with self._database.transaction() as tx:
                    if tx.execute("select pg_try_advisory_xact_lock(%s)", (_LOCK,)).fetchone() != (True,):
                        return count
                    done, last = self._seal(tx, checkpoint=checkpoint)
            except BaseException:
                self._forget()
                raise
            if self._former is not None:  # what it says of the next one is durable now
                take_over(self._keys, self._former)
                self._former = None
            count += done
            if done < _BATCH:
                break
        if last > self._witnessed:
            self._tell_witnesses(last)
        return count

    def _forget(self) -> None:
        """What is remembered may be ahead of what stands."""
        self._tree, self._settled, self._seen = None, 0, None
        self._key = self._former = None

    def _seal(self, tx: Tx, *, checkpoint: bool) -> tuple[int, int]:
        edge, last = _edge(tx), _last(tx)
        self._settled = max(self._settled, last.settled)
        if self._tree is None or self._tree.size != edge.number:
            self._tree = stored_tree(tx, edge.number)
        if self._key is None:
            self._key = self._open_key(tx, edge.log_id)
        rows = self._due(tx)
        at = now()
        if rows and (back := _went_back(edge, rows, at)) is not None:
            rows.insert(0, _clock_back(tx, *back, at))
        if rows:
            edge = self._add(tx, edge, rows, at)
        new = edge.number - last.size
        is_due = new >= _CHECKPOINT_EVENTS or last.at is None or not last.at <= at < last.at + _CHECKPOINT
        if new and (checkpoint or is_due):
            last = self._sign(tx, edge, last, at)
        return len(rows), last.number

    def _open_key(self, tx: Tx, log_id: str) -> SigningKey:
        """The key that signs; after a restore a new one, whose change the log records and the former key signs."""
        old, new = signing_key(self._keys), next_key(self._keys)
        if new is None:
            return old
        self._former = old
        at = now()
        change = {"log": log_id, "old": old.fingerprint, "at": instant(at)}
        change["signature"] = old.sign(change_text(change, new.fingerprint)).hex()
        tx.execute(
            "insert into audit_key (fingerprint, public_key, since) values (%s, %s, %s) on conflict do nothing",
            (old.fingerprint, old.public, at - timedelta(milliseconds=1)),
        )
        made = tx.execute(
            "insert into audit_key (fingerprint, public_key, since, change) values (%s, %s, %s, %s) on conflict do nothing returning 1",
            (new.fingerprint, new.public, at, Jsonb(change)),
        ).fetchone()
        if made is not None:
            _note(tx, KEY_CHANGED, at, {"old": old.fingerprint, "new": new.fingerprint})
        return new

    def _due(self, tx: Tx) -> list[tuple[Any, ...]]:
        """Committed rows that have no seal, oldest id first; moves `settled` when all below it has ended."""
        row = tx.execute(
            "select clock_timestamp(), coalesce((select max(id) from audit_event), 0), (select min(xact_start) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid())"
        ).fetchone()
        assert row is not None
        at, highest, oldest = row
        rows = tx.execute(
            f"select {COLUMNS} from audit_event e where id > %s and not exists (select 1 from audit_seal s where s.event_id = e.id) "
            "order by id limit %s",
            (self._settled, _BATCH),
        ).fetchall()
        if len(rows) < _BATCH:
            # Who drew an id up to `seen` began before that moment; when nobody is left who did, this look saw all of them.
            if self._seen is not None and (oldest is None or oldest > self._seen[0]):
                self._settled, self._seen = max(self._settled, self._seen[1]), None
            if self._seen is None and highest > self._settled:
                self._seen = at, highest
        return rows

    def _add(self, tx: Tx, edge: _Edge, rows: list[tuple[Any, ...]], at: datetime) -> _Edge:
        assert self._tree is not None
        chain, number, seals, tiles = edge.chain, edge.number, [], []
        for row in rows:
            number += 1
            leaf = leaf_hash(canonical(sealed_row(number, at, row)))
            chain = chain_hash(chain, leaf)
            seals.append((number, row[0], at, leaf, chain))
            tiles += self._tree.add(leaf)
        with (
            tx.cursor() as cursor,
            cursor.copy("copy audit_seal (number, event_id, sealed_at, leaf, chain) from stdin") as copy,
        ):
            for seal in seals:
                copy.write_row(seal)
        for level, index, node in tiles:
            tx.execute("insert into audit_tile (level, index, hash) values (%s, %s, %s)", (level, index, node))
        return replace(edge, number=number, chain=chain, sealed_at=at)

    def _sign(self, tx: Tx, edge: _Edge, last: _Last, at: datetime) -> _Last:
        assert self._tree is not None
        assert self._key is not None
        tx.execute(
            "insert into audit_key (fingerprint, public_key, since) values (%s, %s, %s) on conflict do nothing",
            (self._key.fingerprint, self._key.public, at),
        )
        facts = {
            "log": edge.log_id, "number": last.number + 1, "size": edge.number, "chain": edge.chain.hex(), "root": self._tree.root().hex(),
            "settled": self._settled, "at": instant(at), "previous": last.digest, "key": self._key.fingerprint,
        }  # fmt: skip
        text = checkpoint_text(facts)
        signature = self._key.sign(text)
        tx.execute(
            "insert into audit_checkpoint (number, size, at, settled, body, signature) values (%s, %s, %s, %s, %s, %s)",
            (last.number + 1, edge.number, at, self._settled, text, signature),
        )
        return _Last(last.number + 1, edge.number, at, self._settled, checkpoint_digest(text, signature))

    def _tell_witnesses(self, last: int) -> None:
        for path in self.witnesses:
            try:
                with self._database.transaction() as tx:
                    witness.bring_up(tx, path)
            except OSError as error:
                telemetry.trouble("witness_not_written", error)
                return
        self._witnessed = last


def _edge(tx: Tx) -> _Edge:
    row = tx.execute(
        "select l.id::text, s.number, s.chain, s.sealed_at from audit_log l left join "
        "(select number, chain, sealed_at from audit_seal order by number desc limit 1) s on true"
    ).fetchone()
    assert row is not None
    if row[1] is None:
        return _Edge(row[0], 0, chain_start(row[0]), None)
    return _Edge(row[0], row[1], bytes(row[2]), row[3])


def _last(tx: Tx) -> _Last:
    row = tx.execute(
        "select number, size, at, settled, body, signature from audit_checkpoint order by number desc limit 1"
    ).fetchone()
    if row is None:
        return _Last()
    number, size, at, settled, body, signature = row
    return _Last(number, size, at, settled, checkpoint_digest(body, bytes(signature)))


def _went_back(edge: _Edge, rows: list[tuple[Any, ...]], at: datetime) -> tuple[datetime, datetime] | None:
    """From where to where the clock went, when it did: behind the last seal, or behind an event that is sealed now."""
    latest = max(row[2] for row in rows)
    if edge.sealed_at is not None and at < edge.sealed_at:
        return max(edge.sealed_at, latest), at
    return (latest, at) if latest > at + _AHEAD else None


def _clock_back(tx: Tx, before: datetime, after: datetime, at: datetime) -> tuple[Any, ...]:
    telemetry.fact("clock_went_back", seconds=round((before - after).total_seconds(), 3))
    return _note(tx, CLOCK_BACK, at, {"from": instant(before), "to": instant(after)})


def _note(tx: Tx, kind: str, at: datetime, detail: dict[str, Any]) -> tuple[Any, ...]:
    actor = {"kind": "system", "id": "audit", "name": "audit", "address": ""}
    row = tx.execute(
        "insert into audit_event (tenant_id, at, kind, outcome, actor, subject, detail) "
        f"values ((select min(id) from tenant), %s, %s, 'success', %s, '{{}}', %s) returning {COLUMNS}",
        (at, kind, Jsonb(actor), Jsonb(detail)),
    ).fetchone()
    assert row is not None
    return row
