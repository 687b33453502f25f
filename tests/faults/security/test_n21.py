"""N21: an image that was changed where it lies (CT-GAN): found by the next check, and named."""

import mmap
from pathlib import Path

from tests.faults.security import hostile
from tests.faults.security.hostile import Identity
from tests.peers.heliograph import Server


def test_one_flipped_pixel_is_found(besieged: Server) -> None:
    """In the blob, past every header: the digest of receipt says that it is not the image that came."""
    who = Identity()
    mark = f"PIXELS OF {who.sop}".encode()
    data = hostile.head(who) + hostile.image() + hostile.element(0x7FE00010, "OW", mark.ljust(512, b"\x11"))
    assert hostile.store(besieged.dicom, [(who, data)])[0].status == 0
    assert _flip(besieged.data / "blobs", mark) == 1
    try:
        told = besieged.verify()
        assert told.returncode != 0
        assert "Hostile" not in told.stdout + told.stderr, "the report names the object, not the patient"
    finally:
        _flip(besieged.data / "blobs", mark)


def _flip(blobs: Path, mark: bytes) -> int:
    """How many places were changed by one bit."""
    changed = 0
    for file in blobs.rglob("*"):
        if not file.is_file() or not file.stat().st_size:
            continue
        with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as view:
            at = view.find(mark)
            if at >= 0:
                view[at + 200] ^= 1
                changed += 1
    return changed
