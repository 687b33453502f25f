"""Objects as an attacker writes them, byte by byte: no library stands between the test and the lie (PS3.5 7)."""

import itertools
import struct
import zlib
from collections.abc import Sequence

from tests.peers import Dicom
from tests.peers.association import EXPLICIT, Answer, Association

CT = "1.2.840.10008.5.1.4.1.1.2"
SECONDARY = "1.2.840.10008.5.1.4.1.1.7"
DEFLATED = "1.2.840.10008.1.2.1.99"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
MIB = 1 << 20
_ROOT = "1.2.826.0.1.3680043.9.7433.66"
_NUMBERS = itertools.count(1)
_LONG = frozenset({"OB", "OW", "OD", "OF", "OL", "OV", "SQ", "UC", "UN", "UR", "UT"})
UNDEFINED = 0xFFFFFFFF


def element(tag: int, vr: str, value: bytes | str, *, length: int | None = None) -> bytes:
    """Explicit VR Little Endian; `length` is what it says of itself."""
    raw = value.encode() if isinstance(value, str) else value
    if len(raw) % 2:
        raw += b"\0" if vr in {"UI", "OB", "UN"} else b" "
    told = len(raw) if length is None else length
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode("latin-1")
    return head + (struct.pack("<xxI", told) if vr in _LONG else struct.pack("<H", told & 0xFFFF)) + raw


def us(tag: int, *values: int) -> bytes:
    return element(tag, "US", struct.pack(f"<{len(values)}H", *values))


def item(body: bytes, *, length: int | None = None) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(body) if length is None else length) + body


ITEM_END = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


class Identity:
    """UIDs of one new object; `study` and `series` may be those of another."""

    def __init__(self, beside: "Identity | None" = None) -> None:
        number = next(_NUMBERS)
        self.study = beside.study if beside else f"{_ROOT}.1.{number}"
        self.series = beside.series if beside else f"{_ROOT}.2.{number}"
        self.sop = f"{_ROOT}.3.{number}"
        self.patient = beside.patient if beside else f"H-{number}"

    @property
    def path(self) -> str:
        return f"/dicom-web/studies/{self.study}/series/{self.series}/instances/{self.sop}"


def head(who: Identity, *, sop_class: str = CT, name: str = "Hostile^Object", patient: str | None = None) -> bytes:
    """Elements up to group 0020, as an honest object has them."""
    return (
        element(0x00080016, "UI", sop_class) + element(0x00080018, "UI", who.sop) + element(0x00080020, "DA", "20260301")
        + element(0x00080060, "CS", "CT") + element(0x00100010, "PN", name) + element(0x00100020, "LO", patient or who.patient)
        + element(0x0020000D, "UI", who.study) + element(0x0020000E, "UI", who.series) + element(0x00200013, "IS", "1")
    )  # fmt: skip


def image(
    rows: int = 16, columns: int = 16, *, frames: int = 1, bits: int = 16, photometric: str = "MONOCHROME2"
) -> bytes:
    """Group 0028 without pixels."""
    return (
        us(0x00280002, 1) + element(0x00280004, "CS", photometric) + element(0x00280008, "IS", str(frames))
        + us(0x00280010, rows) + us(0x00280011, columns) + us(0x00280100, bits) + us(0x00280101, bits)
        + us(0x00280102, bits - 1) + us(0x00280103, 0)
    )  # fmt: skip


def pixels(rows: int = 16, columns: int = 16) -> bytes:
    return element(0x7FE00010, "OW", bytes(rows * columns * 2))


def encapsulated(*frames: bytes) -> bytes:
    """Pixel Data in fragments, one a frame (PS3.5 A.4)."""
    told = struct.pack("<HH", 0x7FE0, 0x0010) + b"OB\0\0" + struct.pack("<I", UNDEFINED) + item(b"")
    for frame in frames:
        told += item(frame + b"\0" * (len(frame) % 2))
    return told + SEQUENCE_END


def honest(who: Identity) -> bytes:
    return head(who) + image() + pixels()


def part10(
    dataset: bytes, who: Identity, syntax: str = EXPLICIT, *, sop_class: str = CT, preamble: bytes = bytes(128)
) -> bytes:
    """The same as a file."""
    meta = (
        element(0x00020001, "OB", b"\0\1") + element(0x00020002, "UI", sop_class) + element(0x00020003, "UI", who.sop)
        + element(0x00020010, "UI", syntax) + element(0x00020012, "UI", _ROOT)
    )  # fmt: skip
    return (
        preamble.ljust(128, b"\0")[:128]
        + b"DICM"
        + element(0x00020000, "UL", struct.pack("<I", len(meta)))
        + meta
        + dataset
    )


def deflated(before: bytes, zeros: int) -> bytes:
    """A raw deflate stream of some bytes and then zeros, a thousand times smaller than what it becomes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    begun = packer.compress(before) + packer.flush(zlib.Z_FULL_FLUSH)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    megabyte = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return begun + megabyte * (zeros // MIB) + zlib.compress(b"", wbits=-15)


def nested(levels: int, *, known_lengths: bool = False) -> bytes:
    """A sequence in a sequence in a sequence: Referenced Image Sequence, `levels` deep."""
    if known_lengths:
        body = element(0x00080005, "CS", "ISO_IR 100")
        for _ in range(levels):
            body = element(0x00081140, "SQ", item(body))
        return body
    begin = struct.pack("<HH", 0x0008, 0x1140) + b"SQ\0\0" + struct.pack("<I", UNDEFINED) + item(b"", length=UNDEFINED)
    return begin * levels + (ITEM_END + SEQUENCE_END) * levels


def store(
    to: Dicom,
    objects: Sequence[tuple[Identity, bytes]],
    syntax: str = EXPLICIT,
    *,
    sop_class: str = CT,
    calling: str = "HOSTILE",
) -> list[Answer]:
    """C-STORE, all on one association: what each was answered."""
    with Association.connect(to, [(sop_class, (syntax,))], calling=calling, timeout=60) as association:
        return [association.store(sop_class, who.sop, syntax, data) for who, data in objects]
