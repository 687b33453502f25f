"""Pixels for people: series documents, thumbnails, hanging facts, the study manifest. Tables: series_document, series_facts, thumbnail, frame_copy.

A series document holds the DICOM JSON of every instance, attributes that are equal in all written once, and the frame table of
each, so that metadata is one read and a frame is a ranged read of the stored blob. It is written when the series settles and
made on demand before that; its revision is the series' and is checked against the live count (safety guards 1 and 7).
"""

from heliograph.features.imaging.copies import Copies
from heliograph.features.imaging.document import Entry, SeriesDocument
from heliograph.features.imaging.documents import Documents
from heliograph.features.imaging.hanging import write_facts
from heliograph.features.imaging.manifest import study_manifest
from heliograph.features.imaging.thumbnails import series_thumbnail

__all__ = ["Copies", "Documents", "Entry", "SeriesDocument", "series_thumbnail", "study_manifest", "write_facts"]
