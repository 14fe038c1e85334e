"""The Merkle tree of RFC 6962 §2.1 as its definitions say it: recursion over the leaves themselves."""

from collections.abc import Sequence
from hashlib import sha256


def root(leaves: Sequence[bytes]) -> bytes:
    """MTH."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    fork = _fork(len(leaves))
    return sha256(b"\x01" + root(leaves[:fork]) + root(leaves[fork:])).digest()


def inclusion(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH."""
    if len(leaves) == 1:
        return []
    fork = _fork(len(leaves))
    if index < fork:
        return [*inclusion(index, leaves[:fork]), root(leaves[fork:])]
    return [*inclusion(index - fork, leaves[fork:]), root(leaves[:fork])]


def consistency(first: int, leaves: Sequence[bytes], *, is_known: bool = True) -> list[bytes]:
    """PROOF, by SUBPROOF."""
    if first == len(leaves):
        return [] if is_known else [root(leaves)]
    fork = _fork(len(leaves))
    if first <= fork:
        return [*consistency(first, leaves[:fork], is_known=is_known), root(leaves[fork:])]
    return [*consistency(first - fork, leaves[fork:], is_known=False), root(leaves[:fork])]


def _fork(count: int) -> int:
    """The largest power of two below."""
    fork = 1
    while fork * 2 < count:
        fork *= 2
    return fork
