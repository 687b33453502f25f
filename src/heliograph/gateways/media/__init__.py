"""Media in: folders, ZIP files, DICOMDIR disks. Foreign names never become paths of ours (N5, N6)."""

from heliograph.gateways.media.importing import IMPORT_JOB, Summary, import_job, import_paths, media_label
from heliograph.gateways.media.sources import Medium, media
from heliograph.gateways.media.walking import Found, walk

__all__ = ["IMPORT_JOB", "Found", "Medium", "Summary", "import_job", "import_paths", "media", "media_label", "walk"]
