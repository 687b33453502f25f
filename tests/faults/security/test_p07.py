"""P7: images that cost hours: 80,000 progressive scans, JPEG 2000 that only warns, giant markers (LJT-01-005, OpenJPEG CVE-2023-39327, CVE-2025-54874)."""

import struct

import httpx
import imagecodecs
import numpy as np
import pytest

from tests.faults.security import hostile
from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import MIB, Identity
from tests.peers import processes

BOUND = 96 * MIB
SIDE = 64
CPU_S = 4.0
_GREY = (np.arange(SIDE * SIDE, dtype=np.uint8) * 7).reshape(SIDE, SIDE)
_JPEG = bytes(imagecodecs.jpeg8_encode(_GREY, level=90))
_J2K = bytes(imagecodecs.jpeg2k_encode(_GREY, codecformat="J2K", reversible=True))


def _progressive(scans: int) -> bytes:
    """SOF2 of 1024 x 1024 and scan after scan, each of which the decoder walks over the whole image for."""
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 11, 8, 1024, 1024, 1) + b"\1\x11\0"
    table = b"\xff\xdb" + struct.pack(">HB", 67, 0) + b"\1" * 64
    codes = b"\xff\xc4" + struct.pack(">HB", 20, 0x10) + b"\1" + bytes(15) + b"\0"
    first = b"\xff\xc4" + struct.pack(">HB", 20, 0) + b"\1" + bytes(15) + b"\0"
    scan = b"\xff\xda" + struct.pack(">HB", 8, 1) + b"\1\0" + b"\1\5\0" + bytes(80)
    return b"\xff\xd8" + table + frame + first + codes + scan * scans + b"\xff\xd9"


def _giant_markers() -> bytes:
    """A thousand comments of 64 KiB before the frame header."""
    return b"\xff\xd8" + (b"\xff\xfe\xff\xff" + bytes(65533)) * 60 + _JPEG[2:]


def _tiles() -> bytes:
    """A good codestream whose size header promises 60,000 tiles that never come."""
    at = 4
    return _J2K[: at + 20] + struct.pack(">II", 1, 1) + _J2K[at + 28 :]


BOMBS = {
    "80,000 progressive scans": (_progressive(80_000), 1024),
    "a hundred progressive scans": (_progressive(100), 1024),
    "four megabytes of comments": (_giant_markers(), SIDE),
    "tiles without end": (_tiles(), SIDE),
    "a codestream of warnings": (_J2K[:-40] + b"\xff\x93" * 20_000 + b"\xff\xd9", SIDE),
    "a JPEG of restart markers": (_JPEG[:-2] + b"\xff\xd0" * 200_000 + b"\xff\xd9", SIDE),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_costly_image_costs_little_and_the_rest_of_its_object_is_shown(
    siege: Siege, web: httpx.Client, bomb: str
) -> None:
    data, side = BOMBS[bomb]
    syntax = "1.2.840.10008.1.2.4.90" if "ff4f" in data[:2].hex() else "1.2.840.10008.1.2.4.50"
    good, bad = Identity(), Identity()
    facts = hostile.image(side, side, bits=8)
    fine = bytes(imagecodecs.jpeg8_encode(np.zeros((side, side), np.uint8)))
    objects = [
        (bad, hostile.head(bad) + facts + hostile.encapsulated(data)),
        (good, hostile.head(good) + facts + hostile.encapsulated(fine)),
    ]
    if syntax.endswith("90"):
        objects[1] = (
            good,
            hostile.head(good)
            + facts
            + hostile.encapsulated(
                bytes(imagecodecs.jpeg2k_encode(np.zeros((side, side), np.uint8), codecformat="J2K"))
            ),
        )
    assert [told.status for told in hostile.store(siege.server.dicom, objects, syntax)] == [0, 0]
    before = processes.cpu_s(siege.server.pids())
    told = web.get(bad.path + "/frames/1/rendered")
    assert told.status_code in {200, 400, 413}, told.text
    assert web.get(good.path + "/frames/1/rendered").status_code == 200
    assert processes.cpu_s(siege.server.pids()) - before < CPU_S
    assert siege.rise() < BOUND
