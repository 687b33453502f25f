"""The one policy point: `require` for acts, `visible` for reads; what both mean is in `rules`."""

from typing import Any

from heliograph.engine import audit
from heliograph.engine.audit import Outcome
from heliograph.engine.db import Tx
from heliograph.features.access.model import Actor, Permission
from heliograph.features.access.rules import Action, predicate
from heliograph.kit.errors import Refused


def allowed(actor: Actor, permission: Permission) -> bool:
    return permission in actor.permissions


def require(actor: Actor, permission: Permission) -> None:
    """Raises Refused when the actor may not."""
    if not allowed(actor, permission):
        raise Refused(f"this needs the permission {permission}", code="not_allowed")


def visible(actor: Actor, table: str = "study", action: Action = "study.read") -> tuple[str, list[Any]]:
    """The SQL condition and its parameters under which rows of `table` (or its alias) exist for this actor and action.

    An actor without the permission sees nothing; to it every study is absent, never forbidden.
    """
    return _condition(actor, table, action, withheld=False)


def withheld(actor: Actor, table: str = "study") -> tuple[str, list[Any]]:
    """The same for studies that are withheld from an actor who may break the glass for them; for nobody else there are any."""
    if not allowed(actor, "glass.break"):
        return "false", []
    return _condition(actor, table, "study.read", withheld=True)


def _condition(actor: Actor, table: str, action: Action, *, withheld: bool) -> tuple[str, list[Any]]:
    if not allowed(actor, action):
        return "false", []
    sql, parameters = predicate(actor.scope.policy, actor.principal, action, table, withheld=withheld)
    tenant = f"{table}.tenant_id = %s"
    return (tenant, [actor.tenant_id]) if sql == "true" else (f"({tenant} and {sql})", [actor.tenant_id, *parameters])


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
