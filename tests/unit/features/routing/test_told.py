"""What becomes of sends is told: by alarms while they wait for long, and by the newest of them where a study has had many."""

from pathlib import Path
from uuid import UUID

from heliograph.engine.blobs import open_blobs
from heliograph.engine.db import Database
from heliograph.features import routing
from heliograph.features.access import Actor
from heliograph.features.archive import open_alarms
from heliograph.features.archive.alarms import look
from heliograph.features.routing import where
from heliograph.features.routing.model import BACK_OFF_S
from heliograph.kit.errors import Busy
from heliograph.kit.settings import Settings
from tests.phantoms import Shape
from tests.unit.features.routing.conftest import Put, slice_of


def asked(scratch: Database, actor: Actor, put: Put, shape: Shape, count: int = 1) -> list[UUID]:
    study = put(slice_of(shape, 1)).study_id
    assert study is not None
    with scratch.transaction() as tx:
        node = routing.add_node(tx, actor, f"node {shape.seed}", "PEER", "127.0.0.1", 104)
        return [routing.request_send(tx, actor, study, node["id"]) for _ in range(count)]


def test_a_send_that_waits_for_long_raises_an_alarm(
    scratch: Database, actor: Actor, put: Put, shape: Shape, tmp_path: Path
) -> None:
    (send_id,) = asked(scratch, actor, put, shape)
    blobs, settings = open_blobs("file", tmp_path), Settings(data=tmp_path, disk_warning_bytes=0, reserve_bytes=0)

    def attempt() -> bool:
        """One more that the node does not answer; whether there is an alarm then."""
        with scratch.transaction() as tx:
            send = routing.begin(tx, send_id)
            assert send is not None
            routing.put_off(tx, send, Busy("the other node refuses the connection", code="connect_refused"))
        look(scratch, blobs, settings)
        with scratch.transaction() as tx:
            return any("wait for a node" in one["message"] for one in open_alarms(tx, actor))

    told = [attempt() for _ in range(6)]
    assert told == [False] * 5 + [True]
    assert sum(BACK_OFF_S[:5]) > 3600
    with scratch.transaction() as tx:
        routing.cancel_send(tx, actor, send_id)
    look(scratch, blobs, settings)
    with scratch.transaction() as tx:
        assert not any("wait for a node" in one["message"] for one in open_alarms(tx, actor)), "it is over"
    blobs.close()


def test_of_many_sends_of_a_study_the_newest_are_told(scratch: Database, actor: Actor, put: Put, shape: Shape) -> None:
    *_, newest = asked(scratch, actor, put, shape, count=60)
    with scratch.transaction() as tx:
        tx.execute(
            "update send set state = 'done', finished_at = created_at where study_fk = (select study_fk from send where id = %s) and id <> %s",
            (newest, newest),
        )
        tx.execute(
            "update send set state = 'failed', error = 'no room there', finished_at = now() where id = %s", (newest,)
        )
        ((answer,), _) = where.answers(tx, actor, shape.study_uid)
        tx.execute("delete from send where study_fk = (select study_fk from send where id = %s)", (newest,))
    failed = [event for event in answer["events"] if event["code"] == "send_failed"]
    assert [event["values"]["error"] for event in failed] == ["no room there"]
