"""Painted tissue: an ordered list of coverages that any modality turns into its own numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from heliograph.demo._fields import Array, coverage


@dataclass(slots=True)
class Tissues:
    """Layers over one plane, painted from the back to the front; each covers what lies under it."""

    shape: tuple[int, int]
    softness: float = 1.0
    layers: list[tuple[str, Array]] = field(default_factory=list)
    textures: dict[str, Array] = field(default_factory=dict)

    def paint(self, tissue: str, distance: Array, softness: float | None = None) -> None:
        """Paint where a signed distance is negative."""
        self.lay(tissue, coverage(distance, softness or self.softness))

    def lay(self, tissue: str, share: Array) -> None:
        """Paint a share (0..1) of every sample."""
        if share.any():
            self.layers.append((tissue, np.broadcast_to(share, self.shape)))

    def values(self, table: Mapping[str, float], background: str = "air") -> Array:
        """One number a sample: each tissue's value from `table`, mixed by the shares."""
        found = np.full(self.shape, table[background], np.float32)
        for tissue, share in self.layers:
            value = np.float32(table[tissue])
            found += share * (value - found)
            if tissue in self.textures:
                found += share * self.textures[tissue]
        return found

    def share(self, *tissues: str) -> Array:
        """The share of each sample that ends up as one of `tissues`."""
        return self.values({name: float(name in tissues) for name in {n for n, _ in self.layers} | {"air"}})
