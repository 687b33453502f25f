"""The header of an object that is stored."""

from typing import Final

from heliograph.engine.blobs import Blobs
from heliograph.standards.dicom.header import Header, NeedMore, scan

# The element of the pixels itself stands behind what the index calls the header.
_MARGIN_BYTES: Final = 4096


def stored_header(blobs: Blobs, ref: str, header_bytes: int, size_bytes: int) -> tuple[Header, bytes]:
    """The header and the bytes that were read for it: no more than the index says it is long, or all when that was too little.

    Raises Broken when the storage does not give them, Unparseable.
    """
    data = blobs.read(ref, 0, min(size_bytes, header_bytes + _MARGIN_BYTES))
    try:
        return scan(data, complete=len(data) == size_bytes), data
    except NeedMore:
        data = blobs.read(ref)
        return scan(data), data
