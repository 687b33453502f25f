"""Protocols as they are kept: who may change which layer, and which of a name holds for a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args
from uuid import UUID

from psycopg.types.json import Jsonb

from heliograph.engine.db import Tx
from heliograph.features.access import Actor, allowed, note, require
from heliograph.features.access.model import ROLES
from heliograph.features.reading.hanging.document import checked
from heliograph.features.reading.hanging.matching import LAYERS
from heliograph.kit.errors import Absent, Conflict, Invalid, Refused
from heliograph.kit.ids import new_id
from heliograph.kit.time import now

Layer = Literal["site", "role", "user"]
_MOST = 200
"""Of one layer of one owner: a list that a person can still read."""
_COLUMNS = "id, layer, role, enabled, version, document, changed_at, changed_by"


@cache
def shipped() -> tuple[dict[str, Any], ...]:
    """The protocols of the product; for every kind of study there is one that fits."""
    raw = json.loads((files(__package__) / "shipped.json").read_text("utf-8"))
    return tuple(checked(document) for document in raw)


def effective(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    """What hangs for this actor: of each name that of the nearest layer, and none where that one is switched off."""
    nearest: dict[str, dict[str, Any]] = {
        document["id"]: {"layer": "shipped", "enabled": True, "document": document} for document in shipped()
    }
    rows = [row for row in _stored(tx, actor) if row["layer"] != "role" or row["role"] in actor.roles]
    for row in sorted(rows, key=lambda row: (LAYERS.index(row["layer"]), row["role"])):
        nearest[row["document"]["id"]] = row
    return [{"layer": row["layer"], "document": row["document"]} for row in nearest.values() if row["enabled"]]


def protocols(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    """Every protocol that the actor may know of, shipped ones first; `can_edit` tells whose it may change."""
    manages = allowed(actor, "workspace.manage")
    below = [
        {"id": "", "layer": "shipped", "role": "", "enabled": True, "version": 0, "document": document, "changed_at": None, "changed_by": "", "can_edit": False}
        for document in shipped()
    ]  # fmt: skip
    own = [row | {"can_edit": manages or row["layer"] == "user"} for row in _stored(tx, actor)]
    return [*below, *(row for row in own if row["layer"] != "role" or manages or row["role"] in actor.roles)]


def add_protocol(
    tx: Tx, actor: Actor, document: Mapping[str, Any], *, layer: Layer, role: str = "", enabled: bool = True
) -> dict[str, Any]:
    """Keeps a protocol in a layer. Raises Conflict when the layer has one of that name, Invalid for what is no protocol."""
    owner = _may_change(actor, layer, role)
    whole = checked(document)
    tx.execute("select pg_advisory_xact_lock(hashtextextended(%s, 17))", (f"{actor.tenant_id}/{layer}/{role}/{owner}",))
    count = tx.execute(
        "select count(*), count(*) filter (where protocol = %s) from hanging_protocol "
        "where tenant_id = %s and layer = %s and role = %s and user_id is not distinct from %s",
        (whole["id"], actor.tenant_id, layer, role, owner),
    ).fetchone()
    if count is not None and count[1]:
        raise Conflict("this layer has a hanging protocol of that name", code="protocol_exists")
    if count is not None and count[0] >= _MOST:
        raise Invalid(f"at most {_MOST} hanging protocols in a layer", code="too_many_protocols")
    made = new_id()
    tx.execute(
        "insert into hanging_protocol (id, tenant_id, layer, role, user_id, protocol, enabled, document, changed_at, changed_by) "
        "values (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        (made, actor.tenant_id, layer, role, owner, whole["id"], enabled, Jsonb(whole), now(), actor.name),
    )
    _note(tx, actor, "added", layer, role, whole["id"])
    return _one(tx, actor, made)


def replace_protocol(
    tx: Tx, actor: Actor, protocol_id: UUID, *, version: int, document: Mapping[str, Any] | None = None, enabled: bool | None = None
) -> dict[str, Any]:  # fmt: skip
    """Saves over `version`, that was read; raises Conflict when somebody has saved meanwhile."""
    row = _one(tx, actor, protocol_id, lock=True)
    _may_change(actor, row["layer"], row["role"])
    if row["version"] != version:
        raise Conflict("somebody has saved this meanwhile: read it again", code="protocol_moved")
    whole = row["document"] if document is None else checked(document)
    if whole["id"] != row["document"]["id"]:
        raise Invalid("a protocol keeps its id; save another one beside it", code="bad_protocol")
    tx.execute(
        "update hanging_protocol set document = %s, enabled = %s, version = version + 1, changed_at = %s, changed_by = %s where id = %s",
        (Jsonb(whole), row["enabled"] if enabled is None else enabled, now(), actor.name, protocol_id),
    )
    _note(tx, actor, "changed", row["layer"], row["role"], whole["id"])
    return _one(tx, actor, protocol_id)


def remove_protocol(tx: Tx, actor: Actor, protocol_id: UUID) -> None:
    """What lies below it, if anything, holds again."""
    row = _one(tx, actor, protocol_id, lock=True)
    _may_change(actor, row["layer"], row["role"])
    tx.execute("delete from hanging_protocol where id = %s", (protocol_id,))
    _note(tx, actor, "removed", row["layer"], row["role"], row["document"]["id"])


def _may_change(actor: Actor, layer: Layer, role: str) -> UUID | None:
    """The owner of the layer's rows: a person's own layer is the person's, the others are for who manages the workspace."""
    if layer not in get_args(Layer):
        raise Invalid("layer: site, role or user", code="bad_layer")
    if (layer == "role") != (role in ROLES):
        raise Invalid("role: one of the roles, for the layer of roles alone", code="bad_layer")
    if layer != "user":
        require(actor, "workspace.manage")
        return None
    if actor.kind != "user":
        raise Refused("only people have hanging protocols of their own", code="people_only")
    return UUID(actor.id)


def _stored(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    person = UUID(actor.id) if actor.kind == "user" else None
    rows = tx.execute(
        f"select {_COLUMNS} from hanging_protocol where tenant_id = %s and (user_id is null or user_id = %s) order by layer, role, protocol",
        (actor.tenant_id, person),
    )
    return [_told(row) for row in rows]


def _one(tx: Tx, actor: Actor, protocol_id: UUID, *, lock: bool = False) -> dict[str, Any]:
    """Of another person it is not there."""
    person = UUID(actor.id) if actor.kind == "user" else None
    row = tx.execute(
        f"select {_COLUMNS} from hanging_protocol where id = %s and tenant_id = %s and (user_id is null or user_id = %s)"
        + (" for update" if lock else ""),
        (protocol_id, actor.tenant_id, person),
    ).fetchone()
    if row is None:
        raise Absent("no such hanging protocol", code="no_protocol")
    return _told(row)


def _told(row: tuple[Any, ...]) -> dict[str, Any]:
    names = ("id", "layer", "role", "enabled", "version", "document", "changed_at", "changed_by")
    found = dict(zip(names, row, strict=True))
    return found | {"id": str(found["id"])}


def _note(tx: Tx, actor: Actor, what: str, layer: str, role: str, name: str) -> None:
    note(tx, actor, "hanging.changed", {}, detail={"what": what, "layer": layer, "role": role, "protocol": name})
