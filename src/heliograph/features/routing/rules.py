"""Forwarding rules: what becomes of a study when it has settled."""

from typing import Any
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.features.access import Actor, note, require
from heliograph.features.routing.model import Rule
from heliograph.features.routing.nodes import find_node
from heliograph.kit.errors import Absent, Invalid
from heliograph.kit.ids import new_id

_COLUMNS = "id, name, enabled, node_id, modalities, device_ids"
_FIELDS = ("name", "enabled", "node_id", "modalities", "device_ids")


def rules(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    require(actor, "node.query")
    return [rule.as_dict() for rule in rules_of(tx, actor.tenant_id)]


def rules_of(tx: Tx, tenant_id: int) -> list[Rule]:
    rows = tx.execute(f"select {_COLUMNS} from forward_rule where tenant_id = %s order by name", (tenant_id,))
    return [_rule(row) for row in rows]


def add_rule(tx: Tx, actor: Actor, **values: Any) -> dict[str, Any]:
    """Adds a rule; Invalid names the field."""
    require(actor, "node.manage")
    made = _checked(tx, actor, {"enabled": True, "modalities": [], "device_ids": []} | values)
    row = tx.execute(
        f"insert into forward_rule (id, tenant_id, name, enabled, node_id, modalities, device_ids) "
        f"values (%s, %s, %s, %s, %s, %s, %s) returning {_COLUMNS}",
        (new_id(), actor.tenant_id, *(made[field] for field in _FIELDS)),
    ).fetchone()
    assert row is not None
    note(tx, actor, "rule.added", {"rule": str(row[0]), "node": str(made["node_id"])})
    return _rule(row).as_dict()


def update_rule(tx: Tx, actor: Actor, rule_id: UUID | str, values: dict[str, Any]) -> dict[str, Any]:
    """Changes the named fields."""
    require(actor, "node.manage")
    before = _find(tx, actor, rule_id)
    values = {field: value for field, value in values.items() if field in _FIELDS and value is not None}
    made = _checked(tx, actor, {field: values.get(field, getattr(before, field)) for field in _FIELDS})
    tx.execute(
        "update forward_rule set name = %s, enabled = %s, node_id = %s, modalities = %s, device_ids = %s where id = %s",
        (*(made[field] for field in _FIELDS), before.id),
    )
    note(tx, actor, "rule.changed", {"rule": str(before.id)}, detail={"fields": sorted(values)})
    return _find(tx, actor, before.id).as_dict()


def remove_rule(tx: Tx, actor: Actor, rule_id: UUID | str) -> None:
    require(actor, "node.manage")
    found = _find(tx, actor, rule_id)
    tx.execute("delete from forward_rule where id = %s", (found.id,))
    note(tx, actor, "rule.removed", {"rule": str(found.id)})


def _find(tx: Tx, actor: Actor, rule_id: UUID | str) -> Rule:
    try:
        row = tx.execute(
            f"select {_COLUMNS} from forward_rule where id = %s and tenant_id = %s",
            (UUID(str(rule_id)), actor.tenant_id),
        ).fetchone()
    except ValueError:
        row = None
    if row is None:
        raise Absent("no such rule", code="no_rule")
    return _rule(row)


def _rule(row: tuple[Any, ...]) -> Rule:
    return Rule(row[0], row[1], row[2], row[3], tuple(row[4]), tuple(row[5]))


def _checked(tx: Tx, actor: Actor, values: dict[str, Any]) -> dict[str, Any]:
    name = str(values.get("name", "")).strip()
    if not 1 <= len(name) <= 80:
        raise Invalid("name must be 1 to 80 characters", code="bad_name")
    modalities = [str(word).strip().upper() for word in values["modalities"]]
    if len(modalities) > 64 or not all(word.isalnum() and len(word) <= 16 for word in modalities):
        raise Invalid("modalities must be codes such as CT or MR (PS3.3 C.7.3.1.1.1)", code="bad_modalities")
    try:
        device_ids = [int(one) for one in values["device_ids"]]
    except (TypeError, ValueError):
        raise Invalid("device_ids must be ids of devices", code="bad_device_ids") from None
    node = find_node(tx, actor.tenant_id, values.get("node_id", ""))
    return {
        "name": name, "enabled": bool(values["enabled"]), "node_id": node.id, "modalities": modalities, "device_ids": device_ids,
    }  # fmt: skip
