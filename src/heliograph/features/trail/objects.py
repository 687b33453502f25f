"""The proof that one stored object is unchanged since it was first received, made and checked in one go."""

import hashlib
import time
from typing import Any

from heliograph.engine.audit import Sealer, export
from heliograph.engine.audit.export import Received
from heliograph.engine.audit.verifier import verify_proof
from heliograph.engine.blobs import Blobs
from heliograph.engine.db import Database
from heliograph.features.access import Actor, require
from heliograph.features.archive.receipts import received
from heliograph.kit.errors import Busy

_PIECE = 4 << 20
_TRIES = 20
_PAUSE_S = 0.25


def sealed_proof(database: Database, sealer: Sealer, found: Received) -> dict[str, Any]:
    """The proof of an object; what is not signed yet is signed now. Raises Busy when another process seals for long."""
    for attempt in range(_TRIES):
        try:
            with database.transaction() as tx:
                tx.execute("set transaction isolation level repeatable read, read only")
                return export.prove(tx, found)
        except Busy:
            if attempt == _TRIES - 1:
                raise
        sealer.seal_once(checkpoint=True)
        if attempt:
            time.sleep(_PAUSE_S)
    raise AssertionError("the last try raises")


def prove_object(database: Database, blobs: Blobs, sealer: Sealer, actor: Actor, sop_uid: str) -> dict[str, Any]:
    """`proof` is what the stand-alone verifier reads; `findings` is what does not hold. Raises Absent."""
    require(actor, "audit.read")
    with database.transaction() as tx:
        found, blob = received(tx, actor, sop_uid.strip())
        row = tx.execute(
            "select prefix_bytes, size_bytes from instance where tenant_id = %s and sop_uid = %s",
            (actor.tenant_id, found.sop_uid),
        ).fetchone()
    assert row is not None
    proof = sealed_proof(database, sealer, found)
    report = verify_proof(proof, _digest(blobs, blob, row[0], row[1]))
    facts = report.last.get("checkpoint") or {}
    return {
        "sop_uid": found.sop_uid, "received_at": found.received_at, "sha256": found.sha256.hex(), "event": proof["event"]["n"],
        "event_id": str(proof["event"]["id"]), "checkpoint": facts.get("number"), "key": facts.get("key", ""), "unchanged": not report.findings,
        "findings": report.findings, "proof": proof,
    }  # fmt: skip


def _digest(blobs: Blobs, blob: str, prefix_bytes: int, size: int) -> bytes:
    """Of the data set as it lies there now."""
    sha, at = hashlib.sha256(), prefix_bytes
    while at < size:
        piece = blobs.read_as_is(blob, at, min(_PIECE, size - at))
        if not piece:
            break
        sha.update(piece)
        at += len(piece)
    return sha.digest()
