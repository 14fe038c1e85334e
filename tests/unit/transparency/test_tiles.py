"""A tree in rows of 256 hashes."""

import pytest

from fairlead.transparency.merkle import Frontier, consistency_spans, inclusion_spans, leaf_hash
from fairlead.transparency.tiles import TILE_HASHES, append, hashes_of, last_tiles, tiles_of
from tests.support import naive_tree

LEAVES = [str(number).encode() for number in range(2 * TILE_HASHES + 5)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]


def grown(*steps):
    """The tiles after leaves were added in steps; each step sees only the tiles that it says it needs."""
    tiles, size = {}, 0
    for step in steps:
        needed = {tile: tiles[tile] for tile in last_tiles(size)}
        tiles.update(append(needed, size, HASHES[size : size + step]))
        size += step
    return tiles


@pytest.mark.parametrize("steps", [(517,), (1,) * 517, (255, 2, 260), (256, 256, 5), (0, 517), (300, 217)])
def test_the_tiles_are_the_same_however_the_leaves_came(steps):
    tiles = grown(*steps)
    assert sorted(tiles) == [(0, 0), (0, 1), (0, 2), (1, 0)]
    assert tiles[0, 1] == b"".join(HASHES[256:512])
    assert hashes_of(tiles, [(0, 517)]) == [naive_tree.root(LEAVES)]


def test_a_tree_of_many_tiles_has_a_second_level_of_full_ones():
    leaves = [leaf_hash(bytes(4) + number.to_bytes(4, "big")) for number in range(66_000)]
    tiles = append({}, 0, leaves)
    frontier = Frontier()
    frontier.extend(leaves)
    assert hashes_of(tiles, [(0, 66_000)]) == [frontier.root()]
    assert last_tiles(66_000) == [(0, 257), (1, 1), (2, 0)]
    assert set(last_tiles(66_000)) < set(tiles)


def test_proofs_are_made_of_the_tiles_that_are_named_for_them():
    tiles = grown(517)
    for spans, expected in (
        (inclusion_spans(300, 517), naive_tree.inclusion(300, LEAVES)),
        (consistency_spans(257, 517), naive_tree.consistency(257, LEAVES)),
        (consistency_spans(512, 517), naive_tree.consistency(512, LEAVES)),
    ):
        needed = {tile: tiles[tile] for tile in tiles_of(spans)}
        assert hashes_of(needed, spans) == expected


def test_without_the_lowest_tiles_everything_from_there_on_is_still_proved():
    tiles = grown(517)
    del tiles[0, 0]
    assert hashes_of(tiles, [(0, 517)]) == [naive_tree.root(LEAVES)]
    assert hashes_of(tiles, inclusion_spans(256, 517)) == naive_tree.inclusion(256, LEAVES)
    assert hashes_of(tiles, consistency_spans(256, 517)) == naive_tree.consistency(256, LEAVES)
    with pytest.raises(KeyError):
        hashes_of(tiles, inclusion_spans(255, 517))


def test_what_is_not_there_yet_has_no_hash():
    with pytest.raises(KeyError):
        hashes_of(grown(517), [(516, 518)])
