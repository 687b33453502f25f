"""What the worker process calls: rules on settled studies, sends whose time has come."""

from heliograph.engine.db import Database, Tx
from heliograph.features.access import Actor, system_actor
from heliograph.features.routing.model import Node, Rule, applies
from heliograph.features.routing.nodes import find_node
from heliograph.features.routing.rules import rules_of
from heliograph.features.routing.sends import request_send, wake

__all__ = ["study_settled", "wake"]


def study_settled(database: Database, study_id: int) -> int:
    """Asks for a send by every rule that applies; the count. A study that settles again sends only what is new."""
    with database.transaction() as tx:
        row = tx.execute("select tenant_id, modalities, source from study where id = %s", (study_id,)).fetchone()
        if row is None:
            return 0
        tenant_id, modalities, source = row
        actor = system_actor("forwarding", tenant_id)
        wanted = [(rule, find_node(tx, tenant_id, rule.node_id)) for rule in rules_of(tx, tenant_id) if rule.enabled]
        if not wanted:
            return 0
        devices = _devices_of(tx, study_id)
        chosen = [(rule, node) for rule, node in wanted if applies(rule, node, modalities, devices, source)]
        return sum(_send_by(tx, actor, study_id, rule, node) for rule, node in chosen)


def _send_by(tx: Tx, actor: Actor, study_id: int, rule: Rule, node: Node) -> bool:
    """False when everything of the study has gone, or is going, by this rule."""
    row = tx.execute(
        "select coalesce(max(sent_through), 0), coalesce(bool_or(state in ('queued', 'sending', 'waiting')), false) "
        "from send where study_fk = %s and rule_id = %s and state <> 'cancelled'",
        (study_id, rule.id),
    ).fetchone()
    assert row is not None
    if row[1]:
        return False
    newest = tx.execute(
        "select max(i.id) from instance i join series se on se.id = i.series_fk where se.study_fk = %s", (study_id,)
    ).fetchone()
    if newest is None or newest[0] is None or newest[0] <= row[0]:
        return False
    request_send(tx, actor, study_id, node.id, rule_id=rule.id, sent_through=row[0])
    return True


def _devices_of(tx: Tx, study_id: int) -> list[int]:
    rows = tx.execute(
        "select distinct a.device_id from arrival a where a.device_id is not null and a.id in "
        "(select i.arrival_id from instance i join series se on se.id = i.series_fk where se.study_fk = %s)",
        (study_id,),
    )
    return [row[0] for row in rows]
