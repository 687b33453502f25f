"""The place of one row in the sealed log, computed anew: is it as it was written, and which signed checkpoint says so."""

from typing import Any

from heliograph.engine.audit.export import keys_of
from heliograph.engine.audit.seal import sealed_row
from heliograph.engine.audit.tree import inclusion_path, stored_nodes
from heliograph.engine.audit.verifier import Keys, Report, canonical, leaf_hash, read_checkpoint, root_by_path
from heliograph.engine.db import Tx


def place_of(tx: Tx, row: tuple[Any, ...]) -> dict[str, Any] | None:
    """`row` as `seal.COLUMNS` say; None while it is not sealed. `unchanged` speaks of the row, `signed` of the checkpoint that covers it."""
    seal = tx.execute("select number, sealed_at, leaf, chain from audit_seal where event_id = %s", (row[0],)).fetchone()
    if seal is None:
        return None
    number, sealed_at, kept, chain = seal[0], seal[1], bytes(seal[2]), bytes(seal[3])
    leaf = leaf_hash(canonical(sealed_row(number, sealed_at, row)))
    return {
        "number": number, "sealed_at": sealed_at, "leaf": kept.hex(), "chain": chain.hex(), "unchanged": leaf == kept,
        "checkpoint": _checkpoint(tx, number, leaf),
    }  # fmt: skip


def _checkpoint(tx: Tx, number: int, leaf: bytes) -> dict[str, Any] | None:
    """The first one over the row; None until it is signed."""
    row = tx.execute(
        "select number, size, at, body, signature from audit_checkpoint where size >= %s order by number limit 1",
        (number,),
    ).fetchone()
    if row is None:
        return None
    keys, report = Keys(()), Report()
    for line in keys_of(tx):
        keys.add(line, report)
    facts = read_checkpoint(row[3])
    path = inclusion_path(stored_nodes(tx), number - 1, row[1])
    led = root_by_path(leaf, number - 1, row[1], path)
    signed = facts is not None and keys.signed(facts["key"], row[3], bytes(row[4]))
    holds = facts is not None and led is not None and led.hex() == facts["root"]
    return {
        "number": row[0], "size": row[1], "at": row[2], "key": facts["key"] if facts else "", "signed": signed, "holds": holds,
    }  # fmt: skip
