"""What a change of the rules would do, counted on the studies that are here: for each person, program and device, before it counts."""

from dataclasses import dataclass, field
from typing import Any, Final

from heliograph.engine.db import Tx
from heliograph.engine.rules import Sql, fold, to_sql
from heliograph.features.access.identity.people import user_actor
from heliograph.features.access.model import Actor, Scope
from heliograph.features.access.policies import current_policy
from heliograph.features.access.policy import note, require
from heliograph.features.access.rules import Policy, Principal, read_rules, visible_node
from heliograph.features.access.scopes import USER_COLUMNS, user_scope
from heliograph.features.access.vocabulary import VOCABULARY

STUDIES: Final = 20_000  # the newest: a count over millions, once for each kind of person, would take minutes
_MOST_GROUPS: Final = 60


@dataclass(slots=True)
class _Group:
    """Those for whom the rules come to the same two conditions."""

    before: Sql
    after: Sql
    members: list[dict[str, Any]] = field(default_factory=list)


def preview(tx: Tx, actor: Actor, records: Any) -> dict[str, Any]:
    """Who would see more or fewer studies under these rules. Raises Invalid naming the rule that cannot be read.

    Counted exactly over the newest studies, as many as the answer says; who reads nothing at all is not listed.
    """
    require(actor, "policy.manage")
    old, new = current_policy(tx, actor), Policy(read_rules(records))
    groups: dict[tuple[Any, ...], _Group] = {}
    for who, principal in _everybody(tx, actor):
        before, after = (_condition(policy, principal) for policy in (old, new))
        key = (before[0], repr(before[1]), after[0], repr(after[1]))
        groups.setdefault(key, _Group(before, after)).members.append(who)
    changed = [group for group in groups.values() if group.before != group.after]
    items: list[dict[str, Any]] = []
    for group in changed[:_MOST_GROUPS]:
        counts = _count(tx, actor, group)
        items += [who | counts for who in group.members if counts["gains"] or counts["loses"]]
    looked_at = tx.execute(
        "select count(*) from (select 1 from study where tenant_id = %s limit %s) s", (actor.tenant_id, STUDIES + 1)
    ).fetchone()
    total = looked_at[0] if looked_at else 0
    note(tx, actor, "policy.previewed", {}, detail={"changed": len(items)})
    return {
        "items": items,
        "studies": min(total, STUDIES),
        "is_all": total <= STUDIES and len(changed) <= _MOST_GROUPS,
        "asked": sum(len(group.members) for group in groups.values()),
    }


def _everybody(tx: Tx, actor: Actor) -> list[tuple[dict[str, Any], Principal]]:
    """People who may sign in and read, programs whose token is in force, and devices that may ask."""
    found: list[tuple[dict[str, Any], Principal]] = []
    people = tx.execute(
        f"select u.id, u.name, u.display_name, u.roles, {USER_COLUMNS} from app_user u where u.tenant_id = %s and u.disabled_at is null "
        "order by u.name limit 5000",
        (actor.tenant_id,),
    ).fetchall()
    for user_id, name, display_name, roles, *columns in people:
        made = user_actor(user_id, name, actor.tenant_id, roles, "", user_scope(tx, actor.tenant_id, tuple(columns)))
        if "study.read" in made.permissions:
            who = {"kind": "user", "id": str(user_id), "name": display_name or name, "roles": roles}
            found.append((who, made.principal))
    machines = tx.execute(
        "select 'token', id::text, name, site_ids from api_token where tenant_id = %(t)s and revoked_at is null "
        "and (expires_at is null or expires_at > now()) and scopes && array['all', 'study.read'] union all "
        "select 'device', id::text, aet, site_ids from device where tenant_id = %(t)s and allow && array['find', 'move', 'get'] order by 1, 3 limit 5000",
        {"t": actor.tenant_id},
    ).fetchall()
    for kind, machine_id, name, sites in machines:
        scope = Scope(everywhere=not sites, sites=tuple(sorted(sites)))
        made = Actor(kind, machine_id, name, actor.tenant_id, frozenset({"study.read"}), scope=scope)
        found.append(({"kind": kind, "id": machine_id, "name": name, "roles": []}, made.principal))
    return found


def _condition(policy: Policy, principal: Principal) -> Sql:
    """Not by `predicate`, which remembers policies by their version: these rules have none yet."""
    return to_sql(fold(visible_node(policy, "study.read"), principal.values()), VOCABULARY, "st")


def _count(tx: Tx, actor: Actor, group: _Group) -> dict[str, int]:
    (old, old_values), (new, new_values) = group.before, group.after
    row = tx.execute(
        "with seen as materialized (select (" + old + ") as was, (" + new + ") as will from "
        "(select * from study where tenant_id = %s order by received_at desc, id desc limit %s) st) "
        "select count(*) filter (where was), count(*) filter (where will), count(*) filter (where will and not was), "
        "count(*) filter (where was and not will) from seen",
        (*old_values, *new_values, actor.tenant_id, STUDIES),
    ).fetchone()
    assert row is not None
    return dict(zip(("before", "after", "gains", "loses"), row, strict=True))
