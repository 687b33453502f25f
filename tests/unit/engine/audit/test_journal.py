"""The emergency journal: durable where nothing else can be written, brought into the log once, refusing when it cannot promise."""

import contextlib
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from heliograph.engine.audit import journal as module
from heliograph.engine.audit.journal import Journal
from heliograph.engine.db import Database
from heliograph.kit.errors import Busy
from tests.faults.loop_image import LoopImage
from tests.unit.engine.audit.logs import WHO


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = Journal(tmp_path / "audit" / "journal", slots=20)
    made.prepare()
    return made


@pytest.fixture(scope="module")
def written(new_url: Callable[[], str]) -> Iterator[Database]:
    made = Database(new_url(), name="journal-tests", max_connections=4)
    made.open()
    yield made
    made.close()


def write(journal: Journal, number: int = 1) -> None:
    journal.write(1, "study.read", WHO, {"study": number}, "success", {"door": "api"})


def log(written: Database) -> list[tuple[object, ...]]:
    with written.transaction() as tx:
        return tx.execute(
            "select kind, subject->>'study', actor, outcome, detail->>'door' from audit_event order by id"
        ).fetchall()


def fill(path: Path) -> None:
    """To the last byte."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass


def test_records_come_into_the_log_once_with_the_instant_at_which_they_happened(
    journal: Journal, written: Database
) -> None:
    for number in range(3):
        write(journal, number)
    assert journal.count() == 3
    before = len(log(written))
    assert journal.bring_in(written) == 3
    assert journal.count() == 0
    assert journal.bring_in(written) == 0
    *rows, imported = log(written)[before:]
    assert rows == [("study.read", str(number), WHO, "success", "api") for number in range(3)]
    assert imported[0] == "audit.journal_imported"
    with written.transaction() as tx:
        (late,) = tx.execute("select count(*) from audit_event where detail ? 'journal' and at > now()").fetchone() or (
            None,
        )
    assert late == 0


def test_a_crash_between_the_log_and_the_journal_writes_nothing_twice(
    journal: Journal, written: Database, tmp_path: Path
) -> None:
    write(journal)
    whole = (tmp_path / "audit" / "journal").read_bytes()
    assert journal.bring_in(written) == 1
    (tmp_path / "audit" / "journal").write_bytes(whole)
    assert journal.bring_in(written) == 0
    assert journal.count() == 0


def test_a_full_journal_refuses(journal: Journal, written: Database) -> None:
    for number in range(20):
        write(journal, number)
    with pytest.raises(Busy, match="full") as refused:
        write(journal)
    assert refused.value.code == "audit_unavailable"
    assert journal.bring_in(written) == 20
    write(journal)


def test_without_its_file_it_refuses(tmp_path: Path) -> None:
    with pytest.raises(Busy, match="cannot be written"):
        write(Journal(tmp_path / "nowhere" / "journal"))


def test_a_broken_head_refuses_and_a_torn_record_is_counted(
    journal: Journal, written: Database, tmp_path: Path
) -> None:
    path = tmp_path / "audit" / "journal"
    write(journal, 1)
    write(journal, 2)
    data = bytearray(path.read_bytes())
    data[1024 + 20] ^= 1
    path.write_bytes(data)
    assert journal.bring_in(written) == 1
    with written.transaction() as tx:
        row = tx.execute(
            "select detail->>'unreadable' from audit_event where kind = 'audit.journal_imported' order by id desc limit 1"
        ).fetchone()
    assert row == ("1",)
    path.write_bytes(b"nonsense" + data[8:])
    with pytest.raises(Busy):
        write(journal)


def test_many_threads_and_processes_lose_nothing(journal: Journal, tmp_path: Path, written: Database) -> None:
    other = Journal(tmp_path / "audit" / "journal", slots=20)  # as another process: its own thread lock, the same file
    threads = [threading.Thread(target=write, args=(one, n)) for n, one in enumerate([journal, other] * 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    before = len(log(written))
    assert journal.bring_in(written) == 20
    assert sorted(int(str(row[1])) for row in log(written)[before:-1]) == list(range(20))


def test_a_long_record_is_shortened_and_keeps_who_what_and_when(journal: Journal, written: Database) -> None:
    journal.write(1, "studies.searched", WHO, {"study_uid": "1." * 32}, "success", {"keys": ["PatientName"] * 200})
    before = len(log(written))
    assert journal.bring_in(written) == 1
    assert log(written)[before][0] == "studies.searched"
    assert log(written)[before][2] == WHO


def test_it_is_its_owners_alone_and_made_once(journal: Journal, tmp_path: Path) -> None:
    path = tmp_path / "audit" / "journal"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write(journal)
    journal.prepare()
    assert journal.count() == 1
    assert [one.name for one in path.parent.iterdir()] == ["journal"]


def test_a_disk_without_a_byte_left_takes_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a real file system that is full: another file fails, the journal does not; made too late, it refuses."""
    with LoopImage(size_mib=40) as disk:
        journal = Journal(disk.mount / "audit" / "journal", slots=2000)
        journal.prepare()
        fill(disk.mount / "ballast")
        with pytest.raises(OSError):
            (disk.mount / "other").write_bytes(bytes(65536))
        for number in range(1000):
            write(journal, number)
        assert journal.count() == 1000
        late = Journal(disk.mount / "audit" / "late")
        late.prepare()
        with pytest.raises(Busy):
            write(late)


def test_a_database_that_refuses_leaves_the_records_where_they_are(
    journal: Journal, written: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(journal)

    def refuse(*_: object) -> int:
        raise psycopg.errors.DiskFull

    with monkeypatch.context() as patched:
        patched.setattr(module, "_import", refuse)
        with pytest.raises(Busy):
            journal.bring_in(written)
    assert journal.count() == 1
    assert journal.bring_in(written) == 1
