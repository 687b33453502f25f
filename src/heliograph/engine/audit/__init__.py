"""The record of who did what: neutral rows, written in the transaction of the act (decision 8).

Subjects hold identifiers, never names or pixels. `seal` chains and signs the rows, `export` gives them out with their proofs,
`verifier` (a file that stands alone) checks them; `standards.ihe` renders them as PS3.15 A.5 messages and FHIR AuditEvents.
"""

from typing import Any, Literal

from psycopg.types.json import Jsonb

from heliograph.engine.audit.receipts import Receipt
from heliograph.engine.audit.seal import Sealer
from heliograph.engine.db import Tx
from heliograph.kit.time import now

Outcome = Literal["success", "refused", "failed"]


def record(
    tx: Tx, tenant_id: int, kind: str, actor: dict[str, Any], subject: dict[str, Any],
    *, outcome: Outcome = "success", detail: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Writes one audit row into this transaction."""
    tx.execute(
        "insert into audit_event (tenant_id, at, kind, outcome, actor, subject, detail) values (%s,%s,%s,%s,%s,%s,%s)",
        (tenant_id, now(), kind, outcome, Jsonb(actor), Jsonb(subject), Jsonb(detail or {})),
    )


__all__ = ["Outcome", "Receipt", "Sealer", "record"]
