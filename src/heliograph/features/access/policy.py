"""The one policy point: `require` for acts, `visible` for reads; what both mean is in `rules`."""

from collections.abc import Collection
from typing import Any

from heliograph.engine import audit
from heliograph.engine.audit import Outcome
from heliograph.engine.db import Tx
from heliograph.features.access.model import HOUSE, HOUSE_WIDE, OF_HOUSE, Actor, Permission
from heliograph.features.access.rules import Action, predicate
from heliograph.kit.errors import Refused


def allowed(actor: Actor, permission: Permission) -> bool:
    """What concerns the whole organisation is only for who belongs to all of its sites; what concerns the installation, for its own."""
    if permission not in actor.permissions or (permission in OF_HOUSE and actor.tenant_id != HOUSE):
        return False
    return actor.scope.everywhere or permission not in HOUSE_WIDE


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


def sees(actor: Actor, study: str) -> tuple[str, list[Any]]:
    """The condition that the study named by the column `study` is there for the actor; for rows about studies, of its tenant."""
    if not allowed(actor, "study.read"):
        return "false", []
    sql, parameters = predicate(actor.scope.policy, actor.principal, "study.read", "seen")
    if sql == "true":
        return "true", []
    return f"exists (select 1 from study seen where seen.id = {study} and {sql})", list(parameters)


def sees_held(actor: Actor, held: str) -> tuple[str, list[Any]]:
    """The condition that a row of `held` (its alias) is there for the actor: with its study; without one, when it came to a site of the
    actor."""
    study, parameters = sees(actor, f"{held}.study_fk")
    if actor.scope.everywhere:
        return f"({held}.study_fk is null or {study})", parameters
    here = f"exists (select 1 from arrival came where came.id = {held}.arrival_id and came.site_id = any(%s::int[]))"
    return f"(case when {held}.study_fk is null then {here} else {study} end)", [list(actor.scope.sites), *parameters]


def seen_studies(tx: Tx, actor: Actor, study_ids: Collection[int]) -> frozenset[int]:
    """Those of these studies that are there for the actor."""
    if not study_ids:
        return frozenset()
    condition, parameters = visible(actor, "st")
    rows = tx.execute(
        f"select st.id from study st where st.id = any(%s::bigint[]) and {condition}", (list(study_ids), *parameters)
    )
    return frozenset(row[0] for row in rows)


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
