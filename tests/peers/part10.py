"""The outer shape of a Part 10 file (PS3.10 7.1), read by hand so that the data set bytes can be compared exactly."""

import hashlib
import struct
from dataclasses import dataclass

_LONG = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"}


@dataclass(frozen=True, slots=True)
class Parts:
    """What a C-STORE needs of a file, and the data set as it is."""

    sop_class: str
    sop_uid: str
    transfer_syntax: str
    dataset: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.dataset).hexdigest()


def split(data: bytes) -> Parts:
    """Raises ValueError when there is no preamble with a whole group 0002."""
    if data[128:132] != b"DICM":
        raise ValueError("no DICM after 128 bytes")
    offset, values = 132, {}
    while data[offset : offset + 2] == b"\x02\x00":
        element, vr = struct.unpack_from("<H", data, offset + 2)[0], data[offset + 4 : offset + 6]
        if vr in _LONG:
            length, head = struct.unpack_from("<I", data, offset + 8)[0], 12
        else:
            length, head = struct.unpack_from("<H", data, offset + 6)[0], 8
        values[element] = data[offset + head : offset + head + length]
        offset += head + length
    if offset > len(data) or 0x0010 not in values:
        raise ValueError("group 0002 is not whole")

    def text(element: int) -> str:
        return values.get(element, b"").rstrip(b"\0 ").decode("ascii", "replace")

    return Parts(text(0x0002), text(0x0003), text(0x0010), data[offset:])
