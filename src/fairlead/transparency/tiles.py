"""How a tree is kept: rows of 256 hashes.

Tile `(0, i)` holds the hashes of leaves `256 * i` and following; tile `(n, i)` those of complete subtrees of
`256 ** n` leaves, each the root of a full tile below. Only the last tile of a level is not full. A tree of a
million leaves is 3,923 rows, of which appending touches four and a proof reads a dozen; and the lowest ones
can be thrown away with the records that they cover: every root from there on is made of what stands above.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from fairlead.transparency.merkle import HASH_BYTES, Node, Span, complete_nodes, fold, node_hash, nodes_of

TILE_LEVELS = 8
TILE_HASHES = 1 << TILE_LEVELS
"""Hashes in a full tile."""

TileId = tuple[int, int]
Tiles = Mapping[TileId, bytes]
"""The hashes of each tile, one after the other."""


def last_tiles(size: int) -> list[TileId]:
    """The tiles of a tree that are begun and not full: what appending needs."""
    tiles = []
    level = 0
    while size:
        if size % TILE_HASHES:
            tiles.append((level, size // TILE_HASHES))
        size //= TILE_HASHES
        level += 1
    return tiles


def append(tiles: Tiles, size: int, leaves: Sequence[bytes]) -> dict[TileId, bytes]:
    """The tiles that are new or longer once `leaves`, by their hashes, follow the `size` that are there.

    `tiles` has at least the `last_tiles` of that size.
    """
    changed: dict[TileId, bytes] = {}
    level, start, hashes = 0, size, list(leaves)
    while hashes:
        above: list[bytes] = []
        for index in range(start // TILE_HASHES, (start + len(hashes) - 1) // TILE_HASHES + 1):
            kept = tiles[level, index] if start > index * TILE_HASHES else b""
            room = TILE_HASHES - len(kept) // HASH_BYTES
            added, hashes = hashes[:room], hashes[room:]
            start += len(added)
            changed[level, index] = kept + b"".join(added)
            if len(added) == room:
                above.append(_folded(changed[level, index]))
        level, start, hashes = level + 1, start // TILE_HASHES - len(above), above
    return changed


def tiles_of(spans: Iterable[Span]) -> set[TileId]:
    """The tiles that `hashes_of` needs for these spans."""
    return {_place(node)[0] for node in nodes_of(spans)}


def hashes_of(tiles: Tiles, spans: Iterable[Span]) -> list[bytes]:
    """The hash of the subtree over each span."""
    node = _reader(tiles)
    return [fold([node(each) for each in complete_nodes(*span)]) for span in spans]


def _reader(tiles: Tiles) -> Callable[[Node], bytes]:
    def read(node: Node) -> bytes:
        tile, start, count = _place(node)
        part = tiles[tile][start * HASH_BYTES : (start + count) * HASH_BYTES]
        if len(part) != count * HASH_BYTES:
            raise KeyError(node)
        return _folded(part)

    return read


def _place(node: Node) -> tuple[TileId, int, int]:
    """The tile that a node is made of, from which of its hashes on, and how many."""
    level, index = node
    tile_level, height = divmod(level, TILE_LEVELS)
    first = index << height
    return (tile_level, first // TILE_HASHES), first % TILE_HASHES, 1 << height


def _folded(hashes: bytes) -> bytes:
    """The root over a power of two of hashes."""
    row = [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]
