"""A backup of a busy system restores to an identical archive: everything acknowledged before it began, consistent, and the same digest of digests."""

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydicom import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info

from tests.faults.ledger import Ledger, audit, introduce, send_again
from tests.faults.objects import Object, objects
from tests.peers import Dicom, dcmtk, processes
from tests.peers.association import Association
from tests.peers.heliograph import PROGRAM, Server

LANES = 4
BATCH = 40
BEFORE = 120
DURING = 40
COUNTERS = {
    "study.instance_count": "select count(*) from study st where instance_count <> (select count(*) from instance i join series se on se.id = i.series_fk where se.study_fk = st.id)",
    "study.series_count": "select count(*) from study st where series_count <> (select count(*) from series se where se.study_fk = st.id)",
    "study.bytes": "select count(*) from study st where bytes <> (select sum(size_bytes) from instance i join series se on se.id = i.series_fk where se.study_fk = st.id)",
    "study.held_count": "select count(*) from study st where held_count <> (select count(*) from held h where h.study_fk = st.id and h.state = 'held')",
    "series.instance_count": "select count(*) from series se where instance_count <> (select count(*) from instance i where i.series_fk = se.id)",
    "series.bytes": "select count(*) from series se where bytes <> (select sum(size_bytes) from instance i where i.series_fk = se.id)",
    "instance.version": "select count(*) from instance i where version <> 1 + (select count(*) from instance_version v where v.instance_fk = i.id)",
    "instance without arrival": "select count(*) from instance i where not exists (select 1 from arrival a where a.id = i.arrival_id)",
}


def _part10(one: Object) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = one.sop_class, one.sop_uid
    meta.TransferSyntaxUID, meta.ImplementationClassUID = one.transfer_syntax, "1.2.826.0.1.3680043.9.7433.7"
    out = DicomBytesIO()
    out.write(bytes(128) + b"DICM")
    write_file_meta_info(out, meta)
    return bytes(out.parent.getvalue()) + one.dataset


class Lane(threading.Thread):
    """One storescu after the other, each with a batch of new files over one association; what it says of each answer is written down."""

    def __init__(self, to: Dicom, number: int, folder: Path, stopping: threading.Event) -> None:
        super().__init__(daemon=True)
        self.to, self.folder, self.stopping = to, folder, stopping
        self.supply = objects(number, 90_000)
        self.sent: dict[str, Object] = {}
        self.acknowledged: set[str] = set()
        self.said: list[str] = []

    def run(self) -> None:
        while not self.stopping.is_set():
            self.folder.mkdir(parents=True)
            by_path = {str(self.folder / f"{i:04}.dcm"): one for i, one in enumerate(islice(self.supply, BATCH))}
            for path, one in by_path.items():
                Path(path).write_bytes(_part10(one))
                self.sent[one.sop_uid] = one
            self._store(by_path)
            for path in by_path:
                Path(path).unlink()
            self.folder.rmdir()

    def _store(self, by_path: dict[str, Object]) -> None:
        command = dcmtk.storescu_command(self.to, [self.folder], options=["-v"])
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as program:
            assert program.stdout is not None
            current = ""
            for line in program.stdout:
                if found := re.search(r"Sending file: (.*)", line):
                    current = found[1].strip()
                elif "Received Store Response (Success)" in line:
                    self.acknowledged.add(by_path[current].sop_uid)
                elif line.startswith(("E:", "F:", "W:")) or "Received Store Response" in line:
                    self.said.append(line)


