"""The one policy point: `require` for acts, `visible` for reads. The next issue widens what is inside, not who calls it."""

from typing import Any

from heliograph.engine import audit
from heliograph.engine.audit import Outcome
from heliograph.engine.db import Tx
from heliograph.features.access.model import Actor, Permission
from heliograph.kit.errors import Refused


def allowed(actor: Actor, permission: Permission) -> bool:
    return permission in actor.permissions


def require(actor: Actor, permission: Permission) -> None:
    """Raises Refused when the actor may not."""
    if not allowed(actor, permission):
        raise Refused(f"this needs the permission {permission}", code="not_allowed")


def visible(actor: Actor, table: str = "study") -> tuple[str, list[Any]]:
    """The SQL condition and its parameters under which rows of `table` (or its alias) exist for this actor.

    An actor without study.read sees nothing; to it every study is absent, never forbidden.
    """
    if not allowed(actor, "study.read"):
        return "false", []
    return f"{table}.tenant_id = %s", [actor.tenant_id]


def note(
    tx: Tx,
    actor: Actor,
    kind: str,
    subject: dict[str, Any],
    *,
    outcome: Outcome = "success",
    detail: dict[str, Any] | None = None,
) -> None:
    """The audit row of an act, in the act's transaction."""
    audit.record(tx, actor.tenant_id, kind, actor.as_record(), subject, outcome=outcome, detail=detail)
