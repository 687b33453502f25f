"""P1: deflate bombs (pydicom 3.0.2 inflates without bound; fo-dicom#2165, io-dicom#35)."""

from collections.abc import Callable

import httpx

from tests.faults.security import hostile
from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import CT, DEFLATED, MIB, Identity

BOMB = 512 * MIB
BOUND = 96 * MIB


def test_a_data_set_of_half_a_gigabyte_of_nothing(siege: Siege, quickly: Callable[..., None]) -> None:
    """The zeros stand in a private element before the pixels, so the header cannot be read without inflating them."""

    def send() -> None:
        who = Identity()
        before = hostile.head(who)[: hostile.head(who).index(b"\x10\x00\x10\x00")]  # group 0008 alone
        bomb = hostile.deflated(before + hostile.element(0x00091001, "OB", b"", length=BOMB), BOMB)
        assert len(bomb) < MIB
        (answer,) = hostile.store(siege.server.dicom, [(who, bomb)], DEFLATED)
        assert answer.status == 0xC000

    quickly(send, 3.0)
    assert siege.rise() < BOUND


def test_pixels_of_half_a_gigabyte_of_nothing(siege: Siege, web: httpx.Client) -> None:
    """The header is honest and small; whoever asks for the image is told that it is too large."""
    who = Identity()
    honest = hostile.head(who) + hostile.image(64, 64, frames=65535)
    bomb = hostile.deflated(honest + hostile.element(0x7FE00010, "OW", b"", length=BOMB), BOMB)
    (answer,) = hostile.store(siege.server.dicom, [(who, bomb)], DEFLATED)
    assert answer.status in {0, 0xC000}
    for path in ("", "/frames/1", "/frames/1/rendered", "/thumbnail", "/metadata", "/bulk/7FE00010"):
        told = web.get(who.path + path)
        assert told.status_code < 500 or told.json()["code"] != "bug", (path, told.text)
    assert siege.rise() < BOUND


def test_a_deflated_frame_that_never_ends(siege: Siege, web: httpx.Client) -> None:
    """Deflated Image Frame Compression (PS3.5 A.4.13): a frame gives what rows and columns need, and no more."""
    who = Identity()
    frame = hostile.deflated(b"", 256 * MIB)
    data = hostile.head(who) + hostile.image() + hostile.encapsulated(frame)
    (answer,) = hostile.store(siege.server.dicom, [(who, data)], "1.2.840.10008.1.2.8.1")
    assert answer.status == 0
    assert web.get(who.path + "/frames/1/rendered", headers={"Accept": "image/png"}).status_code in {200, 400}
    assert siege.rise() < BOUND


def test_a_bomb_in_an_upload(siege: Siege, web: httpx.Client) -> None:
    who = Identity()
    bomb = hostile.deflated(
        hostile.element(0x00080016, "UI", CT) + hostile.element(0x00091001, "OB", b"", length=BOMB), BOMB
    )
    told = web.post("/api/uploads", files=[("file", ("bomb.dcm", hostile.part10(bomb, who, DEFLATED)))])
    assert told.status_code == 200
    assert told.json()["stored"] == 0
    assert siege.rise() < BOUND
