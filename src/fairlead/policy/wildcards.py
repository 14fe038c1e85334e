"""Text patterns with `*` (any run of characters, also none) and `?` (exactly one character).

A pattern is compiled from tokens rather than from text, so that a `*` that came out of a variable stays a
character. Matching looks for the parts between the stars from left to right and never goes back: its cost
grows with the length of the value, not with the number of ways to match it. A regular expression would not
promise that, and compiling one costs more than matching most requests.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum


class Wildcard(Enum):
    """What stands for something else in a pattern."""

    RUN = "*"
    ONE = "?"


Token = str | Wildcard
"""Literal text, or a wildcard."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """What stands between two stars: a fixed number of characters, some of them free.

    `runs` are the literal texts and their offsets.
    """

    length: int
    runs: tuple[tuple[int, str], ...]

    def is_at(self, value: str, start: int) -> bool:
        """Does the segment match at `start`? The caller knows that the value is long enough."""
        for offset, text in self.runs:  # noqa: SIM110 -- the innermost loop: a generator doubles its cost
            if not value.startswith(text, start + offset):
                return False
        return True

    def find(self, value: str, start: int, end: int) -> int:
        """The leftmost match within `value[start:end]`, or -1."""
        if not self.runs:
            return start if end - start >= self.length else -1
        offset, text = self.runs[0]
        found = value.find(text, start + offset, end)
        if found < 0 or len(text) == self.length:
            return found
        return self._find_with_gaps(value, found - offset, end)

    def _find_with_gaps(self, value: str, start: int, end: int) -> int:
        """Shift-and: bit n of `state` says that the first n+1 characters of the segment match up to here."""
        masks = self._masks()
        free = masks[""]
        last = 1 << (self.length - 1)
        state = 0
        for index in range(start, end):
            state = (state << 1 | 1) & masks.get(value[index], free)
            if state & last:
                return index - self.length + 1
        return -1

    def _masks(self) -> dict[str, int]:
        """For each character the positions that accept it, as bits; under "" those that accept any."""
        free = (1 << self.length) - 1
        positions: dict[str, int] = {}
        for offset, text in self.runs:
            free ^= ((1 << len(text)) - 1) << offset
            for index, character in enumerate(text, offset):
                positions[character] = positions.get(character, 0) | 1 << index
        return {"": free} | {character: bits | free for character, bits in positions.items()}


@dataclass(frozen=True, slots=True)
class Glob:
    """A compiled pattern; made by `compile_glob`."""

    segments: tuple[_Segment, ...]
    min_length: int

    def matches(self, value: str) -> bool:
        """Does the pattern match the whole value? Case counts."""
        if len(value) < self.min_length:
            return False
        head, tail = self.segments[0], self.segments[-1]
        if not head.is_at(value, 0):
            return False
        if len(self.segments) == 1:
            return len(value) == self.min_length
        end = len(value) - tail.length
        return tail.is_at(value, end) and self._has_middle(value, head.length, end)

    def _has_middle(self, value: str, start: int, end: int) -> bool:
        # Taking each segment as far left as possible leaves the most room for the rest.
        for segment in self.segments[1:-1]:
            found = segment.find(value, start, end)
            if found < 0:
                return False
            start = found + segment.length
        return True


def has_wildcards(text: str) -> bool:
    """Is there a `*` or `?` in the text?"""
    return "*" in text or "?" in text


def tokens_of(text: str) -> Iterator[Token]:
    """The tokens of a pattern that is plain text: every `*` and `?` is a wildcard."""
    for part in re.split(r"([*?])", text):
        if part in ("*", "?"):
            yield Wildcard(part)
        elif part:
            yield part


def compile_glob(tokens: Iterable[Token]) -> Glob:
    """Compile a pattern. No tokens at all match the empty text only."""
    segments: list[_Segment] = []
    runs: list[tuple[int, str]] = []
    length = min_length = 0
    for token in tokens:
        if token is Wildcard.RUN:
            if length or not segments:  # several stars in a row are one
                segments.append(_Segment(length, tuple(runs)))
                min_length += length
                length, runs = 0, []
        elif token is Wildcard.ONE:
            length += 1
        else:
            if runs and runs[-1][0] + len(runs[-1][1]) == length:
                offset, before = runs.pop()
                runs.append((offset, before + token))  # joined, so that the search for plain text stays plain
            else:
                runs.append((length, token))
            length += len(token)
    segments.append(_Segment(length, tuple(runs)))
    return Glob(tuple(segments), min_length + length)
