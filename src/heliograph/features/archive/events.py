"""Every kind of fact that the archive announces in the change feed; `docs/reference/events.md` is generated from it."""

from collections.abc import Mapping
from typing import Final

EVENTS: Final[Mapping[str, str]] = {
    "StudyOpened": "The first object of a study is stored. More is likely to follow.",
    "SeriesOpened": "The first object of a series is stored.",
    "InstanceReplaced": "A newer object of the same UID and source became current; the older one stays as a version.",
    "ObjectHeld": "An object was kept but set aside for a person to decide. `study` is null when it belongs to none.",
    "HeldDecided": "A person released or discarded a held object; `state` says which.",
    "SeriesSettled": "No object of the series came for `archive.series_quiet_s`. It settles again when more arrives.",
    "StudyArrived": "Every series is settled and no object of the study came for `archive.study_quiet_s`. May come again.",
    "AlarmRaised": "A condition that a person must know of began.",
    "AlarmCleared": "The condition is over.",
    "AlarmAcknowledged": "A person looks after the alarm.",
}
