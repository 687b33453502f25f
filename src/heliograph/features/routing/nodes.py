"""Remote nodes: where studies can be sent, queried and fetched."""

import re
from typing import Any
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.features.access import Actor, note, require
from heliograph.features.routing.model import Node
from heliograph.kit.errors import Absent, Conflict, Invalid
from heliograph.kit.ids import new_id

_COLUMNS = "id, tenant_id, name, aet, host, port, tls, tls_fingerprint"
_FIELDS = ("name", "aet", "host", "port", "tls", "tls_fingerprint")


def nodes(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    require(actor, "node.query")
    rows = tx.execute(f"select {_COLUMNS} from remote_node where tenant_id = %s order by name", (actor.tenant_id,))
    return [Node(*row).as_dict() for row in rows]


def node(tx: Tx, actor: Actor, node_id: UUID | str) -> dict[str, Any]:
    """One node; Absent when it is not there."""
    require(actor, "node.query")
    return find_node(tx, actor.tenant_id, node_id).as_dict()


def find_node(tx: Tx, tenant_id: int, node_id: UUID | str) -> Node:
    row = tx.execute(
        f"select {_COLUMNS} from remote_node where id = %s and tenant_id = %s", (_uuid(node_id), tenant_id)
    ).fetchone()
    if row is None:
        raise Absent("no such node", code="no_node")
    return Node(*row)


def retrieve_nodes(tx: Tx, actor: Actor, jobs: list[str]) -> dict[str, str]:
    """By the id of a retrieve job, the name of the node that it fetches from."""
    rows = tx.execute(
        "select j.id::text, n.name from job j join remote_node n on n.id::text = j.arguments->>'node_id' and n.tenant_id = j.tenant_id "
        "where j.tenant_id = %s and j.id = any(%s::uuid[])",
        (actor.tenant_id, jobs),
    )
    return dict(rows.fetchall())


def add_node(
    tx: Tx, actor: Actor, name: str, aet: str, host: str, port: int, *, tls: bool = False, tls_fingerprint: str = ""
) -> dict[str, Any]:
    """Adds a node; Invalid names the field, Conflict says that the name is taken."""
    require(actor, "node.manage")
    values = _checked(
        {"name": name, "aet": aet, "host": host, "port": port, "tls": tls, "tls_fingerprint": tls_fingerprint}
    )
    row = tx.execute(
        "insert into remote_node (id, tenant_id, name, aet, host, port, tls, tls_fingerprint) values (%s, %s, %s, %s, %s, %s, %s, %s) "
        f"on conflict (tenant_id, name) do nothing returning {_COLUMNS}",
        (new_id(), actor.tenant_id, *(values[field] for field in _FIELDS)),
    ).fetchone()
    if row is None:
        raise Conflict("a node of this name exists", code="node_exists")
    note(tx, actor, "node.added", {"node": str(row[0]), "aet": values["aet"]})
    return Node(*row).as_dict()


def update_node(tx: Tx, actor: Actor, node_id: UUID | str, values: dict[str, Any]) -> dict[str, Any]:
    """Changes the named fields."""
    require(actor, "node.manage")
    before = find_node(tx, actor.tenant_id, node_id)
    values = {field: value for field, value in values.items() if field in _FIELDS and value is not None}
    if values.get("tls") is False:
        values["tls_fingerprint"] = ""
    changed = _checked({field: values.get(field, getattr(before, field)) for field in _FIELDS})
    taken = tx.execute(
        "select 1 from remote_node where tenant_id = %s and name = %s and id <> %s",
        (actor.tenant_id, changed["name"], before.id),
    ).fetchone()
    if taken:
        raise Conflict("a node of this name exists", code="node_exists")
    tx.execute(
        "update remote_node set name = %s, aet = %s, host = %s, port = %s, tls = %s, tls_fingerprint = %s where id = %s",
        (*(changed[field] for field in _FIELDS), before.id),
    )
    note(tx, actor, "node.changed", {"node": str(before.id)}, detail={"fields": sorted(values)})
    return node(tx, actor, before.id)


def remove_node(tx: Tx, actor: Actor, node_id: UUID | str) -> None:
    """Removes a node that nothing refers to; its history stays readable, so a node with sends is kept."""
    require(actor, "node.manage")
    found = find_node(tx, actor.tenant_id, node_id)
    used = tx.execute(
        "select exists (select 1 from send where node_id = %(n)s), exists (select 1 from forward_rule where node_id = %(n)s)",
        {"n": found.id},
    ).fetchone()
    if used is not None and used[1]:
        raise Conflict("a forwarding rule names this node; remove the rule first", code="node_in_use")
    if used is not None and used[0]:
        raise Conflict("something was sent to this node; its history needs the node", code="node_in_use")
    tx.execute("delete from remote_node where id = %s", (found.id,))
    note(tx, actor, "node.removed", {"node": str(found.id), "aet": found.aet})


def _uuid(value: UUID | str) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except ValueError:
        raise Absent("no such node", code="no_node") from None


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    name, aet, host = (str(values[field]).strip() for field in ("name", "aet", "host"))
    port = values["port"]
    if not 1 <= len(name) <= 80:
        raise Invalid("name must be 1 to 80 characters", code="bad_name")
    if not 1 <= len(aet) <= 16 or not aet.isascii() or not aet.isprintable() or "\\" in aet:
        raise Invalid("aet must be 1 to 16 printable ASCII characters without a backslash (PS3.5 6.2)", code="bad_aet")
    if not 1 <= len(host) <= 253 or any(c.isspace() for c in host):
        raise Invalid("host must be a name or an address", code="bad_host")
    if not isinstance(port, int) or not 1 <= port <= 65535:
        raise Invalid("port must be 1 to 65535", code="bad_port")
    pin = str(values["tls_fingerprint"]).replace(":", "").strip().lower()
    if pin and not re.fullmatch(r"[0-9a-f]{64}", pin):
        raise Invalid(
            "tls_fingerprint must be the SHA-256 of a certificate, 64 hexadecimal digits", code="bad_fingerprint"
        )
    tls = bool(values["tls"]) or bool(pin)
    return {"name": name, "aet": aet, "host": host, "port": port, "tls": tls, "tls_fingerprint": pin}
