"""Telling a re-send in another encoding from another object with the same UID (DESIGN 3)."""

from heliograph.engine.blobs import Blobs
from heliograph.features.archive.model import Existing, Incoming
from heliograph.kit.errors import HeliographError

_MOST_BYTES = 128 << 20


def same_object(blobs: Blobs, existing: Existing, incoming: Incoming) -> bool:
    """True when elements and decoded pixels agree. Large, lossy or undecodable ones count as different: a doubt is never hidden."""
    if incoming.header is None or max(blobs.size(existing.blob), incoming.written.size_bytes) > _MOST_BYTES:
        return False
    from heliograph.standards.dicom import equality

    try:
        return equality.same_object(blobs.read(existing.blob), blobs.read(incoming.written.ref))
    except HeliographError:
        return False
