"""N21: an image that was changed where it lies (CT-GAN): found when somebody looks at it and by the next check, and named."""

import mmap
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from pydicom import Dataset

from heliograph.features.archive import damage
from tests.faults.security import hostile
from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import Identity
from tests.peers import pynet
from tests.peers.association import EXPLICIT
from tests.peers.heliograph import Server


def _stored(server: Server, beside: Identity | None = None) -> tuple[Identity, bytes]:
    """An object, and words of its pixels by which they are found on the disk."""
    who = Identity(beside)
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


def test_a_damaged_object_is_given_out_by_no_door_until_it_is_restored(besieged: Server, web: httpx.Client) -> None:
    """The others of its series are, and every door says that one is missing: a wrong pixel hurts somebody, and so does a silent gap."""
    whole, _ = _stored(besieged)
    changed, mark = _stored(besieged, whole)
    series = f"/dicom-web/studies/{whole.study}/series/{whole.series}"
    assert web.get(changed.path + "/frames/1").status_code == 200, (
        "remembered: header, frame table and pages of the cache"
    )
    tag = web.get(f"{series}/metadata").headers["etag"]
    assert _flip(besieged.data / "blobs", mark) == 1
    try:
        assert besieged.verify().returncode != 0
        _until(lambda: web.get(changed.path + "/frames/1").status_code != 200, "the frame is given out")
        for path in ("", "/frames/1", "/rendered", "/frames/1/rendered", "/thumbnail", "/bulkdata/7FE00010"):
            for headers in ({}, {"If-None-Match": "*"}, {"Range": "bytes=0-9"}):
                answer = web.get(changed.path + path, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (500, "object_damaged"), path
        assert web.get(whole.path + "/frames/1").status_code == 200
        for form in ('multipart/related; type="application/dicom"', "application/zip"):
            together = web.get(series, headers={"Accept": form})
            assert together.status_code == 206
            assert "1 damaged" in together.headers["warning"]
            assert whole.sop.encode() in together.content
            assert mark not in together.content
        found = web.get(f"{series}/metadata", headers={"If-None-Match": tag})
        assert found.status_code == 200
        assert len(found.json()) == 2, "that it is there is no secret"
        assert _problems(web, whole) == {whole.sop: "", changed.sop: "object_damaged"}
        _retrieved_without(besieged, whole, changed)
    finally:
        _flip(besieged.data / "blobs", mark)
    besieged.verify()
    _until(lambda: web.get(changed.path + "/frames/1").status_code == 200, "a restored object stays away")
    # A document that was made meanwhile is forgotten within half a minute.
    _until(lambda: not any(_problems(web, whole).values()), "the document goes on saying that it is damaged")


def _problems(web: httpx.Client, one: Identity) -> dict[str, str]:
    """What the document of our viewer says of each object."""
    (row,) = web.post("/api/studies/search", json={"patient_id": one.patient}).json()["items"]
    (series,) = web.get(f"/api/studies/{row['id']}").json()["series"]
    document = web.get(f"/api/series/{series['id']}/document").json()
    return {instance["sop_uid"]: instance.get("problem", "") for instance in document["instances"]}


def _retrieved_without(server: Server, whole: Identity, damaged: Identity) -> None:
    """C-GET of the series: one sub-operation failed, and which."""
    keys = Dataset()
    keys.QueryRetrieveLevel, keys.StudyInstanceUID, keys.SeriesInstanceUID = "SERIES", whole.study, whole.series

    def get() -> pynet.Retrieved:
        return pynet.get(server.dicom, keys, [(hostile.CT, [EXPLICIT])], calling="HARNESS")

    _until(lambda: get().failed == 1, "a receiving process gives it out")  # each looks once a second
    time.sleep(2 * damage.EVERY_S)
    answer = get()
    assert (answer.completed, answer.failed) == (1, 1)
    assert answer.failed_uids == (damaged.sop,)
    assert [one.SOPInstanceUID for one in answer.datasets] == [whole.sop]


def _until(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)


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
