"""Branching trees that fill a volume: every tip joins the nearest branch that leads its way, radii add up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliograph.demo._fields import Array, Point


@dataclass(frozen=True, slots=True)
class Tree:
    """Straight pieces: starts, ends and radii, thickest first."""

    start: Array
    end: Array
    radius: Array

    def near(self, z: float, margin: float) -> NDArray[np.intp]:
        """The pieces that come within `margin` of a height."""
        low = np.minimum(self.start[:, 2], self.end[:, 2]) - self.radius - margin
        high = np.maximum(self.start[:, 2], self.end[:, 2]) + self.radius + margin
        return np.flatnonzero((low < z) & (z < high))


def grow(
    rng: np.random.Generator,
    root: Point,
    tips: Array,
    *,
    tip_radius: float = 0.5,
    power: float = 2.6,
    step: float = 7.0,
    wander: float = 1.2,
) -> Tree:
    """A tree from `root` to all `tips`."""
    origin = np.array(root, np.float32)
    order = np.argsort(((tips - origin) ** 2).sum(1))
    nodes = np.zeros((len(tips) * 40 + 1, 3), np.float32)
    parent = np.full(len(nodes), -1)
    nodes[0] = origin
    count = 1
    for tip in tips[order]:
        known = nodes[:count]
        gap = tip - known
        far = np.sqrt((gap * gap).sum(1))
        outward = known - origin
        forward = (outward * gap).sum(1) / (np.sqrt((outward * outward).sum(1)) * far + 1e-3)
        cost = far * (1.5 - 0.6 * forward)
        at = int(np.argmin(cost))
        pieces = max(1, min(38, int(far[at] // step)))
        last = nodes[at].copy()
        previous = at
        for i in range(1, pieces + 1):
            place = last + (tip - last) * (i / pieces)
            if i < pieces:
                place = place + rng.normal(0, wander, 3)
            nodes[count], parent[count] = place, previous
            previous = count
            count += 1
    load = np.zeros(count)
    is_tip = np.ones(count, bool)
    is_tip[parent[1:count]] = False
    load[is_tip] = tip_radius**power
    for i in range(count - 1, 0, -1):
        load[parent[i]] += load[i]
    radius = load ** (1 / power)
    index = np.arange(1, count)
    index = index[np.argsort(-radius[index])]
    return Tree(nodes[parent[index]], nodes[index], radius[index].astype(np.float32))
