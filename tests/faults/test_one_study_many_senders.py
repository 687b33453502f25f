"""One study over eight associations at once, in two receiving processes, every object from several senders and some with two contents:
counters, rows and bytes agree afterwards, and nobody is told a lie."""

import random
import threading
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from tests.faults.ledger import _by_wado, _indexed
from tests.faults.objects import Object, objects
from tests.peers import Dicom
from tests.peers.association import Association
from tests.peers.heliograph import Server

SENDERS = 8
COPIES = 3


def _send(to: Dicom, share: list[Object], statuses: "list[int]", start: threading.Barrier) -> None:
    with Association.connect(to, [(share[0].sop_class, (share[0].transfer_syntax,))], calling="HARNESS") as association:
        start.wait(120)
        for one in share:
            statuses.append(association.store(one.sop_class, one.sop_uid, one.transfer_syntax, one.dataset).status)


def _changed(one: Object) -> Object:
    """The same instance with another last pixel."""
    return Object(one.study_uid, one.series_uid, one.sop_uid, one.dataset[:-1] + bytes([one.dataset[-1] ^ 1]))


def _shares(study: list[Object], dice: random.Random) -> list[list[Object]]:
    shares: list[list[Object]] = [[] for _ in range(SENDERS)]
    for number, one in enumerate(study):
        for copy, lane in enumerate(dice.sample(range(SENDERS), COPIES)):
            shares[lane].append(_changed(one) if number % 5 == 0 and copy == 0 else one)
    for share in shares:
        dice.shuffle(share)
    return shares


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_study_from_eight_senders_with_copies(tmp_path: Path, seed: int) -> None:
    study = list(islice(objects(0, 7000 + seed), 25))
    shares = _shares(study, random.Random(seed))
    statuses: list[int] = []
    with Server(tmp_path / "data", env={"HELIOGRAPH_DIMSE_PROCESSES": "2"}) as server:
        server.add_device("HARNESS")
        start = threading.Barrier(SENDERS)
        threads = [threading.Thread(target=_send, args=(server.dicom, share, statuses, start)) for share in shares]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(240)
        assert Counter(statuses) == {0: COPIES * len(study)}, "one source: every copy is stored, identical or newer"
        with server.client() as client:
            uid = study[0].study_uid
            stored = _by_wado(client, uid)
            assert set(stored) == {one.sop_uid for one in study} == _indexed(client, uid)
            for number, one in enumerate(study):
                assert stored[one.sop_uid] in {one.digest, _changed(one).digest if number % 5 == 0 else one.digest}
            row = (
                client.post("/api/studies/search", json={"text": uid, "limit": 5}).raise_for_status().json()["items"][0]
            )
            parts = client.get(
                f"/dicom-web/studies/{uid}",
                headers={"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'},
            )
        assert (row["instance_count"], row["series_count"], row["held_count"]) == (len(study), 1, 0)
        assert 0 <= len(parts.content) - row["bytes"] < 400 * len(study), (
            "the counter of bytes is the bytes, without part heads"
        )
        assert server.verify().returncode == 0
