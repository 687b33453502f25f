"""What readers draw on images: an event log that is never rewritten, and the state that follows from it. Tables: mark_event, mark.

A mark is made by the browser with an identifier of its own; every change is an event with an identifier too, so that one that is sent
twice counts once, and the order in which events arrive does not matter.
"""

from heliograph.features.reading.marks.log import append, marks_of_study
from heliograph.features.reading.marks.model import Event, Mark, MarkImage, read

__all__ = ["Event", "Mark", "MarkImage", "append", "marks_of_study", "read"]
