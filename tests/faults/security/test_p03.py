"""P3: huge rows, columns and frames with tiny data; dimensions of a wrong VR; palettes that are shorter than they say (Orthanc CVE-2026-5441 to -5445)."""

import struct

import httpx
import pytest

from tests.faults.security import hostile
from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import JPEG_BASELINE, MIB, Identity, element, us
from tests.peers.association import EXPLICIT

BOUND = 64 * MIB
TEN_BYTES = b"\xff\xd8\xff\xe0\x00\x02\xff\xd9\x00\x00"


def _group_28(
    *,
    rows: bytes,
    columns: bytes,
    frames: str = "1",
    photometric: str = "MONOCHROME2",
    more: bytes = b"",
    bits: int = 16,
) -> bytes:
    return (
        us(0x00280002, 1) + element(0x00280004, "CS", photometric) + element(0x00280008, "IS", frames) + rows + columns
        + us(0x00280100, bits) + us(0x00280101, bits) + us(0x00280102, bits - 1) + us(0x00280103, 0) + more
    )  # fmt: skip


def _ul(tag: int, value: int) -> bytes:
    return element(tag, "UL", struct.pack("<I", value))


HUGE = us(0x00280010, 65535), us(0x00280011, 65535)
SMALL = us(0x00280010, 16), us(0x00280011, 16)
SHORT_PALETTE = b"".join(us(0x00281101 + n, 65535, 0, 16) for n in range(3)) + b"".join(
    element(0x00281201 + n, "OW", b"\1\2") for n in range(3)
)
LIES: dict[str, tuple[bytes, bytes, str]] = {
    "2^31 frames of 65535 x 65535 in ten bytes of JPEG": (
        _group_28(rows=HUGE[0], columns=HUGE[1], frames=str(2**31 - 1)), hostile.encapsulated(TEN_BYTES), JPEG_BASELINE),
    "65535 x 65535 uncompressed in ten bytes": (_group_28(rows=HUGE[0], columns=HUGE[1]), element(0x7FE00010, "OW", bytes(10)), EXPLICIT),
    "2^31 frames in ten bytes": (_group_28(rows=SMALL[0], columns=SMALL[1], frames=str(2**31 - 1)), element(0x7FE00010, "OW", bytes(10)), EXPLICIT),
    "more frames than any number": (_group_28(rows=SMALL[0], columns=SMALL[1], frames="9" * 12), element(0x7FE00010, "OW", bytes(512)), EXPLICIT),
    "rows and columns as 32 bit numbers": (
        _group_28(rows=_ul(0x00280010, 0xFFFFFFF0), columns=_ul(0x00280011, 0xFFFFFFF0)), element(0x7FE00010, "OW", bytes(512)), EXPLICIT),
    "no rows": (_group_28(rows=us(0x00280010, 0), columns=SMALL[1]), element(0x7FE00010, "OW", bytes(512)), EXPLICIT),
    "a palette of two bytes that says 65535": (
        _group_28(rows=SMALL[0], columns=SMALL[1], photometric="PALETTE COLOR", more=SHORT_PALETTE, bits=16), element(0x7FE00010, "OW", b"\xff" * 512), EXPLICIT),
    "an RLE frame whose offsets lead outside": (
        _group_28(rows=SMALL[0], columns=SMALL[1]), hostile.encapsulated(struct.pack("<16I", 2, 64, 0xFFFFFFF0, *(0,) * 13) + b"\0" * 64), "1.2.840.10008.1.2.5"),
    "a modality LUT index outside of its table": (
        _group_28(rows=SMALL[0], columns=SMALL[1], more=element(0x00283000, "SQ", hostile.item(
            us(0x00283002, 65535, 0xFFFF, 16) + element(0x00283004, "LO", "HU") + element(0x00283006, "OW", b"\0\1")))),
        element(0x7FE00010, "OW", b"\x7f" * 512), EXPLICIT),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_dimensions_is_an_answer_and_the_next_object_is_shown(
    siege: Siege, web: httpx.Client, lie: str
) -> None:
    facts, pixel_data, syntax = LIES[lie]
    good = Identity()
    bad = Identity(good)
    assert hostile.store(siege.server.dicom, [(good, hostile.honest(good))])[0].status == 0
    (told,) = hostile.store(siege.server.dicom, [(bad, hostile.head(bad) + facts + pixel_data)], syntax)
    assert told.status in {0, 0xC000} or told.status & 0xF000 == 0xB000
    for path in ("/rendered", "/frames/1/rendered", "/frames/1", "/frames/4294967297", "/thumbnail", "/metadata"):
        answer = web.get(bad.path + path)
        assert answer.status_code in {200, 400, 404, 406, 413}, (path, answer.status_code, answer.text[:200])
    assert web.get(good.path + "/frames/1/rendered").status_code == 200
    assert web.get(f"/dicom-web/studies/{good.study}/series/{good.series}/thumbnail").status_code in {200, 404}
    assert siege.rise() < BOUND
