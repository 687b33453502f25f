"""Blobs that are known to be damaged: they stay where they are, and nobody is given them."""

from heliograph.kit.errors import Broken


class Withholding:
    """What both stores do about them. `withheld` is replaced as a whole by who looks after it, in every process that reads."""

    withheld: frozenset[str] = frozenset()

    def require_whole(self, ref: str) -> None:
        """Raises Broken for a blob whose bytes are known not to be what was received."""
        if ref in self.withheld:
            raise Broken(
                "this object is damaged: its bytes are not what was received, and it is given to nobody until it is restored",
                code="object_damaged",
            )
