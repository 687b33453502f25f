"""The sealer: every committed row once, in one chain, under signed checkpoints that stand outside of the database too."""

import json
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from heliograph.engine.audit import Sealer, keys, record, seal, verifier
from heliograph.engine.audit.tree import stored_tree
from heliograph.engine.db import Database
from heliograph.kit.time import now
from tests.unit.engine.audit.logs import WHO, Log


@pytest.fixture(scope="module")
def log(new_url: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    made = Log(new_url(), tmp_path_factory.mktemp("audit") / "data")
    yield made
    made.close()


def holds(log: Log) -> verifier.Report:
    report = log.verify(witnesses=log.witness())
    assert report.findings == []
    return report


def test_what_is_committed_is_sealed_once(log: Log) -> None:
    log.write(5)
    assert log.checkpoint() == 5
    assert log.checkpoint() == 0
    report = holds(log)
    assert (report.events, report.checkpoints, report.waiting) == (5, 1, 0)


def test_a_row_that_commits_late_is_not_stepped_over(log: Log) -> None:
    with psycopg.connect(log.url) as slow:
        record(slow, 1, "slow", WHO, {})
        log.write(3)
        for _ in range(3):
            log.sealer.seal_once()
        before = holds(log).events
        slow.commit()
    assert log.sealer.seal_once() == 1
    assert holds(log).events == before + 1


def test_a_sealer_that_starts_anew_goes_on_where_the_last_one_ended(log: Log) -> None:
    log.write(300)  # more than a tile
    log.checkpoint()
    log.write(10)
    again = Sealer(log.database, log.data)
    assert again.seal_once(checkpoint=True) == 10
    log.write(7)
    assert log.sealer.seal_once(checkpoint=True) == 7, "the first one notices that it was overtaken"
    holds(log)


def test_the_stored_tree_is_the_tree_over_the_seals(log: Log) -> None:
    with log.database.transaction() as tx:
        leaves = [bytes(row[0]) for row in tx.execute("select leaf from audit_seal order by number")]
        assert len(leaves) > 256
        for size in (1, 2, 255, 256, 257, len(leaves)):
            assert stored_tree(tx, size).root() == verifier.root_of(leaves[:size])


def test_two_sealers_at_once_seal_each_row_once(log: Log) -> None:
    log.write(200)
    sealers = [Sealer(log.database, log.data) for _ in range(3)]
    counts: list[int] = []
    threads = [threading.Thread(target=lambda one=one: counts.append(one.seal_once())) for one in sealers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) + log.sealer.seal_once() == 200
    holds(log)


def test_a_round_that_fails_is_forgotten_whole(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write(4)

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Sealer, "_sign", fail)
        with pytest.raises(OSError):
            log.sealer.seal_once(checkpoint=True)
    assert log.sealer.seal_once(checkpoint=True) == 4
    holds(log)


def test_the_key_is_its_owners_alone(log: Log) -> None:
    path = log.data / "keys" / "audit.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_checkpoints_stand_in_a_further_file_too_and_a_lost_file_is_written_again(log: Log, tmp_path: Path) -> None:
    further = tmp_path / "elsewhere" / "checkpoints"
    sealer = Sealer(log.database, log.data, further_witness=str(further))
    log.write(1)
    sealer.seal_once(checkpoint=True)
    own = (log.data / "audit" / "checkpoints").read_text()
    assert further.read_text() == own
    further.write_text(own[:-40])  # a power cut tore the last line
    log.write(1)
    Sealer(log.database, log.data, further_witness=str(further)).seal_once(checkpoint=True)
    numbers = {json.loads(line)["number"] for line in further.read_text().splitlines() if line.endswith("}")}
    assert numbers == {
        json.loads(line)["number"] for line in (log.data / "audit" / "checkpoints").read_text().splitlines()
    }


def test_a_checkpoint_comes_after_a_minute_or_a_thousand_events(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write(1)
    log.checkpoint()
    count = holds(log).checkpoints
    log.write(1)
    log.sealer.seal_once()
    assert holds(log).checkpoints == count
    log.write(1000)
    log.sealer.seal_once()
    assert holds(log).checkpoints == count + 1
    log.write(1)
    later = now() + timedelta(days=1)
    with monkeypatch.context() as patched:
        patched.setattr(seal, "now", lambda: later)
        log.sealer.seal_once()
    assert holds(log).checkpoints == count + 2


def test_a_clock_that_goes_back_is_recorded(log: Log) -> None:
    """The test before left the last seal a day ahead."""
    log.write(1)
    assert log.checkpoint() == 2
    assert holds(log).findings == []
    with log.database.transaction() as tx:
        row = tx.execute(
            "select detail from audit_event where kind = 'audit.clock_back' order by id desc limit 1"
        ).fetchone()
    assert row is not None
    assert row[0]["from"] > row[0]["to"]


@pytest.mark.parametrize(
    "table", ["audit_event", "audit_seal", "audit_tile", "audit_key", "audit_checkpoint", "audit_receipt", "audit_log"]
)
@pytest.mark.parametrize("act", ["delete from {}", "truncate {} cascade", "update {} set {} = {}"])
def test_nobody_changes_a_row_by_the_way(scratch: Database, table: str, act: str) -> None:
    with scratch.transaction() as tx:
        column = tx.execute(
            "select column_name from information_schema.columns where table_name = %s and is_identity = 'NO' limit 1",
            (table,),
        ).fetchone()
    assert column is not None
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"), scratch.transaction() as tx:
        tx.execute(act.format(table, column[0], column[0]))


def test_a_restored_archive_signs_with_a_key_of_its_own_that_the_old_one_vouches_for(log: Log) -> None:
    """Neither the copy nor the archive that it was made of can pass as the other; no key has to be named to verify either."""
    log.write(3)
    log.checkpoint()
    folder = log.data / "keys"
    before = keys.signing_key(folder)
    keys.want_change(folder)
    cut_off = keys.next_key(folder)  # a start that was killed before the change stood in the log
    assert cut_off is not None
    again = Sealer(log.database, log.data)
    again.seal_once()
    log.write(2)
    again.seal_once(checkpoint=True)
    assert keys.signing_key(folder).fingerprint == cut_off.fingerprint
    assert keys.next_key(folder) is None
    assert (folder / f"audit-{before.fingerprint[:16]}.pem").stat().st_mode & 0o777 == 0o600
    report = holds(log)
    assert set(report.keys) >= {before.fingerprint, cut_off.fingerprint}
    assert verifier.read_checkpoint(checkpoints(log)[-1])["key"] == cut_off.fingerprint  # type: ignore[index]  # there is one: it was just written
    assert log.verify(pinned=[before.fingerprint]).findings == [], "who trusts the first trusts what it vouched for"
    assert log.verify(pinned=[cut_off.fingerprint]).findings, "and not the other way round"


def checkpoints(log: Log) -> list[str]:
    with psycopg.connect(log.url) as connection:
        return [row[0] for row in connection.execute("select body from audit_checkpoint order by number")]
