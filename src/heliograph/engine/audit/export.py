"""The log as lines of JSON, in the order in which the stand-alone verifier reads them, and the proof of one object."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from heliograph.engine.audit.receipts import each_leaf, instant
from heliograph.engine.audit.seal import COLUMNS, sealed_row
from heliograph.engine.audit.tree import inclusion_path, nodes_of, stored_nodes
from heliograph.engine.audit.verifier import FORMAT, object_leaf
from heliograph.engine.db import Tx
from heliograph.kit.errors import Absent, Busy

_PORTION = 2000
_EVENT = ", ".join(f"e.{name}" for name in COLUMNS.split(", "))


def lines(tx: Tx) -> Iterator[dict[str, Any]]:
    """Everything a verifier needs. Call it in a transaction that sees one state (repeatable read)."""
    log = tx.execute("select id::text, made_at from audit_log").fetchone()
    assert log is not None
    yield {"type": "log", "format": FORMAT, "log": log[0], "made_at": instant(log[1]), "receipts": True}
    yield from keys_of(tx)
    checkpoints = _checkpoints(tx)
    due = next(checkpoints, None)
    for event in _events(tx):
        while due is not None and due["size"] < event["n"]:
            yield due
            due = next(checkpoints, None)
        yield event
    while due is not None:
        yield due
        due = next(checkpoints, None)
    for level, index, node in tx.execute("select level, index, hash from audit_tile order by level, index"):
        yield {"type": "tile", "level": level, "index": index, "hash": bytes(node).hex()}
    yield from _receipts(tx)
    yield from _unsealed(tx)


def write(tx: Tx, file: TextIO) -> int:
    """Writes the export; the count of lines."""
    count = 0
    for line in lines(tx):
        file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        count += 1
    return count


def keys_of(tx: Tx) -> Iterator[dict[str, Any]]:
    """In the order of their use; `change` is what the key before it says of one that came after a restore."""
    for name, public, since, change in tx.execute(
        "select fingerprint, public_key, since, change from audit_key order by since"
    ):
        line = {"type": "key", "key": name, "public": bytes(public).hex(), "since": instant(since)}
        yield line | {"change": change} if change else line


def _checkpoints(tx: Tx) -> Iterator[dict[str, Any]]:
    """By number: one that was put back stands where the verifier sees that it does not belong."""
    rows = tx.execute("select size, body, signature from audit_checkpoint order by number").fetchall()
    for size, body, signature in rows:
        yield {"type": "checkpoint", "size": size, "body": body, "signature": bytes(signature).hex()}


def _events(tx: Tx) -> Iterator[dict[str, Any]]:
    after = 0
    while True:
        rows = tx.execute(
            f"select s.number, s.event_id, s.sealed_at, s.leaf, s.chain, {_EVENT} from audit_seal s left join audit_event e on e.id = s.event_id "
            "where s.number > %s order by s.number limit %s",
            (after, _PORTION),
        ).fetchall()
        for number, event_id, sealed_at, leaf, chain, *row in rows:
            hashes = {"type": "event", "leaf": bytes(leaf).hex(), "chain": bytes(chain).hex()}
            if row[0] is None:
                yield hashes | {"n": number, "id": event_id, "sealed_at": instant(sealed_at)}
            else:
                yield hashes | sealed_row(number, sealed_at, tuple(row))
        if len(rows) < _PORTION:
            return
        after = rows[-1][0]


def _receipts(tx: Tx) -> Iterator[dict[str, Any]]:
    after = 0
    while True:
        rows = tx.execute(
            "select r.id, r.arrival_id, r.root, r.leaves, r.made_at < (select max(at) - interval '1 hour' from audit_checkpoint) "
            "from audit_receipt r where r.id > %s order by r.id limit 100",
            (after,),
        ).fetchall()
        for _, arrival, root, leaves, is_old in rows:
            yield {
                "type": "receipt", "arrival": arrival, "root": bytes(root).hex(), "leaves": bytes(leaves).hex(), "sealed": bool(is_old),
            }  # fmt: skip
        if len(rows) < 100:
            return
        after = rows[-1][0]


def _unsealed(tx: Tx) -> Iterator[dict[str, Any]]:
    """All of them, also such as stand where everything was sealed long ago."""
    for event_id, at in tx.execute(
        "select id, at from audit_event e where not exists (select 1 from audit_seal s where s.event_id = e.id) order by id limit 100000"
    ):
        yield {"type": "unsealed", "id": event_id, "at": instant(at)}


@dataclass(frozen=True, slots=True)
class Received:
    """What the archive knows about one stored object; identifiers, digest and instant are those of its receipt."""

    tenant_id: int
    arrival_id: int
    sop_uid: str
    sha256: bytes
    received_at: Any


def prove(tx: Tx, received: Received) -> dict[str, Any]:
    """The proof that an object is the one that was received then; raises Absent without a receipt, Busy before a checkpoint covers it."""
    leaf = object_leaf(received.sop_uid, received.sha256, instant(received.received_at))
    for root, data in tx.execute(
        "select root, leaves from audit_receipt where arrival_id = %s order by id", (received.arrival_id,)
    ).fetchall():
        leaves = list(each_leaf(bytes(data)))
        if leaf in leaves:
            return _proof(tx, received, bytes(root).hex(), leaves, leaves.index(leaf))
    raise Absent(
        "there is no receipt of this object: it came before receipts were kept, or is on its way", code="no_receipt"
    )


def _proof(tx: Tx, received: Received, root: str, leaves: list[bytes], index: int) -> dict[str, Any]:
    row = tx.execute(
        f"select s.number, s.sealed_at, {_EVENT} from audit_event e join audit_seal s on s.event_id = e.id "
        "where e.tenant_id = %s and e.at >= %s and e.detail->>'receipt' = %s order by e.at limit 1",
        (received.tenant_id, received.received_at, root),
    ).fetchone()
    checkpoint = (
        row
        and tx.execute(
            "select size, body, signature from audit_checkpoint where size >= %s order by number limit 1", (row[0],)
        ).fetchone()
    )
    if row is None or not checkpoint:
        raise Busy(
            "the receipt of this object is not sealed yet; try again in a minute", code="not_sealed", retry_after_s=60.0
        )
    number, sealed_at, *event = row
    size, body, signature = checkpoint
    return {
        "format": "heliograph object proof 1",
        "object": {"sop_uid": received.sop_uid, "sha256": received.sha256.hex(), "received_at": instant(received.received_at)},
        "receipt": {
            "index": index, "size": len(leaves), "path": [one.hex() for one in inclusion_path(nodes_of(leaves), index, len(leaves))],
        },
        "event": sealed_row(number, sealed_at, tuple(event)),
        "inclusion": [one.hex() for one in inclusion_path(stored_nodes(tx), number - 1, size)],
        "checkpoint": {"body": body, "signature": bytes(signature).hex()},
        "keys": list(keys_of(tx)),
    }  # fmt: skip
