"""Searching the index: one room for C-FIND, QIDO-RS and the study list."""

from heliograph.features.archive.search._keys import reference, returned
from heliograph.features.archive.search._list import priors, series_of_study, study_by_id, study_list
from heliograph.features.archive.search._receipts import Receipt, receipts
from heliograph.features.archive.search._stored import StoredInstance, stored_instances
from heliograph.features.archive.search.asking import (
    Count,
    Match,
    count,
    reads_headers,
    search,
    search_and_count,
    unsupported,
)

__all__ = [
    "Count", "Match", "Receipt", "StoredInstance", "count", "priors", "reads_headers", "receipts", "reference", "returned", "search",
    "search_and_count", "series_of_study", "stored_instances", "study_by_id", "study_list", "unsupported",
]  # fmt: skip
