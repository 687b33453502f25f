"""Unique identifiers of PS3.6 A: SOP classes, transfer syntaxes, and the grammar of PS3.5 9."""

from functools import cache
from typing import Final

from heliograph.standards.dicom import _dictionary

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
ENCAPSULATED_UNCOMPRESSED: Final = "1.2.840.10008.1.2.1.98"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
PAPYRUS_IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.20"
GE_PRIVATE_IMPLICIT_VR: Final = "1.2.840.113619.5.2"
JPEG_BASELINE: Final = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED: Final = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS: Final = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_SV1: Final = "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS: Final = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR_LOSSLESS: Final = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS: Final = "1.2.840.10008.1.2.4.90"
JPEG_2000: Final = "1.2.840.10008.1.2.4.91"
JPEG_2000_MULTI_COMPONENT_LOSSLESS: Final = "1.2.840.10008.1.2.4.92"
JPEG_2000_MULTI_COMPONENT: Final = "1.2.840.10008.1.2.4.93"
JPIP_DEFLATE: Final = "1.2.840.10008.1.2.4.95"
JPEG_XL_LOSSLESS: Final = "1.2.840.10008.1.2.4.110"
JPEG_XL_JPEG_RECOMPRESSION: Final = "1.2.840.10008.1.2.4.111"
JPEG_XL: Final = "1.2.840.10008.1.2.4.112"
HTJ2K_LOSSLESS: Final = "1.2.840.10008.1.2.4.201"
HTJ2K_LOSSLESS_RPCL: Final = "1.2.840.10008.1.2.4.202"
HTJ2K: Final = "1.2.840.10008.1.2.4.203"
JPIP_HTJ2K_DEFLATE: Final = "1.2.840.10008.1.2.4.205"
RLE_LOSSLESS: Final = "1.2.840.10008.1.2.5"
DEFLATED_IMAGE_FRAME: Final = "1.2.840.10008.1.2.8.1"

VERIFICATION: Final = "1.2.840.10008.1.1"
MEDIA_STORAGE_DIRECTORY: Final = "1.2.840.10008.1.3.10"
CT_IMAGE_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.2"
MR_IMAGE_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.4"
SECONDARY_CAPTURE_IMAGE_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.7"

# Younger than the dictionary of pydicom 3.0 (PS3.6 A, 2024 and 2025).
_YOUNGER: Final = {
    JPEG_XL_LOSSLESS: "JPEG XL Lossless",
    JPEG_XL_JPEG_RECOMPRESSION: "JPEG XL JPEG Recompression",
    JPEG_XL: "JPEG XL",
    DEFLATED_IMAGE_FRAME: "Deflated Image Frame Compression",
    GE_PRIVATE_IMPLICIT_VR: "GE Private Implicit VR Little Endian, Big Endian pixels",
}

IMPLICIT: Final = frozenset({IMPLICIT_VR_LITTLE_ENDIAN, PAPYRUS_IMPLICIT_VR_LITTLE_ENDIAN, GE_PRIVATE_IMPLICIT_VR})
DEFLATED: Final = frozenset({DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, JPIP_DEFLATE, JPIP_HTJ2K_DEFLATE})
NATIVE: Final = frozenset(
    {*IMPLICIT, EXPLICIT_VR_LITTLE_ENDIAN, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN}
)
LOSSLESS_COMPRESSED: Final = (
    JPEG_LOSSLESS_SV1,
    JPEG_LOSSLESS,
    JPEG_LS_LOSSLESS,
    JPEG_2000_LOSSLESS,
    JPEG_2000_MULTI_COMPONENT_LOSSLESS,
    HTJ2K_LOSSLESS,
    HTJ2K_LOSSLESS_RPCL,
    JPEG_XL_LOSSLESS,
    JPEG_XL_JPEG_RECOMPRESSION,
    RLE_LOSSLESS,
    DEFLATED_IMAGE_FRAME,
    ENCAPSULATED_UNCOMPRESSED,
)
_NO_PIXELS_INSIDE: Final = frozenset(
    {"1.2.840.10008.1.2.4.94", JPIP_DEFLATE, "1.2.840.10008.1.2.4.204", JPIP_HTJ2K_DEFLATE}
)
_NOT_FOR_OBJECTS: Final = ("1.2.840.10008.1.2.6.", "1.2.840.10008.1.2.7.")
_UID_CHARS: Final = frozenset("0123456789.")
MAX_UID_LENGTH: Final = 64


@cache
def _names() -> dict[str, str]:
    return {uid: row[0].split(" (Retired)")[0] for uid, row in _dictionary.identifiers().items()} | _YOUNGER


def name_of(uid: str) -> str:
    """The registered name, or the UID itself, so that a screen always has something to show."""
    return _names().get(uid, uid)


@cache
def storage_sop_classes() -> tuple[str, ...]:
    """Every storage SOP class of PS3.4 B.5, retired ones included: an archive takes what old devices send."""
    found = []
    for uid, (name, kind, note, _retired, _keyword) in _dictionary.identifiers().items():
        if kind != "SOP Class" or note == "DICOS" or uid == MEDIA_STORAGE_DIRECTORY:
            continue
        words = name.removesuffix(" SOP Class")
        if words.endswith(" Storage") or " Storage - " in words:
            found.append(uid)
    return tuple(found)


@cache
def _storage() -> frozenset[str]:
    return frozenset(storage_sop_classes())


def is_storage_class(uid: str) -> bool:
    return uid in _storage()


@cache
def transfer_syntaxes() -> tuple[str, ...]:
    """Every registered transfer syntax that an object can be stored in, retired ones included."""
    rows = _dictionary.identifiers().items()
    known = [uid for uid, row in rows if row[1] == "Transfer Syntax" and not uid.startswith(_NOT_FOR_OBJECTS)]
    return tuple(known + [uid for uid in _YOUNGER if uid != GE_PRIVATE_IMPLICIT_VR])


@cache
def _known_transfer_syntaxes() -> frozenset[str]:
    return frozenset((*transfer_syntaxes(), GE_PRIVATE_IMPLICIT_VR))


def is_transfer_syntax(uid: str) -> bool:
    return uid in _known_transfer_syntaxes()


def is_encapsulated(transfer_syntax: str) -> bool:
    """Pixel Data stands in fragments (PS3.5 A.4); a private syntax that nobody knows is taken to be so."""
    return transfer_syntax not in NATIVE and transfer_syntax not in _NO_PIXELS_INSIDE


def is_valid_uid(uid: str, *, strict: bool = False) -> bool:
    """Digits and dots, 1 to 64 characters; strict adds PS3.5 9.1: no empty component, no leading zero."""
    if not 0 < len(uid) <= MAX_UID_LENGTH or not _UID_CHARS.issuperset(uid):
        return False
    return not strict or all(part == "0" or (part and part[0] != "0") for part in uid.split("."))
