"""Every kind of fact that access announces in the change feed; `docs/reference/events.md` is generated from it."""

from collections.abc import Mapping
from typing import Final

EVENTS: Final[Mapping[str, str]] = {
    "GlassBroken": "A person opened a withheld patient in an emergency. Somebody else reviews it.",
    "GlassEnded": "An emergency access was given up, or taken back by who reviews.",
    "GlassReviewed": "Somebody said what an emergency access was.",
    "PatientRestricted": "A patient's restriction was set, changed or taken away; the patient's studies follow.",
}
