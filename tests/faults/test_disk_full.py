"""A disk that fills up: senders are told A700 while there is still room to work, and everything acknowledged stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import phantoms
from tests.faults.ledger import Senders, audit, introduce, send_again
from tests.faults.loop_image import LoopImage
from tests.faults.objects import objects
from tests.peers import dicomweb
from tests.peers.association import IMPLICIT, VERIFICATION, Association
from tests.peers.heliograph import EMBEDDED, Server

MIB = 1 << 20


@pytest.fixture
def disk() -> Iterator[LoopImage]:
    with LoopImage(size_mib=1500) as disk:
        yield disk


def _server(disk: LoopImage, tmp_path: Path, *, reserve_mib: int) -> Server:
    reserve = {"HELIOGRAPH_RESERVE_BYTES": str(reserve_mib * MIB)}
    return Server(disk.mount / "data", env=reserve, log=tmp_path / "server.log", database=EMBEDDED)


@pytest.mark.timeout(900)
def test_below_the_reserve_senders_hear_a700_and_keep_their_association(disk: LoopImage, tmp_path: Path) -> None:
    with _server(disk, tmp_path, reserve_mib=200) as server:
        introduce(server)
        ballast = disk.ballast(leave_bytes=260 * MIB)
        with Senders(server.dicom, [objects(lane, 1) for lane in range(4)]) as senders:
            senders.wait_until(lambda: len(senders.ledger.refused) >= 20, "refusals", wait_s=180)
        ledger = senders.ledger
        assert {status & 0xFF00 for status in ledger.refused.values()} == {0xA700}
        assert ledger.lost_wires == 0, "out of resources is an answer, not an abort"
        assert disk.free_bytes > 100 * MIB
        with Association.connect(server.dicom, [(VERIFICATION, (IMPLICIT,))], calling="HARNESS") as association:
            assert association.echo() == 0
        with server.client() as client:
            refused = dicomweb.stow(client, phantoms.slices(phantoms.Shape(1, rows=64, columns=64)))
            assert refused.status_code in {503, 507}
        report = audit(server, ledger)
        assert report.is_clean, str(report)
        ballast.unlink()
        ledger.absorb(send_again(server.dicom, ledger))
        report = audit(server, ledger)
        assert report.is_clean, str(report)


@pytest.mark.timeout(900)
def test_a_disk_filled_by_somebody_else_loses_nothing(disk: LoopImage, tmp_path: Path) -> None:
    """The reserve is no help when another program takes the last byte: then the write itself fails."""
    with _server(disk, tmp_path, reserve_mib=0) as server:
        introduce(server)
        with Senders(server.dicom, [objects(lane, 2) for lane in range(4)], reconnect=True) as senders:
            senders.wait_for(30)
            ballast = disk.ballast(leave_bytes=4096)
            senders.wait_until(lambda: bool(senders.ledger.refused) or senders.ledger.lost_wires > 0, "failures")
        ledger = senders.ledger
        assert {status & 0xFF00 for status in ledger.refused.values()} <= {0xA700}
        ballast.unlink()
        server.wait_ready()
        report = audit(server, ledger)
        assert report.is_clean, str(report)
        ledger.absorb(send_again(server.dicom, ledger))
        report = audit(server, ledger)
        assert report.is_clean, str(report)
