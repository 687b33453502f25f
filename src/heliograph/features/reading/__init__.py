"""The reader's desk: how each person and the house want to work (`preferences`), and what is drawn on images (`marks`).

Tables: preference, mark_event, mark.
"""

from heliograph.features.reading.preferences import Preference, preference, set_preference

__all__ = ["Preference", "preference", "set_preference"]
