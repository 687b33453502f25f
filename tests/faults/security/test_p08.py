"""P8: memory errors of native codecs (MicroDicom CVE-2024-22100, CVE-2025-35975, CVE-2025-5943; DCMTK CVE-2026-10194): nothing native in a process that serves."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import imagecodecs
import numpy as np
import pytest

from heliograph.engine import fence
from tests.faults.security import hostile
from tests.faults.security.conftest import Siege, doors
from tests.faults.security.hostile import MIB, Identity

SIDE = 48
_CELLS = (np.add.outer(np.arange(SIDE), np.arange(SIDE)) * 20).astype(np.uint16)
CODECS: dict[str, Callable[[], bytes]] = {
    "1.2.840.10008.1.2.4.80": lambda: bytes(imagecodecs.jpegls_encode(_CELLS)),
    "1.2.840.10008.1.2.4.90": lambda: bytes(imagecodecs.jpeg2k_encode(_CELLS, codecformat="J2K", reversible=True)),
    "1.2.840.10008.1.2.4.201": lambda: bytes(imagecodecs.htj2k_encode(_CELLS, reversible=True)),
    "1.2.840.10008.1.2.4.70": lambda: bytes(imagecodecs.jpeg8_encode(_CELLS, lossless=True, bitspersample=16)),
    "1.2.840.10008.1.2.4.110": lambda: bytes(imagecodecs.jpegxl_encode(_CELLS, lossless=True)),
}


@pytest.mark.parametrize("syntax", CODECS)
def test_damaged_streams_of_every_codec_hurt_nobody(siege: Siege, web: httpx.Client, syntax: str) -> None:
    dice, good = random.Random(syntax), CODECS[syntax]()
    sent = []
    for _ in range(12):
        bad = bytearray(good)
        for _ in range(dice.randint(1, 8)):
            bad[dice.randrange(4, len(bad))] = dice.randrange(256)
        sent.append(bytes(bad[: dice.choice((len(bad), len(bad), len(bad) * 2 // 3))]))
    who = Identity()
    data = hostile.head(who) + hostile.image(SIDE, SIDE, frames=len(sent) + 1) + hostile.encapsulated(good, *sent)
    assert hostile.store(siege.server.dicom, [(who, data)], syntax)[0].status == 0
    assert web.get(who.path + "/frames/1/rendered").status_code == 200
    for number in range(2, len(sent) + 2):
        told = web.get(f"{who.path}/frames/{number}/rendered")
        assert told.status_code in {200, 400, 404, 413} or told.json()["code"] in {"decoder_died", "decoder_slow"}, (
            told.text
        )
    assert web.get(who.path + "/frames/1/rendered").status_code == 200
    assert siege.rise() < 128 * MIB


@pytest.mark.skipif(bool(fence.missing()), reason="this kernel has no whole fence")
def test_the_decoders_of_the_running_server_are_fenced(siege: Siege, web: httpx.Client) -> None:
    """As the kernel sees them: no new privileges, a filter of system calls, no environment."""
    who = Identity()
    data = hostile.head(who) + hostile.image(SIDE, SIDE) + hostile.encapsulated(CODECS["1.2.840.10008.1.2.4.90"]())
    hostile.store(siege.server.dicom, [(who, data)], "1.2.840.10008.1.2.4.90")
    found = None
    for _ in range(20):
        assert web.get(who.path + "/frames/1/rendered").status_code == 200
        found = _decoder(siege)
        if found:
            break
        time.sleep(0.1)
    assert found, "no decoder was seen"
    facts, environment = found
    assert "NoNewPrivs:\t1" in facts
    assert "Seccomp:\t2" in facts
    assert b"HELIOGRAPH" not in environment


def _decoder(siege: Siege) -> tuple[str, bytes] | None:
    """The state and the environment of a decoder that is at work or waits for some."""
    for pid in set(siege.server.pids()) - doors(siege.server):
        try:
            if b"heliograph.engine._decoder" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                continue
            state = Path(f"/proc/{pid}/status").read_text()
            if "Seccomp:\t2" in state:
                return state, Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
    return None
