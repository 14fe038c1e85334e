"""Hashes and proofs of a tree, compared with the definitions of RFC 6962."""

import pytest

from fairlead.transparency.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofInvalid,
    complete_nodes,
    consistency_spans,
    fold,
    inclusion_spans,
    leaf_hash,
    nodes_of,
    verify_consistency,
    verify_inclusion,
)
from tests.support import naive_tree

LEAVES = [bytes([number]) * number for number in range(21)]
SIZES = range(len(LEAVES) + 1)


def proof(spans):
    """The hashes over spans, taken from the leaves themselves."""
    return [naive_tree.root(LEAVES[start:end]) for start, end in spans]


def test_the_root_of_no_leaves_is_the_hash_of_nothing():
    assert EMPTY_ROOT == fold([]) == Frontier().root() == naive_tree.root([])


@pytest.mark.parametrize("size", SIZES)
def test_a_root_is_folded_from_complete_subtrees(size):
    spans = [(index << level, (index + 1) << level) for level, index in complete_nodes(0, size)]
    assert fold(proof(spans)) == naive_tree.root(LEAVES[:size])
    assert list(nodes_of([(0, size)])) == complete_nodes(0, size)


@pytest.mark.parametrize("size", SIZES)
def test_a_frontier_grows_to_the_root_of_all_leaves(size):
    frontier = Frontier()
    frontier.extend(leaf_hash(leaf) for leaf in LEAVES[:size])
    assert (frontier.size, frontier.root()) == (size, naive_tree.root(LEAVES[:size]))
    assert Frontier(size, frontier.hashes).root() == frontier.root()


@pytest.mark.parametrize(("size", "count"), [(-1, 0), (3, 1), (4, 2), (0, 1)])
def test_a_frontier_has_as_many_hashes_as_its_size_says(size, count):
    with pytest.raises(ValueError, match="subtrees"):
        Frontier(size, [EMPTY_ROOT] * count)


@pytest.mark.parametrize("size", SIZES[1:])
def test_inclusion_is_proved_by_the_path_of_the_rfc(size):
    root = naive_tree.root(LEAVES[:size])
    for index in range(size):
        hashes = proof(inclusion_spans(index, size))
        assert hashes == naive_tree.inclusion(index, LEAVES[:size])
        verify_inclusion(leaf_hash(LEAVES[index]), index, size, hashes, root)


@pytest.mark.parametrize("second", SIZES)
def test_consistency_is_proved_by_the_proof_of_the_rfc(second):
    new_root = naive_tree.root(LEAVES[:second])
    for first in range(second + 1):
        hashes = proof(consistency_spans(first, second))
        if first:
            assert hashes == naive_tree.consistency(first, LEAVES[:second])
        verify_consistency(first, second, naive_tree.root(LEAVES[:first]), new_root, hashes)


def test_another_leaf_place_size_or_root_is_not_proved():
    root, hashes = naive_tree.root(LEAVES), proof(inclusion_spans(5, 21))
    leaf = leaf_hash(LEAVES[5])
    for wrong in (
        (leaf_hash(b"other"), 5, 21, hashes, root),
        (leaf, 4, 21, hashes, root),
        (leaf, 5, 12, hashes, root),
        (leaf, 5, 21, hashes[::-1], root),
        (leaf, 5, 21, hashes[:-1], root),
        (leaf, 5, 21, [*hashes, root], root),
        (leaf, 5, 21, hashes, EMPTY_ROOT),
        (leaf, 21, 21, hashes, root),
        (leaf, -1, 21, hashes, root),
    ):
        with pytest.raises(ProofInvalid):
            verify_inclusion(*wrong)


def test_a_log_that_was_changed_or_shortened_is_not_consistent():
    first, second = naive_tree.root(LEAVES[:7]), naive_tree.root(LEAVES)
    hashes = proof(consistency_spans(7, 21))
    for wrong in (
        (7, 21, naive_tree.root([b"forged", *LEAVES[1:7]]), second, hashes),
        (7, 21, first, naive_tree.root([*LEAVES[:-1], b"forged"]), hashes),
        (6, 21, first, second, hashes),
        (7, 21, first, second, hashes[:-1]),
        (21, 7, second, first, hashes),
        (-1, 21, first, second, hashes),
        (0, 21, first, second, []),
        (21, 21, first, second, []),
    ):
        with pytest.raises(ProofInvalid):
            verify_consistency(*wrong)


def test_questions_about_what_a_tree_does_not_have_are_mistakes():
    with pytest.raises(ValueError, match="no leaf 3"):
        inclusion_spans(3, 3)
    with pytest.raises(ValueError, match="no beginning"):
        consistency_spans(4, 3)
