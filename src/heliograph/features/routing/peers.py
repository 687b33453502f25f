"""What routing asks of remote nodes; a gateway does it."""

from collections.abc import Mapping
from typing import Any, Protocol


class Peers(Protocol):
    """Errors of kit.errors say in words what stands in the way."""

    def echo(self, node: Mapping[str, Any], title: str) -> float:
        """Calling as `title`: milliseconds until the answer of a C-ECHO; of a node, or of a device that listens."""
        ...

    def query(
        self, node: Mapping[str, Any], title: str, keys: Mapping[str, str], limit: int
    ) -> tuple[list[dict[str, str]], bool]:
        """Studies as keyword -> value (several joined by a backslash), and whether there are more than `limit`."""
        ...
