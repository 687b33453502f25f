"""What the worker process calls: rules on settled studies, sends whose time has come."""

from datetime import timedelta

from heliograph.engine.db import Database, Tx
from heliograph.features.access import Actor, system_actor
from heliograph.features.routing.model import Node, Rule, applies
from heliograph.features.routing.nodes import find_node
from heliograph.features.routing.rules import rules_of
from heliograph.features.routing.sends import request_send, wake

__all__ = ["study_settled", "wake"]

_JUST_BEFORE = timedelta(seconds=20)  # what had come but was not yet committed when the last send was asked for


def study_settled(database: Database, study_id: int, *, is_look_back: bool = False) -> int:
    """Asks for a send by every rule that applies; the count. A study that settles again sends what is new or was corrected.

    `is_look_back`: a send has just ended, and only what came since it was asked for matters.
    """
    margin = timedelta(0) if is_look_back else _JUST_BEFORE
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
        return sum(_send_by(tx, actor, study_id, rule, node, margin) for rule, node in chosen)


def _send_by(tx: Tx, actor: Actor, study_id: int, rule: Rule, node: Node, margin: timedelta) -> bool:
    """False when everything of the study has gone, or is going, by this rule."""
    row = tx.execute(
        "select coalesce(max(sent_through), 0), coalesce(bool_or(state in ('queued', 'sending', 'waiting')), false), max(created_at) "
        "from send where study_fk = %s and rule_id = %s and state <> 'cancelled'",
        (study_id, rule.id),
    ).fetchone()
    assert row is not None
    through, is_open, asked_at = row
    if is_open:  # it looks again when it ends
        return False
    # A corrected object keeps its number: the send begins before it, and the node recognises what it has.
    first = tx.execute(
        "select min(i.id) from instance i join series se on se.id = i.series_fk where se.study_fk = %s "
        "and (i.id > %s or (i.version > 1 and i.received_at > %s))",
        (study_id, through, asked_at and asked_at - margin),
    ).fetchone()
    if first is None or first[0] is None:
        return False
    request_send(tx, actor, study_id, node.id, rule_id=rule.id, sent_through=min(through, first[0] - 1))
    return True


def _devices_of(tx: Tx, study_id: int) -> list[int]:
    rows = tx.execute(
        "select distinct a.device_id from arrival a where a.device_id is not null and a.id in "
        "(select i.arrival_id from instance i join series se on se.id = i.series_fk where se.study_fk = %s)",
        (study_id,),
    )
    return [row[0] for row in rows]
