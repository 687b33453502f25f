"""The DICOM file format: preamble, prefix and file meta information (PS3.10 7.1)."""

from struct import Struct
from typing import Final

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import uids
from heliograph.standards.dicom._envelope import believable, open_envelope
from heliograph.standards.dicom._layout import Buffer

IMPLEMENTATION_CLASS_UID: Final = "2.25.46529803802432473390361241920245733057"
IMPLEMENTATION_VERSION_NAME: Final = "HELIOGRAPH_0_1"
PREAMBLE_BYTES: Final = 128
PREFIX: Final = b"DICM"

_SHORT: Final = Struct("<HH2sH").pack
_LONG: Final = Struct("<HH2sHL").pack
_MAX_AE_TITLE: Final = 16
_TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def file_meta(sop_class_uid: str, sop_instance_uid: str, transfer_syntax: str, source_aet: str = "") -> bytes:
    """Preamble, DICM and group 0002 for a data set that follows as it was received."""
    group = _LONG(0x0002, 0x0001, b"OB", 0, 2) + b"\x00\x01"
    group += _uid(0x0002, sop_class_uid) + _uid(0x0003, sop_instance_uid) + _uid(0x0010, transfer_syntax)
    group += _uid(0x0012, IMPLEMENTATION_CLASS_UID) + _text(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME)
    if source_aet.strip():
        group += _text(0x0016, b"AE", source_aet.strip()[:_MAX_AE_TITLE])
    length = _SHORT(0x0002, 0x0000, b"UL", 4) + len(group).to_bytes(4, "little")
    return bytes(PREAMBLE_BYTES) + PREFIX + length + group


def harmless(head: bytes) -> bytes:
    """The first bytes of a file, at least 132, with nothing in the preamble that a machine would run (CVE-2019-11687).

    A preamble that makes the file a TIFF as well stays (PS3.10 7.1). A file without preamble stays as it is.
    """
    if head[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] != PREFIX or head[:4] in _TIFF:
        return head
    return bytes(PREAMBLE_BYTES) + head[PREAMBLE_BYTES:]


def split(data: Buffer) -> tuple[int, str]:
    """Length of preamble and file meta information, and the transfer syntax that they declare.

    Without a declaration it is the one that the first elements show. Unparseable when these bytes are no DICOM.
    """
    envelope = open_envelope(data)
    if envelope.declared:
        return envelope.start, envelope.declared
    encoding = believable(data, envelope.start)
    if encoding is None or not encoding.explicit:
        return envelope.start, uids.IMPLICIT_VR_LITTLE_ENDIAN
    little, big = uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.EXPLICIT_VR_BIG_ENDIAN
    return envelope.start, little if encoding.little else big


def _uid(number: int, uid: str) -> bytes:
    return _element(number, b"UI", uid.strip(" \0").encode("ascii", "replace"), b"\0")


def _text(number: int, vr: bytes, text: str) -> bytes:
    return _element(number, vr, text.encode("ascii", "replace"), b" ")


def _element(number: int, vr: bytes, value: bytes, pad: bytes) -> bytes:
    if len(value) > 0xFFFE:
        raise Invalid("a file meta value is too long")
    value += pad * (len(value) & 1)
    return _SHORT(0x0002, number, vr, len(value)) + value
