"""A database that refuses nothing and answers nothing, as behind a dead network or on a disk that stands still: senders are told."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.faults.ledger import Ledger, audit, file_of, introduce, send_again
from tests.faults.objects import Object, objects
from tests.peers import dicomweb
from tests.peers.association import Association
from tests.peers.heliograph import EMBEDDED, Server


@pytest.mark.timeout(900)
def test_a_database_that_hangs_is_an_honest_failure_within_a_minute_and_loses_nothing(tmp_path: Path) -> None:
    with Server(tmp_path / "data", database=EMBEDDED) as server:
        introduce(server)
        supply, ledger = objects(0, 8), Ledger()
        first = next(supply)
        with Association.connect(
            server.dicom, [(first.sop_class, (first.transfer_syntax,))], calling="HARNESS", timeout=120
        ) as association:

            def store(one: Object) -> tuple[int, float]:
                ledger.sending(one)
                began = time.monotonic()
                status = association.store(one.sop_class, one.sop_uid, one.transfer_syntax, one.dataset).status
                ledger.answered(one, status)
                return status, time.monotonic() - began

            assert [store(one)[0] for one in (first, *islice(supply, 4))] == [0] * 5
            hit = list(islice(supply, 2))
            with _hanging(server):
                for one in hit:
                    status, seconds = store(one)
                    assert (status, seconds < 60) == (0xA700, True)
            assert [_until_stored(store, one) for one in (*hit, *islice(supply, 3))] == [0] * 5
        ledger.absorb(send_again(server.dicom, ledger))
        report = audit(server, ledger)
        assert report.is_clean, str(report)


@pytest.mark.timeout(900)
def test_a_request_over_http_to_a_database_that_hangs_is_told_503_within_a_minute(tmp_path: Path) -> None:
    with Server(tmp_path / "data", database=EMBEDDED) as server, server.client(timeout=120) as client:
        row = list(islice(objects(0, 9), 3))
        assert dicomweb.stow(client, [file_of(row[0])]).status_code == 200
        with _hanging(server):
            began = time.monotonic()
            assert dicomweb.stow(client, [file_of(one) for one in row[1:]]).status_code == 503
            assert time.monotonic() - began < 60


@contextlib.contextmanager
def _hanging(server: Server) -> Iterator[None]:
    """Every process of the database stands still, its postmaster too, so that none is added; and goes on afterwards."""
    stopped: set[int] = set()
    try:
        while found := set(server.database_pids()) - stopped:  # one may have been added while the others were stopped
            stopped |= found
            _signal(found, signal.SIGSTOP)
        assert stopped
        yield
    finally:
        _signal(stopped, signal.SIGCONT)


def _signal(pids: set[int], sign: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)


def _until_stored(store: Callable[[Object], tuple[int, float]], one: Object) -> int:
    """Sent again as a device does; the first time it may meet a connection that ends just now."""
    for _ in range(5):
        status, _ = store(one)
        if status == 0:
            break
    return status
