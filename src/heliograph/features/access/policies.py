"""The organisation's own rules: versions, trying them before they count, and why somebody can or cannot see a study."""

from typing import Any

from psycopg.types.json import Jsonb

from heliograph.engine.db import Tx
from heliograph.engine.rules import Explained, parse, to_json
from heliograph.features.access.model import Actor
from heliograph.features.access.policy import allowed, note, require
from heliograph.features.access.rules import DEFAULT, Policy, Rule, allows, explanation, read_rules
from heliograph.features.access.scopes import policy_of, values_of_study
from heliograph.features.access.vocabulary import VOCABULARY
from heliograph.kit.errors import Absent, Broken, Conflict, Invalid
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
    """Why `asked` can or cannot read a study: the verdict, the rules that decided, every rule and what it came to.

    For administrators, who learn nothing of the study by it but its id.
    """
    require(actor, "policy.manage")
    study = values_of_study(tx, actor.tenant_id, study_id, _COLUMNS)
    if study is None or asked.tenant_id != actor.tenant_id:
        raise Absent("no such study", code="no_study")
    permitted = "study.read" in asked.permissions
    row = tx.execute("select disabled_at is not null from app_user where id::text = %s", (asked.id,)).fetchone()
    disabled = bool(row and row[0])
    principal, policy = asked.principal, asked.scope.policy
    explained = explanation(policy, principal, "study.read", study)
    emergency = study["study.patient"] in principal.emergencies
    note(tx, actor, "access.explained", {"study": study_id, "asked": asked.id})
    verdict, deciding = _verdict(explained, permitted=permitted, disabled=disabled, emergency=emergency)
    if (verdict == "allowed") != (permitted and not disabled and allows(policy, principal, "study.read", study)):
        raise Broken("the explanation contradicts the policy", code="bad_explanation")
    return {
        "may_read": verdict == "allowed",
        "has_permission": permitted,
        "policy_version": policy.version,
        "verdict": verdict,
        "deciding": deciding,
        "may_break_glass": verdict == "withheld_breakable" and allowed(asked, "glass.break"),
        "glass_is_broken": emergency,
        "rules": [_as_record(rule, why) for rule, why in explained],
    }


def _verdict(
    explained: list[tuple[Rule, Explained]], *, permitted: bool, disabled: bool, emergency: bool
) -> tuple[str, list[str]]:
    """In one word, and the rules by which."""
    if disabled:
        return "disabled", []
    if not permitted:
        return "no_permission", []
    allowing = [rule.name for rule, why in explained if rule.effect == "allow" and why.holds]
    withholding = [rule for rule, why in explained if rule.effect == "withhold" and why.holds]
    firm = [rule.name for rule in withholding if not rule.breakable]
    lifted = [rule.name for rule in withholding if rule.breakable]
    if not allowing:
        return "no_rule", []
    if firm:
        return "withheld", firm
    if lifted and not emergency:
        return "withheld_breakable", lifted
    return "allowed", allowing


def find_studies(tx: Tx, actor: Actor, text: str) -> list[dict[str, Any]]:
    """Studies by exactly this patient's identifier, accession number or study UID: what tells them apart, and nothing of the patient."""
    require(actor, "policy.manage")
    rows = tx.execute(
        "select st.id::text, st.study_uid, st.study_date, st.modalities, st.accession_number, coalesce(s.name, '') from study st "
        "left join site s on s.id = st.site_id where st.tenant_id = %(t)s and (st.patient_id = %(x)s or st.study_uid = %(x)s or "
        "(st.accession_number = %(x)s and %(x)s <> '')) order by st.study_date desc, st.id desc limit 50",
        {"t": actor.tenant_id, "x": text.strip()},
    )
    keys = ("id", "study_uid", "study_date", "modalities", "accession_number", "site")
    found = [dict(zip(keys, row, strict=True)) for row in rows]
    note(tx, actor, "access.explained", {}, detail={"keys": ["text"], "results": len(found)})
    return found


def _as_record(rule: Rule, why: Explained) -> dict[str, Any]:
    reasons = [
        {"text": one.text, "holds": one.holds, "values": dict(one.values), "tree": to_json(parse(one.text))}
        for one in why.reasons[:20]
    ]
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
