"""No durable audit record, no access, save by the emergency journal: reading goes on while the disk is full, and every reading is recorded."""

import time
from pathlib import Path

import psycopg
import pytest

from tests import phantoms
from tests.faults.loop_image import LoopImage
from tests.peers import dicomweb
from tests.peers.heliograph import EMBEDDED, Server
from tests.phantoms import Shape

SHAPE = Shape(3, rows=64, columns=64, seed=9900, patient="FULL-1", name="Full^Fiona")
_READS = 150


def _recorded(server: Server) -> int:
    with psycopg.connect(server.database_url) as connection:
        row = connection.execute(
            "select count(*) from audit_event where kind = 'studies.searched' and detail->>'results' = '1'"
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.timeout(600)
def test_reading_goes_on_while_the_disk_is_full_and_every_reading_is_recorded(tmp_path: Path) -> None:
    with (
        LoopImage(size_mib=1000) as disk,
        Server(
            disk.mount / "data", env={"HELIOGRAPH_RESERVE_BYTES": "0"}, log=tmp_path / "server.log", database=EMBEDDED
        ) as server,
        server.client() as client,
    ):
        assert dicomweb.stow(client, phantoms.slices(SHAPE)).status_code == 200
        path = f"studies/{SHAPE.study_uid}/series/{SHAPE.series_uid}/instances/{SHAPE.sop_uid(1)}"
        with server.client() as viewer:
            before = dicomweb.retrieve(viewer, path)
        already = _recorded(server)
        ballast = disk.ballast(leave_bytes=4096)
        # The database still answers; what it can write ends within the pages that its tables have.
        answered = 0
        for _ in range(_READS):
            answer = client.post("/api/studies/search", json={"patient_id": "FULL-1"})
            assert answer.status_code in {200, 503}, answer.text
            if answer.status_code == 200:
                assert len(answer.json()["items"]) == 1
                answered += 1
        with server.client() as viewer:
            assert dicomweb.retrieve(viewer, path) == before
        in_log = _recorded(server) - already
        assert answered > in_log, "the disk was not full enough to say anything"
        assert answered == _READS, "the journal has room for all of them"
        ballast.unlink()
        deadline = time.monotonic() + 120
        while _recorded(server) - already < answered:
            assert time.monotonic() < deadline, (_recorded(server) - already, answered, server.log_tail())
            time.sleep(0.5)
        assert _recorded(server) - already == answered, "each once"
