"""Every kind of fact that reading announces in the change feed; `docs/reference/events.md` is generated from it."""

from collections.abc import Mapping
from typing import Final

EVENTS: Final[Mapping[str, str]] = {
    "MarksChanged": "Somebody drew, changed or took away marks on the images of a study.",
}
