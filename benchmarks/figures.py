"""What a benchmark finds: figures, the goals they are held against, and the rows that yield them.

Plain values, no I/O. MB = 10^6 bytes, GB = 10^9 bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from benchmarks.statistics import median

if TYPE_CHECKING:
    from benchmarks.bench import Bench


class Skipped(Exception):
    """A row cannot be measured here; the text says what is missing and how to supply it."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit from below (`is_floor`) or from above; the limit itself is within it."""

    limit: float
    is_floor: bool

    def holds(self, value: float) -> bool:
        """Is `value` within it?"""
        return value >= self.limit if self.is_floor else value <= self.limit

    def best(self, values: Sequence[float]) -> float:
        """The value furthest within it."""
        return max(values) if self.is_floor else min(values)

    def __str__(self) -> str:
        return f"{'≥' if self.is_floor else '≤'} {self.limit:g}"


def at_least(limit: float) -> Bound:
    """More is better."""
    return Bound(limit, is_floor=True)


def at_most(limit: float) -> Bound:
    """Less is better."""
    return Bound(limit, is_floor=False)


class Pairing(Enum):
    """What becomes of two samples of one round."""

    RATIO = "ratio"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number.

    `value` is the median of `samples`, one per round, or a single number without samples; None when it was
    left out, for which `note` then gives the reason. `goal` is what the product wants on a quiet machine,
    `gate` what it must hold on any machine: see `benchmarks.gate`.
    """

    name: str
    unit: str
    value: float | None
    samples: tuple[float, ...] = ()
    goal: Bound | None = None
    gate: Bound | None = None
    note: str = ""

    @classmethod
    def of_samples(
        cls,
        name: str,
        unit: str,
        samples: Sequence[float],
        *,
        goal: Bound | None = None,
        gate: Bound | None = None,
        note: str = "",
    ) -> "Figure":
        """The median of one value per round."""
        return cls(
            name=name,
            unit=unit,
            value=median(samples),
            samples=tuple(samples),
            goal=goal,
            gate=gate,
            note=note,
        )

    @classmethod
    def of_value(
        cls,
        name: str,
        unit: str,
        value: float,
        *,
        goal: Bound | None = None,
        gate: Bound | None = None,
        note: str = "",
    ) -> "Figure":
        """A number that was measured once."""
        return cls(name=name, unit=unit, value=value, goal=goal, gate=gate, note=note)

    @classmethod
    def of_pairs(
        cls,
        name: str,
        unit: str,
        first: Sequence[float],
        second: Sequence[float],
        *,
        how: Pairing = Pairing.RATIO,
        goal: Bound | None = None,
        gate: Bound | None = None,
        note: str = "",
    ) -> "Figure":
        """The median of first/second, or of first - second, round by round: what slows a whole round down
        falls on both. Raises ValueError when one has more rounds."""
        pairs = zip(first, second, strict=True)
        samples = [a / b if how is Pairing.RATIO else a - b for a, b in pairs]
        return cls.of_samples(name, unit, samples, goal=goal, gate=gate, note=note)

    @classmethod
    def left_out(cls, name: str, reason: str, *, goal: Bound | None = None) -> "Figure":
        """A figure that could not be had; the table shows why."""
        return cls(name=name, unit="", value=None, goal=goal, note=reason)

    @property
    def is_reached(self) -> bool | None:
        """Does it reach its goal? None without a goal or a value."""
        return None if self.goal is None or self.value is None else self.goal.holds(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A question, and the function that answers it with figures. `order` is its place in the table."""

    name: str
    title: str
    question: str
    order: int
    measure: "Callable[[Bench], Iterator[Figure]]"
    in_quick: bool = True
    in_gate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What came of a row: its figures, and why there are no more; `has_failed` if that is an error."""

    name: str
    title: str
    question: str
    figures: tuple[Figure, ...]
    skipped: str = ""
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run: the conditions by name, and a section per row."""

    conditions: dict[str, str]
    sections: tuple[Section, ...]

    def value(self, row: str, figure: str) -> float | None:
        """The value of a figure, or None when this run does not have it."""
        for section in self.sections:
            for each in section.figures if section.name == row else ():
                if each.name == figure:
                    return each.value
        return None


def format_value(value: float) -> str:
    """Three digits that mean something, without exponents: 0.617, 3.72, 98.6, 1,240."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    places = 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:.{places}f}"
