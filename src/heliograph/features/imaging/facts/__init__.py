"""Hanging facts: words derived from what instances say, by which a viewer hangs a series before it has read it."""

from heliograph.features.imaging.facts._jsonset import JsonSet
from heliograph.features.imaging.facts._kinds import PICTURES
from heliograph.features.imaging.facts._series import (
    FORMAT,
    PROJECTIONS,
    body_part_of,
    image_facts,
    kernel_of,
    series_facts,
)
from heliograph.features.imaging.facts._study import facts_of_row, relevance, study_facts

__all__ = [
    "FORMAT",
    "PICTURES",
    "PROJECTIONS",
    "JsonSet",
    "body_part_of",
    "facts_of_row",
    "image_facts",
    "kernel_of",
    "relevance",
    "series_facts",
    "study_facts",
]
