"""Merkle tree hashes and proofs (RFC 6962 §2.1), as arithmetic over the hashes of complete subtrees.

A *node* is a complete subtree: `(level, index)` covers the leaves from `index << level` on, `1 << level` of
them. Its hash never changes once its leaves are there. Whoever keeps a tree keeps nodes (`tiles`), and every
root and every proof, also of an earlier size, is made of them:

    hashes = [fold([hash_of(node) for node in complete_nodes(*span)]) for span in inclusion_spans(7, 1000)]

A *span* is `(start, end)`, the leaves from `start` to before `end`. Verification needs no tree.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

Node = tuple[int, int]
Span = tuple[int, int]

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""


class ProofInvalid(Exception):
    """The proof does not show what it is said to show; the text says why."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf. The first byte keeps leaves and nodes apart."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def complete_nodes(start: int, end: int) -> list[Node]:
    """The largest complete subtrees that together cover a span, from left to right.

    `start` must be a multiple of the largest of them, as it is in every span that this module gives.
    """
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash of the subtree whose complete parts, from left to right, have these hashes."""
    if not hashes:
        return EMPTY_ROOT
    *rest, folded = hashes
    for left in reversed(rest):
        folded = node_hash(left, folded)
    return folded


def inclusion_spans(index: int, size: int) -> list[Span]:
    """What the proof that leaf `index` is in the tree of `size` leaves consists of (RFC 6962 §2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    return _siblings(index, index + 1, size)


def consistency_spans(first: int, second: int) -> list[Span]:
    """What the proof that a tree of `first` leaves was extended to `second` consists of (RFC 6962 §2.1.2)."""
    if not 0 <= first <= second:
        raise ValueError(f"{first} leaves are no beginning of {second}")
    if first in (0, second):
        return []
    level = _trailing_zeros(first)
    spans = _siblings(first - (1 << level), first, second)
    return spans if first == 1 << level else [(first - (1 << level), first), *spans]


def _siblings(start: int, end: int, size: int) -> list[Span]:
    """The other subtrees at each fork on the way from the root to the subtree of a span, the lowest first."""
    spans = []
    left, right = 0, size
    while (left, right) != (start, end):
        fork = left + (1 << ((right - left - 1).bit_length() - 1))
        if end <= fork:
            spans.append((fork, right))
            right = fork
        else:
            spans.append((left, fork))
            left = fork
    return spans[::-1]


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise ProofInvalid unless the leaf with this hash is number `index` of the `size` under `root`."""
    if not 0 <= index < size:
        raise ProofInvalid(f"a tree of {size} leaves has no leaf {index}")
    spans = inclusion_spans(index, size)
    if len(spans) != len(proof):
        raise ProofInvalid(f"the proof has {len(proof)} hashes; it takes {len(spans)}")
    folded = leaf
    for (start, _), sibling in zip(spans, proof, strict=True):
        folded = node_hash(folded, sibling) if start > index else node_hash(sibling, folded)
    if folded != root:
        raise ProofInvalid(f"leaf {index} is not what the tree of {size} leaves has there")


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise ProofInvalid unless the leaves under `first_root` begin those under `second_root`."""
    if not 0 <= first <= second:
        raise ProofInvalid(f"a log of {first} records cannot have become one of {second}")
    spans = consistency_spans(first, second)
    if len(spans) != len(proof):
        raise ProofInvalid(f"the proof has {len(proof)} hashes; it takes {len(spans)}")
    if first == 0:
        if first_root != EMPTY_ROOT:
            raise ProofInvalid("the root of the empty tree is another one")
        return
    hashes = list(proof)
    boundary = first
    if spans and spans[0][1] == first:
        old = new = hashes.pop(0)
        spans = spans[1:]
    else:  # the first tree is one complete subtree: its root is where the proof begins
        old = new = first_root
    for (start, _), sibling in zip(spans, hashes, strict=True):
        if start >= boundary:
            new = node_hash(new, sibling)
        else:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
    if old != first_root:
        raise ProofInvalid(
            f"the {first} records of the earlier checkpoint are not those that the log began with"
        )
    if new != second_root:
        raise ProofInvalid(f"the log of {second} records is not the one of the later checkpoint")


class Frontier:
    """A tree of which only the hashes of its largest complete subtrees are kept: enough to grow it."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """`hashes` belong to `complete_nodes(0, size)`. Raises ValueError if they are not as many."""
        if size < 0 or len(hashes) != size.bit_count():
            raise ValueError(
                f"a tree of {size} leaves has {max(size, 0).bit_count()} subtrees, not {len(hashes)}"
            )
        self.size = size
        self.hashes = list(hashes)

    def append(self, leaf: bytes) -> None:
        """Add a leaf by its hash."""
        folded = leaf
        for _ in range(_trailing_zeros(self.size + 1)):
            folded = node_hash(self.hashes.pop(), folded)
        self.hashes.append(folded)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaves by their hashes."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """The root of what is there."""
        return fold(self.hashes)


def nodes_of(spans: Iterable[Span]) -> Iterator[Node]:
    """Every node that the hashes of these spans are made of."""
    for span in spans:
        yield from complete_nodes(*span)
