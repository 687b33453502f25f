"""Sends and rules against the database: everything goes, once, and what was corrected goes again."""

import threading
import time
from uuid import UUID

import pytest

from heliograph.engine.db import Database
from heliograph.features import routing
from heliograph.features.access import Actor
from heliograph.features.routing import Send
from heliograph.kit.errors import Busy
from tests.phantoms import Shape
from tests.unit.features.routing.conftest import Put, slice_of


@pytest.fixture
def rule(scratch: Database, actor: Actor, shape: Shape) -> UUID:
    with scratch.transaction() as tx:
        node = routing.add_node(tx, actor, f"node {shape.seed}", "PEER", "127.0.0.1", 104)
        made = routing.add_rule(tx, actor, name="all", node_id=UUID(node["id"]), modalities=[], device_ids=[])
    return UUID(made["id"])


def begun(scratch: Database, rule: UUID) -> Send:
    """The newest send of the rule, claimed by an attempt."""
    with scratch.transaction() as tx:
        row = tx.execute("select id from send where rule_id = %s order by id desc limit 1", (rule,)).fetchone()
        assert row is not None
        send = routing.begin(tx, row[0])
    assert send is not None
    return send


def first_send(scratch: Database, put: Put, shape: Shape, rule: UUID) -> Send:
    """Of a study of one object that has settled."""
    study = put(slice_of(shape, 1)).study_id
    assert study is not None
    routing.study_settled(scratch, study)
    return begun(scratch, rule)


def go(scratch: Database, send: Send) -> list[str]:
    """What an attempt brings to a node that takes everything."""
    with scratch.transaction() as tx:
        items = routing.outgoing(tx, send)
        through = items[-1].instance_id if items else send.sent_through
        assert routing.keep_progress(tx, send.id, done=len(items), failed=0, sent_through=through)
        routing.finish(tx, send, "done")
    return [item.sop_uid for item in items]


def kinds(scratch: Database, send: Send) -> list[str]:
    with scratch.transaction() as tx:
        rows = tx.execute("select kind from outbox where subject->>'send' = %s order by id", (str(send.id),))
        return [row[0] for row in rows]


def test_what_came_late_goes_alone(scratch: Database, put: Put, shape: Shape, rule: UUID) -> None:
    study = put(slice_of(shape, 1)).study_id
    assert study is not None
    assert routing.study_settled(scratch, study) == 1
    assert go(scratch, begun(scratch, rule)) == [shape.sop_uid(1)]
    assert routing.study_settled(scratch, study) == 0
    put(slice_of(shape, 2))
    assert routing.study_settled(scratch, study) == 1
    assert go(scratch, begun(scratch, rule)) == [shape.sop_uid(2)]


def test_guard_1_a_corrected_object_is_forwarded_again(scratch: Database, put: Put, shape: Shape, rule: UUID) -> None:
    put(slice_of(shape, 1))
    study = put(slice_of(shape, 2)).study_id
    assert study is not None
    routing.study_settled(scratch, study)
    assert go(scratch, begun(scratch, rule)) == [shape.sop_uid(1), shape.sop_uid(2)]
    assert put(slice_of(shape, 2, "CORRECTED")).kind == "newer"
    assert routing.study_settled(scratch, study) == 1
    assert shape.sop_uid(2) in go(scratch, begun(scratch, rule))


def test_guard_1_what_is_corrected_while_its_study_is_being_sent_goes_again(
    scratch: Database, put: Put, shape: Shape, rule: UUID
) -> None:
    send = first_send(scratch, put, shape, rule)
    study = send.study_id
    put(slice_of(shape, 1, "CORRECTED"))
    assert routing.study_settled(scratch, study) == 0, "one is under way"
    go(scratch, send)
    with scratch.transaction() as tx:
        asked = tx.execute(
            "select count(*) from procrastinate_jobs where task_name = 'study_settled' and (args->>'study_id')::bigint = %s",
            (study,),
        ).fetchone()
    assert asked == (1,), "it looks again when it ends"
    assert routing.study_settled(scratch, study, is_look_back=True) == 1
    assert go(scratch, begun(scratch, rule)) == [shape.sop_uid(1)]
    assert routing.study_settled(scratch, study, is_look_back=True) == 0, "once, not for ever"


def test_a_cancelled_send_is_not_told_as_finished_or_waiting(
    scratch: Database, put: Put, shape: Shape, rule: UUID, actor: Actor
) -> None:
    send = first_send(scratch, put, shape, rule)
    with scratch.transaction() as tx:
        routing.cancel_send(tx, actor, send.id)
        routing.put_off(tx, send, Busy("the node does not answer"))
        routing.finish(tx, send, "done")
    assert kinds(scratch, send) == []


def test_an_attempt_that_was_cancelled_does_not_write_over_what_was_asked_for_again(
    scratch: Database, put: Put, shape: Shape, rule: UUID, actor: Actor
) -> None:
    send = first_send(scratch, put, shape, rule)
    with scratch.transaction() as tx:
        routing.cancel_send(tx, actor, send.id)
        routing.resend(tx, actor, send.id)
        assert not routing.keep_progress(tx, send.id, done=1, failed=0, sent_through=2**40)
    assert go(scratch, begun(scratch, rule)) == [shape.sop_uid(1)]


def test_an_object_whose_number_was_drawn_earlier_but_came_later_goes_too(
    scratch: Database, put: Put, shape: Shape, rule: UUID
) -> None:
    send = first_send(scratch, put, shape, rule)
    with scratch.transaction() as slow:
        slow.execute(
            "insert into instance (tenant_id, series_fk, sop_uid, sop_class_uid, transfer_syntax_uid, size_bytes, prefix_bytes, "
            "header_bytes, sha256, blob, arrival_id, received_at) select tenant_id, series_fk, %s, sop_class_uid, transfer_syntax_uid, "
            "size_bytes, prefix_bytes, header_bytes, sha256, blob, arrival_id, received_at from instance where sop_uid = %s",
            (shape.sop_uid(2), shape.sop_uid(1)),
        )
        put(slice_of(shape, 3))
        gone: list[str] = []
        sender = threading.Thread(target=lambda: gone.extend(go(scratch, send)))
        sender.start()
        time.sleep(0.5)
    sender.join(150)
    assert gone == [shape.sop_uid(number) for number in (1, 2, 3)]
