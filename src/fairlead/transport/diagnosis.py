"""What a diagnosis is made of: checks in their order, what each found, and the lines that tell it.

`fairlead doctor` looks at one hop after another, on a client, a node or the server alike. The first hop that
is broken is what the first line says, with its remedy; hops behind it cannot be judged and are not tried,
but for checks that stand alone. A check is a function that returns what it found, or raises why not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from fairlead.transport.errors import TransportError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MAX_TEXT = 2000
"""Longest text of one finding, in characters."""

_STATE_WIDTH = 12
_HOP_WIDTH = 16


class Broken(Exception):
    """The hop does not work. `remedy` is what to do about it; empty where `fact` says that already."""

    def __init__(self, fact: str, remedy: str = "") -> None:
        super().__init__(fact)
        self.fact = fact
        self.remedy = remedy


class NotKnown(Exception):
    """Whether the hop works cannot be told from here, which proves nothing against it. `bars_the_way`:
    nothing behind it can be tried."""

    def __init__(self, text: str, *, bars_the_way: bool = False) -> None:
        super().__init__(text)
        self.bars_the_way = bars_the_way


class State(Enum):
    """What became of a check."""

    OK = "ok"
    BROKEN = "broken"
    NOT_KNOWN = "not known"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Check:
    """One hop. `run` returns what it found in a few words. It raises `Broken`, `NotKnown`, or an error of its
    package, whose text ends in a remedy behind the last semicolon."""

    hop: str
    run: Callable[[], str]
    stands_alone: bool = False
    """Whether it can be judged although a hop before it is broken."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one check."""

    hop: str
    state: State
    text: str
    remedy: str = ""
    took_s: float = 0.0
    bars_the_way: bool = False

    @property
    def advice(self) -> str:
        """Fact and remedy on one line."""
        return f"{self.text}; {self.remedy}" if self.remedy else self.text


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, in the order of the checks."""

    findings: tuple[Finding, ...]

    @property
    def broken(self) -> Finding | None:
        """The first hop that is broken, if any."""
        return next((each for each in self.findings if each.state is State.BROKEN), None)

    def lines(self) -> list[str]:
        """The verdict, then a line for each check."""
        return [self.verdict(), *map(_line, self.findings)]

    def verdict(self) -> str:
        """The line for who reads one line only: the broken hop and the remedy, or how long each took."""
        broken = self.broken
        if broken is not None:
            return f"broken: {broken.hop}: {broken.advice}"
        tried = [each for each in self.findings if each.state is State.OK]
        unknown = [each.hop for each in self.findings if each.state is State.NOT_KNOWN]
        times = ", ".join(f"{each.hop} {_duration(each.took_s)}" for each in tried)
        verdict = "nothing is broken" if unknown else "everything works"
        left_out = f"; not known: {', '.join(unknown)}" if unknown else ""
        return f"{verdict} ({times}){left_out}"

    def members(self) -> dict[str, object]:
        """The same for programs, in the manner of JSON."""
        broken = self.broken
        return {
            "Verdict": self.verdict(),
            "BrokenHop": None if broken is None else broken.hop,
            "Checks": [
                {
                    "Hop": each.hop,
                    "State": each.state.value,
                    "Text": each.text,
                    "Remedy": each.remedy or None,
                    "Seconds": round(each.took_s, 6),
                }
                for each in self.findings
            ],
        }


def diagnose(
    checks: Iterable[Check],
    failures: Sequence[type[Exception]] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Diagnosis:
    """Run the checks. `failures` are the error classes of the side that is looked at, besides those of this
    package and of the operating system; anything else is a fault of ours and is raised."""
    expected: tuple[type[Exception], ...] = (TransportError, OSError, *failures)
    findings: list[Finding] = []
    is_reached = True
    for check in checks:
        if is_reached or check.stands_alone:
            findings.append(_examined(check, expected, clock))
            is_reached = is_reached and not findings[-1].bars_the_way
        else:
            findings.append(Finding(check.hop, State.NOT_REACHED, ""))
    return Diagnosis(tuple(findings))


def _examined(check: Check, expected: tuple[type[Exception], ...], clock: Callable[[], float]) -> Finding:
    began = clock()
    remedy, bars_the_way = "", True
    try:
        state, text, bars_the_way = State.OK, check.run(), False
    except NotKnown as error:
        state, text, bars_the_way = State.NOT_KNOWN, str(error), error.bars_the_way
    except Broken as error:
        state, text, remedy = State.BROKEN, error.fact, error.remedy
    except expected as error:
        state, (text, remedy) = State.BROKEN, split_remedy(error)
    return Finding(
        check.hop,
        state,
        printable(text, MAX_TEXT),
        printable(remedy, MAX_TEXT),
        max(0.0, clock() - began),
        bars_the_way,
    )


def split_remedy(error: Exception) -> tuple[str, str]:
    """Fact and remedy of an error. In our texts the last semicolon is between them; where there is none, the
    text is all there is."""
    if isinstance(error, OSError) and error.strerror:
        return (f"{error.filename}: {error.strerror}" if error.filename else error.strerror), ""
    fact, semicolon, remedy = str(error).rpartition("; ")
    return (fact, remedy) if semicolon else (str(error), "")


def _line(finding: Finding) -> str:
    took = f"  ({_duration(finding.took_s)})" if finding.state is State.OK else ""
    return f"  {finding.state.value:{_STATE_WIDTH}}{finding.hop:{_HOP_WIDTH}}{finding.advice}{took}".rstrip()


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
