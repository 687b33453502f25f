"""The database goes away in the middle of receiving and comes back: senders may have to repeat, nobody has to mend."""

import time
from pathlib import Path

import pytest

from tests.faults.ledger import Senders, audit, introduce, send_again
from tests.faults.objects import objects
from tests.peers import processes
from tests.peers.heliograph import EMBEDDED, Server
from tests.peers.postgres import Postgres

SENDERS = 4


def _goes_on(server: Server, senders: Senders, *, wait_s: float) -> None:
    at = senders.ledger.count
    senders.wait_for(at + 40, wait_s=wait_s)
    server.wait_ready()


def _audited(server: Server, senders: Senders) -> None:
    senders.ledger.absorb(send_again(server.dicom, senders.ledger))
    report = audit(server, senders.ledger)
    assert report.is_clean, str(report)


@pytest.mark.timeout(900)
def test_the_embedded_database_killed_under_load_comes_back_by_itself(
    tmp_path: Path,
) -> None:
    with Server(tmp_path / "data", database=EMBEDDED) as server:
        introduce(server)
        with Senders(server.dicom, [objects(lane, 1) for lane in range(SENDERS)], reconnect=True) as senders:
            senders.wait_for(30)
            before = set(server.database_pids())
            server.kill_database()
            _goes_on(server, senders, wait_s=180)
            assert server.process is not None
            assert server.process.poll() is None, "the supervisor ended"
            assert not before & set(server.database_pids())
        _audited(server, senders)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_an_external_database_restarted_under_load(tmp_path: Path, mode: str) -> None:
    with Postgres() as postgres, Server(tmp_path / "data", database=postgres.new_database()) as server:
        introduce(server)
        with Senders(server.dicom, [objects(lane, 2) for lane in range(SENDERS)], reconnect=True) as senders:
            senders.wait_for(30)
            postgres.restart(mode=mode)
            _goes_on(server, senders, wait_s=180)
        _audited(server, senders)


@pytest.mark.timeout(900)
def test_a_receiving_process_killed_together_with_the_database_comes_back_whole(tmp_path: Path) -> None:
    """Its memory of what it acknowledged is gone with it; its segments are not, and its successor reads them before it listens."""
    with Server(tmp_path / "data", database=EMBEDDED) as server:
        introduce(server)
        with Senders(server.dicom, [objects(lane, 7) for lane in range(SENDERS)], reconnect=True) as senders:
            senders.wait_for(30)
            for _ in range(3):
                _kill_receivers(server)
                server.kill_database()
                _goes_on(server, senders, wait_s=180)
            assert server.process is not None
            assert server.process.poll() is None, "the supervisor ended"
        _audited(server, senders)


def _kill_receivers(server: Server) -> None:
    """At least one: under load a successor of the last one may not be there yet."""
    deadline = time.monotonic() + 60
    while not (found := [pid for pid in server.pids() if b"roles\0dimse" in processes.arguments_of(pid)]):
        assert time.monotonic() < deadline, "no receiving process"
        time.sleep(0.05)
    processes.kill_all(found)
