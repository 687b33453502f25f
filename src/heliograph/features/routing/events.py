"""Every kind of fact that routing announces in the change feed; `docs/reference/events.md` is generated from it."""

from collections.abc import Mapping
from typing import Final

EVENTS: Final[Mapping[str, str]] = {
    "SendWaits": "The first attempt of a send failed; it is tried again by itself.",
    "SendFinished": "The node has taken every object of a send.",
    "SendFailed": "The node refused objects, or a send was given up. A person can send again.",
}
