"""Painted tissue: an ordered list of coverages that any modality turns into its own numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from heliograph.demo._fields import Array, coverage

Window = tuple[slice, slice]
_WHOLE = (slice(None), slice(None))


@dataclass(slots=True)
class Tissues:
    """Layers over one plane, painted from the back to the front; each covers what lies under it."""

    shape: tuple[int, int]
    softness: float = 1.0
    layers: list[tuple[str, Array, Window]] = field(default_factory=list)
    textures: dict[str, Array] = field(default_factory=dict)

    def paint(
        self, tissue: str, distance: Array, softness: float | None = None, window: Window = _WHOLE, share: float = 1.0
    ) -> None:
        """Paint where a signed distance is negative."""
        covered = coverage(distance, softness or self.softness)
        self.lay(tissue, covered * np.float32(share) if share < 1 else covered, window)

    def lay(self, tissue: str, share: Array, window: Window = _WHOLE) -> None:
        """Paint a share (0..1) of every sample."""
        if share.any():
            self.layers.append((tissue, share, window))

    def values(self, table: Mapping[str, float], *, background: str = "air", texture: float = 1.0) -> Array:
        """One number a sample: each tissue's value from `table`, mixed by the shares; textures are in CT numbers."""
        found = np.full(self.shape, table[background], np.float32)
        for tissue, share, window in self.layers:
            part = found[window]
            part += share * (np.float32(table[tissue]) - part)
            if texture and tissue in self.textures:
                part += share * (self.textures[tissue][window] * np.float32(texture))
        return found

    def share(self, *tissues: str) -> Array:
        """The share of each sample that ends up as one of `tissues`."""
        names = {n for n, _, _ in self.layers} | {"air"}
        return self.values({name: float(name in tissues) for name in names}, texture=0.0)
