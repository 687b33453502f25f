"""Makes DICOM bytes by hand, right and wrong ones, without any code of the project."""

from struct import pack

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG = "1.2.840.10008.1.2.2"
JPEG = "1.2.840.10008.1.2.4.50"

UNDEFINED = 0xFFFFFFFF
ITEM_END = pack("<HHL", 0xFFFE, 0xE00D, 0)
SEQUENCE_END = pack("<HHL", 0xFFFE, 0xE0DD, 0)
LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"


def padded(value: bytes | str, pad: bytes = b" ") -> bytes:
    value = value.encode("ascii") if isinstance(value, str) else value
    return value + pad * (len(value) & 1)


def explicit(tag: int, vr: str, value: bytes | str = b"", *, length: int | None = None, mark: str = "<") -> bytes:
    raw = padded(value, b"\0" if vr in ("UI", "OB", "UN") else b" ")
    size = len(raw) if length is None else length
    if vr in LONG:
        return pack(mark + "HH2sHL", tag >> 16, tag & 0xFFFF, vr.encode(), 0, size) + raw
    return pack(mark + "HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), size) + raw


def implicit(tag: int, value: bytes | str = b"", *, length: int | None = None, pad: bytes = b" ") -> bytes:
    raw = padded(value, pad)
    return pack("<HHL", tag >> 16, tag & 0xFFFF, len(raw) if length is None else length) + raw


def item(content: bytes = b"", *, length: int | None = None, mark: str = "<") -> bytes:
    return pack(mark + "HHL", 0xFFFE, 0xE000, len(content) if length is None else length) + content


def open_item(content: bytes = b"") -> bytes:
    return item(content, length=UNDEFINED) + ITEM_END


def open_sequence(tag: int, *items: bytes, vr: str = "SQ") -> bytes:
    return explicit(tag, vr, length=UNDEFINED) + b"".join(items) + SEQUENCE_END


def meta(transfer_syntax: str, *, group_length: int | None = None) -> bytes:
    body = explicit(0x00020002, "UI", CT_CLASS) + explicit(0x00020003, "UI", "1.2.3.4")
    body += explicit(0x00020010, "UI", transfer_syntax)
    size = len(body) if group_length is None else group_length
    return explicit(0x00020000, "UL", pack("<L", size)) + body


def file(data_set: bytes, transfer_syntax: str = EXPLICIT) -> bytes:
    return bytes(128) + b"DICM" + meta(transfer_syntax) + data_set


def identity(write: str = "explicit") -> bytes:
    """The elements that nearly every object begins with."""
    rows: list[tuple[int, str, str]] = [
        (0x00080016, "UI", CT_CLASS),
        (0x00080018, "UI", "1.2.3.4"),
        (0x00080020, "DA", "20260102"),
        (0x00080060, "CS", "CT"),
        (0x00100010, "PN", "Doe^Jane"),
        (0x00100020, "LO", "P1"),
        (0x0020000D, "UI", "1.2.3"),
        (0x0020000E, "UI", "1.2.3.1"),
    ]
    if write == "implicit":
        return b"".join(implicit(tag, value, pad=b"\0" if vr == "UI" else b" ") for tag, vr, value in rows)
    mark = ">" if write == "big" else "<"
    return b"".join(explicit(tag, vr, value, mark=mark) for tag, vr, value in rows)


def pixels(size: int = 8) -> bytes:
    return explicit(0x7FE00010, "OW", bytes(size))
