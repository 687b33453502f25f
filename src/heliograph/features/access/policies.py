"""The organisation's own rules: versions, trying them before they count, and why somebody can or cannot see a study."""

from typing import Any

from psycopg.types.json import Jsonb

from heliograph.engine.db import Tx
from heliograph.engine.rules import Explained
from heliograph.features.access.model import Actor
from heliograph.features.access.policy import note, require
from heliograph.features.access.rules import DEFAULT, Policy, Rule, allows, explanation, read_rules
from heliograph.features.access.scopes import policy_of, values_of_study
from heliograph.features.access.vocabulary import VOCABULARY
from heliograph.kit.errors import Absent, Conflict, Invalid
from heliograph.kit.time import now

_COLUMNS = {name: field.column.format(row="st") for name, field in VOCABULARY.fields.items() if field.column}


def current_policy(tx: Tx, actor: Actor) -> Policy:
    return policy_of(tx, actor.tenant_id, _newest(tx, actor))


def save_policy(tx: Tx, actor: Actor, records: Any, *, comment: str, expected_version: int) -> Policy:
    """A further version, in force at once for who is identified anew, within two seconds for all. Raises Invalid naming the rule,
    Conflict when somebody else saved meanwhile."""
    require(actor, "policy.manage")
    rules = read_rules(records)
    if not comment.strip():
        raise Invalid("comment must say what changes and why", code="bad_policy")
    newest = _newest(tx, actor) or 0
    if newest != expected_version:
        raise Conflict("the policy was changed meanwhile; look at the newest version", code="policy_changed")
    row = tx.execute(
        "insert into access_policy (tenant_id, version, rules, comment, created_at, created_by) values (%s,%s,%s,%s,%s,%s) "
        "on conflict do nothing returning 1",
        (
            actor.tenant_id,
            newest + 1,
            Jsonb([rule.as_record() for rule in rules]),
            comment.strip()[:1000],
            now(),
            actor.label,
        ),
    ).fetchone()
    if row is None:
        raise Conflict("the policy was changed meanwhile; look at the newest version", code="policy_changed")
    note(tx, actor, "policy.saved", {"version": newest + 1})
    return Policy(rules, version=newest + 1, tenant_id=actor.tenant_id)


def policy_versions(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    """Newest first; version 0 is what the program brings."""
    require(actor, "policy.manage")
    rows = tx.execute(
        "select version, rules, comment, created_at, created_by from access_policy where tenant_id = %s order by version desc limit 200",
        (actor.tenant_id,),
    )
    keys = ("version", "rules", "comment", "created_at", "created_by")
    saved = [dict(zip(keys, row, strict=True)) for row in rows]
    shipped = {
        "version": 0,
        "rules": [r.as_record() for r in DEFAULT.rules],
        "comment": "",
        "created_at": None,
        "created_by": "",
    }
    return [*saved, shipped]


def explain_access(tx: Tx, actor: Actor, asked: Actor, study_id: int) -> dict[str, Any]:
    """Why `asked` can or cannot read a study: every rule, what it came to, and the parts that decided.

    For administrators, who learn nothing of the study by it but its id.
    """
    require(actor, "policy.manage")
    study = values_of_study(tx, actor.tenant_id, study_id, _COLUMNS)
    if study is None or asked.tenant_id != actor.tenant_id:
        raise Absent("no such study", code="no_study")
    permitted = "study.read" in asked.permissions
    principal, policy = asked.principal, asked.scope.policy
    note(tx, actor, "access.explained", {"study": study_id, "asked": asked.id})
    return {
        "may_read": permitted and allows(policy, principal, "study.read", study),
        "has_permission": permitted,
        "policy_version": policy.version,
        "rules": [_as_record(rule, why) for rule, why in explanation(policy, principal, "study.read", study)],
    }


def _as_record(rule: Rule, why: Explained) -> dict[str, Any]:
    reasons = [{"text": one.text, "holds": one.holds, "values": dict(one.values)} for one in why.reasons[:20]]
    return {
        "name": rule.name,
        "effect": rule.effect,
        "breakable": rule.breakable,
        "holds": why.holds,
        "when": why.text,
        "reasons": reasons,
    }


def _newest(tx: Tx, actor: Actor) -> int | None:
    row = tx.execute("select max(version) from access_policy where tenant_id = %s", (actor.tenant_id,)).fetchone()
    return row[0] if row else None
