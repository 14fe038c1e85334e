"""What the sessions carry, and what became of it on the way.

Every byte follows from a key and its place in the stream, so that a receiver needs no copy of what was sent:
it makes the expected bytes itself, and finds out where a stray byte belongs. Pure.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

BLOCK_BYTES = 65_536
LINE_BYTES = 64

PROBE_BYTES = 48
"""So many bytes in a row are looked for when they are not the expected ones."""

MAX_PIECES = 32
"""Whatever comes after so many jumps is not looked for any more."""


class Content(Protocol):
    """A stream without end, made of numbered blocks of one size.

    `reach_bytes` says how far from its place a byte is looked for, each way: further than anything on the way
    can hold.
    """

    block_bytes: int
    reach_bytes: int

    def block(self, number: int) -> bytes: ...


class RandomBytes:
    """Pseudo-random bytes: what a copied file looks like."""

    block_bytes = BLOCK_BYTES
    reach_bytes = 8 * 1024 * 1024

    def __init__(self, key: str) -> None:
        self._key = key

    def block(self, number: int) -> bytes:
        """Block `number` of the stream."""
        return hashlib.shake_128(f"{self._key}/{number}".encode()).digest(BLOCK_BYTES)


class NumberedLines:
    """Lines that begin with their number: what somebody types."""

    block_bytes = LINE_BYTES
    reach_bytes = 4096 * LINE_BYTES

    def __init__(self, key: str) -> None:
        self._key = key

    def block(self, number: int) -> bytes:
        """Line `number`, with its line feed."""
        text = hashlib.shake_128(f"{self._key}/{number}".encode()).hexdigest(LINE_BYTES // 2)
        return f"{number:08d} {text}"[: LINE_BYTES - 1].encode() + b"\n"


FORMS: dict[str, type[RandomBytes] | type[NumberedLines]] = {"bytes": RandomBytes, "lines": NumberedLines}


def content_of(form: str, key: str) -> Content:
    """The content of this form (a key of `FORMS`) that `key` determines."""
    return FORMS[form](key)


def read(content: Content, offset: int, size: int) -> bytes:
    """The bytes from `offset` on."""
    first, last = offset // content.block_bytes, (offset + size - 1) // content.block_bytes
    whole = b"".join(content.block(number) for number in range(first, last + 1))
    start = offset - first * content.block_bytes
    return whole[start : start + size]


def chunks(content: Content, size: int) -> Iterator[bytes]:
    """The first `size` bytes in chunks of one block, the last one shorter where need be."""
    for number in range(-(-size // content.block_bytes)):
        yield content.block(number)[: size - number * content.block_bytes]


def sha256_of(content: Content, size: int) -> str:
    """The SHA-256 of the first `size` bytes, in hexadecimal."""
    digest = hashlib.sha256()
    for chunk in chunks(content, size):
        digest.update(chunk)
    return digest.hexdigest()


class Piece(NamedTuple):
    """Bytes that arrived in one row: from where in the stream (None: from nowhere in it) and how many."""

    start: int | None
    size: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What arrived: how many bytes, their SHA-256, and the rows that they came in, in order of arrival.

    Whole and in order is one piece from 0 (none, if nothing came).
    """

    received: int
    sha256: str
    pieces: tuple[Piece, ...]


class Receiver:
    """Compares what arrives with what should, byte by byte."""

    def __init__(self, content: Content) -> None:
        self.received = 0
        self._content = content
        self._digest = hashlib.sha256()
        self._starts: list[int | None] = [0]
        self._sizes = [0]
        self._waiting = bytearray()

    def take(self, data: bytes) -> None:
        """The next bytes that arrived."""
        self._digest.update(data)
        self.received += len(data)
        self._waiting += data
        self._place(least=PROBE_BYTES)

    def receipt(self) -> Receipt:
        """What arrived in all; nothing may be taken after it."""
        self._place(least=1)
        pieces = tuple(
            Piece(start, size) for start, size in zip(self._starts, self._sizes, strict=True) if size
        )
        return Receipt(self.received, self._digest.hexdigest(), pieces)

    def _place(self, least: int) -> None:
        """Find the place of everything that waits, as long as there are `least` bytes to look for."""
        while self._waiting:
            start = self._starts[-1]
            if start is not None:
                self._extend(start + self._sizes[-1])
            else:
                self._sizes[-1] += len(self._waiting)
                self._waiting.clear()
            if len(self._waiting) < least:
                return
            self._starts.append(self._find(bytes(self._waiting[:PROBE_BYTES])))
            self._sizes.append(0)

    def _extend(self, offset: int) -> None:
        """Take off what waits as far as it is what stands at `offset`."""
        expected = read(self._content, offset, len(self._waiting))
        same = len(expected) if self._waiting == expected else _common(self._waiting, expected)
        self._sizes[-1] += same
        del self._waiting[:same]

    def _find(self, probe: bytes) -> int | None:
        """Where the stream has these bytes, not far from where it should have had them."""
        if len(self._starts) >= MAX_PIECES:
            return None
        reach = self._content.reach_bytes
        low = max(0, self.received - reach)
        at = read(self._content, low, 2 * reach).find(probe)
        return None if at < 0 else low + at


def _common(one: bytes | bytearray, other: bytes) -> int:
    """How many first bytes are the same."""
    return next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
