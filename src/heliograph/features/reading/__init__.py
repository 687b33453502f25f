"""The reader's desk: how each person and the house want to work (`preferences`), what is drawn on images (`marks`), and
how studies hang (`hanging`).

Tables: preference, mark_event, mark, hanging_protocol.
"""

from heliograph.features.reading.preferences import Preference, preference, set_preference

__all__ = ["Preference", "preference", "set_preference"]
