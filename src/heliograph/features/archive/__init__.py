"""The archive: every object that was ever acknowledged, its index, and what is held back.

Four doors call `Intake` (C-STORE, STOW-RS, import, upload); it decides by `Ingest`. Tables: arrival, study, series, instance,
instance_version, held. Events: StudyOpened, SeriesOpened, InstanceReplaced, ObjectHeld, HeldDecided, SeriesSettled, StudyArrived.
"""

from heliograph.features.archive.alarms import acknowledge_alarm, open_alarms
from heliograph.features.archive.held import RACES, discard, held_blob, held_objects, held_of_study, release
from heliograph.features.archive.intake import Delivery, Intake, ObjectSink, database_is_away
from heliograph.features.archive.model import REASONS, Arrival, Incoming, Outcome

__all__ = [
    "RACES", "REASONS", "Arrival", "Delivery", "Incoming", "Intake", "ObjectSink", "Outcome", "acknowledge_alarm", "database_is_away", "discard", "held_blob", "held_objects",
    "held_of_study", "open_alarms", "release",
]  # fmt: skip