@dataclass
class Doubts(threading.Thread):
    """Replacements from the same source, and objects that must be held: another source, another patient, garbage."""

    to: Dicom
    stopping: threading.Event
    replaced: dict[str, tuple[Object, Object]] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.supply = objects(77, 91_000)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        while not self.stopping.is_set():
            for first in islice(self.supply, 5):
                newer = replace(first, dataset=first.dataset[:-64] + bytes(64))
                foreign = replace(first, dataset=first.dataset[:-64] + b"\1" * 64)
                stranger = replace(first, dataset=newer.dataset.replace(b"Fault^Phantom", b"Other^Phantom"))
                assert self._store("HARNESS", first) == 0
                assert self._store("HARNESS", newer) == 0
                self.replaced[first.sop_uid] = (first, newer)
                for calling, one in (("ELSEWHERE", foreign), ("HARNESS", stranger)):
                    assert self._store(calling, one) != 0
                    self.held.append(one.digest)

    def _store(self, calling: str, one: Object) -> int:
        with Association.connect(self.to, [(one.sop_class, (one.transfer_syntax,))], calling=calling) as association:
            return association.store(one.sop_class, one.sop_uid, one.transfer_syntax, one.dataset).status


@dataclass
class Traffic:
    """Everything that arrives, as a context."""

    lanes: list[Lane]
    doubts: Doubts
    stopping: threading.Event

    def __enter__(self) -> "Traffic":
        for thread in (*self.lanes, self.doubts):
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in (*self.lanes, self.doubts):
            thread.join(240)
            assert not thread.is_alive(), "a sender hangs"

    @property
    def acknowledged(self) -> set[str]:
        return {uid for lane in self.lanes for uid in set(lane.acknowledged)}

    def wait_for(self, count: int, *, wait_s: float = 240) -> None:
        """Until so many more objects are acknowledged by every lane's storescu, and something was replaced and held."""
        wanted = [len(lane.acknowledged) + count // LANES for lane in self.lanes]
        replaced = len(self.doubts.replaced) + 3
        waited = threading.Event()
        for _ in range(int(wait_s / 0.05)):
            done = all(len(lane.acknowledged) >= least for lane, least in zip(self.lanes, wanted, strict=True))
            if done and len(self.doubts.replaced) >= replaced:
                return
            assert all(thread.is_alive() for thread in (*self.lanes, self.doubts)), "a sender ended"
            waited.wait(0.05)
        raise AssertionError(
            f"only {len(self.acknowledged)} acknowledged after {wait_s} s: {[lane.said[-3:] for lane in self.lanes]}"
        )


@pytest.fixture
def busy(fresh_server: Server, tmp_path: Path) -> Traffic:
    introduce(fresh_server)
    fresh_server.add_device("DCMTK")
    stopping = threading.Event()
    lanes = [Lane(fresh_server.dicom, number, tmp_path / f"lane{number}", stopping) for number in range(LANES)]
    return Traffic(lanes, Doubts(fresh_server.dicom, stopping), stopping)


@pytest.fixture
def restored(tmp_path: Path, fresh_server: Server) -> Iterator[Server]:
    """A server on a folder that does not exist yet; its secrets will be those of the backup."""
    other = Server(tmp_path / "restored")
    other._token = fresh_server.token
    try:
        yield other
    finally:
        other.close()


def _digest(text: str) -> str:
    found = re.search(r"digest ([0-9a-f]{64})", text)
    assert found, text
    return found[1]


def _restore(other: Server, folder: Path) -> str:
    words = ["restore", str(folder), "--data", str(other.data), *other.options]
    done = subprocess.run([str(PROGRAM), *words], check=False, capture_output=True, text=True, env=other.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same as the backup's" in done.stdout
    return _digest(done.stdout)


def _rows(server: Server, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.database_url) as connection:
        return connection.execute(sql).fetchall()


def _check_counters(server: Server) -> None:
    wrong = {name: count for name, sql in COUNTERS.items() if (count := _rows(server, sql)[0][0])}
    assert not wrong, f"rows whose counter is not what the tables hold: {wrong}"


def _ledger(traffic: Traffic, before: set[str]) -> Ledger:
    """What must be there, and what may be."""
    sent = {uid: one for lane in traffic.lanes for uid, one in lane.sent.items()}
    known = Ledger()
    known.acknowledged = {uid: sent[uid] for uid in before}
    known.open = {uid: one for uid, one in sent.items() if uid not in before}
    return known


def _check_replacements(server: Server, traffic: Traffic, before: set[str]) -> None:
    """A replacement that was acknowledged before the backup is the current version, and the older one is kept."""
    found = {
        uid: (bytes(sha).hex(), version)
        for uid, sha, version in _rows(server, "select sop_uid, sha256, version from instance")
    }
    older = {
        uid: bytes(sha).hex()
        for uid, sha in _rows(
            server, "select i.sop_uid, v.sha256 from instance_version v join instance i on i.id = v.instance_fk"
        )
    }
    for uid, (first, newer) in traffic.doubts.replaced.items():
        if uid in before:
            assert found[uid] == (newer.digest, 2)
        if uid in found:
            assert found[uid] in {(first.digest, 1), (newer.digest, 2)}
            assert (uid in older) == (found[uid][1] == 2)
    assert set(older.values()) <= {first.digest for first, _ in traffic.doubts.replaced.values()}


@pytest.mark.timeout(900)
def test_backup_of_a_busy_system_restores_to_an_identical_archive(
    fresh_server: Server, restored: Server, busy: Traffic, tmp_path: Path
) -> None:
    with busy:
        busy.wait_for(BEFORE)
        for attempt in range(5):  # all lanes may happen to be between two of their programs
            copy = tmp_path / f"copy{attempt}"
            before, replaced, held = busy.acknowledged, set(busy.doubts.replaced), list(busy.doubts.held)
            made = fresh_server.cli("backup", str(copy), timeout=400).stdout
            arrived_meanwhile = len(busy.acknowledged) - len(before)
            if arrived_meanwhile > LANES:
                break
        busy.wait_for(DURING)
    assert arrived_meanwhile > LANES, "nothing arrived while the backup ran"
    facts = json.loads((copy / "backup.json").read_text())
    assert facts["digest"] == _digest(made)
    assert facts["objects"] >= len(before) + 2 * len(replaced) + len(held)
    assert facts["objects"] < len(busy.acknowledged) + 2 * len(busy.doubts.replaced) + len(busy.doubts.held)

    assert _restore(restored, copy) == facts["digest"]
    restored.start()
    ledger = _ledger(busy, before)
    report = audit(restored, ledger)
    assert report.is_clean, str(report)
    assert report.compared >= len(before)
    _check_counters(restored)
    _check_replacements(restored, busy, replaced)
    assert set(held) <= {bytes(row[0]).hex() for row in _rows(restored, "select sha256 from held where state = 'held'")}
    verified = restored.verify()
    assert verified.returncode == 0, verified.stdout
    assert f"{facts['objects']} objects" in verified.stdout
    assert _digest(restored.cli("backup", str(tmp_path / "second"), timeout=400).stdout) == facts["digest"]

    again = send_again(restored.dicom, ledger, at_most=60)  # what the backup does not hold is taken now
    assert len(again.acknowledged) == min(60, len(ledger.open))
    fresh_server.stop()
    assert fresh_server.verify().returncode == 0


@pytest.mark.timeout(900)
def test_backup_renewed_and_killed_leaves_the_former_one(
    fresh_server: Server, restored: Server, busy: Traffic, tmp_path: Path
) -> None:
    """The second backup into a folder copies what is new; one that is killed at any step leaves the folder as good as it was."""
    copy = tmp_path / "copy"
    with busy:
        busy.wait_for(LANES)
        first = _digest(fresh_server.cli("backup", str(copy), timeout=400).stdout)
        busy.wait_for(DURING)
        second = _digest(fresh_server.cli("backup", str(copy), timeout=400).stdout)
        assert first != second
        before, replaced = busy.acknowledged, set(busy.doubts.replaced)
        renewed = _digest(fresh_server.cli("backup", str(copy), timeout=400).stdout)
        killed = 0
        for seconds in (0.4, 0.8, 1.2):
            if _is_killed_in_backup(fresh_server, copy, seconds):
                killed += 1
            else:  # it was quicker
                renewed = json.loads((copy / "backup.json").read_text())["digest"]
    assert killed > 0
    assert json.loads((copy / "backup.json").read_text())["digest"] == renewed
    assert _restore(restored, copy) == renewed
    restored.start()
    report = audit(restored, _ledger(busy, before))
    assert report.is_clean, str(report)
    _check_counters(restored)
    _check_replacements(restored, busy, replaced)
    last = fresh_server.cli("backup", str(copy), timeout=400).stdout
    assert _digest(last) != renewed
    assert [path.name for path in copy.glob("*.dump")] == [json.loads((copy / "backup.json").read_text())["dump"]]


def _is_killed_in_backup(server: Server, copy: Path, seconds: float) -> bool:
    """Whether the program still ran after so many seconds, and was killed."""
    command = [str(PROGRAM), "backup", str(copy), "--data", str(server.data)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=server.environment
    ) as program:
        try:
            program.wait(seconds)
        except subprocess.TimeoutExpired:
            processes.kill_all(processes.family("", None, program.pid))
            return True
    return False


def _store(server: Server, supply: list[Object]) -> None:
    with Association.connect(
        server.dicom, [(supply[0].sop_class, (supply[0].transfer_syntax,))], calling="HARNESS"
    ) as association:
        for one in supply:
            assert association.store(one.sop_class, one.sop_uid, one.transfer_syntax, one.dataset).status == 0


def _rot(folder: Path, one: Object) -> None:
    """One bit turns in silence: the file's time and size stay."""
    for segment in (path for path in (folder / "blobs").glob("*/*") if path.suffix in {".seg", ".open", ".part"}):
        data, facts = segment.read_bytes(), segment.stat()
        at = data.find(one.dataset[-2048:])
        if at >= 0:
            with segment.open("r+b") as file:
                file.seek(at + 1000)
                file.write(bytes([data[at + 1000] ^ 1]))
            os.utime(segment, ns=(facts.st_mtime_ns, facts.st_mtime_ns))
            return
    raise AssertionError("the object is in no segment")


@pytest.mark.timeout(600)
def test_what_is_left_of_a_damaged_backup_is_restored_and_told(
    fresh_server: Server, restored: Server, tmp_path: Path
) -> None:
    introduce(fresh_server)
    supply = list(islice(objects(5, 92_000), 6))
    _store(fresh_server, supply)
    fresh_server.cli("backup", str(tmp_path / "copy"))
    _rot(tmp_path / "copy", supply[3])
    words = ["restore", str(tmp_path / "copy"), "--data", str(restored.data), *restored.options]
    done = subprocess.run([str(PROGRAM), *words], check=False, capture_output=True, text=True, env=restored.environment)
    assert done.returncode == 1
    assert "1 of 6 objects do not compare" in done.stderr
    restored.start()
    verified = restored.verify()
    assert verified.returncode == 1
    assert verified.stdout.count("digest_differs") == 1
    assert supply[3].sop_uid in verified.stdout


@pytest.mark.timeout(600)
def test_a_copy_that_has_rotted_is_made_anew_and_a_rotten_archive_is_backed_up_and_told(
    fresh_server: Server, tmp_path: Path
) -> None:
    introduce(fresh_server)
    supply = list(islice(objects(6, 93_000), 6))
    _store(fresh_server, supply)
    fresh_server.stop()  # its segments are laid down: a copy of them is never looked at again but by comparing
    copy = tmp_path / "copy"
    good = _digest(fresh_server.cli("backup", str(copy)).stdout)
    _rot(copy, supply[2])
    assert _digest(fresh_server.cli("backup", str(copy)).stdout) == good
    assert json.loads((copy / "backup.json").read_text())["damaged"] == 0
    _rot(fresh_server.data, supply[4])
    again = fresh_server.cli("backup", str(tmp_path / "other"), check=False)
    assert (again.returncode, json.loads((tmp_path / "other" / "backup.json").read_text())["damaged"]) == (1, 1)
    assert "1 of 6 objects do not compare" in again.stderr
