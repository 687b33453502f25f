"""Choosing the store that the setting `blobs` names."""

from pathlib import Path

from heliograph.engine.blobs.face import Blobs
from heliograph.kit.errors import Invalid


def open_blobs(where: str, data: Path, *, reserve_bytes: int = 0) -> Blobs:
    """The store that the setting `blobs` names."""
    if where == "file":
        from heliograph.engine.blobs.segments import SegmentStore

        return SegmentStore(data / "blobs", reserve_bytes=reserve_bytes)
    if where.startswith("s3://"):
        from heliograph.engine.blobs.s3 import S3Store

        return S3Store(where, data / "spool", reserve_bytes=reserve_bytes)
    raise Invalid("blobs must be `file` or s3://bucket/prefix", code="bad_setting")
