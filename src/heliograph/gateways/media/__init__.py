"""Media in: folders, ZIP files, DICOMDIR disks. Foreign names never become paths of ours (N5, N6)."""

from heliograph.gateways.media.importing import IMPORT_JOB, Summary, import_job, import_paths, media_issuer
from heliograph.gateways.media.walking import Found, walk

__all__ = ["IMPORT_JOB", "Found", "Summary", "import_job", "import_paths", "media_issuer", "walk"]
