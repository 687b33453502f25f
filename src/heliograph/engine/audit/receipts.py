"""What one arrival brought, bound into one audit row: a Merkle root over (SOP Instance UID, digest, instant) of each object.

The 32 bytes of each object are kept beside, so that one object can be proved without the others, also when those are gone.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from heliograph.engine.audit.verifier import object_leaf, root_of
from heliograph.engine.db import Tx

_LEAF_BYTES = 32


def instant(at: datetime) -> str:
    """The one form of an instant in everything that is hashed: UTC with microseconds, so that texts sort as instants do."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Receipt:
    """The objects of one arrival while it is under way."""

    __slots__ = ("_leaves",)

    def __init__(self) -> None:
        self._leaves = bytearray()

    def __len__(self) -> int:
        return len(self._leaves) // _LEAF_BYTES

    def add(self, sop_uid: str, sha256: bytes, received_at: datetime) -> None:
        self._leaves += object_leaf(sop_uid, sha256, instant(received_at))

    def write(self, tx: Tx, arrival_id: int) -> dict[str, str | int]:
        """Keeps the list in this transaction; what the event of the arrival says about it, nothing when nothing came."""
        if not self._leaves:
            return {}
        root = root_of(each_leaf(self._leaves))
        tx.execute(
            "insert into audit_receipt (arrival_id, root, leaves) values (%s, %s, %s)",
            (arrival_id, root, bytes(self._leaves)),
        )
        return {"receipt": root.hex(), "objects": len(self)}


def each_leaf(data: bytes | bytearray) -> Iterator[bytes]:
    return (bytes(data[at : at + _LEAF_BYTES]) for at in range(0, len(data), _LEAF_BYTES))
