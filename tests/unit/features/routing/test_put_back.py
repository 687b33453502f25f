"""A send and its place in the queue."""

from heliograph.engine.db import Database
from heliograph.features import routing
from heliograph.features.access import Actor
from tests.phantoms import Shape
from tests.unit.features.routing.conftest import Put, slice_of


def test_a_send_that_no_queue_holds_is_queued_again(scratch: Database, put: Put, shape: Shape, actor: Actor) -> None:
    """Its work failed too often, or was lost: nobody would ever have looked at it again."""
    study = put(slice_of(shape, 1)).study_id
    assert study is not None
    with scratch.transaction() as tx:
        node = routing.add_node(tx, actor, f"node {shape.seed}", "PEER", "127.0.0.1", 104)
        send_id = routing.request_send(tx, actor, study, node["id"])
        send = routing.begin(tx, send_id)
    assert send is not None

    def entries() -> int:
        with scratch.transaction() as tx:
            row = tx.execute(
                "select count(*) from procrastinate_jobs where args->>'send_id' = %s and status = 'todo'",
                (str(send.id),),
            ).fetchone()
            assert row is not None
            return int(row[0])

    routing.put_back(scratch)
    assert entries() == 1, "it stands in the queue"
    with scratch.transaction() as tx:
        tx.execute(
            "update procrastinate_jobs set status = 'failed' where args->>'send_id' = %s and status = 'todo'",
            (str(send.id),),
        )
    assert entries() == 0
    routing.put_back(scratch)
    assert entries() == 1
    with scratch.transaction() as tx:
        assert routing.begin(tx, send.id) is not None
        routing.finish(tx, send, "done")
        tx.execute(
            "update procrastinate_jobs set status = 'failed' where args->>'send_id' = %s and status = 'todo'",
            (str(send.id),),
        )
    routing.put_back(scratch)
    assert entries() == 0, "what has ended is left alone"
