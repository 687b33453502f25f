"""P6: value representations that do not exist (GDCM CVE-2026-3650, which leaks and has no fix). Scaled 1:100."""

import random

import httpx

from tests.faults.security import hostile
from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import MIB, Identity, element

VRS = ("ZZ", "\0\0", "\xff\xff", "us", "0x", "A\n", "  ", "SQ", "UV", "??")


def test_a_hundred_objects_of_bad_vrs_leave_memory_flat(siege: Siege, web: httpx.Client) -> None:
    dice = random.Random(6)
    sent = []
    for number in range(100):
        who = Identity()
        whole = hostile.honest(who)
        at = whole.index(b"\x10\x00\x10\x00")
        bad = b"".join(
            element(0x00091000 + n, VRS[(number + n) % len(VRS)], dice.randbytes(dice.choice((0, 2, 8, 1000))))
            for n in range(1, 6)
        )
        sent.append((who, whole[:at] + bad + whole[at:]))
    answers = hostile.store(siege.server.dicom, sent)
    assert {told.status for told in answers} <= {0, 0xC000}
    for (who, _), told in list(zip(sent, answers, strict=True))[::10]:
        if told.status == 0:
            assert web.get(who.path + "/metadata").status_code == 200
    assert siege.rise() < 64 * MIB
