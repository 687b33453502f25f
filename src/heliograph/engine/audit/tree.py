"""Reading the Merkle tree of the log where it is kept: seals are its leaves, tiles its inner nodes (RFC 9162 2.1.3)."""

from collections.abc import Callable

from heliograph.engine.audit.verifier import TILE_BITS, Tree, node_hash
from heliograph.engine.db import Tx

_TILE = 1 << TILE_BITS
Node = Callable[[int, int], bytes]


def stored_tree(tx: Tx, size: int) -> Tree:
    """The right edge of the tree over the first `size` seals, from whole tiles and the leaves behind them."""
    tree = Tree()
    top = 0
    while size >> (TILE_BITS * (top + 1)):
        top += 1
    for level in range(top, -1, -1):
        first, end = (size >> (TILE_BITS * (level + 1))) << TILE_BITS, size >> (TILE_BITS * level)
        if level == top:
            first = 0
        for node in _row_of_nodes(tx, level, first, end):
            tree.add(node, level * TILE_BITS)
    return tree


def _row_of_nodes(tx: Tx, level: int, first: int, end: int) -> list[bytes]:
    if level:
        rows = tx.execute(
            "select hash from audit_tile where level = %s and index >= %s and index < %s order by index",
            (level, first, end),
        )
    else:
        rows = tx.execute(
            "select leaf from audit_seal where number > %s and number <= %s order by number", (first, end)
        )
    return [bytes(row[0]) for row in rows]


def stored_nodes(tx: Tx) -> Node:
    """A function (level, index) -> hash of a perfect subtree of 2^level leaves, remembering the tiles that it read."""
    kept: dict[tuple[int, int], list[bytes]] = {}

    def node(level: int, index: int) -> bytes:
        if level % TILE_BITS:
            return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
        place = (level // TILE_BITS, index >> TILE_BITS)
        if place not in kept:
            first = place[1] << TILE_BITS
            kept[place] = _row_of_nodes(tx, place[0], first, first + _TILE)
        return kept[place][index & (_TILE - 1)]

    return node


def nodes_of(leaves: list[bytes]) -> Node:
    """The same over leaves in memory."""

    def node(level: int, index: int) -> bytes:
        if level == 0:
            return leaves[index]
        return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    return node


def inclusion_path(node: Node, index: int, size: int) -> list[bytes]:
    """The audit path of a leaf, from the leaf's neighbour up (RFC 9162 2.1.3.1)."""

    def path(first: int, end: int) -> list[bytes]:
        if end - first == 1:
            return []
        middle = first + _split(end - first)
        if index < middle:
            return [*path(first, middle), _range(node, middle, end)]
        return [*path(middle, end), _range(node, first, middle)]

    return path(0, size)


def _range(node: Node, first: int, end: int) -> bytes:
    """The hash of the tree over these leaves; `first` is a multiple of every power of two that is looked at."""
    count = end - first
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, first >> level)
    middle = first + _split(count)
    return node_hash(_range(node, first, middle), _range(node, middle, end))


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)
