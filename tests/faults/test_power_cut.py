"""A power cut in the middle of receiving: the file system forgets whatever was not synced, the journal is not flushed.

The whole data folder, PostgreSQL included, lies on the image that is cut. The same harness finds losses in servers that
acknowledge before their index is synced, so a clean result is not for want of looking.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.ledger import Ledger, Senders, audit, introduce, send_again
from tests.faults.loop_image import LoopImage
from tests.faults.objects import objects
from tests.peers.heliograph import EMBEDDED, Server

CUTS = int(os.environ.get("POWER_CUTS", "3"))
SEED = int(os.environ.get("FAULT_SEED", str(random.SystemRandom().randrange(100_000))))
SENDERS = 4
BY_HTTP = 2


class House:
    """A server whose whole folder is on one disk."""

    def __init__(self, disk: LoopImage, log: Path) -> None:
        self.disk = disk
        reserve = {"HELIOGRAPH_RESERVE_BYTES": str(64 << 20)}
        self.server = Server(disk.mount / "data", env=reserve, log=log, database=EMBEDDED)
        self.ledger = Ledger()
        self.cuts = self.promised = 0

    def cut(self, promises: Ledger) -> None:
        """Power first, then the processes: what they still write goes nowhere, what they still say is not heard."""
        promises.freeze()
        self.disk.power_off()
        self.server.kill(database=True)
        self.disk.power_on()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with LoopImage(size_mib=3000) as disk:
        house = House(disk, tmp_path_factory.mktemp("power") / "server.log")
        try:
            house.server.start()
            introduce(house.server)
            yield house
        finally:
            house.server.kill(database=True)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(CUTS))
def test_a_power_cut_while_receiving_loses_nothing(house: House, number: int) -> None:
    server, dice = house.server, random.Random(f"{SEED}/{number}")
    server.start_unless_running()
    lanes = [objects(lane, SEED + number) for lane in range(SENDERS + BY_HTTP)]
    with Senders(server.dicom, lanes[:SENDERS], by_http=(server, lanes[SENDERS:])) as senders:
        senders.wait_for(dice.randrange(1, 150))
        time.sleep(dice.uniform(0, 0.5))
        house.cut(senders.ledger)
    told = f"seed {SEED}, cut {number}, {senders.ledger.count} acknowledged, {len(senders.ledger.open)} open"
    server.start()
    report = audit(server, senders.ledger)
    assert report.is_clean, f"{told}: {report}"
    house.cuts, house.promised = house.cuts + 1, house.promised + senders.ledger.count
    senders.ledger.absorb(send_again(server.dicom, senders.ledger))
    report = audit(server, senders.ledger)
    assert report.is_clean, f"{told}, sent again: {report}"
    house.ledger.absorb(senders.ledger)


@pytest.mark.timeout(900)
def test_after_all_cuts_the_archive_is_whole(house: House, figures: Callable[[str], None]) -> None:
    house.server.start_unless_running()
    report = audit(house.server, house.ledger)
    figures(
        f"power cut: {house.cuts} of {CUTS} without loss (seed {SEED}), {house.promised} objects acknowledged before a cut; "
        f"at the end {len(report.missing)} of {house.ledger.count} missing, {len(report.altered)} altered"
    )
    assert report.is_clean, f"seed {SEED}: {report}"
    verified = house.server.verify()
    assert verified.returncode == 0, verified.stdout + verified.stderr
