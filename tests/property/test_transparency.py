"""Laws of the audit log's tree, against one that is built from the definitions of RFC 6962."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.transparency import canonical_json
from fairlead.transparency.merkle import (
    Frontier,
    ProofInvalid,
    consistency_spans,
    inclusion_spans,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from fairlead.transparency.tiles import append, hashes_of, last_tiles
from tests.support import naive_tree

leaves = st.lists(st.binary(max_size=4), min_size=1, max_size=70)
texts = st.text(st.characters(), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(data=st.data(), log=leaves)
def test_a_tree_that_grew_in_steps_has_the_roots_and_proofs_of_the_definitions(data, log):
    tiles, size = {}, 0
    hashes = [leaf_hash(leaf) for leaf in log]
    while size < len(log):
        step = data.draw(st.integers(1, len(log) - size))
        needed = {tile: tiles[tile] for tile in last_tiles(size)}
        tiles.update(append(needed, size, hashes[size : size + step]))
        size += step
    second = data.draw(st.integers(1, size))
    first = data.draw(st.integers(1, second))
    index = data.draw(st.integers(0, second - 1))
    root = naive_tree.root(log[:second])
    assert hashes_of(tiles, [(0, second)]) == [root]
    inclusion = hashes_of(tiles, inclusion_spans(index, second))
    assert inclusion == naive_tree.inclusion(index, log[:second])
    verify_inclusion(hashes[index], index, second, inclusion, root)
    consistency = hashes_of(tiles, consistency_spans(first, second))
    assert consistency == naive_tree.consistency(first, log[:second])
    verify_consistency(first, second, naive_tree.root(log[:first]), root, consistency)


@given(data=st.data(), log=leaves)
def test_no_other_history_is_consistent_with_a_root(data, log):
    first = data.draw(st.integers(1, len(log)))
    place = data.draw(st.integers(0, first - 1))
    forged = [*log[:place], log[place] + b"!", *log[place + 1 :]]
    proof = naive_tree.consistency(first, forged)
    with pytest.raises(ProofInvalid):
        verify_consistency(first, len(log), naive_tree.root(log[:first]), naive_tree.root(forged), proof)
    path = naive_tree.inclusion(place, log)
    with pytest.raises(ProofInvalid):
        verify_inclusion(leaf_hash(forged[place]), place, len(log), path, naive_tree.root(log))


@given(data=st.data(), log=leaves)
def test_a_hash_that_was_changed_proves_nothing(data, log):
    index = data.draw(st.integers(0, len(log) - 1))
    proof = naive_tree.inclusion(index, log)
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        proof[place] = leaf_hash(proof[place])
        with pytest.raises(ProofInvalid):
            verify_inclusion(leaf_hash(log[index]), index, len(log), proof, naive_tree.root(log))


@given(log=leaves, cut=st.integers(0, 70))
def test_a_frontier_goes_on_from_anywhere(log, cut):
    frontier = Frontier()
    frontier.extend(map(leaf_hash, log[:cut]))
    frontier = Frontier(frontier.size, frontier.hashes)
    frontier.extend(map(leaf_hash, log[cut:]))
    assert frontier.root() == naive_tree.root(log)


@given(value=values)
def test_canonical_json_says_the_same_in_one_way_only(value):
    text = canonical_json.encode(value)
    assert canonical_json.encode(json.loads(text)) == text
    assert text.encode().decode() == text


@given(value=values)
def test_canonical_json_keeps_every_value_that_is_whole(value):
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    assert json.loads(canonical_json.encode(value)) == value
