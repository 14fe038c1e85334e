"""A set of numbers, kept as ranges: for numbers that come nearly in order it takes next to no memory."""

from bisect import bisect_right


class NumberRanges:
    """At most `max_ranges` ranges; when there would be more, the lowest is forgotten."""

    __slots__ = ("_ends", "_max_ranges", "_starts")

    def __init__(self, max_ranges: int) -> None:
        self._max_ranges = max_ranges
        self._starts: list[int] = []
        self._ends: list[int] = []  # the first number behind each range

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._starts, number)
        return at > 0 and number < self._ends[at - 1]

    def __len__(self) -> int:
        """How many ranges there are."""
        return len(self._starts)

    def add(self, number: int) -> None:
        """Harmless when repeated."""
        starts, ends = self._starts, self._ends
        if ends and ends[-1] == number:
            ends[-1] = number + 1
            return
        at = bisect_right(starts, number)
        if at and number < ends[at - 1]:
            return
        if at and number == ends[at - 1]:
            ends[at - 1] = number + 1
        else:
            starts.insert(at, number)
            ends.insert(at, number + 1)
            at += 1
        if at < len(starts) and ends[at - 1] == starts[at]:
            del starts[at], ends[at - 1]
        if len(starts) > self._max_ranges:
            del starts[0], ends[0]
