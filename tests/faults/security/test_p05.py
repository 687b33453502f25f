"""P5: lying lengths, truncated items, elements twice and out of order (DCMTK CVE-2022-2121, Orthanc CVE-2026-5437)."""

import random
import struct

import httpx
import pytest

from tests.faults.security import hostile
from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import MIB, UNDEFINED, Identity, element, item
from tests.peers import dicomweb, part10
from tests.peers.association import EXPLICIT

BOUND = 64 * MIB


def _lies(who: Identity) -> dict[str, bytes]:
    honest = hostile.honest(who)
    sequence = struct.pack("<HH", 0x0008, 0x1140) + b"SQ\0\0"
    at = honest.index(b"\x10\x00\x10\x00")
    return {
        "a value of 4 GiB": honest[:at] + element(0x00091001, "OB", b"x" * 10, length=0xFFFFFFFE) + honest[at:],
        "a short value of 65535 bytes": honest[:at] + element(0x00091001, "LO", b"x" * 10, length=0xFFFF) + honest[at:],
        "a text of undefined length": honest[:at]
        + element(0x00091001, "UT", b"x" * 10, length=UNDEFINED)
        + honest[at:],
        "pixels of 4 GiB": honest[: honest.index(b"\xe0\x7f\x10\x00")]
        + element(0x7FE00010, "OW", bytes(512), length=0xFFFFFFFE),
        "a sequence that ends inside of an item": honest[:at]
        + sequence
        + struct.pack("<I", 20)
        + item(b"abc", length=4000)
        + honest[at:],
        "an item without an end": honest[:at]
        + sequence
        + struct.pack("<I", UNDEFINED)
        + item(b"", length=UNDEFINED)
        + honest[at:],
        "a delimiter where none belongs": honest[:at] + hostile.SEQUENCE_END + hostile.ITEM_END + honest[at:],
        "every element twice": b"".join(sorted([honest[:at]] * 2)) + honest[at:],
        "in reverse order": honest[at:] + honest[:at],
        "cut in the middle": honest[: len(honest) // 2],
        "cut after nine bytes": honest[:9],
        "an odd end": honest + b"\0",
        "a group length that lies": element(0x00080000, "UL", struct.pack("<I", 0xFFFFFFF0)) + honest,
        "a UID of 4000 characters": honest.replace(
            element(0x0020000D, "UI", who.study), element(0x0020000D, "UI", "1." * 2000)
        ),
    }


LIES = tuple(_lies(Identity()))


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_lengths_is_held_or_comes_back_bit_for_bit(siege: Siege, web: httpx.Client, lie: str) -> None:
    who = Identity()
    data = _lies(who)[lie]
    (told,) = hostile.store(siege.server.dicom, [(who, data)])
    assert told.status in {0, 0xC000, 0xA900, 0x0111} or told.status & 0xF000 == 0xB000, f"{told.status:04x}"
    if told.status == 0:
        (came,) = dicomweb.retrieve(web, who.path.removeprefix("/dicom-web/"))
        assert part10.split(came).dataset == data
        assert web.get(who.path + "/metadata").status_code == 200
    assert siege.rise() < BOUND


def test_sixty_mutations_of_an_honest_object(siege: Siege, web: httpx.Client) -> None:
    """Bytes flipped, taken out, doubled: whatever is stored comes back as it was sent."""
    dice = random.Random(5)
    sent = []
    for _ in range(60):
        who = Identity()
        data = bytearray(hostile.honest(who))
        for _ in range(dice.randint(1, 6)):
            place = dice.randrange(len(data) - 520)
            kind = dice.randrange(3)
            data[place : place + (0 if kind == 2 else 2)] = (dice.randbytes(2), b"", data[place : place + 40])[kind]
        sent.append((who, bytes(data)))
    answers = hostile.store(siege.server.dicom, sent)
    stored = [(who, data) for (who, data), told in zip(sent, answers, strict=True) if told.status == 0]
    assert stored, "no mutation hurt so little"
    for who, data in stored:
        came = web.get(who.path, headers={"Accept": dicomweb.ANY_DICOM})
        if came.status_code == 200:  # else the mutation gave it another study
            ((_, payload),) = dicomweb.parts_of(came)
            assert part10.split(payload).dataset == data
    assert siege.rise() < BOUND


@pytest.mark.parametrize(
    "meta",
    [
        element(0x00020000, "UL", struct.pack("<I", 0xFFFFFFF0)),
        element(0x00020001, "OB", b"\0\1", length=0xFFFFFFFE),
        element(0x00020010, "UI", EXPLICIT, length=0xFFFF),
        element(0x00020010, "UI", "1." * 3000),
        b"\x02\x00\x10\x00",
        b"",
    ],
    ids=["group length", "value of 4 GiB", "value of 65535", "a long syntax", "four bytes", "nothing"],
)
def test_a_lie_in_the_file_meta_information(siege: Siege, web: httpx.Client, meta: bytes) -> None:
    who = Identity()
    told = dicomweb.stow(web, [bytes(128) + b"DICM" + meta + hostile.honest(who), bytes(128) + b"DICM" + meta])
    assert told.status_code in {200, 202, 409}, told.text
    assert siege.rise() < BOUND
