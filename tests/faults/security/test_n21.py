"""N21: an image that was changed where it lies (CT-GAN): found when somebody looks at it and by the next check, and named."""

import mmap
import time
from pathlib import Path

import httpx

from tests.faults.security import hostile
from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import Identity
from tests.peers.heliograph import Server


def _stored(server: Server) -> tuple[Identity, bytes]:
    """An object, and words of its pixels by which they are found on the disk."""
    who = Identity()
    mark = f"PIXELS OF {who.sop}".encode()
    data = hostile.head(who) + hostile.image() + hostile.element(0x7FE00010, "OW", mark.ljust(512, b"\x11"))
    assert hostile.store(server.dicom, [(who, data)])[0].status == 0
    return who, mark


def test_one_flipped_pixel_is_found_by_the_check(besieged: Server) -> None:
    """In the blob, past every header: the digest of receipt says that it is not the image that came."""
    who, mark = _stored(besieged)
    assert _flip(besieged.data / "blobs", mark) == 1
    try:
        told = besieged.verify()
        assert told.returncode != 0
        assert who.sop in told.stdout + told.stderr
        assert "Hostile" not in told.stdout + told.stderr, "the report names the object, not the patient"
    finally:
        _flip(besieged.data / "blobs", mark)


def test_one_flipped_pixel_is_told_when_somebody_has_looked(siege: Siege, web: httpx.Client) -> None:
    """Without any check being asked for: the reading is enough (and changes nothing for an image that is whole)."""
    whole, _ = _stored(siege.server)
    assert web.get(whole.path + "/frames/1").status_code == 200
    before = {one["id"] for one in _alarms(web)}
    changed, mark = _stored(siege.server)
    assert _flip(siege.server.data / "blobs", mark) == 1
    try:
        assert web.get(changed.path + "/frames/1").status_code == 200
        deadline = time.monotonic() + 60
        while not (new := [one for one in _alarms(web) if one["id"] not in before]):
            assert time.monotonic() < deadline, "nobody was told"
            time.sleep(0.2)
        assert (new[0]["severity"], len(new)) == ("critical", 1)
        assert "1 stored object" in new[0]["message"]
        assert web.post(f"/api/alarms/{new[0]['id']}/acknowledge").status_code < 300
    finally:
        _flip(siege.server.data / "blobs", mark)
    assert siege.rise() < 64 * hostile.MIB


def _alarms(web: httpx.Client) -> list[dict[str, str]]:
    return [one for one in web.get("/api/alarms").json()["items"] if one["kind"] == "verification"]


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
