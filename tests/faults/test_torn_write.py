"""Torn tails and flipped bits: what a crash leaves behind is set aside at the next start, what rots is found by `verify`."""

import contextlib
import os
import random
import time
from pathlib import Path
from typing import BinaryIO

import httpx

from tests.faults.ledger import Ledger, Senders, audit, introduce, send_again
from tests.faults.objects import Object, objects
from tests.peers import dicomweb, part10
from tests.peers.heliograph import Server

BLOCK = 512
SENDERS = 2


def _filled(server: Server, count: int, seed: int) -> Ledger:
    with Senders(server.dicom, [objects(lane, seed) for lane in range(SENDERS)]) as senders:
        senders.wait_for(count)
    senders.ledger.absorb(send_again(server.dicom, senders.ledger))
    return senders.ledger


def _segments(server: Server) -> list[Path]:
    found = sorted(
        path for path in (server.data / "blobs").rglob("*") if path.is_file() and path.stat().st_size > BLOCK
    )
    assert found, "no blob file: where are the bytes?"
    return found


def _tail(path: Path) -> int:
    """The offset after the last block that is not empty; segments are allocated ahead."""
    data = path.read_bytes()
    return (len(data.rstrip(b"\0")) + BLOCK - 1) // BLOCK * BLOCK


def _audited(server: Server, ledger: Ledger) -> None:
    report = audit(server, ledger)
    assert report.is_clean, str(report)


def test_half_a_record_at_the_end_of_a_segment_is_set_aside(fresh_server: Server) -> None:
    """The head of a record is there, its bytes are not: as if the disk had written the one before the other."""
    introduce(fresh_server)
    ledger = _filled(fresh_server, 20, 1)
    fresh_server.kill(database=True)
    for path in _segments(fresh_server):
        end = _tail(path)
        if end == 0:
            continue
        whole = path.read_bytes()[: 4 * BLOCK]
        with path.open("r+b") as file:
            file.seek(end)
            file.write(whole[: 2 * BLOCK] + os.urandom(700))
    fresh_server.start()
    _audited(fresh_server, ledger)
    ledger.absorb(_filled(fresh_server, 20, 2))
    fresh_server.restart()
    _audited(fresh_server, ledger)
    verified = fresh_server.verify()
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_rubbish_in_the_spool_and_beside_the_segments_does_not_stop_the_start(fresh_server: Server) -> None:
    introduce(fresh_server)
    ledger = _filled(fresh_server, 10, 3)
    fresh_server.kill(database=True)
    folder = _segments(fresh_server)[-1].parent
    (folder / "99999999deadbeef.open").write_bytes(b"")
    (folder / "99999998deadbeef.open").write_bytes(os.urandom(100_000))
    (folder / "not-a-segment").write_bytes(b"left by a person")
    fresh_server.start()
    _audited(fresh_server, ledger)
    ledger.absorb(_filled(fresh_server, 10, 4))
    _audited(fresh_server, ledger)


def test_rot_in_an_unsealed_segment_costs_one_object(fresh_server: Server) -> None:
    """Recovery reads on behind a record whose digest fails: those after it were acknowledged too."""
    introduce(fresh_server)
    ledger = _filled(fresh_server, 40, 6)
    fresh_server.kill(database=True)
    one = sorted(ledger.acknowledged.values(), key=lambda one: one.sop_uid)[len(ledger.acknowledged) // 4]
    _flip_a_bit_of(fresh_server, one)
    fresh_server.start()
    others = Ledger(acknowledged={uid: it for uid, it in ledger.acknowledged.items() if it.study_uid != one.study_uid})
    assert len(others.acknowledged) > 10
    _audited(fresh_server, others)
    neighbours = {
        uid for uid, it in ledger.acknowledged.items() if it.study_uid == one.study_uid and uid != one.sop_uid
    }
    with fresh_server.client() as client:
        back = {uid for uid in neighbours if _comes_back(client, ledger.acknowledged[uid])}
    assert back == neighbours


def _opened_at(server: Server, one: Object) -> BinaryIO:
    """Its segment, standing at its data set; a server that runs may seal a segment and so rename it under our eyes."""
    for _ in range(50):
        with contextlib.suppress(FileNotFoundError):
            for path in _segments(server):
                file = path.open("r+b")
                if (at := file.read().find(one.dataset)) >= 0:
                    file.seek(at)
                    return file
                file.close()
        time.sleep(0.1)
    raise AssertionError("the object stands in no segment")


def _flip_a_bit_of(server: Server, one: Object) -> None:
    with _opened_at(server, one) as file:
        file.seek(len(one.dataset) - 100, os.SEEK_CUR)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 0x10]))


def _comes_back(client: httpx.Client, one: Object) -> bool:
    path = f"studies/{one.study_uid}/series/{one.series_uid}/instances/{one.sop_uid}"
    return part10.split(dicomweb.retrieve(client, path)[0]).digest == one.digest


def test_verify_finds_a_single_flipped_bit(fresh_server: Server) -> None:
    """Guard: storage that rots is noticed and named, never served in silence for ever."""
    introduce(fresh_server)
    ledger = _filled(fresh_server, 12, 5)
    assert fresh_server.verify().returncode == 0
    one = random.Random(7).choice(sorted(ledger.acknowledged.values(), key=lambda one: one.sop_uid))
    _flip_a_bit_of(fresh_server, one)
    found = fresh_server.verify()
    assert found.returncode != 0
    assert one.sop_uid in found.stdout + found.stderr


def test_lost_segments_do_not_keep_the_doors_closed(fresh_server: Server) -> None:
    """Whoever asks for a lost object is told; everybody else works on."""
    introduce(fresh_server)
    ledger = _filled(fresh_server, 10, 6)
    fresh_server.stop()
    for path in _segments(fresh_server):
        path.unlink()
    fresh_server.start()
    lost, fresh = next(iter(ledger.acknowledged.values())), objects(0, 7)
    promised = _filled(fresh_server, 10, 7).acknowledged
    with fresh_server.client() as client:
        for one, status in ((lost, 500), (next(item for item in fresh if item.sop_uid in promised), 200)):
            path = f"/dicom-web/studies/{one.study_uid}/series/{one.series_uid}/instances/{one.sop_uid}"
            answer = client.get(path, headers={"Accept": 'application/dicom; transfer-syntax="*"'})
            assert answer.status_code == status, answer.text[:500]
    assert fresh_server.verify().returncode != 0
