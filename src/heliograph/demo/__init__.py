"""The sample hospital: seeded phantoms as DICOM files, so that a fresh start has something true to look at."""

from heliograph.demo.hospital import StudySummary, Summary, generate, studies

__all__ = ["StudySummary", "Summary", "generate", "studies"]
