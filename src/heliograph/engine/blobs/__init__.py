"""Immutable bytes. A blob is written once, read by range, never overwritten, deleted late.

`Blobs` is the face; `open_blobs` chooses the local segments (`file`) or an S3 bucket (`s3://bucket/prefix`). A blob's `ref` is opaque
text that the index keeps. Its digest is SHA-256 over what was passed to `write`, without what was passed to `prefix`.
"""

from heliograph.engine.blobs.face import Blobs, BlobWriter, Record, Written
from heliograph.engine.blobs.opening import open_blobs

__all__ = ["BlobWriter", "Blobs", "Record", "Written", "open_blobs"]
